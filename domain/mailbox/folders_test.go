package mailbox_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/domaintest"
	"digitalpost/domain/mailbox"
)

// eboks is what the owner is shown on e-Boks.
var eboks = mailbox.Lens{Private: "eboks"}

// private is a folder in which private post lies.
var private = open.and(
	deliveredOn("eboks", m1, 1),
	folder(f1, top, 2, nameA),
	mailbox.MessageMoved{Message: m1, From: mailbox.Inbox, To: f1, Platform: "eboks"},
)

// manyFolders is a mailbox with as many folders as it may have.
var manyFolders = func() history {
	h := open
	for i := range mailbox.MaxFolders {
		b := [16]byte{9, byte(i), byte(i >> 8)}
		h = append(h, folder(b, top, uint32(i+1), b))
	}

	return h
}()

// newFolder makes a folder with a name that is allowed.
func newFolder(f, parent domain.FolderID, name domain.UUID) mailbox.CreateFolder {
	return mailbox.CreateFolder{
		Created: mailbox.FolderCreated{Folder: f, Parent: parent, NameKey: name}, Name: "Skat",
	}
}

// renaming gives a folder another name that is allowed.
func renaming(f domain.FolderID, name domain.UUID) mailbox.RenameFolder {
	return mailbox.RenameFolder{Folder: f, NameKey: name, Name: "Skat"}
}

// spelling says that a folder has, or does not have, the very spelling of a name.
func spelling(f domain.FolderID, same bool) mailbox.RenameFolder {
	c := renaming(f, nameA)
	c.Same = func(is mailbox.Folder) (bool, error) {
		if is.NameKey != nameA {
			return false, errors.New("another folder is compared")
		}

		return same, nil
	}

	return c
}

var folderRules = []scenario{
	{
		Name:  "create a folder",
		Given: open,
		When:  newFolder(f1, top, nameA),
		Then:  then(folder(f1, top, 1, nameA)),
	},
	{
		Name:  "create a folder: its name is sealed under the next leaf",
		Given: here,
		When: mailbox.CreateFolder{
			Created: mailbox.FolderCreated{Folder: f1, NameKey: nameA}, Name: "Skat", Seal: sealing("Skat"),
		},
		Then: then(mailbox.FolderCreated{Folder: f1, Leaf: 2, NameKey: nameA, Name: sealed("Skat", 2)}),
	},
	{
		Name: "create a folder in no mailbox",
		When: newFolder(f1, top, nameA),
		Err:  refused(mailbox.NotOpen),
	},
	{
		Name:  "create a folder with no name",
		Given: open,
		When:  mailbox.CreateFolder{Created: mailbox.FolderCreated{Folder: f1}},
		Err:   refused(mailbox.NameNotAllowed),
	},
	{
		Name:  "the same name made on two platforms [27]",
		Given: foldered,
		When:  newFolder(f2, top, nameA),
		Err:   refused(mailbox.NameTaken),
	},
	{
		Name:  "the same name under another parent",
		Given: foldered,
		When:  newFolder(f2, f1, nameA),
		Then:  then(folder(f2, f1, 3, nameA)),
	},
	{
		Name:  "the name of a folder that is gone",
		Given: foldered.and(folderDeleted(f1, 2)),
		When:  newFolder(f2, top, nameA),
		Then:  then(folder(f2, top, 3, nameA)),
	},
	{
		Name:  "a folder under the inbox",
		Given: open,
		When:  newFolder(f1, mailbox.Inbox, nameA),
		Then:  then(folder(f1, mailbox.Inbox, 1, nameA)),
	},
	{
		Name:  "a folder under none",
		Given: open,
		When:  newFolder(f2, f1, nameA),
		Err:   refused(mailbox.FolderNotFound),
	},
	{
		Name:  "a folder under DELETED",
		Given: open,
		When:  newFolder(f2, mailbox.Deleted, nameA),
		Err:   refused(mailbox.FolderNotAllowed),
	},
	{
		Name:  "a folder's id twice",
		Given: foldered,
		When:  newFolder(f1, top, nameB),
		Err:   refused(mailbox.FolderTaken),
	},
	{
		Name:  "too many folders",
		Given: manyFolders,
		When:  newFolder(f1, top, nameA),
		Err:   refused(mailbox.TooManyFolders),
	},
	{
		Name:  "those that are gone don't count",
		Given: manyFolders.and(folderDeleted(domain.FolderID{9, 1}, 2)),
		When:  newFolder(f1, top, nameA),
		Then:  then(folder(f1, top, mailbox.MaxFolders+1, nameA)),
	},
	{
		Name:  "rename",
		Given: foldered,
		When:  renaming(f1, nameB),
		Then:  then(mailbox.FolderRenamed{Folder: f1, NameKey: nameB}),
	},
	{
		Name:  "rename: the name is sealed under the folder's leaf",
		Given: foldered,
		When:  mailbox.RenameFolder{Folder: f1, NameKey: nameB, Name: "Bil", Seal: sealing("Bil")},
		Then:  then(mailbox.FolderRenamed{Folder: f1, NameKey: nameB, Name: sealed("Bil", 2)}),
	},
	{
		Name:  "rename to another spelling of the same name",
		Given: foldered,
		When:  spelling(f1, false),
		Then:  then(mailbox.FolderRenamed{Folder: f1, NameKey: nameA}),
	},
	{
		Name:  "rename to the very spelling that it has",
		Given: foldered,
		When:  spelling(f1, true),
	},
	{
		Name:  "rename to a name that no folder may have",
		Given: foldered,
		When:  mailbox.RenameFolder{Folder: f1, NameKey: nameB, Name: "a\nb"},
		Err:   refused(mailbox.NameNotAllowed),
	},
	{
		Name:  "rename to a sibling's name",
		Given: foldered.and(folder(f2, top, 3, nameB)),
		When:  renaming(f2, nameA),
		Err:   refused(mailbox.NameTaken),
	},
	{
		Name:  "rename a system folder",
		Given: foldered,
		When:  renaming(mailbox.Inbox, nameA),
		Err:   refused(mailbox.SystemFolder),
	},
	{
		Name:  "rename with a stale version",
		Given: foldered,
		When:  mailbox.RenameFolder{Folder: f1, Version: 9, NameKey: nameB, Name: "Skat"},
		Err:   stale(1),
	},
	{
		Name:  "A into B",
		Given: foldered.and(folder(f2, top, 3, nameB)),
		When:  mailbox.MoveFolder{Folder: f1, Parent: f2},
		Then:  then(mailbox.FolderMoved{Folder: f1, Parent: f2}),
	},
	{
		Name:  "B into A after A into B [28]",
		Given: foldered.and(folder(f2, f1, 3, nameB)),
		When:  mailbox.MoveFolder{Folder: f1, Parent: f2},
		Err:   refused(mailbox.Cycle),
	},
	{
		Name:  "a folder into itself [28]",
		Given: foldered,
		When:  mailbox.MoveFolder{Folder: f1, Parent: f1},
		Err:   refused(mailbox.Cycle),
	},
	{
		Name:  "a folder to where it is",
		Given: foldered,
		When:  mailbox.MoveFolder{Folder: f1},
	},
	{
		Name:  "a folder beside one of its name",
		Given: foldered.and(folder(f2, f1, 3, nameA)),
		When:  mailbox.MoveFolder{Folder: f2},
		Err:   refused(mailbox.NameTaken),
	},
	{
		Name:  "a folder into SENT",
		Given: foldered,
		When:  mailbox.MoveFolder{Folder: f1, Parent: mailbox.Sent},
		Err:   refused(mailbox.FolderNotAllowed),
	},
	{
		Name:  "a folder that is there, at its version",
		Given: foldered,
		When:  mailbox.CheckFolder{Folder: f1, Version: 1},
	},
	{
		Name:  "a folder that is there, at another version",
		Given: foldered,
		When:  mailbox.CheckFolder{Folder: f1, Version: 2},
		Err:   stale(1),
	},
	{
		Name:  "delete a folder",
		Given: foldered,
		When:  mailbox.DeleteFolder{Folder: f1, Platform: "app"},
		Then:  then(folderDeleted(f1, 2)),
	},
	{
		Name:  "delete a folder with a message [26]",
		Given: inF1,
		When:  mailbox.DeleteFolder{Folder: f1, Platform: "app"},
		Err:   refused(mailbox.FolderNotEmpty),
	},
	{
		Name:  "delete a folder with a folder",
		Given: foldered.and(folder(f2, f1, 3, nameB)),
		When:  mailbox.DeleteFolder{Folder: f1},
		Err:   refused(mailbox.FolderNotEmpty),
	},
	{
		Name:  "delete a folder that is not there",
		Given: foldered,
		When:  mailbox.DeleteFolder{Folder: f3},
		Err:   refused(mailbox.FolderNotFound),
	},
	{
		Name:  "delete a folder that looks empty here",
		Given: private,
		When:  mailbox.DeleteFolder{Folder: f1, Platform: "app"},
		Then:  then(folderDeleted(f1, 2)),
	},
	{
		Name:  "but not where its private post is shown",
		Given: private,
		When:  mailbox.DeleteFolder{Folder: f1, Platform: "eboks"},
		Err:   refused(mailbox.FolderNotEmpty),
	},
}

// What lies in a folder that is deleted moves in the counts, also where its messages are not loaded.
func TestDeletedFolderMovesCounts(t *testing.T) {
	whole := domain.Fold(mailbox.Decider, private.and(deliveredOn("eboks", m2, 3))...)
	part := partOf(whole, domain.Parts{Folders: []domain.FolderID{f1}, Counts: true})

	e := mailbox.FolderDeleted{Folder: f1, Leaf: 2}
	whole = mailbox.Decider.Evolve(whole, e, domain.Moment{Position: 9})
	part = mailbox.Decider.Evolve(part, e, domain.Moment{Position: 9})

	want := map[mailbox.Place]mailbox.Count{
		{Folder: mailbox.Inbox, Audience: "eboks"}: {Total: 2, Unread: 2},
	}
	if got := whole.Held(); !maps.Equal(got, want) {
		t.Errorf("counts of the whole = %+v, want %+v", got, want)
	}

	if got := part.Held(); !maps.Equal(got, want) {
		t.Errorf("counts where no message is loaded = %+v, want %+v", got, want)
	}
}

var folderJudgements = []domaintest.Judgement{
	{Name: "a name", Got: mailbox.JudgeName("Skat 2026")},
	{Name: "a name of 256 characters", Got: mailbox.JudgeName(strings.Repeat("å", mailbox.MaxName))},
	{
		Name: "a longer name",
		Got:  mailbox.JudgeName(strings.Repeat("å", mailbox.MaxName+1)),
		Want: mailbox.NameNotAllowed,
	},
	{Name: "no name", Got: mailbox.JudgeName(""), Want: mailbox.NameNotAllowed},
	{Name: "a name of two lines", Got: mailbox.JudgeName("a\nb"), Want: mailbox.NameNotAllowed},
	{Name: "a name with a delete character", Got: mailbox.JudgeName("a\x7f"), Want: mailbox.NameNotAllowed},
	{Name: "a name that is not UTF-8", Got: mailbox.JudgeName("\xff"), Want: mailbox.NameNotAllowed},
}
