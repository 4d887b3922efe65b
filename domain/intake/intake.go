// Package intake is what came in from sender systems. Each MeMo that is valid in form gets one event here, and then one outcome:
// delivered or scheduled in a mailbox, or refused here. The streams are 4,096 shards of all system and UUID pairs; what is unique in
// a shard is unique.
package intake

import (
	"crypto/sha256"
	"encoding/binary"

	"digitalpost/domain"
)

// Shards is how many intake streams there are.
const Shards = 4096

// ShardOf gives the intake stream of a MeMo, by SHA-256 of system and UUID.
func ShardOf(system domain.SystemID, uuid domain.UUID) uint16 {
	h := sha256.Sum256(append(append([]byte{}, system[:]...), uuid[:]...))
	return binary.BigEndian.Uint16(h[:]) % Shards
}

// ShardID is the id of a shard's stream.
func ShardID(shard uint16) (id [16]byte) {
	binary.BigEndian.PutUint16(id[14:], shard)
	return id
}

// MessageOf gives the message id of a MeMo. It follows from system and UUID, so a mailbox refuses a second delivery.
func MessageOf(system domain.SystemID, uuid domain.UUID) domain.MessageID {
	return domain.DeriveID("message", system[:], uuid[:])
}

// An Event is something that happened at intake.
type Event interface{ domain.Named }

// Codec knows every event type.
var Codec = domain.Events[Event](MemoReceived{}, MemoRefused{}, ReceiptDeleted{})

// MemoReceived records that a MeMo lies on disk whole: the sender is told RECEIVED.
type MemoReceived struct {
	System      domain.SystemID   `cbor:"1,keyasint" json:"system"`
	UUID        domain.UUID       `cbor:"2,keyasint" json:"messageUUID"`
	Message     domain.MessageID  `cbor:"3,keyasint" json:"message"`
	Receipt     domain.ReceiptID  `cbor:"4,keyasint" json:"receipt"`
	Leaf        uint32            `cbor:"5,keyasint" json:"leaf"`
	Document    domain.DocumentID `cbor:"6,keyasint" json:"document"`
	Length      int64             `cbor:"7,keyasint" json:"length"`
	Kept        int64             `cbor:"8,keyasint" json:"kept"`
	SealedHash  []byte            `cbor:"9,keyasint" json:"sealedHash"`
	DocumentKey domain.Sealed     `cbor:"10,keyasint" json:"documentKey"` // under Leaf
	Hash        []byte            `cbor:"11,keyasint" json:"hash"`        // SHA-256 of salt and the bytes
	Salt        domain.Sealed     `cbor:"12,keyasint" json:"salt"`        // under leaf 0: a UUID is compared for good
	MessageID   domain.Sealed     `cbor:"13,keyasint,omitempty" json:"messageID,omitempty"`
}

func (MemoReceived) EventType() string { return "intake.memo-received" }

// MemoRefused records that a MeMo was not delivered, and why. Its document and its leaf are forgotten after this.
type MemoRefused struct {
	Message  domain.MessageID  `cbor:"1,keyasint" json:"message"`
	Status   string            `cbor:"2,keyasint" json:"status"` // INVALID or NOT_ALLOWED
	Code     string            `cbor:"3,keyasint" json:"code"`
	Field    string            `cbor:"4,keyasint,omitempty" json:"field,omitempty"`
	Intake   uint64            `cbor:"5,keyasint" json:"intake"`
	Leaf     uint32            `cbor:"6,keyasint" json:"leaf"`
	Document domain.DocumentID `cbor:"7,keyasint" json:"document"`
}

func (MemoRefused) EventType() string { return "intake.memo-refused" }

// ReceiptDeleted records that the sender deleted a final receipt.
type ReceiptDeleted struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	Receipt domain.ReceiptID `cbor:"2,keyasint" json:"receipt"`
}

func (ReceiptDeleted) EventType() string { return "intake.receipt-deleted" }

// Refusals that are not a MeMo rule's own (adapters/memo holds those).
const (
	UUIDReused domain.Reason = "message.uuid.reused"
)
