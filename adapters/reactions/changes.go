package reactions

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/contacts"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/organisation"
	"digitalpost/domain/streams"
	"digitalpost/projections/directory"
	"digitalpost/projections/engine"
)

// Changes tell authorities' systems that subscribe to it whom their post reaches, and whom people may write to: as that
// stands when it is told, with ids and no number.
type Changes struct {
	b       *backbone.Backbone
	hook    *webhook
	contact func(box domain.MailboxID) (any, error)
}

// NewChanges makes the source. Contact gives a contact as it is found by a sender system, without its number.
func NewChanges(b *backbone.Backbone, o Outward, contact func(domain.MailboxID) (any, error)) *Changes {
	return &Changes{b, newWebhook(o), contact}
}

// Kind is subscription.
func (*Changes) Kind() string { return "subscription" }

// reach are the events of a mailbox after which post or NemSMS may reach its owner, or not any more.
var reach = []string{
	mailbox.Opened{}.EventType(), mailbox.Shredded{}.EventType(),
	mailbox.Closed{}.EventType(), mailbox.Reopened{}.EventType(),
	mailbox.ExemptionGranted{}.EventType(), mailbox.ExemptionRevoked{}.EventType(),
	mailbox.NemSMSRegistered{}.EventType(), mailbox.NemSMSOptedOut{}.EventType(),
	mailbox.ContactConfirmed{}.EventType(), mailbox.ContactRemoved{}.EventType(),
}

// ContactID gives the id by which senders know the owner of a mailbox.
func ContactID(box domain.MailboxID) domain.UUID {
	return domain.UUID(domain.DeriveID("contact", box[:]))
}

// Plan gives the telling of each system that subscribes to what has changed.
func (s *Changes) Plan(_ context.Context, h *engine.Entry) ([]Effect, error) {
	ofOrganisations := h.Stream.Kind == streams.Organisation
	switch {
	case h.Stream.Kind == streams.Mailbox && slices.Contains(reach, h.Type):
	case ofOrganisations && structural(h.Type):
	default:
		return nil, nil
	}

	all, err := organisations.SubscriptionsOf(s.b.Organisations).All(ofOrganisations)
	if err != nil || len(all) == 0 {
		return nil, err
	}

	wanted, id, err := s.changed(h)
	if err != nil || len(wanted) == 0 {
		return nil, err
	}

	var out []Effect
	for _, r := range all {
		hit := slices.ContainsFunc(r.Set.Operations, func(o string) bool { return slices.Contains(wanted, o) })
		if r.From < h.Position && (hit || slices.Contains(r.Set.Singles, id)) {
			out = append(out, Effect{
				Receiver: r.Set.Subscription.String(), Order: h.Stream.ID, Thing: h.Stream.ID,
				Key: domain.UUID(domain.DeriveID(s.Kind(), h.ID[:], r.Set.Subscription[:])).String(),
			})
		}
	}

	return out, nil
}

// structural reports whether an event changes an organisation as people find it.
func structural(eventType string) bool {
	return slices.Contains([]string{
		organisation.Registered{}.EventType(),
		organisation.ContactGroupCreated{}.EventType(), organisation.ContactGroupChanged{}.EventType(),
		organisation.ContactGroupClosed{}.EventType(), organisation.ContactPointCreated{}.EventType(),
		organisation.ContactPointChanged{}.EventType(), organisation.ContactPointClosed{}.EventType(),
	}, eventType)
}

// changed gives the operations of which an event is, and the id of what it is about.
func (s *Changes) changed(h *engine.Entry) (wanted []string, id domain.UUID, err error) {
	if h.Stream.Kind == streams.Organisation {
		wanted = []string{organisation.AllOrganisations}
		if h.Type == (organisation.Registered{}).EventType() {
			wanted = append(wanted, organisation.NewOrganisations)
		}

		return wanted, domain.UUID(h.Stream.ID), nil
	}

	now, err := s.b.Contacts.Reach(h.Stream.ID)
	if err != nil || !moves(h, now) {
		return nil, id, err
	}

	all, fresh := organisation.AllCitizens, organisation.NewCitizens
	if now.Kind == mailbox.Company {
		all, fresh = organisation.AllCompanies, organisation.NewCompanies
	}

	wanted = []string{all}
	if h.Type == (mailbox.Opened{}).EventType() {
		wanted = append(wanted, fresh)
	}

	return wanted, ContactID(h.Stream.ID), nil
}

// moves reports whether an event may change whether post or NemSMS reaches somebody, who stands now as is said.
func moves(h *engine.Entry, now contacts.Reach) bool {
	says, _ := h.Says()
	switch e := says.(type) {
	case mailbox.ContactConfirmed:
		return now.NemSMS && now.Number == e.Detail
	case mailbox.ContactRemoved:
		return e.Confirmed && (e.Kind == mailbox.NemSMSNumber || e.Kind == mailbox.Mobile && now.Shared)
	}

	return true
}

// A change is what a subscriber is posted.
type change struct {
	Type           string      `json:"type"`
	Subscription   domain.UUID `json:"subscriptionId"`
	Contact        any         `json:"contact,omitempty"`
	OrganisationID string      `json:"organisationId,omitempty"`
	Position       uint64      `json:"position"` // as of which this is so: of two, the higher counts
}

// Do posts it, as it stands now. One whose subscription has ended counts as done.
func (s *Changes) Do(ctx context.Context, e Effect) error {
	row, sys, ok, err := s.subscription(e.Receiver)
	if err != nil || !ok {
		return err
	}

	told := change{
		Type: "dk.digitalpost.contact-changed", Subscription: row.Set.Subscription,
		Position: uint64(s.b.Position()),
	}
	if err := s.b.Fresh(ctx, s.b.Position()); err != nil {
		return err
	}
	if row.Set.Organisations {
		told.Type, told.OrganisationID = "dk.digitalpost.organisation-changed", domain.UUID(e.Thing).String()
	} else if told.Contact, err = s.contact(e.Thing); err != nil {
		return err
	}

	body, err := json.Marshal(told)
	if err != nil {
		return err
	}

	_, err = s.hook.post(ctx, delivery{
		url: row.Set.URL, contentType: "application/json", body: body, id: "msg_" + e.Key,
		secrets: [][]byte{s.b.Organisations.EndpointSecret(sys)}, header: map[string]string{"Idempotency-Key": e.Key},
	})
	var status statusError
	if errors.As(err, &status) && refuses(int(status)) {
		return &RefusedError{Err: err}
	}

	return err
}

func (s *Changes) subscription(id string) (directory.SubscriptionRow, organisations.System, bool, error) {
	var sys organisations.System
	uuid, err := domain.ParseUUID(id)
	if err != nil {
		return directory.SubscriptionRow{}, sys, false, err
	}

	for _, ofOrganisations := range []bool{false, true} {
		all, err := organisations.SubscriptionsOf(s.b.Organisations).All(ofOrganisations)
		if err != nil {
			return directory.SubscriptionRow{}, sys, false, err
		}

		for _, r := range all {
			if r.Set.Subscription != uuid {
				continue
			}

			sys, err = s.b.Organisations.System(r.Set.System)
			if errors.Is(err, core.ErrNotFound) {
				return r, sys, false, nil // withdrawn since
			}

			return r, sys, err == nil, err
		}
	}

	return directory.SubscriptionRow{}, sys, false, nil
}

// Done is nothing: what a subscriber was not told it can ask for.
func (*Changes) Done(context.Context, Effect, error) error { return nil }
