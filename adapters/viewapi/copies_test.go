package viewapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"digitalpost/adapters/server/servertest"
)

// A platform's copy, kept by the feed alone over a random history of sign-ins, consents, accesses, public and private
// post, folders and purges, with connections that break, is what the backbone says it is, and what a snapshot gives.
func TestProvidersKeepCopies(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	names := []string{"eboks", "mitdk", "app", "lifeindenmark"}
	var all []*provider
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	begin := func(p *provider) {
		all = append(all, p)
		wg.Add(1)
		go func() { defer wg.Done(); p.follow(ctx) }()
	}
	for _, name := range names {
		p := newProvider(t, w, name)
		p.from = "0"
		begin(p)
	}

	rounds := 300
	if testing.Short() {
		rounds = 40
	}
	h := &happenings{t: t, w: w, rng: rand.New(rand.NewPCG(1, 2)), grants: map[int]string{}}
	for i := range rounds {
		h.next()
		if i == rounds/2 { // others begin in the middle, with a snapshot, while all goes on
			for _, name := range names {
				p := newProvider(t, w, name)
				p.snapshot(true)
				begin(p)
			}
		}
	}

	for _, p := range all {
		p.attest()
		p.consistent()
	}
	cancel()
	wg.Wait()

	for _, p := range all {
		fresh := newProvider(t, w, p.name)
		fresh.snapshot(false)
		for k, r := range fresh.rows {
			if p.rows[k].raw != r.raw {
				t.Errorf("%s: %s is %s in the copy, and %s in a snapshot", p.name, k, p.rows[k].raw, r.raw)
			}
		}
		if len(p.rows) != len(fresh.rows) {
			t.Errorf("%s: %d rows in the copy, %d in a snapshot", p.name, len(p.rows), len(fresh.rows))
		}
	}

	// What is public has the same bytes wherever it is, and no platform has another's private rows.
	public := map[string]string{}
	private := map[string]string{}
	for _, p := range all {
		for k, r := range p.rows {
			if r.Scope == "PUBLIC" {
				if other, ok := public[k]; ok && other != r.raw {
					t.Errorf("%s is %s on %s, and %s elsewhere", k, r.raw, p.name, other)
				}
				public[k] = r.raw
			} else if at, ok := private[k]; ok && at != p.name {
				t.Errorf("%s, which is private, is on %s and on %s", k, at, p.name)
			} else {
				private[k] = p.name
			}
		}
	}
	if len(public) < 30 || len(private) == 0 || all[0].seen < 30 {
		t.Errorf("%d public rows, %d private, %d events: too few", len(public), len(private), all[0].seen)
	}
}

// happenings are what people, authorities and companies do, at random.
type happenings struct {
	t      *testing.T
	w      *servertest.World
	rng    *rand.Rand
	grants map[int]string // who has access to the first person's mailbox
	sent   int
}

func (h *happenings) next() {
	w, owner := h.w, h.w.User(0, []string{"app", "eboks", "mitdk", "lifeindenmark"}[h.rng.IntN(4)])
	box := w.Box(0)
	switch h.rng.IntN(12) {
	case 0, 1, 2:
		h.sent++
		w.SendAs(0, w.People[h.rng.IntN(3)].CPR, fmt.Sprintf("Brev %d", h.sent), nil)
	case 3:
		h.sent++
		w.SendAs(2, w.People[0].CPR, fmt.Sprintf("Privat %d", h.sent), nil)
	case 4:
		owner.Do("PUT", box+"/platform-consents/eboks", strings.NewReader(
			fmt.Sprintf(`{"given":%v}`, h.rng.IntN(2) == 0)), nil)
	case 5:
		who := 1 + h.rng.IntN(2)
		if id, ok := h.grants[who]; ok {
			w.User(0, "app").Ask(204, "DELETE", box+"/accesses/"+id, "")
			delete(h.grants, who)
			return
		}
		h.grants[who] = w.User(0, "app").Grant(0, who, "READ").ID
	case 6:
		who := 1 + h.rng.IntN(2)
		platform := []string{"app", "eboks", "mitdk"}[h.rng.IntN(3)]
		w.User(who, platform).Do("GET", box+"/messages/", nil, nil)
	case 7:
		owner.Do("POST", box+"/folders/", strings.NewReader(fmt.Sprintf(`{"name":"Mappe %d"}`, h.rng.IntN(5))), nil)
	case 8:
		h.deleteFolder(owner, box)
	default:
		h.change(owner, box)
	}
}

// one gives a random thing of a list.
func (h *happenings) one(c *servertest.Client, path, list string) map[string]any {
	var out map[string]json.RawMessage
	c.Do("GET", path, nil, &out)
	var all []map[string]any
	json.Unmarshal(out[list], &all)
	if len(all) == 0 {
		return nil
	}
	return all[h.rng.IntN(len(all))]
}

func (h *happenings) deleteFolder(c *servertest.Client, box string) {
	if f := h.one(c, box+"/folders/", "folders"); f != nil && f["folderType"] == "USER_DEFINED" {
		c.Do("DELETE", fmt.Sprint(box, "/folders/", f["id"]), nil, nil)
	}
}

func (h *happenings) change(c *servertest.Client, box string) {
	m := h.one(c, box+"/messages/", "messages")
	if m == nil {
		return
	}
	path := fmt.Sprint(box, "/messages/", m["id"])
	switch h.rng.IntN(5) {
	case 0:
		c.Do("PATCH", path, strings.NewReader(fmt.Sprintf(`{"read":%v}`, h.rng.IntN(2) == 0)), nil)
	case 1:
		c.Do("PATCH", path, strings.NewReader(fmt.Sprintf(`{"flag":%v}`, h.rng.IntN(2) == 0)), nil)
	case 2:
		c.Do("DELETE", path, nil, nil) // into DELETED, and from there for good
	default:
		if f := h.one(c, box+"/folders/", "folders"); f != nil && f["folderType"] != "DRAFTS" {
			c.Do("PATCH", path, strings.NewReader(fmt.Sprintf(`{"folderId":%q}`, f["id"])), nil)
		}
	}
}

// What is asked of snapshots and digests wrongly is refused, by field and rule; who has not attested learns nothing.
func TestPlatformsAskWrongly(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	w.User(0, "eboks").See()
	server := w.PlatformServer("eboks")
	for _, x := range []struct {
		status             int
		code, method, path string
		body               string
	}{
		{400, "key.not.valid", "GET", "snapshot?after=x", ""},
		{400, "position.not.valid", "GET", "snapshot?position=99999999", ""},
		{410, "shape.gone", "GET", "snapshot?shape=7", ""},
		{403, "copy.not.attested", "GET", "digest", ""},
		{404, "digest.not.kept", "GET", "digest?position=1", ""},
		{400, "position.not.valid", "GET", "digest?position=x", ""},
		{400, "digest.not.valid", "POST", "attestations", `{"position":1,"digest":"ab"}`},
		{400, "field.not.allowed", "POST", "attestations", `{"position":1,"digests":"ab"}`},
		{404, "subscription.not.found", "GET", "subscription", ""},
		{404, "subscription.not.found", "DELETE", "subscription", ""},
		{404, "subscription.not.found", "POST", "subscription/rotate", ""},
		{400, "url.not.verified", "PUT", "subscription", `{"url":"https://user:pass@example.org/"}`},
		{400, "url.not.verified", "PUT", "subscription", `{"url":"http://192.168.1.1/"}`},
		{400, "url.not.valid", "PUT", "subscription", `{"url":""}`},
	} {
		server.Refuse(x.status, x.code, x.method, "/apis/v1/platform/"+x.path, x.body)
	}
	w.User(0, "eboks").Refuse(403, "client.not.allowed", "GET", "/apis/v1/platform/snapshot", "")
	server.Refuse(410, "shape.gone", "GET", "/apis/v1/changes?after=s9.5", "")
	server.Refuse(410, "shape.gone", "GET", "/apis/v1/changes?shape=2", "")
}

// One who says something else than the backbone is told so, finds the mailbox, and is seen to differ.
func TestACopyThatDiffers(t *testing.T) {
	t.Parallel()
	w := servertest.Start(t)
	w.User(0, "eboks").See()
	w.Send("Brev")
	p := newProvider(t, w, "eboks")
	end := p.snapshot(false)
	server := w.PlatformServer("eboks")
	right, _, rows := p.digest()
	wrong := strings.Repeat("0", 64)
	body := fmt.Sprintf(`{"position":"%d","digest":%q}`, end, wrong)
	if v := server.Ask(200, "POST", "/apis/v1/platform/attestations", body).Text("verdict"); v != "DIFFERENT" {
		// an attestation is an event: the position is not the last one any more, unless it is asked in time
		t.Fatalf("verdict = %s, want DIFFERENT", v)
	}

	end = p.snapshot(false)
	body = fmt.Sprintf(`{"position":"%d","digest":%q}`, end, right)
	if v := server.Ask(200, "POST", "/apis/v1/platform/attestations", body).Text("verdict"); v != "EQUAL" {
		t.Errorf("verdict = %s of the copy's digest over %d rows, want EQUAL", v, rows)
	}
}
