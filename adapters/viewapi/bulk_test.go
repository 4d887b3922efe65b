package viewapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// Many messages are changed at once: each has a status of its own, and the events of 64 are one append.
func TestBulk(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	var ids []string
	for i := range 130 {
		w.Send(fmt.Sprint("Brev ", i))
	}
	me := w.User(0, "app")
	for _, m := range list(t, me, w.Messages(0), "size=1000").Messages {
		ids = append(ids, fmt.Sprintf(`{"id":%q,"version":1,"read":true,"flag":true}`, m.ID))
	}
	ids[3] = strings.Replace(ids[3], `"version":1`, `"version":7`, 1)
	ids[100] = `{"id":"00000000-0000-4000-8000-000000000000","read":true}`
	path := w.Messages(0)
	body := `{"messages":[` + strings.Join(ids, ",") + `]}`
	status, _, answer := me.Status("PATCH", path, body)
	var out struct {
		Messages []struct {
			ID, Code        string
			Status, Version int
		}
	}
	if err := json.Unmarshal([]byte(answer), &out); err != nil || status != 200 || len(out.Messages) != 130 {
		t.Fatalf("%d %.300s", status, answer)
	}
	for i, m := range out.Messages {
		want, version := 200, 3
		switch i {
		case 3:
			want, version = 409, 1
		case 100:
			want, version = 404, 0
		}
		if m.Status != want || m.Version != version {
			t.Errorf("message %d: %+v, want %d at version %d", i, m, want, version)
		}
	}
	if p := list(t, me, path, "read=true&size=1000"); p.TotalElements != 128 {
		t.Errorf("%d are read, want 128", p.TotalElements)
	}
	me.Want(400, "messages", "PATCH", path, `{"messages":[]}`)
	bad := `{"id":"00000000-0000-4000-8000-000000000000","read":"x"}`
	me.Want(400, "messages[1].read", "PATCH", path, `{"messages":[`+ids[0]+`,`+bad+`]}`)
	me.Want(400, "messages", "PATCH", path, `{"messages":[`+strings.Repeat(ids[0]+",", 1000)+ids[0]+`]}`)
	w.User(1, "app").Want(403, "", "PATCH", path, body)
}
