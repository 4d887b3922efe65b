package viewapi

import (
	"net/http"
	"strings"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore"
)

// registerDrafts adds what people write: drafts, their documents and files, sending, answering and forwarding.
// Documents and files of a draft stand at the draft's version.
func (a *api) registerDrafts(route routes) {
	const one, list = true, false
	const message = "/{box}/messages/{message}"
	const document = message + "/documents/{document}"
	route("POST", "/{box}/messages", list, a.beginDraft)
	route("PUT", message, one, a.changeDraft)
	route("POST", message+"/send", one, a.send)
	route("PUT", message+"/send", one, a.send)
	route("POST", message+"/reply", one, a.reply)
	route("POST", message+"/forward", one, a.forward)
	route("POST", message+"/documents", one, a.addDocument)
	route("PUT", document, one, a.changeDocument)
	route("DELETE", document, one, a.dropPart)
	route("POST", document+"/files", one, a.addFile)
	route("PUT", document+"/files/{file}", one, a.changeFile)
	route("DELETE", document+"/files/{file}", one, a.dropPart)
	route("PUT", document+"/files/{file}/content", one, a.putContent)
}

// draftWords reads label and recipient of a draft.
func draftWords(r request) (w backbone.DraftWords, err error) {
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
	w.To = &backbone.Addressee{CVR: to.ID}
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

func (a *api) beginDraft(w http.ResponseWriter, r request) error {
	ask, err := a.ask(r)
	if err != nil {
		return err
	}
	words, err := draftWords(r)
	if err != nil {
		return err
	}
	m, at, err := a.b.BeginDraft(r.Context(), ask, words)
	return a.written(w, http.StatusCreated, m, at, err)
}

// written answers a write with the message as it is then.
func (a *api) written(w http.ResponseWriter, status int, m backbone.Message, at eventstore.Position, err error) error {
	if err != nil {
		return err
	}
	a.position(w, at)
	etag(w, m.Row.State.Version)
	problem.JSON(w, status, messageOf(m))
	return nil
}

func (a *api) changeDraft(w http.ResponseWriter, r request) error {
	ask, id, err := a.askFor(r, "message")
	if err != nil {
		return err
	}
	words, err := draftWords(r)
	if err != nil {
		return err
	}
	m, at, err := a.b.ChangeDraft(r.Context(), ask, id, words)
	return a.written(w, http.StatusOK, m, at, err)
}

func (a *api) send(w http.ResponseWriter, r request) error {
	ask, id, err := a.askFor(r, "message")
	if err != nil {
		return err
	}
	m, at, err := a.b.Send(r.Context(), ask, id)
	return a.written(w, http.StatusOK, m, at, err)
}

// reply begins the draft of an answer.
func (a *api) reply(w http.ResponseWriter, r request) error {
	ask, id, err := a.askFor(r, "message")
	if err != nil {
		return err
	}
	m, at, err := a.b.Reply(r.Context(), ask, id)
	return a.written(w, http.StatusOK, m, at, err)
}

func (a *api) forward(w http.ResponseWriter, r request) error {
	ask, id, err := a.askFor(r, "message")
	if err != nil {
		return err
	}
	to, err := readOnward(r)
	if err != nil {
		return err
	}
	m, at, err := a.b.Forward(r.Context(), ask, id, to)
	return a.written(w, http.StatusOK, m, at, err)
}

// readOnward reads where a message is forwarded to, and with what.
func readOnward(r request) (to backbone.Onward, err error) {
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
func (a *api) draftPart(r request) (ask backbone.Ask, p backbone.Part, err error) {
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
func (a *api) showPart(w http.ResponseWriter, status int, m backbone.Message, at eventstore.Position,
	p backbone.Part) error {
	a.position(w, at)
	etag(w, m.Row.State.Version)
	for i, d := range m.Memo.Documents() {
		path := documentPath(d, i)
		if backbone.PartID(m.ID, path) != p.Document {
			continue
		}
		for j, f := range d.All("File") {
			if backbone.PartID(m.ID, filePath(path, f, j)) == p.File {
				problem.JSON(w, status, mapperOf(m).file(f, filePath(path, f, j)))
				return nil
			}
		}
		problem.JSON(w, status, mapperOf(m).document(d, i))
		return nil
	}
	return backbone.ErrNotFound
}

func (a *api) addDocument(w http.ResponseWriter, r request) error {
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
	d := backbone.DraftDocument{Main: kind == "MAIN", Label: label}
	m, document, at, err := a.b.AddDocument(r.Context(), ask, p.Message, d)
	if err != nil {
		return err
	}
	p.Document = document
	return a.showPart(w, http.StatusCreated, m, at, p)
}

func (a *api) changeDocument(w http.ResponseWriter, r request) error {
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
	m, at, err := a.b.ChangeDocument(r.Context(), ask, p, backbone.DraftDocument{Label: label})
	if err != nil {
		return err
	}
	return a.showPart(w, http.StatusOK, m, at, p)
}

// dropPart takes a file out of a draft, or a document with its files.
func (a *api) dropPart(w http.ResponseWriter, r request) error {
	ask, p, err := a.draftPart(r)
	if err != nil {
		return err
	}
	at, err := a.b.DropPart(r.Context(), ask, p)
	if err == nil {
		a.position(w, at)
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func draftFile(r request) (f backbone.DraftFile, err error) {
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

func (a *api) addFile(w http.ResponseWriter, r request) error {
	ask, p, err := a.draftPart(r)
	if err != nil {
		return err
	}
	f, err := draftFile(r)
	if err != nil {
		return err
	}
	for name, v := range map[string]*string{"encodingFormat": f.Format, "filename": f.Name, "language": f.Language} {
		if v == nil {
			return problem.BadField(name, "field.missing", "is required")
		}
	}
	m, file, at, err := a.b.AddFile(r.Context(), ask, p, f)
	if err != nil {
		return err
	}
	p.File = file
	return a.showPart(w, http.StatusCreated, m, at, p)
}

func (a *api) changeFile(w http.ResponseWriter, r request) error {
	ask, p, err := a.draftPart(r)
	if err != nil {
		return err
	}
	f, err := draftFile(r)
	if err != nil {
		return err
	}
	m, at, err := a.b.ChangeFile(r.Context(), ask, p, f)
	if err != nil {
		return err
	}
	return a.showPart(w, http.StatusOK, m, at, p)
}
