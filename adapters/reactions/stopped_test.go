package reactions_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/intake"
	"digitalpost/adapters/reactions"
	"digitalpost/projections/engine"
)

// A system whose effect was given up, and that took nothing else for days, is switched off: what waits stays where it
// is, and goes on once an address is set. One that took something else is not.
func TestASystemThatTakesNothingIsSwitchedOff(t *testing.T) {
	t.Parallel()
	var took atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { took.Add(1) }))
	defer srv.Close()

	ctx := context.Background()
	b := backbonetest.Open(t)
	sys := b.Authority(backbonetest.Municipality)
	b.Citizen(backbonetest.Mette)
	set := func() {
		t.Helper()
		if _, err := b.Organisations.SetEndpoint(ctx, sys, false, srv.URL); err != nil {
			t.Fatal(err)
		}
	}
	set()
	stopped := func() bool {
		now, err := b.Organisations.System(sys.ID)
		return err == nil && now.Receipts.Stopped
	}
	source := reactions.NewReceipts(b.Backbone, reactions.Outward{Dev: true},
		func(r intake.Receipt) any { return r.ID })
	e := reactions.Effect{
		Receiver: sys.ID.String(), Key: "key", Thing: b.Submit(sys, backbonetest.Mette, backbonetest.Letter{}),
	}

	down := errors.New("down")
	other := e
	other.Thing, other.Alive = b.Submit(sys, backbonetest.Mette, backbonetest.Letter{}), true
	if err := source.Done(ctx, other, down); err != nil || stopped() {
		t.Errorf("given up, while others were taken: %v, switched off %v", err, stopped())
	}

	if err := source.Done(ctx, e, down); err == nil || !stopped() {
		t.Errorf("given up, with nothing taken: %v, switched off %v; want it kept, and switched off", err, stopped())
	}

	var later *reactions.LaterError
	if err := source.Do(ctx, e); !errors.As(err, &later) || took.Load() > 0 {
		t.Errorf("while it is switched off: %v, taken %d", err, took.Load())
	}

	set()
	if err := source.Do(ctx, e); err != nil || took.Load() != 1 {
		t.Errorf("set again: %v, taken %d, want once", err, took.Load())
	}
}

// A system is told of what came to be after it asked to be told, however late that is planned.
func TestASystemIsToldOfWhatComesAfterItAsked(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := backbonetest.Open(t)
	sys := b.Authority(backbonetest.Municipality)
	b.Citizen(backbonetest.Mette)
	source := reactions.NewReceipts(b.Backbone, reactions.Outward{Dev: true},
		func(r intake.Receipt) any { return r.ID })
	planned := func() (n int) {
		t.Helper()
		for rec, err := range b.Log.ReadAll(ctx, 0) {
			if err != nil {
				t.Fatal(err)
			}

			effects, err := source.Plan(ctx, &engine.Entry{Event: rec})
			if err != nil {
				t.Fatal(err)
			}
			n += len(effects)
		}
		return n
	}
	send := func() { b.Submit(sys, backbonetest.Mette, backbonetest.Letter{}) }
	set := func(url string) {
		t.Helper()
		if _, err := b.Organisations.SetEndpoint(ctx, sys, false, url); err != nil {
			t.Fatal(err)
		}
	}

	send()
	for _, step := range []struct {
		url  string
		want int
	}{
		{"http://127.0.0.1:1/", 1}, {"http://127.0.0.1:1/other", 2}, {"", 0}, {"http://127.0.0.1:1/", 1},
	} {
		set(step.url)
		send()
		if n := planned(); n != step.want {
			t.Errorf("with the endpoint %q: %d receipts are planned, want %d", step.url, n, step.want)
		}
	}
}
