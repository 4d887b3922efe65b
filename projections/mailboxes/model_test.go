package mailboxes_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"maps"
	"slices"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/eventstore/memstore"
	"digitalpost/projections/engine"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/viewtest"
)

// A model is what the rows of the view have to be: made of the log and of the rules' state folded from it whole, by
// the layout that the package describes, and by nothing of its fold.
type model struct {
	*testing.T
	rows    map[string][]byte
	states  map[domain.MailboxID]mailbox.State
	version map[domain.MailboxID]eventstore.Version
	letters map[domain.MailboxID]map[domain.MessageID]mailboxes.LetterRow

	copies    map[domain.MailboxID]map[place]folderCopy
	everShown map[domain.MailboxID]bool
	ever      map[string]bool // platforms on which any mailbox was ever visible
}

// modelOf gives the model of a log.
func modelOf(t *testing.T, store eventstore.Reader) model {
	t.Helper()

	m := model{
		T: t, rows: map[string][]byte{}, states: map[domain.MailboxID]mailbox.State{},
		version: map[domain.MailboxID]eventstore.Version{},
		letters: map[domain.MailboxID]map[domain.MessageID]mailboxes.LetterRow{},
		copies:  map[domain.MailboxID]map[place]folderCopy{}, everShown: map[domain.MailboxID]bool{},
		ever: map[string]bool{},
	}
	for rec, err := range store.ReadAll(context.Background(), 0) {
		if err != nil {
			t.Fatal(err)
		}

		e, err := streams.Decode(string(rec.Stream.Kind), rec.Type, rec.Data)
		if err != nil {
			t.Fatal(err)
		}
		m.happened(rec, e)
	}

	for id, s := range m.states {
		if fault := s.Fault(); fault != nil {
			t.Fatalf("mailbox %s: fault %v, want none", id, fault)
		}
		m.things(id, s)
		m.messages(id, s)
	}
	m.totals()

	return m
}

func (m model) happened(rec eventstore.Event, e domain.Event) {
	id := domain.MailboxID(rec.Stream.ID)

	switch e := e.(type) {
	case looks.Event:
		at, who := e.At(), rec.Meta.Actor.ID
		k := key(id, 'o', at[:], who[:], []byte(rec.Meta.Platform))
		m.rows[k] = binary.BigEndian.AppendUint64(nil, uint64(rec.Recorded.UnixNano()))
	case mailbox.Event:
		if _, ok := m.states[id]; !ok {
			m.states[id], m.letters[id] = mailbox.NewState(), map[domain.MessageID]mailboxes.LetterRow{}
		}
		m.states[id] = mailbox.Decider.Evolve(m.states[id], e, rec.Moment())
		m.version[id] = rec.Version
		m.copied(rec, m.states[id])
		if v, ok := e.(mailbox.MailboxVisible); ok {
			m.everShown[id], m.ever[v.Platform] = true, true
		}

		if l := mailbox.LetterOf(e); l != nil {
			m.letters[id][l.Message] = mailboxes.LetterRow{Letter: *l, Sealed: rec.Type, At: rec.Recorded}
		}
		m.result(rec, e)
	}
}

// result is what came of a command whose caller gave an id, as the mailbox is with its last event.
func (m model) result(rec eventstore.Event, e mailbox.Event) {
	cmd := domain.CommandID(rec.Meta.Command)
	if !cmd.Given() || rec.Index != rec.Count {
		return
	}

	id, touched := domain.MailboxID(rec.Stream.ID), e.Effect().Touches
	s, r := m.states[id], mailboxes.Result{Position: rec.Position}
	if len(touched.Messages) > 0 {
		r.Message = touched.Messages[0]
		r.Row = s.Messages()[r.Message]
	}

	if len(touched.Folders) > 0 {
		r.Folder = touched.Folders[0]
		r.FolderAs = s.Folders()[r.Folder]
	}
	m.put(key(id, 'c', cmd[:]), r)
}

func (m model) put(k string, row any) {
	b, err := engine.Encode(row)
	if err != nil {
		m.Fatal(err)
	}
	m.rows[k] = b
}

func key(id domain.MailboxID, kind byte, parts ...[]byte) string {
	return string(append(append(id[:], kind), slices.Concat(parts...)...))
}

func arrival(m mailbox.Message) []byte {
	return binary.BigEndian.AppendUint64(nil, m.Shown.Arrival)
}

// things are the rows of all but messages.
func (m model) things(id domain.MailboxID, s mailbox.State) {
	m.put(key(id, 'b'), s.Box)
	m.put(key(id, 'v'), mailboxes.Standing{Version: m.version[id], NextLeaf: s.NextLeaf})

	for f, row := range s.Folders() {
		if row.Version > 0 {
			m.put(key(id, 'f', f[:]), row)
		}
	}

	for g, row := range s.Grants() {
		kind := byte('g')
		if row.Ended() {
			kind = 'h'
		}
		m.put(key(id, kind, g[:]), row)
	}

	for to, row := range s.Senders() {
		m.put(key(id, 'n', to.Organisation[:], []byte(to.Platform)), row)
	}

	for p, row := range s.Held() {
		m.put(key(id, 'k', p.Folder[:], []byte(p.Audience)), row)
	}
}

// messages are the rows of messages, and the indices over them.
func (m model) messages(id domain.MailboxID, s mailbox.State) {
	for msg, row := range s.Messages() {
		m.put(key(id, 'm', msg[:]), row)

		l, there := m.letters[id][msg]
		if there && row.Stage != mailbox.Purged && row.Stage != mailbox.Recalled {
			if len(l.Letter.Listing) > 0 {
				m.rows[key(id, 'l', msg[:])] = append([]byte{sealedUnder(l)}, l.Letter.Listing...)
			}
			bare := l
			bare.Letter.Listing = nil
			m.put(key(id, 's', msg[:]), bare)
		}

		if row.Stage != mailbox.Here {
			continue
		}

		at, listed := arrival(row), append(msg[:], row.Audience...)
		m.rows[key(id, 'a', at)], m.rows[key(id, 't', row.Folder[:], at)] = listed, listed
		if !row.Read {
			m.rows[key(id, 'u', at)], m.rows[key(id, 'x', row.Folder[:], at)] = listed, listed
		}

		if len(row.Shown.Note) > 0 {
			m.rows[key(id, 'j', at)] = []byte{}
		}
		m.rows[key(id, 'w', at)] = words(msg, row, l)
	}
}

// sealedUnder names the event that a letter's fields are sealed under.
func sealedUnder(l mailboxes.LetterRow) byte {
	return 1 + byte(slices.Index([]string{
		"mailbox.message-delivered", "mailbox.message-scheduled", "mailbox.message-sent", "mailbox.nemsms-queued",
	}, l.Sealed))
}

// words is what a search looks in: see words.go.
func words(id domain.MessageID, row mailbox.Message, l mailboxes.LetterRow) []byte {
	under := byte(0)
	if len(l.Letter.Words) > 0 {
		under = sealedUnder(l)
	}

	b := binary.BigEndian.AppendUint32(append(id[:], under), row.Leaf)
	b = append(append(b, byte(len(row.Audience))), row.Audience...)

	return append(b, l.Letter.Words...)
}

// kindOf gives the kind of a row; of one that is of no mailbox, a capital letter.
func kindOf(k string) byte {
	if k[0] == 0xFF {
		return k[1] - 'a' + 'A'
	}

	return k[16]
}

// differences compares all rows of a view with a model, and gives the kinds of those that are unlike.
func (m model) differences(f *engine.File) string {
	m.Helper()

	s, err := f.Snapshot()
	if err != nil {
		m.Fatal(err)
	}
	defer s.Close()

	got, unlike := map[string][]byte{}, map[byte]bool{}
	s.Scan(nil, func(k, v []byte) bool { got[string(k)] = append([]byte{}, v...); return true })
	noMarks(got)

	for k, v := range got {
		if want, ok := m.rows[k]; !ok || !bytes.Equal(v, want) {
			unlike[kindOf(k)] = true
			m.Logf("row %x (%c) = %x, want %x, there %v", k, kindOf(k), v, want, ok)
		}
	}

	for k, want := range m.rows {
		if _, ok := got[k]; !ok {
			unlike[kindOf(k)] = true
			m.Logf("row %x (%c) is not there, want %x", k, kindOf(k), want)
		}
	}

	return string(slices.Sorted(maps.Keys(unlike)))
}

// The view is the rules' state, in rows: each message, folder, grant, sender, count, and the mailbox's own row, is the
// same as in the state that is folded whole, what only people see with it; and each index has what follows from the
// rows of messages, no more and no less.
func TestTheViewIsTheRulesState(t *testing.T) {
	kinds := map[byte]int{}
	for seed := range uint64(4) {
		store := memstore.New(nil)
		viewtest.New(t, store, 20+seed, 1200)
		m := modelOf(t, store)
		for k := range m.rows {
			kinds[kindOf(k)]++
		}

		if unlike := m.differences(viewtest.Folded(t, store, mailboxes.Projection{})); unlike != "" {
			t.Errorf("seed %d: rows of kinds %q are unlike, want none", seed, unlike)
		}
	}

	for _, kind := range "bvfmskatuxwjconghpyz" {
		if kinds[byte(kind)] < 12 {
			t.Errorf("%d rows of kind %c: the histories are too poor", kinds[byte(kind)], kind)
		}
	}
}

// Random histories have every type of a mailbox's events that changes a row, so that none is left out of what is
// compared.
func TestHistoriesHaveEveryEvent(t *testing.T) {
	had := map[string]bool{}
	for seed := range uint64(4) {
		store := memstore.New(nil)
		viewtest.New(t, store, 20+seed, 1200)

		for rec, err := range store.ReadAll(context.Background(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			had[rec.Type] = true
		}
	}

	for _, name := range mailbox.Codec.Names() {
		if !had[name] {
			t.Errorf("no history has a %s: viewtest draws no command that leads to it", name)
		}
	}
}
