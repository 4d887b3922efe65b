package reactions_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"digitalpost/adapters/server/servertest"
)

// A receiver is a platform's own server, which takes batches, or does what a test wants of it.
type receiver struct {
	mu     sync.Mutex
	bodies map[string][]string // by webhook-id, every time that it was sent
	ids    []string            // in the order in which they were taken
	events []string            // ids, in order
	secret string
	bad    int // signatures that do not fit

	answer func(n int) int // the status of the n-th batch; nil: 200
	n      int
	silent bool // does not repeat challenges
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	var asked struct{ Type, Challenge string }
	if json.Unmarshal(body, &asked) == nil && asked.Challenge != "" {
		if !r.silent {
			fmt.Fprintf(w, `{"challenge":%q}`, asked.Challenge)
		}
		return
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	id := req.Header.Get("webhook-id")
	if !signed(req.Header, body, r.secret) {
		r.bad++
	}
	r.bodies[id] = append(r.bodies[id], string(body))
	if r.answer != nil {
		if status := r.answer(r.n); status != 200 {
			w.WriteHeader(status)
			return
		}
	}

	if slices.Contains(r.ids, id) {
		return // taken before
	}
	r.ids = append(r.ids, id)
	var batch []struct{ ID string }
	if err := json.Unmarshal(body, &batch); err != nil {
		r.bad++
	}
	for _, e := range batch {
		r.events = append(r.events, e.ID)
	}
}

// signed reports whether one of the signatures is right, as Standard Webhooks have it.
func signed(h http.Header, body []byte, secret string) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	stamp, err2 := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
	if err != nil || err2 != nil || time.Since(time.Unix(stamp, 0)).Abs() > time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.%s", h.Get("webhook-id"), stamp, body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return slices.Contains(strings.Fields(h.Get("webhook-signature")), want)
}

func (r *receiver) took() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

func newReceiver(t *testing.T) (*receiver, string) {
	r := &receiver{bodies: map[string][]string{}}
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	return r, srv.URL
}

// feed gives the ids of all that a platform is told beyond a position, by the feed.
func feed(t *testing.T, w *servertest.World, platform, after string) (ids []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	req := w.PlatformServer(platform).NewRequest("GET", "/apis/v1/changes?after="+after, nil).WithContext(ctx)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	for line := range strings.SplitSeq(string(body), "\n") {
		if raw, ok := strings.CutPrefix(line, "data: "); ok {
			var e struct{ ID string }
			json.Unmarshal([]byte(raw), &e)
			ids = append(ids, e.ID)
		}
	}
	return ids
}

const subscription = "/apis/v1/platform/subscription"

// A platform is told by webhooks what the feed tells, in order and signed; batches that were answered badly come again
// with the same id and bytes; and the backbone's end in between changes nothing of that.
func TestPush(t *testing.T) {
	w := servertest.Start(t)
	w.User(0, "eboks").See()
	there, address := newReceiver(t)
	there.answer = func(n int) int {
		if n%3 != 0 {
			return 503
		}
		return 200
	}
	set := w.PlatformServer("eboks").Ask(201, "PUT", subscription, fmt.Sprintf(`{"url":%q,"position":0}`, address))
	there.mu.Lock()
	there.secret = set.Text("secret")
	there.mu.Unlock()

	for i := range 20 {
		w.Send(fmt.Sprintf("Brev %d", i))
		if i == 10 {
			w.Stop()
			w.Start()
		}
	}
	want := feed(t, w, "eboks", "0")
	servertest.Soon(func() bool { return len(there.took()) >= len(want) })
	if !slices.Equal(there.took(), want) {
		t.Errorf("told by webhooks: %v, by the feed: %v", there.took(), want)
	}

	there.mu.Lock()
	again := 0
	for id, all := range there.bodies {
		for _, b := range all[1:] {
			if again++; b != all[0] {
				t.Errorf("batch %s came with other bytes", id)
			}
		}
	}
	// Before the secret was known here, the first may have come.
	if there.bad > 1 || again == 0 {
		t.Errorf("%d signatures are bad, %d batches came again", there.bad, again)
	}
	there.mu.Unlock()

	got := w.PlatformServer("eboks").Ask(200, "GET", subscription, "")
	if _, told := got["secret"]; told || got.Text("url") != address {
		t.Errorf("the subscription is shown as %v", got)
	}
	before := len(there.took())
	w.PlatformServer("eboks").Ask(204, "DELETE", subscription, "")
	time.Sleep(time.Second) // what ends is seen within half a second
	w.Send("Efter")
	time.Sleep(300 * time.Millisecond)
	if n := len(there.took()); n != before {
		t.Errorf("%d events came after the end", n-before)
	}
}

// With a new secret the one before signs, too.
func TestPushRotates(t *testing.T) {
	w := servertest.Start(t)
	w.User(0, "eboks").See()
	there, address := newReceiver(t)
	eboks := w.PlatformServer("eboks")
	old := eboks.Ask(201, "PUT", subscription, fmt.Sprintf(`{"url":%q}`, address)).Text("secret")
	young := eboks.Ask(200, "POST", subscription+"/rotate", "").Text("secret")
	if old == young || !strings.HasPrefix(young, "whsec_") {
		t.Fatalf("secrets %q and %q", old, young)
	}
	there.mu.Lock()
	there.secret = old
	there.mu.Unlock()
	w.Send("Brev")
	servertest.Eventually(t, "the platform is told", func() bool { return len(there.took()) > 0 })
	there.mu.Lock()
	defer there.mu.Unlock()
	if there.bad > 0 {
		t.Error("the old secret does not sign any more")
	}
}

// An address that does not answer for itself is not used.
func TestPushVerifies(t *testing.T) {
	w := servertest.Start(t)
	there, address := newReceiver(t)
	there.silent = true
	eboks := w.PlatformServer("eboks")
	eboks.Refuse(400, "url.not.verified", "PUT", subscription, fmt.Sprintf(`{"url":%q}`, address))
	elsewhere := httptest.NewServer(http.RedirectHandler(address, http.StatusTemporaryRedirect))
	defer elsewhere.Close()
	there.silent = false
	eboks.Refuse(400, "url.not.verified", "PUT", subscription, fmt.Sprintf(`{"url":%q}`, elsewhere.URL))
	eboks.Ask(404, "GET", subscription, "")
}
