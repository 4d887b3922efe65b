package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/identity"
	"digitalpost/domain"
	"digitalpost/domain/organisation"
	"digitalpost/projections/platform"
)

type systemCmd struct {
	Add      systemAddCmd      `cmd:"" help:"${system_add_help}"`
	Delegate systemDelegateCmd `cmd:"" help:"${delegate_help}"`
}

type systemAddCmd struct {
	dataFlags
	CVR          string `name:"cvr" help:"The organisation's CVR number." required:""`
	UUID         string `name:"uuid" help:"${uuid_help}"`
	Organisation string `help:"The organisation's name." required:""`
	Name         string `help:"The system's name." required:""`
	Company      bool   `help:"It is a company, not an authority."`
	Platform     string `help:"Of a company's system: the platform that alone shows what it sends, eboks or mitdk."`
	Mandatory    bool   `help:"The organisation may send mandatory post."`
	Legal        bool   `help:"The organisation may send legal notifications."`
}

type systemAdded struct{ ID, Key string }

// Run registers a system, through the server if one runs.
func (c *systemAddCmd) Run() error {
	q := url.Values{
		"cvr": {c.CVR}, "uuid": {c.UUID}, "organisation": {c.Organisation}, "name": {c.Name}, "platform": {c.Platform},
		"kind": {organisation.Authority}, "mandatory": {fmt.Sprint(c.Mandatory)}, "legal": {fmt.Sprint(c.Legal)},
	}
	if c.Company {
		q.Set("kind", organisation.Company)
	}

	var out systemAdded
	running, err := askServer(c.Data, "POST", "/systems?"+q.Encode(), &out)
	if err == nil && !running {
		err = c.offline(func(b *backbone.Backbone) (err error) {
			out, err = addSystem(context.Background(), b, q)
			return err
		})
	}

	if err == nil {
		fmt.Printf("id  %s\nkey %s\n", out.ID, out.Key)
	}

	return err
}

func addSystem(ctx context.Context, b *backbone.Backbone, q url.Values) (systemAdded, error) {
	o := organisations.Organisation{
		Kind: q.Get("kind"), CVR: q.Get("cvr"), Name: q.Get("organisation"),
		MandatoryAllowed: q.Get("mandatory") == "true", LegalAllowed: q.Get("legal") == "true",
	}
	if _, err := domain.ParseCVR(o.CVR); err != nil {
		return systemAdded{}, err
	}
	if u := q.Get("uuid"); u != "" {
		id, err := domain.ParseUUID(u)
		if err != nil {
			return systemAdded{}, fmt.Errorf("--uuid: %w", err)
		}
		o.UUID = id
	}
	p, company := q.Get("platform"), o.Kind == organisation.Company
	if shows, ok := platform.Of(p); (p != "" || company) && (!ok || !shows.Private || !company) {
		return systemAdded{}, errors.New(
			"--platform: a company's system is registered with eboks or mitdk, an authority's with none")
	}
	id, err := b.Organisations.SystemID(o.CVR, q.Get("name"))
	if err != nil {
		return systemAdded{}, err
	}
	key := make([]byte, 16)
	rand.Read(key)
	out := systemAdded{id.String(), hex.EncodeToString(key)}
	hash := identity.HashKey(out.Key)

	return out, b.Organisations.RegisterSystem(ctx, organisations.Console, o, q.Get("name"), p, hash)
}

type systemDelegateCmd struct {
	dataFlags
	CVR    string `name:"cvr" help:"The CVR number of the system's organisation." required:""`
	System string `help:"The system's id." required:""`
	To     string `help:"The CVR number of the organisation whose certificates it may come with." required:""`
}

// Run delegates a system, through the server if one runs.
func (c *systemDelegateCmd) Run() error {
	q := url.Values{"cvr": {c.CVR}, "system": {c.System}, "to": {c.To}}
	running, err := askServer(c.Data, "POST", "/systems/delegate?"+q.Encode(), &struct{}{})
	if err == nil && !running {
		err = c.offline(func(b *backbone.Backbone) error { return delegateSystem(context.Background(), b, q) })
	}
	return err
}

func delegateSystem(ctx context.Context, b *backbone.Backbone, q url.Values) error {
	id, err := domain.ParseUUID(q.Get("system"))
	if err != nil {
		return errors.New("--system: must be the id that system add printed")
	}
	for _, n := range []string{q.Get("cvr"), q.Get("to")} {
		if _, err := domain.ParseCVR(n); err != nil {
			return err
		}
	}
	return b.Organisations.Delegate(ctx, organisations.Console, q.Get("cvr"), id, q.Get("to"))
}
