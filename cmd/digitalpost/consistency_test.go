package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"log/slog"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/identity"
	"digitalpost/adapters/senderapi"
	"digitalpost/adapters/vault"
	"digitalpost/adapters/viewapi"
)

// A mailbox is checked message by message (what a client may do to one message is independent of the others) against this model: in which folder it lies
// and whether it is read. A list gives both; a write is acknowledged or not.
type op struct {
	write  bool
	folder string // of a write: where to, empty for none
	read   *bool
}

type seen struct {
	folder string
	read   bool
}

var listModel = porcupine.Model{
	Init: func() any { return seen{folder: "INBOX"} },
	Step: func(state, input, output any) (bool, any) {
		s, in := state.(seen), input.(op)
		if !in.write {
			return output.(seen) == s, s
		}
		if in.folder != "" {
			s.folder = in.folder
		}
		if in.read != nil {
			s.read = *in.read
		}
		return true, s
	},
}

// consistency has 16 clients on four platforms change and list the same mailbox at once, and gives the messages whose history is not linearizable, and
// the lists whose unread count is not that of its rows.
func consistency(t *testing.T, noWait bool, rounds int) (violations, lists int) {
	t.Helper()
	dir := t.TempDir()
	b, err := backbone.Open(backbone.Config{Dir: dir + "/var", KMS: vault.KeyFolder(dir + "/keys"), Development: true, SegmentSize: 16 << 20, NoWait: noWait,
		SlowViews: func() { time.Sleep(3 * time.Millisecond) }}) // views lag: who doesn't wait sees it
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	mux, log := http.NewServeMux(), slog.New(slog.DiscardHandler)
	tokens, err := serveCmd{Dev: true}.tokens(context.Background(), mux, b, log)
	if err != nil {
		t.Fatal(err)
	}
	who := identity.NewGate(b, tokens, false, nil, log)
	senderapi.Register(mux, b, who, log)
	viewapi.Register(mux, b, who, log)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if noWait { // it may answer anything
			w.Header().Set("X-Not-Described", "a negative control")
		}
		mux.ServeHTTP(w, r)
	}))
	defer srv.Close()
	d, err := (&client{url: srv.URL}).directory()
	if err != nil {
		t.Fatal(err)
	}
	sender := &client{url: srv.URL, basic: [2]string{d.SenderSystems[0].ID, d.SenderSystems[0].Key}}
	const messages = 4
	for i := range messages {
		uuid := newUUID4()
		if _, err := sender.post(uuid, strings.NewReader(write(uuid, d.SenderSystems[0].CVR, "A", d.People[0].CPR, fmt.Sprint("m", i), "x"))); err != nil {
			t.Fatal(err)
		}
	}
	platforms := []string{"app", "eboks", "mitdk", "lifeindenmark"}
	first := &client{url: srv.URL}
	first.signIn(d.People[0].CPR, "app")
	first.do("POST", "/apis/v1/mailboxes/"+d.People[0].Mailbox+"/folders/", nil, strings.NewReader(`{"name":"F"}`), nil)
	if err := b.Fresh(context.Background(), b.Position()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // the negative control's first look must find the messages
	v, err := first.look()
	if err != nil || len(v.messages) != messages {
		t.Fatal(err, len(v.messages))
	}
	label := map[string]int{}
	for i, m := range v.messages {
		label[m.ID] = i
	}
	folders := map[string]string{"INBOX": v.folder("INBOX"), "F": v.folder("F"), "DELETED": v.folder("DELETED")}
	begin := time.Now()
	var mu sync.Mutex
	history := make([][]porcupine.Operation, messages)
	var wg sync.WaitGroup
	for c := range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rng := rand.New(rand.NewPCG(uint64(c), 7))
			cl := &client{url: srv.URL}
			if err := cl.signIn(d.People[0].CPR, platforms[c%4]); err != nil {
				t.Error(err)
				return
			}
			box := "/apis/v1/mailboxes/" + v.mailbox
			for range rounds {
				call := time.Since(begin).Nanoseconds()
				if rng.IntN(2) == 0 {
					m := v.messages[rng.IntN(messages)]
					in := op{write: true}
					var body string
					if rng.IntN(2) == 0 {
						read := rng.IntN(2) == 0
						in.read, body = &read, fmt.Sprintf(`{"read":%v}`, read)
					} else {
						in.folder = []string{"INBOX", "F", "DELETED"}[rng.IntN(3)]
						body = `{"folderId":"` + folders[in.folder] + `"}`
					}
					status, _, answer := cl.status("PATCH", box+"/messages/"+m.ID, nil, body)
					if status != 200 {
						t.Errorf("PATCH: %d %s", status, answer)
						return
					}
					mu.Lock()
					history[label[m.ID]] = append(history[label[m.ID]], porcupine.Operation{ClientId: c, Input: in, Call: call, Output: nil, Return: time.Since(begin).Nanoseconds()})
					mu.Unlock()
					continue
				}
				status, _, body := cl.status("GET", box+"/messages/?size=100", nil, "")
				var list struct{ Messages []shownMessage }
				if status != 200 || json.Unmarshal([]byte(body), &list) != nil || len(list.Messages) != messages {
					t.Errorf("list: %d, %d messages", status, len(list.Messages))
					return
				}
				back := time.Since(begin).Nanoseconds()
				mu.Lock()
				lists++
				for _, m := range list.Messages {
					history[label[m.ID]] = append(history[label[m.ID]], porcupine.Operation{ClientId: c, Input: op{}, Call: call, Output: seen{v.folders[m.FolderID], m.Read}, Return: back})
				}
				mu.Unlock()
				status, _, body = cl.status("GET", box+"/folders/summary/", nil, "")
				var sum struct {
					FolderMessageSummaryList []struct{ MessageCount struct{ TotalMessages int } }
				}
				total := 0
				if status == 200 && json.Unmarshal([]byte(body), &sum) == nil {
					for _, f := range sum.FolderMessageSummaryList {
						total += f.MessageCount.TotalMessages
					}
				}
				if total != messages && !noWait {
					t.Errorf("the summary counts %d messages, want %d", total, messages)
				}
			}
		}()
	}
	wg.Wait()
	for _, h := range history {
		if porcupine.CheckOperationsTimeout(listModel, h, 20*time.Second) == porcupine.Illegal {
			violations++
		}
	}
	return violations, lists
}

func TestListsAreConsistent(t *testing.T) {
	rounds := 25
	if testing.Short() {
		rounds = 8
	}
	violations, lists := consistency(t, false, rounds)
	if violations > 0 {
		t.Errorf("%d of 4 messages have a history that no order of the acknowledged writes explains (%d lists)", violations, lists)
	}
	t.Logf("%d lists checked, %d violations", lists, violations)
}

// The negative control: writes and reads that don't wait for the views are found out.
func TestListsWithoutTheWaitAreNot(t *testing.T) {
	if violations, lists := consistency(t, true, 25); violations == 0 {
		t.Errorf("no violation was found in %d lists that did not wait: the check sees nothing", lists)
	}
}
