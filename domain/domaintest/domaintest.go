// Package domaintest plays rules as given, when, then.
package domaintest

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"digitalpost/domain"
)

// A Scenario is one row of a rule book: after Given, When leads to Then, or is refused with Err's reason. C is the
// command, and O the order that a command becomes once it is said who gives it.
type Scenario[C, O any, E domain.Event] struct {
	Name     string
	Given    []E
	Recorded time.Time // when Given was recorded; zero: no rule of the row asks
	When     C
	Order    func(C) O // how this row's command is given; nil: as the book's are
	Then     []E
	Err      *domain.Rejection // matched by reason, and by version where one is given
}

// Ordered gives the row's order: by the row's own Order, or by the book's.
func (sc Scenario[C, O, E]) Ordered(book func(C) O) O {
	if sc.Order != nil {
		return sc.Order(sc.When)
	}

	return book(sc.When)
}

// moment is when the row's event of an index happened.
func (sc Scenario[C, O, E]) moment(i int, e E) domain.Moment {
	return domain.Moment{Position: uint64(i + 1), Recorded: sc.Recorded, Type: e.EventType()}
}

// State gives the state that a row's command is decided on, another one with each call.
func State[C, O any, E domain.Event, S any](d domain.Decider[O, E, S], sc Scenario[C, O, E]) S {
	state := d.Initial()
	for i, e := range sc.Given {
		state = d.Evolve(state, e, sc.moment(i, e))
	}

	return state
}

// Run plays the rows of a rule book, each as a subtest; order says how a command is given where a row does not. What
// was decided is stored, read back and evolved, too; deciding leaves the state as it was.
func Run[C, O any, E domain.Event, S any](
	t *testing.T, d domain.Decider[O, E, S], codec domain.Codec[E], order func(C) O, rows []Scenario[C, O, E],
) {
	t.Helper()
	named := map[string]bool{}

	for _, sc := range rows {
		if named[sc.Name] {
			t.Errorf("two rows are called %q", sc.Name)
		}
		named[sc.Name] = true

		t.Run(sc.Name, func(t *testing.T) {
			state := State(d, sc)
			got, err := d.Decide(state, sc.Ordered(order))
			if was := State(d, sc); !reflect.DeepEqual(state, was) {
				t.Fatalf("Decide(%+v) left the state as %+v, want %+v", sc.When, state, was)
			}

			if sc.Err != nil {
				sc.refused(t, got, err)
				return
			}

			if err != nil || len(got) != len(sc.Then) {
				t.Fatalf("Decide(%+v) = %+v, %v, want %+v", sc.When, got, err, sc.Then)
			}

			for i, e := range got {
				if !reflect.DeepEqual(e, sc.Then[i]) {
					t.Fatalf("Decide(%+v): event %d = %+v, want %+v", sc.When, i+1, e, sc.Then[i])
				}

				_ = e.Effect() // it holds for whatever may be decided
				back := ReadBack(t, codec, e)
				state = d.Evolve(state, back, sc.moment(len(sc.Given)+i, back))
			}
		})
	}
}

// refused fails the test unless the row's command was refused as the row says, with no events.
func (sc Scenario[C, O, E]) refused(t *testing.T, got []E, err error) {
	t.Helper()

	var r *domain.Rejection
	if !errors.As(err, &r) || r.Reason != sc.Err.Reason || sc.Err.Version != 0 && r.Version != sc.Err.Version {
		t.Fatalf("Decide(%+v) = %+v, %v, want %v at version %d", sc.When, got, err, sc.Err, sc.Err.Version)
	}

	if len(got) != 0 {
		t.Fatalf("Decide(%+v) is refused, and gives %+v, want no events", sc.When, got)
	}
}

// ReadBack stores an event and gives it as it is read. One that does not store the same again fails the test.
func ReadBack[E domain.Event](t testing.TB, codec domain.Codec[E], e E) E {
	t.Helper()

	stored, err := codec.Encode(e)
	if err != nil {
		t.Fatalf("Encode(%+v) = %v", e, err)
	}

	back, err := codec.Decode(e.EventType(), stored)
	if err != nil {
		t.Fatalf("Decode(%s) = %v, of %+v", e.EventType(), err, e)
	}

	again, err := codec.Encode(back)
	if err != nil || string(again) != string(stored) {
		t.Fatalf("Encode of %+v, read back = %x, %v, want %x", back, again, err, stored)
	}

	return back
}

// Refused gives the rejection for a reason, as a row expects it.
func Refused(r domain.Reason) *domain.Rejection { return &domain.Rejection{Reason: r} }

// Stale gives the rejection of one who knows another version than the one a thing stands at.
func Stale(now uint32) *domain.Rejection {
	return &domain.Rejection{Reason: domain.StaleVersion, Version: now}
}

// A Judgement is a row of a table of facts that are judged with no state: what came of it, and the reason that was
// expected, empty for none.
type Judgement struct {
	Name string
	Got  error
	Want domain.Reason
}

// Judge compares judgements with what was expected, each as a subtest.
func Judge(t *testing.T, rows []Judgement) {
	t.Helper()

	for _, row := range rows {
		t.Run(row.Name, func(t *testing.T) {
			got, refused := domain.Refused(row.Got)
			if got != row.Want || !refused && row.Got != nil {
				t.Errorf("got %v, want %q", row.Got, row.Want)
			}
		})
	}
}

// Reasons fails the test for each reason that no row expects and that is not excused, and for each excuse that is not
// needed. An excuse says where the reason is tested instead.
func Reasons(t *testing.T, all []domain.Reason, expected []domain.Reason, excused map[domain.Reason]string) {
	t.Helper()

	seen, known := map[domain.Reason]bool{}, map[domain.Reason]bool{}
	for _, r := range expected {
		seen[r] = true
	}

	for name, r := range declared(t) {
		if !slices.Contains(all, r) {
			t.Errorf("%s, %s, is not listed among the reasons", name, r)
		}
	}

	for _, r := range all {
		known[r] = true
		switch why, ok := excused[r]; {
		case seen[r] && ok:
			t.Errorf("%s is excused (%s), and a row expects it", r, why)
		case !seen[r] && !ok:
			t.Errorf("no row expects %s", r)
		}
	}

	for r := range excused {
		if !known[r] {
			t.Errorf("%s is excused, and is no reason", r)
		}
	}
}

// declared gives the constants of type domain.Reason, by name, from the source of the package under test.
func declared(t *testing.T) map[string]domain.Reason {
	t.Helper()

	out := map[string]domain.Reason{}
	for _, f := range sources(t) {
		ast.Inspect(f, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}

			if s, ok := v.Type.(*ast.SelectorExpr); ok && s.Sel.Name == "Reason" && len(v.Values) == 1 {
				if lit, ok := v.Values[0].(*ast.BasicLit); ok {
					out[v.Names[0].Name] = domain.Reason(strings.Trim(lit.Value, `"`))
				}
			}

			return false
		})
	}

	return out
}

// sources parses the files of the package under test.
func sources(t *testing.T) (out []*ast.File) {
	t.Helper()

	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}

	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}

		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}

	return out
}

// TypesWith gives the names of the types that have a method, from the source of the package under test, so that a type
// which no row has is found.
func TypesWith(t *testing.T, method string) (names []string) {
	t.Helper()

	for _, f := range sources(t) {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Name.Name != method {
				continue
			}

			if name, ok := fn.Recv.List[0].Type.(*ast.Ident); ok {
				names = append(names, name.Name)
			}
		}
	}

	if len(names) == 0 {
		t.Errorf("no type of the package has a method %s", method)
	}

	return names
}

// Accepted fails the test for each type with the method decide that no row accepts. What is excused is as the commands
// that it holds are.
func Accepted[C, O any, E domain.Event](t *testing.T, rows []Scenario[C, O, E], excused ...string) {
	t.Helper()

	accepted := map[string]bool{}
	for _, sc := range rows {
		if sc.Err == nil {
			accepted[reflect.TypeOf(sc.When).Name()] = true
		}
	}

	for _, name := range TypesWith(t, "decide") {
		if !accepted[name] && !slices.Contains(excused, name) {
			t.Errorf("no row accepts a %s", name)
		}
	}
}
