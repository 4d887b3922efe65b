package viewapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
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

// sorts are the fields that lists are sorted by.
var sorts = map[string]func(a, b backbone.Message) int{
	"receivedDateTime": func(a, b backbone.Message) int { return int(int64(a.Row.Position) - int64(b.Row.Position)) },
	"lastUpdated":      func(a, b backbone.Message) int { return a.Row.Last.Compare(b.Row.Last) },
	"read":             func(a, b backbone.Message) int { return boolOrder(a.Row.State.Read, b.Row.State.Read) },
	"flag":             func(a, b backbone.Message) int { return boolOrder(a.Row.State.Flag, b.Row.State.Flag) },
	"label":            func(a, b backbone.Message) int { return strings.Compare(text(a, "label"), text(b, "label")) },
	"sender.label": func(a, b backbone.Message) int {
		return strings.Compare(text(a, "Sender", "label"), text(b, "Sender", "label"))
	},
}

func text(m backbone.Message, path ...string) string {
	if m.Memo == nil {
		return ""
	}
	return strings.ToLower(m.Memo.Header().Get(path...))
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func (a *api) messages(w http.ResponseWriter, r request) error {
	number, size, err := problem.Page(r.Request)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	var filter backbone.Filter
	if s := q.Get("folderId"); s != "" {
		id, err := domain.ParseUUID(s)
		if err != nil {
			return problem.BadField("folderId", "parameter.not.valid", "must be a folder's id")
		}
		filter.Folder = readFolder(r.box, id)
	}
	if s := q.Get("read"); s != "" {
		read, err := strconv.ParseBool(s)
		if err != nil {
			return problem.BadField("read", "parameter.not.valid", "must be true or false")
		}
		filter.Read = &read
	}
	by := q.Get("sortFields")
	if by == "" {
		by = "receivedDateTime:desc"
	}
	all, err := a.b.Messages(r.Context(), r.p, r.box, filter)
	if err != nil {
		return err
	}
	if err := a.sort(all, by); err != nil {
		return err
	}
	from := min(number*size, len(all))
	some := slices.Clone(all[from:min(from+size, len(all))])
	if err := a.b.OpenAll(some); err != nil {
		return err
	}
	shown := []object{}
	for _, m := range some {
		if m.Memo != nil {
			shown = append(shown, messageJSON(m))
		}
	}
	problem.JSON(w, http.StatusOK, page("messages", shown, number, size, len(all)))
	return nil
}

// sort sorts by several fields, the first before the others; direction in either case.
func (a *api) sort(all []backbone.Message, by string) error {
	type order struct {
		compare func(a, b backbone.Message) int
		sign    int
	}
	var orders []order
	opened := false
	for _, f := range strings.Split(by, ",") {
		name, direction, _ := strings.Cut(strings.TrimSpace(f), ":")
		compare, ok := sorts[name]
		sign := 1
		switch strings.ToLower(direction) {
		case "", "asc":
		case "desc":
			sign = -1
		default:
			ok = false
		}
		if !ok || len(orders) == 8 {
			return problem.BadField("sortFields", "parameter.not.valid", "must be fields such as receivedDateTime:desc, parted by commas")
		}
		if strings.HasSuffix(name, "label") && !opened {
			if err := a.b.OpenAll(all); err != nil {
				return err
			}
			opened = true
		}
		orders = append(orders, order{compare, sign})
	}
	slices.SortStableFunc(all, func(x, y backbone.Message) int {
		for _, o := range orders {
			if c := o.compare(x, y) * o.sign; c != 0 {
				return c
			}
		}
		return 0
	})
	return nil
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
	problem.JSON(w, http.StatusOK, messageJSON(m))
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
	var p backbone.Patch
	if p.Read, err = field[bool](in, "read", "must be true or false"); err != nil {
		return err
	}
	if p.Flag, err = field[bool](in, "flag", "must be true or false"); err != nil {
		return err
	}
	if p.Note, err = field[string](in, "note", "must be a text"); err != nil {
		return err
	}
	if p.Folder, err = idField(in, "folderId", r.box); err != nil {
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
		problem.JSON(w, http.StatusOK, object{"documents": messageJSON(m)["documents"]})
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
		if (mapper{m.ID}).node("document/" + strconv.Itoa(i))["id"] == domain.UUID(id) {
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
		path := "document/" + strconv.Itoa(i) + "/file/" + strconv.Itoa(j)
		if (mapper{m.ID}).node(path)["id"] == domain.UUID(id) {
			return m, path, f, nil
		}
	}
	return m, "", nil, backbone.ErrNotFound
}

func (a *api) document(w http.ResponseWriter, r request) error {
	m, d, i, err := a.findDocument(r)
	if err == nil {
		problem.JSON(w, http.StatusOK, mapper{m.ID}.document(d, i))
	}
	return err
}

func (a *api) files(w http.ResponseWriter, r request) error {
	m, d, i, err := a.findDocument(r)
	if err == nil {
		problem.JSON(w, http.StatusOK, object{"files": mapper{m.ID}.document(d, i)["files"]})
	}
	return err
}

func (a *api) file(w http.ResponseWriter, r request) error {
	m, path, f, err := a.findFile(r)
	if err == nil {
		problem.JSON(w, http.StatusOK, mapper{m.ID}.file(f, path))
	}
	return err
}

// unread tells whether unread post lies in the owner's mailbox, and since when. Without ownerId it is one's own.
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
	all, err := a.b.Messages(r.Context(), r.p, r.box, backbone.Filter{Read: &no})
	if err != nil {
		return err
	}
	out := object{"mailboxId": r.box, "unreadRegularMessagesExist": false, "fromDate": nil}
	for _, m := range all {
		if m.Row.State.Folder != mailbox.Deleted {
			out["unreadRegularMessagesExist"], out["fromDate"] = true, stamp(m.Row.Received)
			break
		}
	}
	problem.JSON(w, http.StatusOK, out)
	return nil
}
