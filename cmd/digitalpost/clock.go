package main

import (
	"fmt"

	"digitalpost/adapters/officeapi"
)

type clockCmd struct {
	Confirm confirmCmd `cmd:"" help:"${confirm_help}"`
}

type confirmCmd struct{ dataFlags }

// Run confirms the clock, through the server if one runs. That it was confirmed stands in the log.
func (c *confirmCmd) Run() error {
	var out officeapi.Clock
	if err := c.ask(question{method: "POST", path: "operations/clock/confirm"}, &out); err != nil {
		return err
	}
	fmt.Printf("the clock is confirmed: it is %s\n", out.Now)
	return nil
}
