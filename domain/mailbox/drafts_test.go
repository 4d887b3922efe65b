package mailbox_test

import (
	"strings"

	"digitalpost/domain"
	"digitalpost/domain/domaintest"
	"digitalpost/domain/mailbox"
)

// Two who write.
var author, other = domain.UUID{5}, domain.UUID{6}

// written is what an author is shown in the app.
func written(by domain.UUID) mailbox.Lens {
	return mailbox.Lens{Private: "app", Author: mailbox.AuthorOnly(by)}
}

var (
	mine   = mailbox.Target{Message: m1, Lens: written(author)}
	theirs = mailbox.Target{Message: m1, Lens: written(other)}

	d1, d2 = domain.DocumentID{1}, domain.DocumentID{2}
	part1  = mailbox.Part{Document: d1, Length: 5}
	part2  = mailbox.Part{Document: d2, Length: 6}

	begun = mailbox.DraftSaved{Message: m1, Leaf: 1, Author: author, Content: domain.Sealed{1}}
	saved = mailbox.DraftSaved{
		Message: m1, Leaf: 1, Author: author, Content: domain.Sealed{2}, Parts: []mailbox.Part{part1, part2},
	}
	draft    = open.and(begun)
	uploaded = draft.and(saved)

	thrownAway = mailbox.MessageTrashed{
		Message: m1, From: mailbox.Drafts, Platform: mailbox.AuthorOnly(author),
	}
)

// writing gives a draft's content and parts as they are then, whatever they were.
func writing(content domain.Sealed, parts ...mailbox.Part) func(uint32, *mailbox.Draft) (mailbox.Draft, error) {
	return func(uint32, *mailbox.Draft) (mailbox.Draft, error) {
		return mailbox.Draft{Content: content, Parts: parts}, nil
	}
}

// resealing seals what a draft was before and the leaf, so that both are seen.
func resealing(leaf uint32, before *mailbox.Draft) (mailbox.Draft, error) {
	if before == nil {
		return mailbox.Draft{Content: sealed("new", leaf)}, nil
	}

	return mailbox.Draft{Content: sealed(string(before.Content), leaf), Parts: before.Parts}, nil
}

// beginning begins a draft.
func beginning(t mailbox.Target, by domain.UUID, content ...byte) mailbox.SaveDraft {
	return mailbox.SaveDraft{Target: t, New: true, Author: by, Write: writing(content)}
}

// manyDrafts is a mailbox in which an author has as many drafts as they may.
var manyDrafts = func() history {
	h := open
	for i := range mailbox.MaxDrafts {
		h = append(h, mailbox.DraftSaved{Message: domain.MessageID{9, byte(i)}, Leaf: uint32(i + 1), Author: author})
	}

	return h
}()

var draftRules = []scenario{
	{Name: "a draft begins", Given: open, When: beginning(mine, author, 1), Then: then(begun)},
	{
		Name:  "a draft takes the next leaf",
		Given: open.and(delivered(m2, 1)),
		When:  mailbox.SaveDraft{Target: mine, New: true, Author: author, Write: resealing},
		Then:  then(mailbox.DraftSaved{Message: m1, Leaf: 2, Author: author, Content: sealed("new", 2)}),
	},
	{
		Name:  "a draft keeps its leaf, and is written out of what it was",
		Given: draft.and(delivered(m2, 2)),
		When:  mailbox.SaveDraft{Target: mine, Author: author, Write: resealing},
		Then:  then(mailbox.DraftSaved{Message: m1, Leaf: 1, Author: author, Content: sealed("\x01", 1)}),
	},
	{Name: "a draft in no mailbox", When: beginning(mine, author), Err: refused(mailbox.NotOpen)},
	{
		Name:  "a draft where public post is not shown",
		Given: open,
		When:  beginning(mailbox.Target{Message: m1, Lens: mailbox.Lens{NoPublic: true}}, author),
		Err:   refused(mailbox.ConsentMissing),
	},
	{
		Name:  "a draft that is there",
		Given: draft,
		When:  beginning(mine, author),
		Err:   refused(mailbox.AlreadyReceived),
	},
	{
		Name:  "one author's drafts are limited",
		Given: manyDrafts,
		When:  beginning(mine, author),
		Err:   refused(mailbox.TooManyDrafts),
	},
	{
		Name: "those in DELETED count too",
		Given: manyDrafts.and(mailbox.MessageTrashed{
			Message: domain.MessageID{9}, From: mailbox.Drafts, Platform: mailbox.AuthorOnly(author),
		}),
		When: beginning(mine, author),
		Err:  refused(mailbox.TooManyDrafts),
	},
	{
		Name:  "another author has room",
		Given: manyDrafts,
		When:  mailbox.SaveDraft{Target: mine, New: true, Author: other, Write: writing(nil)},
		Then:  then(mailbox.DraftSaved{Message: m1, Leaf: mailbox.MaxDrafts + 1, Author: other}),
	},
	{
		Name:  "a draft's parts are limited",
		Given: draft,
		When: mailbox.SaveDraft{
			Target: mine, Author: author, Write: writing(nil, make([]mailbox.Part, mailbox.MaxParts+1)...),
		},
		Err: refused(mailbox.TooManyParts),
	},
	{
		Name:  "a part is dropped",
		Given: uploaded,
		When:  mailbox.SaveDraft{Target: mine, Author: author, Write: writing(domain.Sealed{3}, part2)},
		Then: then(mailbox.DraftSaved{
			Message: m1, Leaf: 1, Author: author, Content: domain.Sealed{3},
			Parts: []mailbox.Part{part2}, Dropped: []domain.DocumentID{d1},
		}),
	},
	{
		Name:  "a draft is its author's alone",
		Given: draft,
		When:  mailbox.SaveDraft{Target: theirs, Author: other, Write: writing(nil)},
		Err:   refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "a draft is not there where public post is not shown",
		Given: draft,
		When: mailbox.MarkRead{Target: mailbox.Target{
			Message: m1, Lens: mailbox.Lens{NoPublic: true, Author: mailbox.AuthorOnly(author)},
		}},
		Err: refused(mailbox.NoSuchMessage),
	},
	{
		Name:  "a stale draft",
		Given: uploaded,
		When: mailbox.SaveDraft{
			Target: mailbox.Target{Message: m1, Lens: mine.Lens, Version: 1}, Author: author, Write: writing(nil),
		},
		Err: stale(2),
	},
	{
		Name:  "what was received is no draft",
		Given: here,
		When:  mailbox.SaveDraft{Target: mine, Author: author, Write: writing(nil)},
		Err:   refused(mailbox.NotADraft),
	},
	{
		Name:  "a delegate who may only read begins no draft",
		Given: helped,
		When:  beginning(mailbox.Target{Message: m2, Lens: written(other)}, other),
		Order: by(as(helper)),
		Err:   refused(mailbox.AccessLimited),
	},
	{
		Name:  "a draft goes nowhere but to DELETED",
		Given: draft,
		When:  mailbox.Move{Target: mine, To: mailbox.Inbox},
		Err:   refused(mailbox.FolderNotAllowed),
	},
	{
		Name:  "what was received goes not to DRAFTS",
		Given: here,
		When:  mailbox.Move{Target: mine, To: mailbox.Drafts},
		Err:   refused(mailbox.FolderNotAllowed),
	},
	{
		Name:  "what was received goes not to SENT",
		Given: here,
		When:  mailbox.Move{Target: mine, To: mailbox.Sent},
		Err:   refused(mailbox.FolderNotAllowed),
	},
	{
		Name:  "a draft is thrown away",
		Given: draft,
		When:  mailbox.Delete{Target: mine},
		Then:  then(thrownAway),
	},
	{
		Name:  "a draft is taken out of DELETED",
		Given: draft.and(thrownAway),
		When:  mailbox.Restore{Target: mine},
		Then: then(mailbox.MessageRestored{
			Message: m1, To: mailbox.Drafts, Platform: mailbox.AuthorOnly(author),
		}),
	},
	{
		Name:  "a draft is purged, its parts with it",
		Given: uploaded.and(thrownAway),
		When:  mailbox.Delete{Target: mine},
		Then: then(mailbox.MessagePurged{
			Message: m1, Leaf: 1, From: mailbox.Deleted, Platform: mailbox.AuthorOnly(author), Own: true,
			Documents: []domain.DocumentID{d1, d2},
		}),
	},
	{
		Name:  "a delegate purges a draft of their own",
		Given: uploaded.and(thrownAway, mayWrite),
		When:  mailbox.Delete{Target: mine},
		Order: by(as(helper)),
		Then: then(mailbox.MessagePurged{
			Message: m1, Leaf: 1, From: mailbox.Deleted, Platform: mailbox.AuthorOnly(author), Own: true,
			Documents: []domain.DocumentID{d1, d2},
		}),
	},
}

// ptr is what is said.
func ptr(s string) *string { return &s }

var longest, longer = strings.Repeat("å", mailbox.MaxLabel), strings.Repeat("å", mailbox.MaxLabel+1)

var draftJudgements = []domaintest.Judgement{
	{Name: "no label", Got: mailbox.JudgeLabel("")},
	{Name: "a label of 256 characters", Got: mailbox.JudgeLabel(longest)},
	{Name: "a longer label", Got: mailbox.JudgeLabel(longer), Want: mailbox.LabelNotAllowed},
	{Name: "a label of two lines", Got: mailbox.JudgeLabel("a\nb"), Want: mailbox.LabelNotAllowed},
	{Name: "a label that XML can't hold", Got: mailbox.JudgeLabel("\uFFFE"), Want: mailbox.LabelNotAllowed},
	{Name: "a label that is not UTF-8", Got: mailbox.JudgeLabel("\xff"), Want: mailbox.LabelNotAllowed},

	{Name: "a document's label of 256 characters", Got: mailbox.JudgeDocument(longest)},
	{Name: "a document's longer label", Got: mailbox.JudgeDocument(longer), Want: mailbox.DocumentNotAllowed},
	{Name: "a document's label of two lines", Got: mailbox.JudgeDocument("a\r"), Want: mailbox.DocumentNotAllowed},

	{Name: "nothing is said of a file", Got: mailbox.JudgeFile(nil, nil, nil)},
	{Name: "all is said of a file", Got: mailbox.JudgeFile(ptr("pdf"), ptr("a.pdf"), ptr("da"))},
	{Name: "a file with no format", Got: mailbox.JudgeFile(ptr(""), nil, nil), Want: mailbox.FileNotAllowed},
	{Name: "a file with no name", Got: mailbox.JudgeFile(nil, ptr(""), nil), Want: mailbox.FileNotAllowed},
	{Name: "a file with a longer name", Got: mailbox.JudgeFile(nil, ptr(longer), nil), Want: mailbox.FileNotAllowed},
	{Name: "a language of three letters", Got: mailbox.JudgeFile(nil, nil, ptr("dan")), Want: mailbox.FileNotAllowed},
	{Name: "a language beyond z", Got: mailbox.JudgeFile(nil, nil, ptr("å")), Want: mailbox.FileNotAllowed},
	{Name: "a language of a digit", Got: mailbox.JudgeFile(nil, nil, ptr("d1")), Want: mailbox.FileNotAllowed},

	{Name: "the first piece", Got: mailbox.Piece{Length: 5, Total: 10}.Judge()},
	{Name: "the last piece", Got: mailbox.Piece{From: 5, Size: 5, Length: 5, Total: 10}.Judge()},
	{Name: "the only piece", Got: mailbox.Piece{Length: 5, Total: -1}.Judge()},
	{
		Name: "a piece after a gap",
		Got:  mailbox.Piece{From: 6, Size: 5, Length: 4, Total: 10}.Judge(),
		Want: mailbox.PartNotNext,
	},
	{
		Name: "a piece that is there already",
		Got:  mailbox.Piece{From: 0, Size: 5, Length: 5, Total: 10}.Judge(),
		Want: mailbox.PartNotNext,
	},
	{
		Name: "a piece beyond the file's end",
		Got:  mailbox.Piece{From: 5, Size: 5, Length: 6, Total: 10}.Judge(),
		Want: mailbox.PartNotNext,
	},
	{
		Name: "a piece that fills the draft",
		Got:  mailbox.Piece{Length: 5, Total: -1, Others: mailbox.MaxDraftBytes - 5}.Judge(),
	},
	{
		Name: "a piece beyond what a draft may hold",
		Got:  mailbox.Piece{Length: 5, Total: -1, Others: mailbox.MaxDraftBytes - 4}.Judge(),
		Want: mailbox.DraftTooLarge,
	},
}
