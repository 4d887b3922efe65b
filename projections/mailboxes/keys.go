// Package mailboxes is the view of every mailbox: the state of its rules, kept in rows. An event's touched parts are
// loaded, evolve by the event's own block, and are written back; indices and counts follow from a message's row before
// and after. What only people see (sealed words, times, positions) hangs on the row beside what the rules ask for.
//
// # Layout
//
// Every key begins with the mailbox's id and one letter:
//
//	b                        mailbox.Box
//	v                        Standing
//	f folder                 mailbox.Folder
//	m message                mailbox.Message: narrow, with arrival, last change, sender and size
//	s message                LetterRow, which never changes
//	l message                what a list shows of it: see listing.go
//	k folder audience        mailbox.Count, of what lies in a folder and who is shown it
//	a position               message and audience, by arrival
//	t folder position        the same, by folder and arrival
//	u position               the same, of what is unread
//	x folder position        the same, of what is unread, by folder
//	w position               what a search looks in, by arrival: see words.go
//	j position               nothing, of messages with a note
//	c command                Result, of commands whose caller gave an id
//	o message person platform   when that person last looked, through that platform; of a sign-in, under which grant
//	n organisation platform  mailbox.SenderConsent, of private senders
//	p folder audience        FolderCopy, and y audience Sum, z what platforms hold: see copies.go
//	q folder audience        nothing, of deleted folders that private post had lain in
//	g grant                  mailbox.Grant, granted or asked for; h grant: of what was ended
//
// Numbers are big-endian, so that keys sort as they do. Rows are CBOR with integer keys, by the struct tags of the
// types named; testdata/rows holds a sample of each.
package mailboxes

import (
	"encoding/binary"

	"digitalpost/domain"
)

const (
	kindBox          = 'b'
	kindStanding     = 'v'
	kindFolder       = 'f'
	kindMessage      = 'm'
	kindLetter       = 's'
	kindListing      = 'l'
	kindCount        = 'k'
	kindArrival      = 'a'
	kindIn           = 't'
	kindUnread       = 'u'
	kindUnreadIn     = 'x'
	kindWords        = 'w'
	kindNoted        = 'j'
	kindResult       = 'c'
	kindLook         = 'o'
	kindSender       = 'n'
	kindGrant        = 'g'
	kindGrantEnded   = 'h'
	kindFolderCopy   = 'p'
	kindSum          = 'y'
	kindGoneCopy     = 'q'
	kindVisible      = 'z'
	prefixLength     = 17 // of mailbox and kind
	idLength         = 16
	audienceKeyAt    = prefixLength + idLength
	roomForParts     = 64
	positionKeyBytes = 8
)

// key begins with mailbox and kind, and goes on with parts.
func key(id domain.MailboxID, kind byte, parts ...[]byte) []byte {
	k := make([]byte, 0, prefixLength+roomForParts)
	k = append(append(k, id[:]...), kind)

	for _, p := range parts {
		k = append(k, p...)
	}

	return k
}

func boxKey(id domain.MailboxID) []byte      { return key(id, kindBox) }
func standingKey(id domain.MailboxID) []byte { return key(id, kindStanding) }

func folderKey(id domain.MailboxID, f domain.FolderID) []byte { return key(id, kindFolder, f[:]) }

func messageKey(id domain.MailboxID, m domain.MessageID) []byte { return key(id, kindMessage, m[:]) }

func letterKey(id domain.MailboxID, m domain.MessageID) []byte { return key(id, kindLetter, m[:]) }

func listingKey(id domain.MailboxID, m domain.MessageID) []byte { return key(id, kindListing, m[:]) }

func countKey(id domain.MailboxID, f domain.FolderID, audience string) []byte {
	return key(id, kindCount, f[:], []byte(audience))
}

func arrivalKey(id domain.MailboxID, kind byte, arrival uint64) []byte {
	return binary.BigEndian.AppendUint64(key(id, kind), arrival)
}

func arrivalInKey(id domain.MailboxID, kind byte, f domain.FolderID, arrival uint64) []byte {
	return binary.BigEndian.AppendUint64(key(id, kind, f[:]), arrival)
}

// arrivalOf reads the position at the end of an index's key.
func arrivalOf(k []byte) uint64 { return binary.BigEndian.Uint64(k[len(k)-positionKeyBytes:]) }

func resultKey(id domain.MailboxID, c []byte) []byte { return key(id, kindResult, c) }

func lookKey(id domain.MailboxID, at domain.MessageID, person [16]byte, platform string) []byte {
	return key(id, kindLook, at[:], person[:], []byte(platform))
}

func senderKey(id domain.MailboxID, o domain.OrganisationID, platform string) []byte {
	return key(id, kindSender, o[:], []byte(platform))
}

func grantKey(id domain.MailboxID, kind byte, g domain.GrantID) []byte { return key(id, kind, g[:]) }

// index gives the prefix of the index that lists a range.
func index(id domain.MailboxID, folder domain.FolderID, unread bool) []byte {
	switch {
	case folder != domain.FolderID{} && unread:
		return key(id, kindUnreadIn, folder[:])
	case folder != domain.FolderID{}:
		return key(id, kindIn, folder[:])
	case unread:
		return key(id, kindUnread)
	}

	return key(id, kindArrival)
}
