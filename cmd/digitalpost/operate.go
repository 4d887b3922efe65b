package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/officeapi"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/oplog"
	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
	"digitalpost/projections"
	"digitalpost/projections/engine"
)

// reasonFlags are why an operator does what can't be undone. In production both are needed.
type reasonFlags struct {
	Reason     string `help:"Why; production needs it."`
	CaseNumber string `help:"The case that it belongs to; production needs it."`
}

type keysCmd struct {
	Roll  rollCmd  `cmd:"" help:"${roll_help}"`
	Shred shredCmd `cmd:"" help:"Destroy every key of a mailbox at its lawful end: nobody reads anything in it again."`
}

// propose proposes a measure as whoever is at the console, under a mandate for the case. Of made-up people it is
// carried out at once; of real ones another operator approves first.
func (d dataFlags) propose(why reasonFlags, measure oplog.Measure, mailbox string) (p officeapi.Proposal, err error) {
	q := question{method: "POST", path: "operations/proposals"}
	if why.CaseNumber != "" {
		var m officeapi.Mandate
		in := map[string]string{"purpose": why.Reason, "caseNumber": why.CaseNumber}
		if err := d.ask(question{method: "POST", path: "mandates", body: in}, &m); err != nil {
			return p, err
		}
		q.mandate = m.ID
	}

	body := map[string]string{"measure": string(measure), "reason": why.Reason}
	if mailbox != "" {
		body["mailboxId"] = mailbox
	}
	q.body = body
	err = d.ask(q, &p)
	if err == nil && !p.Approved {
		fmt.Printf("proposal %s waits for another operator, until %s: POST /apis/v1/operations/proposals/%s/approve\n",
			p.ID, p.Until, p.ID)
	}

	return p, err
}

type shredCmd struct {
	dataFlags
	reasonFlags
	Mailbox string `help:"The mailbox's id." required:""`
}

// Run shreds a mailbox, or proposes it.
func (c *shredCmd) Run() error {
	if _, err := domain.ParseUUID(c.Mailbox); err != nil {
		return fmt.Errorf("--mailbox %s: give the mailbox's id, a UUID; GET /dev/ lists them", c.Mailbox)
	}

	p, err := c.propose(c.reasonFlags, oplog.ShredMailbox, c.Mailbox)
	if err == nil && p.Approved {
		fmt.Printf("mailbox %s is shredded; digitalpost keys roll ends the epoch, "+
			"and from then on no copy of the data opens it\n", c.Mailbox)
	}
	return err
}

type rollCmd struct {
	dataFlags
	reasonFlags
}

// Run rolls the epoch, or proposes it.
func (c *rollCmd) Run() error {
	p, err := c.propose(c.reasonFlags, oplog.RollKeys, "")
	if err != nil || !p.Approved {
		return err
	}

	var out struct{ Epoch int }
	if err := c.ask(question{method: "GET", path: "operations/keys/epoch"}, &out); err != nil {
		return err
	}
	fmt.Printf("key epoch %d has begun; the key of epoch %d is destroyed\n", out.Epoch, out.Epoch-1)
	return nil
}

type proposalCmd struct {
	List     proposalListCmd     `cmd:"" help:"What waits for another operator."`
	Approve  proposalApproveCmd  `cmd:"" help:"Approve of another operator's proposal; it is carried out."`
	Withdraw proposalWithdrawCmd `cmd:"" help:"Take a proposal back, or turn another's down."`
}

type proposalListCmd struct{ dataFlags }

// Run lists what waits for another operator.
func (c *proposalListCmd) Run() error {
	var out officeapi.ProposalList
	if err := c.ask(question{method: "GET", path: "operations/proposals"}, &out); err != nil {
		return err
	}

	for _, p := range out.Proposals {
		by := "the console"
		if p.By != "" {
			by = p.By
		}
		fmt.Printf("%s  %s  %-14s by %s: %s\n", p.ID, p.At, p.Measure, by, p.Reason)
	}
	return nil
}

type proposalApproveCmd struct {
	dataFlags
	reasonFlags
	ID string `arg:"" help:"The proposal's id."`
}

// Run approves of a proposal that an operator made who is not at the console.
func (c *proposalApproveCmd) Run() error {
	q := question{method: "POST", path: "operations/proposals/" + c.ID + "/approve"}
	if c.CaseNumber != "" {
		var m officeapi.Mandate
		in := map[string]string{"purpose": c.Reason, "caseNumber": c.CaseNumber}
		if err := c.ask(question{method: "POST", path: "mandates", body: in}, &m); err != nil {
			return err
		}
		q.mandate = m.ID
	}
	return c.ask(q, nil)
}

type proposalWithdrawCmd struct {
	dataFlags
	ID string `arg:"" help:"The proposal's id."`
}

// Run withdraws a proposal.
func (c *proposalWithdrawCmd) Run() error {
	return c.ask(question{method: "POST", path: "operations/proposals/" + c.ID + "/withdraw"}, nil)
}

// offline opens the data, on which no server runs, does what do does, and closes it.
func (d dataFlags) offline(do func(*backbone.Backbone) error) error {
	keys, err := d.keys()
	if err != nil {
		return err
	}

	if _, err := os.Stat(filepath.Join(d.Data, "log")); err != nil {
		return fmt.Errorf("there is no log in %s: --data must name the directory that serve was given", d.Data)
	}

	beside, err := filestore.OpenBeside(filepath.Join(d.Data, "log"))
	if err != nil {
		return err
	}

	development, err := beside.Development()
	if err != nil {
		return err
	}

	b, err := backbone.Open(backbone.Config{Dir: d.Data, KMS: vault.KeyFolder(keys), Development: development})
	if err != nil {
		return err
	}

	return errors.Join(do(b), b.Close())
}

type rebuildCmd struct {
	dataFlags
	Prepare bool `help:"Make views of this program's format beside another's server, for the next start."`
}

// Run builds the views anew, through the server if one runs.
func (c *rebuildCmd) Run() error {
	if c.Prepare {
		return c.prepare(os.Stdout)
	}

	var out officeapi.RebuiltViews
	err := c.ask(question{method: "POST", path: "operations/views/rebuild"}, &out)

	unlike := 0
	for _, r := range out.Views {
		fmt.Printf("%-10s %d rows built anew and compared at position %d: %d unlike\n",
			r.View, r.Rows, r.Position, r.Unlike)
		unlike += r.Unlike
	}

	if err == nil && unlike > 0 {
		err = fmt.Errorf("%d rows were not what the log says; they are now", unlike)
	}

	return err
}

// nearly is how many events may be left for the next start: less than a second's.
const nearly = 10_000

// prepare makes the views of this program's format beside a server that another program runs: what the log gains
// meanwhile is folded, too, until little is left.
func (c *rebuildCmd) prepare(out io.Writer) error {
	at := eventstore.Position(0)
	for done := false; ; done = true {
		b, err := filestore.OpenBeside(filepath.Join(c.Data, "log"))
		if err != nil {
			return err
		}
		if done && b.Last()-at < nearly {
			fmt.Fprintf(out, "views are prepared through position %d; the next start of this program takes them\n", at)
			return nil
		}

		id, incarnation, err := b.Identity()
		if err != nil {
			return err
		}
		at = b.Last()
		for _, p := range projections.All() {
			l := engine.Log{ID: id, Incarnation: incarnation}
			if err := engine.Prepare(
				context.Background(), filepath.Join(c.Data, "views"), l, p, b.ReadAll, at,
			); err != nil {
				return fmt.Errorf("prepare %s: %w", p.Name(), err)
			}
		}
	}
}
