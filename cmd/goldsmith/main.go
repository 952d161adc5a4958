// Command goldsmith is the command line: what a run would do, runs, what became
// of them, images and the way back.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"goldsmith/cmd/goldsmith/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first Ctrl-C ends what can be ended cleanly; a second one ends the program.
	context.AfterFunc(ctx, stop)
	os.Exit(command.Main(ctx, os.Args[1:]))
}
