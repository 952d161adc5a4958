// Package command is what people type: flags in, text or JSON out, and an exit
// code that scripts can tell apart. What it knows comes from other packages.
package command

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"
)

// Program is a command line and the world around it.
type Program struct {
	// AWS is the configuration of every AWS client.
	AWS func(ctx context.Context, account Account) (aws.Config, error)
	Now func() time.Time
	// In is where a person answers.
	In io.Reader
	// Interactive is whether a person sits there: run and rollback ask before they change anything.
	Interactive bool
	Out, Err    io.Writer
	// Colors is whether Out shows colors.
	Colors bool
	// Width is how many columns Out has, where it is a terminal.
	Width int
	// NewID is part of the name of a run that is asked for.
	NewID func() string
	// User names who runs it, for the record of a run.
	User string
}

// Account is which account and Region is meant; empty is what the environment says.
type Account struct{ Profile, Region string }

// Exit codes. Scripts may rely on them.
const (
	OK = 0
	// Broken means that something went wrong: AWS refused, or nothing answered.
	Broken = 1
	// Misused means that the command line or the plans are wrong; nothing was done.
	Misused = 2
	// Partial means that some of it was done: a run that ended as partial.
	Partial = 3
	// Failed means that a run failed, or would.
	Failed = 4
	// Interrupted is what shells use for a program ended by Ctrl-C.
	Interrupted = 130
)

// ended is an exit code for something that has been told already.
type ended struct{ code int }

func (e ended) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// misused is a mistake in what was typed.
type misused struct{ error }

func misusedf(format string, args ...any) error { return misused{fmt.Errorf(format, args...)} }

// Main runs the command line of a terminal.
func Main(ctx context.Context, args []string) int {
	return terminal().Run(ctx, args)
}

// Run runs a command line and returns its exit code.
func (p Program) Run(ctx context.Context, args []string) int {
	root := p.Root()
	root.SetArgs(args)
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	called, err := root.ExecuteContextC(ctx)
	var quiet ended
	var mistake misused
	if err != nil && strings.HasPrefix(err.Error(), "unknown command") { // cobra has no type for it
		err = misused{err}
	}
	switch {
	case err == nil:
		return OK
	case errors.As(err, &quiet):
		return quiet.code
	case ctx.Err() != nil:
		fmt.Fprintln(p.Err, "goldsmith: interrupted")
		return Interrupted
	case errors.As(err, &mistake):
		fmt.Fprintf(p.Err, "goldsmith: %s\nSee %s --help\n", sentence(err.Error()), called.CommandPath())
		return Misused
	default:
		fmt.Fprintf(p.Err, "goldsmith: %s\n", explain(err))
		return Broken
	}
}

const long = `Goldsmith turns EC2 instances into golden images.

The account and the Region are the ones of your AWS configuration (AWS_PROFILE,
AWS_REGION, ...), or those of --profile and --region.`

const exits = `
Exit codes:
  0    done
  1    something went wrong: AWS refused, or nothing answered
  2    the command line or the plans are wrong; nothing was done
  3    done in part: the run ended as partial, or not everything was rolled back
  4    the run failed, or would: it is over its plan's limit; or doctor found a problem
  130  interrupted
`

// Root is the command line as a tree of commands.
func (p Program) Root() *cobra.Command {
	t := &terms{Program: p}
	root := &cobra.Command{
		Use: "goldsmith", Short: "Golden images from EC2 instances", Long: long,
		SilenceUsage: true, SilenceErrors: true, Version: built().String(),
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if t.output != text && t.output != inJSON {
				return misusedf("--output %q is neither text nor json", t.output)
			}
			return nil
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return misused{err} })
	root.SetVersionTemplate("goldsmith {{.Version}}\n")
	root.SetHelpTemplate(root.HelpTemplate() + exits)
	flags := root.PersistentFlags()
	flags.StringVarP(&t.output, "output", "o", text, "text or json")
	flags.StringVar(&t.account.Profile, "profile", "", "profile of your AWS configuration")
	flags.StringVar(&t.account.Region, "region", "", "AWS Region")
	root.AddCommand(t.planCommand(), t.enrolCommand(), t.leaveCommand(), t.runCommand(), t.cancelCommand(),
		t.pauseCommand(), t.resumeCommand(), t.statusCommand(), t.watchCommand(), t.initCommand(),
		t.reportCommand(), t.imagesCommand(), t.adoptCommand(),
		t.rollbackCommand(), t.followCommand(), t.handoverCommand(), t.exemptCommand(), t.checkCommand(),
		t.doctorCommand(), t.logsCommand(), t.proveCommand(), t.versionCommand())
	for _, c := range root.Commands() {
		t.completes(c)
	}
	return root
}

// takes is how many arguments a command takes, and what they are.
func takes(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return misusedf("%s needs %s", c.Name(), what)
		case len(args) > most && most == 0:
			return misusedf("%s takes no arguments, only flags; it got %q", c.Name(), args[0])
		case len(args) > most:
			return misusedf("%s takes %s, and nothing else; it got %q too", c.Name(), what, args[most])
		default:
			return nil
		}
	}
}

func terminal() Program {
	return Program{
		AWS: configured, Now: time.Now, In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Colors: colored(os.Stdout), Width: widthOf(os.Stdout),
		Interactive: device(os.Stdin) && device(os.Stdout),
		User:        username(),
		NewID:       func() string { return strings.ToLower(rand.Text()[:10]) },
	}
}

// hidden keeps a flag that help does not show.
func hidden(c *cobra.Command, flag string) {
	if err := c.Flags().MarkHidden(flag); err != nil {
		panic(err) // It is there.
	}
}
