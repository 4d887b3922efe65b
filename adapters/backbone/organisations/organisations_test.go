package organisations_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/domain/access"
	"digitalpost/domain/organisation"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
)

// What a sender system changes of its organisation's contact structure stands in the log as that system's.
func TestASystemsChangesAreItsOwn(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	sys := b.Authority(backbonetest.Municipality)
	after := b.Position()

	group := organisation.ContactGroup{Group: core.NewUUID(), Name: "Familie"}
	at, err := b.Organisations.Change(ctx, sys, organisation.PutGroup{Group: group, Create: true})
	if err != nil {
		t.Fatal(err)
	}

	got := b.Stream(streams.Organisation, sys.OrgID, after)
	if len(got) != 1 || got[0].Position != at {
		t.Fatalf("the log has %v, want one event at %d", backbonetest.Types(got), at)
	}

	want := eventstore.Actor{Kind: "system", ID: sys.ID}
	if got[0].Type != (organisation.ContactGroupCreated{}).EventType() || got[0].Meta.Actor != want {
		t.Errorf("%s by %+v, want a contact group by %+v", got[0].Type, got[0].Meta.Actor, want)
	}

	all, err := b.Organisations.Contacts()
	if err != nil {
		t.Fatal(err)
	}

	if g, ok := all.Group(group.Group); !ok || g.Group.Name != group.Name {
		t.Errorf("when the change is answered the directory has %+v, %v", g, ok)
	}
}

// A system changes its own organisation, and nothing that is not there.
func TestASystemChangesItsOwnOrganisationAlone(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	sys, other := b.Authority(backbonetest.Municipality), b.Sender(backbonetest.Insurer, backbonetest.EBoks)
	before := b.Position()

	stranger := sys
	stranger.Organisation = other.Organisation
	group := organisation.ContactGroup{Group: core.NewUUID(), Name: "Familie"}
	for what, x := range map[string]struct {
		sys  organisations.System
		cmd  organisation.Command
		want error
	}{
		"another's organisation": {stranger, organisation.PutGroup{Group: group, Create: true}, nil},
		"a register's command":   {sys, organisation.BeginContacts{}, nil},
		"a group that is none":   {sys, organisation.PutGroup{Group: group}, core.ErrNotFound},
	} {
		_, err := b.Organisations.Change(ctx, x.sys, x.cmd)
		if x.want == nil && !core.IsReason(err, organisation.NotYours) || x.want != nil && !errors.Is(err, x.want) {
			t.Errorf("%s: %v", what, err)
		}
	}

	if b.Position() != before {
		t.Errorf("the log went from %d to %d", before, b.Position())
	}
}

// A system that is registered again is the same one; another key takes the place of the first, and the same changes
// nothing.
func TestASystemIsRegisteredOnce(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	sys := b.Authority(backbonetest.Municipality)

	register := func(key string) {
		t.Helper()

		err := b.Organisations.RegisterSystem(ctx, organisations.Console, organisations.Registration{
			Organisation: sys.Organisation, Name: sys.Name, KeyHash: []byte(key),
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	before := b.Position()
	register(string(sys.KeyHash))
	if b.Position() != before {
		t.Errorf("the same key again: the log went from %d to %d", before, b.Position())
	}

	register("another")
	now, err := b.Organisations.System(sys.ID)
	if err != nil || string(now.KeyHash) != "another" {
		t.Errorf("its key is %q, %v", now.KeyHash, err)
	}

	got := b.Stream(streams.Organisation, sys.OrgID, before)
	if len(got) != 1 || got[0].Meta.Actor.Kind != string(access.Operations) {
		t.Errorf("the log has %v, want the key set by the operator", backbonetest.Types(got))
	}

	if now.Trusts(backbonetest.Insurer, now.Organisation.UUID) {
		t.Error("another's certificate is trusted")
	}

	err = b.Organisations.Delegate(ctx, organisations.Console, backbonetest.Municipality, sys.ID, backbonetest.Insurer)
	if err != nil {
		t.Fatal(err)
	}

	if now, err = b.Organisations.System(sys.ID); err != nil || !now.Trusts(backbonetest.Insurer, [16]byte{1}) {
		t.Errorf("a supplier's certificate is not trusted: %v", err)
	}
}

// A batch of a hundred thousand numbers of which a third is unknown passes; who tries out all that there could be does
// not, and holds up no other system. Each thousand is in the log.
func TestUnknownNumbersAreLimited(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	sys, other := b.Authority(backbonetest.Municipality), b.Authority("20000002")
	ctx := context.Background()
	look := func(sys organisations.System, known bool) error {
		return b.Organisations.LookUp(ctx, sys, func() (bool, error) { return known, nil })
	}

	for i := range 100_000 {
		if err := look(sys, i%3 > 0); err != nil {
			t.Fatalf("number %d: %v", i, err)
		}
	}

	var err error
	more := 0
	for ; err == nil && more < 100_000; more++ {
		err = look(sys, false)
	}
	var limited *core.LimitedError
	if !errors.As(err, &limited) || more < 16_000 || more > 17_000 {
		t.Errorf("after %d more: %v", more, err)
	}
	if err := look(other, false); err != nil {
		t.Errorf("another system: %v", err)
	}

	met := uint32(0)
	for _, rec := range b.Since(0) {
		if e, ok := rec.Says.(organisation.UnknownMet); ok && e.System == sys.ID {
			met += e.Count
		}
	}
	if met != 50_000 {
		t.Errorf("%d are recorded, want 50,000", met)
	}
}

// A key that was taken back is good no more once the view has that, though who took it back did not wait for it, and
// somebody asked in between.
func TestNothingThatAuthorisesIsOlderThanItsView(t *testing.T) {
	t.Parallel()

	var gate sync.RWMutex // the views are held as long as it is locked
	b := backbonetest.Open(t, backbonetest.SlowViews(func() {
		gate.RLock()
		defer gate.RUnlock()
	}))
	sys := b.Authority(backbonetest.Municipality)
	if got, err := b.Organisations.System(sys.ID); err != nil || !bytes.Equal(got.KeyHash, sys.KeyHash) {
		t.Fatalf("the system's key is %x, %v", got.KeyHash, err)
	}

	gate.Lock()
	before := b.Position()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- b.Organisations.RegisterSystem(ctx, organisations.Console, organisations.Registration{
			Organisation: sys.Organisation, Name: sys.Name, Platform: sys.Platform, KeyHash: []byte("new"),
		})
	}()
	for b.Position() == before { // until it is in the log, which the views do not follow
		runtime.Gosched()
	}
	cancel()
	if err := <-done; err == nil {
		t.Fatal("who took the key back has waited")
	}
	if _, err := b.Organisations.System(sys.ID); err != nil { // answered by the view as it stands
		t.Fatal(err)
	}

	gate.Unlock()
	if err := b.Fresh(context.Background(), b.Position()); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Organisations.System(sys.ID); err != nil || string(got.KeyHash) != "new" {
		t.Errorf("the view has the new key, and the old one is good: %v", err)
	}
}
