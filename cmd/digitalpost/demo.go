package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

type demoCmd struct{ serveCmd }

// Run serves in development mode, plays the story and stays up until SIGINT or SIGTERM.
func (c *demoCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	c.Dev = true
	return run(ctx, c.serveCmd, os.Stderr, func(s server) {
		if err := story(os.Stdout, s.URL, c.Data); err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "the story broke off:", err)
			stop()
		}
	})
}

// story plays a message's way through the HTTP API, and tells it.
func story(out io.Writer, url, data string) error {
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	sender := &client{url: url}
	d, err := sender.directory()
	if err != nil {
		return err
	}
	who, sys := d.People[0], d.SenderSystems[0]
	sender.basic = [2]string{sys.ID, sys.Key}
	names := map[string]string{"lifeindenmark": "lifeindenmark.dk", "app": "the app", "eboks": "e-Boks", "mitdk": "mit.dk"}
	platforms := []string{"lifeindenmark", "app", "eboks", "mitdk"}
	at := map[string]*client{}
	for _, p := range platforms {
		at[p] = &client{url: url}
		if err := at[p].signIn(who.CPR, p); err != nil {
			return err
		}
	}
	uuid := newUUID4()
	say("\n1. %s sends \"Tilbud om plads i daginstitution\" to %s", sys.Organisation, who.Name)
	r, err := sender.post(uuid, strings.NewReader(write(uuid, sys.CVR, sys.Organisation, who.CPR, "Tilbud om plads i daginstitution", "Kære forælder. Der er en plads fra 1. maj.")))
	if err != nil {
		return err
	}
	say("   technical receipt: %s", r.ReceiptStatus)
	var m shownMessage
	show := func() error {
		for _, p := range platforms {
			v, err := at[p].look()
			if err != nil {
				return err
			}
			line := "not there"
			for _, x := range v.messages {
				if x.ID == m.ID || m.ID == "" {
					if m.ID == "" {
						m = x
					}
					state := "unread"
					if x.Read {
						state = "read"
					}
					line = state + ", in " + v.folders[x.FolderID]
					break
				}
			}
			say("   %-17s shows it: %s", names[p], line)
		}
		return nil
	}
	if err := show(); err != nil {
		return err
	}
	v, err := at["eboks"].look()
	if err != nil {
		return err
	}
	path := "/apis/v1/mailboxes/" + v.mailbox + "/messages/" + m.ID
	step := func(p, method, suffix, body string) (*http.Response, error) {
		return at[p].do(method, path+suffix, map[string]string{"Content-Type": "application/json"}, strings.NewReader(body), nil)
	}
	say("2. %s reads it on e-Boks", who.Name)
	file := "/documents/" + m.Documents[0].ID + "/files/" + m.Documents[0].Files[0].ID + "/content"
	if _, err := step("eboks", "GET", file, ""); err != nil {
		return err
	}
	if _, err := step("eboks", "PATCH", "", `{"read":true}`); err != nil {
		return err
	}
	if err := show(); err != nil {
		return err
	}
	folder := v.folder("Børn")
	if folder == "" {
		var made struct{ ID string }
		if _, err := at["mitdk"].do("POST", "/apis/v1/mailboxes/"+v.mailbox+"/folders/", nil, strings.NewReader(`{"name":"Børn"}`), &made); err != nil {
			return err
		}
		folder = made.ID
	}
	say("3. and moves it into the folder Børn on mit.dk")
	if _, err := step("mitdk", "PATCH", "", `{"folderId":"`+folder+`"}`); err != nil {
		return err
	}
	if err := show(); err != nil {
		return err
	}
	say("4. and deletes it in the app")
	if _, err := step("app", "DELETE", "", ""); err != nil {
		return err
	}
	if err := show(); err != nil {
		return err
	}
	final, err := sender.final(r.TransmissionID)
	if err != nil {
		return err
	}
	say("5. %s fetches its receipt: %s", sys.Organisation, final)
	say("6. the log has it all; nobody's text is in it in the open:")
	if err := (&replayCmd{Data: data, Mailbox: v.mailbox, From: 1}).print(out); err != nil {
		return err
	}
	say("\nIt stays up. Try, in another terminal:")
	say("  go run ./cmd/digitalpost send --url %s --to %s --text \"Hej\"", url, who.CPR)
	say("  go run ./cmd/digitalpost inbox --url %s --cpr %s --platform eboks", url, who.CPR)
	say("  go run ./cmd/digitalpost replay --data %s --mailbox %s --json", data, v.mailbox)
	say("Ctrl-C ends it.")
	return nil
}
