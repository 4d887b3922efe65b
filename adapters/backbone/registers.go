package backbone

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
	"digitalpost/projections"
)

// A Person is a citizen or company as the register has them.
type Person struct {
	Kind         mailbox.OwnerKind
	Number       string // CPR or CVR
	Name         string
	BirthDate    time.Time // zero for a company
	Municipality string
	Mailbox      domain.MailboxID
}

func purposeOf(kind mailbox.OwnerKind) vault.Purpose {
	if kind == mailbox.Company {
		return vault.Company
	}
	return vault.Citizen
}

// Register opens the mailbox of a citizen or company, once: created tells whether it did. One number has one mailbox.
func (b *Backbone) Register(ctx context.Context, p Person) (id domain.MailboxID, created bool, err error) {
	owner, err := b.vault.Enter(purposeOf(p.Kind), p.Number, vault.Owner(b.newID()))
	if err != nil {
		return id, false, err
	}
	b.cfg.Fail("root written")
	id = domain.MailboxID(owner)
	k, err := b.vault.Key(owner, 0)
	if err != nil {
		return id, false, err
	}
	opened := mailbox.Opened{Owner: p.Kind, Residence: p.Municipality}
	seal := func(field, text string) domain.Sealed { return k.Seal(opened.EventType(), field, []byte(text)) }
	opened.Number, opened.Name = seal("number", p.Number), seal("name", p.Name)
	if !p.BirthDate.IsZero() {
		opened.BirthDate = seal("birthDate", p.BirthDate.Format("2006-01-02"))
	}
	meta := eventstore.Meta{Command: derivedCommand("open", owner[:]), Actor: eventstore.Actor{Kind: "register"}}
	_, at, err := b.mailboxes.Execute(ctx, mailboxStream(id), meta, func(mailbox.State) (mailbox.Command, error) {
		return mailbox.Open{Opened: opened, Born: p.BirthDate, Today: b.now().In(memo.Copenhagen)}, nil
	})
	if reason, ok := domain.Refused(err); ok && reason == mailbox.AlreadyOpen {
		return id, false, b.views.Wait(ctx, b.store.Last())
	}
	if err != nil {
		return id, false, err
	}
	return id, true, b.views.Wait(ctx, at)
}

// Find gives the mailbox of a number.
func (b *Backbone) Find(kind mailbox.OwnerKind, number string) (domain.MailboxID, bool, error) {
	owner, ok, err := b.vault.Find(purposeOf(kind), number)
	if err != nil || !ok {
		return domain.MailboxID{}, false, err
	}
	s, err := b.snapshot(projections.Mailboxes{})
	if err != nil {
		return domain.MailboxID{}, false, err
	}
	defer s.Close()
	_, ok, err = s.Mailbox(domain.MailboxID(owner))
	return domain.MailboxID(owner), ok, err
}

// Owner gives whose mailbox it is, unsealed.
func (b *Backbone) Owner(id domain.MailboxID, r projections.MailboxRow) (Person, error) {
	p := Person{Kind: r.Opened.Owner, Municipality: r.Opened.Residence, Mailbox: id}
	k, err := b.vault.Key(vault.Owner(id), 0)
	if err != nil {
		return p, err
	}
	open := func(field string, s domain.Sealed) string {
		plain, oerr := k.Open(r.Opened.EventType(), field, s)
		err = errors.Join(err, oerr)
		return string(plain)
	}
	p.Number, p.Name = open("number", r.Opened.Number), open("name", r.Opened.Name)
	if len(r.Opened.BirthDate) > 0 {
		p.BirthDate, _ = time.Parse("2006-01-02", open("birthDate", r.Opened.BirthDate))
	}
	return p, err
}

// People gives every owner, for development's listing.
func (b *Backbone) People() (out []Person, err error) {
	s, err := b.snapshot(projections.Directory{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	err = s.Owners(func(id domain.MailboxID, r projections.MailboxRow) error {
		p, err := b.Owner(id, r)
		out = append(out, p)
		return err
	})
	return out, err
}

// An Organisation is an authority or company that sends.
type Organisation struct {
	Kind             string
	CVR              string
	Name             string
	MandatoryAllowed bool
	LegalAllowed     bool
	UUID             domain.UUID // that its certificates name; zero: any
	LegalBasis       string      // of an authority that may write to those who are exempt; empty: none
	AuthorityType    string      // STATE, REGION, MUNICIPALITY or OTHER; empty for a company
}

// A System is a sender system with its organisation, unsealed.
type System struct {
	ID           domain.SystemID
	Name         string
	Platform     string // of a company's system: the platform that alone shows what it sends
	Organisation Organisation
	OrgID        domain.OrganisationID
	KeyHash      []byte // as identity.HashKey gives it
	Receives     int    // the MeMo version that it takes in, as a recipient system; 0: it only sends

	holders []holder // whose certificates it may come with
}

// A holder is an organisation that has certificates.
type holder struct {
	cvr  string
	uuid domain.UUID // zero: any of that CVR
}

// Trusts tells whether the system may come with a certificate of an organisation: its own, or one that it is delegated to.
func (s System) Trusts(cvr string, uuid domain.UUID) bool {
	for _, h := range s.holders {
		if h.cvr == cvr && (h.uuid == uuid || h.uuid == domain.UUID{}) {
			return true
		}
	}
	return false
}

// SystemID gives the id that a sender system of an organisation has or will have: the same name of the same organisation is the same system.
func (b *Backbone) SystemID(cvr, name string) (domain.SystemID, error) {
	owner, err := b.vault.Enter(vault.Organisation, cvr, vault.Owner(b.newID()))
	return domain.SystemID(domain.DeriveID("system", owner[:], []byte(name))), err
}

// RegisterSystem registers a sender system with the hash of its key, and its organisation, if they are not there. A system that is there gets the key, if it is
// another; the one before is valid no more.
func (b *Backbone) RegisterSystem(ctx context.Context, o Organisation, name, platform string, keyHash []byte) error {
	system, err := b.SystemID(o.CVR, name)
	if err != nil {
		return err
	}
	return b.organise(ctx, o.CVR, "register system", func(k vault.Key, s organisationState) ([]organisation.Event, error) {
		var events []organisation.Event
		if !s.registered {
			e := organisation.Registered{Kind: o.Kind, MandatoryAllowed: o.MandatoryAllowed, LegalAllowed: o.LegalAllowed, UUID: o.UUID, LegalBasis: o.LegalBasis, AuthorityType: o.AuthorityType}
			e.CVR, e.Name = k.Seal(e.EventType(), "cvr", []byte(o.CVR)), k.Seal(e.EventType(), "name", []byte(o.Name))
			events = append(events, e)
		}
		if hash, there := s.keys[system]; !there {
			r := organisation.SystemRegistered{System: system, Platform: platform, KeyHash: keyHash}
			r.Name = k.Seal(r.EventType(), "name", []byte(name))
			events = append(events, r)
		} else if !bytes.Equal(hash, keyHash) {
			events = append(events, organisation.SystemKeySet{System: system, KeyHash: keyHash})
		}
		return events, nil
	})
}

// Delegate lets a sender system come with certificates of another organisation, such as its supplier.
func (b *Backbone) Delegate(ctx context.Context, cvr string, system domain.SystemID, to string) error {
	return b.organise(ctx, cvr, "delegate system", func(k vault.Key, s organisationState) ([]organisation.Event, error) {
		if _, there := s.keys[system]; !there {
			return nil, ErrNotFound
		}
		e := organisation.SystemDelegated{System: system}
		e.Holder = k.Seal(e.EventType(), "holder", []byte(to))
		return []organisation.Event{e}, nil
	})
}

// organisationState is what decides about an organisation's next events.
type organisationState struct {
	registered bool
	keys       map[domain.SystemID][]byte
	contacts   organisation.Contacts
}

// organise appends what decide wants to an organisation's stream, and waits for the views.
func (b *Backbone) organise(ctx context.Context, cvr, what string, decide func(vault.Key, organisationState) ([]organisation.Event, error)) error {
	owner, err := b.vault.Enter(vault.Organisation, cvr, vault.Owner(b.newID()))
	if err != nil {
		return err
	}
	k, err := b.vault.Key(owner, 0)
	if err != nil {
		return err
	}
	stream := eventstore.Stream{Kind: "organisation", ID: owner}
	state := organisationState{keys: map[domain.SystemID][]byte{}, contacts: organisation.NewContacts()}
	version, _ := b.store.Head(stream)
	for rec, err := range b.store.ReadStream(ctx, stream, 0) {
		if err != nil {
			return err
		}
		e, err := organisation.Codec.Decode(rec.Type, rec.Data)
		if err != nil {
			return err
		}
		switch e := e.(type) {
		case organisation.Registered:
			state.registered = true
		case organisation.SystemRegistered:
			state.keys[e.System] = e.KeyHash
		case organisation.SystemKeySet:
			state.keys[e.System] = e.KeyHash
		}
		state.contacts.Evolve(e)
	}
	events, err := decide(k, state)
	if err != nil || len(events) == 0 {
		return err
	}
	var news []eventstore.NewEvent
	command := b.newID()
	for _, e := range events {
		data, err := organisation.Codec.Encode(e)
		if err != nil {
			return err
		}
		news = append(news, eventstore.NewEvent{Type: e.EventType(), Data: data, Meta: eventstore.Meta{Command: command, Actor: eventstore.Actor{Kind: "operator"}}})
	}
	p, err := b.store.Append(ctx, stream, eventstore.ExpectedVersion(version), news...)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	err = b.views.Wait(ctx, p)
	b.systemsAt.Store(uint64(p))
	return err
}

// Systems gives every sender system, in the order of registration.
func (b *Backbone) Systems() (out []System, err error) {
	s, err := b.snapshot(projections.Directory{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	rows, err := s.Systems()
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		sys, err := b.system(s, r)
		if err != nil {
			return nil, err
		}
		out = append(out, sys)
	}
	return out, nil
}

// systemCache keeps every sender system until an organisation changes.
type systemCache struct {
	mu sync.Mutex // guards what follows, and lets one reader make it for all
	at uint64     // systemsAt that it was made at
	by map[domain.SystemID]System
}

// System gives one sender system.
func (b *Backbone) System(id domain.SystemID) (System, error) {
	b.systems.mu.Lock()
	defer b.systems.mu.Unlock()
	if at := b.systemsAt.Load(); b.systems.by == nil || b.systems.at != at {
		all, err := b.Systems()
		if err != nil {
			return System{}, err
		}
		by := map[domain.SystemID]System{}
		for _, s := range all {
			by[s.ID] = s
		}
		b.systems.by, b.systems.at = by, at
	}
	s, ok := b.systems.by[id]
	if !ok {
		return System{}, ErrNotFound
	}
	return s, nil
}

func (b *Backbone) system(s *projections.Snapshot, r projections.SystemRow) (System, error) {
	out := System{ID: r.System.System, Platform: r.System.Platform, OrgID: r.Organisation, KeyHash: r.System.KeyHash, Receives: r.Receives}
	org, _, err := s.Organisation(r.Organisation)
	if err != nil {
		return out, err
	}
	if out.Organisation, err = b.organisationOf(r.Organisation, org.Registered); err != nil {
		return out, err
	}
	k, err := b.vault.Key(vault.Owner(r.Organisation), 0)
	if err != nil {
		return out, err
	}
	name, err := k.Open(r.System.EventType(), "name", r.System.Name)
	out.Name = string(name)
	out.holders = []holder{{out.Organisation.CVR, out.Organisation.UUID}}
	for _, h := range r.Delegated {
		cvr, oerr := k.Open(organisation.SystemDelegated{}.EventType(), "holder", h)
		err = errors.Join(err, oerr)
		out.holders = append(out.holders, holder{cvr: string(cvr)})
	}
	return out, err
}
