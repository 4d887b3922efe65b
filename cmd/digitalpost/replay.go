package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"digitalpost/domain"
	"digitalpost/domain/streams"
	"digitalpost/eventstore"
	"digitalpost/eventstore/filestore"
)

// quietly lets a server on the same machine go first: every thread of this process runs when a processor has nothing
// else to do, and at most one at a time.
func quietly() {
	runtime.GOMAXPROCS(1)
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return // another system: it runs as it is
	}
	idle := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}
	for _, t := range threads { // threads to come inherit it from these
		if tid, err := strconv.Atoi(t.Name()); err == nil {
			_ = unix.SchedSetAttr(tid, &idle, 0)
		}
	}
}

type replayCmd struct {
	Data    string `help:"Directory of the data." required:"" env:"DIGITALPOST_DATA" type:"path"`
	Mailbox string `help:"Only this mailbox's events, and its looks."`
	From    uint64 `help:"From this position on." default:"1"`
	Until   string `help:"Until this time (RFC 3339) or position, inclusive."`
	JSON    bool   `name:"json" help:"One event a line, as JSON, and nothing else."`
}

// Run prints events, beside a running server too.
func (c *replayCmd) Run() error { quietly(); return c.print(os.Stdout) }

func (c *replayCmd) print(out io.Writer) error {
	b, err := filestore.OpenBeside(filepath.Join(c.Data, "log"))
	if err != nil {
		return err
	}

	var only [16]byte
	if c.Mailbox != "" {
		if only, err = domain.ParseUUID(c.Mailbox); err != nil {
			return fmt.Errorf("--mailbox %s: give the mailbox's id, a UUID; GET /dev/ lists them", c.Mailbox)
		}
	}

	last, until := eventstore.Position(1<<63), time.Time{}
	if c.Until != "" {
		if n, err := strconv.ParseUint(c.Until, 10, 64); err == nil {
			last = eventstore.Position(n)
		} else if until, err = time.Parse(time.RFC3339, c.Until); err != nil {
			return fmt.Errorf("--until %s: give a position or a time such as 2026-01-31T12:00:00Z", c.Until)
		}
	}

	var w bytes.Buffer
	for rec, err := range b.ReadAll(eventstore.Position(max(c.From, 1) - 1)) {
		if err != nil {
			return errors.Join(flush(out, &w), err)
		}

		if rec.Position > last || !until.IsZero() && rec.Recorded.After(until) {
			break
		}

		if c.Mailbox != "" && rec.Stream.ID != only {
			continue
		}

		if err := c.one(&w, rec); err != nil {
			return errors.Join(flush(out, &w), err)
		}

		if w.Len() > 64<<10 {
			if err := flush(out, &w); err != nil {
				return err
			}
		}
	}

	return flush(out, &w)
}

func flush(out io.Writer, w *bytes.Buffer) error {
	_, err := w.WriteTo(out)
	return err
}

func (c *replayCmd) one(w *bytes.Buffer, rec eventstore.Event) error {
	e, err := streams.Decode(string(rec.Stream.Kind), rec.Type, rec.Data)
	if err != nil {
		return fmt.Errorf("position %d: %w", rec.Position, err)
	}

	data, err := json.Marshal(e)
	if err != nil {
		return err
	}

	if !c.JSON {
		who := rec.Meta.Actor.Kind
		if rec.Meta.Platform != "" {
			who += " on " + rec.Meta.Platform
		}
		fmt.Fprintf(w, "%6d  %s  %-28s v%-4d %-24s %s\n", rec.Position,
			rec.Recorded.Format("2006-01-02 15:04:05.000"), rec.Type, rec.Version, who, rec.Stream)
		return nil
	}

	out := map[string]any{
		"position": rec.Position, "recorded": rec.Recorded.Format(time.RFC3339Nano),
		"stream": rec.Stream.String(), "streamId": domain.UUID(rec.Stream.ID), "version": rec.Version,
		"type": rec.Type, "id": domain.UUID(rec.ID), "command": domain.UUID(rec.Meta.Command),
		"actor":    map[string]any{"kind": rec.Meta.Actor.Kind, "id": domain.UUID(rec.Meta.Actor.ID)},
		"platform": rec.Meta.Platform, "causation": rec.Meta.Causation, "data": json.RawMessage(data),
	}
	for name, id := range map[string]domain.UUID{
		"onBehalfOf": rec.Meta.OnBehalfOf, "grant": rec.Meta.Grant,
		"authority": rec.Meta.Authority, "mandate": rec.Meta.Mandate,
	} {
		if id != (domain.UUID{}) {
			out[name] = id
		}
	}

	if rec.Meta.Assurance > 0 {
		out["assurance"] = rec.Meta.Assurance
	}

	line, err := json.Marshal(out)
	w.Write(append(line, '\n'))
	return err
}
