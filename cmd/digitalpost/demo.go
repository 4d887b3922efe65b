package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

type demoCmd struct{ serveCmd }

// Run serves in development mode, plays the story and stays up until SIGINT or SIGTERM.
func (c *demoCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	c.Dev = true
	return run(ctx, c.serveCmd, os.Stderr, func(s instance) {
		if err := story(os.Stdout, s.URL, c.Data); err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "the story broke off:", err)
			stop()
		}
	})
}
