// Package problem turns what went wrong into answers: NgDP's ErrorMessage, as application/problem+json (RFC 9457). It
// is the one place where a reason becomes a status and a text, and the one place where a fault is logged.
package problem

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	berrors "go.etcd.io/bbolt/errors"

	"digitalpost/adapters/backbone/changes"
	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/eventstore"
	"digitalpost/projections/engine"
)

// An Error is an answer that is not 2xx.
type Error struct {
	Status  int
	Code    string
	Message string
	Fields  []Field
	Version uint32 // of the thing as it stands, where the caller knew another; 0: none
	Retry   int    // seconds, for Retry-After; 0: none
}

func (e *Error) Error() string { return e.Code }

// A Field is a rule that a part of the request broke.
type Field struct {
	Resource string `json:"resource,omitempty"`
	Field    string `json:"field"`
	Code     string `json:"code"`
	Message  string `json:"message"`
}

// New makes an answer that names no field.
func New(status int, code, message string) *Error {
	return &Error{Status: status, Code: code, Message: message}
}

// BadField makes a 400 that names a field and its rule.
func BadField(field, code, rule string) *Error {
	return &Error{
		Status:  http.StatusBadRequest,
		Code:    code,
		Message: field + " " + rule,
		Fields:  []Field{{Field: field, Code: code, Message: rule}},
	}
}

// Of turns any error into an answer. A fault becomes 500 and is shown to nobody. It looks through wrapped errors.
func Of(err error) *Error {
	var e *Error
	var form *memo.FormError
	var rejection *domain.Rejection
	var limited *core.LimitedError
	var damage *engine.DamagedError
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &form):
		first := form.Errors[0]
		out := New(400, first.Code, "the MeMo is not valid: "+strings.TrimPrefix(first.Path+": ", ": ")+first.Rule)
		for _, f := range form.Errors {
			out.Fields = append(out.Fields, Field{Resource: "MeMo", Field: f.Path, Code: f.Code, Message: f.Rule})
		}
		return out
	case errors.As(err, &rejection):
		r, ok := reasons[rejection.Reason]
		if rule, known := memo.RuleOf(string(rejection.Reason)); !ok && known {
			r.status, r.text = 422, rule.Text
		} else if !ok {
			r.status, r.text = 422, string(rejection.Reason)
		}
		out := &Error{Status: r.status, Code: string(rejection.Reason), Message: r.text, Version: rejection.Version}
		if f := fieldOf[rejection.Reason]; f != "" {
			out.Fields = []Field{{Field: f, Code: out.Code, Message: r.text}}
		}
		return out
	case errors.As(err, &limited) && limited.What == core.LimitRequests:
		return later(429, int(limited.Retry/time.Second)+1, "requests.too.many",
			"too much was asked of others today, or of this one")
	case errors.As(err, &limited):
		return later(429, int(limited.Retry/time.Second)+1, "lookups.too.many",
			"too many numbers were asked for that nobody has, or that are another's")
	case errors.As(err, &damage):
		return later(503, 30, "view.damaged", "what is shown was damaged, and is being made anew from the log")
	case errors.Is(err, core.ErrTooLarge):
		return New(413, "memo.too.large", "a MeMo has at most 99,500,000 bytes")
	case errors.Is(err, core.ErrNotFound):
		return New(404, "not.found", "there is no such thing, or not for you")
	case errors.Is(err, core.ErrForbidden):
		return New(403, "forbidden", "this mailbox is not yours")
	case errors.Is(err, core.ErrKeyReused):
		return New(422, "idempotency.key.reused", "the Idempotency-Key was used for another command")
	case errors.Is(err, changes.ErrTooMany):
		return later(429, 15, "too.many.streams", "a person has at most 64 open streams of changes, and a platform 16")
	case errors.Is(err, core.ErrParked):
		return later(503, 60, "mailbox.parked", "the mailbox can't be shown before an operator has looked at it")
	case errors.Is(err, core.ErrNoRoom), errors.Is(err, eventstore.ErrDiskFull):
		return later(503, 60, "storage.full", "there is no room for more")
	case errors.Is(err, eventstore.ErrClock):
		return later(503, 60, "clock.not.trusted", "the server's clock has jumped; an operator must confirm it")
	case errors.Is(err, eventstore.ErrConflict):
		return later(503, 1, "busy", "others change the same thing, try again")
	case errors.Is(err, eventstore.ErrClosed), errors.Is(err, berrors.ErrDatabaseNotOpen): // the keys' or a view's file
		return later(503, 5, "closed", "the server is going down")
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return later(503, 60, "storage.full", "there is no room for more")
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return later(503, 5, "busy", "others change the same thing, try again")
	case errors.Is(err, syscall.EIO):
		return later(503, 60, "storage.failed", "the disk has failed to take or give something; try again")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return New(503, "cancelled", "the request ended before its answer")
	}

	return New(500, "internal.error", "something went wrong here, and has been noted")
}

// later makes an answer to one who may try again in so many seconds.
func later(status, seconds int, code, message string) *Error {
	return &Error{Status: status, Code: code, Message: message, Retry: seconds}
}

// Write answers with an error, and logs it if it is a fault.
func Write(w http.ResponseWriter, log *slog.Logger, err error) {
	e := Of(err)
	if e.Status == 500 {
		log.Error("request failed", "error", err)
	}

	body := map[string]any{
		"type":    "about:blank",
		"title":   http.StatusText(e.Status),
		"status":  e.Status,
		"code":    e.Code,
		"message": e.Message,
		"detail":  e.Message,
	}
	if e.Fields != nil {
		body["fieldErrors"] = e.Fields
	} else {
		body["fieldErrors"] = []Field{}
	}

	h := w.Header()
	if e.Version != 0 {
		body["version"] = e.Version
		h.Set("ETag", ETag(e.Version))
	}
	if e.Retry > 0 {
		h.Set("Retry-After", strconv.Itoa(e.Retry))
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(body) // a client that went away needs no answer
}

// Versioned answers with a resource, and its version as the ETag.
func Versioned(w http.ResponseWriter, status int, version uint32, v any) {
	w.Header().Set("ETag", ETag(version))
	JSON(w, status, v)
}

// ETag is how a version is written.
func ETag(version uint32) string { return `"` + strconv.FormatUint(uint64(version), 10) + `"` }

// JSON answers with a value.
func JSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // as above
}

// ReadJSON reads a JSON value of at most so many bytes, in which no member stands twice. What breaks that is a bad
// body, by the rule that is given; an error of reading is the body's own.
func ReadJSON(body io.Reader, most int64, into any, rule string) error {
	raw, err := io.ReadAll(io.LimitReader(body, most+1))
	if err != nil {
		return err
	}

	if int64(len(raw)) > most || json.Unmarshal(raw, into) != nil {
		return BadField("body", "body.not.valid", rule)
	}
	if name := Repeated(raw); name != "" {
		name = strings.ToValidUTF8(name[:min(len(name), 64)], "?")
		return BadField(name, "field.repeated", "stands twice in an object")
	}

	return nil
}

// IfMatch reads If-Match: 3, "3", W/"3" or *; 0 for any version.
func IfMatch(r *http.Request) (uint32, error) {
	s := strings.Trim(strings.TrimPrefix(strings.TrimSpace(r.Header.Get("If-Match")), "W/"), `"`)
	if s == "" || s == "*" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 0 {
		return 0, BadField("If-Match", "header.not.valid", "must be a version, in quotes or not, or *")
	}
	return uint32(n), nil
}

// Only refuses a parameter that a list does not have.
func Only(r *http.Request, names ...string) error {
	for _, name := range slices.Sorted(maps.Keys(r.URL.Query())) {
		if !slices.Contains(names, name) {
			name = strings.ToValidUTF8(name[:min(len(name), 64)], "?")
			return BadField(name, "parameter.not.valid", "is no parameter of this list")
		}
	}

	return nil
}

// Page reads page and size: from 0, and 1 to 1,000 with 100 as its default.
func Page(r *http.Request) (page, size int, err error) {
	q := r.URL.Query()
	size = 100
	if s := q.Get("page"); s != "" {
		if page, err = strconv.Atoi(s); err != nil || page < 0 || page > 1<<30 {
			return 0, 0, BadField("page", "parameter.not.valid", "must be a number from 0")
		}
	}
	if s := q.Get("size"); s != "" {
		if size, err = strconv.Atoi(s); err != nil || size < 1 || size > 1000 {
			return 0, 0, BadField("size", "parameter.not.valid", "must be a number from 1 to 1,000")
		}
	}
	return page, size, nil
}
