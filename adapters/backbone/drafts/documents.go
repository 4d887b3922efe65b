package drafts

import (
	"context"
	"slices"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// A Document is what an author says of a document; nil fields stay.
type Document struct {
	Main  bool // the main document; else an additional one. It can't be changed
	Label *string
}

func (d Document) name() string {
	if d.Main {
		return "MainDocument"
	}

	return "AdditionalDocument"
}

func (d Document) apply(n *memo.Node) error {
	if d.Label == nil {
		return nil
	}

	if err := mailbox.JudgeDocument(*d.Label); err != nil {
		return err
	}
	n.Set("label", memo.Text("label", *d.Label))

	return nil
}

// An Added is what came of adding a document or a file.
type Added struct {
	Message  messages.Message
	Part     domain.UUID
	Position eventstore.Position
}

// AddDocument adds a document without files to a draft.
func (d *Drafts) AddDocument(ctx context.Context, ask core.Ask, id domain.MessageID, x Document) (Added, error) {
	key := ""
	out, err := d.edit(ctx, ask, id, x, func(draft *content.Draft, _ vault.Key) error {
		n := &memo.Node{Name: x.name()}
		body := draft.Body()
		if x.Main && body.Child(n.Name) != nil || len(body.Children) >= mailbox.MaxDocuments {
			return domain.Refuse(mailbox.TooManyDocuments)
		}
		key = draft.Name(n, "draft/")
		body.Children = append(body.Children, n)

		return x.apply(n)
	})

	if out.repeat && err == nil {
		key = content.Newest(out.Memo.Root.Child("MessageBody").Children)
	}

	return Added{out.Message, content.PartID(id, key), out.position}, err
}

// documentChange is the request to change a document.
type documentChange struct {
	Part  content.Part
	Label *string
}

// ChangeDocument changes a document of a draft.
func (d *Drafts) ChangeDocument(
	ctx context.Context, ask core.Ask, p content.Part, x Document,
) (messages.Message, eventstore.Position, error) {
	asked := documentChange{p, x.Label}
	out, err := d.edit(ctx, ask, p.Message, asked, func(draft *content.Draft, _ vault.Key) error {
		n, _, err := draft.Find(p)
		if err != nil {
			return err
		}

		return x.apply(n)
	})

	return out.Message, out.position, err
}

// drop is the request to take a document or a file out.
type drop struct{ Part content.Part }

// Drop takes a file out of a draft, or a document with its files.
func (d *Drafts) Drop(ctx context.Context, ask core.Ask, p content.Part) (eventstore.Position, error) {
	take := func(draft *content.Draft, _ vault.Key) error {
		doc, file, err := draft.Find(p)
		if err != nil {
			return err
		}

		from, gone, files := draft.Body(), doc, doc.All("File")
		if file != nil {
			from, gone, files = doc, file, []*memo.Node{file}
		}

		for _, f := range files {
			draft.DropFile(f.Key)
		}
		from.Children = slices.DeleteFunc(from.Children, func(x *memo.Node) bool { return x == gone })

		return nil
	}
	out, err := d.edit(ctx, ask, p.Message, drop{p}, take)

	return out.position, err
}

// A File is what an author says of a file; nil fields stay.
type File struct{ Format, Name, Language *string }

func (f File) apply(n *memo.Node) error {
	if err := mailbox.JudgeFile(f.Format, f.Name, f.Language); err != nil {
		return err
	}

	for _, x := range []struct {
		element string
		value   *string
	}{{"encodingFormat", f.Format}, {"filename", f.Name}, {"language", f.Language}} {
		if x.value != nil {
			n.Set(x.element, memo.Text(x.element, *x.value))
		}
	}

	if v := memo.JudgeFilename(n.Get("filename")); v != "" {
		return domain.Refuse(domain.Reason(v))
	}

	return nil
}

// fileChange is the request to add a file to a document, or to change one.
type fileChange struct {
	Part content.Part
	File File
}

// AddFile adds a file without content to a document of a draft.
func (d *Drafts) AddFile(ctx context.Context, ask core.Ask, p content.Part, f File) (Added, error) {
	key := ""
	add := func(draft *content.Draft, _ vault.Key) error {
		doc, _, err := draft.Find(p)
		if err != nil {
			return err
		}

		if len(doc.All("File")) >= mailbox.MaxFiles {
			return domain.Refuse(mailbox.TooManyDocuments)
		}

		n := &memo.Node{Name: "File", Children: []*memo.Node{{Name: "content", File: &memo.Extent{}}}}
		key = draft.Name(n, doc.Key+"/file/")
		doc.Children = append(doc.Children, n)

		return f.apply(n)
	}
	out, err := d.edit(ctx, ask, p.Message, fileChange{p, f}, add)

	if out.repeat && err == nil {
		for _, doc := range out.Memo.Documents() {
			if content.PartID(p.Message, doc.Key) == p.Document {
				key = content.Newest(doc.All("File"))
			}
		}
	}

	return Added{out.Message, content.PartID(p.Message, key), out.position}, err
}

// ChangeFile changes what is said of a file.
func (d *Drafts) ChangeFile(
	ctx context.Context, ask core.Ask, p content.Part, f File,
) (messages.Message, eventstore.Position, error) {
	change := func(draft *content.Draft, _ vault.Key) error {
		_, n, err := draft.Find(p)
		if err != nil {
			return err
		}

		return f.apply(n)
	}
	out, err := d.edit(ctx, ask, p.Message, fileChange{p, f}, change)

	return out.Message, out.position, err
}
