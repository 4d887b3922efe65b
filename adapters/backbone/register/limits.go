package register

import (
	"errors"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/policy"
	"digitalpost/domain/register"
	"digitalpost/projections/directory"
)

// limits are on what registers may say.
type limits struct{ *Registers }

// dated refuses lines about days that have not come, and those that come twice and say two things.
func (r limits) dated(lines []register.Line) error {
	today := r.today()
	for i, l := range lines {
		if l.At > today {
			return &register.LineError{Seq: l.Seq, Field: "at", Rule: "must not be in the future"}
		}

		if i > 0 && lines[i-1].Seq == l.Seq && !l.Same(lines[i-1]) {
			return &register.LineError{Seq: l.Seq, Field: "seq", Rule: "comes twice, and says two things"}
		}
	}

	return nil
}

// today is the date in Copenhagen.
func (r limits) today() string { return r.core.Now().In(memo.Copenhagen).Format(time.DateOnly) }

// admitted gives the lines before the first that would close too many mailboxes, and how many they close.
func (r limits) admitted(
	lane register.Lane, s register.State, lines []register.Line,
) (_ []register.Line, closes int, err error) {
	p := policy.On(r.core.Now().In(memo.Copenhagen))
	closed, most, held := s.ClosedOn(r.today()), p.LeastClosed, len(lines)
	for i, l := range lines {
		if l.Seq <= s.Until || !r.closesNow(lane, l) {
			continue
		}
		closes++

		if closed+closes == p.LeastClosed+1 { // all are counted only then
			d, err := directory.At(r.core.Views)
			if err != nil {
				return nil, 0, err
			}
			most = max(most, len(d.Mailboxes())*p.MostClosed/1000)
			d.Close()
		}

		if closed+closes > most && held == len(lines) {
			held = i
		}
	}

	if held < len(lines) {
		return lines[:held], most - closed, &HeldError{lines[held].Seq, closed + closes, most}
	}

	return lines, closes, nil
}

// closesNow reports whether a line closes a mailbox that is open.
func (r limits) closesNow(lane register.Lane, l register.Line) bool {
	if !l.Closes() {
		return false
	}

	owner, known, err := r.core.Vault.Find(purpose(lane), l.Number())
	if err == nil && known {
		_, err = r.core.Mailbox(domain.MailboxID(owner))
	}

	return known && !errors.Is(err, core.ErrNotFound)
}
