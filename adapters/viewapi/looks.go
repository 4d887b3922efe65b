package viewapi

import (
	"net/http"

	"digitalpost/adapters/problem"
)

// looks lists who has seen the mailbox, newest first.
func (a accessHandlers) looks(w http.ResponseWriter, r request) error {
	number, size, err := readPage(r.Request)
	if err != nil {
		return err
	}

	all, total, err := a.b.Looks.List(r.Context(), r.p, r.box, number, size)
	if err != nil {
		return err
	}

	shown := []Look{}
	for _, l := range all {
		shown = append(shown, lookOf(l))
	}

	problem.JSON(w, http.StatusOK, LookSearchResult{page(len(shown), number, size, total), shown})
	return nil
}
