package oplog_test

import (
	"testing"

	"digitalpost/domain/access"
	"digitalpost/domain/domaintest"
	"digitalpost/domain/oplog"
)

// A scenario is a row of the rule book of this package. A command says itself who gives it.
type scenario = domaintest.Scenario[oplog.ConfirmClock, oplog.ConfirmClock, oplog.Event]

var (
	confirmed = []oplog.Event{oplog.ClockConfirmed{}}
	refused   = domaintest.Refused(access.NotAllowed)
)

var rules = []scenario{
	{Name: "an operator confirms the clock", When: oplog.ConfirmClock{By: access.Operations}, Then: confirmed},
	{
		Name:  "it may jump again: a confirmation is for once",
		Given: confirmed,
		When:  oplog.ConfirmClock{By: access.Operations},
		Then:  confirmed,
	},
	{Name: "the clock does not confirm itself", When: oplog.ConfirmClock{By: access.Clock}, Err: refused},
	{Name: "a system does not confirm it", When: oplog.ConfirmClock{By: access.System}, Err: refused},
	{Name: "the backbone does not confirm it", When: oplog.ConfirmClock{By: access.Backbone}, Err: refused},
	{Name: "nobody confirms it", When: oplog.ConfirmClock{}, Err: refused},
}

func TestRules(t *testing.T) {
	domaintest.Run(t, oplog.Decider, oplog.Codec, func(c oplog.ConfirmClock) oplog.ConfirmClock { return c }, rules)
}
