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

// Subscriptions are what authorities' systems are told changes of. They may be used by many goroutines at once.
type Subscriptions struct{ o *Organisations }

// SubscriptionsOf gives them.
func SubscriptionsOf(o *Organisations) Subscriptions { return Subscriptions{o} }

// Subscribe begins a subscription of a system's, or changes one; its address has answered for itself.
func (x Subscriptions) Subscribe(
	ctx context.Context, sys System, cmd organisation.PutSubscription,
) (directory.SubscriptionRow, eventstore.Position, error) {
	cmd.Set.System = sys.ID
	at, err := x.o.run(ctx, Own(sys), sys.Organisation.CVR, cmd)
	if err != nil {
		return directory.SubscriptionRow{}, 0, err
	}
	row, err := x.Of(sys, cmd.Set.Subscription)

	return row, at, err
}

// Unsubscribe ends a subscription of a system's.
func (x Subscriptions) Unsubscribe(
	ctx context.Context, sys System, id domain.UUID, version uint32,
) (eventstore.Position, error) {
	return x.o.run(ctx, Own(sys), sys.Organisation.CVR, organisation.EndSubscription{
		Ended: organisation.SubscriptionEnded{Subscription: id}, System: sys.ID, Version: version,
	})
}

// Of gives a subscription of a system's; core.ErrNotFound if it has none of that id.
func (x Subscriptions) Of(sys System, id domain.UUID) (directory.SubscriptionRow, error) {
	s, err := directory.At(x.o.core.Views)
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

// All gives those of all systems, of contacts or of organisations, by the system and then the id.
func (x Subscriptions) All(ofOrganisations bool) ([]directory.SubscriptionRow, error) {
	s, err := directory.At(x.o.core.Views)
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
