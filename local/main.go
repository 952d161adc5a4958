// Command local runs the embedded AWS: a night played for people to watch, or
// the whole suite live on one endpoint.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"goldsmith/local/demo"
	"goldsmith/local/serve"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	root := &cobra.Command{
		Use:           "local",
		Short:         "Goldsmith on the embedded AWS",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(demoCommand(), serveCommand())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to clean up
	}
}

func demoCommand() *cobra.Command {
	o := demo.Options{}
	var logs bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "Play a night: the schedule, a tag request, and what came of both",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if logs {
				o.Logs = c.ErrOrStderr()
			}
			return demo.Run(c.Context(), o, c.OutOrStdout())
		},
	}
	c.Flags().StringVar(&o.Plans, "plans", "plans.yaml", "the plans")
	c.Flags().StringVar(&o.Plan, "plan", "", "the plan to play (default: nightly, else the first with a schedule)")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "decides the fleet and every delay")
	c.Flags().Float64Var(&o.Speed, "speed", 60, "seconds of the night that pass in one second")
	c.Flags().BoolVar(&logs, "logs", false, "print what the functions log to standard error")
	c.Flags().StringVar(&o.Out, "out", "dist/demo", "folder for run.json, slack.html and report.html")
	return c
}

func serveCommand() *cobra.Command {
	o := serve.Options{}
	var logs bool
	var faults []string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the suite on one endpoint for the AWS CLI or any SDK",
		Long: "Serve the suite on one endpoint for the AWS CLI or any SDK.\n\n" +
			"--fault NAME[,for=DURATION][,on=ID][,chance=P] rehearses a bad night; it may be given more than once.\n" +
			"Durations are those of the embedded AWS. The names:\n\n" + serve.FaultsHelp(),
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if logs {
				o.Logs = c.ErrOrStderr()
			}
			for _, text := range faults {
				f, err := serve.ParseFault(text)
				if err != nil {
					return err
				}
				o.Faults = append(o.Faults, f)
			}
			return serve.Run(c.Context(), o, c.OutOrStdout())
		},
	}
	c.Flags().StringVar(&o.Addr, "addr", "127.0.0.1:4599", "where to listen")
	c.Flags().StringVar(&o.Plans, "plans", "plans.yaml", "the plans")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "decides every delay")
	c.Flags().BoolVar(&logs, "logs", false, "print what the functions log to standard error")
	c.Flags().StringArrayVar(&faults, "fault", nil, "what goes wrong: NAME[,for=DURATION][,on=ID][,chance=P]")
	c.Flags().Float64Var(&o.Speed, "speed", 1, "seconds that pass for the embedded AWS in one second")
	return c
}
