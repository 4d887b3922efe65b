package viewapi

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
)

func (a *api) ask(r request) (core.Ask, error) {
	v, err := problem.IfMatch(r.Request)
	key := r.Header.Get("Idempotency-Key")
	if len(key) > 200 {
		err = problem.BadField("Idempotency-Key", "header.not.valid", "must be at most 200 characters long")
	}
	return core.Ask{Principal: r.p, Mailbox: r.box, Version: v, Key: key}, err
}

// askFor reads who asks, what they know, and the id of the thing that the path names.
func (a *api) askFor(r request, name string) (core.Ask, [16]byte, error) {
	ask, err := a.ask(r)
	if err != nil {
		return ask, [16]byte{}, err
	}
	id, err := pathID(r, name)
	return ask, id, err
}

func pathID(r request, name string) ([16]byte, error) {
	id, err := domain.ParseUUID(r.PathValue(name))
	if err != nil {
		return id, core.ErrNotFound
	}
	return id, nil
}

// fields reads a JSON object of at most 64 KiB, and refuses fields that are not allowed.
func fields(r request, allowed ...string) (map[string]json.RawMessage, error) {
	const rule = "must be a JSON object of at most 64 KiB"
	var out map[string]json.RawMessage
	if err := problem.ReadJSON(r.Body, 64<<10, &out, rule); err != nil {
		return nil, err
	}
	if out == nil {
		return nil, problem.BadField("body", "body.not.valid", rule)
	}
	for _, f := range slices.Sorted(maps.Keys(out)) {
		if !slices.Contains(allowed, f) {
			return nil, problem.BadField(clip(f), "field.not.allowed",
				"can't be set here: only "+strings.Join(allowed, ", ")+" can")
		}
	}

	return out, nil
}

func field[T any](in map[string]json.RawMessage, name, rule string) (*T, error) {
	raw, ok := in[name]
	if !ok {
		return nil, nil
	}
	var v *T
	if err := json.Unmarshal(raw, &v); err != nil || v == nil {
		return nil, problem.BadField(name, "field.not.valid", rule)
	}
	return v, nil
}

func idField(in map[string]json.RawMessage, name string, box domain.MailboxID) (*domain.FolderID, error) {
	s, err := field[string](in, name, "must be a folder's id")
	if err != nil || s == nil {
		return nil, err
	}
	id, err := domain.ParseUUID(*s)
	if err != nil {
		return nil, problem.BadField(name, "field.not.valid", "must be a folder's id")
	}
	f := readFolder(box, id)
	return &f, nil
}

// readFolder is the inverse of mailbox.ShownFolder.
func readFolder(box domain.MailboxID, shown domain.FolderID) domain.FolderID {
	for _, f := range mailbox.SystemFolders {
		if mailbox.ShownFolder(box, f) == shown {
			return f
		}
	}
	if mailbox.IsSystem(shown) {
		return domain.FolderID{15: 0xFF} // the inner id of a system folder is nobody's outside
	}
	return shown
}
