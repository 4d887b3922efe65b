package domain_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// may says what the packages of a tree may import: of this module (a name that ends in /... is the tree below it, too),
// and of others; nil: anything of others.
type may struct{ ours, others []string }

// below is what every floor of the hall stands on. It knows the log as a reader, and through the handlers that it is
// handed.
var below = []string{
	"domain/...", "eventstore", "projections/...", "adapters/vault", "adapters/documents", "adapters/memo",
}

// on gives below and the floors of the hall that a package stands on.
func on(floors ...string) may {
	ours := slices.Clone(below)
	for _, f := range floors {
		ours = append(ours, "adapters/backbone/"+f)
	}

	return may{ours: ours}
}

// faces is what formats and faces may know: the hall, and never another face.
var faces = append([]string{
	"adapters/backbone/...", "adapters/identity", "adapters/problem", "eventstore",
}, below...)

// view is what the package of a view knows: the engine, and no other view.
var view = may{[]string{"domain/...", "eventstore", "projections/engine"}, []string{
	"go.etcd.io/bbolt", "github.com/prometheus/client_golang", "github.com/fxamacker/cbor/v2",
	"github.com/tidwall/btree",
}}

// mayImport is the direction of dependency: the longest tree that holds a package counts. Tests are free.
var mayImport = map[string]may{
	"domain": {[]string{"domain/..."}, []string{"github.com/oklog/ulid/v2", "github.com/fxamacker/cbor/v2"}},
	"eventstore": {[]string{"domain", "eventstore/..."}, []string{
		"go.etcd.io/bbolt", "github.com/nats-io", "github.com/oklog/ulid/v2", "github.com/prometheus/client_golang",
		"github.com/fxamacker/cbor/v2", "golang.org/x/sys",
	}},
	"projections":           {ours: []string{"domain/...", "eventstore", "projections/..."}},
	"projections/engine":    view,
	"projections/mailboxes": view,
	"projections/receipts":  view,
	"projections/directory": view,
	"projections/outbox":    view,
	"projections/documents": view,
	"projections/subscriptions": {ours: []string{
		"domain/...", "eventstore", "projections/engine", "projections/mailboxes",
	}},
	"projections/platform": view,

	"adapters":             {ours: faces},
	"adapters/development": {ours: faces},
	"adapters/memo":        {ours: []string{"domain"}},
	"adapters/vault":       {ours: []string{"domain"}},
	"adapters/documents":   {ours: []string{"domain"}},
	"adapters/server": {ours: append([]string{
		"adapters/server", "adapters/senderapi", "adapters/viewapi", "adapters/officeapi", "adapters/openapi",
		"adapters/development", "adapters/reactions",
	}, faces...)},

	"adapters/server/servertest": {ours: append([]string{
		"adapters/server/...", "adapters/openapi", "adapters/development", "adapters/reactions", "adapters/email",
		"eventstore/filestore",
	}, faces...)},

	"adapters/backbone/core":          on(),
	"adapters/backbone/text":          {ours: []string{}},
	"adapters/backbone/content":       on("core", "text"),
	"adapters/backbone/people":        on("core", "text"),
	"adapters/backbone/organisations": on("core", "text"),
	"adapters/backbone/messages":      on("core", "content", "organisations"),
	"adapters/backbone/folders":       on("core", "text"),
	"adapters/backbone/access":        on("core", "people"),
	"adapters/backbone/exemption":     on("core", "people", "contacts"),
	"adapters/backbone/contacts":      on("core", "content"),
	"adapters/backbone/consents":      on("core", "organisations", "text"),
	"adapters/backbone/settings":      on("core"),
	"adapters/backbone/looks":         on("core", "people"),
	"adapters/backbone/drafts":        on("core", "text", "content", "people", "organisations", "messages"),
	"adapters/backbone/handover":      on("core", "content", "organisations"),
	"adapters/backbone/sending": on("core", "text", "content", "people", "organisations", "messages",
		"handover"),
	"adapters/backbone/intake":  on("core", "content", "people", "organisations"),
	"adapters/backbone/search":  on("core", "text", "content", "messages"),
	"adapters/backbone/changes": on("core"),

	"adapters/backbone/mandates":      on("core"),
	"adapters/backbone/register":      on("core"),
	"adapters/backbone/visibility":    on("core"),
	"adapters/backbone/subscriptions": on("core"),
	"adapters/backbone/proposals":     on("core"),

	"adapters/backbone": {ours: append([]string{"eventstore/...", "adapters/backbone/..."}, below...)},

	"cmd": {ours: []string{"domain/...", "eventstore/...", "projections/...", "adapters/..."}},
}

func TestImportsGoOneWay(t *testing.T) {
	documented := map[string]bool{}
	eachFile(t, parser.ImportsOnly|parser.ParseComments, func(path, dir string, f *ast.File) {
		documented[dir] = documented[dir] || f.Doc != nil
		tree := treeOf(dir)
		allowed := mayImport[tree]

		for _, spec := range f.Imports {
			name := strings.Trim(spec.Path.Value, `"`)
			own, isOurs := strings.CutPrefix(name, "digitalpost/")
			foreign := !isOurs && strings.Contains(name, ".")

			mayNot := isOurs && !within(own, allowed.ours) ||
				foreign && allowed.others != nil && !begins(name, allowed.others)
			if mayNot {
				t.Errorf("%s imports %s: %s may not", path, name, tree)
			}
		}
	})

	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %s has no doc comment", dir)
		}
	}
}

// appenders are the packages that may append by themselves: the log's own, and those that make logs for tests.
var appenders = []string{"eventstore/...", "projections/viewtest", "adapters/backbone/backbonetest"}

// All else writes through handlers, which the hall's wiring alone makes.
func TestTheHallAppendsThroughRules(t *testing.T) {
	eachFile(t, 0, func(path, dir string, f *ast.File) {
		if within(dir, appenders) {
			return
		}

		for _, spec := range f.Imports {
			if spec.Path.Value == `"digitalpost/eventstore"` && spec.Name != nil {
				t.Errorf("%s gives eventstore another name: this test would not see what it names", path)
			}
		}

		wiring := dir == "adapters/backbone"
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}

			pkg, _ := s.X.(*ast.Ident)
			named := pkg != nil && pkg.Name == "eventstore"
			switch name := s.Sel.Name; {
			case name == "Append":
				t.Errorf("%s appends by itself", path)
			case named && slices.Contains([]string{"Store", "Appender"}, name),
				named && slices.Contains([]string{"NewHandler", "NewEvent"}, name) && !wiring:
				t.Errorf("%s names eventstore.%s", path, name)
			}

			return true
		})
	})
}

// eachFile parses every file of the module that is no test.
func eachFile(t *testing.T, mode parser.Mode, fn func(path, dir string, f *ast.File)) {
	t.Helper()

	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}

		f, err := parser.ParseFile(token.NewFileSet(), path, nil, mode)
		if err != nil {
			return err
		}
		fn(path, filepath.ToSlash(strings.TrimPrefix(filepath.Dir(path), "../")), f)

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// treeOf gives the longest tree of the table that holds a package.
func treeOf(dir string) string {
	for tree := dir; tree != "."; tree = filepath.ToSlash(filepath.Dir(tree)) {
		if _, ok := mayImport[tree]; ok {
			return tree
		}
	}

	return "."
}

func within(name string, allowed []string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		tree, below := strings.CutSuffix(a, "/...")
		return name == tree || below && strings.HasPrefix(name, tree+"/")
	})
}

func begins(name string, trees []string) bool {
	return slices.ContainsFunc(trees, func(tree string) bool {
		return name == tree || strings.HasPrefix(name, tree+"/")
	})
}
