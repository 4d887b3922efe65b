package backbone

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// fillMailbox puts the messages numbered from through n-1 into a mailbox, past the API: their events as they would be.
func fillMailbox(t testing.TB, b *Backbone, box domain.MailboxID, from, n int) (last domain.MessageID) {
	t.Helper()
	ctx := context.Background()
	outline, err := cbor.Marshal(memo.Message{Version: 12, Root: &memo.Node{Name: "Message", Children: []*memo.Node{{Name: "MessageHeader"}}}})
	if err != nil {
		t.Fatal(err)
	}
	walk, eventType := b.vault.Walk(vault.Owner(box)), mailbox.MessageDelivered{}.EventType()
	shard := eventstore.Stream{Kind: "intake", ID: intake.ShardID(1)}
	put := func(s eventstore.Stream, events []eventstore.NewEvent) {
		t.Helper()
		v, _ := b.store.Head(s)
		if _, err := b.store.Append(ctx, s, eventstore.ExpectedVersion(v), events...); err != nil {
			t.Fatal(err)
		}
	}
	for i := from; i < n; {
		var in, out []eventstore.NewEvent
		for ; i < n && len(in) < 250; i++ {
			last = domain.MessageID(domain.DeriveID("large", []byte{byte(i), byte(i >> 8), byte(i >> 16)}))
			r := intake.MemoReceived{Message: last, UUID: domain.UUID(last), Leaf: uint32(i + 1)}
			data, err := intake.Codec.Encode(r)
			if err != nil {
				t.Fatal(err)
			}
			meta := eventstore.Meta{Command: derivedCommand("x", last[:])}
			in = append(in, eventstore.NewEvent{Type: r.EventType(), Data: data, Meta: meta})
			k, err := walk.Key(uint32(i - from + 1))
			if err != nil {
				t.Fatal(err)
			}
			words := Words{Label: fmt.Sprintf("tilbud om plads nummer %d", i), Sender: "eksempel kommune", SenderID: "20000001", Rest: "besked.txt"}
			d := mailbox.MessageDelivered{Message: last, Letter: &mailbox.Letter{Message: last, Leaf: uint32(i - from + 1), Outline: k.Seal(eventType, "outline", outline), Shard: 1, IntakeLeaf: 4_000_000,
				Words: sealWords(k, eventType, words, true)}}
			if data, err = mailbox.Codec.Encode(d); err != nil {
				t.Fatal(err)
			}
			out = append(out, eventstore.NewEvent{Type: d.EventType(), Data: data, Meta: meta})
		}
		put(shard, in)
		put(mailboxStream(box), out)
	}
	if err := b.views.Wait(ctx, b.store.Last()); err != nil {
		t.Fatal(err)
	}
	if err := b.waitForgotten(ctx, b.store.Last()); err != nil {
		t.Fatal(err)
	}
	return last
}

// A command on a mailbox of 100,000 messages reads fewer than 100 records of the log, also after a restart; and the repeat of a command whose answer was
// lost gets the first result after 0, 1 and 100,000 later events.
func TestCommandsOnALargeMailbox(t *testing.T) {
	messages := 100_000
	if testing.Short() {
		messages = 5_000
	}
	ctx := context.Background()
	dir := t.TempDir()
	open := func() *Backbone {
		b, err := Open(Config{Dir: dir + "/var", KMS: vault.KeyFolder(dir + "/keys"), Development: true, SegmentSize: 64 << 20})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := open()
	box, _, err := b.Register(ctx, Person{Kind: mailbox.Citizen, Number: "6701901234", Name: "Mette", BirthDate: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.ensureRoot(vault.Owner(intake.ShardID(1))); err != nil {
		t.Fatal(err)
	}
	first := fillMailbox(t, b, box, 0, 1)
	ask := Ask{Principal: Principal{Identity: box, Platform: "app"}, Mailbox: box}
	yes, no := true, false
	keyed := ask
	keyed.Key = "lost answer"
	want, position, err := b.Patch(ctx, keyed, first, Patch{Read: &yes})
	if err != nil || !want.Row.State.Read {
		t.Fatal(err)
	}
	repeat := func(when string) {
		t.Helper()
		got, at, err := b.Patch(ctx, keyed, first, Patch{Read: &yes})
		if err != nil || at != position || got.Row.State.Version != want.Row.State.Version || !got.Row.State.Read {
			t.Errorf("repeated %s: position %d, version %d, %v; want %d, %d", when, at, got.Row.State.Version, err, position, want.Row.State.Version)
		}
	}
	repeat("at once")
	if _, _, err := b.Patch(ctx, ask, first, Patch{Read: &no}); err != nil {
		t.Fatal(err)
	}
	repeat("after one event")
	last := fillMailbox(t, b, box, 1, messages)
	repeat("after many events")
	for _, restarted := range []bool{false, true} {
		if restarted {
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			b = open()
		}
		before := b.RecordsRead()
		if _, _, err := b.Patch(ctx, ask, last, Patch{Flag: &yes, Read: &restarted}); err != nil {
			t.Fatal(err)
		}
		if err := b.waitForgotten(ctx, b.store.Last()); err != nil {
			t.Fatal(err)
		}
		n := b.RecordsRead() - before
		t.Logf("restarted %v: a command read %d records", restarted, n)
		if n >= 100 {
			t.Errorf("a command read %d records, want fewer than 100", n)
		}
	}
	repeat("after a restart")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// A whole mailbox is shredded: no key of it is left, and its neighbour opens.
func TestShreddedMailboxDoesNotOpen(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	b, err := Open(Config{Dir: dir + "/var", KMS: vault.KeyFolder(dir + "/keys"), Development: true, SegmentSize: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var boxes []domain.MailboxID
	for _, n := range []string{"6701901234", "6702901234"} {
		box, _, err := b.Register(ctx, Person{Kind: mailbox.Citizen, Number: n, Name: "Mette", BirthDate: time.Unix(0, 0)})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.ensureRoot(vault.Owner(intake.ShardID(1))); err != nil {
			t.Fatal(err)
		}
		boxes = append(boxes, box)
		fillMailbox(t, b, box, len(boxes)*10, len(boxes)*10+3)
	}
	if err := b.Shred(ctx, boxes[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Roll(ctx); err != nil {
		t.Fatal(err)
	}
	for leaf := range uint32(10) {
		if _, err := b.vault.Key(vault.Owner(boxes[0]), leaf); err != vault.ErrForgotten {
			t.Errorf("leaf %d of the shredded mailbox: %v, want ErrForgotten", leaf, err)
		}
	}
	for i, box := range boxes {
		_, err := b.Door(ctx, Principal{Identity: box, Platform: "app"}, box)
		if (err == nil) != (i == 1) {
			t.Errorf("mailbox %d: %v", i, err)
		}
	}
	list, _, err := b.Messages(ctx, Principal{Identity: boxes[1], Platform: "app"}, boxes[1], Filter{})
	if err == nil {
		err = b.OpenAll(list)
	}
	if err != nil || len(list) != 3 || list[0].Memo == nil {
		t.Errorf("the neighbour: %d messages, %v", len(list), err)
	}
}
