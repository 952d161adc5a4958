// Package verify tries an image before anything is pointed at it: it launches one instance from it, may run a command
// on that, and always terminates it. Where the plan wants a general image it launches a clone of the source the same
// way before, and makes the image of that.
package verify

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"goldsmith/shared/command"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// Do is a part of the test.
type Do string

const (
	// Launch launches the test instance.
	Launch Do = "launch"
	// Try runs the plan's command on it, once it has booted.
	Try Do = "try"
	// End terminates it.
	End Do = "end"
	// Clone launches a clone of the source.
	Clone Do = "clone"
	// Clean takes from it what is the source's own.
	Clean Do = "clean"
	// Stop stops it.
	Stop Do = "stop"
	// Image makes the general image of it.
	Image Do = "image"
	// EndClone terminates it.
	EndClone Do = "end-clone"
)

// Step tries an image, and makes general ones.
type Step struct {
	EC2    ec2API
	SSM    command.API
	Ledger ledgerAPI
	Now    func() time.Time
}

// ledgerAPI is the register of what Goldsmith makes.
type ledgerAPI interface {
	Register(ctx context.Context, r ledger.Registration) (ledger.Registration, error)
	Amend(ctx context.Context, r ledger.Registration) (ledger.Registration, error)
}

// ec2API launches, images and ends instances.
type ec2API interface {
	launcher
	ender
	imager
}

// Input is the job and the part of the test that is due.
type Input struct {
	Job job.Job `json:"job"`
	Do  Do      `json:"do"`
}

// LogAttrs are the ids an operator searches by.
func (in Input) LogAttrs() []slog.Attr { return in.Job.LogAttrs() }

// Handle does one part of the test. What fails for good leaves the image
// unproven: it is kept, and nothing is rolled to it.
func (s Step) Handle(ctx context.Context, in Input) (job.Job, error) {
	switch in.Do {
	case Launch:
		return s.launch(ctx, in.Job)
	case Try:
		return s.try(ctx, in.Job)
	case End:
		return s.end(ctx, in.Job, test(in.Job))
	case Clone, Clean, Stop, Image, EndClone:
		return s.general(ctx, in)
	default:
		return in.Job, fmt.Errorf("nothing is known of doing %q to image %s", in.Do, in.Job.Image.ID)
	}
}

// of names an image for a message.
func of(j job.Job) string {
	return fmt.Sprintf("image %s of %s (%s)", j.Image.ID, j.Source.Name, j.Source.ID)
}
