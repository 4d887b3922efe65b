package reactions_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"digitalpost/adapters/server/servertest"
)

const endpoint = "/apis/v1/receipts/endpoint"

// A taking server takes receipts by their keys, and answers badly now and then.
type taking struct {
	mu       sync.Mutex
	times    map[string]int
	receipts map[string]map[string]any
	secret   string
	bad      int
	refuse   bool
}

func (s *taking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var got map[string]any
	json.Unmarshal(body, &got)
	if c, ok := got["challenge"].(string); ok {
		io.WriteString(w, c)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := r.Header.Get("Idempotency-Key")
	if s.times[key]++; s.secret != "" && !signed(r.Header, body, s.secret) || key == "" {
		s.bad++
	}
	switch {
	case s.refuse:
		w.WriteHeader(http.StatusNotFound)
	case s.times[key] == 1 && len(s.times)%2 == 0:
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		s.receipts[key] = got
	}
}

func (s *taking) took() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.receipts)
}

// A system that wants it is posted each final receipt as it is listed, until it takes it, though the backbone ends in
// between; and the log says that it has, once for each.
func TestReceiptsArePushed(t *testing.T) {
	w := servertest.Start(t)
	there := &taking{times: map[string]int{}, receipts: map[string]map[string]any{}}
	srv := httptest.NewServer(there)
	defer srv.Close()
	w.Send("Før")
	set := w.Sender.Ask(200, "PUT", endpoint, fmt.Sprintf(`{"url":%q}`, srv.URL))
	there.mu.Lock()
	there.secret = set.Text("secret")
	there.mu.Unlock()

	const n = 9
	for i := range n {
		w.Send(fmt.Sprintf("Brev %d", i))
		if i == n/2 {
			w.Stop()
			w.Start()
		}
	}
	servertest.Eventually(t, "all receipts are taken", func() bool { return there.took() == n })
	for key, got := range there.receipts {
		listed := w.Sender.Ask(200, "GET", "/apis/v1/receipts/"+key, "")
		for k, v := range listed {
			if got[k] != v {
				t.Errorf("%s was pushed as %v, and is listed as %v", k, got[k], v)
			}
		}
	}
	if there.bad > 0 {
		t.Errorf("%d receipts were not signed, or had no key", there.bad)
	}

	sent := func() (times map[[16]byte]int) {
		times = map[[16]byte]int{}
		for _, rec := range w.Records() {
			if rec.Type == "intake.receipt-pushed" {
				times[rec.Meta.Command]++
			}
		}
		return times
	}
	servertest.Eventually(t, "the log says so", func() bool { return len(sent()) == n })
	for _, k := range sent() {
		if k != 1 {
			t.Errorf("a receipt's way ended %d times", k)
		}
	}

	w.Sender.Ask(200, "GET", endpoint, "")
	w.Sender.Ask(204, "DELETE", endpoint, "")
	w.Sender.Ask(404, "GET", endpoint, "")
	w.Send("Efter")
	if there.took() != n {
		t.Error("a receipt was pushed after the end")
	}
}
