package register_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/register"
	"digitalpost/domain/streams"
)

// run is what happens to some people, in one call.
func run() (lines []register.Line) {
	add := func(kind, cpr string, change func(*register.Line)) {
		l := register.Line{Seq: uint64(len(lines) + 1), Type: kind, At: "2026-01-01", CPR: cpr, Name: "Opdigtet"}
		if change != nil {
			change(&l)
		}
		lines = append(lines, l)
	}
	for i := range 8 {
		add(register.MovedIn, fmt.Sprintf("610180111%d", i), nil)
	}
	add(register.Named, "6101801111", func(l *register.Line) { l.Name = "Ny Opdigtet" })
	add(register.Died, "6101801112", nil)
	add(register.DeathCorrected, "6101801112", nil)
	add(register.Left, "6101801113", nil)
	add(register.Returned, "6101801113", nil)
	add(register.NumberChanged, "6101801114", func(l *register.Line) { l.NewCPR = "6201801114" })
	add(register.Moved, "6201801114", func(l *register.Line) { l.Municipality = "0751" })
	add(register.NumberChanged, "6101801115", func(l *register.Line) { l.NewCPR = "6101801116" })

	return lines
}

// happened counts the events of each type that registers have made.
func happened(b *backbonetest.Backbone) map[string]int {
	out := map[string]int{}
	for _, rec := range b.Since(0) {
		of := rec.Stream.Kind
		if rec.Meta.Actor.Kind == "register" && (of == streams.Mailbox || of == streams.Register) {
			out[rec.Type]++
		}
	}

	return out
}

// A process that ends anywhere in a run has its lines taken again, and each of them has its effect once.
func TestARunThatIsCutOff(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	whole := backbonetest.Open(t)
	if n, _, err := whole.Registers.Take(ctx, register.CPR, run()); err != nil || n != len(run()) {
		t.Fatalf("%d lines were taken: %v", n, err)
	}
	want := happened(whole)
	if want[mailbox.Opened{}.EventType()] != 8 || want["register.task-raised"] != 1 {
		t.Fatalf("a whole run makes %v", want)
	}

	for _, step := range []string{"roots written", "number entered", "lines have their effect"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			b := backbonetest.Open(t)
			b.EndAt(step, func(ctx context.Context) { b.Registers.Take(ctx, register.CPR, run()) })
			b.Restart()
			if _, seq, err := b.Registers.Take(ctx, register.CPR, run()); err != nil || seq != uint64(len(run())) {
				t.Fatalf("taken again, to line %d: %v", seq, err)
			}
			if got := happened(b); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("there are %v, want %v", got, want)
			}
		})
	}
}

// A mailbox that falls due while the process is killed opens once, at the next start.
func TestADateThatIsCutOff(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := backbonetest.Open(t)
	line := register.Line{
		Seq: 1, Type: register.Founded, At: b.Clock.Now().Format(time.DateOnly), CVR: "90000001", Name: "Påfund ApS",
	}
	if _, _, err := b.Registers.Take(ctx, register.CVR, []register.Line{line}); err != nil {
		t.Fatal(err)
	}
	b.Clock.Advance(20 * 24 * time.Hour)
	for range 2 {
		b.Restart()
		b.Until(func() bool { _, ok, err := b.People.Find(mailbox.Company, "90000001"); return err == nil && ok })
	}
	n := 0
	for _, rec := range b.Since(0) {
		if rec.Type == (mailbox.Opened{}).EventType() && rec.Meta.Actor.Kind == "clock" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("it was opened %d times", n)
	}
}
