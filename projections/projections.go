// Package projections lists the views of the log. Each is a package of its own, with its rows, its keys, its fold and
// its queries; package engine follows the log with all of them.
package projections

import (
	"digitalpost/projections/directory"
	"digitalpost/projections/documents"
	"digitalpost/projections/engine"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/outbox"
	"digitalpost/projections/receipts"
	"digitalpost/projections/subscriptions"
)

// All lists every projection.
func All() []engine.Projection {
	return []engine.Projection{
		mailboxes.Projection{}, receipts.Projection{}, directory.Projection{}, outbox.Projection{},
		documents.Projection{}, subscriptions.Projection{},
	}
}
