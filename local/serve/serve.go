// Package serve keeps the suite live on one endpoint, so that the AWS CLI, boto3
// or any SDK can make instances, ask for images and watch them being made.
package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"goldsmith/local/clock"
	world "goldsmith/local/ec2"
	"goldsmith/local/progress"
	"goldsmith/local/slack"
	"goldsmith/local/stack"
	"goldsmith/shared/planfile"
)

// Options of serving.
type Options struct {
	// Addr is where to listen, such as 127.0.0.1:4599.
	Addr string
	// Plans is the path of plans.yaml.
	Plans string
	// Seed decides every delay.
	Seed uint64
	// Speed is how many seconds pass for the embedded AWS in one real second.
	Speed float64
	// Faults are what goes wrong from the start.
	Faults []Fault
	// Logs is where the functions' log lines go; nil for nowhere.
	Logs io.Writer
}

// Run serves until ctx is done, and prints what happens to out.
func Run(ctx context.Context, o Options, out io.Writer) error {
	if err := clock.Check(o.Speed); err != nil {
		return err
	}
	plans, err := planfile.Load(o.Plans, time.Now())
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Addr)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", o.Addr, err)
	}
	endpoint := "http://" + listener.Addr().String()
	night := clock.Scaled(time.Now(), o.Speed)
	live := progress.New(night, out)
	s, err := stack.New(stack.Options{
		Clock: night, Plans: plans, Seed: o.Seed, Logs: o.Logs, Endpoint: endpoint,
		EC2: world.Options{Buckets: true}, History: true, Wrap: live.Around, KeepCalls: keptCalls, Table: true,
		Events: events(o.Faults, night.Now()),
	})
	if err != nil {
		return err
	}
	inject(s, o.Faults, night.Now())
	live.Old(s.Ledger.Retirements)
	server := Server(WithPages(s, night.Now))
	context.AfterFunc(ctx, func() { _ = server.Close() })
	greet(out, endpoint, s)
	go messages(ctx, s, out)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return s.Close()
}

// keptCalls bounds the log of calls, of which only the newest are of use to a person who looks.
const keptCalls = 10_000

// Server is the suite's on a socket. How long a body may take is bounded by the suite; an
// answer may take as long as a Lambda function does.
func Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, WriteTimeout: 20 * time.Minute,
		MaxHeaderBytes: 64 << 10,
	}
}

func greet(out io.Writer, endpoint string, s *stack.Stack) {
	fmt.Fprintf(out, `The embedded AWS is at %[1]s, Region %[2]s, with Goldsmith deployed.

Open %[1]s in a browser for the runs, while they happen and after.

  export AWS_ENDPOINT_URL=%[1]s AWS_DEFAULT_REGION=%[2]s AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any
  aws ec2 run-instances --image-id %[3]s --instance-type t3.micro
  aws ec2 create-tags --resources i-... --tags Key=goldsmith:image,Value=now
  aws sts get-caller-identity
  aws stepfunctions list-executions --state-machine-arn %[4]s

What happens to each source follows; Ctrl-C ends it.

`, endpoint, s.AWS().Region, world.ImageX86, s.Machine)
}

// messages shows each Slack message as it comes.
func messages(ctx context.Context, s *stack.Stack, out io.Writer) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for shown := 0; ; {
		for _, m := range s.Slack.Messages()[shown:] {
			fmt.Fprintln(out, "\n"+m.Terminal(slack.Colored(out)))
			shown++
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
