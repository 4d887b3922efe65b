package backbone

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
	"digitalpost/projections"
)

// Reasons of drafts, whose words are judged before they are sealed.
const (
	LabelNotAllowed    domain.Reason = "draft.label.not.allowed"
	DocumentNotAllowed domain.Reason = "draft.document.not.allowed"
	FileNotAllowed     domain.Reason = "draft.file.not.allowed"
	TooManyDocuments   domain.Reason = "draft.documents.too.many"
	DraftTooLarge      domain.Reason = "draft.too.large"
	PartNotNext        domain.Reason = "file.part.not.next"
	NoSuchRecipient    domain.Reason = "draft.recipient.not.found"
	ReplyElsewhere     domain.Reason = "draft.recipient.of.reply"
)

// Bounds of a draft.
const (
	maxDraftDocuments = 31                     // what any contact point takes, and more
	maxDraftFiles     = 10                     // of one document
	maxDraftContent   = 24 << 10               // bytes of all its words, encoded
	maxDraftBytes     = memo.MaxLength / 4 * 3 // of its files: as base64 they fill a MeMo
)

// A draftContent is a draft as its author left it: a MeMo in the making, and where its files' pieces are.
type draftContent struct {
	Memo    memo.Message                   `cbor:"1,keyasint"`
	Next    int                            `cbor:"2,keyasint"` // names the next document or file
	Files   map[string][]domain.DocumentID `cbor:"3,keyasint"` // pieces of each file, in order
	Total   map[string]int64               `cbor:"4,keyasint"` // bytes that a file is to have, where that was said
	Answers domain.MessageID               `cbor:"5,keyasint"` // the message that it answers
	ReplyBy string                         `cbor:"6,keyasint"` // the date that its sender asked for
}

func openDraft(k vault.Key, d mailbox.Draft) (*draftContent, error) {
	raw, err := k.Open(mailbox.DraftSaved{}.EventType(), "content", d.Content)
	if err != nil {
		return nil, err
	}
	c := &draftContent{}
	return c, cbor.Unmarshal(raw, c)
}

func (c *draftContent) seal(k vault.Key) (domain.Sealed, error) {
	raw, err := cbor.Marshal(c)
	if err != nil {
		return nil, err
	}
	if len(raw) > maxDraftContent {
		return nil, domain.Refuse(DraftTooLarge)
	}
	return k.Seal(mailbox.DraftSaved{}.EventType(), "content", raw), nil
}

func (c *draftContent) body() *memo.Node   { return c.Memo.Root.Child("MessageBody") }
func (c *draftContent) header() *memo.Node { return c.Memo.Root.Child("MessageHeader") }

// PartID gives the id of a part of a message: it follows from the message and the part's place, or, of a draft, from the name that it has there for good.
func PartID(m domain.MessageID, path string) domain.UUID {
	return domain.UUID(domain.DeriveID("part", m[:], []byte(path)))
}

// A Part names a document of a draft, and a file of it; the zero one for none.
type Part struct {
	Message        domain.MessageID
	Document, File domain.UUID
}

func (p Part) String() string { return p.Document.String() + "/" + p.File.String() }

// find finds one of the draft's documents; a file of it, if one is named.
func (c *draftContent) find(p Part) (d, f *memo.Node, err error) {
	for _, d := range c.body().Children {
		if d.Key == "" || PartID(p.Message, d.Key) != p.Document {
			continue
		}
		if p.File == (domain.UUID{}) {
			return d, nil, nil
		}
		for _, f := range d.All("File") {
			if PartID(p.Message, f.Key) == p.File {
				return d, f, nil
			}
		}
	}
	return nil, nil, ErrNotFound
}

// name gives a new document or file its name. No part of a message that was sent has such a one.
func (c *draftContent) name(n *memo.Node, prefix string) string {
	n.Key = prefix + strconv.Itoa(c.Next)
	c.Next++
	return n.Key
}

// bytesOf counts what the draft's parts hold.
func bytesOf(parts []mailbox.Part) (n int64) {
	for _, p := range parts {
		n += p.Length
	}
	return n
}

// DraftWords is what an author changes of a draft; nil fields stay.
type DraftWords struct {
	Label *string
	To    *Addressee
}

// An Addressee is the authority, and the contact point, that a draft is for. The organisation may be left out where the point is named.
type Addressee struct {
	CVR   string
	Point domain.UUID
}

func (d DraftWords) String() string {
	to := "-"
	if d.To != nil {
		to = d.To.CVR + " " + d.To.Point.String()
	}
	return words(d.Label) + " " + to
}

// apply writes the words into the MeMo in the making.
func (d DraftWords) apply(c *draftContent, all *ContactDirectory) error {
	h := c.header()
	if d.Label != nil {
		if !isText(*d.Label, 256) {
			return domain.Refuse(LabelNotAllowed)
		}
		h.Set("label", memo.Text("label", strings.TrimSpace(*d.Label)))
	}
	if d.To == nil {
		return nil
	}
	to := *d.To
	var point *memo.Node
	if to.Point != (domain.UUID{}) {
		p, ok := all.Point(to.Point)
		if !ok {
			return domain.Refuse(organisation.NoSuchPoint)
		}
		o, ok := all.Organisation(p.Organisation)
		if !ok || to.CVR != "" && to.CVR != o.CVR {
			return domain.Refuse(organisation.NoSuchPoint)
		}
		to.CVR = o.CVR
		point = memo.Group("ContactPoint", memo.Text("contactPointID", to.Point.String()), memo.Text("label", p.Point.Name))
		if len(p.Point.Groups) > 0 {
			if g, ok := all.Group(p.Point.Groups[0]); ok {
				point.Set("contactGroup", memo.Text("contactGroup", g.Group.Name))
			}
		}
	}
	o, ok := all.OfCVR(to.CVR)
	if !ok || o.Kind != organisation.Authority {
		return domain.Refuse(NoSuchRecipient)
	}
	if before := h.Child("Recipient"); c.Answers != (domain.MessageID{}) && before != nil && before.Get("recipientID") != o.CVR {
		return domain.Refuse(ReplyElsewhere) // its thread is for who wrote it
	}
	h.Set("Recipient", memo.Group("Recipient", memo.Text("recipientID", o.CVR), memo.Text("idType", "CVR"), memo.Text("label", clipText(o.Name, 256)), point))
	return nil
}

// isText tells whether a text fits a MeMo's text of a length, and holds nothing that XML can't.
func isText(s string, most int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f || r == 0xFFFE || r == 0xFFFF })
}

func clipText(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most])
	}
	return s
}

// BeginDraft begins a draft in a mailbox. Its author alone sees it, on every platform.
func (b *Backbone) BeginDraft(ctx context.Context, a Ask, w DraftWords) (Message, eventstore.Position, error) {
	return b.beginDraft(ctx, a, "draft "+w.String(), func(c *draftContent) error {
		all, err := b.Contacts()
		if err != nil {
			return err
		}
		return w.apply(c, all)
	})
}

// draftID gives the id of a new draft; where the caller gave a key it follows from that.
func (b *Backbone) draftID(a Ask) domain.MessageID {
	if a.Key == "" {
		return b.newID()
	}
	who := identityOf(a.Principal)
	return domain.DeriveID("draft", a.Mailbox[:], who[:], []byte(a.Platform), []byte(a.Key))
}

func (b *Backbone) beginDraft(ctx context.Context, a Ask, what string, fill func(*draftContent) error) (Message, eventstore.Position, error) {
	id := b.draftID(a)
	first, at, err := b.run(ctx, &a, access.Write, id, domain.FolderID{}, what, func(s mailbox.State) (mailbox.Command, []access.Action, error) {
		c, err := b.newDraft(a)
		if err == nil {
			err = fill(c)
		}
		if err != nil {
			return nil, nil, err
		}
		cmd := mailbox.SaveDraft{Target: a.target(id), New: true, Leaf: s.NextLeaf, Author: domain.UUID(identityOf(a.Principal))}
		k, err := b.vault.Key(vault.Owner(a.Mailbox), cmd.Leaf)
		if err != nil {
			return nil, nil, err
		}
		cmd.Content, err = c.seal(k)
		return cmd, nil, err
	})
	if err != nil {
		return Message{}, 0, err
	}
	return b.after(ctx, a, id, first, at)
}

// newDraft is a MeMo with nothing in it but its sender.
func (b *Backbone) newDraft(a Ask) (*draftContent, error) {
	sender, err := b.senderOf(a)
	if err != nil {
		return nil, err
	}
	header := memo.Group("MessageHeader", memo.Text("messageType", "DIGITALPOST"), memo.Text("messageUUID", newUUID().String()), sender)
	return &draftContent{Memo: memo.Message{Version: memo.V12, Root: &memo.Node{Name: "Message", Children: []*memo.Node{header, {Name: "MessageBody"}}}},
		Files: map[string][]domain.DocumentID{}, Total: map[string]int64{}}, nil
}

// newUUID is a random UUID, version 4.
func newUUID() (id domain.UUID) {
	rand.Read(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

// NewUUID makes a random id for what a caller creates.
func (b *Backbone) NewUUID() domain.UUID { return newUUID() }

// senderOf makes the MeMo's Sender: the mailbox's owner, and a delegate as its representative, so that the receiver sees who helped.
func (b *Backbone) senderOf(a Ask) (*memo.Node, error) {
	s, err := b.snapshot(projections.Mailboxes{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	person := func(id domain.MailboxID) (Person, error) {
		row, ok, err := s.Mailbox(id)
		if err == nil && !ok {
			err = ErrNotFound
		}
		if err != nil {
			return Person{}, err
		}
		return b.Owner(id, row)
	}
	owner, err := person(a.Mailbox)
	if err != nil {
		return nil, err
	}
	out := memo.Group("Sender", memo.Text("senderID", owner.Number), memo.Text("idType", idTypeOf(owner)), memo.Text("label", clipText(owner.Name, 256)))
	if a.by.right.Delegated() {
		helper, err := person(a.Identity)
		if err != nil {
			return nil, err
		}
		out.Set("Representative", memo.Group("Representative", memo.Text("representativeID", helper.Number), memo.Text("idType", idTypeOf(helper)), memo.Text("label", clipText(helper.Name, 256))))
	}
	return out, nil
}

func idTypeOf(p Person) string {
	if p.Kind == mailbox.Company {
		return "CVR"
	}
	return "CPR"
}

// editDraft changes a draft. What edit does may be asked for again, on what the draft has become. A position other than 0 says that the change is in the log, whatever the
// error.
func (b *Backbone) editDraft(ctx context.Context, a Ask, id domain.MessageID, what string, edit func(c *draftContent, parts *[]mailbox.Part, k vault.Key) error) (Message, eventstore.Position, error) {
	m, _, at, err := b.editedDraft(ctx, a, id, what, edit)
	return m, at, err
}

// editedDraft is editDraft, and tells whether it is the repeat of a command that was run before.
func (b *Backbone) editedDraft(ctx context.Context, a Ask, id domain.MessageID, what string, edit func(c *draftContent, parts *[]mailbox.Part, k vault.Key) error) (m Message, repeat bool, at eventstore.Position, err error) {
	first, at, err := b.run(ctx, &a, access.Write, id, domain.FolderID{}, what, func(s mailbox.State) (mailbox.Command, []access.Action, error) {
		cmd := mailbox.SaveDraft{Target: a.target(id), Author: domain.UUID(identityOf(a.Principal))}
		m := s.Messages[id]
		if m.Draft == nil || m.Platform != cmd.Target.Author {
			return cmd, nil, nil // the rule says why not
		}
		k, err := b.vault.Key(vault.Owner(a.Mailbox), m.Leaf)
		if err != nil {
			return nil, nil, err
		}
		c, err := openDraft(k, *m.Draft)
		if err != nil {
			return nil, nil, err
		}
		cmd.Parts = slices.Clone(m.Draft.Parts)
		if err := edit(c, &cmd.Parts, k); err != nil {
			return nil, nil, err
		}
		cmd.Content, err = c.seal(k)
		return cmd, nil, err
	})
	if err != nil {
		return Message{}, false, 0, err
	}
	b.cfg.Fail("draft saved")
	m, _, err = b.after(ctx, a, id, first, at)
	return m, first != nil, at, err
}

// ChangeDraft changes a draft's words.
func (b *Backbone) ChangeDraft(ctx context.Context, a Ask, id domain.MessageID, w DraftWords) (Message, eventstore.Position, error) {
	return b.editDraft(ctx, a, id, "draft "+w.String(), func(c *draftContent, _ *[]mailbox.Part, _ vault.Key) error {
		all, err := b.Contacts()
		if err != nil {
			return err
		}
		return w.apply(c, all)
	})
}

// A DraftDocument is what an author says of a document; nil fields stay.
type DraftDocument struct {
	Main  bool // the main document; else an additional one. It can't be changed
	Label *string
}

var documentNames = map[bool]string{true: "MainDocument", false: "AdditionalDocument"}

// AddDocument adds a document without files to a draft, and gives its id.
func (b *Backbone) AddDocument(ctx context.Context, a Ask, id domain.MessageID, d DraftDocument) (m Message, part domain.UUID, at eventstore.Position, err error) {
	key := ""
	m, repeat, at, err := b.editedDraft(ctx, a, id, fmt.Sprint("add document ", d.Main, words(d.Label)), func(c *draftContent, _ *[]mailbox.Part, _ vault.Key) error {
		n := &memo.Node{Name: documentNames[d.Main]}
		if d.Main && c.body().Child(n.Name) != nil || len(c.body().Children) >= maxDraftDocuments {
			return domain.Refuse(TooManyDocuments)
		}
		key = c.name(n, "draft/")
		c.body().Children = append(c.body().Children, n)
		return labelDocument(n, d.Label)
	})
	if repeat && err == nil {
		key = newest(m.Memo.Root.Child("MessageBody").Children)
	}
	return m, PartID(id, key), at, err
}

// newest gives the name of the document or file that was named last: of a repeat, whose answer shows the draft as it was then.
func newest(nodes []*memo.Node) (key string) {
	last := -1
	for _, n := range nodes {
		if i, err := strconv.Atoi(n.Key[strings.LastIndexByte(n.Key, '/')+1:]); err == nil && i > last {
			key, last = n.Key, i
		}
	}
	return key
}

func labelDocument(n *memo.Node, label *string) error {
	if label == nil {
		return nil
	}
	if !isText(*label, 256) {
		return domain.Refuse(DocumentNotAllowed)
	}
	n.Set("label", memo.Text("label", *label))
	return nil
}

// ChangeDocument changes a document of a draft.
func (b *Backbone) ChangeDocument(ctx context.Context, a Ask, p Part, d DraftDocument) (Message, eventstore.Position, error) {
	return b.editDraft(ctx, a, p.Message, "change "+p.String()+words(d.Label), func(c *draftContent, _ *[]mailbox.Part, _ vault.Key) error {
		n, _, err := c.find(p)
		if err != nil {
			return err
		}
		return labelDocument(n, d.Label)
	})
}

// DropPart takes a file out of a draft, or a document with its files.
func (b *Backbone) DropPart(ctx context.Context, a Ask, p Part) (eventstore.Position, error) {
	_, at, err := b.editDraft(ctx, a, p.Message, "drop "+p.String(), func(c *draftContent, parts *[]mailbox.Part, _ vault.Key) error {
		d, f, err := c.find(p)
		if err != nil {
			return err
		}
		from, gone, files := c.body(), d, d.All("File")
		if f != nil {
			from, gone, files = d, f, []*memo.Node{f}
		}
		for _, f := range files {
			c.dropParts(f.Key, parts)
		}
		from.Children = slices.DeleteFunc(from.Children, func(x *memo.Node) bool { return x == gone })
		return nil
	})
	return at, err
}

// dropParts takes the pieces of a file away.
func (c *draftContent) dropParts(file string, parts *[]mailbox.Part) {
	*parts = slices.DeleteFunc(*parts, func(p mailbox.Part) bool { return slices.Contains(c.Files[file], p.Document) })
	delete(c.Files, file)
	delete(c.Total, file)
}

// A DraftFile is what an author says of a file; nil fields stay.
type DraftFile struct {
	Format, Name, Language *string
}

func (f DraftFile) String() string { return words(f.Format) + words(f.Name) + words(f.Language) }

func (f DraftFile) apply(n *memo.Node) error {
	for name, v := range map[string]*string{"encodingFormat": f.Format, "filename": f.Name, "language": f.Language} {
		if v == nil {
			continue
		}
		if *v == "" || !isText(*v, 256) || name == "language" && (len(*v) != 2 || strings.Trim(*v, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
			return domain.Refuse(FileNotAllowed)
		}
		n.Set(name, memo.Text(name, *v))
	}
	if v := memo.JudgeFilename(n.Get("filename")); v != "" {
		return domain.Refuse(domain.Reason(v))
	}
	return nil
}

// AddFile adds a file without content to a document of a draft, and gives its id.
func (b *Backbone) AddFile(ctx context.Context, a Ask, p Part, f DraftFile) (m Message, part domain.UUID, at eventstore.Position, err error) {
	key := ""
	m, repeat, at, err := b.editedDraft(ctx, a, p.Message, "add file "+p.String()+" "+f.String(), func(c *draftContent, _ *[]mailbox.Part, _ vault.Key) error {
		d, _, err := c.find(p)
		if err != nil {
			return err
		}
		if len(d.All("File")) >= maxDraftFiles {
			return domain.Refuse(TooManyDocuments)
		}
		n := &memo.Node{Name: "File", Children: []*memo.Node{{Name: "content", File: &memo.Extent{}}}}
		key = c.name(n, d.Key+"/file/")
		d.Children = append(d.Children, n)
		return f.apply(n)
	})
	if repeat && err == nil {
		for _, d := range m.Memo.Documents() {
			if PartID(p.Message, d.Key) == p.Document {
				key = newest(d.All("File"))
			}
		}
	}
	return m, PartID(p.Message, key), at, err
}

// ChangeFile changes what is said of a file.
func (b *Backbone) ChangeFile(ctx context.Context, a Ask, p Part, f DraftFile) (Message, eventstore.Position, error) {
	return b.editDraft(ctx, a, p.Message, "change "+p.String()+" "+f.String(), func(c *draftContent, _ *[]mailbox.Part, _ vault.Key) error {
		_, n, err := c.find(p)
		if err != nil {
			return err
		}
		return f.apply(n)
	})
}
