package domain_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// mayImport says what each tree may import of this module and of others; the longest matching tree counts. Tests are free.
var mayImport = map[string]struct{ ours, others []string }{
	"domain":            {[]string{"domain"}, []string{"github.com/oklog/ulid/v2", "github.com/fxamacker/cbor/v2"}},
	"eventstore":        {[]string{"domain", "eventstore"}, []string{"go.etcd.io/bbolt", "github.com/nats-io", "github.com/oklog/ulid/v2", "github.com/prometheus/client_golang", "github.com/fxamacker/cbor/v2", "golang.org/x/sys"}},
	"projections":       {[]string{"domain", "eventstore", "projections"}, []string{"go.etcd.io/bbolt", "github.com/prometheus/client_golang", "github.com/fxamacker/cbor/v2", "github.com/tidwall/btree"}},
	"adapters":          {[]string{"domain", "eventstore", "projections", "adapters/backbone", "adapters/vault", "adapters/documents", "adapters/identity", "adapters/problem", "adapters/memo"}, nil},
	"adapters/backbone": {[]string{"domain", "eventstore", "projections", "adapters/vault", "adapters/documents", "adapters/memo"}, nil},
	"cmd":               {[]string{"domain", "eventstore", "projections", "adapters"}, nil},

	"adapters/development": {
		[]string{"domain", "projections", "adapters/backbone", "adapters/identity", "adapters/memo", "adapters/problem"},
		nil,
	},
}

func TestImportsGoOneWay(t *testing.T) {
	documented := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(strings.TrimPrefix(filepath.Dir(path), "../"))
		if strings.HasSuffix(path, "_test.go") {
			return nil
		}
		documented[dir] = documented[dir] || f.Doc != nil
		tree := dir
		for {
			if _, ok := mayImport[tree]; ok || tree == "." {
				break
			}
			tree = filepath.ToSlash(filepath.Dir(tree))
		}
		for _, spec := range f.Imports {
			name := strings.Trim(spec.Path.Value, `"`)
			own, isOurs := strings.CutPrefix(name, "digitalpost/")
			switch {
			case isOurs && !within(own, mayImport[tree].ours) && own != dir:
				t.Errorf("%s imports %s: %s may not", path, name, tree)
			case !isOurs && strings.Contains(name, ".") && mayImport[tree].others != nil && !within(name, mayImport[tree].others):
				t.Errorf("%s imports %s: %s may not", path, name, tree)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %s has no doc comment", dir)
		}
	}
}

func within(name string, trees []string) bool {
	for _, t := range trees {
		if name == t || strings.HasPrefix(name, t+"/") {
			return true
		}
	}
	return false
}
