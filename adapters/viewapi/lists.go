package viewapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	"digitalpost/eventstore"
)

// Lists of messages. A filter is a parameter with a field's name as the JSON shows it, nested ones with dots: values
// of one field are alternatives, fields must all match, * stands for any text, and case does not count. any looks in
// what content.Words has. What is sorted by arrival and filtered by folder or read alone is answered from the index;
// any, label, sender and note from sealed words; all else opens the messages that are left, in memory and a thousand
// at a time. All but the first is recorded as a search.

const (
	maxFilters = 32 // parameters of one list
	maxSorts   = 8
	atATime    = 1000 // messages that are opened at once
)

// A listQuery is what a list's parameters ask for.
type listQuery struct {
	number, size int
	filter       messages.Filter
	orders       []order
	match        []matcher
	show         []string // top-level fields; nil: all
	from, to     map[string]time.Time
}

type order struct {
	path []string
	desc bool
}

// dates are the parameters that bound a time, with the field that shows it.
var dates = map[string]string{
	"dateFrom": "messageDateTime", "dateTo": "messageDateTime",
	"receivedDateFrom": "receivedDateTime", "receivedDateTo": "receivedDateTime",
}

func readList(r request) (q listQuery, err error) {
	if q.number, q.size, err = problem.Page(r.Request); err != nil {
		return q, err
	}

	params := r.URL.Query()
	if len(params) > maxFilters {
		return q, problem.BadField("query", "parameter.not.valid", "must be at most 32 parameters")
	}

	for _, name := range slices.Sorted(maps.Keys(params)) {
		values := params[name]
		if err := bounded(name, values); err != nil {
			return q, err
		}
		if err := q.parameter(r, name, values); err != nil {
			return q, err
		}
	}

	if len(q.orders) == 0 {
		q.orders = []order{{path: []string{"receivedDateTime"}, desc: true}}
	}

	return q, nil
}

func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), 64)], "?") }

func (q *listQuery) parameter(r request, name string, values []string) (err error) {
	switch name {
	case "page", "size":
		return nil
	case "next":
		return q.resume(r, values[0])
	case "folderId":
		id, err := domain.ParseUUID(values[0])
		if err != nil {
			return problem.BadField("folderId", "parameter.not.valid", "must be a folder's id")
		}
		q.filter.Folder = readFolder(r.box, id)
		return nil
	case "read":
		read, err := strconv.ParseBool(values[0])
		if err != nil {
			return problem.BadField("read", "parameter.not.valid", "must be true or false")
		}
		q.filter.Read = &read
		return nil
	case "sortFields":
		return q.sortBy(values[0], sortable[Message])
	case "fields":
		q.show, err = fieldNames(values[0], hasField[Message])
		return err
	case "any": // see Words
		q.match = append(q.match, anywhere(values))
		return nil
	}
	if field, ok := dates[name]; ok {
		return q.bound(name, field, values[0])
	}

	path := strings.Split(name, ".")
	if !hasField[Message](path[0]) || len(path) > 6 {
		return problem.BadField(clip(name), "parameter.not.valid", "is no field of a message, nor a parameter of lists")
	}
	q.match = append(q.match, matcher{path, patterns(values)})
	return nil
}

func (q *listQuery) sortBy(s string, sortable func(path []string) bool) error {
	for _, f := range strings.Split(s, ",") {
		name, direction, _ := strings.Cut(strings.TrimSpace(f), ":")
		o := order{path: strings.Split(name, "."), desc: strings.EqualFold(direction, "desc")}
		oneWay := direction == "" || o.desc || strings.EqualFold(direction, "asc")
		if !sortable(o.path) || len(q.orders) == maxSorts || !oneWay {
			return problem.BadField("sortFields", "parameter.not.valid",
				"must be fields such as receivedDateTime:desc, parted by commas")
		}
		q.orders = append(q.orders, o)
	}
	return nil
}

// bound reads a parameter that bounds the time of a field.
func (q *listQuery) bound(name, field, value string) error {
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		if t, err = time.Parse(time.DateOnly, value); err != nil {
			return problem.BadField(name, "parameter.not.valid",
				"must be a time such as 2026-01-31T12:00:00Z, or a date")
		}
	}

	bounds := &q.from
	if strings.HasSuffix(name, "To") {
		bounds = &q.to
	}
	if *bounds == nil {
		*bounds = map[string]time.Time{}
	}
	(*bounds)[field] = t
	return nil
}

// indexed reports whether the index has the answer.
func (q *listQuery) indexed() bool {
	return len(q.match) == 0 && q.from == nil && q.to == nil && q.byArrival()
}

// byArrival reports whether the list is in the order of arrival, so that what comes meanwhile moves nothing.
func (q *listQuery) byArrival() bool {
	return len(q.orders) == 1 && slices.Equal(q.orders[0].path, []string{"receivedDateTime"})
}

// next says where the following page begins: beyond an arrival, or, in another order, at a page. It is for the same
// list alone, and not for clients to read.
func (q *listQuery) next(r request, last eventstore.Position) string {
	text := fmt.Sprintf("p%d", q.number+1)
	if q.byArrival() {
		text = fmt.Sprintf("a%d", last)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(text + "." + listOf(r)))
}

// listOf names a list by all that is asked of it but the page.
func listOf(r request) string {
	q := r.URL.Query()
	for _, p := range []string{"next", "page", "size", "fields"} {
		q.Del(p)
	}
	sum := sha256.Sum256([]byte(q.Encode()))
	return hex.EncodeToString(sum[:4])
}

func (q *listQuery) resume(r request, s string) error {
	b, err := base64.RawURLEncoding.DecodeString(s)
	text, list, _ := strings.Cut(string(b), ".")
	if b = []byte(text); err == nil && len(b) > 1 && list == listOf(r) {
		var n uint64
		if n, err = strconv.ParseUint(string(b[1:]), 10, 62); err == nil {
			switch b[0] {
			case 'a':
				q.filter.Beyond = eventstore.Position(n)
				return nil
			case 'p':
				q.number = int(min(n, 1<<30))
				return nil
			}
		}
	}

	return problem.BadField("next", "parameter.not.valid", "must be what the page before gave as next")
}

func (a messageHandlers) messages(w http.ResponseWriter, r request) error {
	q, err := readList(r)
	if err != nil {
		return err
	}
	var some []messages.Message
	var total int
	var last eventstore.Position // of the page, if there is more
	if q.indexed() {
		q.filter.Newest, q.filter.Limit = q.orders[0].desc, q.size
		if q.filter.Beyond == 0 {
			q.filter.Skip = q.number * q.size
		}
		some, total, err = a.b.Messages.List(r.Context(), r.p, r.box, q.filter)
		if n := len(some); n == q.size && (q.filter.Beyond > 0 || (q.number+1)*q.size < total) {
			last = arrivalOf(some[n-1])
		}
	} else {
		some, total, last, err = a.search(r, q)
	}
	if err != nil {
		return err
	}
	head := pageOf(0, q.number, q.size, total)
	if last > 0 {
		head.Next = q.next(r, last)
	}
	links(w, r.URL, q.number, q.size, total, head.Next)

	return stream(w, "messages", func(item func(any) error) (any, error) {
		err := a.each(r, some, q.show, func(x *Message) error {
			head.ElementsOnPage++
			return item(only(x, q.show))
		})
		return head, err
	})
}

// rowFields are those of a message that are shown without anything of it being opened.
var rowFields = []string{
	"id", "version", "mailboxId", "createdDateTime", "lastUpdated", "messageDateTime", "receivedDateTime", "folderId",
	"messageState", "read", "flag",
}

// each calls fn with each message as a list shows it; nothing is opened for fields that need nothing of it.
func (a messageHandlers) each(r request, some []messages.Message, show []string, fn func(*Message) error) error {
	opened := show == nil
	for _, name := range show {
		opened = opened || !slices.Contains(rowFields, name)
	}

	if opened {
		return a.b.Messages.Each(r.p, r.box, some, func(m messages.Message) error {
			x := messageOf(m)
			return fn(&x)
		})
	}

	for _, m := range some {
		x := rowOf(m)
		if err := fn(&x); err != nil {
			return err
		}
	}

	return nil
}

// links says in a header where the other pages are (RFC 8288); next is empty where none follows.
func links(w http.ResponseWriter, u *url.URL, number, size, total int, next string) {
	var all []string
	add := func(rel string, change func(url.Values)) {
		q := u.Query()
		q.Del("next")
		change(q)
		all = append(all, fmt.Sprintf("<%s?%s>; rel=%q", u.Path, q.Encode(), rel))
	}
	at := func(n int) func(url.Values) { return func(q url.Values) { q.Set("page", strconv.Itoa(n)) } }
	add("first", at(0))
	if number > 0 {
		add("prev", at(number-1))
	}

	if next != "" {
		add("next", func(q url.Values) { q.Del("page"); q.Set("next", next) })
	}

	add("last", at(max(total-1, 0)/size))
	w.Header().Set("Link", strings.Join(all, ", "))
}
