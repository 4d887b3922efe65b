package backbone_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A hall is the functions of the subjects' packages, by package and name, and what each calls: a name in its own
// package, or in that of the field through which it is called.
type hall map[string]map[string]bool

// appends are the names by which the log is written: core's two ways for commands, and a handler's.
var appends = []string{"Execute", "ByMachine"}

// reads are exported methods that only read, though a name that they call is also that of one which appends.
var reads = map[string]string{
	"access.Of":             "the Grant that it calls is the view's",
	"backbone.Backup":       "the Open that it calls is the file's",
	"proposals.Approve":     "it is tested with Propose, which approves in development",
	"proposals.RunCarryOut": "it is tested with Propose, which carries out in development",
	"proposals.Withdraw":    "in development nothing waits to be withdrawn: tested with two operators",
}

// readHall parses this package and the subjects below it. The core is what they stand on, and no subject.
func readHall(t *testing.T) (h hall, exported []string) {
	t.Helper()

	h = hall{}
	subjects := []string{"backbone"}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}

	for _, e := range entries {
		if e.IsDir() && e.Name() != "core" && e.Name() != "backbonetest" {
			subjects = append(subjects, e.Name())
		}
	}

	for _, subject := range subjects {
		dir := subject
		if subject == "backbone" {
			dir = "."
		}

		names, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}

		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}

			f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			exported = append(exported, h.read(subject, subjects, f)...)
		}
	}

	return h, exported
}

// read takes the functions of a file in, and gives the exported methods among them.
func (h hall) read(subject string, subjects []string, f *ast.File) (exported []string) {
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}

		name := subject + "." + fn.Name.Name
		if fn.Name.IsExported() && ast.IsExported(receiver(fn)) {
			exported = append(exported, name)
		}

		if h[name] == nil {
			h[name] = map[string]bool{}
		}

		ast.Inspect(fn.Body, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				h[name][called(subject, subjects, call.Fun)] = true
			}

			return true
		})
	}

	return exported
}

// receiver gives the name of the type that a method is of; empty for a function.
func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return ""
	}

	of := fn.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	name, _ := of.(*ast.Ident)

	return name.Name
}

// called names what is called: package and function, or the bare name of what appends.
func called(subject string, subjects []string, fun ast.Expr) string {
	switch fun := fun.(type) {
	case *ast.Ident:
		return subject + "." + fun.Name
	case *ast.SelectorExpr:
		if slices.Contains(appends, fun.Sel.Name) {
			return fun.Sel.Name
		}

		if field, ok := fun.X.(*ast.SelectorExpr); ok && slices.Contains(subjects, field.Sel.Name) {
			return field.Sel.Name + "." + fun.Sel.Name
		}

		return subject + "." + fun.Sel.Name
	}

	return ""
}

// appends reports whether a function comes to what appends, by whatever way.
func (h hall) appends(name string, seen map[string]bool) bool {
	if slices.Contains(appends, name) {
		return true
	}

	if seen[name] {
		return false
	}
	seen[name] = true

	for next := range h[name] {
		if h.appends(next, seen) {
			return true
		}
	}

	return false
}

// Whatever writes the log is in the table of operations, so that who acts is tested of it; and the table has nothing
// else.
func TestEveryOperationThatAppendsIsInTheTable(t *testing.T) {
	t.Parallel()

	h, exported := readHall(t)
	var want []string
	for _, name := range exported {
		if reads[name] == "" && h.appends(name, map[string]bool{}) {
			want = append(want, name)
		}
	}

	if len(want) < 40 {
		t.Fatalf("only %d operations are found that append: %v", len(want), want)
	}

	tested := map[string]bool{}
	for _, part := range table() {
		for _, o := range part {
			tested[o.name] = true
		}
	}

	for _, name := range want {
		if !tested[name] {
			t.Errorf("%s appends, and is not in the table", name)
		}
		delete(tested, name)
	}

	for name := range tested {
		t.Errorf("%s is in the table, and appends nothing that is found", name)
	}
}
