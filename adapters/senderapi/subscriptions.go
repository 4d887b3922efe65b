package senderapi

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/domain/organisation"
	"digitalpost/projections/directory"
)

// subscriptions serve what authorities' systems are told changes of: contacts, or organisations.
type subscriptions struct {
	*api
	organisations bool
}

// A ContactSubscription is what a system is told of whom its post reaches.
type ContactSubscription struct {
	Subscribed
	Singles []SingleContact `json:"singleContactSubscriptions"`
}

// A SingleContact is one contact that a subscription is of, beside its operations.
type SingleContact struct {
	ContactID domain.UUID `json:"contactId"`
}

// An OrganisationSubscription is what a system is told of whom people may write to.
type OrganisationSubscription struct {
	Subscribed
	Singles []domain.UUID `json:"organisationSubscriptions"`
}

// Subscribed is what both say.
type Subscribed struct {
	ID         domain.UUID     `json:"id"`
	Version    uint32          `json:"version"`
	System     domain.SystemID `json:"senderSystemId"`
	Operations []string        `json:"subscriptionOperations"`
	URL        string          `json:"notificationUrl"`
	Secret     string          `json:"secret,omitempty"` // whsec_ and 32 bytes in base64; told when it is set
}

// shown shows a subscription, with the secret that signs what it is told, or without where that is empty.
func (a subscriptions) shown(r directory.SubscriptionRow, secret string) any {
	s := Subscribed{
		ID: r.Set.Subscription, Version: r.Version, System: r.Set.System,
		Operations: append([]string{}, r.Set.Operations...), URL: r.Set.URL, Secret: secret,
	}
	if a.organisations {
		return OrganisationSubscription{s, append([]domain.UUID{}, r.Set.Singles...)}
	}

	singles := []SingleContact{}
	for _, id := range r.Set.Singles {
		singles = append(singles, SingleContact{id})
	}

	return ContactSubscription{s, singles}
}

func (a subscriptions) list(w http.ResponseWriter, _ *http.Request, sys organisations.System) error {
	all, err := organisations.SubscriptionsOf(a.b.Organisations).All(a.organisations)
	if err != nil {
		return err
	}

	shown := []any{}
	for _, r := range all {
		if r.Set.System == sys.ID {
			shown = append(shown, a.shown(r, ""))
		}
	}
	problem.JSON(w, http.StatusOK, shown)

	return nil
}

// put begins a subscription, or changes one. Its address must answer for itself first.
func (a subscriptions) put(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	version, err := problem.IfMatch(r)
	if err != nil {
		return err
	}

	cmd := organisation.PutSubscription{Version: version, Create: r.Method == http.MethodPost}
	cmd.Set, err = a.read(r)
	if err != nil {
		return err
	}

	if cmd.Set.Subscription = core.NewUUID(); !cmd.Create {
		if cmd.Set.Subscription, err = subscriptionID(r); err != nil {
			return err
		}
	}

	if sys.Organisation.Kind != organisation.Authority {
		return core.ErrForbidden
	}

	if err := a.verify(r.Context(), cmd.Set.URL); err != nil {
		return problem.BadField("notificationUrl", "url.not.verified", err.Error())
	}

	row, _, err := organisations.SubscriptionsOf(a.b.Organisations).Subscribe(r.Context(), sys, cmd)
	if err != nil {
		return err
	}

	status := http.StatusOK
	if cmd.Create && a.organisations { // as NgDP answers each
		status = http.StatusCreated
	}
	secret := "whsec_" + base64.StdEncoding.EncodeToString(a.b.Organisations.EndpointSecret(sys))
	problem.Versioned(w, status, row.Version, a.shown(row, secret))

	return nil
}

// A contactID is an id, as a text or, as it is answered, in an object.
type contactID string

// UnmarshalJSON reads either.
func (c *contactID) UnmarshalJSON(raw []byte) error {
	var object struct{ ContactID string }
	if json.Unmarshal(raw, &object) == nil {
		*c = contactID(object.ContactID)
		return nil
	}

	return json.Unmarshal(raw, (*string)(c))
}

// bigSubscription is how many bytes a subscription may have.
const bigSubscription = 128 << 10

func (a subscriptions) read(r *http.Request) (set organisation.SubscriptionSet, err error) {
	var in struct {
		Operations    []string    `json:"subscriptionOperations"`
		Contacts      []contactID `json:"singleContactSubscriptions"`
		Organisations []contactID `json:"organisationSubscriptions"`
		URL           string      `json:"notificationUrl"`
	}
	if err := problem.ReadJSON(r.Body, bigSubscription, &in, "must be a subscription, a JSON object"); err != nil {
		return set, err
	}

	set = organisation.SubscriptionSet{Organisations: a.organisations, Operations: in.Operations, URL: in.URL}
	if in.URL == "" || len(in.URL) > maxEndpoint {
		return set, problem.BadField("notificationUrl", "url.not.valid",
			"must be an address of at most 2000 characters")
	}

	name, singles := "singleContactSubscriptions", in.Contacts
	if a.organisations {
		name, singles = "organisationSubscriptions", in.Organisations
	}

	for _, s := range singles {
		id, err := domain.ParseUUID(string(s))
		if err != nil {
			return set, problem.BadField(name, "field.not.valid", "must be a list of ids, UUIDs")
		}

		if !slices.Contains(set.Singles, id) {
			set.Singles = append(set.Singles, id)
		}
	}

	return set, nil
}

func subscriptionID(r *http.Request) (domain.UUID, error) {
	id, err := domain.ParseUUID(r.PathValue("subscription"))
	if err != nil {
		err = core.ErrNotFound
	}

	return id, err
}

func (a subscriptions) end(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	version, err := problem.IfMatch(r)
	if err != nil {
		return err
	}

	id, err := subscriptionID(r)
	if err != nil {
		return err
	}

	all := organisations.SubscriptionsOf(a.b.Organisations)
	if row, err := all.Of(sys, id); err != nil || row.Set.Organisations != a.organisations {
		return core.ErrNotFound
	}

	if _, err := all.Unsubscribe(r.Context(), sys, id, version); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)

	return nil
}
