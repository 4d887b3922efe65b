package viewapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

// messageHandlers serve messages, lists of them, and what is in them.
type messageHandlers struct{ *api }

func (a messageHandlers) register(r routes) {
	const message = "mailboxes/{box}/messages/{message}"
	const document = message + "/documents/{document}"

	r.list("GET", "mailboxes/messages/unread/exists", a.unread)
	r.list("GET", "mailboxes/{box}/messages", a.messages)
	r.list("PATCH", "mailboxes/{box}/messages", a.patchAll)
	r.one("GET", message, a.message)
	r.one("PATCH", message, a.patch)
	r.one("DELETE", message, a.delete)
	r.one("POST", message+"/restore", a.restore)
	r.one("GET", message+"/documents", a.documents)
	r.one("GET", document, a.document)
	r.one("GET", document+"/files", a.files)
	r.one("GET", document+"/files/{file}", a.file)
	r.one("GET", document+"/files/{file}/content", a.content)
	r.one("GET", "mailboxes/{box}/sender-information", a.senders)
}

type rawJSON = json.RawMessage

// missing makes a folder that the path names, and that is not there, a 404; in a body it is a rule's no.
func missing(err error) error {
	if reason, ok := domain.Refused(err); ok && reason == mailbox.FolderNotFound {
		return core.ErrNotFound
	}
	return err
}

func (a messageHandlers) find(r request) (messages.Message, error) {
	id, err := pathID(r, "message")
	if err != nil {
		return messages.Message{}, err
	}
	return a.b.Messages.Message(r.Context(), r.p, r.box, id)
}

func (a messageHandlers) message(w http.ResponseWriter, r request) error {
	m, err := a.find(r)
	if err == nil {
		problem.Versioned(w, http.StatusOK, m.Row.Version, messageOf(m))
	}
	return err
}

func (a messageHandlers) patch(w http.ResponseWriter, r request) error {
	ask, id, err := a.askFor(r, "message")
	if err != nil {
		return err
	}

	in, err := fields(r, patchable...)
	if err != nil {
		return err
	}

	p, err := readPatch(r, in)
	if err != nil {
		return err
	}

	m, at, err := a.b.Messages.Patch(r.Context(), ask, id, p)
	if err != nil {
		return err
	}

	a.position(w, at)
	problem.Versioned(w, http.StatusOK, m.Row.Version, messageOf(m))
	return nil
}

const maxBulk = 1000

// patchAll changes many messages: 200, with a status for each.
func (a messageHandlers) patchAll(w http.ResponseWriter, r request) error {
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
	var body struct {
		Messages []map[string]rawJSON `json:"messages"`
	}
	const rule = "must be a list of 1 to 1,000 objects with id, in at most 4 MiB"
	if err := problem.ReadJSON(r.Body, 4<<20, &body, "messages "+rule); err != nil {
		return err
	}
	if len(body.Messages) == 0 || len(body.Messages) > maxBulk {
		return problem.BadField("messages", "body.not.valid", rule)
	}

	items := make([]messages.Item, len(body.Messages))
	for i, in := range body.Messages {
		if items[i], err = bulkItem(r, in); err != nil {
			e := problem.Of(err)
			name := fmt.Sprintf("messages[%d].%s", i, e.Fields[0].Field)
			return problem.BadField(name, e.Code, e.Fields[0].Message)
		}
	}
	outcomes, at, err := a.b.Messages.PatchAll(r.Context(), ask, items)
	if err != nil {
		return err
	}

	shown := make([]BulkStatus, len(items))
	for i, x := range outcomes {
		shown[i] = bulkStatusOf(items[i].Message, x)
	}
	a.position(w, at)
	problem.JSON(w, http.StatusOK, BulkResult{shown})
	return nil
}

func bulkItem(r request, in map[string]rawJSON) (x messages.Item, err error) {
	for _, f := range slices.Sorted(maps.Keys(in)) {
		if !slices.Contains(bulkFields, f) {
			return x, problem.BadField(clip(f), "field.not.allowed",
				"can't be set here: only "+strings.Join(bulkFields, ", ")+" can")
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

func (a messageHandlers) delete(w http.ResponseWriter, r request) error {
	ask, id, err := a.askFor(r, "message")
	if err != nil {
		return err
	}
	at, err := a.b.Messages.Delete(r.Context(), ask, id)
	if err != nil {
		return err
	}
	a.position(w, at)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a messageHandlers) restore(w http.ResponseWriter, r request) error {
	ask, id, err := a.askFor(r, "message")
	if err != nil {
		return err
	}
	m, at, err := a.b.Messages.Restore(r.Context(), ask, id)
	if err != nil {
		return err
	}
	a.position(w, at)
	problem.Versioned(w, http.StatusOK, m.Row.Version, messageOf(m))
	return nil
}

func (a messageHandlers) documents(w http.ResponseWriter, r request) error {
	m, err := a.find(r)
	if err == nil {
		problem.JSON(w, http.StatusOK, DocumentListResult{mapperOf(m).documents(m)})
	}
	return err
}

// findDocument finds a document of a message by the ids that its JSON shows.
func (a messageHandlers) findDocument(r request) (messages.Message, *memo.Node, int, error) {
	m, err := a.find(r)
	if err != nil {
		return m, nil, 0, err
	}

	id, err := pathID(r, "document")
	if err != nil {
		return m, nil, 0, err
	}

	for i, d := range m.Memo.Documents() {
		if content.PartID(m.ID, documentPath(d, i)) == domain.UUID(id) {
			return m, d, i, nil
		}
	}

	return m, nil, 0, core.ErrNotFound
}

// findFile finds a file, and the path of its id.
func (a messageHandlers) findFile(r request) (messages.Message, string, *memo.Node, error) {
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
		if content.PartID(m.ID, path) == domain.UUID(id) {
			return m, path, f, nil
		}
	}

	return m, "", nil, core.ErrNotFound
}

func (a messageHandlers) document(w http.ResponseWriter, r request) error {
	m, d, i, err := a.findDocument(r)
	if err == nil {
		problem.JSON(w, http.StatusOK, mapperOf(m).document(d, i))
	}
	return err
}

func (a messageHandlers) files(w http.ResponseWriter, r request) error {
	m, d, i, err := a.findDocument(r)
	if err == nil {
		problem.JSON(w, http.StatusOK, FileListResult{mapperOf(m).document(d, i).Files})
	}
	return err
}

func (a messageHandlers) file(w http.ResponseWriter, r request) error {
	m, path, f, err := a.findFile(r)
	if err == nil {
		problem.JSON(w, http.StatusOK, mapperOf(m).file(f, path))
	}
	return err
}

// unread answers whether unread post lies in the owner's mailbox, and since when. Without ownerId it is one's own.
func (a messageHandlers) unread(w http.ResponseWriter, r request) error {
	r.box = r.p.Identity
	q := r.URL.Query()
	if s := q.Get("ownerId"); s != "" {
		kind := mailbox.Citizen
		if strings.EqualFold(q.Get("ownerIdType"), "CVR") {
			kind = mailbox.Company
		}
		id, ok, err := a.b.People.Find(kind, s)
		if err != nil {
			return err
		}
		if !ok || id != r.p.Identity {
			return core.ErrForbidden
		}
	}

	no := false
	trash, _, err := a.b.Messages.List(r.Context(), r.p, r.box, messages.Filter{Read: &no, Folder: mailbox.Deleted})
	if err != nil {
		return err
	}

	// the oldest; one of them lies outside DELETED, if any does
	all, _, err := a.b.Messages.List(r.Context(), r.p, r.box, messages.Filter{Read: &no, Limit: len(trash) + 1})
	if err != nil {
		return err
	}

	out := Unread{MailboxID: r.box}
	for _, m := range all {
		if m.Row.Folder != mailbox.Deleted {
			out.UnreadRegularMessagesExist, out.FromDate = true, stamp(m.Row.Shown.Received)
			break
		}
	}

	problem.JSON(w, http.StatusOK, out)
	return nil
}

// senders counts the mailbox's post by sender.
func (a messageHandlers) senders(w http.ResponseWriter, r request) error {
	all, err := a.b.Messages.Senders(r.Context(), r.p, r.box)
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
