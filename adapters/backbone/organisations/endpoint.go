package organisations

import (
	"context"

	"digitalpost/domain/organisation"
	"digitalpost/eventstore"
)

// SetEndpoint has a system told of its receipts at an address, which has answered for itself; empty: nowhere.
func (o *Organisations) SetEndpoint(ctx context.Context, sys System, address string) (eventstore.Position, error) {
	return o.run(ctx, Own(sys), sys.Organisation.CVR, organisation.SetEndpoint{Set: organisation.SystemEndpointSet{
		System: sys.ID, Endpoint: address,
	}})
}

// EndpointSecret gives what signs what a system is told: 32 bytes, the same as long as the data lives.
func (o *Organisations) EndpointSecret(sys System) []byte {
	return o.core.Vault.Secret("receipts " + sys.ID.String())
}
