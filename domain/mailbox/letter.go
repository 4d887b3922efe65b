package mailbox

import (
	"digitalpost/domain"
	"digitalpost/domain/intake"
)

// A Letter is a message as it came in. It stands in the event that first puts the message into the mailbox's stream,
// and never changes.
type Letter struct {
	Message domain.MessageID      `cbor:"1,keyasint" json:"message"`
	Leaf    uint32                `cbor:"2,keyasint" json:"leaf"`
	System  domain.SystemID       `cbor:"3,keyasint" json:"system"`
	Sender  domain.OrganisationID `cbor:"4,keyasint" json:"sender"`
	UUID    domain.UUID           `cbor:"5,keyasint" json:"messageUUID"`
	// Kind is REGULAR, MANDATORY or LEGAL_NOTIFICATION.
	Kind string `cbor:"6,keyasint" json:"kind"`
	// Platform is set for private post: who alone shows it.
	Platform string            `cbor:"7,keyasint,omitempty" json:"platform,omitempty"`
	Document domain.DocumentID `cbor:"8,keyasint" json:"document"`
	Length   int64             `cbor:"9,keyasint" json:"length"` // bytes of the MeMo
	Kept     int64             `cbor:"10,keyasint" json:"kept"`  // bytes kept: the MeMo and its outline

	SealedHash  []byte        `cbor:"11,keyasint" json:"sealedHash"` // SHA-256 of the sealed bytes
	DocumentKey domain.Sealed `cbor:"12,keyasint" json:"documentKey"`
	// Outline is all of the MeMo but its files' bytes; empty: it lies behind the MeMo.
	Outline domain.Sealed `cbor:"13,keyasint,omitempty" json:"outline,omitempty"`
	Hash    []byte        `cbor:"14,keyasint" json:"hash"` // SHA-256 of salt and the MeMo's bytes
	Salt    domain.Sealed `cbor:"15,keyasint" json:"salt"`

	Intake     uint64 `cbor:"16,keyasint" json:"intake"`     // position of its intake event
	IntakeLeaf uint32 `cbor:"17,keyasint" json:"intakeLeaf"` // leaf of the intake stream that is forgotten now
	Shard      uint16 `cbor:"18,keyasint" json:"shard"`      // which intake stream
	// LegalBasis is that of a sender who may write to those who are exempt.
	LegalBasis string        `cbor:"19,keyasint,omitempty" json:"legalBasis,omitempty"`
	Words      domain.Sealed `cbor:"20,keyasint,omitempty" json:"words,omitempty"` // what a search looks in, folded
	// ConsentBasis is what a company says gives it the recipient's consent: one of organisation.ConsentBases.
	ConsentBasis string `cbor:"21,keyasint,omitempty" json:"consentBasis,omitempty"`
	// Listing is what lists show of the message: its MeMo, cut to what fits.
	Listing domain.Sealed `cbor:"22,keyasint,omitempty" json:"listing,omitempty"`
}

// keeps is the effect of an event that brings the letter into the mailbox.
func (l Letter) keeps() domain.Effect {
	e := domain.Effect{
		Touches: domain.Parts{Messages: []domain.MessageID{l.Message}},
		Begins:  l.Leaf,
		Keeps:   []domain.Document{{ID: l.Document, Length: l.Kept, Hash: l.SealedHash, Of: l.Message}},
	}

	if l.System != (domain.SystemID{}) { // what intake knew of it is in the mailbox's hands now
		e.Frees.Leaves = []domain.Leaf{{Leaf: l.IntakeLeaf, Other: true, Of: intake.ShardID(l.Shard)}}
	}

	if l.Platform != "" {
		e.Touches.Senders = []domain.OrganisationID{l.Sender}
	}

	return e
}

// begun gives a message as it is when its letter has just come.
func (l Letter) begun() Message {
	m := Message{
		Leaf: l.Leaf, Audience: l.Platform, System: l.System, Sender: l.Sender, LegalBasis: l.LegalBasis,
		ConsentBasis: l.ConsentBasis, Intake: l.Intake,
	}
	m.Shown.Size, m.Shown.Kind = l.Length, l.Kind

	if l.System == (domain.SystemID{}) {
		m.Own, m.Document = true, l.Document
	}

	return m
}

// LetterOf gives the letter that an event brings into the mailbox, whose sealed fields are bound to the event's type;
// nil for one that brings none.
func LetterOf(e Event) *Letter {
	if b, ok := e.(interface{ brings() *Letter }); ok {
		return b.brings()
	}

	return nil
}
