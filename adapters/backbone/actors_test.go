package backbone_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
)

// A house is a backbone with those who ask: each kind of caller has its own mailbox to work on.
type house struct {
	*backbonetest.Backbone
	t       *testing.T
	ctx     context.Context
	system  organisations.System // of an authority
	insurer organisations.System // of a company, through e-Boks
	callers map[string]caller
	made    int // numbers that were given out
}

// A caller is one who asks, and what is to stand in the log of what they do.
type caller struct {
	core.Ask        // of a person; the zero one of a machine
	number   string // of the mailbox that they work on
	company  bool   // that it is a company's
	want     eventstore.Meta
}

// An operation is one that appends, and by whom it is tested. Of each caller, given prepares what the operation needs,
// and gives it, ready to run.
type operation struct {
	name  string
	by    []string
	given func(h *house, c *caller) func() error
	// also says who else acts in it, by the types of their events: machines that do what follows.
	also func(h *house, c *caller) map[string]eventstore.Actor
}

// People who may do nearly all, and officials.
var (
	users     = []string{"owner", "delegate", "user"}
	officials = []string{"officer", "operator"}
)

// table is all operations, in parts that are tested each on a house of its own.
func table() [][]operation {
	return [][]operation{
		onMessages(), onFolders(), onDrafts(), onSending(), onAccess(), onExemption(), onSettings(),
		onContacts(), onNemSMS(), onSubscriptions(),
		onIntake(), onPushes(),
		onHandover(), onOrganisations(), onRegisters(), onLanes(), byMoves(), onProposals(), byTheClock(),
		bySubscribers(),
	}
}

func openHouse(t *testing.T) *house {
	t.Helper()

	b := backbonetest.Open(t)
	h := &house{Backbone: b, t: t, ctx: context.Background()}
	h.system = b.Authority(backbonetest.Municipality)
	h.insurer = b.Sender(backbonetest.Insurer, backbonetest.EBoks)

	box, helper := b.Citizen(backbonetest.Mette), b.Citizen(backbonetest.Søren)
	company, person := b.Company(backbonetest.Bakery), core.NewUUID()
	grant := b.Grant(box, helper, access.ReadWrite)

	delegate := backbonetest.Delegate(helper, box, "lifeindenmark")
	h.callers = map[string]caller{
		"owner":    h.owner(box, backbonetest.Mette),
		"delegate": h.person("delegate", delegate, backbonetest.Mette, grant),
		"user": h.person("user", backbonetest.User(person, access.Administrator, company, "mitdk"),
			backbonetest.Bakery, domain.GrantID{}),
		"system":   h.machine(access.System, h.system.ID),
		"register": h.machine(access.Register, domain.SystemID{}),
		"console":  h.machine(access.Operations, domain.SystemID{}),
		"clock":    h.machine(access.Clock, domain.SystemID{}),
		"backbone": h.machine(access.Backbone, domain.SystemID{}),
	}
	on := eventstore.Meta{Actor: eventstore.Actor{Kind: "platform"}, Platform: backbonetest.EBoks}
	h.callers["platform"] = caller{want: on}
	on.Actor.Kind = string(access.Backbone)
	h.callers["backbone on eboks"] = caller{want: on}
	for name, right := range map[string]access.Right{"officer": access.Officer, "operator": access.Operator} {
		ask := backbonetest.Official(core.NewUUID(), right, box, "borgerdk")
		h.callers[name] = h.person(name, ask, backbonetest.Mette, domain.GrantID{})
	}

	return h
}

// owner gives a mailbox's owner, who asks through the app.
func (h *house) owner(box domain.MailboxID, number string) caller {
	return caller{
		Ask: backbonetest.Owner(box, backbonetest.App), number: number,
		want: eventstore.Meta{
			Actor: eventstore.Actor{Kind: "owner", ID: [16]byte(box)}, Platform: backbonetest.App,
		},
	}
}

// person gives one who asks for another's mailbox, or a company's.
func (h *house) person(kind string, ask core.Ask, number string, grant domain.GrantID) caller {
	return caller{
		Ask: ask, number: number, company: number == backbonetest.Bakery,
		want: eventstore.Meta{
			Actor:    eventstore.Actor{Kind: kind, ID: core.IdentityOf(ask.Principal)},
			Platform: ask.Platform, OnBehalfOf: ask.Mailbox, Grant: grant,
		},
	}
}

// stranger gives one who has no right to a mailbox.
func (h *house) stranger(who, box domain.MailboxID, grant domain.GrantID) caller {
	return h.person("other", backbonetest.Delegate(who, box, backbonetest.App), "", grant)
}

func (h *house) machine(kind access.Machine, id domain.SystemID) caller {
	return caller{want: eventstore.Meta{Actor: eventstore.Actor{Kind: string(kind), ID: id}}}
}

// must ends the test for what only prepares it.
func (h *house) must(err error) {
	h.t.Helper()

	if err != nil {
		h.t.Fatal(err)
	}
}

// someone registers a citizen whom nobody has met.
func (h *house) someone() (domain.MailboxID, string) {
	h.t.Helper()
	h.made++
	number := fmt.Sprintf("6101901%03d", h.made)

	return h.Citizen(number), number
}

// post gives a message that the caller's mailbox has received.
func (h *house) post(c *caller) domain.MessageID {
	h.t.Helper()
	return h.Submit(h.system, c.number, backbonetest.Letter{Reply: true, CVR: c.company})
}

// Who acts, through which platform, for whom and under which grant, stands in the log as who asked: of every operation
// that appends, by every kind of caller that may run it.
func TestWhoActsIsWhoAsked(t *testing.T) {
	t.Parallel()

	for _, part := range table() {
		subject, _, _ := strings.Cut(part[0].name, ".")
		t.Run(subject, func(t *testing.T) {
			t.Parallel()

			h := openHouse(t)
			for _, o := range part {
				for _, by := range o.by {
					t.Run(o.name+" by "+by, func(t *testing.T) { h.test(t, o, by) })
				}
			}
		})
	}
}

// test runs an operation for a kind of caller.
func (h *house) test(t *testing.T, o operation, by string) {
	h.t = t
	c := h.callers[by]
	run := o.given(h, &c)
	after := h.Position()
	h.must(run())
	got := h.Since(after)
	if o.name != "visibility.Run" {
		got = backbonetest.WithoutVisibility(got)
	}
	h.wantActors(o, &c, got)
}

// wantActors compares what stands in the log with who asked.
func (h *house) wantActors(o operation, c *caller, got []backbonetest.Record) {
	h.t.Helper()

	var also map[string]eventstore.Actor
	if o.also != nil {
		also = o.also(h, c)
	}

	own := 0
	for _, r := range got {
		want := c.want
		if actor, ok := also[r.Type]; ok {
			want = eventstore.Meta{Actor: actor}
		} else if r.Stream.Kind != streams.Looks {
			own++
		}

		is := r.Meta
		if is.Command == ([16]byte{}) {
			h.t.Errorf("%s has no command", r.Type)
		}
		is.Command, is.Causation = [16]byte{}, 0

		if is != want {
			h.t.Errorf("%s in %s: %+v, want %+v", r.Type, r.Stream, is, want)
		}
	}

	if own == 0 {
		h.t.Errorf("nothing was appended: %v", backbonetest.Types(got))
	}
}
