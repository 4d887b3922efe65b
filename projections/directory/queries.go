package directory

import (
	"encoding/binary"
	"time"

	"digitalpost/domain"
	"digitalpost/projections/engine"
)

// A Snapshot is the view as it stands at one position. Close lets go of it.
type Snapshot struct{ s *engine.Snapshot }

// At gives the view as it stands.
func At(views *engine.Views) (*Snapshot, error) {
	s, err := views.Snapshot(Projection{})
	if err != nil {
		return nil, err
	}

	return &Snapshot{s}, nil
}

// Close lets go of the snapshot.
func (s *Snapshot) Close() { s.s.Close() }

// Mailboxes gives every mailbox that is not gone.
func (s *Snapshot) Mailboxes() (out []domain.MailboxID) {
	s.s.Scan([]byte{kindMailbox}, func(k, _ []byte) bool {
		out = append(out, domain.MailboxID(k[1:]))
		return true
	})

	return out
}

// A Given is a grant, and whose mailbox it is for.
type Given struct {
	Mailbox domain.MailboxID
	Grant   domain.GrantID
}

// GrantedTo gives the mailboxes to which an identity was granted access or asked for it, by mailbox and grant.
func (s *Snapshot) GrantedTo(id domain.MailboxID) (out []Given) {
	prefix := engine.Key(kindGranted, [16]byte(id))
	s.s.Scan(prefix, func(k, _ []byte) bool {
		rest := k[len(prefix):]
		out = append(out, Given{domain.MailboxID(rest[:16]), domain.GrantID(rest[16:])})

		return true
	})

	return out
}

// An Ending is a grant that ends by the clock.
type Ending struct {
	Given
	Until time.Time
}

// Ending gives the grants whose time is over and whose end is not recorded, by time, beyond one of them; at most most.
func (s *Snapshot) Ending(now time.Time, beyond Ending, most int) (out []Ending) {
	from := []byte{kindEnd}
	if !beyond.Until.IsZero() {
		from = append(endKey(nanoseconds(beyond.Until), beyond.Mailbox, beyond.Grant), 0)
	}

	s.s.ScanFrom([]byte{kindEnd}, from, func(k, _ []byte) bool {
		until := time.Unix(0, int64(binary.BigEndian.Uint64(k[1:9])))
		if until.After(now) {
			return false
		}
		out = append(out, Ending{Given{domain.MailboxID(k[9:25]), domain.GrantID(k[25:])}, until})

		return len(out) < most
	})

	return out
}

// ExemptionOf gives the mailbox that an exemption is of; false if there is no such exemption.
func (s *Snapshot) ExemptionOf(id domain.GrantID) (domain.MailboxID, bool) {
	b := s.s.Get(exemptionKey(id))
	if len(b) != 16 {
		return domain.MailboxID{}, false
	}

	return domain.MailboxID(b), true
}

// Systems gives all sender systems, by id.
func (s *Snapshot) Systems() (out []SystemRow, err error) {
	err = each(s, kindSystem, func(_ []byte, r SystemRow) { out = append(out, r) })
	return out, err
}

// Organisation gives an organisation; false if there is none.
func (s *Snapshot) Organisation(id domain.OrganisationID) (OrganisationRow, bool, error) {
	return engine.Row[OrganisationRow](s.s, organisationKey(id))
}

// Organisations gives every organisation.
func (s *Snapshot) Organisations() (map[domain.OrganisationID]OrganisationRow, error) {
	out := map[domain.OrganisationID]OrganisationRow{}
	err := each(s, kindOrganisation, func(k []byte, r OrganisationRow) { out[domain.OrganisationID(k)] = r })

	return out, err
}

// Group gives a contact group; false if there is none.
func (s *Snapshot) Group(id domain.UUID) (GroupRow, bool, error) {
	return engine.Row[GroupRow](s.s, groupKey(id))
}

// Point gives a contact point; false if there is none.
func (s *Snapshot) Point(id domain.UUID) (PointRow, bool, error) {
	return engine.Row[PointRow](s.s, pointKey(id))
}

// Groups gives every contact group.
func (s *Snapshot) Groups() (out []GroupRow, err error) {
	err = each(s, kindGroup, func(_ []byte, r GroupRow) { out = append(out, r) })
	return out, err
}

// Points gives every contact point.
func (s *Snapshot) Points() (out []PointRow, err error) {
	err = each(s, kindPoint, func(_ []byte, r PointRow) { out = append(out, r) })
	return out, err
}

// each reads the rows of a kind; fn gets the key without the kind.
func each[T any](s *Snapshot, kind byte, fn func(key []byte, r T)) (err error) {
	s.s.Scan([]byte{kind}, func(k, _ []byte) bool {
		var r T
		if r, _, err = engine.Row[T](s.s, k); err == nil {
			fn(k[1:], r)
		}

		return err == nil
	})

	return err
}
