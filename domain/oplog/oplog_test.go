package oplog_test

import (
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/domaintest"
	"digitalpost/domain/oplog"
)

// A scenario is a row of the rule book of this package.
type scenario = domaintest.Scenario[oplog.Command, oplog.Order, oplog.Event]

func by(m access.Machine) func(oplog.Command) oplog.Order {
	return func(c oplog.Command) oplog.Order { return oplog.Order{Command: c, By: m} }
}

var (
	confirmed = []oplog.Event{oplog.ClockConfirmed{}}
	started   = oplog.Started{Version: "1", Settings: []byte{1}, Incarnation: 1}
	restored  = oplog.Restored{Incarnation: 2, Position: 7}
	rolled    = oplog.KeysRolled{Epoch: 2}
)

var rules = []scenario{
	{Name: "an operator confirms the clock", When: oplog.ConfirmClock{}, Then: confirmed},
	{
		Name:  "it may jump again: a confirmation is for once",
		Given: confirmed,
		When:  oplog.ConfirmClock{},
		Then:  confirmed,
	},
	{Name: "an operator restores the log", When: oplog.NoteRestore{Restored: restored}, Then: []oplog.Event{restored}},
	{Name: "an operator rolls the keys", When: oplog.NoteRoll{Rolled: rolled}, Then: []oplog.Event{rolled}},
	{
		Name:  "a program starts",
		When:  oplog.NoteStart{Started: started},
		Order: by(access.Backbone),
		Then:  []oplog.Event{started},
	},
	{
		Name:  "it may start again without having stopped: it was killed",
		Given: []oplog.Event{started},
		When:  oplog.NoteStart{Started: started},
		Order: by(access.Backbone),
		Then:  []oplog.Event{started},
	},
	{Name: "a program stops", When: oplog.NoteStop{}, Order: by(access.Backbone), Then: []oplog.Event{oplog.Stopped{}}},
}

func TestRules(t *testing.T) {
	domaintest.Run(t, oplog.Decider, oplog.Codec, by(access.Operations), rules)
}

// What an operator does nobody else may, and what the process notes no operator.
func TestMachines(t *testing.T) {
	operator, process := access.Operations, access.Backbone
	for _, row := range rules {
		may := operator
		switch row.When.(type) {
		case oplog.NoteStart, oplog.NoteStop:
			may = process
		}

		for _, m := range []access.Machine{"", access.Clock, access.System, access.Register, operator, process} {
			_, err := oplog.Decider.Decide(oplog.State{}, oplog.Order{Command: row.When, By: m})
			if reason, refused := domain.Refused(err); (m == may) == refused || refused && reason != access.NotAllowed {
				t.Errorf("%s, by %q: %v", row.Name, m, err)
			}
		}
	}
}
