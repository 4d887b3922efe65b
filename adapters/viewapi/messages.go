package viewapi

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

type rawJSON = json.RawMessage

// missing makes a folder that the path names, and that is not there, a 404; in a body it is a rule's no.
func missing(err error) error {
	if reason, ok := domain.Refused(err); ok && reason == mailbox.FolderNotFound {
		return backbone.ErrNotFound
	}
	return err
}

func (a *api) find(r request) (backbone.Message, error) {
	id, err := pathID(r, "message")
	if err != nil {
		return backbone.Message{}, err
	}
	return a.b.Message(r.Context(), r.p, r.box, id)
}

func (a *api) show(w http.ResponseWriter, m backbone.Message) {
	etag(w, m.Row.State.Version)
	problem.JSON(w, http.StatusOK, messageOf(m))
}

func (a *api) message(w http.ResponseWriter, r request) error {
	m, err := a.find(r)
	if err == nil {
		a.show(w, m)
	}
	return err
}

func (a *api) patch(w http.ResponseWriter, r request) error {
	ask, id, err := a.askFor(r, "message")
	if err != nil {
		return err
	}
	in, err := fields(r, "read", "folderId", "flag", "note")
	if err != nil {
		return err
	}
	p, err := readPatch(r, in)
	if err != nil {
		return err
	}
	m, at, err := a.b.Patch(r.Context(), ask, id, p)
	if err != nil {
		return err
	}
	a.position(w, at)
	a.show(w, m)
	return nil
}

func readPatch(r request, in map[string]rawJSON) (p backbone.Patch, err error) {
	if p.Read, err = field[bool](in, "read", "must be true or false"); err != nil {
		return p, err
	}
	if p.Flag, err = field[bool](in, "flag", "must be true or false"); err != nil {
		return p, err
	}
	if p.Note, err = field[string](in, "note", "must be a text"); err != nil {
		return p, err
	}
	if p.Folder, err = idField(in, "folderId", r.box); err != nil {
		return p, err
	}
	return p, nil
}

const maxBulk = 1000

// patchAll changes many messages: 200, with a status for each.
func (a *api) patchAll(w http.ResponseWriter, r request) error {
	for _, name := range []string{"Idempotency-Key", "If-Match"} {
		if r.Header.Get(name) != "" {
			return problem.BadField(name, "header.not.valid",
				"is not for many changes at once: each may have the version that it is for")
		}
	}
	ask, err := a.ask(r)
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, 4<<20+1))
	if err != nil {
		return err
	}
	var body struct {
		Messages []map[string]rawJSON `json:"messages"`
	}
	readable := len(raw) <= 4<<20 && json.Unmarshal(raw, &body) == nil
	if !readable || len(body.Messages) == 0 || len(body.Messages) > maxBulk {
		return problem.BadField("messages", "body.not.valid",
			"must be a list of 1 to 1,000 objects with id, in at most 4 MiB")
	}
	items := make([]backbone.BulkItem, len(body.Messages))
	for i, in := range body.Messages {
		if items[i], err = bulkItem(r, in); err != nil {
			e := problem.Of(err)
			name := fmt.Sprintf("messages[%d].%s", i, e.Fields[0].Field)
			return problem.BadField(name, e.Code, e.Fields[0].Message)
		}
	}
	at, err := a.b.PatchAll(r.Context(), ask, items)
	if err != nil {
		return err
	}
	shown := make([]BulkStatus, len(items))
	for i, x := range items {
		shown[i] = bulkStatusOf(x)
	}
	a.position(w, at)
	problem.JSON(w, http.StatusOK, BulkResult{shown})
	return nil
}

func bulkItem(r request, in map[string]rawJSON) (x backbone.BulkItem, err error) {
	for f := range in {
		if !slices.Contains([]string{"id", "version", "read", "folderId", "flag", "note"}, f) {
			return x, problem.BadField(clip(f), "field.not.allowed",
				"can't be set here: only id, version, read, folderId, flag and note can")
		}
	}
	id, given, err := idOf(in, "id")
	if err != nil || !given {
		return x, problem.BadField("id", "field.not.valid", "must be a message's id")
	}
	x.Message = id
	v, err := field[uint32](in, "version", "must be a version, from 1")
	if err != nil {
		return x, err
	}
	if v != nil {
		x.Version = *v
	}
	x.Patch, err = readPatch(r, in)
	return x, err
}

func (a *api) delete(w http.ResponseWriter, r request) error {
	ask, id, err := a.askFor(r, "message")
	if err != nil {
		return err
	}
	at, err := a.b.Delete(r.Context(), ask, id)
	if err != nil {
		return err
	}
	a.position(w, at)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *api) restore(w http.ResponseWriter, r request) error {
	ask, id, err := a.askFor(r, "message")
	if err != nil {
		return err
	}
	m, at, err := a.b.Restore(r.Context(), ask, id)
	if err != nil {
		return err
	}
	a.position(w, at)
	a.show(w, m)
	return nil
}

func (a *api) documents(w http.ResponseWriter, r request) error {
	m, err := a.find(r)
	if err == nil {
		problem.JSON(w, http.StatusOK, DocumentListResult{mapperOf(m).documents(m)})
	}
	return err
}

// findDocument finds a document of a message by the ids that its JSON shows.
func (a *api) findDocument(r request) (backbone.Message, *memo.Node, int, error) {
	m, err := a.find(r)
	if err != nil {
		return m, nil, 0, err
	}
	id, err := pathID(r, "document")
	if err != nil {
		return m, nil, 0, err
	}
	for i, d := range m.Memo.Documents() {
		if backbone.PartID(m.ID, documentPath(d, i)) == domain.UUID(id) {
			return m, d, i, nil
		}
	}
	return m, nil, 0, backbone.ErrNotFound
}

// findFile finds a file, and the path of its id.
func (a *api) findFile(r request) (backbone.Message, string, *memo.Node, error) {
	m, d, i, err := a.findDocument(r)
	if err != nil {
		return m, "", nil, err
	}
	id, err := pathID(r, "file")
	if err != nil {
		return m, "", nil, err
	}
	for j, f := range d.All("File") {
		path := filePath(documentPath(d, i), f, j)
		if backbone.PartID(m.ID, path) == domain.UUID(id) {
			return m, path, f, nil
		}
	}
	return m, "", nil, backbone.ErrNotFound
}

func (a *api) document(w http.ResponseWriter, r request) error {
	m, d, i, err := a.findDocument(r)
	if err == nil {
		problem.JSON(w, http.StatusOK, mapperOf(m).document(d, i))
	}
	return err
}

func (a *api) files(w http.ResponseWriter, r request) error {
	m, d, i, err := a.findDocument(r)
	if err == nil {
		problem.JSON(w, http.StatusOK, FileListResult{mapperOf(m).document(d, i).Files})
	}
	return err
}

func (a *api) file(w http.ResponseWriter, r request) error {
	m, path, f, err := a.findFile(r)
	if err == nil {
		problem.JSON(w, http.StatusOK, mapperOf(m).file(f, path))
	}
	return err
}

// unread answers whether unread post lies in the owner's mailbox, and since when. Without ownerId it is one's own.
func (a *api) unread(w http.ResponseWriter, r request) error {
	r.box = r.p.Identity
	q := r.URL.Query()
	if s := q.Get("ownerId"); s != "" {
		kind := mailbox.Citizen
		if strings.EqualFold(q.Get("ownerIdType"), "CVR") {
			kind = mailbox.Company
		}
		id, ok, err := a.b.Find(kind, s)
		if err != nil {
			return err
		}
		if !ok || id != r.p.Identity {
			return backbone.ErrForbidden
		}
	}
	no := false
	trash, _, err := a.b.Messages(r.Context(), r.p, r.box, backbone.Filter{Read: &no, Folder: mailbox.Deleted})
	if err != nil {
		return err
	}
	// the oldest; one of them lies outside DELETED, if any does
	all, _, err := a.b.Messages(r.Context(), r.p, r.box, backbone.Filter{Read: &no, Limit: len(trash) + 1})
	if err != nil {
		return err
	}
	out := Unread{MailboxID: r.box}
	for _, m := range all {
		if m.Row.State.Folder != mailbox.Deleted {
			out.UnreadRegularMessagesExist, out.FromDate = true, stamp(m.Row.Received)
			break
		}
	}
	problem.JSON(w, http.StatusOK, out)
	return nil
}

// senders counts the mailbox's post by sender.
func (a *api) senders(w http.ResponseWriter, r request) error {
	all, err := a.b.Senders(r.Context(), r.p, r.box)
	if err != nil {
		return err
	}
	shown := []SenderInformation{}
	for _, s := range all {
		shown = append(shown, senderOf(s))
	}
	problem.JSON(w, http.StatusOK, SenderInformationResult{shown})
	return nil
}
