package projections

import (
	"fmt"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
)

// Directory is the view of who there is. Its keys: m mailbox (MailboxRow), g grantee mailbox grant (nothing), x exemption (its mailbox), o organisation (OrganisationRow), s system (SystemRow).
type Directory struct{}

// Name names the view.
func (Directory) Name() string { return "directory" }

// An OrganisationRow is an organisation.
type OrganisationRow struct {
	Registered organisation.Registered `cbor:"1,keyasint"`
	At         time.Time               `cbor:"2,keyasint"`
	Version    eventstore.Version      `cbor:"3,keyasint"`
}

// A SystemRow is a sender system.
type SystemRow struct {
	System       organisation.SystemRegistered `cbor:"1,keyasint"`
	Organisation domain.OrganisationID         `cbor:"2,keyasint"`
	Position     eventstore.Position           `cbor:"3,keyasint"`
	Delegated    []domain.Sealed               `cbor:"4,keyasint,omitempty"` // whose certificates it may come with, too
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
	}
	return nil
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
