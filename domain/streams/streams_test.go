package streams_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"digitalpost/domain/streams"
)

// Every package of the domain that has events of its own is a kind of stream that is listed.
func TestEveryKind(t *testing.T) {
	found := map[string]bool{}
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("= domain.Events[")) {
			found[filepath.Base(filepath.Dir(f))] = true
		}
	}

	if len(found) < 5 || len(found) != len(streams.Kinds) {
		t.Errorf("packages %v have events, and %d kinds are listed", found, len(streams.Kinds))
	}
	for name := range streams.Kinds {
		if name != streams.Log && !found[name] {
			t.Errorf("kind %s has no package", name)
		}
	}
}
