package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/server/servertest"
	"digitalpost/adapters/vault"
)

// A backup that is made beside a server under load is whole. Restored it is another incarnation: what came after it is
// gone, cursors beyond it are refused, the old data is not served any more, and what was purged since stays purged.
func TestBackupIsRestored(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, copied, anew := filepath.Join(dir, "var"), filepath.Join(dir, "copy"), filepath.Join(dir, "anew")
	keys := data + ".keys"
	server := spawn(t, data)
	w := servertest.At(t, data, server.url)
	w.Send("Før")
	w.Send("Slettes")

	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 50 {
			w.Send(fmt.Sprint("Imens ", i))
		}
	}()
	if err := (&backupCmd{dataFlags{Data: data}, copied}).Run(); err != nil {
		t.Fatal(err)
	}
	<-done

	me := w.User(0, "app")
	_, gone := me.Find("Slettes")
	for range 2 {
		me.Ask(204, "DELETE", w.Messages(0)+gone.ID, "")
	}
	_, h, _ := me.Status("PATCH", w.Messages(0)+firstOf(me, "Imens 49"), `{"read":true}`)
	beyond := h.Get("Log-Position")

	// The living server's keys are not taken from it.
	restore := restoreCmd{From: copied, dataFlags: dataFlags{Data: anew, Keys: keys}}
	if err := restore.Run(); !errors.Is(err, vault.ErrInUse) {
		t.Errorf("beside the living server: %v", err)
	}
	server.kill()
	if err := restore.Run(); err != nil {
		t.Fatal(err)
	}

	// The data from before is another history now.
	out, err := command("serve", "--dev", "--data", data, "--listen", "127.0.0.1:0", "--admin=").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "keys") {
		t.Errorf("the data from before is served: %v, %s", err, out)
	}

	r := servertest.At(t, anew, spawnWith(t, "true", anew, []string{"--keys", keys}).url)
	me = r.User(0, "app")
	me.Find("Før")
	if box := me.See(); labelled(box, "Slettes") {
		t.Error("what was purged since the backup is there again")
	}
	r.Send("Efter")
	me.Find("Efter")
	me.Refuse(410, "position.gone", "GET", "/apis/v1/mailboxes/"+r.People[0].Mailbox+"/changes?after="+beyond, "")
	var replayed strings.Builder
	if err := (&replayCmd{Data: anew, From: 1, JSON: true}).print(&replayed); err != nil ||
		!strings.Contains(replayed.String(), `"log.restored"`) {
		t.Errorf("the log does not say that it was restored: %v", err)
	}
}

func firstOf(c *servertest.Client, label string) string {
	_, m := c.Find(label)
	return m.ID
}

func labelled(box servertest.Mailbox, label string) bool {
	for _, m := range box.Messages {
		if m.Label == label {
			return true
		}
	}
	return false
}

// What is no whole backup is not restored: without the file that ends it, with a log that is cut, with keys that are
// older than the log, or whose epoch has ended; and nothing is served of it.
func TestBackupsThatAreNotWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, copied := filepath.Join(dir, "var"), filepath.Join(dir, "copy")
	w := servertest.StartWith(t, servertest.Config{Data: data})
	early := filepath.Join(dir, "early")
	if err := (&backupCmd{dataFlags{Data: data}, early}).Run(); err == nil {
		t.Fatal("this server listens to no commands")
	}
	w.Stop()
	if err := (&backupCmd{dataFlags{Data: data}, early}).Run(); err != nil {
		t.Fatal(err)
	}
	w.Start()
	w.Nobody().Ask(201, "POST", "/dev/people", `{"cpr":"6703031234","name":"Ny Borger"}`)
	w.Stop()
	if err := (&backupCmd{dataFlags{Data: data}, copied}).Run(); err != nil {
		t.Fatal(err)
	}

	for name, spoil := range map[string]func(string) error{
		"no whole backup": func(d string) error { return os.Remove(filepath.Join(d, "BACKUP")) },
		"through position": func(d string) error {
			logs, _ := filepath.Glob(filepath.Join(d, "log", "log-*"))
			info, err := os.Stat(logs[0])
			if err != nil {
				return err
			}
			return os.Truncate(logs[0], info.Size()-200)
		},
		"older than the log": func(d string) error {
			b, err := os.ReadFile(filepath.Join(early, "keys-1.db"))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(d, "keys-1.db"), b, 0o600)
		},
	} {
		d := filepath.Join(t.TempDir(), "spoiled")
		if err := os.CopyFS(d, os.DirFS(copied)); err != nil {
			t.Fatal(err)
		}
		if err := spoil(d); err != nil {
			t.Fatal(err)
		}
		keys := filepath.Join(t.TempDir(), "keys")
		if err := os.CopyFS(keys, os.DirFS(data+".keys")); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(t.TempDir(), "anew")
		_, err := backbone.Restore(d, to, vault.KeyFolder(keys), backbone.Why{})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(to); err == nil {
			t.Errorf("%s: there is data", name)
		}
	}

	if err := (&rollCmd{dataFlags: dataFlags{Data: data}}).Run(); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "anew")
	_, err := backbone.Restore(copied, to, vault.KeyFolder(data+".keys"), backbone.Why{})
	if !errors.Is(err, vault.ErrNoKeys) {
		t.Errorf("after the epoch has ended: %v", err)
	}
}

// on is a development server in this process, on data whose keys lie in a folder.
func on(t *testing.T, data, keys string) *servertest.World {
	t.Helper()
	return servertest.StartWith(t, servertest.Config{Data: data, Backbone: func(c *backbone.Config) {
		c.KMS = vault.KeyFolder(keys)
	}})
}

// shows fails the test unless the first person is shown these messages, and no others.
func shows(t *testing.T, w *servertest.World, labels ...string) {
	t.Helper()
	box := w.User(0, "app").See()
	if len(box.Messages) != len(labels) {
		t.Errorf("%s shows %d messages, want %v", w.Data, len(box.Messages), labels)
	}
	for _, l := range labels {
		if !labelled(box, l) {
			t.Errorf("%s does not show %s", w.Data, l)
		}
	}
}

// purge deletes a message for good.
func purge(t *testing.T, w *servertest.World, label string) {
	t.Helper()
	me := w.User(0, "app")
	id := firstOf(me, label)
	for range 2 {
		me.Ask(204, "DELETE", w.Messages(0)+id, "")
	}
}

// However often copies are restored, in whatever order, nothing is lost that a copy had and nobody deleted: what was
// destroyed in one history destroys nothing of another. Each has an incarnation of its own, whose cursors the others
// refuse.
func TestRestoredAgainAndAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	keys := path("keys")
	copyOf := func(data, to string) {
		t.Helper()
		if err := (&backupCmd{dataFlags{Data: path(data), Keys: keys}, path(to)}).Run(); err != nil {
			t.Fatal(err)
		}
	}
	restored := func(from, to string) uint64 {
		t.Helper()
		r, err := backbone.Restore(path(from), path(to), vault.KeyFolder(keys), backbone.Why{})
		if err != nil {
			t.Fatal(err)
		}
		return r.Incarnation
	}
	w := on(t, path("one"), keys)
	w.Send("A")
	w.Stop()
	copyOf("one", "first")
	w.Start()
	w.Send("X")
	purge(t, w, "X")
	w.Stop()

	lives := []uint64{restored("first", "two")}
	w = on(t, path("two"), keys)
	w.Send("Y") // which a log that knew nothing of X would number as X was
	shows(t, w, "A", "Y")
	me := w.User(0, "app")
	_, h, _ := me.Status("PATCH", w.Messages(0)+firstOf(me, "Y"), `{"read":true}`)
	cursor := fmt.Sprintf("%d.%s", lives[0], h.Get("Log-Position"))
	w.Stop()
	copyOf("two", "second")

	lives = append(lives, restored("second", "three"))
	w = on(t, path("three"), keys)
	shows(t, w, "A", "Y")
	w.Send("Z")
	purge(t, w, "Y")
	shows(t, w, "A", "Z")
	w.Stop()

	lives = append(lives, restored("first", "four")) // the first copy is as good as ever
	w = on(t, path("four"), keys)
	shows(t, w, "A")
	for i := range 3 {
		w.Send(fmt.Sprint("Ny ", i))
	}
	shows(t, w, "A", "Ny 0", "Ny 1", "Ny 2")
	for _, gone := range []string{cursor, fmt.Sprintf("%d.1", lives[0])} { // of a life that this log never had
		w.User(0, "app").Refuse(410, "position.gone", "GET",
			"/apis/v1/mailboxes/"+w.People[0].Mailbox+"/changes?after="+gone, "")
	}
	w.Stop()

	lives = append(lives, restored("first", "five"))
	for i := range lives[1:] {
		if lives[i+1] <= lives[i] {
			t.Errorf("the incarnations are %v: two histories have one number", lives)
		}
	}
}

// A restore that is refused takes nothing from the data that lives.
func TestRefusedRestoreLeavesTheLivingAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, keys, copied := filepath.Join(dir, "var"), filepath.Join(dir, "keys"), filepath.Join(dir, "copy")
	w := on(t, data, keys)
	w.Send("Brev")
	w.Stop()
	flags := dataFlags{Data: data, Keys: keys}
	if err := (&backupCmd{flags, copied}).Run(); err != nil {
		t.Fatal(err)
	}
	if err := (&rollCmd{dataFlags: flags}).Run(); err != nil {
		t.Fatal(err)
	}
	_, err := backbone.Restore(copied, filepath.Join(dir, "anew"), vault.KeyFolder(keys), backbone.Why{})
	if !errors.Is(err, vault.ErrNoKeys) {
		t.Errorf("a copy whose epoch has ended: %v", err)
	}
	w.Start()
	w.User(0, "app").Find("Brev")
}

// A mailbox that was shredded since the copy was made is shredded in what is restored, and a copy of that is whole.
func TestShreddedStaysShredded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, keys, copied := filepath.Join(dir, "var"), filepath.Join(dir, "keys"), filepath.Join(dir, "copy")
	w := on(t, data, keys)
	w.Send("Brev")
	box := w.People[0].Mailbox
	w.Stop()
	flags := dataFlags{Data: data, Keys: keys}
	if err := (&backupCmd{flags, copied}).Run(); err != nil {
		t.Fatal(err)
	}
	if err := (&shredCmd{dataFlags: flags, Mailbox: box}).Run(); err != nil {
		t.Fatal(err)
	}

	anew := dataFlags{Data: filepath.Join(dir, "anew"), Keys: keys}
	if err := (&restoreCmd{From: copied, dataFlags: anew}).Run(); err != nil {
		t.Fatal(err)
	}
	if err := (&backupCmd{anew, filepath.Join(dir, "again")}).Run(); err != nil {
		t.Fatal(err)
	}
	last := dataFlags{Data: filepath.Join(dir, "last"), Keys: keys}
	if err := (&restoreCmd{From: filepath.Join(dir, "again"), dataFlags: last}).Run(); err != nil {
		t.Errorf("a copy of what was restored: %v", err)
	}
}
