package viewapi_test

import (
	"fmt"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// A message is marked and noted at a version; what is stale or no field is refused. A command with a key is run once.
func TestReading(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	w.Send("Brev")
	me := w.User(0, "eboks")
	box, m := me.Find("Brev")
	path := w.Messages(0) + m.ID
	for _, c := range []struct {
		ifMatch, body string
		status        int
		word          string
	}{
		{"", `{"read":true}`, 200, `"version":2`},
		{"1", `{"flag":true}`, 409, `"version":2`},
		{`"2"`, `{"flag":true,"note":"husk"}`, 200, `"version":4`},
		{"*", `{"flag":true}`, 200, `"version":4`},
		{"", `{"label":"x"}`, 400, "label"},
		{"", `{"read":"yes"}`, 400, "read"},
		{"", `[]`, 400, "body"},
		{"x", `{"read":true}`, 400, "If-Match"},
		{"", `{"folderId":"` + box + `"}`, 422, "folder.not.found"},
	} {
		h := me.Want(c.status, c.word, "PATCH", path, c.body, "If-Match", c.ifMatch)
		if c.status == 200 && (h.Get("Log-Position") == "" || h.Get("ETag") == "") ||
			c.status == 409 && h.Get("ETag") != `"2"` {
			t.Errorf("%+v: header %v", c, h)
		}
	}
	me.Want(200, "husk", "GET", path, "")

	// A command with a key is run once, and its repeat gets the first result.
	key := []string{"Idempotency-Key", "k1"}
	me.Want(200, `"read":false`, "PATCH", path, `{"read":false}`, key...)
	me.Want(200, `"read":true`, "PATCH", path, `{"read":true}`)
	me.Want(200, `"read":false`, "PATCH", path, `{"read":false}`, key...)
	me.Want(200, `"read":true`, "GET", path, "")
	me.Want(422, "idempotency.key.reused", "PATCH", path, `{"read":true}`, key...)
	me.Want(422, "idempotency.key.reused", "DELETE", path, "", key...)

	me.Want(400, "size", "GET", strings.TrimSuffix(w.Messages(0), "/")+"?size=1001", "")
	if s := w.Log.String(); strings.Contains(s, w.People[0].CPR) {
		t.Errorf("a number reached the log: %s", s)
	}
}

// Others see nothing, and can't tell what is there.
func TestStrangersSeeNothing(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	w.Send("Brev")
	_, m := w.User(0, "eboks").Find("Brev")
	path := w.Messages(0) + m.ID
	stranger := w.User(1, "eboks")
	stranger.Want(404, "", "GET", path, "")
	stranger.Want(403, "", "GET", w.Messages(0), "")
	stranger.Want(403, "", "GET", "/apis/v1/mailboxes/"+servertest.NewUUID()+"/messages/", "")
	w.Bearer("x").Want(401, "", "GET", path, "")
	w.User(0, "virkdk").Want(403, "", "GET", w.Messages(0), "")
}

// Content is an attachment that can't run, served by range.
func TestContentIsAnAttachment(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	w.Send("Brev")
	me := w.User(0, "eboks")
	_, m := me.Find("Brev")
	file := w.Messages(0) + m.ID + m.Content()
	h := me.Want(206, "j B", "GET", file, "", "Range", "bytes=2-4")
	if !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") ||
		h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("content header %v", h)
	}
	me.Want(200, `"fileSize":8`, "GET", strings.TrimSuffix(file, "/content"), "")
}

// Folders are made, renamed and filled; a message is deleted, restored, and deleted for good.
func TestFolders(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	w.Send("Brev")
	me := w.User(0, "eboks")
	_, m := me.Find("Brev")
	path, folders := w.Messages(0)+m.ID, w.Box(0)+"/folders/"
	made := me.Ask(201, "POST", folders, `{"name":"Århus"}`).Text("id")
	me.Want(422, "folder.name.taken", "POST", folders, `{"name":"a\u030arhus"}`)
	me.Want(201, "Aarhus", "POST", folders, `{"name":"Aarhus"}`)
	me.Want(400, "name", "POST", folders, `{"name":" "}`)
	me.Want(422, "folder.cycle", "PUT", folders+made, `{"parentFolderId":"`+made+`"}`)
	me.Want(200, "Børn", "PUT", folders+made, `{"name":"Børn"}`, "If-Match", "1")
	me.Want(409, "", "PUT", folders+made, `{"name":"Barn"}`, "If-Match", "1")
	me.Want(200, made, "PATCH", path, `{"folderId":"`+made+`"}`)
	me.Want(422, "folder.not.empty", "DELETE", folders+made, "")
	me.Want(200, `"totalMessages":1`, "GET", folders+"summary/", "")

	me.Want(204, "", "DELETE", path, "")
	me.Want(200, made, "POST", path+"/restore", "")
	me.Want(422, "message.not.in.trash", "POST", path+"/restore", "")
	me.Want(204, "", "DELETE", path, "")
	me.Want(204, "", "DELETE", path, "")
	me.Want(404, "", "GET", path, "")
	me.Want(404, "", "GET", path+m.Content(), "")
	me.Want(204, "", "DELETE", folders+made, "")
}

// Private post can't be noticed on another platform than its own.
func TestPrivatePostIsShownOnItsPlatformAlone(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	if w.SenderSystems[2].Platform != "eboks" {
		t.Fatalf("third system is %+v", w.SenderSystems[2])
	}
	elsewhere := []string{"app", "mitdk", "lifeindenmark", "borgerdk"}
	everywhere := func() map[string]string {
		out := map[string]string{}
		for _, p := range elsewhere {
			c := w.User(0, p)
			for _, path := range []string{
				"/apis/v1/mailboxes/", w.Messages(0), w.Box(0) + "/folders/", w.Box(0) + "/folders/summary/",
				"/apis/v1/mailboxes/messages/unread/exists/",
			} {
				out[p+path] = c.Body("GET", path, "")
			}
		}
		return out
	}
	others := everywhere()
	w.SendAs(2, w.People[0].CPR, "Police", nil)
	_, m := w.User(0, "eboks").Find("Police")
	for k, now := range everywhere() {
		if now != others[k] {
			t.Errorf("%s tells that private post came:\n%s\n%s", k, others[k], now)
		}
	}
	for _, p := range elsewhere {
		c := w.User(0, p)
		for _, method := range []string{"GET", "PATCH", "DELETE"} {
			c.Want(404, "", method, w.Messages(0)+m.ID, `{"read":true}`)
		}
	}
}

// Single resources: each shows what its list shows.
func TestSingleResources(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	w.Send("Brev")
	me := w.User(0, "app")
	box, m := me.Find("Brev")
	path := w.Box(0)
	document := path + "/messages/" + m.ID + "/documents/" + m.Documents[0].ID
	made := me.Access("POST", "mailboxes/"+box+"/folders/", `{"name":"Arkiv"}`)
	me.Want(200, `"Arkiv"`, "GET", path+"/folders/"+made.ID, "")
	me.Want(404, "", "GET", path+"/folders/"+m.ID, "")
	me.Want(200, m.Documents[0].ID, "GET", path+"/messages/"+m.ID+"/documents/", "")
	me.Want(200, `"MAIN"`, "GET", document, "")
	me.Want(200, `"besked.txt"`, "GET", document+"/files/", "")
	me.Want(200, `"besked.txt"`, "GET", document+"/files/"+m.Documents[0].Files[0].ID, "")
	me.Want(200, `"Eksempel Kommune"`, "GET", path+"/sender-information/", "")

	given := me.Access("POST", "mailboxes/"+box+"/accesses/", grant(w.People[1].Mailbox, "READ"))
	me.Want(200, given.ID, "GET", path+"/accesses/"+given.ID, "")
	helper := w.User(2, "app")
	helper.Want(404, "", "GET", path+"/accesses/"+given.ID, "")
	asked := helper.Access("POST", "access-requests/", request(w.People[0].CPR, "Mette", "Made-Up Hansen"))
	helper.Want(200, `"SUBMITTED"`, "GET", "/apis/v1/access-requests/"+asked.ID, "")
	me.Want(200, `"SUBMITTED"`, "GET", "/apis/v1/access-requests/"+asked.ID, "")
	helper.Want(204, "", "DELETE", "/apis/v1/access-requests/"+asked.ID, "")
	me.Want(422, "access.request.closed", "PUT", "/apis/v1/access-requests/"+asked.ID, approved)

	officer := w.Officer()
	exemption := "/apis/v1/exemptions/" + officer.Ask(201, "POST", "/apis/v1/exemptions/",
		fmt.Sprintf(`{"cprNumber":%q,"criteria":["OTHER"],%s}`, w.People[0].CPR, servertest.AtTheCounter)).Text("id")
	officer.Want(204, "", "DELETE", exemption, "")
	officer.Want(422, "exemption.none", "DELETE", exemption, "")
}
