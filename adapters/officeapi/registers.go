package officeapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"digitalpost/adapters/backbone/core"
	"digitalpost/adapters/backbone/proposals"
	"digitalpost/adapters/backbone/register"
	"digitalpost/adapters/problem"
	"digitalpost/domain"
	rules "digitalpost/domain/register"
)

// maxLines is how many bytes of a register's lines a request may have.
const maxLines = 16 << 20

// A RegisterStatus is how far a register's lines were taken.
type RegisterStatus struct {
	Register string         `json:"register"`
	Seq      uint64         `json:"seq"`               // the last that was taken; 0: none
	Taken    string         `json:"taken,omitempty"`   // when
	Allowed  uint64         `json:"allowed,omitempty"` // the last line that may close as many mailboxes as it does
	Tasks    []RegisterTask `json:"tasks"`             // for operators, by line
}

// A RegisterTask is a line that could not have its effect.
type RegisterTask struct {
	ID        string   `json:"id"`
	What      string   `json:"what"`
	Seq       uint64   `json:"seq"`
	Mailboxes []string `json:"mailboxes,omitempty"`
}

// A RegisterTaken is what became of lines.
type RegisterTaken struct {
	Applied int    `json:"applied"` // for the first time
	Seq     uint64 `json:"seq"`     // the last that was ever taken
}

// mostAllowed is how many lines an operator may allow at once: as many as they can have looked at.
const mostAllowed = 100_000

func laneOf(r *http.Request) (rules.Lane, error) {
	lane := rules.Lane(r.PathValue("register"))
	if lane != rules.CPR && lane != rules.CVR {
		return lane, core.ErrNotFound
	}

	return lane, nil
}

// registers are the routes by which operators run the registers.
func (a *api) registers(add func(method, path string, fn handler)) {
	const path = "operations/registers/{register}"
	add("GET", path, a.operators(a.registerStatus))
	add("POST", path+"/lines", a.operators(a.takeLines))
	add("POST", path+"/allow", a.operators(a.allowClosings))
	add("POST", path+"/tasks/{task}/close", a.operators(a.closeTask))
}

func (a *api) registerStatus(w http.ResponseWriter, r *http.Request, _ proposals.Operator) error {
	lane, err := laneOf(r)
	if err != nil {
		return err
	}

	return a.showRegister(w, r, lane)
}

// showRegister answers with how far a register's lines were taken.
func (a *api) showRegister(w http.ResponseWriter, r *http.Request, lane rules.Lane) error {
	s, err := a.b.Registers.Status(r.Context(), lane)
	if err != nil {
		return err
	}

	out := RegisterStatus{Register: string(lane), Seq: s.Seq, Allowed: s.Allowed, Tasks: []RegisterTask{}}
	if !s.At.IsZero() {
		out.Taken = s.At.UTC().Format(time.RFC3339)
	}
	for id, t := range s.Tasks {
		task := RegisterTask{ID: id.String(), What: t.What, Seq: t.Seq}
		for _, box := range t.Mailboxes {
			task.Mailboxes = append(task.Mailboxes, box.String())
		}
		out.Tasks = append(out.Tasks, task)
	}
	slices.SortFunc(out.Tasks, func(x, y RegisterTask) int { return cmp.Compare(x.Seq, y.Seq) })
	problem.JSON(w, http.StatusOK, out)

	return nil
}

// takeLines takes lines of a register, and answers once they have their effect.
func (a *api) takeLines(w http.ResponseWriter, r *http.Request, _ proposals.Operator) error {
	lane, err := laneOf(r)
	if err != nil {
		return err
	}

	var in struct{ Lines []json.RawMessage }
	if err := problem.ReadJSON(r.Body, maxLines, &in, "must be a JSON object with lines"); err != nil {
		return err
	}

	if in.Lines == nil {
		return problem.BadField("lines", "field.missing", "is required")
	}

	if len(in.Lines) > register.MostLines {
		return problem.BadField("lines", "field.not.valid", "a request has at most 10,000 lines")
	}

	lines := make([]rules.Line, len(in.Lines))
	for i, raw := range in.Lines {
		if lines[i], err = rules.ParseLine(lane, bytes.TrimSpace(raw)); err != nil {
			return problem.OfRegister(err)
		}
	}

	n, seq, err := a.b.Registers.Take(r.Context(), lane, lines)
	if err != nil {
		return problem.OfRegister(err)
	}
	problem.JSON(w, http.StatusOK, RegisterTaken{n, seq})

	return nil
}

func (a *api) allowClosings(w http.ResponseWriter, r *http.Request, by proposals.Operator) error {
	lane, err := laneOf(r)
	if err != nil {
		return err
	}

	var in struct{ Seq uint64 }
	if err := read(r, &in); err != nil {
		return err
	}

	if in.Seq == 0 {
		return problem.BadField("seq", "field.missing", "is the last line that may close a mailbox")
	}

	now, err := a.b.Registers.Status(r.Context(), lane)
	if err != nil {
		return err
	}

	if in.Seq > now.Seq+mostAllowed {
		return problem.BadField("seq", "field.not.valid",
			"must be at most 100,000 lines beyond the last that was taken")
	}

	if err := a.b.Registers.Allow(r.Context(), register.Operator(by), lane, in.Seq); err != nil {
		return err
	}

	return a.showRegister(w, r, lane)
}

func (a *api) closeTask(w http.ResponseWriter, r *http.Request, by proposals.Operator) error {
	lane, err := laneOf(r)
	if err != nil {
		return err
	}

	task, err := domain.ParseUUID(r.PathValue("task"))
	if err != nil {
		return core.ErrNotFound
	}

	if err := a.b.Registers.CloseTask(r.Context(), register.Operator(by), lane, task); err != nil {
		return err
	}

	return a.showRegister(w, r, lane)
}
