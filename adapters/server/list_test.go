package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/development"
	"digitalpost/adapters/server"
	"digitalpost/adapters/server/servertest"
	"digitalpost/adapters/vault"
)

// A bench is a server without a network: what a request costs is the server's alone.
type bench struct {
	tb      testing.TB
	handler http.Handler
	token   string
	box     string
}

func openBench(tb testing.TB) *bench {
	tb.Helper()

	dir := tb.TempDir()
	log := slog.New(slog.DiscardHandler)
	hall, err := backbone.Open(backbone.Config{
		Dir: dir + "/var", KMS: vault.KeyFolder(dir + "/keys"), Development: true, SegmentSize: 64 << 20, Log: log,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { hall.Close() })

	issuer, err := development.NewIssuer(hall, nil)
	if err != nil {
		tb.Fatal(err)
	}
	if err := development.Seed(context.Background(), hall, issuer); err != nil {
		tb.Fatal(err)
	}
	srv := server.New(server.Config{Backbone: hall, Issuer: issuer, Registry: prometheus.NewRegistry(), Log: log})

	return &bench{tb: tb, handler: srv.Handler}
}

// ask gives the answer to a request, which is well.
func (b *bench) ask(method, path, body string, header ...string) []byte {
	b.tb.Helper()

	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Host = "127.0.0.1:8080" // whose tokens are good
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, req)
	answer, _ := io.ReadAll(w.Body)
	if w.Code/100 != 2 {
		b.tb.Fatalf("%s %s: %d %.300s", method, path, w.Code, answer)
	}

	return answer
}

// fill has an authority's system send so many messages to the first person, changed by change, and signs the person in.
func (b *bench) fill(n int, change func(string) string) {
	b.tb.Helper()

	var all servertest.Directory
	if err := json.Unmarshal(b.ask("GET", "/dev/", ""), &all); err != nil {
		b.tb.Fatal(err)
	}

	s, p := all.SenderSystems[0], all.People[0]
	basic := httptest.NewRequest("GET", "/", nil)
	basic.SetBasicAuth(s.ID, s.Key)
	for i := range n {
		uuid := servertest.NewUUID()
		xml := servertest.MeMo(uuid, s.CVR, s.Organisation, p.CPR, fmt.Sprintf("Brev nr. %d om noget", i), "Hej")
		if change != nil {
			xml = change(xml)
		}
		b.ask("POST", servertest.PostPath(uuid), xml,
			"Content-Type", "application/xml", "Authorization", basic.Header.Get("Authorization"))
	}

	form := url.Values{"cpr": {p.CPR}, "client_id": {"app"}}.Encode()
	var token struct {
		Token string `json:"access_token"`
	}
	answer := b.ask("POST", "/dev/token", form, "Content-Type", "application/x-www-form-urlencoded")
	if err := json.Unmarshal(answer, &token); err != nil {
		b.tb.Fatal(err)
	}
	b.token, b.box = token.Token, p.Mailbox
}

func (b *bench) list(query string) []byte {
	b.tb.Helper()
	return b.ask("GET", "/apis/v1/mailboxes/"+b.box+"/messages/?"+query, "", "Authorization", "Bearer "+b.token)
}

// What one sender puts into a list costs those who read it little: the answer and what it takes to make it are bounded,
// whatever is in the headers.
func TestListsAreBounded(t *testing.T) {
	x := openBench(t)
	const messages, texts, length = 40, 1800, 500 // of a header of 0.9 MB
	const header = texts * length
	answered := "<memo:ReplyData><memo:messageUUID>" + servertest.NewUUID() + "</memo:messageUUID><memo:comment>" +
		strings.Repeat("x", length) + "</memo:comment></memo:ReplyData>"
	x.fill(messages, func(xml string) string {
		xml = strings.Replace(xml, "<memo:label>", "<memo:label>"+strings.Repeat("æ", 200), 1)
		return strings.Replace(xml, "</memo:MessageHeader>", strings.Repeat(answered, texts)+"</memo:MessageHeader>", 1)
	})
	x.list("size=1000") // whatever is made once

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	answer := x.list("size=1000")
	runtime.ReadMemStats(&after)

	var list struct{ Messages []struct{ Label string } }
	if err := json.Unmarshal(answer, &list); err != nil || len(list.Messages) != messages {
		t.Fatalf("%d messages are listed, %v", len(list.Messages), err)
	}
	if len(answer) > messages*8<<10 {
		t.Errorf("a list of %d has %d bytes", messages, len(answer))
	}
	if made := after.TotalAlloc - before.TotalAlloc; made > messages*100<<10 {
		t.Errorf("a list of %d allocates %d bytes", messages, made)
	}

	// Negative control: the message itself has all of its header.
	var whole struct{ Messages []struct{ ID string } }
	if err := json.Unmarshal(x.list("size=1&fields=id"), &whole); err != nil {
		t.Fatal(err)
	}
	path := "/apis/v1/mailboxes/" + x.box + "/messages/" + whole.Messages[0].ID
	if n := len(x.ask("GET", path, "", "Authorization", "Bearer "+x.token)); n < header {
		t.Errorf("the message itself has %d bytes", n)
	}
}

// What a list costs, of the newest 20 of a mailbox: all fields, and two that no letter is opened for. Times are of one
// processor.
func BenchmarkList(b *testing.B) {
	x := openBench(b)
	x.fill(200, nil)

	for name, query := range map[string]string{"all": "size=20", "few": "size=20&fields=id,read"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x.list(query)
			}
		})
	}
}
