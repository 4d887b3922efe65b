package viewapi

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"digitalpost/adapters/problem"
)

// readPage reads which page of a list is asked for: by page, or by what the page before gave as next.
func readPage(r *http.Request) (number, size int, err error) {
	if number, size, err = problem.Page(r); err != nil {
		return 0, 0, err
	}
	if s := r.URL.Query().Get("next"); s != "" {
		b, err := base64.RawURLEncoding.DecodeString(s)
		n, perr := strconv.Atoi(strings.TrimPrefix(string(b), "p"))
		if err != nil || perr != nil || n < 0 || n > 1<<30 || !strings.HasPrefix(string(b), "p") {
			return 0, 0, problem.BadField("next", "parameter.not.valid",
				"must be what the page before gave as next")
		}
		number = n
	}
	return number, size, nil
}

// page makes the head of a page that shows some of total items, with what leads to the page that follows.
func page(some, number, size, total int) Page {
	out := pageOf(some, number, size, total)
	if (number+1)*size < total {
		out.Next = base64.RawURLEncoding.EncodeToString([]byte("p" + strconv.Itoa(number+1)))
	}
	return out
}

// paged answers with a page of what is held whole: of those that match the filters on their fields and any, in the
// order of sortFields, with the fields that are asked for. handled are parameters that the caller has seen to; result
// puts head and items together.
func paged[T any](w http.ResponseWriter, r request, all []T, result func(Page, Listed[T]) any,
	handled ...string) error {
	return pagedOf(w, r, len(all), func(i int) *T { return &all[i] }, result, handled...)
}

// pagedOf is paged of n things, of which only those are made that are shown, where nothing is asked of the others.
func pagedOf[T any](w http.ResponseWriter, r request, n int, item func(int) *T, result func(Page, Listed[T]) any,
	handled ...string) error {
	number, size, err := readPage(r.Request)
	if err != nil {
		return err
	}
	q, err := readFilters(r.URL.Query(), hasField[T], sortable[T], handled)
	if err != nil {
		return err
	}

	from := min(number*size, n)
	if len(q.match) == 0 && len(q.orders) == 0 {
		some := Listed[T]{}
		for i := from; i < min(from+size, n); i++ {
			some = append(some, only(item(i), q.show))
		}
		answerPage(w, r, number, size, n, some, result)

		return nil
	}

	var found []*T
	for i := range n {
		x := item(i)
		v := reflect.ValueOf(x).Elem()
		if !slices.ContainsFunc(q.match, func(m matcher) bool { return !m.matches(v) }) {
			found = append(found, x)
		}
	}
	if found = sorted(found, q.orders); r.Context().Err() != nil {
		return r.Context().Err()
	}

	from = min(number*size, len(found))
	some := Listed[T]{}
	for _, x := range found[from:min(from+size, len(found))] {
		some = append(some, only(x, q.show))
	}
	answerPage(w, r, number, size, len(found), some, result)

	return nil
}

// answerPage answers with a page of a list of n things.
func answerPage[T any](
	w http.ResponseWriter, r request, number, size, n int, some Listed[T], result func(Page, Listed[T]) any,
) {
	head := page(len(some), number, size, n)
	links(w, r.URL, number, size, n, head.Next)
	problem.JSON(w, http.StatusOK, result(head, some))
}

// readFilters reads the parameters of a list that is held whole, but for its pages. known reports which fields can be
// named, and sortable what can be sorted by.
func readFilters(
	params url.Values, known func(string) bool, sortable func([]string) bool, handled []string,
) (q listQuery, err error) {
	for _, param := range slices.Sorted(maps.Keys(params)) {
		values := params[param]
		switch {
		case param == "page" || param == "size" || param == "next" || slices.Contains(handled, param):
		case bounded(param, values) != nil:
			err = bounded(param, values)
		case param == "sortFields":
			err = q.sortBy(values[0], sortable)
		case param == "fields":
			q.show, err = fieldNames(values[0], known)
		case param == "any":
			q.match = append(q.match, anywhere(values))
		case !known(strings.Split(param, ".")[0]):
			err = problem.BadField(clip(param), "parameter.not.valid",
				"is no field of what is listed, nor a parameter of lists")
		default:
			q.match = append(q.match, matcher{strings.Split(param, "."), patterns(values)})
		}
		if err != nil {
			return q, err
		}
	}

	return q, nil
}

// sorted gives answers in the order that is asked for; what each is sorted by is worked out once.
func sorted[T any](all []*T, orders []order) []*T {
	if len(orders) == 0 {
		return all
	}

	type keyed struct {
		answer *T
		keys   []any
	}
	some := make([]keyed, len(all))
	for i, x := range all {
		some[i] = keyed{x, keysOf(x, orders)}
	}

	slices.SortStableFunc(some, func(x, y keyed) int { return compareKeys(x.keys, y.keys, orders) })
	for i := range some {
		all[i] = some[i].answer
	}

	return all
}

// keysOf gives what an answer is sorted by in each of the orders.
func keysOf[T any](answer *T, orders []order) []any {
	keys, v := make([]any, len(orders)), reflect.ValueOf(answer).Elem()
	for i, by := range orders {
		keys[i] = sortKey(v, by.path)
	}
	return keys
}

// compareKeys compares by the first order in which keys differ; 0 if there is none.
func compareKeys(x, y []any, orders []order) int {
	for i, by := range orders {
		c := compare(x[i], y[i])
		if by.desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// anywhere is a filter that looks in all texts.
func anywhere(values []string) (m matcher) {
	for _, v := range values {
		if !strings.Contains(v, "*") {
			v = "*" + v + "*"
		}
		m.values = append(m.values, patterns([]string{v})...)
	}
	return m
}

// fieldNames reads which fields are asked for.
func fieldNames(s string, known func(string) bool) (out []string, err error) {
	for _, f := range strings.Split(s, ",") {
		if f = strings.TrimSpace(f); !known(f) {
			return nil, problem.BadField("fields", "parameter.not.valid",
				"must be fields of what is listed, parted by commas")
		}
		out = append(out, f)
	}
	return out, nil
}
