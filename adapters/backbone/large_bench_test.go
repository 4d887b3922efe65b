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
)

// BenchmarkMailbox gives what first page, last page, a page by cursor in the middle, the folders with their counts, opening one message, searching the words of all and moving one take, in
// mailboxes of 1,000 and of 100,000 messages, and with LARGE=1 of a million, side by side.
//
//	LARGE=1 go test -run '^$' -bench Mailbox -benchtime 200x ./adapters/backbone
func BenchmarkMailbox(b *testing.B) {
	ctx := context.Background()
	dir := b.TempDir()
	bb, err := Open(Config{Dir: dir + "/var", KMS: vault.KeyFolder(dir + "/keys"), Development: true, SegmentSize: 256 << 20})
	if err != nil {
		b.Fatal(err)
	}
	defer bb.Close()
	sizes := []int{1000, 100_000}
	if os.Getenv("LARGE") != "" {
		sizes = append(sizes, 1_000_000)
	}
	if err := bb.ensureRoot(vault.Owner(intake.ShardID(1))); err != nil {
		b.Fatal(err)
	}
	from := 0
	for i, n := range sizes {
		box, _, err := bb.Register(ctx, Person{Kind: mailbox.Citizen, Number: fmt.Sprintf("670190123%d", i), Name: "Mette", BirthDate: time.Unix(0, 0)})
		if err != nil {
			b.Fatal(err)
		}
		p := Principal{Identity: box, Platform: "app"}
		last := fillMailbox(b, bb, box, from, from+n)
		from += n
		folder, _, err := bb.CreateFolder(ctx, Ask{Principal: p, Mailbox: box}, "Arkiv", domain.FolderID{})
		if err != nil {
			b.Fatal(err)
		}
		list := func(f Filter) func(int) error {
			f.Limit = 100
			return func(int) error {
				some, _, err := bb.Messages(ctx, p, box, f)
				if err == nil {
					err = bb.OpenAll(some)
				}
				if err == nil && len(some) != 100 {
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
			{"first page", list(Filter{Newest: true})},
			{"last page", list(Filter{Newest: true, Skip: n - 100})},
			{"by cursor", list(Filter{Newest: true, Beyond: middle[0].Row.Position})},
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
}
