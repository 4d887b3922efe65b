package projections

import (
	"fmt"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
)

// Directory is the view of who there is. Its keys: m mailbox (MailboxRow), g grantee mailbox grant (nothing), x exemption (its mailbox), o organisation (OrganisationRow), s system (SystemRow), c contact group
// (GroupRow), p contact point (PointRow).
type Directory struct{}

// Name names the view.
func (Directory) Name() string { return "directory" }

// An OrganisationRow is an organisation.
type OrganisationRow struct {
	Registered organisation.Registered `cbor:"1,keyasint"`
	At         time.Time               `cbor:"2,keyasint"`
	Version    eventstore.Version      `cbor:"3,keyasint"`
	Default    domain.SystemID         `cbor:"4,keyasint,omitzero"` // recipient system of contact points that name none
}

// A SystemRow is a sender system.
type SystemRow struct {
	System       organisation.SystemRegistered `cbor:"1,keyasint"`
	Organisation domain.OrganisationID         `cbor:"2,keyasint"`
	Position     eventstore.Position           `cbor:"3,keyasint"`
	Delegated    []domain.Sealed               `cbor:"4,keyasint,omitempty"` // whose certificates it may come with, too
	Receives     int                           `cbor:"5,keyasint,omitempty"` // the MeMo version that it takes in; 0: it only sends
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

// Apply applies an event.
func (Directory) Apply(v View, rec eventstore.Event, e domain.Named) error {
	switch e := e.(type) {
	case mailbox.Opened:
		return put(v, key('m', rec.Stream.ID), MailboxRow{Opened: e, At: rec.Recorded})
	case mailbox.Shredded:
		v.Delete(key('m', rec.Stream.ID))
	case mailbox.ExemptionApplied:
		v.Put(key('x', [16]byte(e.Exemption)), rec.Stream.ID[:])
	case mailbox.AccessRequested:
		v.Put(key('g', [16]byte(e.Grantee), rec.Stream.ID, [16]byte(e.Grant)), nil)
	case mailbox.AccessGranted:
		v.Put(key('g', [16]byte(e.Grantee), rec.Stream.ID, [16]byte(e.Grant)), nil)
	case organisation.Registered:
		return put(v, key('o', rec.Stream.ID), OrganisationRow{Registered: e, At: rec.Recorded, Version: rec.Version})
	case organisation.SystemRegistered:
		return put(v, key('s', [16]byte(e.System)), SystemRow{System: e, Organisation: rec.Stream.ID, Position: rec.Position})
	case organisation.SystemKeySet:
		return changeSystem(v, e.System, func(r *SystemRow) { r.System.KeyHash = e.KeyHash })
	case organisation.SystemDelegated:
		return changeSystem(v, e.System, func(r *SystemRow) { r.Delegated = append(r.Delegated, e.Holder) })
	case organisation.RecipientSystemRegistered:
		return receives(v, rec, e)
	case organisation.ContactGroupCreated:
		return putGroup(v, rec, e.Group)
	case organisation.ContactGroupChanged:
		return putGroup(v, rec, e.Group)
	case organisation.ContactGroupClosed:
		v.Delete(key('c', [16]byte(e.Group)))
	case organisation.ContactPointCreated:
		return putPoint(v, rec, e.Point)
	case organisation.ContactPointChanged:
		return putPoint(v, rec, e.Point)
	case organisation.ContactPointClosed:
		v.Delete(key('p', [16]byte(e.Point)))
	}
	return nil
}

func receives(v View, rec eventstore.Event, e organisation.RecipientSystemRegistered) error {
	if err := changeSystem(v, e.System, func(r *SystemRow) { r.Receives = e.MemoVersion }); err != nil || !e.Default {
		return err
	}
	k := key('o', rec.Stream.ID)
	o, ok, err := row[OrganisationRow](v, k)
	if err != nil || !ok {
		return fmt.Errorf("an organisation has no row: %w", err)
	}
	o.Default = e.System
	return put(v, k, o)
}

func putGroup(v View, rec eventstore.Event, g organisation.ContactGroup) error {
	k := key('c', [16]byte(g.Group))
	r, there, err := row[GroupRow](v, k)
	if err != nil {
		return err
	}
	if !there {
		r.At = rec.Recorded
	}
	r.Group, r.Organisation, r.Version, r.Last = g, rec.Stream.ID, r.Version+1, rec.Recorded
	return put(v, k, r)
}

func putPoint(v View, rec eventstore.Event, p organisation.ContactPoint) error {
	k := key('p', [16]byte(p.Point))
	r, there, err := row[PointRow](v, k)
	if err != nil {
		return err
	}
	if !there {
		r.At = rec.Recorded
	}
	r.Point, r.Organisation, r.Version, r.Last = p, rec.Stream.ID, r.Version+1, rec.Recorded
	return put(v, k, r)
}

// Organisations gives every organisation.
func (s *Snapshot) Organisations() (map[domain.OrganisationID]OrganisationRow, error) {
	out := map[domain.OrganisationID]OrganisationRow{}
	return out, each(s, 'o', func(k []byte, r OrganisationRow) { out[domain.OrganisationID(k)] = r })
}

// Groups gives every contact group.
func (s *Snapshot) Groups() (out []GroupRow, err error) {
	err = each(s, 'c', func(_ []byte, r GroupRow) { out = append(out, r) })
	return out, err
}

// Points gives every contact point.
func (s *Snapshot) Points() (out []PointRow, err error) {
	err = each(s, 'p', func(_ []byte, r PointRow) { out = append(out, r) })
	return out, err
}

// each reads the rows of a kind; fn gets the key without the kind.
func each[T any](s *Snapshot, kind rune, fn func(key []byte, r T)) (err error) {
	s.Scan(key(kind), func(k, _ []byte) bool {
		var r T
		if r, _, err = row[T](s, k); err == nil {
			fn(k[1:], r)
		}
		return err == nil
	})
	return err
}

func changeSystem(v View, id domain.SystemID, fn func(*SystemRow)) error {
	k := key('s', [16]byte(id))
	r, ok, err := row[SystemRow](v, k)
	if err != nil || !ok {
		return fmt.Errorf("system %s has no row: %w", id, err)
	}
	fn(&r)
	return put(v, k, r)
}
