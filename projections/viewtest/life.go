package viewtest

import (
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

// lives is what the registers say of the owner, and what comes of it by itself. Of one who has ended, it is taken back.
func lives(d draw) mailbox.Order {
	facts := mailbox.Facts{Owner: mailbox.Citizen, Number: d.sealed(), Name: d.sealed(), Residence: "0101"}
	when := now.AddDate(0, 1+d.IntN(3), 0)
	all := []mailbox.Event{
		mailbox.OwnerRegistered{Facts: facts, Opens: when}, mailbox.OwnerChanged{Facts: facts, Opens: when},
		mailbox.OwnerLeft{}, mailbox.OwnerReturned{Opens: when}, mailbox.Closed{Why: mailbox.Died, Purge: when},
		mailbox.NumberChanged{Facts: facts, Old: d.sealed(), Until: when},
	}

	switch {
	case d.state.Life.Ended != "":
		return d.machine(access.Register, mailbox.RegisterSays{Event: mailbox.Reopened{Opens: when}})
	case d.state.Life.Abroad && d.coin():
		return d.machine(access.Register, mailbox.RegisterSays{Event: mailbox.OwnerReturned{Opens: when}})
	case len(d.state.Life.Olds) > 0:
		return d.machine(access.Clock, mailbox.EndAlias{At: now.AddDate(0, 3, 0)})
	}

	return d.machine(access.Register, mailbox.RegisterSays{Event: one(d, all)})
}
