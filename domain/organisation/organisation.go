// Package organisation is one authority or company as a sender: what it may do, and its sender systems (afsendersystemer).
package organisation

import "digitalpost/domain"

// An Event is something that happened to an organisation.
type Event interface{ domain.Named }

// Codec knows every event type.
var Codec = domain.Events[Event](Registered{}, SystemRegistered{}, SystemKeySet{}, SystemDelegated{},
	ContactGroupCreated{}, ContactGroupChanged{}, ContactGroupClosed{}, ContactPointCreated{}, ContactPointChanged{}, ContactPointClosed{}, RecipientSystemRegistered{})

// Kinds of organisation.
const (
	Authority = "AUTHORITY"
	Company   = "COMPANY"
)

// Kinds of authority, as people choose among them.
var AuthorityTypes = []string{"STATE", "REGION", "MUNICIPALITY", "OTHER"}

// Registered records that an organisation joined.
type Registered struct {
	Kind             string        `cbor:"1,keyasint" json:"kind"`
	CVR              domain.Sealed `cbor:"2,keyasint" json:"cvr"`
	Name             domain.Sealed `cbor:"3,keyasint" json:"name"`
	MandatoryAllowed bool          `cbor:"4,keyasint,omitempty" json:"mandatoryPostAllowed,omitempty"`
	LegalAllowed     bool          `cbor:"5,keyasint,omitempty" json:"legalNotificationAllowed,omitempty"`
	LegalBasis       string        `cbor:"7,keyasint,omitempty" json:"legalBasis,omitempty"`    // of an authority that may write to those who are exempt
	UUID             domain.UUID   `cbor:"6,keyasint,omitzero" json:"uuid,omitzero"`            // that its certificates name
	AuthorityType    string        `cbor:"8,keyasint,omitempty" json:"authorityType,omitempty"` // STATE, REGION, MUNICIPALITY or OTHER
}

func (Registered) EventType() string { return "organisation.registered" }

// SystemRegistered records a sender system. A company's system is registered with the platform that alone shows its post.
type SystemRegistered struct {
	System   domain.SystemID `cbor:"1,keyasint" json:"system"`
	Name     domain.Sealed   `cbor:"2,keyasint" json:"name"`
	Platform string          `cbor:"3,keyasint,omitempty" json:"platform,omitempty"`
	KeyHash  []byte          `cbor:"4,keyasint,omitempty" json:"keyHash,omitempty"` // SHA-256 of its random key
}

func (SystemRegistered) EventType() string { return "organisation.system-registered" }

// SystemKeySet records that a sender system got another key. The one before is valid no more.
type SystemKeySet struct {
	System  domain.SystemID `cbor:"1,keyasint" json:"system"`
	KeyHash []byte          `cbor:"2,keyasint" json:"keyHash"`
}

func (SystemKeySet) EventType() string { return "organisation.system-key-set" }

// SystemDelegated records that a sender system may come with certificates of another organisation, such as its supplier.
type SystemDelegated struct {
	System domain.SystemID `cbor:"1,keyasint" json:"system"`
	Holder domain.Sealed   `cbor:"2,keyasint" json:"holder"` // a CVR number
}

func (SystemDelegated) EventType() string { return "organisation.system-delegated" }
