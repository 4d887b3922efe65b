package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"digitalpost/adapters/backbone"
	"digitalpost/adapters/vault"
)

type backupCmd struct {
	dataFlags
	To string `help:"Directory to make; it must not be there." required:"" type:"path"`
}

// Run copies the data, through the server if one runs.
func (c *backupCmd) Run() error {
	to, err := filepath.Abs(c.To)
	if err != nil {
		return err
	}

	var made backbone.Copy
	q := question{method: "POST", path: "operations/backup?to=" + url.QueryEscape(to)}
	if err := c.ask(q, &made); err != nil {
		return err
	}

	fmt.Printf("%s holds the log through position %d, its documents, and the keys of epoch %d. "+
		"It opens as long as that epoch's key lives, which is in no backup\n", to, made.Position, made.Epoch)
	return nil
}

type restoreCmd struct {
	From string `help:"Directory that backup made." required:"" type:"path"`
	dataFlags
	reasonFlags
}

// Run makes the data anew from a copy, and checks it.
func (c *restoreCmd) Run() error {
	keys, err := c.keys()
	if err != nil {
		return err
	}

	r, err := backbone.Restore(c.From, c.Data, vault.KeyFolder(keys), backbone.Why{
		Reason: c.Reason, CaseNumber: c.CaseNumber,
	})
	if err != nil {
		return err
	}
	fmt.Printf("%s goes on from position %d of the copy of %s, as incarnation %d. What came after it is lost, and "+
		"cursors beyond it are refused. %d things that were destroyed since are destroyed again\n",
		c.Data, r.Position, r.Made.Format("2006-01-02 15:04:05 MST"), r.Incarnation, r.Forgotten)
	if !r.Development {
		fmt.Println("a server on it answers nothing before an operator has approved: " +
			"POST /apis/v1/operations/proposals/ID/approve")
	}

	if err := (&verifyCmd{c.dataFlags}).check(os.Stdout); err != nil {
		return fmt.Errorf("the data is restored, and verify finds: %w (a document that was purged while the copy "+
			"was made is not in it)", err)
	}
	return nil
}
