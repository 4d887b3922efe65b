package backbonetest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// askedIn gives the names of the types of which the package in a directory makes requests, sorted: those of what is
// given to Ask.Of and Ask.OfFolder, and to the package's own functions as a parameter that is named asked.
func askedIn(t *testing.T, dir string) (names []string) {
	t.Helper()

	r := requestReader{t: t, at: map[string]int{}, names: map[string]bool{}}
	for _, f := range goFiles(t, dir) {
		r.eachFunc(f, func(fn *ast.FuncDecl) {
			for i, p := range params(fn) {
				if p.name == "asked" {
					r.at[fn.Name.Name] = i
				}
			}
		})
	}

	for _, f := range goFiles(t, dir) {
		r.eachFunc(f, r.read)
	}

	for name := range r.names {
		names = append(names, name)
	}
	slices.Sort(names)

	return names
}

// goFiles parses the files of a package, but for its tests.
func goFiles(t *testing.T, dir string) (files []*ast.File) {
	t.Helper()

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
		files = append(files, f)
	}

	return files
}

// A requestReader finds what is asked for.
type requestReader struct {
	t     *testing.T
	at    map[string]int // by function: the place of its parameter asked
	names map[string]bool
}

func (r requestReader) eachFunc(f *ast.File, fn func(*ast.FuncDecl)) {
	for _, d := range f.Decls {
		if d, ok := d.(*ast.FuncDecl); ok && d.Body != nil {
			fn(d)
		}
	}
}

func (r requestReader) read(fn *ast.FuncDecl) {
	ast.Inspect(fn, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}

		s, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}

		of, _ := s.X.(*ast.Ident)
		if of != nil && of.Name == "ask" && (s.Sel.Name == "Of" || s.Sel.Name == "OfFolder") {
			r.note(fn, call.Args[0])
		} else if i, ok := r.at[s.Sel.Name]; ok {
			r.note(fn, call.Args[i])
		}

		return true
	})
}

// note notes the type of what is given.
func (r requestReader) note(fn *ast.FuncDecl, x ast.Expr) {
	r.t.Helper()

	switch x := x.(type) {
	case *ast.CompositeLit:
		r.named(fn, x.Type)
		return
	case *ast.Ident:
		if x.Name == "nil" {
			return
		}

		for _, p := range params(fn) {
			if p.name == x.Name {
				r.named(fn, p.of)
				return
			}
		}

		if value := assigned(fn, x.Name); value != nil {
			r.note(fn, value)
			return
		}
	}

	r.t.Errorf("%s: what it asks for is given in a way that is not understood", fn.Name.Name)
}

func (r requestReader) named(fn *ast.FuncDecl, of ast.Expr) {
	r.t.Helper()

	name, ok := of.(*ast.Ident)
	switch {
	case !ok:
		r.t.Errorf("%s: what it asks for has no type of the package's own", fn.Name.Name)
	case name.Name != "any": // any: its callers are read
		r.names[name.Name] = true
	}
}

// assigned gives the value that a function first gives to a variable; nil if it does not.
func assigned(fn *ast.FuncDecl, name string) (value ast.Expr) {
	ast.Inspect(fn, func(n ast.Node) bool {
		a, ok := n.(*ast.AssignStmt)
		if !ok || value != nil || len(a.Lhs) != len(a.Rhs) {
			return value == nil
		}

		for i, to := range a.Lhs {
			if id, ok := to.(*ast.Ident); ok && id.Name == name {
				value = a.Rhs[i]
			}
		}

		return true
	})

	return value
}

// A param is a function's parameter.
type param struct {
	name string
	of   ast.Expr
}

func params(fn *ast.FuncDecl) (out []param) {
	for _, f := range fn.Type.Params.List {
		for _, n := range f.Names {
			out = append(out, param{n.Name, f.Type})
		}
	}

	return out
}
