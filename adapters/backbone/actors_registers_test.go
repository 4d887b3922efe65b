package backbone_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	hallaccess "digitalpost/adapters/backbone/access"
	hallregister "digitalpost/adapters/backbone/register"
	"digitalpost/adapters/memo"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/register"
)

// next is the next line of the register of companies, about a number of its own.
func (h *house) next(kind, cvr string, at time.Time) register.Line {
	status, err := h.Registers.Status(h.ctx, register.CVR)
	h.must(err)

	return register.Line{
		Seq: status.Seq + 1, Type: kind, At: at.Format(time.DateOnly), CVR: cvr, Name: "Påfund ApS",
	}
}

// fresh gives a CVR number that nobody has.
func (h *house) fresh() string {
	h.made++
	return "9" + time.Unix(int64(h.made), 0).UTC().Format("0405") + "000"
}

// founded has a company founded today, whose mailbox waits.
func (h *house) founded() string {
	cvr := h.fresh()
	_, _, err := h.Registers.Take(h.ctx, register.CVR, []register.Line{
		h.next(register.Founded, cvr, h.Clock.Now()),
	})
	h.must(err)

	return cvr
}

// due gives an operation by which the mailbox of a company opens at its date.
func (h *house) due(run func(ctx context.Context)) func() error {
	cvr := h.founded()
	opened := func() bool {
		_, ok, err := h.People.Find(mailbox.Company, cvr)
		return err == nil && ok
	}

	return func() error {
		h.Clock.Advance(20 * 24 * time.Hour)
		defer h.Clock.Advance(-20 * 24 * time.Hour)
		ctx, cancel := context.WithCancel(h.ctx)
		done := make(chan struct{})
		go func() { defer close(done); run(ctx) }()
		h.Until(opened)
		cancel()
		<-done

		return nil
	}
}

// onLanes are what registers say, and what operators and the clock make of it.
func onLanes() []operation {
	byClock := []string{"clock"}

	return []operation{{
		name: "register.Take", by: byRegister,
		given: func(h *house, _ *caller) func() error { return func() error { h.founded(); return nil } },
	}, {
		name: "register.Follow", by: byRegister,
		given: func(h *house, _ *caller) func() error {
			l := h.next(register.Founded, h.fresh(), h.Clock.Now())
			path := filepath.Join(h.t.TempDir(), "lines.ndjson")
			h.must(os.WriteFile(path, lines(h, l), 0o600))

			return func() error {
				ctx, cancel := context.WithCancel(h.ctx)
				done := make(chan struct{})
				go func() {
					defer close(done)
					h.Registers.Follow(ctx, hallregister.Feed{Lane: register.CVR, From: path, Every: time.Hour}, nil)
				}()
				h.Until(func() bool {
					now, err := h.Registers.Status(h.ctx, register.CVR)
					return err == nil && now.Seq == l.Seq
				})
				cancel()
				<-done

				return nil
			}
		},
	}, {
		name: "register.SignedIn", by: byRegister,
		given: func(h *house, _ *caller) func() error {
			cvr := h.founded()
			return func() error { _, _, err := h.Registers.SignedIn(h.ctx, cvr); return err }
		},
	}, {
		name: "register.DoDue", by: byClock,
		given: func(h *house, _ *caller) func() error { return h.due(h.Registers.DoDue) },
	}, {
		name: "register.RunDue", by: byClock,
		given: func(h *house, _ *caller) func() error { return h.due(h.Registers.RunDue) },
	}, {
		name: "register.Allow", by: byConsole,
		given: func(h *house, _ *caller) func() error {
			until := h.next(register.Ceased, "", h.Clock.Now()).Seq + 1000 + uint64(h.made)
			h.made++
			return func() error {
				return h.Registers.Allow(h.ctx, hallregister.Operator{Console: true}, register.CVR, until)
			}
		},
	}, {
		name: "register.CloseTask", by: byConsole,
		given: func(h *house, _ *caller) func() error {
			_, _, err := h.Registers.Take(h.ctx, register.CVR, []register.Line{
				h.next(register.Ceased, h.fresh(), h.Clock.Now()),
			})
			h.must(err)
			now, err := h.Registers.Status(h.ctx, register.CVR)
			h.must(err)
			var task domain.UUID
			for task = range now.Tasks {
				break
			}

			return func() error {
				return h.Registers.CloseTask(h.ctx, hallregister.Operator{Console: true}, register.CVR, task)
			}
		},
	}}
}

// byMoves are what comes of the clock being moved.
func byMoves() []operation {
	return []operation{{
		name: "access.RecordEnds", by: []string{"clock"},
		given: func(h *house, _ *caller) func() error {
			box, _ := h.someone()
			other, _ := h.someone()
			_, _, err := h.Access.Grant(h.ctx, h.owner(box, "").Ask, hallaccess.Wish{
				Grantee: other, Right: access.Read, Until: h.Clock.Now().In(memo.Copenhagen).Format(time.DateOnly),
			})
			h.must(err)

			return func() error {
				h.Clock.Advance(48 * time.Hour)
				defer h.Clock.Advance(-48 * time.Hour)
				h.Access.RecordEnds(h.ctx)

				return nil
			}
		},
	}, {
		name: "backbone.Move", by: byConsole,
		given: func(h *house, _ *caller) func() error {
			clock := h.Backbone.Backbone.Clock
			return func() error { return clock.Move(h.ctx, clock.Now().Add(time.Millisecond)) }
		},
	}}
}

// lines gives a line as a register sends it.
func lines(h *house, l register.Line) []byte {
	b, err := json.Marshal(l)
	h.must(err)

	return b
}
