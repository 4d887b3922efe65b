package backbone_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/backbone/search"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// BenchmarkMailbox gives what first page, last page, a page by cursor in the middle, the folders with their counts,
// opening one message, searching the words of all and moving one take, in mailboxes of 100, 1,000 and 10,000 messages,
// and with LARGE=1 of a million, side by side. What is unread is one message among many that are read.
//
//	LARGE=1 go test -run '^$' -bench Mailbox -benchtime 200x ./adapters/backbone
func BenchmarkMailbox(b *testing.B) {
	bb := backbonetest.Open(b, backbonetest.SegmentSize(256<<20))
	sizes := []int{100, 1000, 10_000}
	if os.Getenv("LARGE") != "" {
		sizes = append(sizes, 1_000_000)
	}

	from := 0
	var boxes []domain.MailboxID
	for i, n := range sizes {
		box := bb.Citizen(fmt.Sprintf("670190123%d", i))
		boxes = append(boxes, box)
		last := fillMailbox(b, bb, box, from, from+n)
		readAll(b, bb, box, from, from+n-1)
		bb.Restart() // what was put in is on disk before anything is timed, at every size
		from += n

		folder, _, err := bb.Folders.Create(
			context.Background(), backbonetest.Owner(box, backbonetest.App), "Arkiv", domain.FolderID{})
		if err != nil {
			b.Fatal(err)
		}

		l := largeBox{bb: bb, ask: backbonetest.Owner(box, backbonetest.App), messages: n, last: last, newest: from - 1}
		for _, x := range l.timed(b, folder.ID) {
			b.Run(fmt.Sprintf("%s of %d", x.name, n), func(b *testing.B) {
				for i := range b.N {
					if err := x.do(i); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}

	for i, box := range boxes { // the views' files are in the machine's memory; nothing of them is in the process
		b.Run(fmt.Sprintf("first search after a start of %d", sizes[i]), func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				bb.Restart()
				b.StartTimer()

				found, err := find(bb, backbonetest.Owner(box, backbonetest.App), func(w content.Words) bool {
					return strings.Contains(w.Label, "findes ikke")
				})
				if err != nil || len(found) > 0 {
					b.Fatal(found, err)
				}
			}
		})
	}
}

// A largeBox is a mailbox that fillMailbox has filled.
type largeBox struct {
	bb       *backbonetest.Backbone
	ask      core.Ask
	messages int
	last     domain.MessageID
	newest   int // number of the last message
}

// A timed is what is timed.
type timed struct {
	name string
	do   func(n int) error
}

func find(
	bb *backbonetest.Backbone, ask core.Ask, match func(content.Words) bool,
) ([]search.Found, error) {
	return bb.Search.Find(context.Background(), ask.Principal, ask.Mailbox, search.Query{ByWords: true, Match: match})
}

// list gives what lists a page, and wants so many messages on it.
func (l largeBox) list(f messages.Filter, want int) func(int) error {
	f.Limit = 100

	return func(int) error {
		some, _, err := l.bb.Messages.List(context.Background(), l.ask.Principal, l.ask.Mailbox, f)
		if err == nil {
			err = l.bb.Messages.Open(some)
		}

		if err == nil && len(some) != want {
			err = fmt.Errorf("%d messages", len(some))
		}

		return err
	}
}

func (l largeBox) timed(b *testing.B, folder domain.FolderID) []timed {
	b.Helper()

	ctx, p, box, n, no := context.Background(), l.ask.Principal, l.ask.Mailbox, l.messages, false
	middle, _, err := l.bb.Messages.List(ctx, p, box, messages.Filter{Newest: true, Skip: n / 3, Limit: 1})
	if err != nil {
		b.Fatal(err)
	}
	cursor := messages.Filter{Newest: true}
	cursor.Beyond = eventstore.Position(middle[0].Row.Shown.Arrival)

	return []timed{
		{"first page", l.list(messages.Filter{Newest: true}, 100)},
		{"last page", l.list(messages.Filter{Newest: true, Skip: n - 100}, 100)},
		{"by cursor", l.list(cursor, min(100, n-n/3-1))},
		{"unread", func(int) error {
			f := messages.Filter{Read: &no, Newest: true, Limit: 100}
			some, total, err := l.bb.Messages.List(ctx, p, box, f)
			if err == nil && (len(some) != 1 || total != 1) {
				err = fmt.Errorf("%d of %d unread", len(some), total)
			}

			return err
		}},
		{"folders", func(int) error { _, err := l.bb.Folders.All(ctx, p, box, true); return err }},
		{"open", func(int) error { _, err := l.bb.Messages.Message(ctx, p, box, l.last); return err }},
		{"search", func(int) error {
			end := "nummer " + strconv.Itoa(l.newest)
			found, err := find(l.bb, l.ask, func(w content.Words) bool { return strings.HasSuffix(w.Label, end) })
			if err == nil && (len(found) != 1 || found[0].Message != l.last) {
				err = fmt.Errorf("found %v", found)
			}

			return err
		}},
		{"move", func(i int) error {
			to := folder
			if i%2 == 1 {
				to = mailbox.Inbox
			}
			_, _, err := l.bb.Messages.Patch(ctx, l.ask, l.last, messages.Patch{Folder: &to})

			return err
		}},
	}
}

// readAll marks messages that fillMailbox made as read, past the API.
func readAll(b *testing.B, bb *backbonetest.Backbone, box domain.MailboxID, from, n int) {
	b.Helper()

	for i := from; i < n; {
		var events []mailbox.MessageMarkedRead
		for ; i < n && len(events) < largeAppend; i++ {
			events = append(events, mailbox.MessageMarkedRead{Message: largeMessage(i)})
		}
		put(b, bb, core.Stream(box), "read", events)
	}
	settle(b, bb)
}
