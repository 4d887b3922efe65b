package mailbox_test

import (
	"reflect"
	"strings"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

// note is a note whose keyed hash is known.
func note(words string, key domain.UUID) mailbox.SetNote {
	return mailbox.SetNote{
		Target: at(m1), Words: words, Seal: sealing(words),
		Key: func(uint32) (domain.UUID, error) { return key, nil },
	}
}

// notedAs is what a note of a key leaves.
func notedAs(words string, key domain.UUID) mailbox.Event {
	return mailbox.MessageNoted{Message: m1, Note: sealed(words, 1), Key: key}
}

var markRules = []scenario{
	{
		Name:  "mark read",
		Given: here,
		When:  mailbox.MarkRead{Target: at(m1), Read: true},
		Then:  then(read(m1)),
	},
	{
		Name:  "marking read what is read already records nothing",
		Given: here.and(read(m1)),
		When:  mailbox.MarkRead{Target: at(m1), Read: true},
	},
	{
		Name:  "unread after read [4]",
		Given: here.and(read(m1)),
		When:  mailbox.MarkRead{Target: at(m1)},
		Then:  then(mailbox.MessageMarkedUnread{Message: m1}),
	},
	{
		Name:  "a message of another mailbox",
		Given: here,
		When:  mailbox.MarkRead{Target: at(m2), Read: true},
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "read here while moved there: both stand [1]",
		Given: inF1,
		When:  mailbox.MarkRead{Target: at(m1), Read: true},
		Then:  then(read(m1)),
	},
	{
		Name:  "a stale version, another facet [1]",
		Given: inF1,
		When:  mailbox.MarkRead{Target: mailbox.Target{Message: m1, Version: 1}, Read: true},
		Err:   stale(2),
	},
	{
		Name:  "mark read after purge [3]",
		Given: gone,
		When:  mailbox.MarkRead{Target: at(m1), Read: true},
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "mark read in DELETED [3]",
		Given: inTrash,
		When:  mailbox.MarkRead{Target: at(m1), Read: true},
		Then:  then(read(m1)),
	},
	{
		Name:  "private post is not there for another platform",
		Given: private,
		When:  mailbox.MarkRead{Target: at(m1), Read: true},
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "public post is not there where it is not shown",
		Given: here,
		When: mailbox.MarkRead{
			Target: mailbox.Target{Message: m1, Lens: mailbox.Lens{Private: "app", NoPublic: true}}, Read: true,
		},
		Err: refused(mailbox.NoSuchMessage),
	},
	{
		Name: "what is there stays readable",
		Given: here.and(
			mailbox.ExemptionApplied{Exemption: g1, Leaf: 2},
			mailbox.ExemptionGranted{Exemption: g1},
		),
		When: mailbox.MarkRead{Target: at(m1), Read: true},
		Then: then(read(m1)),
	},
	{
		Name:  "flag",
		Given: here,
		When:  mailbox.Flag{Target: at(m1), On: true},
		Then:  then(mailbox.MessageFlagged{Message: m1}),
	},
	{
		Name:  "unflag what has no flag",
		Given: here,
		When:  mailbox.Flag{Target: at(m1)},
	},
	{
		Name:  "unflag",
		Given: here.and(mailbox.MessageFlagged{Message: m1}),
		When:  mailbox.Flag{Target: at(m1)},
		Then:  then(mailbox.MessageUnflagged{Message: m1}),
	},
	{
		Name:  "flag what is not there",
		Given: here,
		When:  mailbox.Flag{Target: at(m2), On: true},
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "note",
		Given: here,
		When:  note("Husk", nameA),
		Then:  then(notedAs("Husk", nameA)),
	},
	{
		Name:  "the same note",
		Given: here.and(notedAs("Husk", nameA)),
		When:  note("Husk", nameA),
	},
	{
		Name:  "another note",
		Given: here.and(notedAs("Husk", nameA)),
		When:  note("Betal", nameB),
		Then:  then(notedAs("Betal", nameB)),
	},
	{
		Name:  "no note any more",
		Given: here.and(notedAs("Husk", nameA)),
		When:  mailbox.SetNote{Target: at(m1)},
		Then:  then(mailbox.MessageNoted{Message: m1}),
	},
	{
		Name:  "no note where there is none",
		Given: here,
		When:  mailbox.SetNote{Target: at(m1)},
	},
	{
		Name:  "a note of 4000 characters",
		Given: here,
		When:  note(strings.Repeat("å", mailbox.MaxNote), nameA),
		Then:  then(notedAs(strings.Repeat("å", mailbox.MaxNote), nameA)),
	},
	{
		Name:  "a longer note",
		Given: here,
		When:  note(strings.Repeat("å", mailbox.MaxNote+1), nameA),
		Err:   refused(mailbox.NoteTooLong),
	},
	{
		Name:  "a note on what is not there",
		Given: open,
		When:  note("Husk", nameA),
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "a version to check only",
		Given: here,
		When:  mailbox.Check{Target: mailbox.Target{Message: m1, Version: 2}},
		Err:   stale(1),
	},
	{
		Name:  "a version that is right",
		Given: here,
		When:  mailbox.Check{Target: atVersion(m1, 1)},
	},
}

// The later commands of an All know no version: those before them have made another.
func TestThenDropsTheVersion(t *testing.T) {
	if got, want := atVersion(m1, 3).Then(), at(m1); got != want {
		t.Errorf("Then() = %+v, want %+v", got, want)
	}
}

// A patch leads to at most as many events as it has fields: how many messages fit into one append is worked out by it.
func TestMaxPatchCountsTheFields(t *testing.T) {
	t.Parallel()

	if n := reflect.TypeFor[mailbox.Patch]().NumField(); n != mailbox.MaxPatch {
		t.Errorf("Patch has %d fields, and MaxPatch is %d", n, mailbox.MaxPatch)
	}
}
