package projections_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"digitalpost/domain"
	"digitalpost/domain/domaintest"
	"digitalpost/domain/intake"
	"digitalpost/domain/looks"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/mandate"
	"digitalpost/domain/oplog"
	"digitalpost/domain/organisation"
	"digitalpost/domain/register"
	"digitalpost/domain/subscription"
	"digitalpost/eventstore"
	"digitalpost/eventstore/memstore"
	"digitalpost/projections"
	"digitalpost/projections/engine"
	"digitalpost/projections/viewtest"
)

// consumersFile is the table of events and who takes them.
const consumersFile = "../testdata/consumers.txt"

const consumersHead = `Every event of every kind of stream, and who takes it. make golden writes this table; read
the difference.

Under a view's name stands what it does with a sample of the event, every field filled, by the letters of its layout:
+ rows that are new, ~ rows that change, - rows that go; "wanted" where nothing of that, and nothing where the event is
not wanted. Then what follows from the event's effect: what forgetting destroys, the documents that are kept, whom feeds
tell and of what, whether it brings a letter, and which parts of a mailbox it touches.

`

// The table of events and consumers is golden, so that a missing cell is seen in review; and a sample of every event
// goes through every consumer that wants it, and both codecs, on a state made for it: none fails, and none parks.
func TestEveryEventThroughEveryConsumer(t *testing.T) {
	head := []string{"event"}
	for _, p := range projections.All() {
		head = append(head, p.Name())
	}
	rows := [][]string{append(head, "forgetting", "documents", "feeds", "letter", "touches")}

	for _, o := range samples() {
		t.Run(o.String(), func(t *testing.T) {
			throughCodecs(t, o)
			row := []string{o.String()}

			store := memstore.New(nil)
			at := happened(t, store, o)
			decidedOn(t, store, o)

			for _, p := range projections.All() {
				row = append(row, through(t, store, p, at, o))
			}
			rows = append(rows, append(row, effects(o.event)...))
		})
	}

	got := []byte(consumersHead + table(rows))
	if updating() {
		if err := os.WriteFile(consumersFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}

	if want, err := os.ReadFile(consumersFile); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is stale (%v): make golden writes it anew. Now:\n%s", filepath.Base(consumersFile), err, got)
	}
}

// throughCodecs writes an event and reads it back, in the form that is stored, and shows it to people.
func throughCodecs(t *testing.T, o occurrence) {
	t.Helper()

	switch e := o.event.(type) {
	case mailbox.Event:
		domaintest.ReadBack(t, mailbox.Codec, e)
	case organisation.Event:
		domaintest.ReadBack(t, organisation.Codec, e)
	case intake.Event:
		domaintest.ReadBack(t, intake.Codec, e)
	case looks.Event:
		domaintest.ReadBack(t, looks.Codec, e)
	case oplog.Event:
		domaintest.ReadBack(t, oplog.Codec, e)
	case mandate.Event:
		domaintest.ReadBack(t, mandate.Codec, e)
	case subscription.Event:
		domaintest.ReadBack(t, subscription.Codec, e)
	case register.Event:
		domaintest.ReadBack(t, register.Codec, e)
	default:
		t.Fatalf("%T is of no kind of stream that this test knows", e)
	}

	if o.way != "" {
		return // fields are empty, and left out
	}

	if missing := notShown(reflect.ValueOf(o.event), text(o.event)); len(missing) > 0 {
		t.Errorf("shown as %s, which lacks %v", text(o.event), missing)
	}
}

// notShown gives the names in JSON of the fields of a value that its text lacks.
func notShown(v reflect.Value, text string) (missing []string) {
	for i := range v.NumField() {
		if v.Type().Field(i).Anonymous {
			missing = append(missing, notShown(v.Field(i), text)...)
			continue
		}
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if name != "-" && (name == "" || !strings.Contains(text, `"`+name+`":`)) {
			missing = append(missing, v.Type().Field(i).Name)
		}
	}

	return missing
}

// decidedOn folds the rules' state of the event's stream, with the event.
func decidedOn(t *testing.T, store eventstore.Store, o occurrence) {
	t.Helper()

	if o.kind != string(viewtest.Stream(box).Kind) {
		return // other rules' states have no faults
	}
	viewtest.Whole(t, store, box)
}

// A spy is a projection that writes down what the event of one position does to the rows of its view.
type spy struct {
	engine.Projection
	at   eventstore.Position
	does *string
}

func (s spy) Apply(v engine.View, rec eventstore.Event, e domain.Event) error {
	if rec.Position != s.at {
		return s.Projection.Apply(v, rec, e)
	}

	seen := seeing{View: v, before: map[string][]byte{}}
	err := s.Projection.Apply(seen, rec, e)
	*s.does = seen.text(s.Name())

	return err
}

// A seeing view keeps what was in its rows before they were written.
type seeing struct {
	engine.View
	before map[string][]byte
}

func (v seeing) Put(key, value []byte) { v.see(key); v.View.Put(key, value) }

func (v seeing) Delete(key []byte) { v.see(key); v.View.Delete(key) }

func (v seeing) see(key []byte) {
	if _, ok := v.before[string(key)]; !ok {
		v.before[string(key)] = bytes.Clone(v.Get(key))
	}
}

// text gives the letters of the rows that are new, that changed and that are gone.
func (v seeing) text(view string) string {
	did := map[string]map[string]bool{"+": {}, "~": {}, "-": {}}
	for k, before := range v.before {
		letter := k[:1]
		switch { // a mailbox's rows begin with its id; those of no mailbox have capitals here
		case view == "mailboxes" && k[0] == 0xFF:
			letter = strings.ToUpper(k[1:2])
		case view == "mailboxes":
			letter = k[16:17]
		}

		switch now := v.Get([]byte(k)); {
		case before == nil && now != nil:
			did["+"][letter] = true
		case before != nil && now == nil:
			did["-"][letter] = true
		case !bytes.Equal(before, now):
			did["~"][letter] = true
		}
	}

	var out []string
	for _, how := range []string{"+", "~", "-"} {
		if letters := slices.Sorted(maps.Keys(did[how])); len(letters) > 0 {
			out = append(out, how+strings.Join(letters, ""))
		}
	}

	if len(out) == 0 {
		return "wanted"
	}

	return strings.Join(out, " ")
}

// through folds a log into a view, and gives what the event at a position did there. No stream is parked.
func through(
	t *testing.T, store eventstore.Store, p engine.Projection, at eventstore.Position, o occurrence,
) (does string) {
	t.Helper()

	f := viewtest.OpenFile(t, filepath.Join(t.TempDir(), p.Name()), store)
	defer f.Close()
	if err := f.Fold(context.Background(), store, spy{p, at, &does}, store.Last(), 0); err != nil {
		t.Fatal(err)
	}

	s, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()

	if why := viewtest.Parked(s); len(why) > 0 {
		t.Errorf("%s parks: %v", p.Name(), why)
	}

	if wants := p.Wants(eventstore.Kind(o.kind), o.event.EventType()); wants != (does != "") {
		t.Errorf("%s: wanted %v, and did %q", p.Name(), wants, does)
	}

	return does
}

// effects gives the cells that follow from an event's effect.
func effects(e domain.Event) []string {
	effect := e.Effect()
	letter := ""
	if own, ok := e.(mailbox.Event); ok && mailbox.LetterOf(own) != nil {
		letter = "letter"
	}

	return []string{frees(effect.Frees), keeps(effect.Keeps), tells(effect.Tells), letter, touches(effect)}
}

func frees(f domain.Freed) string {
	var out []string
	for _, l := range f.Leaves {
		if l.Other {
			out = append(out, "leaf of another stream")
		} else {
			out = append(out, "leaf")
		}
	}

	out = append(out, counted(len(f.Roots), "root")...)
	out = append(out, counted(len(f.Documents), "document")...)
	out = append(out, counted(len(f.Received), "MeMo as received")...)
	if f.All {
		out = append(out, "all of the stream")
	}

	return strings.Join(out, ", ")
}

func counted(n int, what string) []string {
	switch n {
	case 0:
		return nil
	case 1:
		return []string{what}
	}

	return []string{fmt.Sprintf("%d %ss", n, what)}
}

func keeps(docs []domain.Document) string {
	apart := 0
	for _, d := range docs {
		if d.Apart {
			apart++
		}
	}
	out := counted(len(docs), "document")

	if apart > 0 {
		out = append(out, fmt.Sprintf("%d apart", apart))
	}

	return strings.Join(out, ", ")
}

func tells(c *domain.Change) string {
	if c == nil {
		return ""
	}

	var out []string
	for what, told := range map[string]bool{
		"message": c.Message != domain.MessageID{}, "folder": c.Folder != domain.FolderID{},
		"from": c.From != domain.FolderID{}, "grant": c.Grant != domain.GrantID{},
		"grantee": c.Grantee != domain.MailboxID{},
	} {
		if told {
			out = append(out, what)
		}
	}
	slices.Sort(out)

	if c.Audience != "" {
		out = append(out, "(whom the event names)")
	}

	return strings.Join(out, " ")
}

func touches(e domain.Effect) string {
	p := e.Touches
	var out []string
	if p.Box {
		out = append(out, "box")
	}

	out = append(out, counted(len(p.Messages), "message")...)
	out = append(out, counted(len(p.Folders), "folder")...)
	if p.Within != (domain.FolderID{}) {
		out = append(out, "all within")
	}

	out = append(out, counted(len(p.Grants), "grant")...)
	out = append(out, counted(len(p.Senders), "sender")...)
	if e.Begins > 0 {
		out = append(out, "begins a leaf")
	}

	return strings.Join(out, ", ")
}

// table aligns rows in columns.
func table(rows [][]string) string {
	wide := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			wide[i] = max(wide[i], len(cell))
		}
	}

	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			fmt.Fprintf(&line, "%-*s | ", wide[i], cell)
		}
		b.WriteString(strings.TrimRight(line.String(), "| ") + "\n")
	}

	return b.String()
}
