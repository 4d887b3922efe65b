package viewapi

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"

	"digitalpost/adapters/backbone/subscriptions"
	"digitalpost/adapters/problem"
	"digitalpost/domain/subscription"
	"digitalpost/eventstore"
	view "digitalpost/projections/subscriptions"
)

// A Pusher finds out whether an address may be told, and answers for itself.
type Pusher interface {
	// Verify asks the address to repeat a challenge. The error is for who gave the address.
	Verify(ctx context.Context, url string) error
	// Told gives the position up to which a platform was told, by what is set.
	Told(platform string, r view.Row) eventstore.Position
}

// subscriptionHandlers serve where a platform is told by the backbone.
type subscriptionHandlers struct{ *api }

func (a subscriptionHandlers) register(r routes) {
	own := platformHandlers(a).own
	r.add("GET", "platform/subscription", own(a.get))
	r.add("PUT", "platform/subscription", own(a.set))
	r.add("DELETE", "platform/subscription", own(a.end))
	r.add("POST", "platform/subscription/rotate", own(a.rotate))
}

// A Subscription is where a platform is told by the backbone.
type Subscription struct {
	URL      string `json:"url"`
	Secret   string `json:"secret,omitempty"` // whsec_ and 32 bytes in base64; told when it is set, and when it is new
	Position string `json:"position"`         // up to which it was told
	Stopped  bool   `json:"stopped"`          // since the address was not reached for too long
}

func (a subscriptionHandlers) shown(platform string, r view.Row, secret bool) Subscription {
	out := Subscription{
		URL: r.Push.URL, Stopped: r.Stopped, Position: a.b.Cursor(a.pusher.Told(platform, r)).String(),
	}
	if secret {
		out.Secret = "whsec_" + base64.StdEncoding.EncodeToString(a.b.Subscriptions.Secrets(platform, r)[0])
	}

	return out
}

func (a subscriptionHandlers) get(w http.ResponseWriter, r *http.Request, platform string) error {
	row, err := a.b.Subscriptions.Row(r.Context(), platform)
	if err == nil && row.Push == (subscription.Push{}) {
		err = problem.New(http.StatusNotFound, string(subscription.NoPush), "the platform is not told by the backbone")
	}

	if err != nil {
		return err
	}
	problem.JSON(w, http.StatusOK, a.shown(platform, row, false))

	return nil
}

// maxURL is how long the address may be at which a platform is told.
const maxURL = 2000

// set has the platform told at an address, which must answer for itself first.
func (a subscriptionHandlers) set(w http.ResponseWriter, r *http.Request, platform string) error {
	in, err := fields(request{Request: r}, "url", "position")
	if err != nil {
		return err
	}

	url, from := unquoted(in["url"]), eventstore.Position(0)
	if url == "" || len(url) > maxURL {
		return problem.BadField("url", "url.not.valid", "must be an address of at most 2000 characters")
	}

	if from, err = changeHandlers(a).position(unquoted(in["position"]), "position"); err != nil {
		return err
	}

	before, err := a.b.Subscriptions.Row(r.Context(), platform)
	if err != nil {
		return err
	}

	if err := a.pusher.Verify(r.Context(), url); err != nil {
		return problem.BadField("url", "url.not.verified", err.Error())
	}

	row, err := a.b.Subscriptions.SetPush(r.Context(), platform, subscription.Push{URL: url, From: uint64(from)})
	if errors.Is(err, subscriptions.ErrBeyond) {
		return digestProblem(err)
	}

	if err != nil {
		return err
	}
	a.position(w, row.Set)

	status := http.StatusOK
	if before.Push == (subscription.Push{}) {
		status = http.StatusCreated
	}
	problem.JSON(w, status, a.shown(platform, row, true))

	return nil
}

func (a subscriptionHandlers) end(w http.ResponseWriter, r *http.Request, platform string) error {
	if err := a.b.Subscriptions.EndPush(r.Context(), platform); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)

	return nil
}

// rotate has a new secret sign. The one before signs beside it for a day.
func (a subscriptionHandlers) rotate(w http.ResponseWriter, r *http.Request, platform string) error {
	row, err := a.b.Subscriptions.Rotate(r.Context(), platform)
	if err != nil {
		return err
	}
	problem.JSON(w, http.StatusOK, a.shown(platform, row, true))

	return nil
}
