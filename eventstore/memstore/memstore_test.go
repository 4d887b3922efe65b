package memstore_test

import (
	"testing"

	"digitalpost/eventstore"
	"digitalpost/eventstore/memstore"
	"digitalpost/eventstore/storetest"
)

func TestStore(t *testing.T) {
	storetest.Test(t, func(*testing.T) eventstore.Store { return memstore.New(nil) })
}
