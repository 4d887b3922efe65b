package directory

import (
	"digitalpost/domain"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
)

// A SubscriptionRow is what a sender system is told changes of.
type SubscriptionRow struct {
	Set          organisation.SubscriptionSet `cbor:"1,keyasint"`
	Organisation domain.OrganisationID        `cbor:"2,keyasint"`
	Version      uint32                       `cbor:"3,keyasint"`
	From         eventstore.Position          `cbor:"4,keyasint"` // since which there is one
}

func putSubscription(v engine.View, rec eventstore.Event, e organisation.SubscriptionSet) error {
	k := subscriptionKey(e.Subscription)
	r, _, err := engine.Row[SubscriptionRow](v, k)
	if err != nil {
		return err
	}

	if r.Version == 0 {
		r.From = rec.Position
	}

	return engine.Put(v, k, SubscriptionRow{e, rec.Stream.ID, r.Version + 1, r.From})
}

// Subscription gives one; false if there is none.
func (s *Snapshot) Subscription(id domain.UUID) (SubscriptionRow, bool, error) {
	return engine.Row[SubscriptionRow](s.s, subscriptionKey(id))
}

// Subscriptions gives all, by id.
func (s *Snapshot) Subscriptions() (out []SubscriptionRow, err error) {
	s.s.Scan([]byte{kindSubscription}, func(k, _ []byte) bool {
		var r SubscriptionRow
		if r, _, err = engine.Row[SubscriptionRow](s.s, k); err == nil {
			out = append(out, r)
		}

		return err == nil
	})

	return out, err
}
