package streams_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"digitalpost/domain"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/streams"
)

// ids are the types of what an event can be about.
var ids = []reflect.Type{
	reflect.TypeFor[domain.MessageID](), reflect.TypeFor[domain.FolderID](), reflect.TypeFor[domain.GrantID](),
	reflect.TypeFor[domain.MailboxID](), reflect.TypeFor[domain.OrganisationID](), reflect.TypeFor[domain.SystemID](),
	reflect.TypeFor[domain.UUID](), reflect.TypeFor[domain.ReceiptID](), reflect.TypeFor[domain.DocumentID](),
}

var sealedType, timeType = reflect.TypeFor[domain.Sealed](), reflect.TypeFor[time.Time]()

// fill gives every field of a value something that is not zero, and that no other field has.
func fill(v reflect.Value, n *uint16) {
	*n++
	if v.Type() == timeType {
		v.Set(reflect.ValueOf(time.Date(2026, 3, int(*n%28)+1, 0, 0, 0, 0, time.UTC)))
		return
	}

	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Array:
		b := binary.BigEndian.AppendUint16(bytes.Repeat([]byte{0xA5}, v.Len()-2), *n)
		reflect.Copy(v, reflect.ValueOf(b))
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(binary.BigEndian.AppendUint16([]byte{0x5A}, *n))
			return
		}

		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.String:
		v.SetString(fmt.Sprint("text ", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n) * 1000)
	default:
		v.SetUint(uint64(*n))
	}
}

// filled gives an event of the same type with every field filled.
func filled(e domain.Event) domain.Event {
	var n uint16
	v := reflect.New(reflect.TypeOf(e)).Elem()
	fill(v, &n)

	return v.Interface().(domain.Event)
}

// A field is an id, a leaf or something sealed, with the name of the struct's field that it stands in.
type field struct{ name, value string }

func (f field) sealed() bool { return strings.HasPrefix(f.value, "sealed ") }

// fields gives those of a value, however deep they stand.
func fields(v reflect.Value, name string) (out []field) {
	t := v.Type()
	switch {
	case slices.Contains(ids, t), t == reflect.TypeFor[[16]byte]():
		return []field{{name, fmt.Sprintf("id %x", v.Interface())}}
	case t == sealedType:
		return []field{{name, fmt.Sprintf("sealed %x", v.Bytes())}}
	case t.Kind() == reflect.Uint32 && (strings.HasSuffix(name, "Leaf") || strings.HasSuffix(name, ".Begins")):
		return []field{{name, fmt.Sprintf("leaf %d", v.Uint())}}
	case t == timeType:
		return nil
	}

	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			of := t.Name() + "." + t.Field(i).Name
			out = append(out, fields(v.Field(i), of)...)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return fields(v.Elem(), name)
		}
	case reflect.Slice:
		for i := range v.Len() {
			out = append(out, fields(v.Index(i), name)...)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			out = append(out, fields(v.MapIndex(k), name)...)
		}
	}

	return out
}

// valuesOf gives what stands in values.
func valuesOf(values ...any) map[string]bool {
	out := map[string]bool{}
	for _, v := range values {
		if v == nil || reflect.ValueOf(v).Kind() == reflect.Pointer && reflect.ValueOf(v).IsNil() {
			continue
		}

		for _, f := range fields(reflect.ValueOf(v), "") {
			out[f.value] = true
		}
	}

	return out
}

// keptBy gives what people see of an event in a mailbox in which all that it touches is there: in the state after it,
// and in the letter that it brings.
func keptBy(t *testing.T, e domain.Event) map[string]bool {
	t.Helper()

	own, ok := e.(mailbox.Event)
	if !ok {
		return nil
	}

	touches := e.Effect().Touches
	s := mailbox.NewState()
	for _, m := range touches.Messages {
		s.SetMessage(m, mailbox.Message{Stage: mailbox.Here, Folder: mailbox.Inbox, Out: &mailbox.Outgoing{}})
	}

	if d, ok := e.(mailbox.MessageDelivered); ok { // its letter is another's here, since all fields differ
		s.SetMessage(d.Message, mailbox.Message{Stage: mailbox.Scheduled})
	}

	for _, f := range touches.Folders {
		s.SetFolder(f, mailbox.Folder{Version: 1})
	}

	for _, g := range touches.Grants {
		s.SetGrant(g, mailbox.Grant{State: mailbox.Requested})
	}

	if detail := reflect.ValueOf(e).FieldByName("Detail"); detail.IsValid() {
		set := mailbox.ContactSet{Detail: detail.Interface().(domain.UUID)}
		if _, begins := e.(mailbox.ContactSet); !begins {
			s = mailbox.Decider.Evolve(s, set, domain.Moment{Type: set.EventType()})
		}
	}

	s = mailbox.Decider.Evolve(s, own, domain.Moment{Position: 1, Type: e.EventType()})
	if fault := s.Fault(); fault != nil {
		t.Fatalf("%s on a state that has what it touches: fault %v, want none", e.EventType(), fault)
	}

	return valuesOf(s.Box, s.Messages(), s.Folders(), s.Grants(), mailbox.LetterOf(own))
}

// unaccounted gives the fields of a filled event that stand neither in its effect nor, if they are sealed, in what is
// kept of it.
func unaccounted(e domain.Event, kept map[string]bool) (names []string) {
	effect := valuesOf(e.Effect())
	for _, f := range fields(reflect.ValueOf(e), reflect.TypeOf(e).Name()) {
		if !effect[f.value] && !(f.sealed() && kept[f.value]) && !slices.Contains(names, f.name) {
			names = append(names, f.name)
		}
	}

	return names
}

// An event whose effect is empty compiles. So every id, document, leaf and sealed field of every event is accounted
// for: it stands in the effect or, sealed, in what is kept of the event; or it is excused.
func TestNoEffectIsForgotten(t *testing.T) {
	for _, kind := range slices.Sorted(maps.Keys(streams.Kinds)) {
		for _, name := range streams.Kinds[kind].Names {
			zero, _ := streams.Kinds[kind].Zero(name)
			_ = zero.Effect() // it holds for an event of which nothing is known, too

			e := filled(zero)
			missing := unaccounted(e, keptBy(t, e))
			for _, f := range missing {
				if excuses[name][f] == "" {
					t.Errorf("%s: %s is in no effect, and not excused", name, f)
				}
			}

			for f, why := range excuses[name] {
				if !slices.Contains(missing, f) {
					t.Errorf("%s: %s is excused (%s), and needs no excuse", name, f, why)
				}
			}
		}
	}
}

// An excuse is for an event that there is.
func TestExcusesAreOfEvents(t *testing.T) {
	known := map[string]bool{}
	for _, kind := range streams.Kinds {
		for _, name := range kind.Names {
			known[name] = true
		}
	}

	for name := range excuses {
		if !known[name] {
			t.Errorf("%s is excused, and is no event", name)
		}
	}
}

// A forgetful event has every kind of field that must be accounted for, and an effect that is empty.
type forgetful struct {
	Message   domain.MessageID
	Documents []domain.DocumentID
	Leaf      uint32
	Words     domain.Sealed
	Letter    *mailbox.Letter
}

func (forgetful) EventType() string { return "test.forgetful" }

func (forgetful) Effect() domain.Effect { return domain.Effect{} }

func TestAForgottenEffectIsFound(t *testing.T) {
	got := unaccounted(filled(forgetful{}), nil)
	for _, want := range []string{
		"forgetful.Message", "forgetful.Documents", "forgetful.Leaf", "forgetful.Words",
		"Letter.Document", "Letter.Leaf", "Letter.Outline",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("unaccounted = %v, want %s among them", got, want)
		}
	}
}
