package viewapi

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"digitalpost/adapters/backbone"
	"digitalpost/eventstore"
	"digitalpost/projections"
)

// A hit is a message that a search found, and what it is sorted by.
type hit struct {
	message backbone.Message
	keys    []any
}

// wordPaths are the fields whose filters are answered by the words that are kept apart, as any is.
var wordPaths = map[string]func(backbone.Words) string{
	"label":           func(w backbone.Words) string { return w.Label },
	"sender.label":    func(w backbone.Words) string { return w.Sender },
	"sender.senderId": func(w backbone.Words) string { return w.SenderID },
	"note":            func(w backbone.Words) string { return w.Note },
}

// byWords parts the filters into those that the words answer and the rest.
func (q *listQuery) byWords() (words, rest []matcher) {
	for _, m := range q.match {
		if _, ok := wordPaths[strings.Join(m.path, ".")]; ok || m.path == nil {
			words = append(words, m)
		} else {
			rest = append(rest, m)
		}
	}
	return words, rest
}

// matchesWords tells whether words answer all of some filters.
func matchesWords(all []matcher, w backbone.Words) bool {
	for _, m := range all {
		texts := []string{w.Label, w.Sender, w.SenderID, w.Note, w.Rest}
		if m.path != nil {
			texts = []string{wordPaths[strings.Join(m.path, ".")](w)}
		}
		if !slices.ContainsFunc(texts, func(s string) bool { return slices.ContainsFunc(m.values, func(v string) bool { return wild(v, s) }) }) {
			return false
		}
	}
	return true
}

// search gives a page of the messages that match, and how many do. What the words answer is found without opening any message; of those that are left, the messages
// are opened that other filters or the order ask for. It is recorded before anything is looked at.
func (a *api) search(r request, q listQuery) (out []backbone.Message, total int, err error) {
	words, rest := q.byWords()
	found, err := a.b.Search(r.Context(), r.p, r.box, q.filter, len(words) > 0, func(w backbone.Words) bool { return matchesWords(words, w) })
	if err != nil {
		return nil, 0, err
	}
	if q.byArrival() && len(rest) == 0 && q.from == nil && q.to == nil && q.filter.Read == nil && !slices.ContainsFunc(found, func(f backbone.Found) bool { return f.Unsure }) {
		if q.orders[0].desc {
			slices.Reverse(found)
		}
		from := q.begin(len(found), func(i int) eventstore.Position { return found[i].Position })
		out, err = a.b.Rows(r.box, found[from:min(from+q.size, len(found))])
		return out, len(found), err
	}
	hits, err := a.openHits(r, q, found)
	if err != nil {
		return nil, 0, err
	}
	from := q.begin(len(hits), func(i int) eventstore.Position { return hits[i].message.Row.Position })
	for _, h := range hits[from:min(from+q.size, len(hits))] {
		out = append(out, h.message)
	}
	return out, len(hits), nil
}

// begin gives the first of n hits that the page shows: beyond an arrival, or by the page's number.
func (q *listQuery) begin(n int, arrival func(int) eventstore.Position) int {
	if q.filter.Beyond == 0 || !q.byArrival() {
		return min(q.number*q.size, n)
	}
	return sort.Search(n, func(i int) bool {
		if q.orders[0].desc {
			return arrival(i) < q.filter.Beyond
		}
		return arrival(i) > q.filter.Beyond
	})
}

// openHits opens what was found, a thousand at a time, and gives those that match all filters, in order.
func (a *api) openHits(r request, q listQuery, found []backbone.Found) (hits []hit, err error) {
	for ; len(found) > 0; found = found[min(len(found), atATime):] {
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		some, err := a.b.Rows(r.box, found[:min(len(found), atATime)])
		if err != nil {
			return nil, err
		}
		if q.filter.Read != nil {
			some = slices.DeleteFunc(some, func(m backbone.Message) bool { return m.Row.State.Read != *q.filter.Read })
		}
		if err := a.b.OpenAll(some); err != nil {
			return nil, err
		}
		for i := range some {
			if some[i].Memo == nil {
				continue
			}
			if o := messageJSON(some[i]); q.matches(o, backbone.WordsOf(some[i])) {
				h := hit{message: some[i]}
				for _, by := range q.orders {
					h.keys = append(h.keys, sortKey(o, by.path))
				}
				h.message.Memo, h.message.Letter = nil, projections.LetterRow{} // those of the page are opened again
				hits = append(hits, h)
			}
			some[i].Memo, some[i].Letter = nil, projections.LetterRow{}
		}
	}
	slices.SortStableFunc(hits, func(x, y hit) int {
		for i, by := range q.orders {
			c := compare(x.keys[i], y.keys[i])
			if by.desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return cmp.Compare(y.message.Row.Position, x.message.Row.Position)
	})
	return hits, nil
}
