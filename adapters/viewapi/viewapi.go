// Package viewapi is the view clients' face: /apis/v1/mailboxes/…, with NgDP's names and codes. What it shows is what
// the platform of the request's token shows.
package viewapi

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"digitalpost/adapters/backbone"
	accesshall "digitalpost/adapters/backbone/access"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/identity"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/eventstore"
)

type api struct {
	b   *backbone.Backbone
	who *identity.Gate
	log *slog.Logger
}

type request struct {
	*http.Request
	p   access.Principal
	box domain.MailboxID
}

// Register adds the routes to mux. Paths work with and without their trailing slash.
func Register(mux *http.ServeMux, b *backbone.Backbone, who *identity.Gate, log *slog.Logger) {
	a := &api{b, who, log}
	r := routes{a, mux}

	r.list("GET", "mailboxes", a.mailboxes)
	r.one("GET", "mailboxes/{box}", a.mailbox)
	folderHandlers{a}.register(r)
	messageHandlers{a}.register(r)
	draftHandlers{a}.register(r)
	accessHandlers{a}.register(r)
	exemptionHandlers{a}.register(r)
	settingHandlers{a}.register(r)
	contactHandlers{a}.register(r)
	changeHandlers{a}.register(r)
}

// serve finds out who asks and waits until the views are as fresh as the request wants. A single resource of a
// mailbox that is not one's own is not there.
func (a *api) serve(w http.ResponseWriter, r *http.Request, single bool, fn handler) error {
	p, err := a.who.Person(r)
	if err != nil {
		return err
	}

	req := request{Request: r, p: p}
	if s := r.PathValue("box"); s != "" {
		if req.box, err = domain.ParseUUID(s); err != nil {
			if single {
				return core.ErrNotFound
			}
			return core.ErrForbidden
		}
	}

	if err := a.fresh(r); err != nil {
		return err
	}

	err = fn(w, req)
	if single && errors.Is(err, core.ErrForbidden) {
		return core.ErrNotFound
	}

	return err
}

// fresh waits until the views have all that was in the log when the request arrived; Min-Log-Position asks for no
// more than that position, Consistency: eventual for nothing.
func (a *api) fresh(r *http.Request) error {
	if r.Header.Get("Consistency") == "eventual" {
		return nil
	}
	p := a.b.Position()
	if s := r.Header.Get("Min-Log-Position"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return problem.BadField("Min-Log-Position", "header.not.valid", "must be a position")
		}
		p = min(p, eventstore.Position(n))
	}
	return a.b.Fresh(r.Context(), p)
}

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
	b, err := io.ReadAll(io.LimitReader(r.Body, 64<<10+1))
	if err != nil {
		return nil, err
	}

	var out map[string]json.RawMessage
	if len(b) > 64<<10 || json.Unmarshal(b, &out) != nil || out == nil {
		return nil, problem.BadField("body", "body.not.valid", "must be a JSON object of at most 64 KiB")
	}

	for f := range out {
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

func (a *api) position(w http.ResponseWriter, p eventstore.Position) {
	w.Header().Set("Log-Position", strconv.FormatUint(uint64(p), 10))
}

func etag(w http.ResponseWriter, v uint32) {
	w.Header().Set("ETag", `"`+strconv.FormatUint(uint64(v), 10)+`"`)
}

// mailboxes lists all mailboxes that who asks may open through the platform, their own first.
func (a *api) mailboxes(w http.ResponseWriter, r request) error {
	doors, err := a.b.Access.Doors(r.p)
	if err != nil {
		return err
	}

	var shown []Mailbox
	for _, d := range doors {
		x, err := a.behind(r, d)
		if err != nil {
			return err
		}
		shown = append(shown, x)
	}

	if len(shown) == 0 {
		return core.ErrForbidden
	}

	result := func(p Page, some Listed[Mailbox]) any { return MailboxSearchResult{p, some} }
	return paged(w, r, shown, result)
}

func (a *api) mailbox(w http.ResponseWriter, r request) error {
	d, err := a.b.Access.Door(r.Context(), r.p, r.box)
	if err != nil {
		return err
	}
	x, err := a.behind(r, d)
	if err != nil {
		return err
	}
	problem.JSON(w, http.StatusOK, x)
	return nil
}

// behind shows the mailbox behind a door.
func (a *api) behind(r request, d accesshall.Door) (Mailbox, error) {
	p, row, err := a.b.Access.Behind(d)
	return mailboxOf(d, p, row, r.p.Identity), err
}
