package viewapi

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"digitalpost/adapters/backbone/drafts"
	"digitalpost/adapters/memo"
	"digitalpost/adapters/problem"
)

// putContent uploads a file whole, or, with Content-Range, the next piece of it. A multipart body's part
// multipartFile is taken as the body.
func (a draftHandlers) putContent(w http.ResponseWriter, r request) error {
	if r.Header.Get("Idempotency-Key") != "" {
		return problem.BadField("Idempotency-Key", "header.not.valid",
			"is not for content: the same content twice is the same file, and Content-Range says where a piece goes")
	}
	ask, part, err := a.draftPart(r)
	if err != nil {
		return err
	}

	p, err := pieceOf(r)
	if err != nil {
		return err
	}
	m, at, err := a.b.Drafts.Upload(r.Context(), ask, part, p)
	if err != nil {
		return err
	}
	return a.showPart(w, http.StatusOK, m, at, part)
}

// pieceOf reads what is uploaded: a piece, if Content-Range says which, or the whole, as the body or as a part of it.
func pieceOf(r request) (p drafts.Piece, err error) {
	p = drafts.Piece{Total: -1, Body: r.Body}
	if s := r.Header.Get("Content-Range"); s != "" {
		return rangeOf(r, s)
	}
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "multipart/form-data" || params["boundary"] == "" {
		return p, nil
	}

	parts, err := r.MultipartReader()
	for i := 0; err == nil && i < 10; i++ {
		part, perr := parts.NextPart()
		if perr != nil {
			break
		}
		if part.FormName() == "multipartFile" || part.FormName() == "file" {
			p.Body = &unbroken{part}
			return p, nil
		}
	}
	return p, problem.BadField("multipartFile", "part.missing", "must be a part of the multipart body")
}

// rangeOf reads which piece of the whole the body is.
func rangeOf(r request, s string) (p drafts.Piece, err error) {
	bad := problem.BadField("Content-Range", "header.not.valid",
		"must be bytes FROM-TO/TOTAL, or bytes FROM-TO/*, and fit the body")
	p = drafts.Piece{Total: -1, Body: r.Body}
	span, total, ok := strings.Cut(strings.TrimPrefix(s, "bytes "), "/")
	first, last, ok2 := strings.Cut(span, "-")
	if !strings.HasPrefix(s, "bytes ") || !ok || !ok2 {
		return p, bad
	}

	if p.From, err = strconv.ParseInt(first, 10, 64); err != nil || p.From < 0 {
		return p, bad
	}
	to, err := strconv.ParseInt(last, 10, 64)
	if err != nil || to < p.From || to > memo.MaxLength || r.ContentLength >= 0 && r.ContentLength != to-p.From+1 {
		return p, bad
	}
	if total != "*" {
		if p.Total, err = strconv.ParseInt(total, 10, 64); err != nil || p.Total <= to {
			return p, bad
		}
	}
	p.Body = &exact{r: r.Body, left: to - p.From + 1}
	return p, nil
}

// unbroken is a part of a multipart body, whose end must come.
type unbroken struct{ r io.Reader }

func (b *unbroken) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = problem.BadField("body", "body.not.valid", "has no closing boundary")
	}
	return n, err
}

// exact is a body that must be as long as was said.
type exact struct {
	r    io.Reader
	left int64
}

func (e *exact) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if e.left -= int64(n); e.left < 0 || err == io.EOF && e.left > 0 {
		return 0, problem.BadField("Content-Range", "header.not.valid", "must fit the body")
	}
	return n, err
}
