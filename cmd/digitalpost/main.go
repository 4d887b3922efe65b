// Command digitalpost is the Digital Post backbone: the server, and the tools for those who send, read, audit and
// operate it.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/alecthomas/kong"
)

var version = "0.1.0"

type commands struct {
	Serve   serveCmd   `cmd:"" help:"Run the backbone."`
	Demo    demoCmd    `cmd:"" help:"Run the backbone in development mode, play a message's story once, and stay up."`
	Send    sendCmd    `cmd:"" help:"Send MeMos as a sender system and show their receipts."`
	Inbox   inboxCmd   `cmd:"" help:"Show a made-up person's messages as a platform shows them."`
	Replay  replayCmd  `cmd:"" help:"Print the log's events; what is sealed stays sealed."`
	Verify  verifyCmd  `cmd:"" help:"Check log, documents and keys in full."`
	Rebuild rebuildCmd `cmd:"" help:"${rebuild_help}"`
	Backup  backupCmd  `cmd:"" help:"${backup_help}"`
	Restore restoreCmd `cmd:"" help:"${restore_help}"`
	Keys    keysCmd    `cmd:"" help:"Operate the keys."`
	Clock   clockCmd   `cmd:"" help:"Operate the clock."`
	System  systemCmd  `cmd:"" help:"Register sender systems, and withdraw them."`

	Organisation organisationCmd `cmd:"" help:"Change what organisations may do."`
	Proposal     proposalCmd     `cmd:"" help:"What one operator proposes, and another approves."`

	Register  registerCmd  `cmd:"" help:"What the registers of persons and companies say: load, status, allow, done."`
	Reactions reactionsCmd `cmd:"" help:"What must happen outside, and has not: list, show, retry, drop."`
	Subscribe subscribeCmd `cmd:"" help:"Follow what a platform is told, and keep a copy of it."`

	Version versionCmd `cmd:"" help:"Print the version."`
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error { fmt.Println("digitalpost", version); return nil }

func main() {
	// What is stored and shown does not depend on the machine's time zone. Days of the law are Copenhagen's, by name.
	time.Local = time.UTC

	var c commands
	k := kong.Parse(&c,
		kong.Name("digitalpost"),
		kong.Description("The message backbone of Digital Post. Try: digitalpost serve --dev --data ./var"),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		longHelp)
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "digitalpost:", err)
		os.Exit(1)
	}
}
