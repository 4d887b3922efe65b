package viewapi

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"digitalpost/adapters/backbone"
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
		case len(values) > maxFilters || len(values[0]) > 1024:
			err = problem.BadField(clip(param), "parameter.not.valid", "must be given at most 32 times, with at most 1,024 bytes")
		case param == "sortFields":
			err = q.sortBy(values[0], known)
		case param == "fields":
			q.show, err = fieldNames(values[0], known)
		case param == "any":
			q.match = append(q.match, anywhere(values))
		case !known(strings.Split(param, ".")[0]):
			err = problem.BadField(clip(param), "parameter.not.valid", "is no field of what is listed, nor a parameter of lists")
		default:
			m := matcher{path: strings.Split(param, ".")}
			for _, v := range values {
				m.values = append(m.values, backbone.Fold(v))
			}
			q.match = append(q.match, m)
		}
		if err != nil {
			return err
		}
	}
	all = slices.DeleteFunc(slices.Clone(all), func(o object) bool {
		return slices.ContainsFunc(q.match, func(m matcher) bool { return !m.matches(o) })
	})
	slices.SortStableFunc(all, func(x, y object) int {
		for _, by := range q.orders {
			c := compare(sortKey(x, by.path), sortKey(y, by.path))
			if by.desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
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

// anywhere is a filter that looks in all texts.
func anywhere(values []string) (m matcher) {
	for _, v := range values {
		if v = backbone.Fold(v); !strings.Contains(v, "*") {
			v = "*" + v + "*"
		}
		m.values = append(m.values, v)
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
