package backbone

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/projections"
)

// Criteria are the grounds on which one is exempt, as the municipality's form has them; the value tells whether it is that the person has left the country.
var Criteria = map[string]bool{"DISABILITY": false, "NO_COMPUTER_AT_HOME": false, "LEFT_DENMARK": true, "NO_REGISTERED_ADDRESS": true, "LIMITED_DANISH": false, "DIFFICULTY_GETTING_EID": false,
	"NO_BROADBAND": false, "OTHER": false, "MANAGER_UNABLE": false}

// companyCriteria are the grounds on which a company is exempt; the last one is not a person's.
var companyCriteria = []string{"NO_BROADBAND", "MANAGER_UNABLE"}

// CompanyCriterion refuses a ground that is not of the kind of owner.
const CompanyCriterion domain.Reason = "exemption.criterion.not.met"

// CriterionUnknown refuses a ground that is not on the form.
const CriterionUnknown domain.Reason = "exemption.criterion.unknown"

const maxAddress = 500 // characters

// An Application is what happens at the municipality's counter.
type Application struct {
	Criteria    []string // of Criteria
	InPerson    bool
	IDShown     bool
	Declaration bool // signed
	Proxy       bool // by one with a power of attorney
	BothSigned  bool // of a proxy's form
	Decide      bool // and granted at once
	Address     string
}

// An Exemption is where an owner's exemption stands.
type Exemption struct {
	Grounds  string // of a refusal: for the owner too
	Mailbox  domain.MailboxID
	Row      projections.ExemptionRow
	Criteria []string // for officers only
	Address  string   // for officers only
}

// seal seals text under the next leaf of a mailbox.
func (b *Backbone) sealNext(box domain.MailboxID, leaf uint32, eventType, field, text string) (domain.Sealed, error) {
	k, err := b.vault.Key(vault.Owner(box), leaf)
	if err != nil {
		return nil, err
	}
	return k.Seal(eventType, field, []byte(text)), nil
}

// Decides tells whether a principal decides on exemptions at all.
func (b *Backbone) Decides(p Principal) bool {
	return slices.ContainsFunc(p.Mandates, func(m access.Mandate) bool { return m.Right.Allows(access.Exempt) })
}

// Apply takes an application for exemption, and grants it if it is to be decided at once.
func (b *Backbone) Apply(ctx context.Context, a Ask, in Application) (Exemption, eventstore.Position, error) {
	departure := false
	for _, c := range in.Criteria {
		left, known := Criteria[c]
		if !known {
			return Exemption{}, 0, domain.Refuse(CriterionUnknown)
		}
		departure = departure || left
	}
	kind, err := b.kindOf(a.Mailbox)
	if err != nil {
		return Exemption{}, 0, err
	}
	for _, c := range in.Criteria {
		if company := kind == mailbox.Company; company && !slices.Contains(companyCriteria, c) || !company && c == "MANAGER_UNABLE" {
			return Exemption{}, 0, domain.Refuse(CompanyCriterion)
		}
	}
	if len([]rune(in.Address)) > maxAddress {
		return Exemption{}, 0, domain.Refuse(AddressNotAllowed)
	}
	id := domain.GrantID(b.newID())
	at, err := b.exempt(ctx, a, access.Exempt, fmt.Sprintf("apply %+v", in), func(s mailbox.State) (mailbox.Command, error) {
		e := mailbox.ExemptionApplied{Exemption: id, Leaf: s.NextLeaf, Departure: departure, Proxy: in.Proxy}
		var err error
		if e.Criteria, err = b.sealNext(a.Mailbox, e.Leaf, e.EventType(), "criteria", strings.Join(in.Criteria, " ")); err != nil {
			return nil, err
		}
		all := mailbox.All{mailbox.ApplyForExemption{Applied: e, InPerson: in.InPerson, IDShown: in.IDShown, Declaration: in.Declaration && len(in.Criteria) > 0, BothSigned: in.BothSigned}}
		if in.Decide {
			all = append(all, mailbox.GrantExemption{Exemption: id})
		}
		if in.Address != "" {
			p := mailbox.PostalAddressSet{Leaf: s.NextLeaf + 1}
			if p.Address, err = b.sealNext(a.Mailbox, p.Leaf, p.EventType(), "address", in.Address); err != nil {
				return nil, err
			}
			all = append(all, mailbox.SetPostalAddress{Set: p})
		}
		return all, nil
	})
	return b.exemptionAfter(a.Mailbox, at, err)
}

// AddressNotAllowed refuses an address that is too long.
const AddressNotAllowed domain.Reason = "exemption.address.not.allowed"

// DecideExemption grants an application, or refuses it on grounds.
func (b *Backbone) DecideExemption(ctx context.Context, a Ask, id domain.GrantID, grant bool, grounds string) (Exemption, eventstore.Position, error) {
	at, err := b.exempt(ctx, a, access.Exempt, fmt.Sprintf("decide %s %v %s", id, grant, grounds), func(s mailbox.State) (mailbox.Command, error) {
		if grant {
			return mailbox.GrantExemption{Exemption: id}, nil
		}
		e := mailbox.ExemptionRefused{Exemption: id, Leaf: s.NextLeaf}
		var err error
		e.Grounds, err = b.sealNext(a.Mailbox, e.Leaf, e.EventType(), "grounds", grounds)
		return mailbox.RefuseExemption{Refused: e}, err
	})
	return b.exemptionAfter(a.Mailbox, at, err)
}

// SetAddress says where paper goes; an empty one is the registered address.
func (b *Backbone) SetAddress(ctx context.Context, a Ask, id domain.GrantID, address string) (Exemption, eventstore.Position, error) {
	if len([]rune(address)) > maxAddress {
		return Exemption{}, 0, domain.Refuse(AddressNotAllowed)
	}
	at, err := b.exempt(ctx, a, access.Exempt, "address "+id.String()+" "+address, func(s mailbox.State) (mailbox.Command, error) {
		if s.Exemption.ID != id {
			return nil, ErrNotFound // there is a later one
		}
		e := mailbox.PostalAddressSet{Leaf: s.NextLeaf}
		var err error
		if address != "" {
			e.Address, err = b.sealNext(a.Mailbox, e.Leaf, e.EventType(), "address", address)
		}
		return mailbox.SetPostalAddress{Set: e}, err
	})
	return b.exemptionAfter(a.Mailbox, at, err)
}

// EndExemption ends an exemption at the municipality.
func (b *Backbone) EndExemption(ctx context.Context, a Ask, id domain.GrantID) (Exemption, eventstore.Position, error) {
	at, err := b.exempt(ctx, a, access.Exempt, "end "+id.String(), func(s mailbox.State) (mailbox.Command, error) {
		if s.Exemption.ID != id {
			return nil, ErrNotFound // there is a later one
		}
		return mailbox.RevokeExemption{By: mailbox.ByMunicipality}, nil
	})
	return b.exemptionAfter(a.Mailbox, at, err)
}

var (
	danishMobile = regexp.MustCompile(`^(\+45|0045)?[2-9][0-9]{7}$`)
	anEMail      = regexp.MustCompile(`^[^\s@<>]{1,64}@[^\s@<>]{1,180}\.[^\s@<>.]{2,63}$`)
)

// CancelExemption is the owner's own: online, with an e-mail address or a Danish mobile number that they confirm.
func (b *Backbone) CancelExemption(ctx context.Context, a Ask, contact string) (Exemption, eventstore.Position, error) {
	contact = strings.Join(strings.Fields(contact), "")
	if danishMobile.MatchString(contact) {
		contact = "+45" + contact[len(contact)-8:]
	} else if !anEMail.MatchString(contact) {
		return Exemption{}, 0, domain.Refuse(mailbox.ContactNotAllowed)
	}
	at, err := b.exempt(ctx, a, access.Settings, "cancel "+contact, func(s mailbox.State) (mailbox.Command, error) {
		e := mailbox.ContactConfirmed{Leaf: s.NextLeaf}
		var err error
		e.Contact, err = b.sealNext(a.Mailbox, e.Leaf, e.EventType(), "contact", contact)
		return mailbox.RevokeExemption{By: mailbox.BySelf, Contact: &e}, err
	})
	return b.exemptionAfter(a.Mailbox, at, err)
}

// Returned is what the register says of one who lives in the country again: an exemption whose ground was that they had left ends by itself.
func (b *Backbone) Returned(ctx context.Context, id domain.MailboxID) (eventstore.Position, error) {
	h := b.mailboxes
	h.Start = b.startWith()
	meta := eventstore.Meta{Command: b.newID(), Actor: eventstore.Actor{Kind: "register"}}
	_, at, err := h.Execute(ctx, mailboxStream(id), meta, func(mailbox.State) (mailbox.Command, error) {
		return mailbox.RevokeExemption{By: mailbox.ByReturn}, nil
	})
	if reason, refused := domain.Refused(err); refused && reason == mailbox.NotExempt {
		return b.store.Last(), nil
	}
	if err != nil {
		return 0, err
	}
	return at, b.views.Wait(ctx, max(at, 1))
}

func (b *Backbone) exempt(ctx context.Context, a Ask, action access.Action, what string, make func(mailbox.State) (mailbox.Command, error)) (eventstore.Position, error) {
	_, at, err := b.run(ctx, &a, action, domain.MessageID{}, domain.FolderID{}, what, func(s mailbox.State) (mailbox.Command, []access.Action, error) {
		if err := b.atVersion(ctx, a, func(s *projections.Snapshot) (uint32, error) {
			row, _, err := s.Mailbox(a.Mailbox)
			return row.Exemption.Version, err
		}); err != nil {
			return nil, nil, err
		}
		c, err := make(s)
		return c, nil, err
	})
	return at, err
}

func (b *Backbone) exemptionAfter(box domain.MailboxID, at eventstore.Position, err error) (Exemption, eventstore.Position, error) {
	if err != nil {
		return Exemption{}, 0, err
	}
	x, err := b.exemption(box, true)
	return x, at, err
}

// exemption reads where an exemption stands; what is for officers only is unsealed for them.
func (b *Backbone) exemption(box domain.MailboxID, officer bool) (x Exemption, err error) {
	s, err := b.snapshot(projections.Mailboxes{})
	if err != nil {
		return x, err
	}
	defer s.Close()
	row, ok, err := s.Mailbox(box)
	if err != nil || !ok {
		return x, errors.Join(err, ErrNotFound)
	}
	x = Exemption{Mailbox: box, Row: row.Exemption}
	open := func(leaf uint32, eventType, field string, sealed domain.Sealed) (string, error) {
		if len(sealed) == 0 {
			return "", nil
		}
		k, err := b.vault.Key(vault.Owner(box), leaf)
		if err != nil {
			return "", err
		}
		plain, err := k.Open(eventType, field, sealed)
		return string(plain), err
	}
	if x.Grounds, err = open(x.Row.GroundsLeaf, mailbox.ExemptionRefused{}.EventType(), "grounds", x.Row.Grounds); err != nil || !officer {
		return x, err
	}
	criteria, err := open(x.Row.Leaf, mailbox.ExemptionApplied{}.EventType(), "criteria", x.Row.Criteria)
	if err != nil {
		return x, err
	}
	x.Criteria = strings.Fields(criteria)
	slices.Sort(x.Criteria)
	x.Address, err = open(x.Row.AddressLeaf, mailbox.PostalAddressSet{}.EventType(), "address", x.Row.Address)
	return x, err
}

// Exemption shows an officer where an owner's exemption stands, with its criteria; the owner sees that it stands, and no criterion.
func (b *Backbone) Exemption(ctx context.Context, p Principal, box domain.MailboxID, officer bool) (Exemption, error) {
	action := access.Settings
	if officer {
		action = access.Exempt
	}
	v, err := b.enter(ctx, p, box, action)
	if err != nil {
		return Exemption{}, err
	}
	v.Close()
	x, err := b.exemption(box, officer)
	if err == nil && x.Row.Version == 0 {
		err = ErrNotFound
	}
	return x, err
}

// ExemptionMailbox gives the mailbox that an exemption is of.
func (b *Backbone) ExemptionMailbox(id domain.GrantID) (domain.MailboxID, error) {
	d, err := b.snapshot(projections.Directory{})
	if err != nil {
		return domain.MailboxID{}, err
	}
	defer d.Close()
	box, ok := d.ExemptionOf(id)
	if !ok {
		return box, ErrNotFound
	}
	return box, nil
}

// IsExempt tells whether the owner of a number is exempt; no reason is given to anybody.
func (b *Backbone) IsExempt(kind mailbox.OwnerKind, number string) (exempt, known bool, err error) {
	id, ok, err := b.Find(kind, number)
	if err != nil || !ok {
		return false, false, err
	}
	x, err := b.exemption(id, false)
	return x.Row.State.Exempt, true, err
}
