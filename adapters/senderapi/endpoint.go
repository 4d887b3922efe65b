package senderapi

import (
	"context"
	"encoding/base64"
	"net/http"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/problem"
)

// A Verify finds out whether an address may be told, and answers for itself. The error is for who gave the address.
type Verify func(ctx context.Context, url string) error

// An Endpoint is where a sender system is told of its final receipts, as they are listed, or where a recipient system
// is brought what people write.
type Endpoint struct {
	URL    string `json:"url"`
	Secret string `json:"secret,omitempty"` // whsec_ and 32 bytes in base64; told when it is set
	// Stopped says that nothing was taken there for 7 days: set it again, and what waits flows again.
	Stopped bool `json:"stopped"`
}

const (
	maxEndpoint = 2000    // bytes of the address
	endpointBig = 4 << 10 // bytes of the request
)

// endpoints serve one of a system's endpoints: that of receipts, or that of what people write.
type endpoints struct {
	*api
	memos bool
}

func (a endpoints) get(w http.ResponseWriter, _ *http.Request, sys organisations.System) error {
	now := sys.Receipts
	if a.memos {
		now = sys.Memos
	}

	if now.URL == "" {
		return core.ErrNotFound
	}
	problem.JSON(w, http.StatusOK, Endpoint{URL: now.URL, Stopped: now.Stopped})

	return nil
}

// set has the system told at an address, which must answer for itself first.
func (a endpoints) set(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	var in struct {
		URL string `json:"url"`
	}
	if err := problem.ReadJSON(r.Body, endpointBig, &in, "must be a JSON object with a url"); err != nil {
		return err
	}

	if in.URL == "" || len(in.URL) > maxEndpoint {
		return problem.BadField("url", "url.not.valid", "must be an address of at most 2000 characters")
	}

	if a.memos && sys.Receives == 0 {
		return core.ErrNotFound
	}

	if err := a.verify(r.Context(), in.URL); err != nil {
		return problem.BadField("url", "url.not.verified", err.Error())
	}

	if _, err := a.b.Organisations.SetEndpoint(r.Context(), sys, a.memos, in.URL); err != nil {
		return err
	}
	secret := base64.StdEncoding.EncodeToString(a.b.Organisations.EndpointSecret(sys))
	problem.JSON(w, http.StatusOK, Endpoint{URL: in.URL, Secret: "whsec_" + secret})

	return nil
}

func (a endpoints) end(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	if _, err := a.b.Organisations.SetEndpoint(r.Context(), sys, a.memos, ""); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)

	return nil
}
