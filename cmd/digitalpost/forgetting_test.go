package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/intake"
	"digitalpost/domain/mailbox"
	"digitalpost/eventstore/filestore"
	"digitalpost/projections"
)

// A thief has every file of the data directory, files copied from it before, and every epoch key that is left. It looks for wrapped nodes at every byte of every
// file, in use or in free pages, and knows the formats: it is written from their description, not with the vault's code.
type thief struct {
	files [][]byte
	wraps []cipher.AEAD
}

func gcm(t *testing.T, key []byte) cipher.AEAD {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func newThief(t *testing.T, data string, copies ...[]byte) *thief {
	t.Helper()
	th := &thief{files: copies}
	err := filepath.WalkDir(data, func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			var b []byte
			b, err = os.ReadFile(name)
			th.files = append(th.files, b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	keys, _ := filepath.Glob(data + ".keys/epoch/*")
	for _, name := range keys {
		if b, err := os.ReadFile(name); err == nil && len(b) == 32 {
			th.wraps = append(th.wraps, gcm(t, b))
		}
	}
	if len(th.wraps) == 0 {
		t.Fatal("the thief has no key at all")
	}
	return th
}

// leafKeys gives every key of an owner's leaf that can be made of what the thief has.
func (th *thief) leafKeys(owner [16]byte, leaf uint32) (out [][]byte) {
	for _, file := range th.files {
		for at := 0; ; {
			i := bytes.Index(file[at:], owner[:])
			if i < 0 || at+i+21+60 > len(file) {
				break
			}
			row, sealed := file[at+i:at+i+21], file[at+i+21:at+i+81]
			at += i + 1
			first, height := binary.BigEndian.Uint32(row[16:]), uint(row[20])
			if height > 32 || leaf < first || uint64(leaf) >= uint64(first)+1<<height {
				continue
			}
			for _, wrap := range th.wraps {
				node, err := wrap.Open(nil, sealed[:12], sealed[12:], row)
				if err != nil {
					continue
				}
				for h := height; h > 0; h-- {
					sum := sha256.Sum256(append(append([]byte{1}, node...), byte(leaf>>(h-1)&1)))
					node = sum[:]
				}
				out = append(out, node)
			}
		}
	}
	return out
}

// opens tells whether a sealed field can be opened.
func (th *thief) opens(t *testing.T, owner [16]byte, leaf uint32, eventType, field string, sealed []byte) bool {
	bound := append([]byte{}, owner[:]...)
	bound = binary.BigEndian.AppendUint32(bound, leaf)
	bound = append(append(append(bound, eventType...), 0), field...)
	for _, key := range th.leafKeys(owner, leaf) {
		sub := sha256.Sum256(append([]byte{2}, key...))
		if _, err := gcm(t, sub[:]).Open(nil, sealed[:12], sealed[12:], bound); err == nil {
			return true
		}
	}
	return false
}

// reads gives the messages of which the thief can open the outline, where the title is, or the document's key, in the mailbox's stream or at intake.
func (th *thief) reads(t *testing.T, data string) map[domain.MessageID]bool {
	t.Helper()
	b, err := filestore.OpenBeside(filepath.Join(data, "log"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[domain.MessageID]bool{}
	for rec, err := range b.ReadAll(0) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := projections.Decode(rec)
		if err != nil {
			t.Fatal(err)
		}
		switch e := e.(type) {
		case intake.MemoReceived:
			out[e.Message] = out[e.Message] || th.opens(t, rec.Stream.ID, e.Leaf, rec.Type, "documentKey", e.DocumentKey)
		case mailbox.MessageDelivered:
			if l := e.Letter; l != nil {
				out[e.Message] = out[e.Message] || th.opens(t, rec.Stream.ID, l.Leaf, rec.Type, "documentKey", l.DocumentKey) ||
					th.opens(t, rec.Stream.ID, l.Leaf, rec.Type, "outline", l.Outline)
			}
		}
	}
	return out
}

// After a message is purged, a mailbox shredded and the epoch rolled, no file and no key that is left opens them, nor does a copy of the keys from before; their
// neighbours open, and replay, verify and rebuilds run.
func TestForgottenPostCannotBeOpened(t *testing.T) {
	data := t.TempDir() + "/var"
	cmd, c := child(t, data)
	d, err := c.directory()
	if err != nil {
		t.Fatal(err)
	}
	send := func(person int, label string) domain.MessageID {
		uuid := newUUID4()
		if _, err := c.as(d, 0).post(uuid, strings.NewReader(write(uuid, d.SenderSystems[0].CVR, "Afsender", d.People[person].CPR, label, "Hej"))); err != nil {
			t.Fatal(err)
		}
		u, _ := domain.ParseUUID(uuid)
		s, _ := domain.ParseUUID(d.SenderSystems[0].ID)
		return intake.MessageOf(s, u)
	}
	purged, neighbour, other, shredded := send(0, "Slettes"), send(0, "Naboen"), send(1, "En anden"), send(2, "Makuleres")
	before, err := os.ReadFile(filepath.Join(data, "keys-1.db"))
	if err != nil {
		t.Fatal(err)
	}
	me := &client{url: c.url}
	if err := me.signIn(d.People[0].CPR, "app"); err != nil {
		t.Fatal(err)
	}
	path := "/apis/v1/mailboxes/" + d.People[0].Mailbox + "/messages/" + domain.UUID(purged).String()
	for range 2 {
		if status, _, body := me.status("DELETE", path, nil, ""); status != 204 {
			t.Fatalf("DELETE: %d %s", status, body)
		}
	}
	program := func(args ...string) {
		t.Helper()
		p := exec.Command(os.Args[0], append(args, "--data", data)...)
		p.Env = append(os.Environ(), "DIGITALPOST_TEST_AS_PROGRAM=1")
		if out, err := p.CombinedOutput(); err != nil {
			t.Errorf("%v: %v %s", args, err, out)
		}
	}
	program("keys", "shred", "--mailbox", d.People[2].Mailbox)
	control := newThief(t, data, before).reads(t, data)
	if !control[purged] || !control[shredded] || !control[neighbour] || !control[other] {
		t.Fatalf("negative control: before the roll a copy of the keys opens all four, got %v", control)
	}
	program("keys", "roll")
	check := func() {
		t.Helper()
		got := newThief(t, data, before).reads(t, data)
		if got[purged] || got[shredded] || !got[neighbour] || !got[other] {
			t.Fatalf("purged %v, shredded %v: want false; its neighbours %v, %v: want true", got[purged], got[shredded], got[neighbour], got[other])
		}
	}
	check()
	program("replay")
	program("verify")
	program("rebuild")
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	check()
	program("rebuild")
	program("verify")
	if err := (&replayCmd{Data: data, From: 1, JSON: true}).print(io.Discard); err != nil {
		t.Error(err)
	}
	_, c = child(t, data)
	me.url = c.url
	if v, err := me.look(); err != nil || len(v.messages) != 1 || v.messages[0].Label != "Naboen" {
		t.Errorf("the neighbour in its mailbox: %+v, %v", v, err)
	}
	gone := &client{url: c.url}
	gone.signIn(d.People[2].CPR, "app")
	if status, _, _ := gone.status("GET", "/apis/v1/mailboxes/"+d.People[2].Mailbox+"/messages/", nil, ""); status == 200 {
		t.Error("a shredded mailbox is listed")
	}
}

// readsSent gives, for each message that was sent, whether the thief can open its writer's copy, its drafts or its words, and whether it can open the copy that was
// handed over.
func (th *thief) readsSent(t *testing.T, data string) (own, theirs map[domain.MessageID]bool) {
	t.Helper()
	b, err := filestore.OpenBeside(filepath.Join(data, "log"))
	if err != nil {
		t.Fatal(err)
	}
	own, theirs = map[domain.MessageID]bool{}, map[domain.MessageID]bool{}
	for rec, err := range b.ReadAll(0) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := projections.Decode(rec)
		if err != nil {
			t.Fatal(err)
		}
		switch e := e.(type) {
		case mailbox.DraftSaved:
			own[e.Message] = own[e.Message] || th.opens(t, rec.Stream.ID, e.Leaf, rec.Type, "content", e.Content)
		case mailbox.MessageSent:
			for field, sealed := range map[string]domain.Sealed{"documentKey": e.Letter.DocumentKey, "outline": e.Letter.Outline, "words": e.Letter.Words} {
				own[e.Message] = own[e.Message] || th.opens(t, rec.Stream.ID, e.Letter.Leaf, rec.Type, field, sealed)
			}
			theirs[e.Message] = th.opens(t, e.Handover.Root, 0, rec.Type, "handoverKey", e.Handover.Key)
		}
	}
	return own, theirs
}

// After a roll the copy that a recipient system took, and the one that its writer purged, open with no key that is left nor with a copy of the keys from before: each
// side is forgotten by itself, and what neither has ended opens on both.
func TestSentPostThatIsForgottenCannotBeOpened(t *testing.T) {
	data := t.TempDir() + "/var"
	cmd, c := child(t, data)
	d, err := c.directory()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, data: data, d: d, url: c.url, sender: c.as(d, 0)}
	me, box, point := w.person(d.People[0].CPR, "app"), boxOf(w, 0), w.point("Borgerservice").text("id")
	ids, uuids := map[string]domain.MessageID{}, map[string]string{}
	for _, label := range []string{"Begge", "Skriveren", "Modtageren", "Ingen"} {
		x := w.ask(me, 200, "POST", w.draft(me, box, label, point, "Hej "+label)+"/send", "")
		id, _ := domain.ParseUUID(x.text("id"))
		ids[label], uuids[label] = id, x.text("messageUUID")
	}
	before, err := os.ReadFile(filepath.Join(data, "keys-1.db"))
	if err != nil {
		t.Fatal(err)
	}
	purge := func(label string) {
		for range 2 {
			w.ask(me, 204, "DELETE", box+ids[label].String(), "")
		}
	}
	take := func(label string) {
		w.fetched(w.sender, uuids[label])
		w.ask(w.sender, 204, "DELETE", "/apis/v1/memos/"+uuids[label], "")
	}
	purge("Begge")
	take("Begge")
	purge("Skriveren")
	take("Modtageren")
	check := func(when string, forgotten bool) {
		t.Helper()
		own, theirs := newThief(t, data, before).readsSent(t, data)
		for label, id := range ids {
			wantOwn, wantTheirs := !forgotten || label == "Modtageren" || label == "Ingen", !forgotten || label == "Skriveren" || label == "Ingen"
			if own[id] != wantOwn || theirs[id] != wantTheirs {
				t.Errorf("%s, %s: the writer's copy opens: %v, want %v; the recipient's: %v, want %v", when, label, own[id], wantOwn, theirs[id], wantTheirs)
			}
		}
	}
	check("negative control, before the roll", false)
	p := exec.Command(os.Args[0], "keys", "roll", "--data", data)
	p.Env = append(os.Environ(), "DIGITALPOST_TEST_AS_PROGRAM=1")
	if out, err := p.CombinedOutput(); err != nil {
		t.Fatalf("keys roll: %v %s", err, out)
	}
	check("after the roll", true)
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	check("after the server's end", true)
}
