// Package register takes what the registers of persons and companies say, line by line, and has mailboxes open and
// close by it.
package register

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/vault"
	"digitalpost/domain"
	"digitalpost/domain/access"
	"digitalpost/domain/mailbox"
	"digitalpost/domain/register"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
)

// Handler runs commands on lanes.
type Handler = eventstore.Handler[register.Command, register.Event, register.State]

// Bounds of taking lines.
const (
	MostLines = 10_000 // in one call
	atOnce    = 1024   // people whose lines are taken at the same time
)

// Registers takes what they say. It may be used by many goroutines at once.
type Registers struct {
	core    *core.Core
	handler Handler
	lanes   map[register.Lane]*sync.Mutex // held while lines of a lane are taken
}

// New makes one.
func New(c *core.Core, h Handler) *Registers {
	return &Registers{c, h, map[register.Lane]*sync.Mutex{register.CPR: {}, register.CVR: {}}}
}

// A Status is how far a lane is.
type Status struct {
	Seq     uint64    // the last line that was taken; 0: none
	At      time.Time // when
	Allowed uint64    // the last line that may close as many mailboxes as it does; 0: none
	Tasks   map[domain.UUID]register.Task
}

// A GapError says that a line is missing: those from Seq on are taken once it is there.
type GapError struct{ Want, Got uint64 }

func (e *GapError) Error() string {
	return fmt.Sprintf("line %d is missing: %d came; all before it are taken", e.Want, e.Got)
}

// A HeldError says that lines would close more mailboxes than a register may in a day without an operator's leave.
type HeldError struct {
	Seq          uint64 // of the first line that waits
	Closes, Most int
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("from line %d on, %d mailboxes would be closed in a day, and %d may: an operator must allow "+
		"it; all before it are taken", e.Seq, e.Closes, e.Most)
}

func stream(lane register.Lane) eventstore.Stream {
	return eventstore.Stream{Kind: streams.Register, ID: lane.StreamOf()}
}

// Status gives how far a lane is, and what operators have to see to.
func (r *Registers) Status(ctx context.Context, lane register.Lane) (Status, error) {
	s, _, err := r.handler.State(ctx, stream(lane), register.Take{})
	allowed := s.Until
	if allowed <= s.Seq {
		allowed = 0
	}

	return Status{s.Seq, s.At, allowed, s.Tasks}, err
}

// Take has lines of a lane have their effect, in order, and gives how many had, and the last that was ever taken. Lines
// that were taken before are passed over. A *GapError says that one is missing, a *HeldError that an operator must
// allow what comes: those before have their effect. It returns once the views have it all. The lines are checked.
func (r *Registers) Take(
	ctx context.Context, lane register.Lane, lines []register.Line,
) (applied int, seq uint64, err error) {
	if len(lines) > MostLines {
		return 0, 0, fmt.Errorf("register: more than %d lines", MostLines)
	}

	r.lanes[lane].Lock()
	defer r.lanes[lane].Unlock()

	state, _, err := r.handler.State(ctx, stream(lane), register.Take{})
	if err != nil {
		return 0, 0, err
	}

	within := limits{r}
	if err := within.dated(lines); err != nil {
		return 0, state.Seq, err
	}

	fresh, stop := next(lines, state.Seq)
	fresh, closes, err := within.admitted(lane, state, fresh)
	if err != nil {
		stop = err
	}

	if err := r.apply(ctx, lane, fresh); err != nil {
		return 0, state.Seq, err // nothing is noted: they are taken again, and what they did is done already
	}

	r.core.Fail("lines have their effect")

	seq = state.Seq
	if n := len(fresh); n > 0 {
		seq = fresh[n-1].Seq
		taken := register.Taken{Lane: lane, Seq: seq, Day: within.today(), Closed: closes}
		if err := r.do(ctx, lane, "taken", seq, register.Take{Taken: taken}); err != nil {
			return 0, state.Seq, err
		}
	}

	return len(fresh), seq, errors.Join(stop, r.core.Views.Wait(ctx, r.core.Log.Last()))
}

// do runs a command on a lane, once for a line.
func (r *Registers) do(
	ctx context.Context, lane register.Lane, once string, seq uint64, cmd register.Command,
) error {
	m := core.Machine{Kind: access.Register, Once: once + strconv.FormatUint(seq, 10), Thing: lane.StreamOf()}
	_, _, err := r.handler.Execute(ctx, stream(lane), m.Meta(), cmd)

	return err
}

// next gives the lines that follow those up to seq, as far as none is missing.
func next(lines []register.Line, seq uint64) (fresh []register.Line, gap error) {
	for _, l := range lines {
		switch {
		case l.Seq <= seq:
		case l.Seq > seq+1:
			return fresh, &GapError{seq + 1, l.Seq}
		default:
			fresh = append(fresh, l)
			seq = l.Seq
		}
	}

	return fresh, nil
}

// apply has lines have their effect: those of one owner one after another, those of different ones at the same time. A
// line about two numbers waits for all before it, and is waited for.
func (r *Registers) apply(ctx context.Context, lane register.Lane, lines []register.Line) error {
	for len(lines) > 0 {
		n := slices.IndexFunc(lines, func(l register.Line) bool { return l.Type == register.NumberChanged })
		if n == 0 {
			if err := r.one(ctx, lane, lines[0], map[string]vault.Owner{}); err != nil {
				return err
			}
			lines = lines[1:]
			continue
		}

		if n < 0 {
			n = len(lines)
		}

		if err := r.together(ctx, lane, lines[:n]); err != nil {
			return err
		}
		lines = lines[n:]
	}

	return nil
}

// together is apply, of lines about one number each.
func (r *Registers) together(ctx context.Context, lane register.Lane, lines []register.Line) error {
	entered, err := r.enter(lane, lines)
	if err != nil {
		return err
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	var wg sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for _, of := range byNumber(lines) {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			for _, l := range of {
				if ctx.Err() != nil {
					return
				}

				if err := r.one(ctx, lane, l, entered); err != nil {
					cancel(fmt.Errorf("line %d: %w", l.Seq, err))
					return
				}
			}
		})
	}
	wg.Wait()

	return context.Cause(ctx)
}

// byNumber gives the lines of each number, in order.
func byNumber(lines []register.Line) (out [][]register.Line) {
	at := map[string]int{}
	for _, l := range lines {
		i, ok := at[l.Number()]
		if !ok {
			i, at[l.Number()] = len(out), len(out)
			out = append(out, nil)
		}
		out[i] = append(out[i], l)
	}

	return out
}

// begins reports whether a line makes its owner known.
func begins(l register.Line) bool {
	return l.Type == register.Born || l.Type == register.MovedIn || l.Type == register.Founded
}

func purpose(lane register.Lane) vault.Purpose {
	if lane == register.CVR {
		return vault.Company
	}

	return vault.Citizen
}

// enter gives the numbers that become known an owner each, all in one transaction of the keys.
func (r *Registers) enter(lane register.Lane, lines []register.Line) (map[string]vault.Owner, error) {
	var numbers []string
	var ids []vault.Owner
	for _, l := range lines {
		if begins(l) {
			numbers, ids = append(numbers, l.Number()), append(ids, vault.Owner(r.core.NewID()))
		}
	}

	if len(numbers) == 0 {
		return nil, nil
	}

	owners, err := vault.EnterAll(r.core.Vault, purpose(lane), numbers, ids)
	if err != nil {
		return nil, err
	}
	r.core.Fail("roots written")

	out := map[string]vault.Owner{}
	for i, n := range numbers {
		out[n] = owners[i]
	}

	return out, nil
}

// one has one line have its effect.
func (r *Registers) one(
	ctx context.Context, lane register.Lane, l register.Line, entered map[string]vault.Owner,
) error {
	owner, known := entered[l.Number()]
	if !known {
		var err error
		if owner, known, err = r.core.Vault.Find(purpose(lane), l.Number()); err != nil {
			return err
		}
	}

	if !known {
		return r.raise(ctx, lane, l, register.Nobody)
	}

	id := domain.MailboxID(owner)
	k, err := r.core.Key(id, 0)
	if errors.Is(err, vault.ErrForgotten) {
		return nil // destroyed: there is nothing that anybody could say of it
	}

	if err != nil {
		return err
	}

	if begins(l) {
		what, err := r.known(l, id, k)
		if err != nil {
			return err
		}

		if what != "" {
			return r.raise(ctx, lane, l, what, id)
		}
	}

	if l.Type == register.NumberChanged {
		return r.renumber(ctx, id, k, l)
	}

	err = r.say(ctx, lane, l, id, r.event(l, k, id))
	switch {
	case core.IsReason(err, mailbox.NotOpen):
		return r.raise(ctx, lane, l, register.Nobody)
	case errors.Is(err, core.ErrParked): // it holds up nobody else
		return r.raise(ctx, lane, l, register.Parked, id)
	}

	return err
}

// say has a register say something of a mailbox's owner, once for a line.
func (r *Registers) say(
	ctx context.Context, lane register.Lane, l register.Line, id domain.MailboxID, e mailbox.Event,
) error {
	m := core.Machine{
		Kind: access.Register, Once: string(lane) + strconv.FormatUint(l.Seq, 10), Thing: id,
	}
	_, err := r.core.ByMachine(ctx, m, id, mailbox.RegisterSays{Line: l.Seq, Event: e})

	return ignoreClosed(err)
}

// ignoreClosed makes it no error that nothing more can be said of somebody.
func ignoreClosed(err error) error {
	if core.IsReason(err, mailbox.RecipientClosed) {
		return nil
	}

	return err
}

// raise has an operator see to a line.
func (r *Registers) raise(
	ctx context.Context, lane register.Lane, l register.Line, what string, boxes ...domain.MailboxID,
) error {
	of := lane.StreamOf()
	task := domain.UUID(domain.DeriveID("task", of[:], strconv.AppendUint(nil, l.Seq, 10)))

	return r.do(ctx, lane, "task", l.Seq, register.RaiseTask{Raised: register.TaskRaised{
		Task: task, About: register.Task{What: what, Seq: l.Seq, Mailboxes: boxes},
	}})
}
