package backbone

import (
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/vault"
	"digitalpost/eventstore/filestore"
)

// Core, Store and Vault are what the subjects stand on.
func (b *Backbone) Core() *core.Core { return b.core }

func (b *Backbone) Store() *filestore.Store { return b.store }

func (b *Backbone) Vault() *vault.Vault { return b.vault }
