package viewapi

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"digitalpost/adapters/backbone/subscriptions"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/eventstore"
	"digitalpost/projections/mailboxes"
)

// platformHandlers serve a platform's own servers, which come with client credentials.
type platformHandlers struct{ *api }

func (a platformHandlers) register(r routes) {
	r.add("GET", "platform/snapshot", a.own(a.snapshot))
	r.add("GET", "platform/digest", a.own(a.digest))
	r.add("POST", "platform/attestations", a.own(a.attest))
}

// own finds the platform whose servers ask, and answers with the error of fn.
func (a platformHandlers) own(
	fn func(w http.ResponseWriter, r *http.Request, platform string) error,
) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		platform, _, err := a.who.Platform(r)
		if err == nil {
			err = fn(w, r, platform)
		}

		if err != nil {
			problem.Write(w, a.log, err)
		}
	}
}

// A snapshotBegin is the first line of a snapshot.
type snapshotBegin struct {
	Kind     string `json:"kind"`     // begin
	Position string `json:"position"` // from which to follow
	Shape    int    `json:"shape"`    // of the rows
}

// A snapshotEnd is the last line of a snapshot.
type snapshotEnd struct {
	Kind     string `json:"kind"`     // end
	Position string `json:"position"` // that the last part was read at: from there on the copy is equal
	Rows     int    `json:"rows"`     // lines between
	Parked   int    `json:"parked"`   // mailboxes that are left out
}

// snapshot is all that a platform may hold, a row a line.
func (a platformHandlers) snapshot(w http.ResponseWriter, r *http.Request, platform string) error {
	if err := checkShape(r); err != nil {
		return err
	}

	rows, ok := a.b.Subscriptions.Read(platform, r.URL.Query().Get("after"))
	if !ok {
		return problem.BadField("after", "key.not.valid", "must be the key of a row")
	}

	from, err := changeHandlers(a).position(r.URL.Query().Get("position"), "position")
	if err != nil {
		return err
	}

	first, err := rows.Next(r.Context())
	if err != nil {
		return err
	}

	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	s := &lines{w: bufio.NewWriterSize(w, streamBuffer), rc: http.NewResponseController(w)}
	id := func(p eventstore.Position) string { return a.b.Cursor(p).String() }
	s.json(snapshotBegin{"begin", id(from), mailboxes.Shape})

	n := 0
	for next := first; len(next) > 0 && s.err == nil; {
		for _, row := range next {
			s.line(row.JSON)
		}
		n += len(next)

		if s.flush(); s.err != nil {
			break
		}

		if err := a.who.StillGood(r); err != nil {
			panic(http.ErrAbortHandler) // broken off, so that nobody takes it for the whole
		}

		if next, err = rows.Next(r.Context()); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	s.json(snapshotEnd{"end", id(rows.Position), n, rows.Parked})

	if s.flush(); s.err != nil {
		panic(http.ErrAbortHandler)
	}

	return nil
}

// lines writes a line after another; the first error stands.
type lines struct {
	w   *bufio.Writer
	rc  *http.ResponseController
	err error
}

func (l *lines) line(b []byte) {
	if l.err == nil {
		l.w.Write(b)
		l.err = l.w.WriteByte('\n')
	}
}

func (l *lines) json(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // a struct of texts and numbers
	}
	l.line(b)
}

// flush gives who reads a while to take what there is.
func (l *lines) flush() {
	if l.err == nil {
		l.err = l.rc.SetWriteDeadline(time.Now().Add(writeWithin))
	}

	if l.err == nil {
		l.err = l.w.Flush()
	}
}

// checkShape refuses who has rows of another shape.
func checkShape(r *http.Request) error {
	s := r.URL.Query().Get("shape")
	if s == "" || s == strconv.Itoa(mailboxes.Shape) {
		return nil
	}

	if _, err := strconv.ParseUint(s, 10, 32); err != nil {
		return problem.BadField("shape", "parameter.not.valid", "must be the shape that a snapshot began with")
	}

	return shapeGone()
}

func shapeGone() error {
	return problem.New(http.StatusGone, "shape.gone",
		"the rows that platforms hold have another shape by now: take a snapshot")
}

// A Digest is of a platform's copy at a position.
type Digest struct {
	Position  string          `json:"position"`
	Digest    string          `json:"digest"` // hexadecimal
	Rows      uint64          `json:"rows"`
	Parked    int             `json:"parked"`              // mailboxes that are left out now
	Mailboxes []MailboxDigest `json:"mailboxes,omitempty"` // that were asked for, as they are now
}

// A MailboxDigest is of the rows of one mailbox as they are now.
type MailboxDigest struct {
	MailboxID domain.MailboxID `json:"mailboxId"`
	Position  string           `json:"position"`
	Digest    string           `json:"digest"`
	Rows      uint64           `json:"rows"`
}

// maxMailboxes is of how many mailboxes the digests can be asked for at once.
const maxMailboxes = 1000

// digest is for those who have said theirs.
func (a platformHandlers) digest(w http.ResponseWriter, r *http.Request, platform string) error {
	at, err := changeHandlers(a).position(r.URL.Query().Get("position"), "position")
	if err != nil {
		return err
	}

	boxes := r.URL.Query()["mailbox"]
	if len(boxes) > maxMailboxes {
		return problem.BadField("mailbox", "too.many", fmt.Sprintf("may be given %d times", maxMailboxes))
	}

	d, err := a.b.Subscriptions.Digest(r.Context(), platform, at)
	if err != nil {
		return digestProblem(err)
	}
	id := func(p eventstore.Position) string { return a.b.Cursor(p).String() }
	out := Digest{
		Position: id(d.Position), Digest: hex.EncodeToString(d.Sum.Hash[:]), Rows: d.Sum.Rows, Parked: d.Parked,
	}

	for _, s := range boxes {
		box, err := domain.ParseUUID(s)
		if err != nil {
			return problem.BadField("mailbox", "parameter.not.valid", "must be a mailbox's id")
		}

		d, err := a.b.Subscriptions.Of(r.Context(), platform, at, box)
		if err != nil {
			return digestProblem(err)
		}
		out.Mailboxes = append(out.Mailboxes, MailboxDigest{
			MailboxID: box, Position: id(d.Position), Digest: hex.EncodeToString(d.Sum.Hash[:]), Rows: d.Sum.Rows,
		})
	}

	problem.JSON(w, http.StatusOK, out)

	return nil
}

func digestProblem(err error) error {
	switch {
	case errors.Is(err, subscriptions.ErrNotAttested):
		return problem.New(http.StatusForbidden, "copy.not.attested",
			"say first what your copy is at this position: POST /apis/v1/platform/attestations")
	case errors.Is(err, subscriptions.ErrNotKept):
		return problem.New(http.StatusNotFound, "digest.not.kept", fmt.Sprintf(
			"digests are kept of the last position, and of each %dth of the last %d",
			mailboxes.MarkEvery, mailboxes.MarksFor))
	case errors.Is(err, subscriptions.ErrBeyond):
		return problem.BadField("position", "position.not.valid", "is beyond the last event")
	}

	return err
}

// An Attestation is what a provider says of its copy, and how that compares.
type Attestation struct {
	Position string `json:"position"`
	Digest   string `json:"digest"`  // of the settled copy, hexadecimal
	Verdict  string `json:"verdict"` // EQUAL, DIFFERENT, or UNKNOWN where no digest is kept
}

// attest notes what a provider says of its copy.
func (a platformHandlers) attest(w http.ResponseWriter, r *http.Request, platform string) error {
	in, err := fields(request{Request: r}, "position", "digest")
	if err != nil {
		return err
	}

	at, err := changeHandlers(a).position(unquoted(in["position"]), "position")
	if err != nil {
		return err
	}

	digest, err := hex.DecodeString(unquoted(in["digest"]))
	if err != nil || len(digest) != 32 {
		return problem.BadField("digest", "digest.not.valid", "must be 32 bytes in hexadecimal")
	}

	v, p, err := a.b.Subscriptions.Attest(r.Context(), platform, at, [32]byte(digest))
	if err != nil {
		return digestProblem(err)
	}
	a.position(w, p)

	problem.JSON(w, http.StatusOK, Attestation{
		Position: a.b.Cursor(at).String(), Digest: hex.EncodeToString(digest), Verdict: string(v),
	})

	return nil
}

// unquoted gives a position that stands as a number or as a text.
func unquoted(raw json.RawMessage) (s string) {
	if json.Unmarshal(raw, &s) == nil {
		return s
	}

	return string(raw)
}
