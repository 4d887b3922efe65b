package reactions_test

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"digitalpost/adapters/memo"
	"digitalpost/adapters/server/servertest"
)

// A recipient is a recipient system that is brought what people write.
type recipient struct {
	mu     sync.Mutex
	secret string
	bad    []string
	labels []string
	uuids  []string
	fails  int // so many times it is not there
	answer func(uuid string) string
}

func (s *recipient) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil { // the backbone ended in the middle
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if kind := r.Header.Get("Content-Type"); !strings.HasPrefix(kind, "multipart/form-data") {
		_, challenge, _ := strings.Cut(string(body), `"challenge":"`)
		challenge, _, _ = strings.Cut(challenge, `"`)
		io.WriteString(w, challenge)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails > 0 {
		s.fails--
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	uuid, label, err := s.read(r, body)
	if err != nil {
		s.bad = append(s.bad, err.Error())
		return
	}
	if !slices.Contains(s.uuids, uuid) { // the same comes again where its answer was lost
		s.uuids, s.labels = append(s.uuids, uuid), append(s.labels, label)
	}
	if s.answer != nil {
		io.WriteString(w, s.answer(uuid))
	}
}

// read reads what was brought as a recipient system would.
func (s *recipient) read(r *http.Request, body []byte) (uuid, label string, err error) {
	if s.secret != "" && !signed(r.Header, body, s.secret) {
		return "", "", errors.New("not signed")
	}
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return "", "", err
	}
	part, err := multipart.NewReader(strings.NewReader(string(body)), params["boundary"]).NextPart()
	if err != nil {
		return "", "", err
	}
	m, err := memo.Read(part)
	if err != nil {
		return "", "", err
	}
	if part.FormName() != "file" || part.FileName() != m.UUID().String() || r.Header.Get("Idempotency-Key") == "" {
		return "", "", fmt.Errorf("part %q, file %q, of %s", part.FormName(), part.FileName(), m.UUID())
	}

	return part.FileName(), m.Header().Get("label"), nil
}

func (s *recipient) brought() []string {
	s.mu.Lock()
	defer s.mu.Unlock()

	return slices.Clone(s.labels)
}

// A recipient system that wants it is brought what people write, in order, with what waited when it said so; its
// answer is its receipt, or its receipt is awaited.
func TestMemosAreBrought(t *testing.T) {
	w := servertest.Start(t)
	point := w.Point("Byggesager").Text("id")
	writes := func(label string) string {
		me := w.User(0, "app")
		draft := me.Draft(w.Messages(0), label, point, "Hej")
		me.Ask(200, "POST", draft+"/send", "")
		return draft
	}
	writes("Før")

	there := &recipient{fails: 2}
	srv := httptest.NewServer(there)
	defer srv.Close()
	const path = "/apis/v1/memos/endpoint"
	w.System(2).Refuse(404, "not.found", "PUT", path, fmt.Sprintf(`{"url":%q}`, srv.URL)) // takes nothing in
	secret := w.Sender.Ask(200, "PUT", path, fmt.Sprintf(`{"url":%q}`, srv.URL)).Text("secret")
	there.mu.Lock()
	there.secret = secret
	there.mu.Unlock()
	if x := w.Sender.Ask(200, "GET", path, ""); x.Text("url") != srv.URL || x.Text("stopped") != "false" {
		t.Errorf("the endpoint is %v", x)
	}
	for i := range 5 {
		writes(fmt.Sprint("Brev ", i))
	}
	w.Stop()
	w.Start()
	want := []string{"Før", "Brev 0", "Brev 1", "Brev 2", "Brev 3", "Brev 4"}
	servertest.Eventually(t, "all are brought", func() bool { return len(there.brought()) >= len(want) })
	if got := there.brought(); !slices.Equal(got, want) || len(there.bad) > 0 {
		t.Errorf("brought %q, want %q; bad: %q", got, want, there.bad)
	}

	// The receipt is awaited, or comes with the answer.
	w.Sender.Ask(200, "POST", "/apis/v1/memos/"+there.uuids[0]+"/receipt", `{"receiptStatus":"COMPLETED"}`)
	there.mu.Lock()
	there.answer = func(uuid string) string {
		return fmt.Sprintf(`{"messageUUID":%q,"receiptStatus":"INVALID","errorMessage":"Forkert sted"}`, uuid)
	}
	there.mu.Unlock()
	draft := writes("Straks besvaret")
	servertest.Eventually(t, "its sender sees the receipt", func() bool {
		me := w.User(0, "app")
		return me.Ask(200, "GET", draft, "").Text("receipt", "errorMessage") == "Forkert sted"
	})

	w.Sender.Ask(204, "DELETE", path, "")
	w.Sender.Ask(404, "GET", path, "")
}
