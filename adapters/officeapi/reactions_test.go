package officeapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// Operators see what must happen outside and does not, have it tried at once, and give it up; nobody else does.
func TestOperatorsSeeEffects(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	op := operator(w)
	const path = "/apis/v1/operations/reactions/"
	var works, asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		var in struct{ Challenge string }
		if json.NewDecoder(r.Body).Decode(&in); in.Challenge != "" {
			io.WriteString(out, in.Challenge)
			return
		}
		if asked.Add(1); works.Load() == 0 {
			out.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer srv.Close()
	w.Sender.Ask(200, "PUT", "/apis/v1/receipts/endpoint", `{"url":"`+srv.URL+`"}`)
	op.Ask(200, "GET", path, "")
	for _, label := range []string{"Et", "To"} {
		w.SendAs(0, w.People[len(label)%2].CPR, label, nil)
	}

	var list struct {
		Effects []struct {
			ID, Kind, Why string
			Attempts      int
		}
	}
	servertest.Eventually(t, "both were tried in vain", func() bool {
		op.Do("GET", path, nil, &list)
		return len(list.Effects) == 2 && list.Effects[0].Attempts > 0 && list.Effects[0].Why != ""
	})
	first, second := list.Effects[0].ID, list.Effects[1].ID
	if e := op.Ask(200, "GET", path+first, ""); e.Text("kind") != "receipt" {
		t.Errorf("shown as %v", e)
	}
	if x := op.Ask(200, "GET", path+"?poisoned=true", ""); len(x["effects"].([]any)) != 0 {
		t.Errorf("set aside: %v", x)
	}
	op.Refuse(400, "parameter.not.valid", "GET", path+"?poisoned=x", "")
	op.Ask(404, "GET", path+"receipt:x:1:0", "")
	op.Ask(404, "POST", path+"x/drop", "")
	op.Ask(404, "POST", path+"x/retry", "")
	w.Officer().Want(403, "", "GET", path, "")

	op.Ask(200, "POST", path+second+"/drop", "")
	op.Ask(404, "GET", path+second, "")
	works.Store(1)
	op.Ask(200, "POST", path+first+"/retry", "")
	servertest.Eventually(t, "what was tried again has happened", func() bool {
		op.Do("GET", path, nil, &list)
		return len(list.Effects) == 0
	})
	outcomes := map[string]int{}
	for _, rec := range w.Records() {
		if rec.Type == "intake.receipt-pushed" {
			outcomes[rec.Type]++
		}
	}
	if outcomes["intake.receipt-pushed"] != 2 {
		t.Errorf("the log says of %v how they ended, want 2", outcomes)
	}
}
