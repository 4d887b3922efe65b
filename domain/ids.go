package domain

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"
)

// Ids are 16 bytes: ULIDs, or hashes. People and programs see them in the text form of UUIDs. Each kind of thing has
// its own type.
type (
	// A MailboxID names a mailbox (postkasse). It is random and says nothing of its owner.
	MailboxID [16]byte
	// A MessageID names a message in a mailbox.
	MessageID [16]byte
	// A FolderID names a folder of one mailbox.
	FolderID [16]byte
	// An OrganisationID names an authority or company as a sender.
	OrganisationID [16]byte
	// A SystemID names a sender system (afsendersystem).
	SystemID [16]byte
	// A CommandID names a command, so that its repeat is known.
	CommandID [16]byte
	// A UUID is an id of somebody else's making, such as a MeMo's messageUUID.
	UUID [16]byte
	// A ReceiptID names a receipt.
	ReceiptID [16]byte
	// A GrantID names an access that was granted, or asked for.
	GrantID [16]byte
	// A DocumentID names a kept document; where it lies is the document store's affair.
	DocumentID [16]byte
)

func (id MailboxID) String() string      { return uuidText(id) }
func (id MessageID) String() string      { return uuidText(id) }
func (id FolderID) String() string       { return uuidText(id) }
func (id OrganisationID) String() string { return uuidText(id) }
func (id SystemID) String() string       { return uuidText(id) }
func (id CommandID) String() string      { return uuidText(id) }
func (id UUID) String() string           { return uuidText(id) }
func (id ReceiptID) String() string      { return uuidText(id) }
func (id DocumentID) String() string     { return uuidText(id) }
func (id GrantID) String() string        { return uuidText(id) }

// MarshalText makes ids UUIDs in JSON.
func (id MailboxID) MarshalText() ([]byte, error)      { return []byte(id.String()), nil }
func (id MessageID) MarshalText() ([]byte, error)      { return []byte(id.String()), nil }
func (id FolderID) MarshalText() ([]byte, error)       { return []byte(id.String()), nil }
func (id OrganisationID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }
func (id SystemID) MarshalText() ([]byte, error)       { return []byte(id.String()), nil }
func (id UUID) MarshalText() ([]byte, error)           { return []byte(id.String()), nil }
func (id ReceiptID) MarshalText() ([]byte, error)      { return []byte(id.String()), nil }
func (id DocumentID) MarshalText() ([]byte, error)     { return []byte(id.String()), nil }
func (id GrantID) MarshalText() ([]byte, error)        { return []byte(id.String()), nil }

// UnmarshalBinary reads an id from a stored byte string: the decoder would else set byte by byte.
func (id *MailboxID) UnmarshalBinary(b []byte) error      { return readID(id[:], b) }
func (id *MessageID) UnmarshalBinary(b []byte) error      { return readID(id[:], b) }
func (id *FolderID) UnmarshalBinary(b []byte) error       { return readID(id[:], b) }
func (id *OrganisationID) UnmarshalBinary(b []byte) error { return readID(id[:], b) }
func (id *SystemID) UnmarshalBinary(b []byte) error       { return readID(id[:], b) }
func (id *CommandID) UnmarshalBinary(b []byte) error      { return readID(id[:], b) }
func (id *UUID) UnmarshalBinary(b []byte) error           { return readID(id[:], b) }
func (id *ReceiptID) UnmarshalBinary(b []byte) error      { return readID(id[:], b) }
func (id *DocumentID) UnmarshalBinary(b []byte) error     { return readID(id[:], b) }
func (id *GrantID) UnmarshalBinary(b []byte) error        { return readID(id[:], b) }

func readID(to, b []byte) error {
	if copy(to, b) != len(b) || len(b) != len(to) {
		return fmt.Errorf("domain: an id of %d bytes, want %d", len(b), len(to))
	}
	return nil
}

func uuidText(b [16]byte) string {
	var out [36]byte
	hex.Encode(out[0:8], b[0:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

var errUUID = errors.New("domain: not a UUID")

// ParseUUID reads the text form of a UUID, in either case.
func ParseUUID(s string) (id [16]byte, err error) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, errUUID
	}
	if _, err := hex.Decode(id[:], []byte(s[0:8]+s[9:13]+s[14:18]+s[19:23]+s[24:36])); err != nil {
		return [16]byte{}, errUUID
	}
	return id, nil
}

// DeriveID makes an id of other ids and words: the first 16 bytes of SHA-256 over what and each part with its length
// before it.
func DeriveID(what string, parts ...[]byte) (id [16]byte) {
	var room [256]byte // for all but the longest: an id is derived for each part of each message that is shown
	b := append(strconv.AppendInt(room[:0], int64(len(what)), 10), ':')
	b = append(b, what...)
	for _, p := range parts {
		b = append(strconv.AppendInt(b, int64(len(p)), 10), ':')
		b = append(b, p...)
	}
	sum := sha256.Sum256(b)

	return [16]byte(sum[:16])
}

// GivenCommandID makes a command id of what a caller gave to have a repeat known. Its first bit is set; ids of the
// backbone's own making are ULIDs, whose first bit is not.
func GivenCommandID(parts ...[]byte) CommandID {
	id := DeriveID("command", parts...)
	id[0] |= 0x80
	return id
}

// Given tells whether the caller gave the id.
func (id CommandID) Given() bool { return id[0]&0x80 != 0 }

// Sealed is what only a holder of the mailbox's keys can read. In JSON it shows its length and nothing else.
type Sealed []byte

// MarshalText hides the bytes.
func (s Sealed) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "sealed, %d bytes", len(s)), nil
}

// A CPR is a person's number (personnummer, CPR-nummer), ten digits. It shows its digits to nobody but by Reveal.
// Numbers without modulus 11 have been valid since 1 October 2007, so no checksum is asked for.
type CPR struct{ digits string }

// A CVR is a company's or authority's number (CVR-nummer), eight digits. It is treated as a CPR is: a sole trader's is
// personal.
type CVR struct{ digits string }

const redacted = "[number]"

func (CPR) String() string       { return redacted }
func (CPR) GoString() string     { return redacted }
func (CPR) LogValue() slog.Value { return slog.StringValue(redacted) }
func (CVR) String() string       { return redacted }
func (CVR) GoString() string     { return redacted }
func (CVR) LogValue() slog.Value { return slog.StringValue(redacted) }

// Reveal gives the digits. Every use shows a number to someone.
func (c CPR) Reveal() string { return c.digits }

// Reveal gives the digits.
func (c CVR) Reveal() string { return c.digits }

var (
	errCPR = errors.New("domain: a CPR number has ten digits that begin with a date")
	errCVR = errors.New("domain: a CVR number has eight digits")
)

// ParseCPR reads ten digits whose first six are a date, with 60 added to the day for a made-up person
// (erstatningspersonnummer).
func ParseCPR(s string) (CPR, error) {
	if len(s) != 10 || !digits(s) {
		return CPR{}, errCPR
	}
	c := CPR{s}
	if _, ok := c.BirthDate(); !ok {
		return CPR{}, errCPR
	}
	return c, nil
}

// ParseCVR reads eight digits.
func ParseCVR(s string) (CVR, error) {
	if len(s) != 8 || !digits(s) {
		return CVR{}, errCVR
	}
	return CVR{s}, nil
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// MadeUp tells whether the number is one that no real person can have: its day is raised by 60.
func (c CPR) MadeUp() bool { return c.digits != "" && c.digits[0] >= '6' }

// BirthDate reads the date from the number, the century from its seventh digit, and takes 60 from the day of a made-up
// person.
func (c CPR) BirthDate() (time.Time, bool) {
	if len(c.digits) != 10 {
		return time.Time{}, false
	}

	n := func(i int) int { return int(c.digits[i]-'0')*10 + int(c.digits[i+1]-'0') }
	day, month, year := n(0), time.Month(n(2)), n(4)
	if day > 60 {
		day -= 60
	}

	switch d := c.digits[6]; {
	case d <= '3' || (d == '4' || d == '9') && year > 36:
		year += 1900
	case d == '4' || d == '9' || year <= 57:
		year += 2000
	default:
		year += 1800
	}

	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	return t, t.Day() == day && t.Month() == month
}
