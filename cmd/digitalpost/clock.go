package main

import (
	"context"
	"fmt"
	"time"

	"digitalpost/adapters/backbone"
)

type clockCmd struct {
	Confirm confirmCmd `cmd:"" help:"${confirm_help}"`
}

type confirmCmd struct{ dataFlags }

// confirmed is what the server answers when its clock was confirmed.
type confirmed struct{ Now time.Time }

// Run confirms the clock, through the server if one runs. That it was confirmed stands in the log.
func (c *confirmCmd) Run() error {
	var out confirmed
	running, err := askServer(c.Data, "POST", "/clock/confirm", &out)
	if err == nil && !running {
		out.Now = time.Now()
		err = c.offline(func(b *backbone.Backbone) error { return b.ConfirmClock(context.Background()) })
	}
	if err != nil {
		return err
	}
	fmt.Printf("the clock is confirmed: it is %s\n", out.Now.UTC().Format(time.RFC3339))
	return nil
}
