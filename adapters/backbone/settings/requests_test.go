package settings_test

import (
	"testing"

	"digitalpost/adapters/backbone/backbonetest"
	"digitalpost/adapters/backbone/settings"
)

// A key is bound to all that is asked for under it.
func TestKeysAreBoundToTheWholeRequest(t *testing.T) { backbonetest.Requests(t, settings.Requests...) }
