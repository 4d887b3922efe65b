package backbone_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
)

// largeMessage gives the id of the message of a number that fillMailbox makes.
func largeMessage(i int) domain.MessageID {
	return domain.DeriveID("large", []byte{byte(i), byte(i >> 8), byte(i >> 16)})
}

// largeMemo gives what a search looks in, of such a message.
func largeMemo(i int) *memo.Message {
	header := memo.Group("MessageHeader", memo.Text("label", fmt.Sprintf("Tilbud om plads nummer %d", i)),
		memo.Group("Sender", memo.Text("senderID", "20000001"), memo.Text("label", "Eksempel Kommune")))
	body := memo.Group("MessageBody",
		memo.Group("MainDocument", memo.Group("File", memo.Text("filename", "besked.txt"))))

	return &memo.Message{Version: memo.V12, Root: &memo.Node{Name: "Message", Children: []*memo.Node{header, body}}}
}

// largeAppend is how many events are put in at once.
const largeAppend = 250

// put appends events to a stream, past the rules.
func put[E domain.Event](t testing.TB, b *backbonetest.Backbone, s eventstore.Stream, command string, events []E) {
	t.Helper()

	var news []eventstore.NewEvent
	for i, e := range events {
		data, err := streams.Kinds[string(s.Kind)].Encode(e)
		if err != nil {
			t.Fatal(err)
		}

		v, _ := b.Store().Head(s)
		meta := eventstore.Meta{Command: domain.DeriveID(command, s.ID[:], fmt.Append(nil, v, i))}
		news = append(news, eventstore.NewEvent{Type: e.EventType(), Data: data, Meta: meta})
	}

	v, _ := b.Store().Head(s)
	if _, err := b.Store().Append(context.Background(), s, eventstore.ExpectedVersion(v), news...); err != nil {
		t.Fatal(err)
	}
}

// fillMailbox puts the messages numbered from through n-1 into a mailbox, past the API: their events as they would be.
func fillMailbox(t testing.TB, b *backbonetest.Backbone, box domain.MailboxID, from, n int) (last domain.MessageID) {
	t.Helper()

	shard := eventstore.Stream{Kind: streams.Intake, ID: intake.ShardID(1)}
	ensureRoot(t, b, shard.ID)

	outline, err := cbor.Marshal(memo.Message{Version: memo.V12, Root: &memo.Node{
		Name: "Message", Children: []*memo.Node{{Name: "MessageHeader"}},
	}})
	if err != nil {
		t.Fatal(err)
	}

	words := content.New(b.Core())
	for i := from; i < n; {
		var in []intake.MemoReceived
		var out []mailbox.MessageDelivered

		for ; i < n && len(in) < largeAppend; i++ {
			last = largeMessage(i)
			in = append(in, intake.MemoReceived{Message: last, UUID: domain.UUID(last), Leaf: uint32(i + 1)})

			letter, err := words.Seal(box, uint32(i-from+1), mailbox.MessageDelivered{}.EventType(),
				mailbox.Letter{Message: last, Shard: 1, IntakeLeaf: 4_000_000},
				content.Sealable{Outline: outline, Memo: largeMemo(i)})
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, mailbox.MessageDelivered{Message: last, Letter: &letter})
		}

		put(t, b, shard, "large", in)
		put(t, b, core.Stream(box), "large", out)
	}
	settle(t, b)

	return last
}

// ensureRoot gives an intake stream its root, once.
func ensureRoot(t testing.TB, b *backbonetest.Backbone, id [16]byte) {
	t.Helper()

	there, err := b.Vault().HasRoot(vault.Owner(id))
	if err == nil && !there {
		err = b.Vault().EnterRoot(vault.Owner(id))
	}

	if err != nil {
		t.Fatal(err)
	}
}

// settle waits until views and keys are where the log is.
func settle(t testing.TB, b *backbonetest.Backbone) {
	t.Helper()

	if err := b.Core().Views.Wait(context.Background(), b.Position()); err != nil {
		t.Fatal(err)
	}

	if err := b.Core().Forgetting.Wait(context.Background(), b.Position()); err != nil {
		t.Fatal(err)
	}
}

// A command on a mailbox of 100,000 messages reads fewer than 100 records of the log, also after a restart; and the
// repeat of a command whose answer was lost gets the first result after 0, 1 and 100,000 later events.
func TestCommandsOnALargeMailbox(t *testing.T) {
	t.Parallel()

	many := 100_000
	if testing.Short() {
		many = 5_000
	}

	ctx := context.Background()
	b := backbonetest.Open(t, backbonetest.SegmentSize(64<<20))
	box := b.Citizen(backbonetest.Mette)
	first := fillMailbox(t, b, box, 0, 1)
	ask := backbonetest.Owner(box, backbonetest.App)
	yes, no := true, false

	keyed := ask
	keyed.Key = "lost answer"
	want, position, err := b.Messages.Patch(ctx, keyed, first, messages.Patch{Read: &yes})
	if err != nil || !want.Row.Read {
		t.Fatal(err)
	}

	repeat := func(when string) {
		t.Helper()

		got, at, err := b.Messages.Patch(ctx, keyed, first, messages.Patch{Read: &yes})
		if err != nil || at != position || got.Row.Version != want.Row.Version || !got.Row.Read {
			t.Errorf("repeated %s: position %d, version %d, %v; want %d, %d",
				when, at, got.Row.Version, err, position, want.Row.Version)
		}
	}
	repeat("at once")

	if _, _, err := b.Messages.Patch(ctx, ask, first, messages.Patch{Read: &no}); err != nil {
		t.Fatal(err)
	}
	repeat("after one event")

	last := fillMailbox(t, b, box, 1, many)
	repeat("after many events")

	for _, restarted := range []bool{false, true} {
		if restarted {
			b.Restart()
		}

		// Feeds may still be reading what came before, and are counted too: the least of some commands is a command's.
		n := uint64(1 << 32)
		for i := range 5 {
			flag := (i%2 == 0) != restarted // never what it is already
			before := b.RecordsRead()
			if _, _, err := b.Messages.Patch(ctx, ask, last, messages.Patch{Flag: &flag}); err != nil {
				t.Fatal(err)
			}
			settle(t, b)
			n = min(n, b.RecordsRead()-before)
		}
		t.Logf("restarted %v: a command read %d records", restarted, n)
		if n >= 100 {
			t.Errorf("a command read %d records, want fewer than 100", n)
		}
	}
	repeat("after a restart")
}
