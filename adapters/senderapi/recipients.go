package senderapi

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/organisations"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
)

// waiting lists what people wrote to the recipient system and it has not deleted, oldest first.
func (a *api) waiting(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	if err := problem.Only(r, "page", "size"); err != nil {
		return err
	}

	page, size, err := problem.Page(r)
	if err != nil {
		return err
	}

	list, total, err := a.b.Handover.Waiting(sys, page, size)
	if err != nil {
		return err
	}

	ids := []string{}
	for _, id := range list {
		ids = append(ids, id.String())
	}

	problem.JSON(w, http.StatusOK, idsOf(ids, page, size, total))
	return nil
}

func memoUUID(r *http.Request) (domain.UUID, error) {
	uuid, err := domain.ParseUUID(r.PathValue("uuid"))
	if err != nil {
		return uuid, core.ErrNotFound
	}
	return uuid, nil
}

// fetch gives one MeMo, as a file with its UUID's name.
func (a *api) fetch(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	uuid, err := memoUUID(r)
	if err != nil {
		return err
	}

	in, err := a.b.Handover.Fetch(r.Context(), sys, uuid)
	if err != nil {
		return err
	}

	defer in.Close()
	h := w.Header()
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Disposition", `attachment; filename="`+uuid.String()+`.xml"`)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "private, no-store")
	if _, err := io.Copy(w, in); err != nil {
		a.log.Error("a MeMo was cut off", "message", uuid.String(), "error", err)
		panic(http.ErrAbortHandler) // the receiver must not take it for the whole
	}

	return nil
}

// takeOrRecall deletes what waits for the recipient system; of what the system itself sent, it recalls what is
// scheduled.
func (a *api) takeOrRecall(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	uuid, err := memoUUID(r)
	if err != nil {
		return err
	}
	if err = a.b.Handover.Take(r.Context(), sys, uuid); errors.Is(err, core.ErrNotFound) {
		err = a.b.Intake.Recall(r.Context(), sys, uuid)
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// acknowledge takes a business receipt in.
func (a *api) acknowledge(w http.ResponseWriter, r *http.Request, sys organisations.System) error {
	uuid, err := memoUUID(r)
	if err != nil {
		return err
	}

	var in businessReceipt
	if err := problem.ReadJSON(r.Body, 64<<10, &in, "must be a Receipt, a JSON object of at most 64 KiB"); err != nil {
		return err
	}

	switch in.Status {
	case "COMPLETED", "INVALID", "NOT_ALLOWED":
	case "RECEIVED": // that it was fetched is recorded already
		if err := a.b.Handover.Received(sys, uuid); err != nil {
			return err
		}
		w.WriteHeader(http.StatusOK)
		return nil
	default:
		return problem.BadField("receiptStatus", "field.not.valid",
			"must be COMPLETED, INVALID or NOT_ALLOWED, or RECEIVED, which says nothing new")
	}

	if in.UUID != "" && !strings.EqualFold(in.UUID, uuid.String()) {
		return problem.BadField("messageUUID", "field.not.valid", "must be that of the path")
	}

	var words content.Answer
	for name, s := range map[string]*string{"errorCode": in.Code, "errorMessage": in.Text} {
		if s != nil && utf8.RuneCountInString(*s) > 512 {
			return problem.BadField(name, "field.not.valid", "must be at most 512 characters long")
		}
	}

	if in.Code != nil {
		words.Code = *in.Code
	}

	if in.Text != nil {
		words.Text = *in.Text
	}

	if err := a.b.Handover.Acknowledge(r.Context(), sys, uuid, in.Status, words); err != nil {
		return err
	}

	w.WriteHeader(http.StatusOK)
	return nil
}
