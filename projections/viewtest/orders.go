package viewtest

import (
	"reflect"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
)

// receive is what comes in, what comes due and what is called back.
func (d draw) receive() mailbox.Order {
	waits := func(m mailbox.Message) bool { return m.Stage == mailbox.Scheduled }
	switch d.IntN(8) {
	case 0, 1:
		return d.machine(access.Clock, mailbox.Release{Message: d.message(waits), At: now.Add(time.Hour)})
	case 2:
		return d.machine(access.System, mailbox.Recall{Message: d.message(waits), System: domain.SystemID{1}})
	}

	c := mailbox.Receive{Letter: d.letter(), At: time.Unix(0, 0)}
	if d.IntN(3) == 0 {
		c.Due = time.Unix(int64(d.IntN(1000)+1), 0).UTC()
	}

	return d.machine(access.System, c)
}

// letter is public or private post.
func (d draw) letter() mailbox.Letter {
	uuid := domain.UUID(d.id())
	l := mailbox.Letter{
		System: domain.SystemID{1}, Sender: one(d, senders), UUID: uuid, Document: d.id(), Kept: 7, IntakeLeaf: 1,
		Platform: one(d, []string{"", "", "eboks"}), Length: int64(d.IntN(1000)),
	}
	l.Message = intake.MessageOf(l.System, uuid)
	l.Shard = intake.ShardOf(l.System, uuid)

	if d.coin() {
		l.Words = d.sealed()
	}

	if d.IntN(6) == 0 {
		l.LegalBasis = "a law"
	}

	if l.Platform != "" && d.IntN(6) > 0 {
		l.ConsentBasis = "CONTRACT"
	}

	if d.coin() {
		l.Listing = d.sealed()
	}

	return l
}

// marking sets some marks, whichever there are.
func (d draw) marking() mailbox.Command {
	var p mailbox.Patch
	fields := reflect.ValueOf(&p).Elem()
	for i := range fields.NumField() {
		if mark, ok := fields.Field(i).Addr().Interface().(**bool); ok && d.IntN(3) == 0 {
			on := d.coin()
			*mark = &on
		}
	}

	if d.IntN(4) == 0 {
		words := one(d, []string{"", "a note"})
		p.Note = &words
	}

	hash := domain.UUID{byte(d.IntN(3))}
	key := func(uint32) (domain.UUID, error) { return hash, nil }

	return p.Command(d.target(), func(t mailbox.Target, words string) mailbox.SetNote {
		return mailbox.SetNote{Target: t, Words: words, Seal: d.sealing(), Key: key}
	})
}

func (d draw) moving() mailbox.Command {
	t := d.target()
	switch d.IntN(6) {
	case 0:
		return mailbox.Delete{Target: t}
	case 1:
		t.Message = d.message(func(m mailbox.Message) bool { return m.Folder == mailbox.Deleted })
		return mailbox.Delete{Target: t}
	case 2:
		t.Message = d.message(func(m mailbox.Message) bool { return m.Folder == mailbox.Deleted })
		return mailbox.Restore{Target: t}
	}

	to := d.folder()
	if m := d.state.Messages()[t.Message]; to == private && m.Audience != "eboks" {
		to = mailbox.Inbox
	}

	return mailbox.Move{Target: t, To: to}
}

func (d draw) organising() mailbox.Command {
	f, name := one(d, folders), domain.UUID{byte(d.IntN(20))}
	parent := one(d, []domain.FolderID{{}, {}, mailbox.Inbox, folders[0], folders[1]})

	switch d.IntN(6) {
	case 0:
		return mailbox.DeleteFolder{Folder: f, Platform: "app"}
	case 1:
		return mailbox.DeleteFolder{Folder: private, Platform: "app"}
	case 2:
		return mailbox.RenameFolder{Folder: f, NameKey: name, Name: "a name", Seal: d.sealing()}
	case 3:
		return mailbox.MoveFolder{Folder: f, Parent: parent}
	}

	return mailbox.CreateFolder{
		Created: mailbox.FolderCreated{Folder: f, Parent: parent, NameKey: name}, Name: "a name", Seal: d.sealing(),
	}
}

func (d draw) writing() mailbox.Command {
	switch d.IntN(5) {
	case 0:
		t := d.target()
		t.Message = d.id()
		return mailbox.SaveDraft{Target: t, New: true, Author: author, Write: d.write()}
	case 1:
		return mailbox.SaveDraft{Target: d.draft(), Author: author, Write: d.write()}
	case 2:
		t, onward := d.target(), mailbox.Onward{Named: true}
		return mailbox.Forward{Target: t, Sent: d.sent(d.id()), Onward: onward}
	}

	t := d.draft()
	contents := mailbox.Contents{Label: true, Recipient: true, Main: true}

	return mailbox.Send{Target: t, Sent: d.sent(t.Message), Contents: contents}
}

// write keeps some parts of a draft, and adds one or none. It writes the same whenever it is asked again.
func (d draw) write() func(uint32, *mailbox.Draft) (mailbox.Draft, error) {
	seal, from, part := d.sealing(), d.IntN(3), mailbox.Part{Document: d.id(), Length: 5, Key: d.sealed()}
	more := d.coin()

	return func(leaf uint32, before *mailbox.Draft) (after mailbox.Draft, err error) {
		if before != nil {
			after.Parts = append(after.Parts, before.Parts[min(from, len(before.Parts)):]...)
		}

		if more {
			after.Parts = append(after.Parts, part)
		}
		after.Content, err = seal(leaf)

		return after, err
	}
}

func (d draw) sent(m domain.MessageID) mailbox.MessageSent {
	e := mailbox.MessageSent{
		Message: m, Author: author,
		Letter:   mailbox.Letter{Message: m, UUID: d.id(), Document: d.id(), Words: d.sealed(), Length: 9},
		To:       mailbox.Destination{System: domain.SystemID{byte(d.IntN(2))}},
		Handover: mailbox.Handover{Document: d.id(), Root: d.id()},
	}
	if d.IntN(4) == 0 {
		e.To.Address = d.sealed()
	}

	return e
}

// handing is what becomes of what was sent.
func (d draw) handing() mailbox.Order {
	m := d.message(func(m mailbox.Message) bool { return m.Out != nil && !m.Out.Taken })
	var system domain.SystemID
	if out := d.state.Messages()[m].Out; out != nil {
		system = out.System
	}

	switch d.IntN(3) {
	case 0:
		return d.machine(access.System, mailbox.HandOver{Message: m, System: system})
	case 1:
		return d.machine(access.System, mailbox.Take{Message: m, System: system})
	}

	receipt := mailbox.GiveReceipt{Message: m, System: system, Status: "COMPLETED", Seal: d.sealing()}

	return d.machine(access.System, receipt)
}

func (d draw) access() mailbox.Order {
	who, right := one(d, visitors), one(d, []access.Right{access.Read, access.ReadWrite})
	until := one(d, []time.Time{{}, now.Add(-time.Hour), now.Add(time.Hour)})

	switch d.IntN(9) {
	case 8:
		return d.machine(access.Clock, mailbox.Expire{Grant: d.grant(mailbox.Granted), At: now.Add(2 * time.Hour)})
	case 0, 1:
		asked := mailbox.AccessRequested{Grant: d.id(), Grantee: who, Right: right, Until: until}
		return d.visitor(who, mailbox.RequestAccess{Requested: asked})
	case 2:
		given := mailbox.AccessGranted{Grant: d.id(), Grantee: who, Right: right, Until: until}
		return d.owner(mailbox.GrantAccess{Granted: given, GranteeOpen: true})
	case 3:
		return d.owner(mailbox.Approve{Grant: d.grant(mailbox.Requested)})
	case 4:
		return d.owner(mailbox.Decline{Grant: d.grant(mailbox.Requested)})
	case 5:
		return d.visitor(who, mailbox.Decline{Grant: d.grant(mailbox.Requested)})
	case 6:
		return d.owner(mailbox.Revoke{Grant: d.grant(mailbox.Granted)})
	}

	return d.visitor(who, d.marking()) // who may have been let in
}

func (d draw) setting() mailbox.Command {
	switch d.IntN(5) {
	case 0:
		return mailbox.Consent{Platform: d.platform(), Given: d.coin(), Needed: true}
	case 1:
		return mailbox.SetLanguage{Platform: d.platform(), Language: one(d, []string{"da", "en"}), Offered: true}
	case 2:
		return mailbox.RevokeExemption{By: mailbox.BySelf}
	case 3:
		return d.contacts()
	}

	to := mailbox.PrivateSender{Platform: d.platform(), Organisation: one(d, senders)}

	return mailbox.ConsentToSender{Sender: to, Given: d.IntN(4) > 0, Known: true, Here: true}
}

func (d draw) exempting() mailbox.Order {
	c := mailbox.Command(mailbox.SetPostalAddress{Address: "an address", Seal: d.sealing()})
	switch x := d.state.Exemption; {
	case d.IntN(4) == 0:
	case x.Applied && d.coin():
		c = mailbox.GrantExemption{Exemption: x.ID}
	case x.Applied:
		c = mailbox.RefuseExemption{Exemption: x.ID, Seal: d.sealing()}
	case x.Exempt:
		c = mailbox.RevokeExemption{By: mailbox.ByMunicipality}
	default:
		c = mailbox.ApplyForExemption{
			Exemption: d.id(), Criteria: []string{"OTHER"}, InPerson: true, IDShown: true, Declaration: true,
			Seal: d.sealing(),
		}
	}

	return d.visitor(domain.MailboxID{7, 9}, c, access.Privilege{Right: access.Officer})
}

// several is one append of some commands: of all, or of those that are not refused.
func (d draw) several() mailbox.Command {
	some := []mailbox.Command{d.marking(), d.moving(), d.marking()}
	if d.coin() {
		return mailbox.All(some)
	}

	return mailbox.Each(append(some, d.moving()))
}
