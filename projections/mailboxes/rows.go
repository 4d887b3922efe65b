package mailboxes

import (
	"time"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// A Standing is what the next command must know: the stream's version, and the next leaf.
type Standing struct {
	Version  eventstore.Version `cbor:"1,keyasint"`
	NextLeaf uint32             `cbor:"2,keyasint"`
}

// A LetterRow is what never changes of a message. It is there until the message is purged or never arrives.
type LetterRow struct {
	Letter mailbox.Letter `cbor:"1,keyasint"`
	Sealed string         `cbor:"2,keyasint"` // the event type that its fields are bound to
	At     time.Time      `cbor:"3,keyasint"`
}

// A Result is what came of a command whose caller gave an id: its repeat is answered from it, though what it was about
// may be gone since.
type Result struct {
	Position eventstore.Position `cbor:"1,keyasint"` // of its last event
	Message  domain.MessageID    `cbor:"2,keyasint"`
	Folder   domain.FolderID     `cbor:"3,keyasint"`
	Row      mailbox.Message     `cbor:"4,keyasint"` // the message as it was then
	FolderAs mailbox.Folder      `cbor:"5,keyasint"` // the folder as it was then
	Same     bool                `cbor:"-"`          // that the same was asked for: see Snapshot.Result
}
