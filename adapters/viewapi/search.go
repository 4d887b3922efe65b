package viewapi

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"digitalpost/adapters/backbone/content"
	"digitalpost/adapters/backbone/messages"
	"digitalpost/adapters/backbone/search"
	"digitalpost/domain"
	"digitalpost/eventstore"
	"digitalpost/projections/mailboxes"
)

// A hit is a message that a search found, and what it is sorted by.
type hit struct {
	message messages.Message
	keys    []any
}

// wordPaths are the fields whose filters are answered by the words that are kept apart, as any is.
var wordPaths = map[string]func(content.Words) string{
	"label":           func(w content.Words) string { return w.Label },
	"sender.label":    func(w content.Words) string { return w.Sender },
	"sender.senderId": func(w content.Words) string { return w.SenderID },
	"note":            func(w content.Words) string { return w.Note },
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
func matchesWords(all []matcher, w content.Words) bool {
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
func (a messageHandlers) search(
	r request, q listQuery,
) (out []messages.Message, total int, last eventstore.Position, err error) {
	words, rest := q.byWords()
	fit := func(w content.Words) bool { return matchesWords(words, w) }
	found, err := a.b.Search.Find(r.Context(), r.p, r.box, search.Query{
		Filter: q.filter, ByWords: len(words) > 0, Match: fit,
	})
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
		out, err = a.b.Messages.Rows(r.box, idsOf(found[from:end]))
		return out, len(found), last, err
	}

	hits, err := a.openHits(r, q, found)
	if err != nil {
		return nil, 0, 0, err
	}

	from := q.begin(len(hits), func(i int) eventstore.Position { return arrivalOf(hits[i].message) })
	end := min(from+q.size, len(hits))
	if end < len(hits) && end > from {
		last = arrivalOf(hits[end-1].message)
	}

	for _, h := range hits[from:end] {
		out = append(out, h.message)
	}

	return out, len(hits), last, nil
}

func arrivalOf(m messages.Message) eventstore.Position {
	return eventstore.Position(m.Row.Shown.Arrival)
}

func idsOf(found []search.Found) (ids []domain.MessageID) {
	for _, f := range found {
		ids = append(ids, f.Message)
	}

	return ids
}

// sure opens those of what was found that their words don't answer, and leaves out what does not match.
func (a messageHandlers) sure(r request, q listQuery, found []search.Found) ([]search.Found, error) {
	var unsure []search.Found
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
	out := func(f search.Found) bool { return f.Unsure && !keep[f.Message] }
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
func (a messageHandlers) openHits(r request, q listQuery, found []search.Found) (hits []hit, err error) {
	for ; len(found) > 0; found = found[min(len(found), atATime):] {
		if err := r.Context().Err(); err != nil {
			return nil, err
		}

		some, err := a.b.Messages.Rows(r.box, idsOf(found[:min(len(found), atATime)]))
		if err != nil {
			return nil, err
		}

		if q.filter.Read != nil {
			some = slices.DeleteFunc(some, func(m messages.Message) bool { return m.Row.Read != *q.filter.Read })
		}

		if err := a.b.Messages.Open(some); err != nil {
			return nil, err
		}

		for i := range some {
			if some[i].Memo == nil {
				continue
			}
			if m := messageOf(some[i]); q.matches(&m, search.WordsOf(some[i])) {
				h := hit{message: some[i], keys: keysOf(&m, q.orders)}
				h.message.Memo, h.message.Letter = nil, mailboxes.LetterRow{} // those of the page are opened again
				hits = append(hits, h)
			}
			some[i].Memo, some[i].Letter = nil, mailboxes.LetterRow{}
		}
	}

	if q.byArrival() { // times may be the same, arrivals are not
		slices.SortFunc(hits, func(x, y hit) int {
			if q.orders[0].desc {
				x, y = y, x
			}
			return cmp.Compare(x.message.Row.Shown.Arrival, y.message.Row.Shown.Arrival)
		})
		return hits, nil
	}

	slices.SortStableFunc(hits, func(x, y hit) int {
		return cmp.Or(compareKeys(x.keys, y.keys, q.orders),
			cmp.Compare(y.message.Row.Shown.Arrival, x.message.Row.Shown.Arrival))
	})
	return hits, nil
}
