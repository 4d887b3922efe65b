package viewapi

import (
	"mime"
	"net/http"
	"strings"
)

// content serves a file: by range, as an attachment, and so that nothing in it can run in the platform's origin.
func (a messageHandlers) content(w http.ResponseWriter, r request) error {
	msg, _, f, err := a.findFile(r)
	if err != nil {
		return err
	}

	in, closer, err := a.b.Messages.File(r.Context(), r.p, msg, f)
	if err != nil {
		return err
	}

	defer closer.Close()
	h := w.Header()
	kind, _, err := mime.ParseMediaType(f.Get("encodingFormat"))
	if err != nil {
		kind = "application/octet-stream"
	}

	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Get("filename")}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-site")
	h.Set("Cache-Control", "private, no-store")
	if strings.Count(r.Header.Get("Range"), ",") > 8 {
		r.Header.Del("Range") // many small ranges cost more than the whole
	}

	http.ServeContent(w, r.Request, "", msg.Row.Shown.Received, in)
	return nil
}
