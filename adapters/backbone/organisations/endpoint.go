package organisations

import (
	"context"

	"digitalpost/domain/access"
	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
)

// SetEndpoint has a system told of its receipts, or brought what people write, at an address, which has answered for
// itself; empty: nowhere.
func (o *Organisations) SetEndpoint(
	ctx context.Context, sys System, memos bool, address string,
) (eventstore.Position, error) {
	return o.run(ctx, Own(sys), sys.Organisation.CVR, organisation.SetEndpoint{Set: organisation.SystemEndpointSet{
		System: sys.ID, Endpoint: address, Memos: memos,
	}})
}

// StopEndpoint has a system told no more, since it took nothing for days; once, however often it is called.
func (o *Organisations) StopEndpoint(ctx context.Context, sys System, memos bool) error {
	_, err := o.run(ctx, Caller{Kind: access.Backbone}, sys.Organisation.CVR, organisation.StopEndpoint{
		Stopped: organisation.SystemEndpointStopped{System: sys.ID, Memos: memos},
	})

	return err
}

// EndpointSecret gives what signs what a system is told: 32 bytes, the same as long as the data lives.
func (o *Organisations) EndpointSecret(sys System) []byte {
	return o.core.Vault.Secret("receipts " + sys.ID.String())
}
