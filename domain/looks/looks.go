// Package looks is who has seen a mailbox's content, and who was refused it. Its stream stands beside the mailbox's, so that a look
// never conflicts with a command.
package looks

import "digitalpost/domain"

// An Event is a look, or a refusal.
type Event interface{ domain.Named }

// Codec knows every event type.
var Codec = domain.Events[Event](ContentOpened{}, Refused{}, Listed{}, Searched{}, SignedIn{}, Inspected{})

// ContentOpened records that the record's actor looked at the content of a message, through the record's platform. It is recorded once for
// each person, platform and message in ten minutes.
type ContentOpened struct {
	Message domain.MessageID `cbor:"1,keyasint" json:"message"`
}

func (ContentOpened) EventType() string { return "looks.content-opened" }

// Refused records that the record's actor asked for a mailbox that is not theirs.
type Refused struct{}

func (Refused) EventType() string { return "looks.refused" }

// Listed records that another than the owner looked at the mailbox's lists.
type Listed struct{}

func (Listed) EventType() string { return "looks.listed" }

// Searched records that somebody searched the mailbox's words; for what stands nowhere.
type Searched struct{}

func (Searched) EventType() string { return "looks.searched" }

// Inspected records that somebody who sees no content (an officer, an operator, an auditor) looked at who has access to the mailbox, or at who has seen it.
type Inspected struct{}

func (Inspected) EventType() string { return "looks.inspected" }

// SignedIn records, once, that the record's actor opened the mailbox through the record's platform, whose own server may follow its changes, the earlier ones too.
type SignedIn struct{}

func (SignedIn) EventType() string { return "looks.signed-in" }
