package officeapi_test

import (
	"testing"

	"digitalpost/adapters/server/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m, "officeapi") }
