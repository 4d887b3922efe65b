package viewapi

import (
	"net/http"
	"strings"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/drafts"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/backbone/sending"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// draftHandlers serve what people write: drafts, their documents and files, sending, answering and forwarding.
// Documents and files of a draft stand at the draft's version.
type draftHandlers struct{ *api }

func (a draftHandlers) register(r routes) {
	const message = "mailboxes/{box}/messages/{message}"
	const document = message + "/documents/{document}"

	r.list("POST", "mailboxes/{box}/messages", a.beginDraft)
	r.one("PUT", message, a.changeDraft)
	r.one("POST", message+"/send", a.send)
	r.one("PUT", message+"/send", a.send)
	r.one("POST", message+"/reply", a.reply)
	r.one("POST", message+"/forward", a.forward)
	r.one("POST", message+"/documents", a.addDocument)
	r.one("PUT", document, a.changeDocument)
	r.one("DELETE", document, a.dropPart)
	r.one("POST", document+"/files", a.addFile)
	r.one("PUT", document+"/files/{file}", a.changeFile)
	r.one("DELETE", document+"/files/{file}", a.dropPart)
	r.one("PUT", document+"/files/{file}/content", a.putContent)
}

// draftWords reads label and recipient of a draft.
func draftWords(r request) (w drafts.Words, err error) {
	in, err := fields(r, "label", "recipient", "folderId")
	if err != nil {
		return w, err
	}

	if folder, err := idField(in, "folderId", r.box); err != nil {
		return w, err
	} else if folder != nil && *folder != mailbox.Drafts {
		return w, problem.BadField("folderId", "field.not.valid",
			"can only be DRAFTS: a draft lies nowhere else")
	}

	if w.Label, err = field[string](in, "label", "must be a text"); err != nil {
		return w, err
	}

	const rule = "must be {recipientId, recipientIdType CVR, contactPoint {contactPointId}}: " +
		"an authority, a contact point, or both"
	to, err := field[struct {
		ID    string `json:"recipientId"`
		Type  string `json:"recipientIdType"`
		Point struct {
			ID string `json:"contactPointId"`
		} `json:"contactPoint"`
	}](in, "recipient", rule)
	if err != nil || to == nil {
		return w, err
	}

	w.To = &drafts.Addressee{CVR: to.ID}
	if to.Type != "" && !strings.EqualFold(to.Type, "CVR") || to.ID == "" && to.Point.ID == "" {
		return w, problem.BadField("recipient", "field.not.valid", rule)
	}

	if to.Point.ID != "" {
		if w.To.Point, err = domain.ParseUUID(to.Point.ID); err != nil {
			return w, problem.BadField("recipient.contactPoint.contactPointId", "field.not.valid",
				"must be a contact point's id, a UUID")
		}
	}

	return w, nil
}

func (a draftHandlers) beginDraft(w http.ResponseWriter, r request) error {
	ask, err := a.ask(r)
	if err != nil {
		return err
	}
	words, err := draftWords(r)
	if err != nil {
		return err
	}
	m, at, err := a.b.Drafts.Begin(r.Context(), ask, words)
	return a.written(w, http.StatusCreated, m, at, err)
}

// written answers a write with the message as it is then.
func (a draftHandlers) written(
	w http.ResponseWriter, status int, m messages.Message, at eventstore.Position, err error,
) error {
	if err != nil {
		return err
	}
	a.position(w, at)
	problem.Versioned(w, status, m.Row.Version, messageOf(m))
	return nil
}

func (a draftHandlers) changeDraft(w http.ResponseWriter, r request) error {
	ask, id, err := a.askFor(r, "message")
	if err != nil {
		return err
	}
	words, err := draftWords(r)
	if err != nil {
		return err
	}
	m, at, err := a.b.Drafts.Change(r.Context(), ask, id, words)
	return a.written(w, http.StatusOK, m, at, err)
}

func (a draftHandlers) send(w http.ResponseWriter, r request) error {
	ask, id, err := a.askFor(r, "message")
	if err != nil {
		return err
	}
	m, at, err := a.b.Sending.Send(r.Context(), ask, id)
	return a.written(w, http.StatusOK, m, at, err)
}

// reply begins the draft of an answer.
func (a draftHandlers) reply(w http.ResponseWriter, r request) error {
	ask, id, err := a.askFor(r, "message")
	if err != nil {
		return err
	}
	m, at, err := a.b.Drafts.Reply(r.Context(), ask, id)
	return a.written(w, http.StatusOK, m, at, err)
}

func (a draftHandlers) forward(w http.ResponseWriter, r request) error {
	ask, id, err := a.askFor(r, "message")
	if err != nil {
		return err
	}
	to, err := readOnward(r)
	if err != nil {
		return err
	}
	m, at, err := a.b.Sending.Forward(r.Context(), ask, id, to)
	return a.written(w, http.StatusOK, m, at, err)
}

// readOnward reads where a message is forwarded to, and with what.
func readOnward(r request) (to sending.Onward, err error) {
	in, err := fields(r, "recipientId", "recipientIdType", "contactPointId", "comment", "senderLabel",
		"recipientLabel", "confirmed")
	if err != nil {
		return to, err
	}

	for name, into := range map[string]*string{
		"recipientId": &to.Recipient, "recipientIdType": &to.Kind, "comment": &to.Comment,
		"senderLabel": &to.From, "recipientLabel": &to.To,
	} {
		if *into, err = textField(in, name, "must be a text"); err != nil {
			return to, err
		}
	}

	if to.Recipient == "" || to.Kind == "" {
		return to, problem.BadField("recipientId", "field.missing",
			"and recipientIdType (CPR, CVR or EMAIL) are required")
	}

	to.Kind = strings.ToUpper(to.Kind)
	if to.Point, _, err = idOf(in, "contactPointId"); err != nil {
		return to, err
	}

	confirmed, err := field[bool](in, "confirmed", "must be true or false")
	to.Confirmed = confirmed != nil && *confirmed
	return to, err
}

// draftPart reads who asks, the draft, and the document and file of it that the path names. Whether they are there is
// for the draft to say: what a repeat is about may be gone.
func (a draftHandlers) draftPart(r request) (ask core.Ask, p content.Part, err error) {
	ask, id, err := a.askFor(r, "message")
	p.Message = id
	for name, into := range map[string]*domain.UUID{"document": &p.Document, "file": &p.File} {
		if err == nil && r.PathValue(name) != "" {
			*into, err = pathID(r, name)
		}
	}
	return ask, p, err
}

// showPart answers a write with a document, or a file of it, as it is then.
func (a draftHandlers) showPart(
	w http.ResponseWriter, status int, m messages.Message, at eventstore.Position, p content.Part,
) error {
	a.position(w, at)
	for i, d := range m.Memo.Documents() {
		path := documentPath(d, i)
		if content.PartID(m.ID, path) != p.Document {
			continue
		}

		for j, f := range d.All("File") {
			if content.PartID(m.ID, filePath(path, f, j)) == p.File {
				problem.Versioned(w, status, m.Row.Version, mapperOf(m).file(f, filePath(path, f, j)))
				return nil
			}
		}

		problem.Versioned(w, status, m.Row.Version, mapperOf(m).document(d, i))
		return nil
	}

	return core.ErrNotFound
}

func (a draftHandlers) addDocument(w http.ResponseWriter, r request) error {
	ask, p, err := a.draftPart(r)
	if err != nil {
		return err
	}
	in, err := fields(r, "documentType", "label")
	if err != nil {
		return err
	}
	kind, err := textField(in, "documentType", "must be MAIN or ADDITIONAL")
	if err != nil || kind != "MAIN" && kind != "ADDITIONAL" {
		return problem.BadField("documentType", "field.not.valid", "must be MAIN or ADDITIONAL")
	}
	label, err := field[string](in, "label", "must be a text")
	if err != nil {
		return err
	}
	d := drafts.Document{Main: kind == "MAIN", Label: label}
	added, err := a.b.Drafts.AddDocument(r.Context(), ask, p.Message, d)
	if err != nil {
		return err
	}
	p.Document = added.Part

	return a.showPart(w, http.StatusCreated, added.Message, added.Position, p)
}

func (a draftHandlers) changeDocument(w http.ResponseWriter, r request) error {
	ask, p, err := a.draftPart(r)
	if err != nil {
		return err
	}

	in, err := fields(r, "label")
	if err != nil {
		return err
	}

	label, err := field[string](in, "label", "must be a text")
	if err != nil {
		return err
	}

	m, at, err := a.b.Drafts.ChangeDocument(r.Context(), ask, p, drafts.Document{Label: label})
	if err != nil {
		return err
	}

	return a.showPart(w, http.StatusOK, m, at, p)
}

// dropPart takes a file out of a draft, or a document with its files.
func (a draftHandlers) dropPart(w http.ResponseWriter, r request) error {
	ask, p, err := a.draftPart(r)
	if err != nil {
		return err
	}
	at, err := a.b.Drafts.Drop(r.Context(), ask, p)
	if err == nil {
		a.position(w, at)
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func draftFile(r request) (f drafts.File, err error) {
	in, err := fields(r, "encodingFormat", "filename", "language")
	if err != nil {
		return f, err
	}
	for name, into := range map[string]**string{
		"encodingFormat": &f.Format, "filename": &f.Name, "language": &f.Language,
	} {
		if *into, err = field[string](in, name, "must be a text"); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (a draftHandlers) addFile(w http.ResponseWriter, r request) error {
	ask, p, err := a.draftPart(r)
	if err != nil {
		return err
	}
	f, err := draftFile(r)
	if err != nil {
		return err
	}
	for _, given := range []struct {
		name  string
		value *string
	}{{"encodingFormat", f.Format}, {"filename", f.Name}, {"language", f.Language}} {
		if given.value == nil {
			return problem.BadField(given.name, "field.missing", "is required")
		}
	}
	added, err := a.b.Drafts.AddFile(r.Context(), ask, p, f)
	if err != nil {
		return err
	}
	p.File = added.Part

	return a.showPart(w, http.StatusCreated, added.Message, added.Position, p)
}

func (a draftHandlers) changeFile(w http.ResponseWriter, r request) error {
	ask, p, err := a.draftPart(r)
	if err != nil {
		return err
	}
	f, err := draftFile(r)
	if err != nil {
		return err
	}
	m, at, err := a.b.Drafts.ChangeFile(r.Context(), ask, p, f)
	if err != nil {
		return err
	}
	return a.showPart(w, http.StatusOK, m, at, p)
}
