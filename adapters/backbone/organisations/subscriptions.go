package organisations

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"digitalpost/adapters/backbone/core"
	"digitalpost/domain"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
	"digitalpost/projections/directory"
)

// Subscribe begins a subscription of a system's, or changes one; its address has answered for itself.
func (o *Organisations) Subscribe(
	ctx context.Context, sys System, cmd organisation.PutSubscription,
) (directory.SubscriptionRow, eventstore.Position, error) {
	cmd.Set.System = sys.ID
	at, err := o.run(ctx, Own(sys), sys.Organisation.CVR, cmd)
	if err != nil {
		return directory.SubscriptionRow{}, 0, err
	}
	row, err := o.Subscription(sys, cmd.Set.Subscription)

	return row, at, err
}

// Unsubscribe ends a subscription of a system's.
func (o *Organisations) Unsubscribe(
	ctx context.Context, sys System, id domain.UUID, version uint32,
) (eventstore.Position, error) {
	return o.run(ctx, Own(sys), sys.Organisation.CVR, organisation.EndSubscription{
		Ended: organisation.SubscriptionEnded{Subscription: id}, System: sys.ID, Version: version,
	})
}

// Subscription gives a subscription of a system's; core.ErrNotFound if it has none of that id.
func (o *Organisations) Subscription(sys System, id domain.UUID) (directory.SubscriptionRow, error) {
	s, err := directory.At(o.core.Views)
	if err != nil {
		return directory.SubscriptionRow{}, err
	}
	defer s.Close()

	row, ok, err := s.Subscription(id)
	if err == nil && (!ok || row.Set.System != sys.ID) {
		err = core.ErrNotFound
	}

	return row, err
}

// Subscriptions gives those of all systems, of contacts or of organisations, by the system and then the id.
func (o *Organisations) Subscriptions(ofOrganisations bool) ([]directory.SubscriptionRow, error) {
	s, err := directory.At(o.core.Views)
	if err != nil {
		return nil, err
	}
	defer s.Close()

	all, err := s.Subscriptions()
	all = slices.DeleteFunc(all, func(r directory.SubscriptionRow) bool {
		return r.Set.Organisations != ofOrganisations
	})
	slices.SortFunc(all, func(a, b directory.SubscriptionRow) int {
		return cmp.Or(strings.Compare(a.Set.System.String(), b.Set.System.String()),
			strings.Compare(a.Set.Subscription.String(), b.Set.Subscription.String()))
	})

	return all, err
}
