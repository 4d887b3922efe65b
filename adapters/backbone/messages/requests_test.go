package messages_test

import (
	"testing"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/messages"
)

// A key is bound to all that is asked for under it.
func TestKeysAreBoundToTheWholeRequest(t *testing.T) { backbonetest.Requests(t, messages.Requests...) }
