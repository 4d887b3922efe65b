// Package directory is the view of who there is: mailboxes, organisations with their systems and contact structures,
// and who has been given access to what.
//
// # Layout
//
//	m mailbox                nothing, of every mailbox that is not gone
//	g grantee mailbox grant  when it ends (nanoseconds), or nothing; of every grant and request, ended or not
//	e time mailbox grant     nothing, of grants that end by the clock and have not
//	d time mailbox           nothing, of a mailbox of which something is due by itself then
//	l mailbox                that time (nanoseconds)
//	x exemption              its mailbox
//	o organisation           OrganisationRow
//	s system                 SystemRow
//	c contact group          GroupRow
//	p contact point          PointRow
//	t subscription           SubscriptionRow
//	n                        position of the last change to any organisation
package directory

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
)

const (
	kindMailbox      = 'm'
	kindGranted      = 'g'
	kindEnd          = 'e'
	kindDue          = 'd'
	kindLife         = 'l'
	kindExemption    = 'x'
	kindOrganisation = 'o'
	kindSystem       = 's'
	kindGroup        = 'c'
	kindPoint        = 'p'
	kindChanged      = 'n'
	kindSubscription = 't'
)

var changedKey = []byte{kindChanged}

func mailboxKey(m domain.MailboxID) []byte { return engine.Key(kindMailbox, [16]byte(m)) }

func grantedKey(to, of domain.MailboxID, g domain.GrantID) []byte {
	return engine.Key(kindGranted, [16]byte(to), [16]byte(of), [16]byte(g))
}

// endKey sorts by the time at which a grant ends.
func endKey(until []byte, of domain.MailboxID, g domain.GrantID) []byte {
	k := append([]byte{kindEnd}, until...)
	k = append(k, of[:]...)

	return append(k, g[:]...)
}

func nanoseconds(t time.Time) []byte {
	if t.IsZero() {
		return nil
	}

	return binary.BigEndian.AppendUint64(nil, uint64(t.UnixNano()))
}

func exemptionKey(x domain.GrantID) []byte { return engine.Key(kindExemption, [16]byte(x)) }

func organisationKey(o domain.OrganisationID) []byte {
	return engine.Key(kindOrganisation, [16]byte(o))
}

func systemKey(s domain.SystemID) []byte { return engine.Key(kindSystem, [16]byte(s)) }

func groupKey(g domain.UUID) []byte { return engine.Key(kindGroup, [16]byte(g)) }

func subscriptionKey(s domain.UUID) []byte { return engine.Key(kindSubscription, [16]byte(s)) }

func pointKey(p domain.UUID) []byte { return engine.Key(kindPoint, [16]byte(p)) }

// An OrganisationRow is an organisation.
type OrganisationRow struct {
	Registered organisation.Registered `cbor:"1,keyasint"`
	At         time.Time               `cbor:"2,keyasint"`
	Version    eventstore.Version      `cbor:"3,keyasint"`
	Default    domain.SystemID         `cbor:"4,keyasint,omitzero"` // recipient system of points that name none
}

// A SystemRow is a sender system.
type SystemRow struct {
	System       organisation.SystemRegistered `cbor:"1,keyasint"`
	Organisation domain.OrganisationID         `cbor:"2,keyasint"`
	Position     eventstore.Position           `cbor:"3,keyasint"`
	Delegated    []domain.Sealed               `cbor:"4,keyasint,omitempty"` // whose certificates it may come with, too
	Receives     int                           `cbor:"5,keyasint,omitempty"` // MeMo version; 0: it only sends
	Withdrawn    bool                          `cbor:"6,keyasint,omitempty"` // its registration was
	Endpoint     string                        `cbor:"7,keyasint,omitempty"` // where it is told of receipts
	Stopped      bool                          `cbor:"8,keyasint,omitempty"` // it took none for so long
	Memos        organisation.Endpoint         `cbor:"9,keyasint,omitzero"`  // where it is brought what people write
	From         eventstore.Position           `cbor:"10,keyasint,omitzero"` // since which it is told of receipts
}

// setEndpoint changes where the system is told.
func (r *SystemRow) setEndpoint(memos bool, fn func(*organisation.Endpoint)) {
	now := organisation.Endpoint{URL: r.Endpoint, Stopped: r.Stopped}
	if memos {
		fn(&r.Memos)
		return
	}
	fn(&now)
	r.Endpoint, r.Stopped = now.URL, now.Stopped
}

// A GroupRow is a contact group.
type GroupRow struct {
	Group        organisation.ContactGroup `cbor:"1,keyasint"`
	Organisation domain.OrganisationID     `cbor:"2,keyasint"`
	Version      uint32                    `cbor:"3,keyasint"`
	At           time.Time                 `cbor:"4,keyasint"`
	Last         time.Time                 `cbor:"5,keyasint"`
}

// A PointRow is a contact point.
type PointRow struct {
	Point        organisation.ContactPoint `cbor:"1,keyasint"`
	Organisation domain.OrganisationID     `cbor:"2,keyasint"`
	Version      uint32                    `cbor:"3,keyasint"`
	At           time.Time                 `cbor:"4,keyasint"`
	Last         time.Time                 `cbor:"5,keyasint"`
}

// Projection makes the view.
type Projection struct{}

// Name names the view.
func (Projection) Name() string { return "directory" }

// ofMailboxes are the events of mailboxes that say who there is.
var ofMailboxes = []string{
	mailbox.Opened{}.EventType(), mailbox.Shredded{}.EventType(), mailbox.ExemptionApplied{}.EventType(),
	mailbox.AccessRequested{}.EventType(), mailbox.AccessGranted{}.EventType(),
	mailbox.AccessRevoked{}.EventType(), mailbox.AccessExpired{}.EventType(),
	mailbox.OwnerRegistered{}.EventType(), mailbox.OwnerLeft{}.EventType(), mailbox.OwnerReturned{}.EventType(),
	mailbox.OwnerChanged{}.EventType(), mailbox.Closed{}.EventType(), mailbox.Reopened{}.EventType(),
	mailbox.NumberChanged{}.EventType(),
	mailbox.AliasEnded{}.EventType(),
}

// Wants reports whether an event is an organisation's, or says who there is.
func (Projection) Wants(kind eventstore.Kind, eventType string) bool {
	return kind == streams.Organisation || kind == streams.Mailbox && slices.Contains(ofMailboxes, eventType)
}

// Apply applies an event.
func (Projection) Apply(v engine.View, rec eventstore.Event, e domain.Event) error {
	id := rec.Stream.ID
	if _, counted := e.(organisation.UnknownMet); rec.Stream.Kind == streams.Organisation && !counted {
		v.Put(changedKey, binary.BigEndian.AppendUint64(nil, uint64(rec.Position)))
	}

	if e, ok := e.(mailbox.Event); ok {
		if err := lives(v, id, e); err != nil {
			return err
		}
	}

	switch e := e.(type) {
	case mailbox.ExemptionApplied:
		v.Put(exemptionKey(e.Exemption), id[:])
	case mailbox.AccessRequested:
		v.Put(grantedKey(e.Grantee, id, e.Grant), nil)
	case mailbox.AccessGranted:
		until := nanoseconds(e.Until)
		v.Put(grantedKey(e.Grantee, id, e.Grant), until)
		if until != nil {
			v.Put(endKey(until, id, e.Grant), nil)
		}
	case mailbox.AccessRevoked:
		endedNow(v, id, e.Grantee, e.Grant)
	case mailbox.AccessExpired:
		endedNow(v, id, e.Grantee, e.Grant)
	case organisation.Registered:
		row := OrganisationRow{Registered: e, At: rec.Recorded, Version: rec.Version}
		return engine.Put(v, organisationKey(id), row)
	case organisation.SystemRegistered:
		return engine.Put(v, systemKey(e.System), SystemRow{System: e, Organisation: id, Position: rec.Position})
	case organisation.SystemKeySet:
		return changeSystem(v, e.System, func(r *SystemRow) { r.System.KeyHash = e.KeyHash })
	case organisation.SystemBasisSet:
		return changeSystem(v, e.System, func(r *SystemRow) { r.System.ConsentBasis = e.ConsentBasis })
	case organisation.SystemEndpointSet:
		return changeSystem(v, e.System, func(r *SystemRow) {
			if !e.Memos && r.Endpoint == "" {
				r.From = rec.Position
			}
			r.setEndpoint(e.Memos, func(x *organisation.Endpoint) { *x = organisation.Endpoint{URL: e.Endpoint} })
		})
	case organisation.SystemEndpointStopped:
		return changeSystem(v, e.System, func(r *SystemRow) {
			r.setEndpoint(e.Memos, func(x *organisation.Endpoint) { x.Stopped = true })
		})
	case organisation.SystemWithdrawn:
		return withdrawn(v, rec, e)
	case organisation.RightsChanged:
		return changeRights(v, rec, e)
	case organisation.SystemDelegated:
		return changeSystem(v, e.System, func(r *SystemRow) { r.Delegated = append(r.Delegated, e.Holder) })
	case organisation.RecipientSystemRegistered:
		return receives(v, rec, e)
	case organisation.SubscriptionSet:
		return putSubscription(v, rec, e)
	case organisation.SubscriptionEnded:
		v.Delete(subscriptionKey(e.Subscription))
	case organisation.ContactGroupCreated:
		return putGroup(v, rec, e.Group)
	case organisation.ContactGroupChanged:
		return putGroup(v, rec, e.Group)
	case organisation.ContactGroupClosed:
		v.Delete(groupKey(e.Group))
	case organisation.ContactPointCreated:
		return putPoint(v, rec, e.Point)
	case organisation.ContactPointChanged:
		return putPoint(v, rec, e.Point)
	case organisation.ContactPointClosed:
		v.Delete(pointKey(e.Point))
	}

	return nil
}

// endedNow takes a grant from those that are to end by the clock.
func endedNow(v engine.View, of, to domain.MailboxID, g domain.GrantID) {
	if until := v.Get(grantedKey(to, of, g)); len(until) > 0 {
		v.Delete(endKey(until, of, g))
	}
}

func receives(v engine.View, rec eventstore.Event, e organisation.RecipientSystemRegistered) error {
	err := changeSystem(v, e.System, func(r *SystemRow) { r.Receives = e.MemoVersion })
	if err != nil || !e.Default {
		return err
	}

	k := organisationKey(rec.Stream.ID)
	o, ok, err := engine.Row[OrganisationRow](v, k)
	if err != nil || !ok {
		return fmt.Errorf("an organisation has no row: %w", err)
	}
	o.Default = e.System

	return engine.Put(v, k, o)
}

// withdrawn notes that a system does nothing any more: it is nobody's default either, also when it is registered again.
func withdrawn(v engine.View, rec eventstore.Event, e organisation.SystemWithdrawn) error {
	if err := changeSystem(v, e.System, func(r *SystemRow) { r.Withdrawn = true }); err != nil {
		return err
	}

	k := organisationKey(rec.Stream.ID)
	o, ok, err := engine.Row[OrganisationRow](v, k)
	if err != nil || !ok || o.Default != e.System {
		return err
	}
	o.Default = domain.SystemID{}

	return engine.Put(v, k, o)
}

func changeRights(v engine.View, rec eventstore.Event, e organisation.RightsChanged) error {
	k := organisationKey(rec.Stream.ID)
	o, ok, err := engine.Row[OrganisationRow](v, k)
	if err != nil || !ok {
		return fmt.Errorf("an organisation has no row: %w", err)
	}
	o.Registered.Rights = e.Rights

	return engine.Put(v, k, o)
}

func putGroup(v engine.View, rec eventstore.Event, g organisation.ContactGroup) error {
	k := groupKey(g.Group)
	r, there, err := engine.Row[GroupRow](v, k)
	if err != nil {
		return err
	}

	if !there {
		r.At = rec.Recorded
	}
	r.Group, r.Organisation, r.Version, r.Last = g, rec.Stream.ID, r.Version+1, rec.Recorded

	return engine.Put(v, k, r)
}

func putPoint(v engine.View, rec eventstore.Event, p organisation.ContactPoint) error {
	k := pointKey(p.Point)
	r, there, err := engine.Row[PointRow](v, k)
	if err != nil {
		return err
	}

	if !there {
		r.At = rec.Recorded
	}
	r.Point, r.Organisation, r.Version, r.Last = p, rec.Stream.ID, r.Version+1, rec.Recorded

	return engine.Put(v, k, r)
}

func changeSystem(v engine.View, id domain.SystemID, fn func(*SystemRow)) error {
	k := systemKey(id)
	r, ok, err := engine.Row[SystemRow](v, k)
	if err != nil || !ok {
		return fmt.Errorf("system %s has no row: %w", id, err)
	}
	fn(&r)

	return engine.Put(v, k, r)
}
