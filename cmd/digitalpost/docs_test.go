package main_test

import (
	"go/ast"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"digitalpost/projections/platform"
)

const (
	root   = "../.."
	readme = root + "/README.md"
)

// pages gives README and the pages beside it, by path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("docs/*.md")
	if err != nil || len(paths) == 0 {
		t.Fatalf("docs has %d pages, %v", len(paths), err)
	}

	out := map[string]string{}
	for _, path := range append(paths, readme) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[path] = string(b)
	}
	return out
}

var testName = regexp.MustCompile("`(?:([a-z]+): )?((?:Test|Benchmark|Fuzz)[A-Z]\\w*)`")

// Every test that a page names is there, in the package that it names.
func TestNamedTestsAreThere(t *testing.T) {
	tests := parse(t)
	maps.DeleteFunc(tests, func(path string, _ *ast.File) bool { return !strings.HasSuffix(path, "_test.go") })
	there := tests.declared()

	named := 0
	for path, text := range pages(t) {
		for _, m := range testName.FindAllStringSubmatch(text, -1) {
			named++
			switch in, name := m[1], m[2]; {
			case in == "":
				t.Errorf("%s names %s without its package: write `package: %s`", path, name, name)
			case !there[in][name]:
				t.Errorf("%s: %s has no test %s; %v have one", path, in, name, packagesWith(there, name))
			}
		}
	}
	if named < 50 {
		t.Errorf("the pages name %d tests: the pattern finds them no more", named)
	}
}

func packagesWith(declared map[string]map[string]bool, name string) (in []string) {
	for p, names := range declared {
		if names[name] {
			in = append(in, p)
		}
	}
	slices.Sort(in)
	return in
}

var goName = regexp.MustCompile("`([a-z]+)\\.([A-Z]\\w*)`")

// Every name of Go that a page uses, as mailbox.Message, is declared.
func TestNamedTypesAreThere(t *testing.T) {
	there := parse(t).code().declared()
	for path, text := range pages(t) {
		for _, m := range goName.FindAllStringSubmatch(text, -1) {
			if !there[m[1]][m[2]] {
				t.Errorf("%s: %s declares no %s; %v do", path, m[1], m[2], packagesWith(there, m[2]))
			}
		}
	}
}

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noAnchor = regexp.MustCompile(`[^a-z0-9 _-]`)
	ownPath  = regexp.MustCompile("`((?:domain|eventstore|projections|adapters|cmd|testdata)/[\\w./-]+)`")
)

// Every file and heading that a link leads to is there, and so is every path that is written as one.
func TestLinksLeadSomewhere(t *testing.T) {
	for path, text := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			to, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(to, "://") {
				continue
			}
			target := filepath.Join(filepath.Dir(path), to)
			if to == "" {
				target = path
			}
			b, err := os.ReadFile(target)
			if _, serr := os.Stat(target); serr != nil || anchor != "" && err != nil {
				t.Errorf("%s links to %s, which is not there", path, m[1])
			} else if anchor != "" && !slices.Contains(anchors(string(b)), anchor) {
				t.Errorf("%s links to %s: that page has no such heading", path, m[1])
			}
		}
		for _, m := range ownPath.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s speaks of %s, which is not there", path, m[1])
			}
		}
	}
}

func anchors(text string) (out []string) {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		out = append(out, strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return out
}

// README is short, no line is long but a table's, and no page is left out of README.
func TestPagesAreReadable(t *testing.T) {
	all := pages(t)
	if n := len(strings.Fields(all[readme])); n > 1500 {
		t.Errorf("README has %d words, at most 1,500 are wanted: move something to a page of its own", n)
	}
	for path, text := range all {
		for i, line := range strings.Split(text, "\n") {
			if n := utf8.RuneCountInString(line); n > 120 && !strings.HasPrefix(line, "|") {
				t.Errorf("%s:%d has %d columns, at most 120 are wanted", path, i+1, n)
			}
		}
		if path != readme && !strings.Contains(all[readme], "("+"cmd/digitalpost/"+filepath.ToSlash(path)+")") {
			t.Errorf("README has no link to %s", path)
		}
	}
}

// Every folder, down to the packages' own, stands in README's layout.
func TestLayoutIsWhole(t *testing.T) {
	_, layout, _ := strings.Cut(pages(t)[readme], "## Layout")
	layout, _, _ = strings.Cut(layout, "\n## ")
	patterns := "* cmd/* cmd/digitalpost/* domain/* eventstore/* projections/* adapters/*"
	for _, pattern := range strings.Fields(patterns) {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			name := filepath.Base(path)
			st, err := os.Stat(path)
			if err != nil || !st.IsDir() || name[0] == '.' || name == "var" || name == "var.keys" {
				continue
			}
			if !regexp.MustCompile(`(^|\W)` + regexp.QuoteMeta(name) + `/`).MatchString(layout) {
				t.Errorf("README's layout does not have %s/", strings.TrimPrefix(filepath.ToSlash(path), root+"/"))
			}
		}
	}
}

// Every type that is a projection is named where All lists them: one that is not would never run.
func TestProjectionsRun(t *testing.T) {
	code := parse(t).code()
	listed := selectorsIn(code["projections/projections.go"], "All")

	found := 0
	for path, f := range code {
		if dir := filepath.Dir(path); strings.HasPrefix(dir, "projections/") {
			for name := range projectionsOf(f) {
				found++
				if !slices.Contains(listed, filepath.Base(dir)+"."+name) {
					t.Errorf("%s: %s is not in projections.All", path, name)
				}
			}
		}
	}
	if found == 0 {
		t.Error("no projection was found: they have a method Apply of three arguments")
	}
}

// projectionsOf gives the types of a file that have a projection's method Apply.
func projectionsOf(f *ast.File) map[string]bool {
	out := map[string]bool{}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv == nil || fn.Name.Name != "Apply" || fn.Type.Params.NumFields() != 3 {
			continue
		}
		recv := fn.Recv.List[0].Type
		if p, ok := recv.(*ast.StarExpr); ok {
			recv = p.X
		}
		if name, ok := recv.(*ast.Ident); ok {
			out[name.Name] = true
		}
	}
	return out
}

// selectorsIn gives what a file's function of a name selects, as package.Name.
func selectorsIn(f *ast.File, name string) (out []string) {
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == name {
			ast.Inspect(fn, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					out = append(out, lastName(s.X)+"."+s.Sel.Name)
				}
				return true
			})
		}
	}
	return out
}

// Every platform has golden views, and every folder of them is a platform's.
func TestPlatformsAreListed(t *testing.T) {
	var want []string
	for _, p := range platform.All {
		want = append(want, p.ID)
	}
	folders, err := os.ReadDir(filepath.Join(root, "testdata", "views"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range folders {
		got = append(got, f.Name())
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("platforms %v, and golden views of %v", want, got)
	}
}
