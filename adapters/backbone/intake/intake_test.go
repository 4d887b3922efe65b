package intake_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/core"
	hall "digitalpost/adapters/backbone/intake"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/streams"
)

func submission(uuid domain.UUID, body string) hall.Submission {
	return hall.Submission{UUID: uuid, MeMo: strings.NewReader(body)}
}

// shard gives what the log has of a system's UUID where it came in.
func shard(b *backbonetest.Backbone, sys organisations.System, uuid domain.UUID) []backbonetest.Record {
	return b.Stream(streams.Intake, intake.ShardID(intake.ShardOf(sys.ID, uuid)), 0)
}

// Of rival senders of one UUID one is received and delivered, once; those with the same bytes get its receipt, and
// those with others are told that the UUID is used.
func TestRivalsOfOneUUIDHaveOneOutcome(t *testing.T) {
	t.Parallel()

	const rivals = 8
	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	sys, uuid := b.Authority(backbonetest.Municipality), core.NewUUID()

	errs := make([]error, rivals)
	var wg sync.WaitGroup
	for i := range rivals {
		text := []string{"one", "other"}[i%2]
		body := backbonetest.Memo(sys, backbonetest.Mette, backbonetest.Letter{UUID: uuid, Text: text})

		wg.Add(1)
		go func() {
			defer wg.Done()
			_, errs[i] = b.Intake.Submit(context.Background(), sys, submission(uuid, body))
		}()
	}
	wg.Wait()

	var taken [2]int
	for i, err := range errs {
		switch {
		case err == nil:
			taken[i%2]++
		case !core.IsReason(err, intake.UUIDReused):
			t.Errorf("a rival: %v", err)
		}
	}

	if taken != [2]int{rivals / 2, 0} && taken != [2]int{0, rivals / 2} {
		t.Errorf("taken: %d of the one, %d of the other; want all of one of them", taken[0], taken[1])
	}

	m := intake.MessageOf(sys.ID, uuid)
	b.Until(func() bool { return len(b.Box(box, 0, mailbox.MessageDelivered{}.EventType())) > 0 })
	delivered := b.Box(box, 0, mailbox.MessageDelivered{}.EventType())
	if got := shard(b, sys, uuid); len(got) != 1 || len(delivered) != 1 ||
		delivered[0].Says.(mailbox.MessageDelivered).Message != m {
		t.Errorf("received %v, delivered %v; want each once", backbonetest.Types(got), backbonetest.Types(delivered))
	}

	if r := b.Outcome(sys, m); r.Status != "COMPLETED" {
		t.Errorf("the outcome is %+v", r)
	}
}

// twice sends a MeMo twice at once, and gives what comes of each.
func twice(b *backbonetest.Backbone, sys organisations.System, uuid domain.UUID) <-chan error {
	done := make(chan error, 2)
	for range 2 {
		body := backbonetest.Memo(sys, backbonetest.Mette, backbonetest.Letter{UUID: uuid})
		go func() {
			_, err := b.Intake.Submit(context.Background(), sys, submission(uuid, body))
			done <- err
		}()
	}

	return done
}

// The loser of two simultaneous sends of a UUID leaves the winner's claim alone: while the winner's outcome is being
// found, it is taken up by nobody else.
func TestALoserLeavesTheWinnersClaim(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	b.Citizen(backbonetest.Mette)
	sys, uuid := b.Authority(backbonetest.Municipality), core.NewUUID()

	var both sync.WaitGroup // they have met before the log
	both.Add(2)
	var finding atomic.Int32
	begun, finish := make(chan bool, 2), make(chan bool)
	b.AtSteps(func(step string) {
		switch step {
		case "document written":
			both.Done()
			both.Wait()
		case "before outcome":
			if finding.Add(1) == 1 {
				begun <- true
				<-finish
			}
		}
	})

	done := twice(b, sys, uuid)
	<-begun
	if err := <-done; err != nil {
		t.Errorf("the loser: %v", err)
	}

	once, cancel := context.WithCancel(context.Background())
	cancel()
	b.Intake.RunPending(once) // takes up what is pending, once
	if n := finding.Load(); n != 1 {
		t.Errorf("the outcome is being found %d times at once", n)
	}

	close(finish)
	if err := <-done; err != nil {
		t.Errorf("the winner: %v", err)
	}
	if got := shard(b, sys, uuid); len(got) != 1 {
		t.Errorf("received: %v", backbonetest.Types(got))
	}
}

// The one that claims a message first and loses before the log takes its claim with it; the winner, whose outcome is
// still to be found, has one all the same, though others look for it and the recipient is registered meanwhile.
func TestOneOutcomeWhoeverClaimsFirst(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	sys, uuid := b.Authority(backbonetest.Municipality), core.NewUUID()

	var claimed, finding atomic.Int32
	won, begun, finish := make(chan bool), make(chan bool, 4), make(chan bool)
	b.AtSteps(func(step string) {
		switch step {
		case "claimed":
			if claimed.Add(1) == 1 {
				<-won // the first to claim loses before the log
			}
		case "event appended":
			close(won)
		case "before outcome":
			finding.Add(1)
			begun <- true
			<-finish
		}
	})

	done := twice(b, sys, uuid)
	<-begun
	if err := <-done; err != nil {
		t.Errorf("the loser: %v", err)
	}
	worker, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	go b.Intake.RunPending(worker)
	<-worker.Done()
	if n := finding.Load(); n != 1 {
		t.Errorf("the outcome is being found %d times at once", n)
	}

	box := b.Citizen(backbonetest.Mette)
	close(finish)
	if err := <-done; err != nil {
		t.Errorf("the winner: %v", err)
	}

	refused := len(shard(b, sys, uuid)) - 1
	delivered := len(b.Box(box, 0, mailbox.MessageDelivered{}.EventType()))
	if refused+delivered != 1 {
		t.Errorf("refused %d times and delivered %d times; want one outcome", refused, delivered)
	}
}

// What is not of the format is not kept, and its UUID stays free.
func TestAMeMoThatIsNoneLeavesItsUUIDFree(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	b.Citizen(backbonetest.Mette)
	sys, uuid := b.Authority(backbonetest.Municipality), core.NewUUID()
	good := backbonetest.Memo(sys, backbonetest.Mette, backbonetest.Letter{UUID: uuid})
	before := b.Position()

	for what, body := range map[string]string{
		"cut short":    good[:len(good)/2],
		"another UUID": strings.Replace(good, uuid.String(), core.NewUUID().String(), 1),
		"no XML":       "hej",
	} {
		var form *memo.FormError
		_, err := b.Intake.Submit(context.Background(), sys, submission(uuid, body))
		if !errors.As(err, &form) {
			t.Errorf("%s: %v, want a *memo.FormError", what, err)
		}
	}

	if b.Position() != before {
		t.Errorf("the log went from %d to %d", before, b.Position())
	}

	r, err := b.Intake.Submit(context.Background(), sys, submission(uuid, good))
	if err != nil || r.Status != "RECEIVED" {
		t.Errorf("the same UUID, rightly: %+v, %v", r, err)
	}
}

// A MeMo that is refused has its one outcome and receipt, and what it carried is forgotten: its key, and its document's
// bytes.
func TestARefusedMeMoIsForgotten(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	sys, uuid := b.Authority(backbonetest.Municipality), core.NewUUID()
	m := b.Submit(sys, backbonetest.Åse, backbonetest.Letter{UUID: uuid}) // who has no mailbox

	if r := b.Outcome(sys, m); r.Status != "INVALID" || r.Code != "recipient.not.found" {
		t.Errorf("the receipt says %s, %s", r.Status, r.Code)
	}

	log := shard(b, sys, uuid)
	want := []string{intake.MemoReceived{}.EventType(), intake.MemoRefused{}.EventType()}
	if types := backbonetest.Types(log); len(types) != 2 || types[0] != want[0] || types[1] != want[1] {
		t.Fatalf("the log has %v, want %v", types, want)
	}

	received := log[0].Says.(intake.MemoReceived)
	document := received.Effect().Keeps[0]
	b.Restart() // forgetting is caught up before anything is served
	if b.Kept(document) {
		t.Error("the document's bytes are there")
	}

	if !b.Forgotten(log[0].Stream.ID, received.Leaf) {
		t.Error("the key is there")
	}

	if b.Forgotten(log[0].Stream.ID, 0) {
		t.Error("the stream's lasting key is gone")
	}
}

// Who receives is told once: the same bytes get the first receipt again, also after a restart.
func TestTheSameBytesGetTheFirstReceipt(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	sys, uuid := b.Authority(backbonetest.Municipality), core.NewUUID()
	body := backbonetest.Memo(sys, backbonetest.Mette, backbonetest.Letter{UUID: uuid})

	first, err := b.Intake.Submit(context.Background(), sys, submission(uuid, body))
	if err != nil {
		t.Fatal(err)
	}

	for _, restarted := range []bool{false, true} {
		if restarted {
			b.Restart()
		}

		again, err := b.Intake.Submit(context.Background(), sys, submission(uuid, body))
		if err != nil || again != first {
			t.Errorf("restarted %v: %+v, %v; want %+v", restarted, again, err, first)
		}
	}

	if got := b.Box(box, 0, mailbox.MessageDelivered{}.EventType()); len(got) != 1 {
		t.Errorf("delivered %d times", len(got))
	}
}

// Wherever the process ends once a MeMo was received, its outcome is found after the start, once.
func TestAnOutcomeIsTakenUpAtStart(t *testing.T) {
	t.Parallel()

	for _, step := range []string{"event appended", "before outcome"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()

			b := backbonetest.Open(t)
			box := b.Citizen(backbonetest.Mette)
			sys, uuid := b.Authority(backbonetest.Municipality), core.NewUUID()
			body := backbonetest.Memo(sys, backbonetest.Mette, backbonetest.Letter{UUID: uuid})

			b.EndAt(step, func(ctx context.Context) {
				b.Intake.Submit(ctx, sys, submission(uuid, body))
			})
			if got := b.Box(box, 0, mailbox.MessageDelivered{}.EventType()); len(got) > 0 {
				t.Fatal("delivered before the outcome was found")
			}

			b.Restart()
			b.Until(func() bool { return len(b.Box(box, 0, mailbox.MessageDelivered{}.EventType())) > 0 })
			if r := b.Outcome(sys, intake.MessageOf(sys.ID, uuid)); r.Status != "COMPLETED" {
				t.Errorf("the outcome is %+v", r)
			}
		})
	}
}
