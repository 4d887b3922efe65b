package servertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// A Client speaks the API as somebody. It may be used by many goroutines at once.
type Client struct {
	URL   string
	Token string // a person's or a platform's; empty: none

	// HTTP is what its requests go through, for those who make their own.
	HTTP *http.Client

	id, key string // of a sender system; empty: it is none
	w       *World
}

func newClient(w *World) *Client {
	return &Client{URL: w.URL, HTTP: &http.Client{Transport: w.described}, w: w}
}

// NewRequest makes a request that says who the client is. header is pairs of names and values.
func (c *Client) NewRequest(method, path string, body io.Reader, header ...string) *http.Request {
	req, err := http.NewRequest(method, c.URL+path, body)
	if err != nil {
		panic(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	} else if c.id != "" {
		req.SetBasicAuth(c.id, c.key)
	}
	return req
}

// Do sends a request and reads a JSON answer; one that is not 2xx is an error. out may be nil. It waits as long as it
// takes.
func (c *Client) Do(method, path string, body io.Reader, out any, header ...string) (*http.Response, error) {
	res, err := c.HTTP.Do(c.NewRequest(method, path, body, header...))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s %.600s", method, path, res.Status, b)
	}
	if err == nil && out != nil && len(b) > 0 {
		err = json.Unmarshal(b, out)
	}
	return res, err
}

// Status sends a request and gives the answer's status, header and body. No answer in time is status 0, with the error
// for a body.
func (c *Client) Status(method, path, body string, header ...string) (int, http.Header, string) {
	in := *c.HTTP
	in.Timeout = patient
	res, err := in.Do(c.NewRequest(method, path, strings.NewReader(body), header...))
	if err != nil {
		return 0, nil, err.Error()
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, string(b)
}

// Code is Status without header and body.
func (c *Client) Code(method, path, body string, header ...string) int {
	status, _, _ := c.Status(method, path, body, header...)
	return status
}

// Body is Status without status and header.
func (c *Client) Body(method, path, body string, header ...string) string {
	_, _, answer := c.Status(method, path, body, header...)
	return answer
}

// Want sends a request, and wants a status and a word in the answer's body.
func (c *Client) Want(status int, word, method, path, body string, header ...string) http.Header {
	c.w.T.Helper()
	got, h, answer := c.Status(method, path, body, header...)
	if got != status || !strings.Contains(answer, word) {
		c.w.T.Errorf("%s %s %.200s: %d %.300s, want %d with %q", method, path, body, got, answer, status, word)
	}
	return h
}

// Ask sends a request, and wants a status and, if the answer has a body, a JSON object.
func (c *Client) Ask(status int, method, path, body string, header ...string) Thing {
	c.w.T.Helper()
	got, _, answer := c.Status(method, path, body, header...)
	if got != status {
		c.w.T.Fatalf("%s %s %.200s: %d %.600s, want %d", method, path, body, got, answer, status)
	}
	return Parse(answer)
}

// Refuse sends a request to which a rule says no.
func (c *Client) Refuse(status int, code, method, path, body string, header ...string) Thing {
	c.w.T.Helper()
	x := c.Ask(status, method, path, body, header...)
	if x.Text("code") != code {
		c.w.T.Errorf("%s %s %.200s: code %s, want %s", method, path, body, x.Text("code"), code)
	}
	return x
}

// A Thing is a JSON object.
type Thing map[string]any

// Parse reads a JSON object; what is none has no fields.
func Parse(body string) Thing {
	x := Thing{}
	if json.Unmarshal([]byte(body), &x) != nil {
		return Thing{}
	}
	return x
}

// At gives what lies at a path of names, and of places in lists; nil where there is nothing.
func (x Thing) At(path ...any) any {
	var v any = map[string]any(x)
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}

	return v
}

// Text is At as text; what is not there is <nil>.
func (x Thing) Text(path ...any) string { return fmt.Sprint(x.At(path...)) }

// List gives the objects of a list.
func (x Thing) List(path ...any) (out []Thing) {
	list, _ := x.At(path...).([]any)
	for _, v := range list {
		m, _ := v.(map[string]any)
		out = append(out, m)
	}
	return out
}

// errNotThere says that a label is on no message.
var errNotThere = errors.New("no message is called that")
