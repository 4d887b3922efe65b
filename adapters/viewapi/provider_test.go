package viewapi_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"digitalpost/adapters/server/servertest"
)

// A provider keeps a copy of what a platform may hold, as the description says and in no other way: by HTTP alone.
type provider struct {
	t    *testing.T
	name string
	w    *servertest.World

	mu   sync.Mutex
	rows map[string]copyRow
	at   uint64 // of the last event that was taken whole
	from string // where the feed goes on
	seen int    // events
}

// A copyRow is a row as it came.
type copyRow struct {
	raw              string
	Key, Kind        string
	Total, Unread    int
	FolderID, ID     string
	Read             bool
	MailboxID, Scope string
	Position         uint64
}

func readRow(t *testing.T, raw []byte) copyRow {
	t.Helper()
	r := copyRow{raw: string(raw)}
	if err := json.Unmarshal(raw, &r); err != nil || r.Key == "" || r.Position == 0 {
		t.Errorf("no row: %s", raw)
	}
	var any map[string]any
	json.Unmarshal(raw, &any)
	for k, v := range any { // positions and sizes as they stand
		if f, ok := v.(float64); ok {
			any[k] = json.Number(strconv.FormatFloat(f, 'f', -1, 64))
		}
	}
	if sorted, _ := json.Marshal(any); string(sorted) != r.raw {
		t.Errorf("a row is not as RFC 8785 has it: %s", raw)
	}
	return r
}

func newProvider(t *testing.T, w *servertest.World, name string) *provider {
	return &provider{t: t, name: name, w: w, rows: map[string]copyRow{}}
}

// snapshot begins the copy anew. With cut, the answer is broken off now and then, and taken up behind the last row.
func (p *provider) snapshot(cut bool) (end uint64) {
	p.t.Helper()
	p.rows = map[string]copyRow{}
	after, first := "", ""
	for {
		path := "/apis/v1/platform/snapshot"
		if after != "" {
			path += "?after=" + after + "&position=" + first
		}
		ctx, cancel := context.WithCancel(p.t.Context())
		res, err := http.DefaultClient.Do(p.w.PlatformServer(p.name).NewRequest("GET", path, nil).WithContext(ctx))
		if err != nil || res.StatusCode != 200 {
			p.t.Fatalf("snapshot: %v %v", res, err)
		}
		in := bufio.NewScanner(res.Body)
		in.Buffer(nil, 1<<20)
		most := -1
		if cut {
			most = rand.IntN(20)
		}
		done := false
		for in.Scan() && most != 0 {
			var line struct {
				Kind, Position string
				Rows           int
			}
			if err := json.Unmarshal(in.Bytes(), &line); err != nil && line.Kind != "message" && line.Kind != "folder" {
				p.t.Fatalf("snapshot: %s: %v", in.Bytes(), err)
			}
			switch line.Kind {
			case "begin":
				if after != "" && line.Position != first {
					p.t.Errorf("a snapshot that goes on begins at %s, want %s", line.Position, first)
				}
				first, p.from = line.Position, line.Position
			case "end":
				end, _ = strconv.ParseUint(line.Position, 10, 64)
				done = true
			default:
				r := readRow(p.t, in.Bytes())
				if _, twice := p.rows[r.Key]; twice {
					p.t.Errorf("%s is in the snapshot twice", r.Key)
				}
				p.rows[r.Key], after = r, r.Key
				most--
			}
		}
		cancel()
		res.Body.Close()
		if done {
			p.at, _ = strconv.ParseUint(first, 10, 64)
			return end
		}
	}
}

// An event is of the feed.
type feedEvent struct {
	ID, Type string
	Data     struct {
		MailboxID, Scope, Platform string
		Rows                       []json.RawMessage
		Gone                       []string
	}
}

// take brings the copy in line with an event.
func (p *provider) take(raw []byte) {
	var e feedEvent
	if err := json.Unmarshal(raw, &e); err != nil {
		p.t.Errorf("no event: %s", raw)
		return
	}
	position, part, inParts := strings.Cut(e.ID, "-")
	at, _ := strconv.ParseUint(position, 10, 64)
	p.mu.Lock()
	defer p.mu.Unlock()
	if at <= p.at {
		return
	}
	p.seen++
	if p.apply(e); inParts {
		if part == "" || len(e.Data.Rows) > 500 {
			p.t.Errorf("part %q has %d rows", e.ID, len(e.Data.Rows))
		}
		return
	}
	if len(e.Data.Rows)+len(e.Data.Gone) == 0 && e.Data.Scope == "" {
		p.t.Errorf("%s is told of an event that changes nothing there: %s", p.name, raw)
	}
	p.at, p.from = at, e.ID
}

// apply is what the description says of an event; p.mu is held.
func (p *provider) apply(e feedEvent) {
	if strings.HasSuffix(e.Type, ".mailbox-hidden") {
		for k, r := range p.rows {
			if r.MailboxID == e.Data.MailboxID && r.Scope == e.Data.Scope {
				delete(p.rows, k)
			}
		}
	}
	for _, raw := range e.Data.Rows {
		r := readRow(p.t, raw)
		if held, ok := p.rows[r.Key]; !ok || r.Position > held.Position {
			p.rows[r.Key] = r
		}
	}
	for _, k := range e.Data.Gone {
		delete(p.rows, k)
	}
}

// follow keeps the copy in line until ctx ends; the connection breaks at random.
func (p *provider) follow(ctx context.Context) {
	for ctx.Err() == nil {
		one, cancel := context.WithTimeout(ctx, time.Duration(20+rand.IntN(300))*time.Millisecond)
		p.mu.Lock()
		from := p.from
		p.mu.Unlock()
		req := p.w.PlatformServer(p.name).NewRequest("GET", "/apis/v1/changes", nil).WithContext(one)
		req.Header.Set("Last-Event-ID", from)
		if res, err := http.DefaultClient.Do(req); err == nil {
			in := bufio.NewReader(res.Body)
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					break
				}
				if raw, ok := strings.CutPrefix(line, "data: "); ok {
					p.take([]byte(raw))
				}
			}
			res.Body.Close()
		}
		cancel()
	}
}

// digest is that of the copy, as anybody can compute it; highest is the highest position of a row.
func (p *provider) digest() (digest string, highest uint64, rows int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum := new(big.Int)
	for _, r := range p.rows {
		h := sha256.Sum256([]byte(r.raw))
		sum.Add(sum, new(big.Int).SetBytes(h[:]))
		highest = max(highest, r.Position)
	}
	sum.Mod(sum, new(big.Int).Lsh(big.NewInt(1), 256))
	b := sum.FillBytes(make([]byte, 32))
	return hex.EncodeToString(b), highest, len(p.rows)
}

// consistent checks the counts of folders against the copy's own rows.
func (p *provider) consistent() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	type count struct{ total, unread int }
	counted := map[string]count{}
	for _, r := range p.rows {
		if r.Kind == "message" {
			c := counted[r.FolderID+r.Scope]
			c.total++
			if !r.Read {
				c.unread++
			}
			counted[r.FolderID+r.Scope] = c
		}
	}
	for _, r := range p.rows {
		if r.Kind != "folder" {
			continue
		}
		if c := counted[r.ID+r.Scope]; c.total != r.Total || c.unread != r.Unread {
			p.t.Errorf("%s: folder %s counts %d, %d unread; the copy's rows %d, %d",
				p.name, r.Key, r.Total, r.Unread, c.total, c.unread)
		}
	}
}

// attest says what the copy is at the log's end, once it is settled there, until the backbone knows that position.
func (p *provider) attest() {
	p.t.Helper()
	verdict := ""
	ok := servertest.Soon(func() bool {
		end := uint64(0)
		if log := p.w.Records(); len(log) > 0 {
			end = uint64(log[len(log)-1].Position)
		}
		// All that is told up to the end has been taken: a beat says so, and so does time.
		digest, _, _ := p.digest()
		server := p.w.PlatformServer(p.name)
		out := server.Ask(200, "POST", "/apis/v1/platform/attestations",
			fmt.Sprintf(`{"position":%d,"digest":%q}`, end, digest))
		verdict = out.Text("verdict")
		return verdict == "EQUAL"
	})
	if !ok {
		digest, highest, n := p.digest()
		p.t.Errorf("%s: the copy is %s: %s of %d rows, the highest at %d", p.name, verdict, digest, n, highest)
	}
}
