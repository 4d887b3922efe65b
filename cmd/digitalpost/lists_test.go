package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

type shownPage struct {
	CurrentPage, TotalPages, ElementsOnPage, TotalElements int
	Next                                                   *string
	Messages                                               []shownMessage
}

func (w *world) list(c *client, query string) (p shownPage, h http.Header) {
	w.t.Helper()
	status, h, body := c.status("GET", "/apis/v1/mailboxes/"+w.d.People[0].Mailbox+"/messages/?"+query, nil, "")
	if err := json.Unmarshal([]byte(body), &p); err != nil || status != 200 {
		w.t.Fatalf("GET %s: %d %.300s", query, status, body)
	}
	return p, h
}

func labels(p shownPage) (out []string) {
	for _, m := range p.Messages {
		out = append(out, m.Label)
	}
	return out
}

// Filters, wildcards, any=, sorting by several fields and fields= do what they say; case does not count, æøå do.
func TestFilters(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	insurer := w.d.SenderSystems[2]
	for _, l := range []string{"Tandlægetid", "Indkaldelse til syn", "indkaldelse til samtale", "Årsopgørelse", "Aarsopgorelse", "Lønseddel maj"} {
		w.send(l)
	}
	uuid := newUUID4()
	if _, err := (&client{url: w.url}).as(w.d, 2).post(uuid, strings.NewReader(write(uuid, insurer.CVR, insurer.Organisation, w.d.People[0].CPR, "Police om indkaldelse", "x"))); err != nil {
		t.Fatal(err)
	}
	me := w.person(w.d.People[0].CPR, "app")
	box, m := w.find(me, "Lønseddel maj")
	w.want(200, "")(me.status("PATCH", "/apis/v1/mailboxes/"+box+"/messages/"+m.ID, nil, `{"flag":true,"note":"Husk kørselsfradrag","read":true}`))
	for query, want := range map[string][]string{
		"label=TANDL%C3%86GETID":                                {"Tandlægetid"},
		"label=indkaldelse*":                                    {"indkaldelse til samtale", "Indkaldelse til syn"},
		"label=*til*&sortFields=label":                          {"indkaldelse til samtale", "Indkaldelse til syn"},
		"label=%C3%85rsopg%C3%B8relse&label=Tandlægetid":        {"Årsopgørelse", "Tandlægetid"},
		"any=k%C3%B8rselsfradrag":                               {"Lønseddel maj"},
		"note=*fradrag&read=true":                               {"Lønseddel maj"},
		"note=*fradrag&read=false":                              nil,
		"flag=true":                                             {"Lønseddel maj"},
		"any=politik":                                           nil,
		"any=eksempel":                                          {"Lønseddel maj", "Aarsopgorelse", "Årsopgørelse", "indkaldelse til samtale", "Indkaldelse til syn", "Tandlægetid"},
		"any=eksempel&size=2&page=1":                            {"Årsopgørelse", "indkaldelse til samtale"},
		"any=eksempel&any=x&label=l*&read=true":                 {"Lønseddel maj"},
		"any=besked.txt&sortFields=receivedDateTime:asc&size=1": {"Tandlægetid"},
		"any=20000001&label=Tand*":                              {"Tandlægetid"},
		"any=police":                                            nil, // e-Boks' alone
		"sender.label=Eksempel*&label=T*":                       {"Tandlægetid"},
		"documents.files.filename=besked.txt&label=L*":          {"Lønseddel maj"},
		"messageUUID=x":                                         nil,
		"receivedDateFrom=2099-01-01":                           nil,
		"receivedDateTo=2099-01-01&label=T*":                    {"Tandlægetid"},
		"sortFields=flag:DESC,label:asc&size=3":                 {"Lønseddel maj", "Aarsopgorelse", "indkaldelse til samtale"},
		"sortFields=receivedDateTime:asc&size=2":                {"Tandlægetid", "Indkaldelse til syn"},
		"sortFields=receivedDateTime:asc&size=2&page=2":         {"Aarsopgorelse", "Lønseddel maj"},
	} {
		if p, _ := w.list(me, query); !slices.Equal(labels(p), want) {
			t.Errorf("%s: %q, want %q", query, labels(p), want)
		}
	}
	_, _, body := me.status("GET", "/apis/v1/mailboxes/"+box+"/messages/?fields=label,read&label=Tand*", nil, "")
	if !strings.Contains(body, `[{"label":"Tandlægetid","read":false}]`) {
		t.Errorf("fields=label,read: %s", body)
	}
	for _, bad := range []string{"label=" + strings.Repeat("*x", 17), "any=x&any=" + strings.Repeat("y", 1025), "sortFields=x", "sortFields=label:up", "fields=cpr", "unknown=1", "next=zzz", "receivedDateFrom=yesterday", "page=-1", "size=1001", "folderId=x", "read=maybe"} {
		w.want(400, strings.SplitN(bad, "=", 2)[0])(me.status("GET", "/apis/v1/mailboxes/"+box+"/messages/?"+bad, nil, ""))
	}
	w.want(200, "SEARCHED")(me.status("GET", "/apis/v1/mailboxes/"+box+"/looks/", nil, ""))
}

// However a list is paged, by page and size from either end or by next and Link, with post of another platform in between: the same messages, each once.
func TestPaging(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	insurer := w.d.SenderSystems[2]
	var all []string
	for i := range 57 {
		label := fmt.Sprint("Brev ", i)
		if i%5 == 2 {
			uuid := newUUID4()
			if _, err := (&client{url: w.url}).as(w.d, 2).post(uuid, strings.NewReader(write(uuid, insurer.CVR, insurer.Organisation, w.d.People[0].CPR, label, "x"))); err != nil {
				t.Fatal(err)
			}
			continue
		}
		w.send(label)
		all = append(all, label)
	}
	me := w.person(w.d.People[0].CPR, "mitdk")
	newest := slices.Clone(all)
	slices.Reverse(newest)
	for order, want := range map[string][]string{"": newest, "&sortFields=receivedDateTime:asc": all, "&sortFields=receivedDateTime:asc,label": all, "&read=false": newest} {
		for _, size := range []int{1, 7, 10, 46, 100} {
			var byPage, byNext, byLink []string
			for n := 0; ; n++ {
				p, _ := w.list(me, fmt.Sprintf("size=%d&page=%d%s", size, n, order))
				if byPage = append(byPage, labels(p)...); len(p.Messages) == 0 {
					break
				}
				if p.TotalElements != len(want) || p.ElementsOnPage != len(p.Messages) {
					t.Errorf("%+v elements, want %d", p.TotalElements, len(want))
				}
			}
			query := fmt.Sprintf("size=%d%s", size, order)
			for next := query; next != ""; {
				p, _ := w.list(me, next)
				byNext = append(byNext, labels(p)...)
				if next = ""; p.Next != nil {
					next = query + "&next=" + url.QueryEscape(*p.Next)
				}
			}
			for next := query; next != ""; {
				p, h := w.list(me, next)
				byLink = append(byLink, labels(p)...)
				next = ""
				for _, l := range strings.Split(h.Get("Link"), ", ") {
					if to, ok := strings.CutSuffix(l, `>; rel="next"`); ok {
						_, next, _ = strings.Cut(to, "?")
					}
				}
			}
			for how, got := range map[string][]string{"page": byPage, "next": byNext, "Link": byLink} {
				if !slices.Equal(got, want) {
					t.Errorf("order %q, size %d, by %s: %d messages %v, want %d", order, size, how, len(got), got, len(want))
				}
			}
		}
	}
}

// Many messages are changed at once: each has a status of its own, and the events of 64 are one append.
func TestBulk(t *testing.T) {
	w := start(t, t.TempDir()+"/var")
	var ids []string
	for i := range 130 {
		w.send(fmt.Sprint("Brev ", i))
	}
	me := w.person(w.d.People[0].CPR, "app")
	p, _ := w.list(me, "size=1000")
	for _, m := range p.Messages {
		ids = append(ids, fmt.Sprintf(`{"id":%q,"version":1,"read":true,"flag":true}`, m.ID))
	}
	ids[3] = strings.Replace(ids[3], `"version":1`, `"version":7`, 1)
	ids[100] = `{"id":"00000000-0000-4000-8000-000000000000","read":true}`
	path := "/apis/v1/mailboxes/" + w.d.People[0].Mailbox + "/messages/"
	body := `{"messages":[` + strings.Join(ids, ",") + `]}`
	status, _, answer := me.status("PATCH", path, nil, body)
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
	if p, _ := w.list(me, "read=true&size=1000"); p.TotalElements != 128 {
		t.Errorf("%d are read, want 128", p.TotalElements)
	}
	w.want(400, "messages")(me.status("PATCH", path, nil, `{"messages":[]}`))
	w.want(400, "messages[1].read")(me.status("PATCH", path, nil, `{"messages":[`+ids[0]+`,{"id":"00000000-0000-4000-8000-000000000000","read":"x"}]}`))
	w.want(400, "messages")(me.status("PATCH", path, nil, `{"messages":[`+strings.Repeat(ids[0]+",", 1000)+ids[0]+`]}`))
	w.want(403, "")(w.person(w.d.People[1].CPR, "app").status("PATCH", path, nil, body))
}
