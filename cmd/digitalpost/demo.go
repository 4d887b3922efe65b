package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type demoCmd struct{ serveCmd }

// demoHold is how long new post waits at most before the story's person is told of it.
const demoHold = time.Second

// Run serves in development mode, plays the story and stays up until SIGINT or SIGTERM.
func (c *demoCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	c.Dev = true
	c.Hold = min(c.Hold, demoHold)
	return run(ctx, c.serveCmd, os.Stderr, func(s instance) {
		if err := story(os.Stdout, s.URL, c.Data); err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "the story broke off:", err)
			stop()
		}
	})
}
