package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/backbone/register"
	"digitalpost/adapters/officeapi"
	rules "digitalpost/domain/register"
)

// registerCmd is what operators do with what the registers of persons and companies say.
type registerCmd struct {
	Load   registerLoadCmd   `cmd:"" help:"Take the lines of files, in order, from where the register was left."`
	Status registerStatusCmd `cmd:"" help:"How far the registers were taken, and what is to be seen to."`
	Allow  registerAllowCmd  `cmd:"" help:"Let lines close as many mailboxes as they do."`
	Done   registerDoneCmd   `cmd:"" help:"Note that a task was seen to."`
}

// registerFlags name a register.
type registerFlags struct {
	dataFlags
	Register string `help:"cpr, of persons, or cvr, of companies." enum:"cpr,cvr" default:"cpr"`
	Mandate  string `help:"The mandate under which it is asked." env:"DIGITALPOST_MANDATE"`
}

func (f registerFlags) do(method, suffix string, body, out any) error {
	path := "operations/registers/" + f.Register + suffix
	return f.ask(question{method: method, path: path, body: body, mandate: f.Mandate}, out)
}

type registerLoadCmd struct {
	registerFlags
	Files []string `arg:"" help:"NDJSON, one line of the register each; - is the standard input."`
}

// loadAtOnce is how many lines are taken between two moves of the progress bar.
const loadAtOnce = 5000

// Run takes the lines of files. What was taken before is passed over, so that it goes on where it was stopped.
func (c *registerLoadCmd) Run() error {
	var now officeapi.RegisterStatus
	if err := c.do("GET", "", nil, &now); err != nil {
		return err
	}

	l := loading{cmd: c, seq: now.Seq, began: time.Now()}
	defer fmt.Fprintln(os.Stderr) // behind the bar
	for _, path := range c.Files {
		if err := l.file(path); err != nil {
			return err
		}
	}
	fmt.Printf("\n%d lines were taken; the register %s stands at %d\n", l.taken, c.Register, l.seq)

	return nil
}

// A loading is lines on their way into a register.
type loading struct {
	cmd   *registerLoadCmd
	seq   uint64 // the last that was taken
	taken int
	began time.Time

	read, size int64 // bytes of the file
}

func (l *loading) file(path string) error {
	in := os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}

	l.read, l.size = 0, 0
	if info, err := in.Stat(); err == nil {
		l.size = info.Size()
	}

	scan := register.Scan(counted{in, &l.read})
	for more := true; more; {
		var lines []rules.Line
		var readErr error
		lines, more, readErr = l.next(scan)
		if len(lines) > 0 {
			var got officeapi.RegisterTaken
			if err := l.cmd.do("POST", "/lines", map[string]any{"lines": lines}, &got); err != nil {
				return err
			}
			l.taken, l.seq = l.taken+got.Applied, got.Seq
		}
		l.show()

		if readErr != nil {
			return readErr
		}
	}

	return nil
}

// next gives the next lines that were not taken yet.
func (l *loading) next(scan *bufio.Scanner) (lines []rules.Line, more bool, err error) {
	for len(lines) < loadAtOnce {
		if !scan.Scan() {
			return lines, false, scan.Err()
		}

		raw := bytes.TrimSpace(scan.Bytes())
		var its struct{ Seq uint64 }
		if len(raw) == 0 || json.Unmarshal(raw, &its) == nil && its.Seq > 0 && its.Seq <= l.seq {
			continue
		}

		line, err := rules.ParseLine(rules.Lane(l.cmd.Register), raw)
		if err != nil {
			return lines, false, err
		}
		lines = append(lines, line)
	}

	return lines, true, nil
}

// show draws the progress bar.
func (l *loading) show() {
	const width = 30
	bar, share := "", 1.0
	if l.size > 0 {
		share = min(1, float64(l.read)/float64(l.size))
	}
	full := int(share * width)
	bar = strings.Repeat("#", full) + strings.Repeat(".", width-full)
	rate := float64(l.taken) / max(time.Since(l.began).Seconds(), 0.001)
	fmt.Fprintf(os.Stderr, "\r[%s] %3.0f %%  line %d, %.0f a second ", bar, share*100, l.seq, rate)
}

// counted counts what is read.
type counted struct {
	io.Reader
	n *int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	*c.n += int64(n)

	return n, err
}

type registerStatusCmd struct {
	dataFlags
	Mandate string `help:"The mandate under which it is asked." env:"DIGITALPOST_MANDATE"`
}

// Run shows how far both registers were taken.
func (c *registerStatusCmd) Run() error {
	for _, lane := range []rules.Lane{rules.CPR, rules.CVR} {
		var now officeapi.RegisterStatus
		f := registerFlags{dataFlags: c.dataFlags, Register: string(lane), Mandate: c.Mandate}
		if err := f.do("GET", "", nil, &now); err != nil {
			return err
		}

		showRegister(now)
	}

	return nil
}

func showRegister(now officeapi.RegisterStatus) {
	fmt.Printf("%s: line %d", now.Register, now.Seq)
	if now.Taken != "" {
		fmt.Printf(", taken %s", now.Taken)
	}

	if now.Allowed > 0 {
		fmt.Printf(", closings allowed up to line %d", now.Allowed)
	}
	fmt.Println()
	for _, t := range now.Tasks {
		fmt.Printf("  to be seen to: line %d, %s %s %s\n", t.Seq, t.What, t.ID, strings.Join(t.Mailboxes, " "))
	}
}

// change asks for a change of a register, and shows how it stands then.
func (f registerFlags) change(suffix string, body any) error {
	var now officeapi.RegisterStatus
	err := f.do("POST", suffix, body, &now)
	if err == nil {
		showRegister(now)
	}

	return err
}

type registerAllowCmd struct {
	registerFlags
	Seq uint64 `arg:"" help:"The last line that may."`
}

// Run lets lines close mailboxes.
func (c *registerAllowCmd) Run() error {
	return c.change("/allow", map[string]any{"seq": c.Seq})
}

type registerDoneCmd struct {
	registerFlags
	Task string `arg:"" help:"As status shows it."`
}

// Run notes that a task was seen to.
func (c *registerDoneCmd) Run() error { return c.change("/tasks/"+c.Task+"/close", nil) }

// A registersFlags is where the registers come from while the server runs.
type registersFlags struct {
	CPRFeed   string        `help:"${cpr_feed_help}" env:"DIGITALPOST_CPR_FEED"`
	CVRFeed   string        `help:"The same of companies." env:"DIGITALPOST_CVR_FEED"`
	FeedEvery time.Duration `help:"How often those are looked at." default:"10s" env:"DIGITALPOST_FEED_EVERY"`
}

// feeds gives them.
func (f registersFlags) feeds() (out []register.Feed, err error) {
	for lane, from := range map[rules.Lane]string{rules.CPR: f.CPRFeed, rules.CVR: f.CVRFeed} {
		if from != "" {
			out = append(out, register.Feed{Lane: lane, From: from, Every: f.FeedEvery})
		}
	}

	if f.FeedEvery <= 0 && len(out) > 0 {
		err = errors.New("--feed-every must be more than nothing")
	}

	return out, err
}

// follow follows the registers, until stop is called.
func (f registersFlags) follow(ctx context.Context, b *backbone.Backbone, log *slog.Logger) (stop func(), err error) {
	feeds, err := f.feeds()
	if err != nil {
		return nil, err
	}

	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for _, feed := range feeds {
		wg.Go(func() { b.Registers.Follow(ctx, feed, log) })
	}

	return func() { cancel(); wg.Wait() }, nil
}
