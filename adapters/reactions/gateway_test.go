package reactions_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"digitalpost/adapters/reactions"
	"digitalpost/adapters/server/servertest"
	"digitalpost/domain/mailbox"
)

// A gateway that answers badly is asked again with the same id; one that refuses for good is not, and the log says so.
func TestBadGateways(t *testing.T) {
	there := &gateway{status: map[string][]int{"+4520304050": {503, 500, 202}, "+4520304051": {202, 400}}}
	srv := httptest.NewServer(there)
	defer srv.Close()
	w := servertest.StartWith(t, servertest.Config{Gateway: srv.URL})
	mette := w.Reads(0, 0, "app")
	x := mette.Ask(200, "PUT", mette.Access, `{"smsNotificationSubscription":{"mobileNumber":"20304050"}}`)
	servertest.Eventually(t, "the gateway is asked again", func() bool { return len(there.took("+4520304050")) == 3 })
	if ids := there.took("+4520304050"); ids[0].ID != ids[2].ID {
		t.Errorf("asked with %s, then with %s", ids[0].ID, ids[2].ID)
	}
	mette.Ask(200, "PUT", mette.Verification(x.Text("smsNotificationSubscription", "id")),
		fmt.Sprintf(`{"pin":%q}`, servertest.CodeIn(there.took("+4520304050")[2].Body)))

	x = mette.Ask(200, "PUT", mette.Access, `{"smsNotificationSubscription":{"mobileNumber":"20304051"}}`)
	servertest.Eventually(t, "a code leaves", func() bool { return len(there.took("+4520304051")) == 1 })
	mette.Ask(200, "PUT", mette.Verification(x.Text("smsNotificationSubscription", "id")),
		fmt.Sprintf(`{"pin":%q}`, servertest.CodeIn(there.took("+4520304051")[0].Body)))
	w.Send("Ny post")
	servertest.Eventually(t, "the log says that it was refused", func() bool {
		all := ended(t, w)
		return len(all) == 1 && all[0].Outcome == mailbox.NoticeRefused
	})
	if n := len(there.took("+4520304051")); n != 2 {
		t.Errorf("asked %d times, want once for the code and once for the notice", n)
	}
}

// A number at which the gateway fails holds up nobody else's.
func TestABadNumberHoldsUpNobody(t *testing.T) {
	there := &gateway{status: map[string][]int{"+4520304050": {500}}}
	srv := httptest.NewServer(there)
	defer srv.Close()
	w := servertest.StartWith(t, servertest.Config{Gateway: srv.URL})
	for i := range 3 {
		bad := w.Reads(i, i, "app")
		bad.Ask(200, "PUT", bad.Access, `{"smsNotificationSubscription":{"mobileNumber":"20304050"}}`)
	}
	servertest.Eventually(t, "the gateway has failed often", func() bool { return len(there.took("+4520304050")) > 10 })
	good := w.Reads(3, 3, "app")
	good.Ask(200, "PUT", good.Access, `{"smsNotificationSubscription":{"mobileNumber":"20304051"}}`)
	servertest.Eventually(t, "the good number gets its code", func() bool { return len(there.took("+4520304051")) > 0 })
}

// A gateway answers each number with statuses, one after another, and the last for good.
type gateway struct {
	mu     sync.Mutex
	status map[string][]int
	asked  map[string][]reactions.Text
}

func (g *gateway) took(to string) []reactions.Text {
	g.mu.Lock()
	defer g.mu.Unlock()

	return slices.Clone(g.asked[to])
}

// answers has a number answered with statuses from now on.
func (g *gateway) answers(to string, statuses ...int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.status == nil {
		g.status = map[string][]int{}
	}
	g.status[to] = statuses
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var text reactions.Text
	if json.NewDecoder(r.Body).Decode(&text) != nil || r.Header.Get("Idempotency-Key") != text.ID {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	if g.asked == nil {
		g.asked = map[string][]reactions.Text{}
	}
	g.asked[text.To] = append(g.asked[text.To], text)
	all := g.status[text.To]
	if len(all) == 0 {
		return
	}
	if len(all) > 1 {
		g.status[text.To] = all[1:]
	}
	w.WriteHeader(all[0])
}
