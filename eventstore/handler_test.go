package eventstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
	"digitalpost/eventstore/memstore"
	"digitalpost/eventstore/storetest"
)

type handler = eventstore.Handler[mailbox.Command, mailbox.Event, mailbox.State]

func handlerOn(s eventstore.Store) handler {
	return handler{Store: s, Decider: mailbox.Decider, Codec: mailbox.Codec}
}

var box = eventstore.Stream{Kind: "mailbox", ID: [16]byte{1}}

func folder(n byte) func(mailbox.State) (mailbox.Command, error) {
	return func(s mailbox.State) (mailbox.Command, error) {
		if s.Owner == "" {
			return mailbox.Open{Opened: mailbox.Opened{Owner: mailbox.Citizen}}, nil
		}
		return mailbox.CreateFolder{Created: mailbox.FolderCreated{Folder: domain.FolderID{n}, Leaf: s.NextLeaf, NameKey: domain.UUID{n}}}, nil
	}
}

func command(n byte) eventstore.Meta { return eventstore.Meta{Command: [16]byte{n}} }

// The outcome of an append of unknown fate is read from the stream, never guessed.
func TestAppendOfUnknownFateIsResolvedByReading(t *testing.T) {
	for _, keep := range []bool{true, false} {
		store := &storetest.Faulty{Store: memstore.New(nil), FailAt: 2, Keep: keep}
		h := handlerOn(store)
		if _, _, err := h.Execute(context.Background(), box, command(1), folder(1)); err != nil {
			t.Fatal(err)
		}
		events, p, err := h.Execute(context.Background(), box, command(2), folder(2))
		if keep && (err != nil || p != 2 || len(events) != 1) {
			t.Errorf("kept: Execute = %d events, %d, %v; want 1, 2, nil", len(events), p, err)
		}
		if !keep && !errors.Is(err, eventstore.ErrClosed) {
			t.Errorf("lost: Execute error = %v, want ErrClosed", err)
		}
		if v, _ := store.Head(box); (v == 2) != keep {
			t.Errorf("keep %v: the stream is at %d", keep, v)
		}
	}
}

// Rivals on one stream all get through, one after another, and what is refused appends nothing.
func TestRivalsAreDecidedAgain(t *testing.T) {
	store := memstore.New(nil)
	h := handlerOn(store)
	if _, _, err := h.Execute(context.Background(), box, command(100), folder(0)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for n := range byte(16) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, _, err := h.Execute(context.Background(), box, command(n+1), folder(n+1)); err != nil {
				t.Errorf("rival %d: %v", n, err)
			}
		}()
	}
	wg.Wait()
	state, version, err := h.Load(context.Background(), box)
	if err != nil || version != 17 || len(state.Folders) != 16 || state.NextLeaf != 17 {
		t.Fatalf("version %d, %d folders, next leaf %d, %v; want 17, 16, 17", version, len(state.Folders), state.NextLeaf, err)
	}
	_, _, err = h.Execute(context.Background(), box, command(50), folder(3))
	if reason, _ := domain.Refused(err); reason != mailbox.FolderTaken || store.Last() != 17 {
		t.Errorf("Execute = %v at %d, want %s at 17", err, store.Last(), mailbox.FolderTaken)
	}
}
