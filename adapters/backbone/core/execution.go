package core

import (
	"context"
	"fmt"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections/mailboxes"
)

// An Ask is who asks for a change, of which mailbox, and what they know.
type Ask struct {
	access.Principal
	Mailbox domain.MailboxID
	Version uint32 // that of the thing that the caller knows; 0: any
	Key     string // the caller's name for this command, so that its repeat is known; empty: none
}

// ID gives the id of what the ask begins: random, or, where the caller gave a key, one that follows from it, so that a
// repeat begins the same.
func (c *Core) ID(a Ask, what string) [16]byte {
	if a.Key == "" {
		return c.NewID()
	}
	who := IdentityOf(a.Principal)

	return domain.DeriveID(what, a.Mailbox[:], who[:], []byte(a.Platform), []byte(a.Key))
}

// A Request is what is asked for, as a typed value. A key that is used for another value is noticed by its canonical
// encoding, with the name of its type.
type Request struct {
	Key     string
	Asked   any              // a struct of the subject's own, with all that the caller asks for; nil without a key
	Message domain.MessageID // what it is about, if a message
	Folder  domain.FolderID  // what it is about, if a folder
}

// Of gives the request of an ask. The version that the caller knows is no part of it: a repeat has the same answer.
func (a Ask) Of(asked any, about domain.MessageID) Request {
	return Request{Key: a.Key, Asked: asked, Message: about}
}

// OfFolder is Of, about a folder.
func (a Ask) OfFolder(asked any, about domain.FolderID) Request {
	return Request{Key: a.Key, Asked: asked, Folder: about}
}

// Done is what came of a command.
type Done struct {
	Position eventstore.Position // the views have it
	// Repeat is the first result of a command that was run before under the same key; nil: this was the first time.
	Repeat *mailboxes.Result
	// Refused has a place for each command of a mailbox.Each, nil for one that was not refused; nil: none was.
	Refused []error
}

// canonical encodes requests: the same value has the same bytes, and other values have others.
var canonical = func() cbor.EncMode {
	m, err := cbor.CanonicalEncOptions().EncMode()
	if err != nil {
		panic(err)
	}

	return m
}()

// fingerprint gives what a key is bound to: a keyed hash of the request, under the mailbox's lasting leaf.
func (c *Core) fingerprint(box domain.MailboxID, r Request) (h [16]byte, err error) {
	raw, err := canonical.Marshal(struct {
		Type    string
		Asked   any
		Message domain.MessageID
		Folder  domain.FolderID
	}{fmt.Sprintf("%T", r.Asked), r.Asked, r.Message, r.Folder})
	if err != nil {
		return h, err
	}

	k, err := c.Key(box, 0)
	if err != nil {
		return h, err
	}

	return k.Hash("command", string(raw)), nil
}

// command gives a command's id. That of a caller's key is, in its first half, a hash of who and key, and in its second
// the request's fingerprint.
func (c *Core) command(a Admission, r Request) (domain.CommandID, error) {
	if r.Key == "" {
		return c.NewID(), nil
	}

	who := IdentityOf(a.Principal)
	id := domain.GivenCommandID(who[:], []byte(a.Principal.Platform), []byte(r.Key))
	h, err := c.fingerprint(a.Mailbox, r)
	copy(id[8:], h[:])

	return id, err
}

// Repeated gives the first result of a request that was made before, so that nothing is prepared for it in vain: what
// it was about may be gone since. False if it was not, or has no key.
func (c *Core) Repeated(a Admission, r Request) (first mailboxes.Result, ok bool, err error) {
	if r.Key == "" {
		return first, false, nil
	}

	id, err := c.command(a, r)
	if err != nil {
		return first, false, err
	}

	return c.result(a.Mailbox, id)
}

func (c *Core) result(box domain.MailboxID, id domain.CommandID) (first mailboxes.Result, ok bool, err error) {
	s, err := mailboxes.At(c.Views)
	if err != nil {
		return first, false, err
	}
	defer s.Close()

	first, ok, err = s.Result(box, id)
	if err == nil && ok && !first.Same {
		err = ErrKeyReused
	}

	return first, ok, err
}

// repeated ends an execution before anything is decided: the command was run before.
type repeated struct{ first mailboxes.Result }

func (*repeated) Error() string { return "backbone: the command was run before" }

// Execute runs a command for who is admitted, and returns once the views have what came of it; if the command destroys
// keys, once they are destroyed. The command's own leave is asked for again where it is decided. A request of a known
// key is not run again: its first result comes back. That somebody was refused for lack of a right is recorded before
// they are told.
func (c *Core) Execute(ctx context.Context, a Admission, r Request, cmd mailbox.Command) (Done, error) {
	id, err := c.command(a, r)
	if err != nil {
		return Done{}, err
	}

	meta := a.meta()
	meta.Command = [16]byte(id)
	order := mailbox.Order{
		Command: cmd,
		By:      mailbox.Caller{Principal: a.Principal, Mailbox: a.Mailbox, Now: c.Now()},
	}
	if r.Key != "" {
		order.Noted = &mailbox.Unchanged{Message: r.Message, Folder: r.Folder}
	}

	done, err := c.run(ctx, Stream(a.Mailbox), meta, order)
	if lacks(err) || slices.ContainsFunc(done.Refused, lacks) {
		if lookErr := c.Look(ctx, a, looks.Refused{}); lookErr != nil && err == nil {
			err = lookErr
		}
	}

	return done, err
}

// lacks reports whether an error says that the caller has no right to what was asked.
func lacks(err error) bool {
	return IsReason(err, mailbox.AccessLimited) || IsReason(err, mailbox.NoAccess)
}

// run executes an order and waits for what came of it.
func (c *Core) run(ctx context.Context, s eventstore.Stream, meta eventstore.Meta, o mailbox.Order) (Done, error) {
	events, at, err := c.Mailboxes.From(c.start(domain.CommandID(meta.Command))).Execute(ctx, s, meta, o)

	var again *repeated
	if asError(err, &again) {
		first := again.first
		return Done{Position: first.Position, Repeat: &first}, c.Forgetting.Wait(ctx, first.Position)
	}

	var partly *domain.Partly
	if err != nil && !asError(err, &partly) {
		return Done{}, Found(err)
	}

	done := Done{Position: at}
	if partly != nil {
		done.Refused = partly.Refused
	}

	if at == 0 {
		done.Position = c.soFar(s)
	}

	if othersRead(events) {
		c.Fail("others read")
		if err := c.Settle(ctx, s.ID, at); err != nil {
			return Done{}, err
		}
	}

	if forgets(events) {
		// A crash here leaves the intent in the log and the keys where they were: catching up at start forgets them.
		c.Fail("deleted")

		if err := c.Forgetting.Wait(ctx, at); err != nil {
			return Done{}, err
		}
	}

	if o.By.Machine != "" {
		return done, c.Views.Wait(ctx, done.Position)
	}

	return done, c.Fresh(ctx, done.Position)
}

// soFar gives a position by which all is there that a command on a stream may have been decided on. The log's end alone
// is not: a stream's last event is seen a moment before it.
func (c *Core) soFar(s eventstore.Stream) eventstore.Position {
	_, last := c.Log.Head(s)
	return max(last, c.Log.Last())
}

// start begins a mailbox's state from the view, and first looks whether a command whose caller gave an id was run
// before: in the view, which is waited for, so that the stream's tail counts too.
func (c *Core) start(id domain.CommandID) eventstore.Start[mailbox.Order, mailbox.Event, mailbox.State] {
	fromView := mailboxes.Start(c.Views)
	begin := func(ctx context.Context, s eventstore.Stream, o mailbox.Order) (mailboxes.Beginning, error) {
		if version, _ := c.Log.Head(s); version == 0 { // nothing has happened: no view is asked
			return mailboxes.Beginning{
				State: func([]mailbox.Event) (mailbox.State, error) { return mailbox.NewState(), nil },
			}, nil
		}

		return fromView(ctx, s, o)
	}
	if !id.Given() {
		return begin
	}

	return func(ctx context.Context, s eventstore.Stream, o mailbox.Order) (b mailboxes.Beginning, err error) {
		_, last := c.Log.Head(s)
		if err := c.Views.Wait(ctx, last); err != nil {
			return b, err
		}

		first, ok, err := c.result(s.ID, id)
		if err == nil && ok {
			err = &repeated{first}
		}

		if err != nil {
			return b, err
		}

		return begin(ctx, s, o)
	}
}

// forgets reports whether events destroy keys of the mailbox: whoever asked for that is told when it is done.
func forgets(events []mailbox.Event) bool {
	for _, e := range events {
		frees := e.Effect().Frees
		if frees.All || len(frees.Roots) > 0 {
			return true
		}

		for _, l := range frees.Leaves {
			if !l.Other {
				return true
			}
		}
	}

	return false
}

// A Machine is who acts for no person.
type Machine struct {
	Kind      access.Machine
	ID        [16]byte            // of the system, or of the mailbox that sends on; zero for the others
	Once      string              // what is done once for a thing, and has one command id however often it is tried
	Thing     [16]byte            // the thing; the command id itself, of what may be done again
	Causation eventstore.Position // the event that this one follows from, 0 for none
}

// Meta is what an event's record says of the machine. The command's id is none that a caller can give.
func (m Machine) Meta() eventstore.Meta {
	id := m.Thing
	if m.Once != "" {
		id = domain.DeriveID(m.Once, m.Thing[:])
	}
	id[0] &^= 0x80

	return eventstore.Meta{Command: id, Actor: eventstore.Actor{Kind: string(m.Kind), ID: m.ID}, Causation: m.Causation}
}

// ByMachine runs a command on a mailbox by a machine, and returns once the views have what came of it and the keys that
// it destroys are destroyed.
func (c *Core) ByMachine(ctx context.Context, m Machine, box domain.MailboxID, cmd mailbox.Command) (Done, error) {
	order := mailbox.Order{Command: cmd, By: mailbox.Caller{Machine: m.Kind, Mailbox: box, Now: c.Now()}}
	return c.run(ctx, Stream(box), m.Meta(), order)
}

// Judge gives what a command by a machine would come to, without running it: nil, or why it is refused.
func (c *Core) Judge(ctx context.Context, m Machine, box domain.MailboxID, cmd mailbox.Command) error {
	order := mailbox.Order{Command: cmd, By: mailbox.Caller{Machine: m.Kind, Mailbox: box, Now: c.Now()}}
	state, _, err := c.Mailboxes.From(mailboxes.Start(c.Views)).State(ctx, Stream(box), order)
	if err != nil {
		return err
	}
	_, err = mailbox.Decider.Decide(state, order)

	return err
}
