package core_test

import (
	"errors"
	"testing"
	"time"

	"digitalpost/adapters/backbone/core"
)

// Each may fail so often at once, and is forgiven one after another; what fits costs nothing; one's failures are not
// another's.
func TestGuesses(t *testing.T) {
	t.Parallel()

	g := core.NewGuesses(core.LimitNumbers, 20, time.Hour)
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	one, other := [16]byte{1}, [16]byte{2}

	for range 1000 {
		if err := g.Take(one, now); err != nil {
			t.Fatal(err)
		}
		g.GiveBack(one)
	}

	for i := range 20 {
		if err := g.Take(one, now); err != nil {
			t.Fatalf("failure %d: %v", i+1, err)
		}
	}
	var limited *core.LimitedError
	if err := g.Take(one, now); !errors.As(err, &limited) || limited.Retry != 3*time.Minute {
		t.Fatalf("the 21st: %v, want a wait of 3 minutes", err)
	}
	if err := g.Take(other, now); err != nil {
		t.Errorf("another: %v", err)
	}

	now = now.Add(3*time.Minute + time.Second)
	if err := g.Take(one, now); err != nil {
		t.Errorf("after 3 minutes: %v", err)
	}
	if err := g.Take(one, now); err == nil {
		t.Error("two are forgiven at once")
	}
}
