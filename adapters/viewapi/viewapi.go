// Package viewapi is the view clients' face: /apis/v1/mailboxes/…, with NgDP's names and codes. What it shows is what
// the platform of the request's token shows.
package viewapi

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"

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
	b      *backbone.Backbone
	who    *identity.Gate
	pusher Pusher
	log    *slog.Logger
}

type request struct {
	*http.Request
	p   access.Principal
	box domain.MailboxID
}

// Register adds the routes to mux. Paths work with and without their trailing slash. The pusher may be nil: then no
// platform is told by the backbone.
func Register(mux *http.ServeMux, b *backbone.Backbone, who *identity.Gate, pusher Pusher, log *slog.Logger) {
	a := &api{b, who, pusher, log}
	r := routes{a, mux}

	r.list("GET", "mailboxes", a.mailboxes)
	r.one("GET", "mailboxes/{box}", a.mailbox)
	folderHandlers{a}.register(r)
	messageHandlers{a}.register(r)
	draftHandlers{a}.register(r)
	accessHandlers{a}.register(r)
	notificationHandlers{a}.register(r)
	nemSMSHandlers{a}.register(r)
	exemptionHandlers{a}.register(r)
	settingHandlers{a}.register(r)
	contactHandlers{a}.register(r)
	changeHandlers{a}.register(r)
	platformHandlers{a}.register(r)
	if pusher != nil {
		subscriptionHandlers{a}.register(r)
	}
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

func (a *api) position(w http.ResponseWriter, p eventstore.Position) {
	w.Header().Set("Log-Position", strconv.FormatUint(uint64(p), 10))
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
