// Package organisation is one authority or company as a sender: what it may do, and its sender systems (afsendersystemer).
package organisation

import "digitalpost/domain"

// An Event is something that happened to an organisation.
type Event interface{ domain.Named }

// Codec knows every event type.
var Codec = domain.Events[Event](Registered{}, SystemRegistered{})

// Kinds of organisation.
const (
	Authority = "AUTHORITY"
	Company   = "COMPANY"
)

// Registered records that an organisation joined.
type Registered struct {
	Kind             string        `cbor:"1,keyasint" json:"kind"`
	CVR              domain.Sealed `cbor:"2,keyasint" json:"cvr"`
	Name             domain.Sealed `cbor:"3,keyasint" json:"name"`
	MandatoryAllowed bool          `cbor:"4,keyasint,omitempty" json:"mandatoryPostAllowed,omitempty"`
	LegalAllowed     bool          `cbor:"5,keyasint,omitempty" json:"legalNotificationAllowed,omitempty"`
}

func (Registered) EventType() string { return "organisation.registered" }

// SystemRegistered records a sender system. A company's system is registered with the platform that alone shows its post.
type SystemRegistered struct {
	System   domain.SystemID `cbor:"1,keyasint" json:"system"`
	Name     domain.Sealed   `cbor:"2,keyasint" json:"name"`
	Platform string          `cbor:"3,keyasint,omitempty" json:"platform,omitempty"`
}

func (SystemRegistered) EventType() string { return "organisation.system-registered" }
