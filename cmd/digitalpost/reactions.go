package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"text/tabwriter"

	"digitalpost/adapters/officeapi"
)

// reactionsCmd is what operators do with what must happen outside, and has not. The server must be running.
type reactionsCmd struct {
	List  reactionsListCmd  `cmd:"" help:"What has not happened yet; what was set aside alone, with --poisoned."`
	Show  reactionsShowCmd  `cmd:"" help:"One of them."`
	Retry reactionsRetryCmd `cmd:"" help:"Try one at once, also one that was set aside."`
	Drop  reactionsDropCmd  `cmd:"" help:"Give one up: it is never tried again."`
}

// runningFlags name the data of a server that is running.
type runningFlags struct {
	Data    string `help:"${data_help}" default:"./var" env:"DIGITALPOST_DATA" type:"path"`
	Mandate string `help:"The mandate under which it is asked." env:"DIGITALPOST_MANDATE"`
}

func (f runningFlags) ask(method, path string, out any) error {
	q := question{method: method, path: "operations/reactions" + path, mandate: f.Mandate}
	running, err := askServer(f.Data, q, out)
	if err == nil && !running {
		err = errors.New("no server runs on " + f.Data)
	}

	return err
}

type reactionsListCmd struct {
	runningFlags
	Poisoned bool `help:"What was set aside alone."`
}

// Run lists effects.
func (c *reactionsListCmd) Run() error {
	path := ""
	if c.Poisoned {
		path = "?poisoned=true"
	}

	var out officeapi.EffectList
	if err := c.ask("GET", path, &out); err != nil {
		return err
	}
	show(out.Effects...)

	return nil
}

// show prints effects as a table.
func show(all ...officeapi.Effect) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSINCE\tATTEMPTS\tNEXT\tWHY")
	for _, e := range all {
		next := e.Next
		if e.Poisoned {
			next = "set aside"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", e.ID, e.Since, e.Attempts, next, e.Why)
	}
	w.Flush()
}

// effectFlags name one effect.
type effectFlags struct {
	runningFlags
	ID string `arg:"" help:"As list shows it."`
}

func (f effectFlags) do(method, suffix string) error {
	var out officeapi.Effect
	if err := f.ask(method, "/"+url.PathEscape(f.ID)+suffix, &out); err != nil {
		return err
	}
	show(out)

	return nil
}

type reactionsShowCmd struct{ effectFlags }

// Run shows an effect.
func (c *reactionsShowCmd) Run() error { return c.do("GET", "") }

type reactionsRetryCmd struct{ effectFlags }

// Run has an effect tried at once.
func (c *reactionsRetryCmd) Run() error { return c.do("POST", "/retry") }

type reactionsDropCmd struct{ effectFlags }

// Run gives an effect up.
func (c *reactionsDropCmd) Run() error { return c.do("POST", "/drop") }
