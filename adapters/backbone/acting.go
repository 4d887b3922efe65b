package backbone

import (
	"context"
	"fmt"
	"unicode/utf8"

	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections"
)

// Reasons of commands whose words are judged before they are sealed.
const (
	NameNotAllowed domain.Reason = "folder.name.not.allowed"
	NoteTooLong    domain.Reason = "message.note.too.long"
)

// Limits of what people write.
const (
	maxName = 256
	maxNote = 4000
)

// A Patch is what a person changes of a message; nil fields stay.
type Patch struct {
	Read   *bool
	Flag   *bool
	Folder *domain.FolderID
	Note   *string
}

// String tells all that is asked for, one request from another.
func (p Patch) String() string {
	return "patch " + words(p.Read) + " " + words(p.Flag) + " " + words(p.Folder) + " " + words(p.Note)
}

func words[T any](v *T) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%q", fmt.Sprint(*v))
}

// An Ask is who asks for a change, of what, and what they know.
type Ask struct {
	Principal
	Mailbox domain.MailboxID
	Version uint32 // that of the thing that the caller knows; 0: any
	Key     string // the caller's name for this command, so that its repeat is known; empty: none

	by *visit // found by run
}

// target names a message for a rule, as the asker sees it.
func (a Ask) target(m domain.MessageID) mailbox.Target {
	return mailbox.Target{Message: m, Platform: a.by.lens.Private, Author: a.by.lens.Author, NoPublic: a.by.lens.NoPublic, Version: a.Version}
}

// meta says who asks. The command id of a caller's key is, in its first half, a hash of who and key, and in its second a keyed hash of what is asked, so
// that a key that is used for something else is noticed.
func (a Ask) meta(b *Backbone, what string) (eventstore.Meta, error) {
	m := eventstore.Meta{Command: b.newID(), Actor: actorOf(a.Principal, a.by.right), Platform: a.Platform, Grant: a.by.grant}
	if a.by.right != access.Owner {
		m.OnBehalfOf = a.Mailbox
	}
	if a.Key == "" {
		return m, nil
	}
	who := identityOf(a.Principal)
	m.Command = [16]byte(domain.GivenCommandID(who[:], []byte(a.Platform), []byte(a.Key)))
	k, err := b.vault.Key(vault.Owner(a.Mailbox), 0)
	if err != nil {
		return m, err
	}
	request := k.Hash("command", what)
	copy(m.Command[8:], request[:])
	return m, nil
}

// known gives the first result of a command whose caller gave a key, if it was run before: what it was about may be gone since. What is asked must be as it is for run.
func (b *Backbone) known(ctx context.Context, a *Ask, action access.Action, message domain.MessageID, what string) (*projections.Result, error) {
	if a.Key == "" {
		return nil, nil
	}
	v, err := b.enter(ctx, a.Principal, a.Mailbox, action)
	if err != nil {
		return nil, err
	}
	a.by = v
	defer v.Close()
	meta, err := a.meta(b, what+" "+message.String()+" "+domain.FolderID{}.String())
	if err != nil {
		return nil, err
	}
	r, ok, err := v.Result(a.Mailbox, domain.CommandID(meta.Command))
	switch {
	case err != nil || !ok:
		return nil, err
	case !r.Same:
		return nil, ErrKeyReused
	}
	return &r, nil
}

// run executes a command and waits for the views. A command of a known key is not run again: its first result comes back. What make gives is what the asker does
// beside its command, which must be allowed when it is asked for and when it is appended.
func (b *Backbone) run(ctx context.Context, a *Ask, action access.Action, message domain.MessageID, folder domain.FolderID, what string, make func(mailbox.State) (mailbox.Command, []access.Action, error)) (first *projections.Result, at eventstore.Position, err error) {
	return b.runOn(ctx, a, action, []domain.MessageID{message}, folder, what, make)
}

// runOn is run on several messages.
func (b *Backbone) runOn(ctx context.Context, a *Ask, action access.Action, messages []domain.MessageID, folder domain.FolderID, what string, make func(mailbox.State) (mailbox.Command, []access.Action, error)) (first *projections.Result, at eventstore.Position, err error) {
	message := messages[0]
	if a.by, err = b.enter(ctx, a.Principal, a.Mailbox, action); err != nil {
		return nil, 0, err
	}
	a.by.Close()
	meta, err := a.meta(b, what+" "+message.String()+" "+folder.String())
	if err != nil {
		return nil, 0, err
	}
	h := b.mailboxes
	start := b.startWith(messages...)
	h.Start = func(ctx context.Context, s eventstore.Stream) (mailbox.State, eventstore.Version, error) {
		if a.Key != "" { // the tail of the stream counts too: the view must have it
			_, last := b.store.Head(s)
			if err := b.views.Wait(ctx, last); err != nil {
				return mailbox.NewState(), 0, err
			}
			snap, err := b.snapshot(projections.Mailboxes{})
			if err != nil {
				return mailbox.NewState(), 0, err
			}
			r, ok, err := snap.Result(a.Mailbox, domain.CommandID(meta.Command))
			snap.Close()
			if err != nil {
				return mailbox.NewState(), 0, err
			}
			if ok && !r.Same {
				return mailbox.NewState(), 0, ErrKeyReused
			}
			if ok {
				first = &r
				return mailbox.NewState(), 0, errRepeated
			}
		}
		return start(ctx, s)
	}
	_, at, err = h.Execute(ctx, mailboxStream(a.Mailbox), meta, func(s mailbox.State) (mailbox.Command, error) {
		cmd, actions, err := make(s)
		if err != nil {
			return nil, err
		}
		if a.Key != "" {
			cmd = mailbox.Noting{Command: cmd, Message: message, Folder: folder}
		}
		for _, x := range append(actions, action) {
			cmd = mailbox.By{Command: cmd, Principal: a.Principal, Action: x, Mailbox: a.Mailbox, Now: b.now()}
		}
		return cmd, nil
	})
	if first != nil {
		return first, first.Position, b.waitForgotten(ctx, first.Position)
	}
	if err != nil {
		return nil, 0, err
	}
	if at == 0 {
		at = b.store.Last()
	}
	return nil, at, b.Fresh(ctx, at)
}

var errRepeated = &repeated{}

type repeated struct{}

func (*repeated) Error() string { return "backbone: the command was run before" }

// Patch changes a message, all fields in one append, and gives it as it is then.
func (b *Backbone) Patch(ctx context.Context, a Ask, m domain.MessageID, patch Patch) (Message, eventstore.Position, error) {
	first, at, err := b.run(ctx, &a, access.List, m, domain.FolderID{}, patch.String(), func(s mailbox.State) (mailbox.Command, []access.Action, error) {
		return b.patching(a, s, m, patch)
	})
	if err != nil {
		return Message{}, 0, err
	}
	return b.after(ctx, a, m, first, at)
}

// patching gives the command for a patch, and what the asker does with it.
func (b *Backbone) patching(a Ask, s mailbox.State, m domain.MessageID, patch Patch) (mailbox.Command, []access.Action, error) {
	if patch.Note != nil && utf8.RuneCountInString(*patch.Note) > maxNote {
		return nil, nil, domain.Refuse(NoteTooLong)
	}
	all, actions := mailbox.All{}, []access.Action{}
	target := a.target(m)
	next := func() mailbox.Target {
		defer func() { target = target.Then() }()
		return target
	}
	if patch.Folder != nil {
		all = append(all, mailbox.Move{Target: next(), To: *patch.Folder})
		actions = append(actions, access.Organise)
		if *patch.Folder == mailbox.Deleted {
			actions = append(actions, access.Trash)
		}
	}
	if patch.Read != nil || patch.Flag != nil || patch.Note != nil {
		actions = append(actions, access.Mark)
	}
	if patch.Read != nil {
		all = append(all, mailbox.MarkRead{Target: next(), Read: *patch.Read})
	}
	if patch.Flag != nil {
		all = append(all, mailbox.Flag{Target: next(), On: *patch.Flag})
	}
	if patch.Note != nil {
		c := mailbox.SetNote{Target: next()}
		if msg, ok := s.Messages[m]; ok && *patch.Note != "" {
			k, err := b.vault.Key(vault.Owner(a.Mailbox), msg.Leaf)
			if err != nil {
				return nil, nil, ErrNotFound
			}
			c.Note, c.Key = k.Seal(mailbox.MessageNoted{}.EventType(), "note", []byte(*patch.Note)), k.Hash("note", *patch.Note)
		}
		all = append(all, c)
	}
	if len(all) == 0 { // nothing is asked for, but the message must be there, at the version
		all = append(all, mailbox.Check{Target: target})
	}
	return all, actions, nil
}

// after gives a message as a command left it: as it is now, or, for a repeat, as it was then.
func (b *Backbone) after(ctx context.Context, a Ask, m domain.MessageID, first *projections.Result, at eventstore.Position) (Message, eventstore.Position, error) {
	out, err := b.Message(ctx, a.Principal, a.Mailbox, m)
	if err == nil && first != nil {
		out.Row = first.Row
		err = b.unseal(&out)
	}
	return out, at, err
}

// Restore takes a message out of DELETED, to its old folder.
func (b *Backbone) Restore(ctx context.Context, a Ask, m domain.MessageID) (Message, eventstore.Position, error) {
	first, at, err := b.run(ctx, &a, access.Organise, m, domain.FolderID{}, "restore", func(mailbox.State) (mailbox.Command, []access.Action, error) {
		return mailbox.Restore{Target: a.target(m)}, nil, nil
	})
	if err != nil {
		return Message{}, 0, err
	}
	return b.after(ctx, a, m, first, at)
}

// Delete trashes a message, or purges one that is in DELETED. When it returns after a purge, its keys are destroyed.
func (b *Backbone) Delete(ctx context.Context, a Ask, m domain.MessageID) (eventstore.Position, error) {
	_, at, err := b.run(ctx, &a, access.List, m, domain.FolderID{}, "delete", func(s mailbox.State) (mailbox.Command, []access.Action, error) {
		action := access.Trash
		switch x := s.Messages[m]; {
		case x.Draft != nil:
			action = access.Write // one's own, which nobody else sees
		case x.Folder == mailbox.Deleted:
			action = access.Purge
		}
		return mailbox.Delete{Target: a.target(m)}, []access.Action{action}, nil
	})
	if err != nil {
		return 0, err
	}
	b.cfg.Fail("deleted")
	s, err := b.snapshot(projections.Mailboxes{})
	if err != nil {
		return 0, err
	}
	_, kept, err := s.Letter(a.Mailbox, m)
	s.Close()
	if err != nil || kept {
		return at, err
	}
	return at, b.waitForgotten(ctx, at)
}

// Shred destroys every key of a mailbox: nothing in it can be read when it returns, and by no copy of the data once the epoch is rolled. It is for the lawful
// end of a mailbox, and asks nobody's leave.
func (b *Backbone) Shred(ctx context.Context, id domain.MailboxID) error {
	h := b.mailboxes
	h.Start = b.startWith()
	meta := eventstore.Meta{Command: derivedCommand("shred", id[:]), Actor: eventstore.Actor{Kind: "operator"}}
	_, at, err := h.Execute(ctx, mailboxStream(id), meta, func(mailbox.State) (mailbox.Command, error) { return mailbox.Shred{}, nil })
	if err != nil {
		return err
	}
	return b.waitForgotten(ctx, at)
}
