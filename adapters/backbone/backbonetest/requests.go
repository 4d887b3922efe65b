package backbonetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"digitalpost/adapters/backbone/core"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
)

// Requests tests the types of a package's requests, of which it is given a zero value each: that they are all that the
// package, in the directory of the test, asks for; that a key which was used for a request is known again with the
// same, and is ErrKeyReused with one that differs in any one field, at any depth; with one in which a word went from a
// text into the text next to it; and with another type that has the same fields.
func Requests(t *testing.T, zeros ...any) {
	t.Helper()

	if got, want := namesOf(zeros), askedIn(t, "."); !slices.Equal(got, want) {
		t.Fatalf("the test is given requests of the types %v, the package makes %v", got, want)
	}

	c, box := Core(t)
	k := keys{c: c, ask: Owner(box, App)}
	var err error
	if k.admitted, err = c.Admit(context.Background(), k.ask.Principal, box, access.Settings); err != nil {
		t.Fatal(err)
	}

	for _, zero := range zeros {
		name := fmt.Sprintf("%T", zero)
		base, others := variants(t, name, reflect.TypeOf(zero))
		k.use(t, name, base.Interface())
		k.want(t, name, "the same", base.Interface(), nil)

		for _, o := range others {
			k.want(t, name, o.what, o.value.Interface(), core.ErrKeyReused)
		}

		for i, p := range neighbours(reflect.TypeOf(zero)) {
			key := fmt.Sprint(name, i)
			k.use(t, key, p.one.Interface())
			k.want(t, key, p.what, p.other.Interface(), core.ErrKeyReused)
		}

		for _, another := range zeros {
			if reflect.TypeOf(another) != reflect.TypeOf(zero) {
				what := fmt.Sprintf("%T", another)
				value, _ := variants(t, what, reflect.TypeOf(another))
				k.want(t, name, "a "+what, value.Interface(), core.ErrKeyReused)
			}
		}
	}
}

// keys uses idempotency keys, and looks what they were used for.
type keys struct {
	c        *core.Core
	ask      core.Ask
	admitted core.Admission
}

func (k keys) use(t *testing.T, key string, asked any) {
	t.Helper()

	_, err := k.c.Execute(context.Background(), k.admitted, k.request(key, asked),
		mailbox.SetLanguage{Platform: App, Language: "da", Offered: true})
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
}

func (k keys) request(key string, asked any) core.Request {
	ask := k.ask
	ask.Key = key

	return ask.Of(asked, domain.MessageID{})
}

func (k keys) want(t *testing.T, key, what string, asked any, want error) {
	t.Helper()

	_, known, err := k.c.Repeated(k.admitted, k.request(key, asked))
	if !errors.Is(err, want) || want == nil && (err != nil || !known) {
		t.Errorf("%s with %s (%+v), under a key that was used: known %v, error %v; want error %v",
			key, what, asked, known, err, want)
	}
}

func namesOf(values []any) (names []string) {
	for _, v := range values {
		names = append(names, reflect.TypeOf(v).Name())
	}
	slices.Sort(names)

	return names
}

// A variant is a value in which one thing is another than in the first.
type variant struct {
	what  string
	value reflect.Value
}

// variants gives a value of a type, and others that differ from it, and from one another, in one field.
func variants(t *testing.T, path string, of reflect.Type) (base reflect.Value, others []variant) {
	t.Helper()

	base = reflect.New(of).Elem()
	other := func(set func(reflect.Value)) {
		v := reflect.New(of).Elem()
		v.Set(base)
		set(v)
		others = append(others, variant{"another " + path, v})
	}

	switch of.Kind() {
	case reflect.Struct:
		return structVariants(t, path, of)
	case reflect.Pointer:
		elem, more := variants(t, path, of.Elem())
		base.Set(pointerTo(elem))
		if of.Elem().Kind() == reflect.Struct {
			more = append(more, variant{path + " empty", reflect.Zero(of.Elem())})
		}
		for _, m := range more {
			others = append(others, variant{m.what, pointerTo(m.value)})
		}
		others = append(others, variant{"no " + path, reflect.Zero(of)})
	case reflect.Slice:
		elem, more := variants(t, path, of.Elem())
		base.Set(reflect.Append(base, elem))
		for _, m := range more {
			others = append(others, variant{m.what, reflect.Append(reflect.Zero(of), m.value)})
		}
		others = append(others, variant{path + " twice", reflect.Append(base, elem)},
			variant{"no " + path, reflect.Zero(of)})
	case reflect.Array: // an id
		base.Index(0).SetUint(1)
		other(func(v reflect.Value) { v.Index(0).SetUint(0) })
		other(func(v reflect.Value) { v.Index(of.Len() - 1).SetUint(1) })
	case reflect.String:
		base.SetString("one")
		other(func(v reflect.Value) { v.SetString("") })
		other(func(v reflect.Value) { v.SetString("One") })
	case reflect.Bool:
		other(func(v reflect.Value) { v.SetBool(true) })
	case reflect.Int, reflect.Int64:
		other(func(v reflect.Value) { v.SetInt(1) })
	default:
		t.Fatalf("%s: no values of kind %s are made", path, of.Kind())
	}

	return base, others
}

func structVariants(t *testing.T, path string, of reflect.Type) (base reflect.Value, others []variant) {
	t.Helper()

	base = reflect.New(of).Elem()
	all := make([][]variant, of.NumField())
	for i := range of.NumField() {
		f := of.Field(i)
		if !f.IsExported() {
			t.Fatalf("%s.%s is not exported: no fingerprint knows it", path, f.Name)
		}

		var value reflect.Value
		value, all[i] = variants(t, path+"."+f.Name, f.Type)
		base.Field(i).Set(value)
	}

	for i, some := range all {
		for _, x := range some {
			v := reflect.New(of).Elem()
			v.Set(base)
			v.Field(i).Set(x.value)
			others = append(others, variant{x.what, v})
		}
	}

	return base, others
}

func pointerTo(v reflect.Value) reflect.Value {
	p := reflect.New(v.Type())
	p.Elem().Set(v)

	return p
}

// A pair is two values of a type, which read the same where texts are only put behind one another.
type pair struct {
	what       string
	one, other reflect.Value
}

// neighbours gives a pair for each two texts that stand next to one another in a type, at any depth.
func neighbours(of reflect.Type) (pairs []pair) {
	if of.Kind() == reflect.Pointer {
		for _, p := range neighbours(of.Elem()) {
			pairs = append(pairs, pair{p.what, pointerTo(p.one), pointerTo(p.other)})
		}
	}

	if of.Kind() != reflect.Struct {
		return pairs
	}

	put := func(i int, values ...reflect.Value) reflect.Value {
		v := reflect.New(of).Elem()
		for n, x := range values {
			v.Field(i + n).Set(x)
		}

		return v
	}

	for i := range of.NumField() {
		f := of.Field(i)
		for _, p := range neighbours(f.Type) {
			pairs = append(pairs, pair{f.Name + "." + p.what, put(i, p.one), put(i, p.other)})
		}

		if i+1 == of.NumField() || !isText(f.Type) || !isText(of.Field(i+1).Type) {
			continue
		}

		next := of.Field(i + 1)
		both := func(a, b string) reflect.Value { return put(i, text(f.Type, a), text(next.Type, b)) }
		pairs = append(pairs, pair{f.Name + " and " + next.Name, both("a", "b c"), both("a b", "c")})
	}

	return pairs
}

func isText(t reflect.Type) bool {
	return t.Kind() == reflect.String || t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.String
}

func text(t reflect.Type, s string) reflect.Value {
	if t.Kind() == reflect.Pointer {
		return pointerTo(reflect.ValueOf(s).Convert(t.Elem()))
	}

	return reflect.ValueOf(s).Convert(t)
}
