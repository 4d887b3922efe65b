package mailboxes_test

import (
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/eventstore/memstore"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/viewtest"
)

// Rows of a snapshot that are read and written out by one core.
//
//	go test -run '^$' -bench Rows -cpu 1 ./projections/mailboxes
func BenchmarkRows(b *testing.B) {
	const there = 20_000
	store := memstore.New(nil)
	stream := viewtest.Stream(viewtest.Boxes[0])
	viewtest.Append(b, store, stream, eventstore.Meta{}, mailbox.Opened{Owner: mailbox.Citizen})
	for i := range there {
		l := mailbox.Letter{
			Message: domain.MessageID{1, byte(i >> 16), byte(i >> 8), byte(i)}, Leaf: uint32(i + 1), Kind: "REGULAR",
			Sender: domain.OrganisationID{1}, Length: 1000,
		}
		viewtest.Append(b, store, stream, eventstore.Meta{}, mailbox.MessageDelivered{Message: l.Message, Letter: &l})
	}
	f := viewtest.Folded(b, store, mailboxes.Projection{})
	if err := f.Flush(); err != nil {
		b.Fatal(err)
	}
	of := mailbox.Scopes{Public: true}

	rows := 0
	for b.Loop() {
		c := mailboxes.CopyCursor{Mailbox: viewtest.Boxes[0]}
		for done := false; !done; {
			s, err := mailboxes.Of(f)
			if err != nil {
				b.Fatal(err)
			}
			var some []mailboxes.CopyRow
			if some, c, done, err = s.Copies().Rows(of, "app", 0, c, 1000); err != nil {
				b.Fatal(err)
			}
			s.Close()
			rows += len(some)
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
