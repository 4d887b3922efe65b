package mailboxes

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math/bits"
	"strconv"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

// Shape is that of the rows that platforms hold copies of. Another one makes every copy old: its cursors end.
const Shape = 1

// A Sum is over rows of copies: how many, and the sum modulo 2^256 of the SHA-256 of each, big-endian. The zero value
// is that of no rows.
type Sum struct {
	Rows uint64
	Hash [32]byte
}

const sumBytes = 40 // the hash, and how many rows

func sumOf(row []byte) (s Sum) {
	if len(row) == sumBytes {
		s.Hash, s.Rows = [32]byte(row), binary.BigEndian.Uint64(row[32:])
	}

	return s
}

func (s Sum) plus(more Sum) (out Sum) {
	out.Rows = s.Rows + more.Rows
	carry := uint64(0)
	for i := 24; i >= 0; i -= 8 {
		var word uint64
		word, carry = bits.Add64(binary.BigEndian.Uint64(s.Hash[i:]), binary.BigEndian.Uint64(more.Hash[i:]), carry)
		binary.BigEndian.PutUint64(out.Hash[i:], word)
	}

	return out
}

// negative is what takes the sum away when it is added.
func (s Sum) negative() (out Sum) {
	out.Rows = -s.Rows
	borrow := uint64(0)
	for i := 24; i >= 0; i -= 8 {
		var word uint64
		word, borrow = bits.Sub64(0, binary.BigEndian.Uint64(s.Hash[i:]), borrow)
		binary.BigEndian.PutUint64(out.Hash[i:], word)
	}

	return out
}

// A putter is a view that rows are written to.
type putter interface {
	Get(key []byte) []byte
	Put(key, value []byte)
}

func addTo(v putter, k []byte, more Sum) {
	s := sumOf(v.Get(k)).plus(more)
	v.Put(k, binary.BigEndian.AppendUint64(s.Hash[:], s.Rows))
}

// A FolderCopy is what the copies' row of a folder says, for one audience.
type FolderCopy struct {
	Position      uint64 // of its last change
	Total, Unread uint32 // messages of the audience in it
	Parent        domain.FolderID
	Version       uint32 // 0 of a system folder, and for private post
}

const folderCopyBytes = 36

func folderCopyKey(id domain.MailboxID, f domain.FolderID, audience string) []byte {
	return key(id, kindFolderCopy, f[:], []byte(audience))
}

func folderCopyOf(b []byte) (f FolderCopy) {
	if len(b) != folderCopyBytes {
		return f
	}
	f.Position = binary.BigEndian.Uint64(b)
	f.Total, f.Unread = binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint32(b[12:])
	f.Version, f.Parent = binary.BigEndian.Uint32(b[16:]), domain.FolderID(b[20:])

	return f
}

func (f FolderCopy) bytes() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, folderCopyBytes), f.Position)
	b = binary.BigEndian.AppendUint32(b, f.Total)
	b = binary.BigEndian.AppendUint32(b, f.Unread)
	b = binary.BigEndian.AppendUint32(b, f.Version)

	return append(b, f.Parent[:]...)
}

// Rows are JSON as RFC 8785 has it (JCS): names sorted, no spaces; that is what is hashed, and what is sent.

// messageRow appends the row of a message.
func messageRow(b []byte, box domain.MailboxID, id domain.MessageID, m mailbox.Message) []byte {
	b = appendBool(b, `{"flag":`, m.Flag)
	b = appendID(b, `,"folderId":"`, mailbox.ShownFolder(box, m.Folder))
	b = appendID(b, `,"id":"`, id)
	b = appendID(append(b, `,"key":"`...), "message/", box)
	b = appendID(b[:len(b)-1], `/`, id)
	b = appendTime(append(b, `,"kind":"message"`...), `,"lastUpdated":"`, m.Shown.Last)
	b = appendID(b, `,"mailboxId":"`, box)

	state := `,"messageState":"RECEIVED"`
	if m.Out != nil {
		state = `,"messageState":"SENT"`
	}
	b = append(b, state...)

	if m.Shown.Kind != "" {
		kind, _ := json.Marshal(m.Shown.Kind) // a string has no error
		b = append(append(b, `,"messageType":`...), kind...)
	}

	if m.Sender != (domain.OrganisationID{}) {
		b = appendID(b, `,"organisationId":"`, m.Sender)
	}
	b = appendNumber(b, `,"position":`, m.Shown.Changed)
	b = appendBool(b, `,"read":`, m.Read)
	b = appendTime(b, `,"receivedDateTime":"`, m.Shown.Received)
	b = appendScope(b, m.Audience)
	b = appendNumber(b, `,"size":`, uint64(m.Shown.Size))
	b = appendNumber(b, `,"version":`, uint64(m.Version))

	return append(b, '}')
}

// folderRow appends the row of a folder, of public post and of the tree; or that of the private post in it.
func folderRow(b []byte, box domain.MailboxID, p mailbox.Place, f FolderCopy) []byte {
	id := mailbox.ShownFolder(box, p.Folder)
	b = append(append(append(b, `{"folderType":"`...), mailbox.FolderType(p.Folder)...), '"')
	b = appendID(b, `,"id":"`, id)
	b = append(append(append(b, `,"key":"`...), folderCopyName(box, p)...), '"')
	b = appendID(append(b, `,"kind":"folder"`...), `,"mailboxId":"`, box)

	if p.Audience == "" && f.Parent != (domain.FolderID{}) {
		b = appendID(b, `,"parentFolderId":"`, mailbox.ShownFolder(box, f.Parent))
	}
	b = appendNumber(b, `,"position":`, f.Position)
	b = appendScope(b, p.Audience)
	b = appendNumber(b, `,"total":`, uint64(f.Total))
	b = appendNumber(b, `,"unread":`, uint64(f.Unread))

	if p.Audience == "" && f.Version > 0 {
		b = appendNumber(b, `,"version":`, uint64(f.Version))
	}

	return append(b, '}')
}

// folderCopyName is the key of a folder's row, for good.
func folderCopyName(box domain.MailboxID, p mailbox.Place) string {
	name := "folder/" + box.String() + "/" + mailbox.ShownFolder(box, p.Folder).String()
	if p.Audience != "" {
		name += "/private"
	}

	return name
}

// messageCopyName is the key of a message's row, for good.
func messageCopyName(box domain.MailboxID, m domain.MessageID) string {
	return "message/" + box.String() + "/" + m.String()
}

// appendID appends an id in its text form behind what comes before it, and a quotation mark.
func appendID[T ~[16]byte](b []byte, before string, id T) []byte {
	b = append(b, before...)
	for i, end := range [...]int{4, 6, 8, 10, 16} {
		start := [...]int{0, 4, 6, 8, 10}[i]
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, id[start:end])
	}

	return append(b, '"')
}

func appendBool(b []byte, before string, on bool) []byte {
	return strconv.AppendBool(append(b, before...), on)
}

func appendNumber(b []byte, before string, n uint64) []byte {
	return strconv.AppendUint(append(b, before...), n, 10)
}

func appendTime(b []byte, before string, t time.Time) []byte {
	return append(t.UTC().AppendFormat(append(b, before...), "2006-01-02T15:04:05.000Z"), '"')
}

func appendScope(b []byte, audience string) []byte {
	if audience == "" {
		return append(b, `,"scope":"PUBLIC"`...)
	}

	return append(b, `,"scope":"PRIVATE"`...)
}
