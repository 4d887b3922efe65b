package mailbox

import (
	"strings"
	"unicode/utf8"

	"digitalpost/domain"
	"digitalpost/domain/access"
)

// Reasons to refuse what is about drafts.
const (
	NotADraft          domain.Reason = "message.not.draft"
	TooManyDrafts      domain.Reason = "draft.too.many"
	TooManyParts       domain.Reason = "draft.parts.too.many"
	ConsentMissing     domain.Reason = "platform.consent.missing"
	LabelNotAllowed    domain.Reason = "draft.label.not.allowed"
	DocumentNotAllowed domain.Reason = "draft.document.not.allowed"
	FileNotAllowed     domain.Reason = "draft.file.not.allowed"
	TooManyDocuments   domain.Reason = "draft.documents.too.many"
	DraftTooLarge      domain.Reason = "draft.too.large"
	PartNotNext        domain.Reason = "file.part.not.next"
)

// Bounds of what is not sent yet.
const (
	MaxDrafts       = 100        // of one author in one mailbox, those in DELETED too
	MaxParts        = 200        // uploaded pieces of one draft
	MaxDocuments    = 31         // of a draft: what any contact point takes, and more
	MaxFiles        = 10         // of one document
	MaxDraftContent = 24 << 10   // bytes of all its words, encoded
	MaxDraftBytes   = 74_625_000 // of its files: as base64 they fill a MeMo
	MaxLabel        = 256        // characters of a label, and of a file's name and format
)

const authorPrefix = "author:"

// AuthorOnly gives the audience of a draft: whoever writes it, on every platform, and nobody else.
func AuthorOnly(author domain.UUID) string { return authorPrefix + author.String() }

// ForAuthor reports whether an audience is a draft's author, and not a platform.
func ForAuthor(audience string) bool { return strings.HasPrefix(audience, authorPrefix) }

// A Part is a piece of a draft's file, kept on its own until the draft is sent.
type Part struct {
	Document   domain.DocumentID `cbor:"1,keyasint" json:"document"`
	Length     int64             `cbor:"2,keyasint" json:"length"`
	SealedHash []byte            `cbor:"3,keyasint" json:"sealedHash"`
	Key        domain.Sealed     `cbor:"4,keyasint" json:"key"`
}

// A Draft is what the rules know of a message that is not sent yet.
type Draft struct {
	Content domain.Sealed `cbor:"1,keyasint"` // the MeMo in the making
	Parts   []Part        `cbor:"2,keyasint,omitempty"`
}

// Bytes counts what the draft's parts hold.
func (d Draft) Bytes() (n int64) {
	for _, p := range d.Parts {
		n += p.Length
	}

	return n
}

// draftEvents are the zero values of this file's event types.
var draftEvents = []Event{DraftSaved{}}

// DraftSaved records a draft (kladde) as its author left it. The first one begins the message.
type DraftSaved struct {
	Message domain.MessageID    `cbor:"1,keyasint" json:"message"`
	Leaf    uint32              `cbor:"2,keyasint" json:"leaf"`
	Author  domain.UUID         `cbor:"3,keyasint" json:"author"`
	Content domain.Sealed       `cbor:"4,keyasint" json:"content"`
	Parts   []Part              `cbor:"5,keyasint,omitempty" json:"parts,omitempty"`
	Dropped []domain.DocumentID `cbor:"6,keyasint,omitempty" json:"dropped,omitempty"` // parts of before that are gone
}

// EventType is the stored name.
func (DraftSaved) EventType() string { return "mailbox.draft-saved" }

// Effect keeps the parts, frees those that are gone, and tells the author alone.
func (e DraftSaved) Effect() domain.Effect {
	out := movedMessage(e.Message, domain.Change{Folder: Drafts, Audience: AuthorOnly(e.Author)})
	out.Begins = e.Leaf
	out.Frees.Documents = e.Dropped

	for _, p := range e.Parts {
		out.Keeps = append(out.Keeps, domain.Document{
			ID: p.Document, Length: p.Length, Hash: p.SealedHash, Of: e.Message,
		})
	}

	return out
}

func (e DraftSaved) evolve(s *State, at domain.Moment) {
	if m := s.Message(e.Message); m.Stage == 0 {
		s.take(e.Leaf)
		m = Message{Stage: Here, Folder: Drafts, Leaf: e.Leaf, Audience: AuthorOnly(e.Author), Own: true}
		m.Read = true
		m.Shown.Arrival, m.Shown.Received = at.Position, at.Recorded
		s.put(e.Message, m)
	}

	s.change(e.Message, at, true, func(m *Message) { m.Draft = &Draft{Content: e.Content, Parts: e.Parts} })
}

// SaveDraft begins a draft or changes one. What is new takes the next leaf.
type SaveDraft struct {
	Target
	New    bool
	Author domain.UUID
	// Write gives the draft, sealed under its leaf, from what it was before; nil for what is new.
	Write func(leaf uint32, before *Draft) (Draft, error)
}

func (c SaveDraft) needs() domain.Parts {
	needs := c.Target.needs()
	needs.Counts = c.New

	return needs
}

func (SaveDraft) leave(*State) Leave { return Leave{Actions: []access.Action{access.Write}} }

func (c SaveDraft) decide(s *State) ([]Event, error) {
	e := DraftSaved{Message: c.Message, Author: c.Author}
	var before *Draft

	if c.New {
		if err := c.mayBegin(s); err != nil {
			return nil, err
		}
		e.Leaf = s.NextLeaf
	} else {
		m, err := c.find(s)
		switch {
		case err != nil:
			return nil, err
		case m.Draft == nil:
			return nil, domain.Refuse(NotADraft)
		}
		before, e.Leaf = m.Draft, m.Leaf
	}

	after, err := c.Write(e.Leaf, before)
	if err != nil {
		return nil, err
	}

	if len(after.Parts) > MaxParts {
		return nil, domain.Refuse(TooManyParts)
	}

	e.Content, e.Parts = after.Content, after.Parts
	if before != nil {
		e.Dropped = dropped(before.Parts, after.Parts)
	}

	return []Event{e}, nil
}

func (c SaveDraft) mayBegin(s *State) error {
	audience := AuthorOnly(c.Author)
	switch {
	case s.Owner == "":
		return domain.Refuse(NotOpen)
	case c.Lens.NoPublic:
		return domain.Refuse(ConsentMissing)
	case s.Message(c.Message).Stage != 0:
		return domain.Refuse(AlreadyReceived)
	case s.count(Place{Drafts, audience}).Total+s.count(Place{Deleted, audience}).Total >= MaxDrafts:
		return domain.Refuse(TooManyDrafts)
	}

	return nil
}

// dropped gives the documents of parts that are not among those kept.
func dropped(before, kept []Part) (out []domain.DocumentID) {
	still := map[domain.DocumentID]bool{}
	for _, p := range kept {
		still[p.Document] = true
	}

	for _, p := range before {
		if !still[p.Document] {
			out = append(out, p.Document)
		}
	}

	return out
}

// isText reports whether a text fits a MeMo's text of a length, and holds nothing that XML can't.
func isText(s string, most int) bool {
	control := func(r rune) bool { return r < 0x20 || r == 0x7f || r == 0xFFFE || r == 0xFFFF }
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= most && !strings.ContainsFunc(s, control)
}

// JudgeLabel refuses a label of over MaxLabel characters, or with control characters.
func JudgeLabel(s string) error {
	if !isText(s, MaxLabel) {
		return domain.Refuse(LabelNotAllowed)
	}

	return nil
}

// JudgeDocument refuses a document's label likewise.
func JudgeDocument(label string) error {
	if !isText(label, MaxLabel) {
		return domain.Refuse(DocumentNotAllowed)
	}

	return nil
}

// JudgeFile refuses what is said of a file: a name or a format that is empty or too long, a language that is not two
// letters. A nil one is not said.
func JudgeFile(format, name, language *string) error {
	for _, s := range []*string{format, name, language} {
		if s != nil && (*s == "" || !isText(*s, MaxLabel)) {
			return domain.Refuse(FileNotAllowed)
		}
	}

	if language != nil {
		letters := strings.Trim(*language, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
		if len(*language) != 2 || !letters {
			return domain.Refuse(FileNotAllowed)
		}
	}

	return nil
}

// A Piece is a piece of a file's content as facts.
type Piece struct {
	From, Length int64
	Total        int64 // that the file is to have; -1: no more than this piece
	Size         int64 // that the file has so far
	Others       int64 // bytes of the draft's other parts
}

// Judge refuses a piece that does not begin where the last one ended, that goes beyond the file's end, or beyond what a
// draft may hold.
func (p Piece) Judge() error {
	switch {
	case p.From != p.Size, p.Total >= 0 && p.From+p.Length > p.Total:
		return domain.Refuse(PartNotNext)
	case p.Others+p.Length > MaxDraftBytes:
		return domain.Refuse(DraftTooLarge)
	}

	return nil
}
