package content

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

// A Draft is a draft as its author left it: a MeMo in the making, and where its files' pieces are.
type Draft struct {
	Memo    memo.Message                   `cbor:"1,keyasint"`
	Next    int                            `cbor:"2,keyasint"` // names the next document or file
	Files   map[string][]domain.DocumentID `cbor:"3,keyasint"` // pieces of each file, in order
	Total   map[string]int64               `cbor:"4,keyasint"` // bytes that a file is to have, where that was said
	Answers domain.MessageID               `cbor:"5,keyasint"` // the message that it answers
	ReplyBy string                         `cbor:"6,keyasint"` // the date that its sender asked for

	Parts []mailbox.Part `cbor:"-"` // all pieces; they stand in the event in the open
}

// NewDraft is a MeMo with nothing in it but its sender.
func NewDraft(sender *memo.Node) *Draft {
	header := memo.Group("MessageHeader", memo.Text("messageType", "DIGITALPOST"),
		memo.Text("messageUUID", core.NewUUID().String()), sender)
	root := &memo.Node{Name: "Message", Children: []*memo.Node{header, {Name: "MessageBody"}}}

	return &Draft{
		Memo:  memo.Message{Version: memo.V12, Root: root},
		Files: map[string][]domain.DocumentID{}, Total: map[string]int64{},
	}
}

// Seal seals it. One of more than mailbox.MaxDraftContent bytes is refused.
func (d *Draft) Seal(k vault.Key) (domain.Sealed, error) {
	raw, err := cbor.Marshal(d)
	if err != nil {
		return nil, err
	}

	if len(raw) > mailbox.MaxDraftContent {
		return nil, domain.Refuse(mailbox.DraftTooLarge)
	}

	return k.Seal(mailbox.DraftSaved{}.EventType(), "content", raw), nil
}

// Body gives the MeMo's body, Header its header.
func (d *Draft) Body() *memo.Node { return d.Memo.Root.Child("MessageBody") }

// Header gives the MeMo's header.
func (d *Draft) Header() *memo.Node { return d.Memo.Root.Child("MessageHeader") }

// A Part names a document of a draft, and a file of it; the zero one for none.
type Part struct {
	Message        domain.MessageID
	Document, File domain.UUID
}

// Find finds one of the draft's documents; a file of it, if one is named. core.ErrNotFound if it is not there.
func (d *Draft) Find(p Part) (document, file *memo.Node, err error) {
	for _, doc := range d.Body().Children {
		if doc.Key == "" || PartID(p.Message, doc.Key) != p.Document {
			continue
		}

		if p.File == (domain.UUID{}) {
			return doc, nil, nil
		}

		for _, f := range doc.All("File") {
			if PartID(p.Message, f.Key) == p.File {
				return doc, f, nil
			}
		}
	}

	return nil, nil, core.ErrNotFound
}

// Name gives a new document or file its name. No part of a message that was sent has such a one.
func (d *Draft) Name(n *memo.Node, prefix string) string {
	n.Key = prefix + strconv.Itoa(d.Next)
	d.Next++

	return n.Key
}

// Newest gives the name of the document or file that was named last: of a repeat, whose answer shows the draft as it
// was then.
func Newest(nodes []*memo.Node) (key string) {
	last := -1
	for _, n := range nodes {
		if i, err := strconv.Atoi(n.Key[strings.LastIndexByte(n.Key, '/')+1:]); err == nil && i > last {
			key, last = n.Key, i
		}
	}

	return key
}

// DropFile takes the pieces of a file away.
func (d *Draft) DropFile(file string) {
	d.Parts = slices.DeleteFunc(d.Parts, func(p mailbox.Part) bool {
		return slices.Contains(d.Files[file], p.Document)
	})
	delete(d.Files, file)
	delete(d.Total, file)
}

// Contents gives what the draft holds, as facts.
func (d *Draft) Contents() mailbox.Contents {
	h := d.Header()
	out := mailbox.Contents{
		Label: h.Get("label") != "", Recipient: h.Child("Recipient") != nil,
		Partial: len(d.Total) > 0, Main: d.Body().Child("MainDocument") != nil,
	}

	for _, doc := range d.Body().Children {
		files := mailbox.Files{}
		for _, f := range doc.All("File") {
			files.Count++
			files.Unnamed = files.Unnamed ||
				f.Get("filename") == "" || f.Get("encodingFormat") == "" || f.Get("language") == ""
		}
		out.Documents = append(out.Documents, files)
	}

	return out
}

// Late reports whether an answer comes after the date that its sender had asked for. It is taken all the same.
func (d *Draft) Late(now time.Time) bool {
	by, err := time.Parse(time.RFC3339, d.ReplyBy)
	return err == nil && now.After(by)
}

// FileKeys names the content elements of the draft's files.
func (d *Draft) FileKeys() map[*memo.Node]string {
	out := map[*memo.Node]string{}
	for _, doc := range d.Body().Children {
		for _, f := range doc.All("File") {
			out[f.Child("content")] = f.Key
		}
	}

	return out
}
