package projections

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
	"digitalpost/eventstore/memstore"
)

// grow appends n random commands' events to some mailboxes, with their intake.
func grow(t testing.TB, store eventstore.Store, rng *rand.Rand, n int) {
	t.Helper()
	ctx := context.Background()
	h := eventstore.Handler[mailbox.Command, mailbox.Event, mailbox.State]{Store: store, Decider: mailbox.Decider, Codec: mailbox.Codec}
	meta := func(i int) eventstore.Meta {
		m := eventstore.Meta{Command: domain.DeriveID("c", fmt.Append(nil, i, store.Last())), Actor: eventstore.Actor{Kind: "owner", ID: [16]byte{9}}, Platform: "app"}
		if i%3 == 0 {
			m.Command[0] |= 0x80
		} else {
			m.Command[0] &= 0x7f
		}
		return m
	}
	raw := func(s eventstore.Stream, e domain.Named, data []byte, err error) {
		t.Helper()
		v, _ := store.Head(s)
		if err == nil {
			_, err = store.Append(ctx, s, eventstore.ExpectedVersion(v), eventstore.NewEvent{Type: e.EventType(), Data: data, Meta: meta(int(v))})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		box := domain.MailboxID{0, byte(1 + rng.IntN(3))}
		stream := eventstore.Stream{Kind: "mailbox", ID: box}
		at := mailbox.Target{Message: domain.MessageID{byte(rng.IntN(12)), box[1]}, Platform: []string{"app", "eboks"}[rng.IntN(2)]}
		folder := domain.FolderID{1, byte(rng.IntN(4))}
		_, _, err := h.Execute(ctx, stream, meta(i), func(s mailbox.State) (mailbox.Command, error) {
			if s.Owner == "" {
				return mailbox.Open{Opened: mailbox.Opened{Owner: mailbox.Citizen}}, nil
			}
			author := domain.UUID{5}
			mine := at
			mine.Author = mailbox.AuthorOnly(author)
			switch rng.IntN(14) {
			case 9:
				c := mailbox.SaveDraft{Target: mine, New: true, Leaf: s.NextLeaf, Author: author, Content: domain.Sealed{byte(i)}}
				if rng.IntN(2) == 0 {
					c.Target, c.New = draftOf(s, mine), false
					c.Parts = []mailbox.Part{{Document: domain.DocumentID{1, byte(i), byte(i >> 8)}, Key: domain.Sealed{1}}}
				}
				return c, nil
			case 10, 11:
				e := mailbox.MessageSent{Author: author, Letter: mailbox.Letter{UUID: domain.UUID{2, byte(i), byte(i >> 8)}, Document: domain.DocumentID{2, byte(i), byte(i >> 8)}},
					To: mailbox.Destination{System: domain.SystemID{byte(rng.IntN(2))}}, Handover: mailbox.Handover{Document: domain.DocumentID{3, byte(i), byte(i >> 8)}}}
				if rng.IntN(3) == 0 {
					e.Message = domain.MessageID{1, byte(i), byte(i >> 8)}
					e.Letter.Message, e.Letter.Leaf = e.Message, s.NextLeaf
					return mailbox.Forward{Target: anyOf(s, mine), Sent: e}, nil
				}
				return mailbox.Send{Target: draftOf(s, mine), Sent: e}, nil
			case 12, 13:
				id, system := sentOf(s)
				switch rng.IntN(3) {
				case 0:
					return mailbox.HandOver{Message: id, System: system}, nil
				case 1:
					return mailbox.Take{Message: id, System: system}, nil
				}
				return mailbox.Answer{Message: id, System: system, Status: "COMPLETED", Text: func(uint32) domain.Sealed { return domain.Sealed{9} }}, nil
			case 0, 1, 2:
				uuid := domain.UUID{byte(i), byte(i >> 8), byte(store.Last())}
				l := mailbox.Letter{Message: intake.MessageOf(domain.SystemID{1}, uuid), Leaf: s.NextLeaf, System: domain.SystemID{1}, UUID: uuid, Platform: []string{"", "eboks"}[rng.IntN(2)]}
				shard := intake.ShardOf(l.System, uuid)
				r := intake.MemoReceived{System: l.System, UUID: uuid, Message: l.Message, Leaf: 1, Document: domain.DocumentID(uuid)}
				data, err := intake.Codec.Encode(r)
				raw(eventstore.Stream{Kind: "intake", ID: intake.ShardID(shard)}, r, data, err)
				c := mailbox.Receive{Letter: l, At: time.Unix(0, 0)}
				if rng.IntN(4) == 0 {
					c.Due = time.Unix(int64(rng.IntN(1000)+1), 0).UTC()
				}
				return c, nil
			case 3:
				return mailbox.MarkRead{Target: anyOf(s, at), Read: rng.IntN(2) == 0}, nil
			case 4:
				return mailbox.Move{Target: anyOf(s, at), To: folder}, nil
			case 5:
				return mailbox.Delete{Target: anyOf(s, at)}, nil
			case 6:
				return mailbox.CreateFolder{Created: mailbox.FolderCreated{Folder: folder, Leaf: s.NextLeaf, NameKey: domain.UUID(folder)}}, nil
			case 7:
				return mailbox.DeleteFolder{Folder: folder, Platform: "app"}, nil
			case 8:
				return mailbox.Release{Message: anyOf(s, at).Message, At: time.Unix(1000, 0)}, nil
			}
			return mailbox.Restore{Target: anyOf(s, at)}, nil
		})
		if _, refused := domain.Refused(err); err != nil && !refused {
			t.Fatal(err)
		}
		switch i % 50 {
		case 10:
			e := looks.ContentOpened{Message: at.Message}
			data, err := looks.Codec.Encode(e)
			raw(eventstore.Stream{Kind: "looks", ID: box}, e, data, err)
		case 20:
			e := organisation.SystemRegistered{System: domain.SystemID{byte(i)}}
			data, err := organisation.Codec.Encode(e)
			raw(eventstore.Stream{Kind: "organisation", ID: [16]byte{byte(i)}}, e, data, err)
		}
	}
}

func anyOf(s mailbox.State, t mailbox.Target) mailbox.Target {
	for id, m := range s.Messages {
		if m.Stage == mailbox.Here || m.Stage == mailbox.Scheduled {
			t.Message, t.Platform = id, "eboks"
			return t
		}
	}
	return t
}

func draftOf(s mailbox.State, t mailbox.Target) mailbox.Target {
	for id, m := range s.Messages {
		if m.Stage == mailbox.Here && m.Draft != nil {
			t.Message = id
			return t
		}
	}
	return t
}

func sentOf(s mailbox.State) (domain.MessageID, domain.SystemID) {
	for id, m := range s.Messages {
		if m.Out != nil && !m.Out.Taken {
			return id, m.Out.System
		}
	}
	return domain.MessageID{}, domain.SystemID{}
}

// dump gives all rows of a view.
func dump(t *testing.T, f *viewFile) string {
	t.Helper()
	s, err := f.snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var b strings.Builder
	s.Scan(nil, func(k, v []byte) bool { fmt.Fprintf(&b, "%x=%x\n", k, v); return true })
	return b.String()
}

// A view that was followed, that crashed between batches and that was rebuilt has the same rows; and after a crash no more events are applied again
// than came since the checkpoint.
func TestViewsAreTheSameHoweverTheyWereMade(t *testing.T) {
	store := memstore.New(nil)
	rng := rand.New(rand.NewPCG(1, 1))
	dir := t.TempDir()
	ctx := context.Background()
	crashed := map[string]*viewFile{}
	path := func(p Projection) string { return filepath.Join(dir, p.Name()) }
	for _, p := range All() {
		f, err := openView(path(p), [16]byte{}, 1, store.Last())
		if err != nil {
			t.Fatal(err)
		}
		crashed[p.Name()] = f
	}
	live, err := Open(store, Config{Dir: filepath.Join(dir, "live")})
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	for round := range 25 {
		grow(t, store, rng, 60)
		for _, p := range All() {
			f := crashed[p.Name()]
			flushed := false
			for f.applied < store.Last() {
				if _, err := applyBatch(ctx, store, p, f, f.applied, store.Last()); err != nil {
					t.Fatal(err)
				}
			}
			if flushed = rng.IntN(3) == 0; flushed {
				if err := f.flush([16]byte{}, 1); err != nil {
					t.Fatal(err)
				}
			}
			checkpoint := f.flushed
			if err := f.db.Close(); err != nil { // a crash: the overlay is gone
				t.Fatal(err)
			}
			if f, err = openView(path(p), [16]byte{}, 1, store.Last()); err != nil {
				t.Fatal(err)
			}
			crashed[p.Name()] = f
			if f.applied != checkpoint || flushed && f.applied != store.Last() {
				t.Fatalf("round %d: %s goes on from %d, its checkpoint was %d", round, p.Name(), f.applied, checkpoint)
			}
		}
	}
	if err := live.Wait(ctx, store.Last()); err != nil {
		t.Fatal(err)
	}
	for _, p := range All() {
		f := crashed[p.Name()]
		for f.applied < store.Last() {
			if _, err := applyBatch(ctx, store, p, f, f.applied, store.Last()); err != nil {
				t.Fatal(err)
			}
		}
		rebuilt, err := openView(path(p)+".rebuilt", [16]byte{}, 1, store.Last())
		if err != nil {
			t.Fatal(err)
		}
		for rebuilt.applied < store.Last() {
			if _, err := applyBatch(ctx, store, p, rebuilt, rebuilt.applied, store.Last()); err != nil {
				t.Fatal(err)
			}
		}
		want := dump(t, live.views[p.Name()])
		if len(want) < 100 || strings.Contains("\n"+want, "\nff70") {
			t.Fatalf("%s: the live view is empty, or a stream is parked", p.Name())
		}
		if got := dump(t, f); got != want {
			t.Errorf("%s: crashed and followed differ", p.Name())
		}
		if got := dump(t, rebuilt); got != want {
			t.Errorf("%s: rebuilt and followed differ", p.Name())
		}
		for range 2 { // flushed, the rows are the same
			if err := rebuilt.flush([16]byte{}, 1); err != nil {
				t.Fatal(err)
			}
			if got := dump(t, rebuilt); got != want {
				t.Errorf("%s: flushed rows differ", p.Name())
			}
		}
		f.db.Close()
		rebuilt.db.Close()
	}
}

// What the rules see of a mailbox in its view is what they see in its stream.
func TestStateFromTheViewIsTheStreams(t *testing.T) {
	store := memstore.New(nil)
	grow(t, store, rand.New(rand.NewPCG(2, 2)), 800)
	live, err := Open(store, Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	live.Wait(context.Background(), store.Last())
	s, err := live.Snapshot(Mailboxes{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h := eventstore.Handler[mailbox.Command, mailbox.Event, mailbox.State]{Store: store, Decider: mailbox.Decider, Codec: mailbox.Codec}
	for b := range byte(3) {
		box := domain.MailboxID{0, b + 1}
		want, version, err := h.Load(context.Background(), eventstore.Stream{Kind: "mailbox", ID: box})
		if err != nil {
			t.Fatal(err)
		}
		var ids []domain.MessageID
		for id := range want.Messages {
			ids = append(ids, id)
		}
		got, at, err := s.State(box, ids...)
		if err != nil || at != version || got.NextLeaf != want.NextLeaf || len(got.Folders) != len(want.Folders) {
			t.Fatalf("State = version %d, next leaf %d, %d folders, %v; want %d, %d, %d", at, got.NextLeaf, len(got.Folders), err, version, want.NextLeaf, len(want.Folders))
		}
		for id, m := range want.Messages {
			g := got.Messages[id]
			g.Due, m.Due = time.Time{}, time.Time{}
			if !reflect.DeepEqual(g, m) {
				t.Errorf("message %v: %+v, want %+v", id, g, m)
			}
		}
		for p, n := range want.Held {
			if got.Held[p] != n {
				t.Errorf("held in %v: %d, want %d", p, got.Held[p], n)
			}
		}
	}
}

// Two streams that fail in one batch are both parked.
func TestTwoFailingStreamsAreBothParked(t *testing.T) {
	store := memstore.New(nil)
	grow(t, store, rand.New(rand.NewPCG(3, 3)), 100)
	for _, id := range []byte{1, 2} {
		s := eventstore.Stream{Kind: "mailbox", ID: [16]byte{0, id}}
		v, _ := store.Head(s)
		e := mailbox.MessageMarkedRead{Message: domain.MessageID{0xEE}}
		data, _ := mailbox.Codec.Encode(e)
		if _, err := store.Append(context.Background(), s, eventstore.ExpectedVersion(v), eventstore.NewEvent{Type: e.EventType(), Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	live, err := Open(store, Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	if err := live.Wait(context.Background(), store.Last()); err != nil {
		t.Fatal(err)
	}
	s, _ := live.Snapshot(Mailboxes{})
	defer s.Close()
	if !s.Parked([16]byte{0, 1}) || !s.Parked([16]byte{0, 2}) {
		t.Errorf("parked: %v, %v; want both", s.Parked([16]byte{0, 1}), s.Parked([16]byte{0, 2}))
	}
}

// An event that can't be applied parks its stream; the others go on.
func TestAFailingEventParksItsStreamAlone(t *testing.T) {
	store := memstore.New(nil)
	grow(t, store, rand.New(rand.NewPCG(3, 3)), 100)
	bad := eventstore.Stream{Kind: "mailbox", ID: [16]byte{0, 1}}
	v, _ := store.Head(bad)
	e := mailbox.MessageMarkedRead{Message: domain.MessageID{0xEE}}
	data, _ := mailbox.Codec.Encode(e)
	if _, err := store.Append(context.Background(), bad, eventstore.ExpectedVersion(v), eventstore.NewEvent{Type: e.EventType(), Data: data}); err != nil {
		t.Fatal(err)
	}
	live, err := Open(store, Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	if err := live.Wait(context.Background(), store.Last()); err != nil || live.Err() != nil {
		t.Fatal(err, live.Err())
	}
	s, _ := live.Snapshot(Mailboxes{})
	defer s.Close()
	if rows, _, err := s.State(domain.MailboxID{0, 2}); err != nil || rows.Owner == "" {
		t.Errorf("the neighbour's state: %v, %v", rows.Owner, err)
	}
	if !s.Parked([16]byte{0, 1}) || s.Parked([16]byte{0, 2}) {
		t.Errorf("parked: %v, %v; want the first only", s.Parked([16]byte{0, 1}), s.Parked([16]byte{0, 2}))
	}
}
