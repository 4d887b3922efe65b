package server

import (
	"errors"
	"io"
	"net/http"
	"time"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/problem"
)

const (
	beside    = 1 << 20     // bytes that a body may have beside the longest MeMo: the parts of a form
	patience  = time.Minute // in which a body may be as slow as it likes, as long as it does not stall
	leastRate = 128         // bytes a second that it must have brought after that, from its beginning on
)

// A body must come in time, must not break off, and has a longest length. What breaks that is the sender's fault.
type body struct {
	io.ReadCloser
	control *http.ResponseController
	stall   time.Duration
	begun   time.Time
	read    int64
	ended   bool // all of it was read
}

// bodyOf gives the body of a request; nil if it has none.
func bodyOf(w http.ResponseWriter, r *http.Request, stall time.Duration) *body {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}

	b := &body{
		ReadCloser: http.MaxBytesReader(w, r.Body, memo.MaxLength+beside),
		control:    http.NewResponseController(w), stall: stall, begun: time.Now(),
	}
	b.wait() // one that is never read must come, too, before the next request does

	return b
}

// wait sets until when the next bytes must have come.
func (b *body) wait() {
	until := time.Now().Add(b.stall)
	if slow := b.begun.Add(patience + time.Duration(b.read)*time.Second/leastRate); slow.Before(until) {
		until = slow
	}
	_ = b.control.SetReadDeadline(until) // a connection that is gone says so when it is read
}

func (b *body) Read(p []byte) (int, error) {
	b.wait()
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)

	var large *http.MaxBytesError
	switch {
	case err == io.EOF:
		b.ended = true
		_ = b.control.SetReadDeadline(time.Time{}) // the connection is watched for its end, for as long as it takes
	case err != nil && !errors.As(err, &large):
		err = problem.BadField("body", "body.not.valid",
			"broke off, came too slowly, or is not of the length or the chunks that it says")
	}

	return n, err
}

// An answer that is an error, to a request whose body is not read to its end, closes the connection, so that nobody
// waits for the rest of it.
type answer struct {
	http.ResponseWriter
	body *body
}

func (a answer) WriteHeader(status int) {
	if status >= 400 && !a.body.ended {
		a.Header().Set("Connection", "close")
	}
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (a answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
