package intake_test

import (
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/domaintest"
	"digitalpost/domain/intake"
)

// A scenario is a row of the rule book of this package.
type scenario = domaintest.Scenario[intake.Command, intake.Order, intake.Event]

var (
	refused = domaintest.Refused

	m1, m2 = domain.MessageID{1}, domain.MessageID{2}
	r1     = domain.ReceiptID{1}
)

// given is what has happened in a stream, then what a command leads to.
func given(es ...intake.Event) []intake.Event { return es }
func then(es ...intake.Event) []intake.Event  { return es }

// by has a machine give a command.
func by(m access.Machine) func(intake.Command) intake.Order {
	return func(c intake.Command) intake.Order { return intake.Order{Command: c, By: m} }
}

func received(m domain.MessageID, leaf uint32) intake.MemoReceived {
	return intake.MemoReceived{Message: m, Leaf: leaf}
}

// notDelivered is the outcome that a MeMo is invalid.
var notDelivered = intake.MemoRefused{Message: m1, Status: "INVALID", Code: "file.empty.not.allowed", Leaf: 1}

// receiptGone is that a sender deleted the final receipt.
var receiptGone = intake.ReceiptDeleted{Message: m1, Receipt: r1}

// underLeaf is a key that shows under which leaf it was sealed.
func underLeaf(leaf uint32) (domain.Sealed, error) { return domain.Sealed{byte(leaf)}, nil }

// receiptSent and receiptLost are how a receipt's way to its system ends.
var (
	receiptSent = intake.ReceiptPushed{Message: m1, Receipt: intake.FinalOf(m1), Outcome: intake.PushSent}
	receiptLost = intake.ReceiptPushed{Message: m1, Receipt: intake.FinalOf(m1), Outcome: intake.PushFailed}
)

var rules = []scenario{
	{
		Name: "a MeMo comes in",
		When: intake.Receive{Received: received(m1, 0)},
		Then: then(received(m1, 1)),
	},
	{
		Name:  "a MeMo comes in: its key is sealed under the next leaf",
		Given: given(received(m2, 1)),
		When:  intake.Receive{Received: received(m1, 0), Seal: underLeaf},
		Then:  then(intake.MemoReceived{Message: m1, Leaf: 2, DocumentKey: domain.Sealed{2}}),
	},
	{
		Name:  "the same MeMo comes again",
		Given: given(received(m1, 1)),
		When:  intake.Receive{Received: received(m1, 0)},
		Err:   refused(intake.AlreadyReceived),
	},
	{
		Name:  "the same MeMo comes again after it was refused",
		Given: given(received(m1, 1), notDelivered),
		When:  intake.Receive{Received: received(m1, 0)},
		Err:   refused(intake.AlreadyReceived),
	},
	{
		Name:  "nobody else takes a MeMo in",
		When:  intake.Receive{Received: received(m1, 0)},
		Order: by(access.Operations),
		Err:   refused(access.NotAllowed),
	},
	{
		Name:  "a MeMo is not delivered",
		Given: given(received(m1, 1)),
		When:  intake.Settle{Refused: notDelivered},
		Order: by(access.System),
		Then:  then(notDelivered),
	},
	{
		Name:  "a MeMo has one outcome",
		Given: given(received(m1, 1), notDelivered),
		When:  intake.Settle{Refused: notDelivered},
		Order: by(access.System),
	},
	{
		Name:  "a MeMo that never came has none",
		Given: given(received(m2, 1)),
		When:  intake.Settle{Refused: notDelivered},
		Order: by(access.System),
		Err:   refused(domain.NotFound),
	},
	{
		Name:  "leaves of a lost history are passed over",
		When:  intake.PassLeaves{Leaf: 7},
		Order: by(access.Operations),
		Then:  []intake.Event{intake.LeavesPassed{Leaf: 7}},
	},
	{
		Name:  "they are passed over once",
		Given: []intake.Event{intake.LeavesPassed{Leaf: 7}},
		When:  intake.PassLeaves{Leaf: 7},
		Order: by(access.Operations),
	},
	{
		Name: "a system passes none over",
		When: intake.PassLeaves{Leaf: 7},
		Err:  domaintest.Refused(access.NotAllowed),
	},
	{
		Name:  "a final receipt is deleted",
		Given: given(received(m1, 1), notDelivered),
		When:  intake.DeleteReceipt{Deleted: receiptGone},
		Then:  then(receiptGone),
	},
	{
		Name:  "a final receipt is deleted once",
		Given: given(received(m1, 1), notDelivered, receiptGone),
		When:  intake.DeleteReceipt{Deleted: receiptGone},
	},
	{
		Name:  "a final receipt was pushed",
		Given: given(received(m1, 1), notDelivered),
		When:  intake.NotePush{Pushed: receiptSent},
		Then:  then(receiptSent),
	},
	{
		Name:  "it is noted once",
		Given: given(received(m1, 1), notDelivered, receiptSent),
		When:  intake.NotePush{Pushed: receiptSent},
	},
	{
		Name:  "one that was given up is taken after all",
		Given: given(received(m1, 1), notDelivered, receiptLost),
		When:  intake.NotePush{Pushed: receiptSent},
		Then:  then(receiptSent),
	},
	{
		Name:  "one that was taken is not given up any more",
		Given: given(received(m1, 1), notDelivered, receiptSent),
		When:  intake.NotePush{Pushed: receiptLost},
	},
	{
		Name: "a push of what never came",
		When: intake.NotePush{Pushed: receiptSent},
		Err:  refused(domain.NotFound),
	},
	{
		Name: "a final receipt of what never came",
		When: intake.DeleteReceipt{Deleted: receiptGone},
		Err:  refused(domain.NotFound),
	},
}

func TestRules(t *testing.T) {
	domaintest.Run(t, intake.Decider, intake.Codec, by(access.System), rules)
}

// judgements are of what comes again.
var judgements = []domaintest.Judgement{
	{Name: "the same bytes", Got: intake.JudgeRepeat(true)},
	{Name: "other bytes", Got: intake.JudgeRepeat(false), Want: intake.UUIDReused},
}

func TestJudgements(t *testing.T) { domaintest.Judge(t, judgements) }

func TestEachReasonHasARow(t *testing.T) {
	var expected []domain.Reason
	for _, row := range rules {
		if row.Err != nil {
			expected = append(expected, row.Err.Reason)
		}
	}

	for _, row := range judgements {
		expected = append(expected, row.Want)
	}

	domaintest.Reasons(t, intake.Reasons, expected, nil)
}

// Every type of command has a row in which it is accepted.
func TestEachCommandHasARow(t *testing.T) { domaintest.Accepted(t, rules) }

// A sender system and the backbone give commands, and no other machine.
func TestMachines(t *testing.T) {
	for _, row := range rules {
		for _, m := range []access.Machine{
			"", access.Clock, access.System, access.Register, access.Operations, access.System, access.Forwarder,
		} {
			_, err := intake.Decider.Decide(domaintest.State(intake.Decider, row), by(m)(row.When))
			want := m == access.System
			if _, restores := row.When.(intake.PassLeaves); restores {
				want = m == access.Operations
			}

			if r, _ := domain.Refused(err); (r != access.NotAllowed) != want {
				t.Errorf("%s by %q: error = %v, want it allowed: %v", row.Name, m, err, want)
			}
		}
	}
}

// An order's state needs to know of one message alone.
func TestAbout(t *testing.T) {
	for _, row := range rules {
		o := by(access.System)(row.When)
		if _, about := row.When.(intake.PassLeaves); about {
			continue // it is about no message
		}
		if got := intake.About(o); got != m1 {
			t.Errorf("About(%+v) = %v, want %v", o, got, m1)
		}

		_, settles := row.When.(intake.Settle)
		if got := intake.AsksOutcome(o); got != settles {
			t.Errorf("AsksOutcome(%+v) = %v, want %v", o, got, settles)
		}

		whole := domaintest.State(intake.Decider, row)
		part := intake.NewState(whole.NextLeaf)
		if memo, ok := whole.Memos[m1]; ok {
			part.Memos[m1] = memo
		}

		want, wantErr := intake.Decider.Decide(whole, o)
		got, err := intake.Decider.Decide(part, o)
		wantWhy, _ := domain.Refused(wantErr)
		if why, _ := domain.Refused(err); why != wantWhy || len(got) != len(want) {
			t.Errorf("Decide(%+v) knowing its message alone = %+v, %v, want %+v, %v", o, got, err, want, wantErr)
		}
	}
}
