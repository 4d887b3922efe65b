package access_test

import (
	"testing"

	"digitalpost/adapters/backbone/access"
	"digitalpost/adapters/backbone/backbonetest"
)

// A key is bound to all that is asked for under it.
func TestKeysAreBoundToTheWholeRequest(t *testing.T) { backbonetest.Requests(t, access.Requests...) }
