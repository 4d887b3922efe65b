package viewapi

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"digitalpost/adapters/backbone"
	"digitalpost/domain"
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

// matchesWords reports whether words answer all of some filters.
func matchesWords(all []matcher, w backbone.Words) bool {
	for _, m := range all {
		if m.path == nil && !slices.ContainsFunc(w.Texts(), m.fits) {
			return false
		}
		if m.path != nil && !m.fits(wordPaths[strings.Join(m.path, ".")](w)) {
			return false
		}
	}
	return true
}

// search gives a page of the messages that match, how many do, and, if there are more, the arrival of the page's
// last. What the words answer is found without opening any message; of those that are left, the messages are opened
// that other filters or the order ask for. It is recorded before anything is looked at.
func (a *api) search(r request, q listQuery) (out []backbone.Message, total int, last eventstore.Position, err error) {
	words, rest := q.byWords()
	fit := func(w backbone.Words) bool { return matchesWords(words, w) }
	found, err := a.b.Search(r.Context(), r.p, r.box, q.filter, len(words) > 0, fit)
	if err != nil {
		return nil, 0, 0, err
	}
	if q.byArrival() && len(rest) == 0 && q.from == nil && q.to == nil {
		if found, err = a.sure(r, q, found); err != nil {
			return nil, 0, 0, err
		}
		if q.orders[0].desc {
			slices.Reverse(found)
		}
		from := q.begin(len(found), func(i int) eventstore.Position { return found[i].Position })
		end := min(from+q.size, len(found))
		if end < len(found) && end > from {
			last = found[end-1].Position
		}
		out, err = a.b.Rows(r.box, found[from:end])
		return out, len(found), last, err
	}
	hits, err := a.openHits(r, q, found)
	if err != nil {
		return nil, 0, 0, err
	}
	from := q.begin(len(hits), func(i int) eventstore.Position { return hits[i].message.Row.Position })
	end := min(from+q.size, len(hits))
	if end < len(hits) && end > from {
		last = hits[end-1].message.Row.Position
	}
	for _, h := range hits[from:end] {
		out = append(out, h.message)
	}
	return out, len(hits), last, nil
}

// sure opens those of what was found that their words don't answer, and leaves out what does not match.
func (a *api) sure(r request, q listQuery, found []backbone.Found) ([]backbone.Found, error) {
	var unsure []backbone.Found
	for _, f := range found {
		if f.Unsure {
			unsure = append(unsure, f)
		}
	}
	hits, err := a.openHits(r, q, unsure)
	keep := map[domain.MessageID]bool{}
	for _, h := range hits {
		keep[h.message.ID] = true
	}
	out := func(f backbone.Found) bool { return f.Unsure && !keep[f.Message] }
	return slices.DeleteFunc(found, out), err
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
			if m := messageOf(some[i]); q.matches(&m, backbone.WordsOf(some[i])) {
				h := hit{message: some[i], keys: keysOf(&m, q.orders)}
				h.message.Memo, h.message.Letter = nil, projections.LetterRow{} // those of the page are opened again
				hits = append(hits, h)
			}
			some[i].Memo, some[i].Letter = nil, projections.LetterRow{}
		}
	}
	if q.byArrival() { // times may be the same, arrivals are not
		slices.SortFunc(hits, func(x, y hit) int {
			if q.orders[0].desc {
				x, y = y, x
			}
			return cmp.Compare(x.message.Row.Position, y.message.Row.Position)
		})
		return hits, nil
	}
	slices.SortStableFunc(hits, func(x, y hit) int {
		return cmp.Or(compareKeys(x.keys, y.keys, q.orders),
			cmp.Compare(y.message.Row.Position, x.message.Row.Position))
	})
	return hits, nil
}
