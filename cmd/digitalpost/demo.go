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
	if err := writeBack(out, at["lifeindenmark"], sender, v.mailbox, sys.Organisation); err != nil {
		return err
	}
	say("8. the log has it all; nobody's text is in it in the open:")
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

// writeBack plays a person's way to an authority: a draft with a file, sent, fetched and answered.
func writeBack(out io.Writer, me, authority *client, box, organisation string) error {
	var found struct{ ContactPoints []struct{ ID, Name string } }
	if _, err := me.do("GET", "/apis/v1/contact-points/?searchTerm=dagtilbud", nil, nil, &found); err != nil || len(found.ContactPoints) == 0 {
		return fmt.Errorf("no contact point is called Dagtilbud: %w", err)
	}
	point := found.ContactPoints[0]
	fmt.Fprintf(out, "6. and writes to %s of %s on lifeindenmark.dk\n", point.Name, organisation)
	type thing struct {
		ID, MessageUUID string
		Receipt         struct{ ReceiptStatus, ErrorMessage string }
	}
	path := "/apis/v1/mailboxes/" + box + "/messages/"
	ask := func(method, suffix, kind, body string) (x thing, err error) {
		_, err = me.do(method, path+suffix, map[string]string{"Content-Type": kind}, strings.NewReader(body), &x)
		return x, err
	}
	draft, err := ask("POST", "", "application/json", `{"label":"Ja tak til pladsen","recipient":{"contactPoint":{"contactPointId":"`+point.ID+`"}}}`)
	if err != nil {
		return err
	}
	document, err := ask("POST", draft.ID+"/documents/", "application/json", `{"documentType":"MAIN"}`)
	if err != nil {
		return err
	}
	files := draft.ID + "/documents/" + document.ID + "/files/"
	file, err := ask("POST", files, "application/json", `{"encodingFormat":"text/plain","filename":"svar.txt","language":"da"}`)
	if err != nil {
		return err
	}
	if _, err := ask("PUT", files+file.ID+"/content", "text/plain", "Vi tager imod pladsen."); err != nil {
		return err
	}
	sent, err := ask("POST", draft.ID+"/send", "application/json", "")
	if err != nil {
		return err
	}
	var waiting struct{ Content []string }
	if _, err := authority.do("GET", "/apis/v1/memos/", nil, nil, &waiting); err != nil {
		return err
	}
	memo := "/apis/v1/memos/" + sent.MessageUUID
	for _, step := range []struct{ method, path, body string }{{"GET", memo, ""}, {"POST", memo + "/receipt", `{"receiptStatus":"COMPLETED","errorMessage":"Sag 2026-117"}`}, {"DELETE", memo, ""}} {
		if _, err := authority.do(step.method, step.path, nil, strings.NewReader(step.body), nil); err != nil {
			return err
		}
	}
	if sent, err = ask("GET", sent.ID, "", ""); err != nil {
		return err
	}
	fmt.Fprintf(out, "7. %s fetches the MeMo (%d waited) and answers: %s, %s; it lies in SENT everywhere\n", organisation, len(waiting.Content), sent.Receipt.ReceiptStatus, sent.Receipt.ErrorMessage)
	return nil
}
