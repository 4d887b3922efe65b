package backbone

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// BenchmarkMailbox gives what first page, last page, a page by cursor in the middle, the folders with their counts, opening one message, searching the words of all and moving one take, in
// mailboxes of 100, 1,000 and 10,000 messages, and with LARGE=1 of a million, side by side. What is unread is one message among many that are read.
//
//	LARGE=1 go test -run '^$' -bench Mailbox -benchtime 200x ./adapters/backbone
func BenchmarkMailbox(b *testing.B) {
	ctx := context.Background()
	dir := b.TempDir()
	open := func() *Backbone {
		bb, err := Open(Config{Dir: dir + "/var", KMS: vault.KeyFolder(dir + "/keys"), Development: true, SegmentSize: 256 << 20})
		if err != nil {
			b.Fatal(err)
		}
		return bb
	}
	bb := open()
	defer func() { bb.Close() }()
	sizes := []int{100, 1000, 10_000}
	if os.Getenv("LARGE") != "" {
		sizes = append(sizes, 1_000_000)
	}
	if err := bb.ensureRoot(vault.Owner(intake.ShardID(1))); err != nil {
		b.Fatal(err)
	}
	from, no := 0, false
	var boxes []domain.MailboxID
	for i, n := range sizes {
		box, _, err := bb.Register(ctx, Person{Kind: mailbox.Citizen, Number: fmt.Sprintf("670190123%d", i), Name: "Mette", BirthDate: time.Unix(0, 0)})
		if err != nil {
			b.Fatal(err)
		}
		boxes = append(boxes, box)
		p := Principal{Identity: box, Platform: "app"}
		last := fillMailbox(b, bb, box, from, from+n)
		readAll(b, bb, box, from, from+n-1)
		if err := bb.Close(); err != nil { // what was put in is on disk before anything is timed, at every size
			b.Fatal(err)
		}
		bb = open()
		from += n
		folder, _, err := bb.CreateFolder(ctx, Ask{Principal: p, Mailbox: box}, "Arkiv", domain.FolderID{})
		if err != nil {
			b.Fatal(err)
		}
		list := func(f Filter, want int) func(int) error {
			f.Limit = 100
			return func(int) error {
				some, _, err := bb.Messages(ctx, p, box, f)
				if err == nil {
					err = bb.OpenAll(some)
				}
				if err == nil && len(some) != want {
					err = fmt.Errorf("%d messages", len(some))
				}
				return err
			}
		}
		middle, _, err := bb.Messages(ctx, p, box, Filter{Newest: true, Skip: n / 3, Limit: 1})
		if err != nil {
			b.Fatal(err)
		}
		for _, x := range []struct {
			name string
			do   func(int) error
		}{
			{"first page", list(Filter{Newest: true}, 100)},
			{"last page", list(Filter{Newest: true, Skip: n - 100}, 100)},
			{"by cursor", list(Filter{Newest: true, Beyond: middle[0].Row.Position}, min(100, n-n/3-1))},
			{"unread", func(int) error {
				some, n, err := bb.Messages(ctx, p, box, Filter{Read: &no, Newest: true, Limit: 100})
				if err == nil && (len(some) != 1 || n != 1) {
					err = fmt.Errorf("%d of %d unread", len(some), n)
				}
				return err
			}},
			{"folders", func(int) error { _, err := bb.Folders(ctx, p, box, true); return err }},
			{"open", func(int) error { _, err := bb.Message(ctx, p, box, last); return err }},
			{"search", func(i int) error {
				found, err := bb.Search(ctx, p, box, Filter{}, true, func(w Words) bool { return strings.HasSuffix(w.Label, "nummer "+strconv.Itoa(from-1)) })
				if err == nil && (len(found) != 1 || found[0].Message != last) {
					err = fmt.Errorf("found %v", found)
				}
				return err
			}},
			{"move", func(i int) error {
				to := folder.ID
				if i%2 == 1 {
					to = mailbox.Inbox
				}
				_, _, err := bb.Patch(ctx, Ask{Principal: p, Mailbox: box}, last, Patch{Folder: &to})
				return err
			}},
		} {
			b.Run(fmt.Sprintf("%s of %d", x.name, n), func(b *testing.B) {
				for i := range b.N {
					if err := x.do(i); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
	for i, box := range boxes { // the views' files are in the machine's memory by then; nothing of them is in the process
		b.Run(fmt.Sprintf("first search after a start of %d", sizes[i]), func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				if err := bb.Close(); err != nil {
					b.Fatal(err)
				}
				bb = open()
				b.StartTimer()
				found, err := bb.Search(ctx, Principal{Identity: box, Platform: "app"}, box, Filter{}, true, func(w Words) bool { return strings.Contains(w.Label, "findes ikke") })
				if err != nil || len(found) > 0 {
					b.Fatal(found, err)
				}
			}
		})
	}
}

// readAll marks messages that fillMailbox made as read, past the API.
func readAll(b *testing.B, bb *Backbone, box domain.MailboxID, from, n int) {
	b.Helper()
	for i := from; i < n; {
		var events []eventstore.NewEvent
		for ; i < n && len(events) < 250; i++ {
			e := mailbox.MessageMarkedRead{Message: domain.MessageID(domain.DeriveID("large", []byte{byte(i), byte(i >> 8), byte(i >> 16)}))}
			data, err := mailbox.Codec.Encode(e)
			if err != nil {
				b.Fatal(err)
			}
			events = append(events, eventstore.NewEvent{Type: e.EventType(), Data: data, Meta: eventstore.Meta{Command: derivedCommand("read", e.Message[:])}})
		}
		v, _ := bb.store.Head(mailboxStream(box))
		if _, err := bb.store.Append(context.Background(), mailboxStream(box), eventstore.ExpectedVersion(v), events...); err != nil {
			b.Fatal(err)
		}
	}
	if err := bb.views.Wait(context.Background(), bb.store.Last()); err != nil {
		b.Fatal(err)
	}
}
