package projections_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"digitalpost/domain/mailbox"
	"digitalpost/eventstore/memstore"
	"digitalpost/projections/directory"
	"digitalpost/projections/documents"
	"digitalpost/projections/engine"
	"digitalpost/projections/mailboxes"
	"digitalpost/projections/outbox"
	"digitalpost/projections/receipts"
	"digitalpost/projections/subscriptions"
	"digitalpost/projections/viewtest"
)

// A rowType is what a view keeps under a letter of its layout.
type rowType struct {
	view, row string
	of        reflect.Type
}

func (r rowType) name() string { return r.view + "." + r.row }

// rowTypes are all that a view stores as CBOR.
var rowTypes = []rowType{
	{"mailboxes", "box", reflect.TypeFor[mailbox.Box]()},
	{"mailboxes", "standing", reflect.TypeFor[mailboxes.Standing]()},
	{"mailboxes", "folder", reflect.TypeFor[mailbox.Folder]()},
	{"mailboxes", "message", reflect.TypeFor[mailbox.Message]()},
	{"mailboxes", "letter", reflect.TypeFor[mailboxes.LetterRow]()},
	{"mailboxes", "count", reflect.TypeFor[mailbox.Count]()},
	{"mailboxes", "result", reflect.TypeFor[mailboxes.Result]()},
	{"mailboxes", "sender", reflect.TypeFor[mailbox.SenderConsent]()},
	{"mailboxes", "grant", reflect.TypeFor[mailbox.Grant]()},
	{"receipts", "memo", reflect.TypeFor[receipts.Row]()},
	{"receipts", "standing", reflect.TypeFor[receipts.Standing]()},
	{"directory", "organisation", reflect.TypeFor[directory.OrganisationRow]()},
	{"directory", "life", reflect.TypeFor[directory.LifeRow]()},
	{"directory", "system", reflect.TypeFor[directory.SystemRow]()},
	{"directory", "group", reflect.TypeFor[directory.GroupRow]()},
	{"directory", "point", reflect.TypeFor[directory.PointRow]()},
	{"directory", "subscription", reflect.TypeFor[directory.SubscriptionRow]()},
	{"outbox", "message", reflect.TypeFor[outbox.Row]()},
	{"subscriptions", "subscription", reflect.TypeFor[subscriptions.Row]()},
}

// A storedRow is a row as it is stored, and what is in it by the keys that it is stored under.
type storedRow struct {
	Row    string          `json:"row"`
	Stored string          `json:"stored"` // hexadecimal
	Shown  json.RawMessage `json:"shown"`  // of rows that are no CBOR, nothing
}

const rowsDir = "../testdata/rows"

// Every row type stores a sample, every field filled, in the bytes that it always has. A new shape is added as
// <view>.<row>.<n>.json; a file is never edited. What was stored in any shape still reads, and loses nothing.
func TestRowsAreStoredAsTheyAlwaysWere(t *testing.T) {
	for _, r := range rowTypes {
		t.Run(r.name(), func(t *testing.T) {
			b, err := engine.Encode(filled(r.of))
			if err != nil {
				t.Fatal(err)
			}

			shown, err := json.Marshal(byKey(t, b))
			if err != nil {
				t.Fatal(err)
			}
			frozen(t, storedRow{r.name(), hex.EncodeToString(b), shown})

			for _, path := range shapes(r.name()) {
				readsBack(t, r, path)
			}
		})
	}
}

// shapes gives the files of a row's shapes, the newest last.
func shapes(name string) []string {
	var paths []string
	for n := 1; ; n++ {
		path := filepath.Join(rowsDir, name+".json")
		if n > 1 {
			path = filepath.Join(rowsDir, fmt.Sprintf("%s.%d.json", name, n))
		}

		if _, err := os.Stat(path); err != nil {
			return paths
		}
		paths = append(paths, path)
	}
}

// frozen compares a row with its newest shape. UPDATE_GOLDEN adds another one where they are not the same.
func frozen(t *testing.T, row storedRow) {
	t.Helper()

	have := shapes(row.Row)
	if len(have) > 0 && stored(t, have[len(have)-1]).Stored == row.Stored {
		return
	}

	if !updating() {
		t.Fatalf("%s is stored as %s, which is not the newest of %v: if the format is meant to change, raise the "+
			"engine's formatVersion, and make golden adds the shape", row.Row, row.Stored, have)
	}

	name := row.Row + ".json"
	if n := len(have) + 1; n > 1 {
		name = fmt.Sprintf("%s.%d.json", row.Row, n)
	}

	b, _ := json.MarshalIndent(row, "", "\t")
	if err := os.WriteFile(filepath.Join(rowsDir, name), append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

func stored(t *testing.T, path string) (row storedRow) {
	t.Helper()

	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &row)
	}

	if err != nil {
		t.Fatal(err)
	}

	return row
}

// readsBack reads a stored row into its type, and writes it again: all that was in it is there.
func readsBack(t *testing.T, r rowType, path string) {
	t.Helper()

	row := stored(t, path)
	b, err := hex.DecodeString(row.Stored)
	if err != nil {
		t.Fatal(err)
	}

	v := reflect.New(r.of)
	if err := cbor.Unmarshal(b, v.Interface()); err != nil {
		t.Fatalf("%s does not read: %v", filepath.Base(path), err)
	}

	again, err := engine.Encode(v.Elem().Interface())
	if err != nil {
		t.Fatal(err)
	}

	if lost := lacks("", byKey(t, again), byKey(t, b)); len(lost) > 0 {
		t.Errorf("%s loses what is under the keys %v when it is read and written", filepath.Base(path), lost)
	}

	var shown any
	if err := json.Unmarshal(row.Shown, &shown); err != nil || !reflect.DeepEqual(shown, plain(t, byKey(t, b))) {
		t.Errorf("%s shows %s, and has %v", filepath.Base(path), row.Shown, byKey(t, b))
	}
}

// byKey gives what CBOR has, in JSON's terms: maps by their keys as text, bytes as hexadecimal.
func byKey(t *testing.T, b []byte) any {
	t.Helper()

	var v any
	if err := cbor.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}

	return readable(v)
}

func readable(v any) any {
	switch v := v.(type) {
	case map[any]any:
		out := map[string]any{}
		for k, x := range v {
			out[fmt.Sprint(k)] = readable(x)
		}
		return out
	case []any:
		for i := range v {
			v[i] = readable(v[i])
		}
	case []byte:
		return hex.EncodeToString(v)
	}

	return v
}

// plain gives a value as it is when it was JSON.
func plain(t *testing.T, v any) (out any) {
	t.Helper()

	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}

	if err != nil {
		t.Fatal(err)
	}

	return out
}

// lacks gives the keys of want whose values got has not, or has otherwise.
func lacks(at string, got, want any) (keys []string) {
	w, ok := want.(map[string]any)
	if !ok {
		if !reflect.DeepEqual(got, want) {
			return []string{at}
		}
		return nil
	}

	g, _ := got.(map[string]any)
	for k, x := range w {
		keys = append(keys, lacks(at+"/"+k, g[k], x)...)
	}
	slices.Sort(keys)

	return keys
}

var integerKey = regexp.MustCompile(`^([1-9][0-9]*),keyasint(,omitempty|,omitzero)?$`)

// Every field of every row type is stored under an integer of its own, so that renaming a field changes no byte.
func TestFieldsOfRowsHaveIntegerKeys(t *testing.T) {
	tried := map[reflect.Type]bool{}
	for _, r := range rowTypes {
		withKeys(t, r.of, tried)
	}
}

func withKeys(t *testing.T, of reflect.Type, tried map[reflect.Type]bool) {
	t.Helper()

	switch of.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		withKeys(t, of.Elem(), tried)
	}

	if of.Kind() != reflect.Struct || of == reflect.TypeFor[time.Time]() || tried[of] {
		return
	}
	tried[of] = true
	keys := map[string]string{}

	for _, f := range reflect.VisibleFields(of) {
		if f.Tag.Get("cbor") == "-" || f.Anonymous && f.Tag == "" {
			continue // an embedded one's fields stand in its place
		}

		m := integerKey.FindStringSubmatch(f.Tag.Get("cbor"))
		if m == nil {
			t.Errorf("%s.%s has the tag %q, want an integer key", of, f.Name, f.Tag.Get("cbor"))
			continue
		}

		if other := keys[m[1]]; other != "" {
			t.Errorf("%s.%s and %s have the same key %s", of, f.Name, other, m[1])
		}
		keys[m[1]] = f.Name
		withKeys(t, f.Type, tried)
	}
}

// No view reads a row of a type that has no sample.
func TestEveryRowTypeHasASample(t *testing.T) {
	reads := regexp.MustCompile(
		`(?:engine\.Row|one)\[((?:\w+\.)?[A-Z]\w+)\]|(?:func\(.*|, )\w (mailbox\.\w+|\w+Row)\) \{`)
	files, err := filepath.Glob("*/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}

	found := 0
	for _, path := range files {
		view := filepath.Dir(path)
		if strings.HasSuffix(path, "_test.go") || view == "viewtest" {
			continue
		}

		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}

		for _, m := range reads.FindAllSubmatch(b, -1) {
			name := string(bytes.Join(m[1:], nil))
			if found++; !slices.ContainsFunc(rowTypes, func(r rowType) bool {
				return r.view == view && (r.of.String() == name || r.of.String() == view+"."+name)
			}) {
				t.Errorf("%s reads rows of type %s, which have no sample", path, name)
			}
		}
	}

	if found < len(rowTypes)-2 {
		t.Errorf("%d places found where rows are read: too few", found)
	}
}

// Rows that are no CBOR have the bytes that they always had, too: what a search looks in, and a document's holder.
func TestRowsOfBytesAreAsTheyAlwaysWere(t *testing.T) {
	store := memstore.New(func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) })
	for _, o := range samples() {
		if o.event.EventType() == (mailbox.MessageDelivered{}).EventType() && o.way == "" {
			happened(t, store, o)
		}
	}
	m := filled(reflect.TypeFor[mailbox.MessageDelivered]()).(mailbox.MessageDelivered)

	inBoxes := viewtest.Folded(t, store, mailboxes.Projection{})
	words := rowUnder(t, inBoxes, append(box[:], 'w'))
	frozen(t, storedRow{"mailboxes.words", words, json.RawMessage("null")})

	kept := viewtest.Folded(t, store, documents.Projection{})
	holder := rowUnder(t, kept, append([]byte{'d'}, m.Letter.Document[:]...))
	frozen(t, storedRow{"documents.holder", holder, json.RawMessage("null")})
	if holder != hex.EncodeToString(box[:]) || !strings.HasPrefix(words, hex.EncodeToString(m.Message[:])) {
		t.Errorf("words %s, holder %s: want those of message %x in %x", words, holder, m.Message, box)
	}
}

// rowUnder gives the only row under a prefix.
func rowUnder(t *testing.T, f *engine.File, prefix []byte) (row string) {
	t.Helper()

	s, err := f.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()

	n := 0
	s.Scan(prefix, func(_, v []byte) bool { row = hex.EncodeToString(v); n++; return true })
	if n != 1 {
		t.Fatalf("%d rows under %x, want 1", n, prefix)
	}

	return row
}
