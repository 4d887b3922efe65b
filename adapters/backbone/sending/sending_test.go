package sending_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/drafts"
)

func pointer[T any](v T) *T { return &v }

// A draft that is edited while it is sent is sent as it is then, or not at all: never without what its author wrote.
func TestEditedWhileSent(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	var edit atomic.Pointer[func()]
	var wait atomic.Int32

	b := backbonetest.Open(t, backbonetest.Now(func() time.Time {
		if wait.Add(-1) < 0 {
			if f := edit.Swap(nil); f != nil {
				(*f)()
			}
		}

		return time.Now()
	}))
	box := b.Citizen(backbonetest.Mette)
	ask := backbonetest.Owner(box, backbonetest.App)
	m, _, err := b.Drafts.Begin(ctx, ask, drafts.Words{Label: pointer("Emne")})
	if err != nil {
		t.Fatal(err)
	}

	for when := range int32(12) { // wherever the edit comes in
		f := func() {
			other := drafts.Words{Label: pointer("Et andet emne")}
			if _, _, err := b.Drafts.Change(ctx, ask, m.ID, other); err != nil {
				t.Error(err)
			}
		}
		wait.Store(when)
		edit.Store(&f)

		ahead := ask
		ahead.Version = m.Row.Version + 1
		if _, _, err := b.Sending.Send(ctx, ahead, m.ID); err == nil {
			t.Fatal("a draft that has no recipient was sent")
		}
		edit.Store(nil)

		if m, err = b.Messages.Message(ctx, ask.Principal, box, m.ID); err != nil || m.Row.Draft == nil {
			t.Fatalf("the draft is %+v, %v", m.Row, err)
		}
	}
}
