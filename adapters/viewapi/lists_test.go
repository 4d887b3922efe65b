package viewapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// A page is what is shown of a list of messages.
type page struct {
	CurrentPage, TotalPages, ElementsOnPage, TotalElements int
	Next                                                   *string
	Messages                                               []servertest.Message

	header http.Header
}

// list gets a page of the messages under a path.
func list(t *testing.T, c *servertest.Client, path, query string) (p page) {
	t.Helper()
	status, h, body := c.Status("GET", path+"?"+query, "")
	if err := json.Unmarshal([]byte(body), &p); err != nil || status != 200 {
		t.Fatalf("GET %s: %d %.300s", query, status, body)
	}
	p.header = h
	return p
}

func (p page) labels() (out []string) {
	for _, m := range p.Messages {
		out = append(out, m.Label)
	}
	return out
}

// Every list has the same habits: next leads on and ends, sortFields, fields, any and filters by field do what they
// say, and what is no field is refused.
func TestListsHaveOneHabit(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, box := w.User(0, "app"), w.Box(0)
	for i := range 7 {
		me.Ask(201, "POST", box+"/folders/", fmt.Sprintf(`{"name":"Mappe %d"}`, i))
		me.Grant(0, 1+i%4, []string{"READ", "READ_WRITE"}[i/4])
	}
	for path, list := range map[string]string{
		box + "/folders/":          "folders",
		box + "/accesses/":         "accesses",
		"/apis/v1/organisations/":  "organisations",
		"/apis/v1/contact-points/": "contactPoints",
		"/apis/v1/mailboxes/":      "mailboxes",
		box + "/senders/":          "senders",
	} {
		want, got := len(me.Ask(200, "GET", path+"?size=1000", "").List(list)), 0
		for next, n := "", 0; ; n++ {
			x := me.Ask(200, "GET", path+"?size=2"+next, "")
			got += len(x.List(list))
			if x.At("next") == nil {
				break
			}
			if next = "&next=" + x.Text("next"); n > 20 {
				t.Fatalf("%s: next does not end", path)
			}
		}
		if got != want {
			t.Errorf("%s: next leads to %d, want %d", path, got, want)
		}
		for _, bad := range []string{"&foo=1", "&sortFields=foo", "&fields=foo", "&next=foo"} {
			me.Ask(400, "GET", path+"?size=2"+bad, "")
		}
	}

	me.Ask(400, "GET", "/apis/v1/access-requests/?foo=1", "") // an empty list knows its parameters too

	x := me.Ask(200, "GET", box+"/folders/?sortFields=name:desc&name=mappe*&fields=name&size=2", "")
	got := fmt.Sprint(x.At("folders"))
	if got != "[map[name:Mappe 6] map[name:Mappe 5]]" || x.Text("totalElements") != "7" {
		t.Errorf("sorted and filtered, the folders are %s of %s", got, x.Text("totalElements"))
	}
}

// A filtered list of messages goes on where it was, whatever arrives; and goes on for itself alone.
func TestFilteredListGoesOn(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	me, messages := w.User(0, "app"), w.Messages(0)
	for i := range 6 {
		w.Send(fmt.Sprint("Brev ", i))
	}
	filtered := messages + "?size=2&label=brev*"
	first := me.Ask(200, "GET", filtered, "")
	w.Send("Brev 6")
	w.Send("Brev 7")
	second := me.Ask(200, "GET", filtered+"&next="+first.Text("next"), "")
	got := second.Text("messages", 0, "label") + ", " + second.Text("messages", 1, "label")
	if got != "Brev 3, Brev 2" {
		t.Errorf("the second page is %s, want Brev 3, Brev 2", got)
	}

	// Words are found one by one; ascending and descending lists have each message once, a draft among them or not.
	w.SendAs(0, w.People[0].CPR, "Med sag", func(s string) string {
		return strings.Replace(s, "<memo:label>", "<memo:messageID>SAG-2026-77</memo:messageID><memo:label>", 1)
	})
	me.Ask(201, "POST", messages, `{"label":"Brev, en kladde"}`)
	for query, want := range map[string]string{
		"any=sag-2026*": "1", "any=*2026-77": "1", "any=besked*txt": "9", "any=*77*besked*": "0", "any=brev": "9",
	} {
		if x := me.Ask(200, "GET", messages+"?"+query, ""); x.Text("totalElements") != want {
			t.Errorf("%s finds %s, want %s", query, x.Text("totalElements"), want)
		}
	}
	for _, order := range []string{"asc", "desc"} {
		seen := map[string]bool{}
		for next := ""; ; {
			x := me.Ask(200, "GET", messages+"?any=brev&size=1&sortFields=receivedDateTime:"+order+next, "")
			seen[x.Text("messages", 0, "id")] = true
			if x.At("next") == nil || len(seen) > 20 {
				break
			}
			next = "&next=" + x.Text("next")
		}
		if len(seen) != 9 {
			t.Errorf("%s lists %d messages, want 9", order, len(seen))
		}
	}

	me.Ask(400, "GET", strings.Replace(filtered, "brev", "b", 1)+"&next="+first.Text("next"), "")
	for _, q := range []string{"read=%zz", "a=1;b=2", "label=%"} {
		me.Refuse(400, "parameter.not.valid", "GET", messages+"?"+q, "")
	}
}

// found is which messages a query finds, in order.
var found = map[string][]string{
	"label=TANDL%C3%86GETID":                         {"Tandlægetid"},
	"label=indkaldelse*":                             {"indkaldelse til samtale", "Indkaldelse til syn"},
	"label=*til*&sortFields=label":                   {"indkaldelse til samtale", "Indkaldelse til syn"},
	"label=%C3%85rsopg%C3%B8relse&label=Tandlægetid": {"Årsopgørelse", "Tandlægetid"},
	"any=k%C3%B8rselsfradrag":                        {"Lønseddel maj"},
	"note=*fradrag&read=true":                        {"Lønseddel maj"},
	"note=*fradrag&read=false":                       nil,
	"flag=true":                                      {"Lønseddel maj"},
	"any=politik":                                    nil,
	"any=eksempel": {
		"Lønseddel maj", "Aarsopgorelse", "Årsopgørelse", "indkaldelse til samtale", "Indkaldelse til syn",
		"Tandlægetid",
	},
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
	"sortFields=flag:DESC,label:asc&size=3": {
		"Lønseddel maj", "Aarsopgorelse", "indkaldelse til samtale",
	},
	"sortFields=receivedDateTime:asc&size=2":        {"Tandlægetid", "Indkaldelse til syn"},
	"sortFields=receivedDateTime:asc&size=2&page=2": {"Aarsopgorelse", "Lønseddel maj"},
}

// Filters, wildcards, any=, sorting by several fields and fields= do what they say; case does not count, æøå do.
func TestFilters(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	for _, label := range []string{
		"Tandlægetid", "Indkaldelse til syn", "indkaldelse til samtale", "Årsopgørelse", "Aarsopgorelse",
		"Lønseddel maj",
	} {
		w.Send(label)
	}
	w.SendAs(2, w.People[0].CPR, "Police om indkaldelse", nil)
	me, messages := w.User(0, "app"), w.Messages(0)
	_, m := me.Find("Lønseddel maj")
	me.Want(200, "", "PATCH", messages+m.ID, `{"flag":true,"note":"Husk kørselsfradrag","read":true}`)
	for query, want := range found {
		if p := list(t, me, messages, query); !slices.Equal(p.labels(), want) {
			t.Errorf("%s: %q, want %q", query, p.labels(), want)
		}
	}

	body := me.Body("GET", messages+"?fields=label,read&label=Tand*", "")
	if !strings.Contains(body, `[{"label":"Tandlægetid","read":false}]`) {
		t.Errorf("fields=label,read: %s", body)
	}
	for _, bad := range []string{
		"label=" + strings.Repeat("*x", 17), "any=x&any=" + strings.Repeat("y", 1025), "sortFields=x",
		"sortFields=label:up", "sortFields=sender", "sortFields=documents", "sortFields=sender.x", "fields=cpr",
		"unknown=1", "next=zzz", "receivedDateFrom=yesterday", "page=-1", "size=1001", "folderId=x", "read=maybe",
	} {
		me.Want(400, strings.SplitN(bad, "=", 2)[0], "GET", messages+"?"+bad, "")
	}
	me.Want(200, "SEARCHED", "GET", w.Box(0)+"/looks/", "")
}

// However a list is paged, by page and size from either end or by next and Link, with post of another platform in
// between: the same messages, each once.
func TestPaging(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	var all []string
	for i := range 57 {
		label := fmt.Sprint("Brev ", i)
		if i%5 == 2 {
			w.SendAs(2, w.People[0].CPR, label, nil)
			continue
		}
		w.Send(label)
		all = append(all, label)
	}
	me := w.User(0, "mitdk")
	newest := slices.Clone(all)
	slices.Reverse(newest)
	for order, want := range map[string][]string{
		"":                                       newest,
		"&sortFields=receivedDateTime:asc":       all,
		"&sortFields=receivedDateTime:asc,label": all,
		"&read=false":                            newest,
	} {
		for _, size := range []int{1, 7, 10, 46, 100} {
			for how, got := range map[string][]string{
				"page": byPage(t, me, w.Messages(0), order, size, len(want)),
				"next": byNext(t, me, w.Messages(0), fmt.Sprintf("size=%d%s", size, order)),
				"Link": byLink(t, me, w.Messages(0), fmt.Sprintf("size=%d%s", size, order)),
			} {
				if !slices.Equal(got, want) {
					t.Errorf("order %q, size %d, by %s: %d messages %v, want %d",
						order, size, how, len(got), got, len(want))
				}
			}
		}
	}
}

func byPage(t *testing.T, c *servertest.Client, path, order string, size, want int) (out []string) {
	t.Helper()
	for n := 0; ; n++ {
		p := list(t, c, path, fmt.Sprintf("size=%d&page=%d%s", size, n, order))
		if out = append(out, p.labels()...); len(p.Messages) == 0 {
			return out
		}
		if p.TotalElements != want || p.ElementsOnPage != len(p.Messages) {
			t.Errorf("%+v elements, want %d", p.TotalElements, want)
		}
	}
}

func byNext(t *testing.T, c *servertest.Client, path, query string) (out []string) {
	t.Helper()
	for next := query; next != ""; {
		p := list(t, c, path, next)
		out = append(out, p.labels()...)
		if next = ""; p.Next != nil {
			next = query + "&next=" + url.QueryEscape(*p.Next)
		}
	}
	return out
}

func byLink(t *testing.T, c *servertest.Client, path, query string) (out []string) {
	t.Helper()
	for next := query; next != ""; {
		p := list(t, c, path, next)
		out = append(out, p.labels()...)
		next = ""
		for _, l := range strings.Split(p.header.Get("Link"), ", ") {
			if to, ok := strings.CutSuffix(l, `>; rel="next"`); ok {
				_, next, _ = strings.Cut(to, "?")
			}
		}
	}
	return out
}
