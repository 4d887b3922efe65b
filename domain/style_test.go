package domain_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	maxColumns  = 120 // of a line; a tab counts as four
	maxFunction = 80  // lines, from func through its closing brace
	maxLines    = 400 // of a file
	stepless    = 15  // lines that a function of fewPlain statements and more has without a blank one, at most
	fewPlain    = 6
	maxFile     = 256 << 10 // bytes, outside testdata
	maxMethods  = 30        // of a type that gives no reason for more
	mostMethods = 45        // of any type
)

// reason begins a line in the doc comment of a type with more than maxMethods.
const reason = "It has more than 30 methods because"

func TestLinesAreShort(t *testing.T) {
	for _, name := range measured(t) {
		for i, line := range strings.Split(read(t, name), "\n") {
			if n := utf8.RuneCountInString(line) + 3*strings.Count(line, "\t"); n > maxColumns {
				t.Errorf("%s:%d: %d columns, at most %d", name, i+1, n, maxColumns)
			}
		}
	}
}

func TestFunctionsAreShort(t *testing.T) {
	for _, name := range measured(t) {
		set, file := parse(t, name)
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			from := set.Position(f.Pos()).Line
			if n := set.Position(f.End()).Line - from + 1; n > maxFunction {
				t.Errorf("%s:%d: %s has %d lines, at most %d", name, from, f.Name.Name, n, maxFunction)
			}
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	for _, name := range measured(t) {
		if n := strings.Count(read(t, name), "\n"); n > maxLines {
			t.Errorf("%s has %d lines, at most %d: look for its second subject", name, n, maxLines)
		}
	}
}

// The steps of a function that has several stand apart.
func TestStepsStandApart(t *testing.T) {
	for _, name := range measured(t) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}

		lines := strings.Split(read(t, name), "\n")
		set, file := parse(t, name)
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil || len(f.Body.List) < fewPlain {
				continue
			}

			from, to := set.Position(f.Pos()).Line, set.Position(f.End()).Line
			apart := slices.ContainsFunc(lines[from:to], func(s string) bool { return strings.TrimSpace(s) == "" })
			if to-from >= stepless && !apart {
				t.Errorf("%s:%d: no blank line stands between the steps of %s", name, from, f.Name.Name)
			}
		}
	}
}

func TestTypesHaveFewMethods(t *testing.T) {
	type key struct{ dir, pkg, name string }
	methods, reasons := map[key]int{}, map[key]bool{}
	for _, name := range measured(t) {
		_, file := parse(t, name)
		dir, pkg := filepath.Dir(name), file.Name.Name
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv != nil {
					methods[key{dir, pkg, receiver(d.Recv.List[0].Type)}]++
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if s, ok := s.(*ast.TypeSpec); ok {
						reasons[key{dir, pkg, s.Name.Name}] = hasReason(d.Doc) || hasReason(s.Doc)
					}
				}
			}
		}
	}

	for k, n := range methods {
		switch {
		case n > mostMethods:
			t.Errorf("%s: type %s has %d methods, at most %d", k.dir, k.name, n, mostMethods)
		case n > maxMethods && !reasons[k]:
			t.Errorf("%s: type %s has %d methods: its comment needs a line %q", k.dir, k.name, n, reason)
		}
	}
}

func TestFilesAreSmall(t *testing.T) {
	for _, name := range files(t) {
		if strings.Contains("/"+name, "/testdata/") {
			continue
		}
		info, err := os.Stat(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > maxFile {
			t.Errorf("%s has %d bytes, at most %d outside testdata", name, info.Size(), maxFile)
		}
	}
}

// measured gives the Go files that the measures hold for, as paths from the root.
func measured(t *testing.T) (names []string) {
	t.Helper()
	for _, name := range files(t) {
		if strings.HasSuffix(name, ".go") {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		t.Fatal("no Go file is measured")
	}
	return names
}

// files gives the files of the project, as paths from the root: all that git does not ignore, or where there is no git
// all that lie there. It walks the folders in either case, so that a cached result is not taken for a tree in which a
// file has come or gone.
func files(t *testing.T) (names []string) {
	t.Helper()
	known := unignored()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // a server beside the test has taken a file away
			return nil
		}
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == ".git" {
				return fs.SkipDir
			}
			return nil
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, "../"))
		if d.Type().IsRegular() && name != ".git" && (known == nil || known[name]) {
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// unignored gives the files that git has or would take in, nil where there is no git.
func unignored() map[string]bool {
	git := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	git.Dir = ".."
	out, err := git.Output()
	if err != nil {
		return nil
	}
	known := map[string]bool{}
	for name := range strings.SplitSeq(string(out), "\x00") {
		known[name] = true
	}
	return known
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func parse(t *testing.T, name string) (*token.FileSet, *ast.File) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, read(t, name), parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return set, file
}

// receiver gives the name of a receiver's type, without pointer and type parameters.
func receiver(x ast.Expr) string {
	for {
		switch y := x.(type) {
		case *ast.StarExpr:
			x = y.X
		case *ast.IndexExpr:
			x = y.X
		case *ast.IndexListExpr:
			x = y.X
		case *ast.Ident:
			return y.Name
		default:
			return ""
		}
	}
}

func hasReason(doc *ast.CommentGroup) bool {
	for line := range strings.Lines(doc.Text()) {
		if strings.HasPrefix(line, reason) {
			return true
		}
	}
	return false
}
