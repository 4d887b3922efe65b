package search_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/drafts"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/backbone/search"
	"digitalpost/domain"
	"digitalpost/domain/looks"
)

func pointer[T any](v T) *T { return &v }

// find gives the messages in which a word is found, and those that must be opened to know.
func find(
	t *testing.T, b *backbonetest.Backbone, ask core.Ask, word string, f messages.Filter,
) (found, unsure []domain.MessageID) {
	t.Helper()

	all, err := b.Search.Find(context.Background(), ask.Principal, ask.Mailbox, search.Query{
		Filter: f, ByWords: true, Match: func(w content.Words) bool {
			return slices.ContainsFunc(w.Texts(), func(s string) bool { return strings.Contains(s, word) })
		},
	})
	if err != nil {
		t.Fatal(err)
	}

	for _, x := range all {
		if x.Unsure {
			unsure = append(unsure, x.Message)
		} else {
			found = append(found, x.Message)
		}
	}

	return found, unsure
}

// A search finds what its words are in, folded, and the asker's notes; drafts must be opened to know. What is purged is
// found no more, and what is not shown to who asks never.
func TestWhatIsFound(t *testing.T) {
	t.Parallel()

	ctx := context.Background()
	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	sys := b.Authority(backbonetest.Municipality)
	tax := b.Submit(sys, backbonetest.Mette, backbonetest.Letter{Label: "Årsopgørelse FRA Skat"})
	b.Submit(sys, backbonetest.Mette, backbonetest.Letter{Label: "Tilbud om plads"})
	noted := b.Submit(sys, backbonetest.Mette, backbonetest.Letter{Label: "Andet"})
	insurer := b.Sender(backbonetest.Insurer, backbonetest.EBoks)
	private := b.Submit(insurer, backbonetest.Mette, backbonetest.Letter{Label: "Fra Skat"})
	ask := backbonetest.Owner(box, backbonetest.App)

	_, _, err := b.Messages.Patch(ctx, ask, noted, messages.Patch{Note: pointer("Noget fra SKAT")})
	if err != nil {
		t.Fatal(err)
	}

	draft, _, err := b.Drafts.Begin(ctx, ask, drafts.Words{Label: pointer("Til skat")})
	if err != nil {
		t.Fatal(err)
	}

	wants := func(when string, ask core.Ask, f messages.Filter, want, unsure []domain.MessageID) {
		t.Helper()

		got, perhaps := find(t, b, ask, "fra skat", f)
		if !slices.Equal(got, want) || !slices.Equal(perhaps, unsure) {
			t.Errorf("%s: found %v, unsure of %v; want %v, %v", when, got, perhaps, want, unsure)
		}
	}
	perhaps := []domain.MessageID{draft.ID}

	wants("at first", ask, messages.Filter{}, []domain.MessageID{tax, noted}, perhaps)
	wants("on a platform without consent", backbonetest.Owner(box, backbonetest.EBoks), messages.Filter{},
		[]domain.MessageID{private}, nil)

	if _, _, err := b.Messages.Patch(ctx, ask, tax, messages.Patch{Read: pointer(true)}); err != nil {
		t.Fatal(err)
	}
	wants("of what is read", ask, messages.Filter{Read: pointer(true)}, []domain.MessageID{tax}, perhaps)
	wants("of what is unread", ask, messages.Filter{Read: pointer(false)}, []domain.MessageID{noted}, nil)

	for range 2 { // into DELETED, and out of it for good
		if _, err := b.Messages.Delete(ctx, ask, tax); err != nil {
			t.Fatal(err)
		}
	}
	wants("after a purge", ask, messages.Filter{}, []domain.MessageID{noted}, perhaps)
}

// A search is recorded before anything is looked at; for what stands nowhere.
func TestASearchIsRecorded(t *testing.T) {
	t.Parallel()

	b := backbonetest.Open(t)
	box := b.Citizen(backbonetest.Mette)
	ask := backbonetest.Owner(box, backbonetest.App)

	for range 2 {
		find(t, b, ask, "skat", messages.Filter{})
	}

	var searched []backbonetest.Record
	for _, r := range b.LooksAt(box, 0) {
		if r.Type == (looks.Searched{}).EventType() {
			searched = append(searched, r)
		}
	}

	if len(searched) != 1 || searched[0].Meta.Actor.ID != [16]byte(box) || searched[0].Says != (looks.Searched{}) {
		t.Errorf("recorded: %+v, want it once, by the owner, without words", searched)
	}
}
