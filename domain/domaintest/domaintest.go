// Package domaintest plays rules as given, when, then.
package domaintest

import (
	"errors"
	"reflect"
	"testing"

	"digitalpost/domain"
)

// A Scenario is one row of a rule book: after Given, When leads to Then, or is refused with Err's reason.
type Scenario[C any, E domain.Named] struct {
	Name  string
	Given []E
	When  C
	Then  []E
	Err   *domain.Rejection // matched by reason, and by version where one is given
}

// Run plays scenarios. What was decided is stored, read back and evolved, too.
func Run[C any, E domain.Named, S any](t *testing.T, d domain.Decider[C, E, S], codec domain.Codec[E], scenarios []Scenario[C, E]) {
	for _, sc := range scenarios {
		t.Run(sc.Name, func(t *testing.T) {
			state := domain.Fold(d, sc.Given...)
			got, err := d.Decide(state, sc.When)
			if sc.Err != nil {
				var r *domain.Rejection
				if !errors.As(err, &r) || r.Reason != sc.Err.Reason || sc.Err.Version != 0 && r.Version != sc.Err.Version {
					t.Fatalf("%+v: error = %v, want %v", sc.When, err, sc.Err)
				}
				return
			}
			if err != nil || len(got) != len(sc.Then) {
				t.Fatalf("%+v: got %+v, %v, want %+v", sc.When, got, err, sc.Then)
			}
			for i := range got {
				if !reflect.DeepEqual(got[i], sc.Then[i]) {
					t.Fatalf("event %d: got %+v, want %+v", i+1, got[i], sc.Then[i])
				}
				b, err := codec.Encode(got[i])
				if err != nil {
					t.Fatal(err)
				}
				back, err := codec.Decode(got[i].EventType(), b)
				if err != nil {
					t.Fatal(err)
				}
				again, err := codec.Encode(back)
				if err != nil || string(again) != string(b) {
					t.Fatalf("event %d does not read back: %+v, %v", i+1, back, err)
				}
				state = d.Evolve(state, back)
			}
		})
	}
}
