// Package intake is the rules of what came in from sender systems. Each MeMo that is valid in form gets one event here,
// and then one outcome: delivered or scheduled in a mailbox, or refused here. The streams are 4,096 shards of all
// system and UUID pairs; what is unique in a shard is unique.
package intake

import (
	"crypto/sha256"
	"encoding/binary"

	"digitalpost/domain"
	"digitalpost/domain/access"
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

// TransmissionOf gives the id that a MeMo's technical and final receipt share.
func TransmissionOf(m domain.MessageID) domain.ReceiptID {
	return domain.DeriveID("transmission", m[:])
}

// FinalOf gives the id of a MeMo's final receipt.
func FinalOf(m domain.MessageID) domain.ReceiptID { return domain.DeriveID("final receipt", m[:]) }

// An Event is something that happened at intake.
type Event interface {
	domain.Event
	evolve(*State)
}

// A Command is something asked of intake.
type Command interface {
	// message is what the command is about: the only message that its state needs to know.
	message() domain.MessageID
	decide(State) ([]Event, error)
}

// Codec knows every event type.
var Codec = domain.Events[Event](MemoReceived{}, MemoRefused{}, ReceiptDeleted{}, ReceiptPushed{}, LeavesPassed{})

// Decider is the rule book.
var Decider = domain.Decider[Order, Event, State]{
	Initial: func() State { return NewState(1) },
	Decide: func(s State, o Order) ([]Event, error) {
		by := access.System
		if _, restores := o.Command.(PassLeaves); restores {
			by = access.Operations
		}
		if o.By != by {
			return nil, domain.Refuse(access.NotAllowed)
		}

		return o.Command.decide(s)
	},
	Evolve: func(s State, e Event, _ domain.Moment) State { e.evolve(&s); return s },
}

// An Order is a command, and which machine gives it: a sender system, for which the backbone finds the outcome.
type Order struct {
	Command Command
	By      access.Machine
}

// About gives the message that an order is about.
func About(o Order) domain.MessageID { return o.Command.message() }

// AsksOutcome reports whether an order asks for a MeMo's outcome, which may stand in a mailbox's stream.
func AsksOutcome(o Order) bool { _, yes := o.Command.(Settle); return yes }

// Reasons to refuse what comes in. A MeMo rule's own (adapters/memo holds those) stand in the outcome.
const (
	UUIDReused      domain.Reason = "message.uuid.reused"
	AlreadyReceived domain.Reason = "memo.already.received"
)

// Reasons lists them all.
var Reasons = []domain.Reason{UUIDReused, AlreadyReceived}

// State is an intake stream as its rules know it.
type State struct {
	NextLeaf uint32
	Memos    map[domain.MessageID]Memo
}

// A Memo is what the rules know of one.
type Memo struct {
	Received bool
	Settled  bool   // it has its outcome, or waits for its date in a mailbox
	Deleted  bool   // the sender has deleted its final receipt
	Pushed   string // how its way to the sender's system ended; empty: it has not
}

// NewState is a state that knows of no MeMo.
func NewState(nextLeaf uint32) State {
	return State{NextLeaf: max(nextLeaf, 1), Memos: map[domain.MessageID]Memo{}}
}

func (s *State) change(m domain.MessageID, fn func(*Memo)) {
	x := s.Memos[m]
	fn(&x)
	s.Memos[m] = x
}

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
	// ConsentBasis is what a company says gives it the recipient's consent: one of organisation.ConsentBases.
	ConsentBasis string `cbor:"14,keyasint,omitempty" json:"consentBasis,omitempty"`
}

// EventType is the stored name.
func (MemoReceived) EventType() string { return "intake.memo-received" }

// Effect keeps the document.
func (e MemoReceived) Effect() domain.Effect {
	return domain.Effect{
		Begins: e.Leaf,
		Keeps:  []domain.Document{{ID: e.Document, Length: e.Kept, Hash: e.SealedHash, Of: e.Message}},
	}
}

func (e MemoReceived) evolve(s *State) {
	s.NextLeaf = max(s.NextLeaf, e.Leaf+1)
	s.change(e.Message, func(m *Memo) { m.Received = true })
}

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

// EventType is the stored name.
func (MemoRefused) EventType() string { return "intake.memo-refused" }

// Effect frees the document and its leaf.
func (e MemoRefused) Effect() domain.Effect {
	return domain.Effect{Frees: domain.Freed{
		Leaves: []domain.Leaf{{Leaf: e.Leaf}}, Documents: []domain.DocumentID{e.Document},
	}}
}

func (e MemoRefused) evolve(s *State) { s.change(e.Message, func(m *Memo) { m.Settled = true }) }

// ReceiptDeleted records that the sender deleted a final receipt.
type ReceiptDeleted struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
	Receipt domain.ReceiptID `cbor:"2,keyasint" json:"receipt"`
}

// EventType is the stored name.
func (ReceiptDeleted) EventType() string { return "intake.receipt-deleted" }

// Effect is on the receipt alone.
func (ReceiptDeleted) Effect() domain.Effect { return domain.Effect{} }

func (e ReceiptDeleted) evolve(s *State) { s.change(e.Message, func(m *Memo) { m.Deleted = true }) }

// Receive takes a MeMo in, once. It takes the stream's next leaf.
type Receive struct {
	Received MemoReceived
	Seal     domain.Seal // of the document's key
}

func (c Receive) message() domain.MessageID { return c.Received.Message }

func (c Receive) decide(s State) ([]Event, error) {
	if s.Memos[c.Received.Message].Received {
		return nil, domain.Refuse(AlreadyReceived)
	}

	var err error
	e := c.Received
	e.Leaf = s.NextLeaf
	if e.DocumentKey, err = c.Seal.Under(e.Leaf, e.DocumentKey); err != nil {
		return nil, err
	}

	return []Event{e}, nil
}

// Settle gives a MeMo the outcome that it is not delivered, if it has none yet.
type Settle struct{ Refused MemoRefused }

func (c Settle) message() domain.MessageID { return c.Refused.Message }

func (c Settle) decide(s State) ([]Event, error) {
	switch m := s.Memos[c.Refused.Message]; {
	case !m.Received:
		return nil, domain.Refuse(domain.NotFound)
	case m.Settled:
		return nil, nil
	}

	return []Event{c.Refused}, nil
}

// DeleteReceipt deletes a final receipt, for good.
type DeleteReceipt struct{ Deleted ReceiptDeleted }

func (c DeleteReceipt) message() domain.MessageID { return c.Deleted.Message }

func (c DeleteReceipt) decide(s State) ([]Event, error) {
	switch m := s.Memos[c.Deleted.Message]; {
	case !m.Received:
		return nil, domain.Refuse(domain.NotFound)
	case m.Deleted:
		return nil, nil
	}

	return []Event{c.Deleted}, nil
}

// JudgeRepeat refuses other bytes under a UUID that was used.
func JudgeRepeat(same bool) error {
	if !same {
		return domain.Refuse(UUIDReused)
	}

	return nil
}
