package viewapi

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"digitalpost/adapters/problem"
)

// pageOf reads which page of a list is asked for: by page, or by what the page before gave as next.
func pageOf(r *http.Request) (number, size int, err error) {
	if number, size, err = problem.Page(r); err != nil {
		return 0, 0, err
	}
	if s := r.URL.Query().Get("next"); s != "" {
		b, err := base64.RawURLEncoding.DecodeString(s)
		n, perr := strconv.Atoi(strings.TrimPrefix(string(b), "p"))
		if err != nil || perr != nil || n < 0 || n > 1<<30 || !strings.HasPrefix(string(b), "p") {
			return 0, 0, problem.BadField("next", "parameter.not.valid", "must be what the page before gave as next")
		}
		number = n
	}
	return number, size, nil
}

// page is a list's answer, with what leads to the next one.
func page(name string, items []object, number, size, total int) object {
	out := object{"currentPage": number, "totalPages": (total + size - 1) / size, "elementsOnPage": len(items), "totalElements": total, "next": nil, name: items}
	if (number+1)*size < total {
		out["next"] = base64.RawURLEncoding.EncodeToString([]byte("p" + strconv.Itoa(number+1)))
	}
	return out
}

// paged answers with a page of what is held whole: of those that match the filters on their fields and any, in the order of sortFields, with the fields that are asked
// for. handled are parameters that the caller has seen to.
func paged(w http.ResponseWriter, r request, name string, all []object, handled ...string) error {
	number, size, err := pageOf(r.Request)
	if err != nil {
		return err
	}
	known := func(field string) bool {
		return len(all) == 0 || slices.ContainsFunc(all, func(o object) bool { _, ok := o[field]; return ok })
	}
	var q listQuery
	for param, values := range r.URL.Query() {
		switch {
		case param == "page" || param == "size" || param == "next" || slices.Contains(handled, param):
		case bounded(param, values) != nil:
			err = bounded(param, values)
		case param == "sortFields":
			err = q.sortBy(values[0], known)
		case param == "fields":
			q.show, err = fieldNames(values[0], known)
		case param == "any":
			q.match = append(q.match, anywhere(values))
		case !known(strings.Split(param, ".")[0]):
			err = problem.BadField(clip(param), "parameter.not.valid", "is no field of what is listed, nor a parameter of lists")
		default:
			q.match = append(q.match, matcher{strings.Split(param, "."), patterns(values)})
		}
		if err != nil {
			return err
		}
	}
	all = slices.DeleteFunc(slices.Clone(all), func(o object) bool {
		return slices.ContainsFunc(q.match, func(m matcher) bool { return !m.matches(o) })
	})
	if all = q.sorted(all); r.Context().Err() != nil {
		return r.Context().Err()
	}
	from := min(number*size, len(all))
	some := []object{}
	for _, o := range all[from:min(from+size, len(all))] {
		some = append(some, only(o, q.show))
	}
	out := page(name, some, number, size, len(all))
	links(w, r.URL, number, size, len(all), out["next"])
	problem.JSON(w, http.StatusOK, out)
	return nil
}

// sorted gives objects in the order that is asked for; what each is sorted by is worked out once.
func (q *listQuery) sorted(all []object) []object {
	if len(q.orders) == 0 {
		return all
	}
	type keyed struct {
		o    object
		keys []any
	}
	some := make([]keyed, len(all))
	for i, o := range all {
		some[i].o = o
		for _, by := range q.orders {
			some[i].keys = append(some[i].keys, sortKey(o, by.path))
		}
	}
	slices.SortStableFunc(some, func(x, y keyed) int {
		for i, by := range q.orders {
			c := compare(x.keys[i], y.keys[i])
			if by.desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	for i := range some {
		all[i] = some[i].o
	}
	return all
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
			return nil, problem.BadField("fields", "parameter.not.valid", "must be fields of what is listed, parted by commas")
		}
		out = append(out, f)
	}
	return out, nil
}
