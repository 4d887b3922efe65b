package projections

import (
	"time"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
)

// Directory is the view of who there is. Its keys: m mailbox (MailboxRow), o organisation (OrganisationRow), s system (SystemRow).
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
}

// Apply applies an event.
func (Directory) Apply(v View, rec eventstore.Event, e domain.Named) error {
	switch e := e.(type) {
	case mailbox.Opened:
		return put(v, key('m', rec.Stream.ID), MailboxRow{Opened: e, At: rec.Recorded})
	case mailbox.Shredded:
		v.Delete(key('m', rec.Stream.ID))
	case organisation.Registered:
		return put(v, key('o', rec.Stream.ID), OrganisationRow{Registered: e, At: rec.Recorded, Version: rec.Version})
	case organisation.SystemRegistered:
		return put(v, key('s', [16]byte(e.System)), SystemRow{System: e, Organisation: rec.Stream.ID, Position: rec.Position})
	}
	return nil
}
