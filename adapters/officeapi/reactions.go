package officeapi

import (
	"net/http"

	"digitalpost/adapters/backbone/proposals"
	"digitalpost/adapters/problem"
)

// Effects are what must happen outside, and has not. Of one that is not there core.ErrNotFound is the error.
type Effects interface {
	// List gives at most most of them, those that were set aside alone if poisoned says so.
	List(poisoned bool, most int) ([]Effect, error)
	Show(id string) (Effect, error)
	Retry(id string) (Effect, error) // at once, also one that was set aside
	Drop(id string) (Effect, error)  // it is never tried again
}

// An Effect is something that must happen outside, because of an event.
type Effect struct {
	ID       string `json:"id"`
	Kind     string `json:"kind"`
	Receiver string `json:"receiver"`
	Position uint64 `json:"position"` // of the event that it follows from
	Since    string `json:"since"`
	Attempts int    `json:"attempts"`
	Next     string `json:"next,omitempty"` // when it is tried again
	Poisoned bool   `json:"poisoned"`       // it was set aside, and is tried no more
	Why      string `json:"why,omitempty"`  // it failed last
}

// An EffectList is effects that have not happened.
type EffectList struct {
	Effects []Effect `json:"effects"`
}

// maxEffects is how many effects are listed at once.
const maxEffects = 1000

func (a *api) listEffects(w http.ResponseWriter, r *http.Request, _ proposals.Operator) error {
	poisoned := r.URL.Query().Get("poisoned")
	if poisoned != "" && poisoned != "true" && poisoned != "false" {
		return problem.BadField("poisoned", "parameter.not.valid", "must be true or false")
	}

	all, err := a.effects.List(poisoned == "true", maxEffects)
	if err != nil {
		return err
	}
	problem.JSON(w, http.StatusOK, EffectList{append([]Effect{}, all...)})

	return nil
}

func (a *api) showEffect(w http.ResponseWriter, r *http.Request, _ proposals.Operator) error {
	return one(w, r, a.effects.Show)
}

func (a *api) retryEffect(w http.ResponseWriter, r *http.Request, _ proposals.Operator) error {
	return one(w, r, a.effects.Retry)
}

func (a *api) dropEffect(w http.ResponseWriter, r *http.Request, _ proposals.Operator) error {
	return one(w, r, a.effects.Drop)
}

// one answers with the effect that the path names, after something was done with it.
func one(w http.ResponseWriter, r *http.Request, do func(id string) (Effect, error)) error {
	e, err := do(r.PathValue("effect"))
	if err != nil {
		return err
	}
	problem.JSON(w, http.StatusOK, e)

	return nil
}
