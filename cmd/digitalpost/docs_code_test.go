package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A tree is the module's Go files, parsed, by their path from the root.
type tree map[string]*ast.File

// parse reads every Go file of the module, tests too, but those of testdata.
func parse(t *testing.T) tree {
	t.Helper()
	out := tree{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (d.Name()[0] == '.' || d.Name() == "testdata" || d.Name() == "var"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		out[filepath.ToSlash(strings.TrimPrefix(path, root+"/"))] = f
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// code gives the files that are no tests.
func (tr tree) code() tree {
	out := maps.Clone(tr)
	maps.DeleteFunc(out, func(path string, _ *ast.File) bool { return strings.HasSuffix(path, "_test.go") })
	return out
}

// pkg gives the name by which the pages call a file's package: the last element of its folder, cmd for the program.
func pkg(path string) string {
	if strings.HasPrefix(path, "cmd/") {
		return "cmd"
	}
	return filepath.Base(filepath.Dir(path))
}

// declared gives, by package, the names that are declared at the top of its files.
func (tr tree) declared() map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for path, f := range tr {
		names := out[pkg(path)]
		if names == nil {
			names = map[string]bool{}
			out[pkg(path)] = names
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				names[d.Name.Name] = names[d.Name.Name] || d.Recv == nil
			case *ast.GenDecl:
				for _, name := range declaredBy(d) {
					names[name] = true
				}
			}
		}
	}
	return out
}

// declaredBy gives the names of one declaration's types, constants and variables.
func declaredBy(d *ast.GenDecl) (names []string) {
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			names = append(names, s.Name.Name)
		case *ast.ValueSpec:
			for _, n := range s.Names {
				names = append(names, n.Name)
			}
		}
	}
	return names
}

// A constant is a string that has a name: its value, and the name of its type if one is given.
type constant struct{ typed, text string }

// stringsOf gives a file's constants that are strings, by name.
func stringsOf(f *ast.File) map[string]constant {
	out := map[string]constant{}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			for i, name := range v.Names {
				if i >= len(v.Values) {
					continue
				}
				if text, whole := literal(v.Values[i]); whole {
					out[name.Name] = constant{lastName(v.Type), text}
				}
			}
		}
	}
	return out
}

// lastName gives the name of an identifier, or of what is selected; empty for any other expression.
func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// literal gives a string as it stands in the code, with … for what is put together when it runs. The string is whole if
// nothing is.
func literal(e ast.Expr) (text string, whole bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, lok := literal(e.X)
		right, rok := literal(e.Y)
		return strings.ReplaceAll(left+right, "……", "…"), lok && rok
	}
	return "…", false
}
