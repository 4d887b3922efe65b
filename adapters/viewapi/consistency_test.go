package viewapi_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/server/servertest"
)

// A mailbox is checked message by message (what a client may do to one message is independent of the others) against
// this model: in which folder it lies and whether it is read. A list gives both; a write is acknowledged or not.
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

const (
	watched = 4  // messages that all clients change and list
	clients = 16 // at once, on four platforms
)

// A history is what the clients did to a mailbox, and what they were shown of it.
type history struct {
	t      *testing.T
	noWait bool
	begin  time.Time
	box    servertest.Mailbox // before

	mu     sync.Mutex
	places map[string]int // of the messages, by id
	ops    [watched][]porcupine.Operation
	lists  int
}

// consistency has the clients change and list the same mailbox at once, and gives the number of messages whose history
// is not linearizable. Views lag: who does not wait for them sees it.
func consistency(t *testing.T, noWait bool, rounds int) (violations, lists int) {
	t.Helper()
	var lag atomic.Int64
	lag.Store(int64(3 * time.Millisecond))
	w := servertest.StartWith(t, servertest.Config{
		NotDescribed: noWait,
		Backbone: func(c *backbone.Config) {
			c.NoWait, c.SlowViews = noWait, func() { time.Sleep(time.Duration(lag.Load())) }
		},
	})
	for i := range watched {
		w.Send(fmt.Sprint("m", i))
	}
	first := w.User(0, "app")
	first.Code("POST", w.Box(0)+"/folders/", `{"name":"F"}`) // who does not wait may be told anything
	h := &history{t: t, noWait: noWait, begin: time.Now(), places: map[string]int{}}
	servertest.Eventually(t, "all messages and folders are shown", func() bool {
		h.box = first.See()
		return len(h.box.Messages) == watched && h.box.Folder("F") != ""
	})
	for i, m := range h.box.Messages {
		h.places[m.ID] = i
	}

	if noWait { // what the control must see is seen on a busy machine too
		lag.Store(int64(30 * time.Millisecond))
	}
	var wg sync.WaitGroup
	for n := range clients {
		c := w.User(0, []string{"app", "eboks", "mitdk", "lifeindenmark"}[n%4])
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(n), 7))
			for range rounds {
				if rng.IntN(2) == 0 {
					h.change(n, c, rng)
				} else {
					h.list(n, c)
				}
			}
		})
	}
	wg.Wait()
	for _, ops := range h.ops {
		if porcupine.CheckOperationsTimeout(listModel, ops, 20*time.Second) == porcupine.Illegal {
			violations++
		}
	}
	return violations, h.lists
}

func (h *history) path() string { return "/apis/v1/mailboxes/" + h.box.ID }

// now is the time since the history began.
func (h *history) now() int64 { return time.Since(h.begin).Nanoseconds() }

// change marks a message read or unread, or moves it.
func (h *history) change(n int, c *servertest.Client, rng *rand.Rand) {
	call := h.now()
	id := h.box.Messages[rng.IntN(watched)].ID
	in, body := op{write: true}, ""
	if rng.IntN(2) == 0 {
		read := rng.IntN(2) == 0
		in.read, body = &read, fmt.Sprintf(`{"read":%v}`, read)
	} else {
		in.folder = []string{"INBOX", "F", "DELETED"}[rng.IntN(3)]
		body = `{"folderId":"` + h.box.Folder(in.folder) + `"}`
	}
	if status, _, answer := c.Status("PATCH", h.path()+"/messages/"+id, body); status != 200 {
		h.t.Errorf("PATCH: %d %s", status, answer)
		return
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	h.add(id, porcupine.Operation{ClientId: n, Input: in, Call: call, Return: h.now()})
}

func (h *history) add(id string, o porcupine.Operation) {
	h.ops[h.places[id]] = append(h.ops[h.places[id]], o)
}

// list lists the messages, and counts them by folder.
func (h *history) list(n int, c *servertest.Client) {
	call := h.now()
	status, _, body := c.Status("GET", h.path()+"/messages/?size=100", "")
	var list struct{ Messages []servertest.Message }
	if status != 200 || json.Unmarshal([]byte(body), &list) != nil || len(list.Messages) != watched {
		h.t.Errorf("list: %d, %d messages", status, len(list.Messages))
		return
	}
	back := h.now()

	h.mu.Lock()
	h.lists++
	for _, m := range list.Messages {
		out := seen{h.box.Folders[m.FolderID], m.Read}
		h.add(m.ID, porcupine.Operation{ClientId: n, Input: op{}, Call: call, Output: out, Return: back})
	}
	h.mu.Unlock()

	total := 0.0
	summary := servertest.Parse(c.Body("GET", h.path()+"/folders/summary/", ""))
	for _, f := range summary.List("folderMessageSummaryList") {
		count, _ := f.At("messageCount", "totalMessages").(float64)
		total += count
	}
	if total != watched && !h.noWait {
		h.t.Errorf("the summary counts %v messages, want %d", total, watched)
	}
}

func TestListsAreConsistent(t *testing.T) {
	t.Parallel()
	rounds := 25
	if testing.Short() {
		rounds = 8
	}
	violations, lists := consistency(t, false, rounds)
	if violations > 0 {
		t.Errorf("%d of %d messages have a history that no order of the acknowledged writes explains (%d lists)",
			violations, watched, lists)
	}
	t.Logf("%d lists checked, %d violations", lists, violations)
}

// The negative control: writes and reads that don't wait for the views are found out.
func TestListsWithoutTheWaitAreNot(t *testing.T) {
	t.Parallel()
	if violations, lists := consistency(t, true, 25); violations == 0 {
		t.Errorf("no violation was found in %d lists that did not wait: the check sees nothing", lists)
	}
}
