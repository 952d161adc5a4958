// Package copying copies a proven image to other Regions and under other keys, once for each run. Nothing waits for a
// copy: the source is released by then, and the image rolled at home.
package copying

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
	"goldsmith/shared/rollout"
	"goldsmith/shared/sharing"
)

// Do is a part of copying.
type Do string

const (
	// Begin asks for the copies. What cannot be asked for yet is asked for later.
	Begin Do = "begin"
	// See sees what becomes of them, and asks for those that there was no room for.
	See Do = "see"
)

// Input is the job and the part that is due.
type Input struct {
	Job job.Job `json:"job"`
	Do  Do      `json:"do"`
}

// LogAttrs are the ids an operator searches by.
func (in Input) LogAttrs() []slog.Attr { return in.Job.LogAttrs() }

// EC2 makes copies in one Region and shares them, and removes one that has failed.
type EC2 interface {
	ec2.DescribeImagesAPIClient
	sharing.EC2
	CopyImage(context.Context, *ec2.CopyImageInput, ...func(*ec2.Options)) (*ec2.CopyImageOutput, error)
	DeregisterImage(context.Context, *ec2.DeregisterImageInput, ...func(*ec2.Options)) (*ec2.DeregisterImageOutput, error)
}

// ledgerAPI is the register of what Goldsmith makes, and where results go.
type ledgerAPI interface {
	Register(ctx context.Context, r ledger.Registration) (ledger.Registration, error)
	Amend(ctx context.Context, r ledger.Registration) (ledger.Registration, error)
	Settle(ctx context.Context, r ledger.Registration) error
	rollout.Home
	PutResult(ctx context.Context, r job.Result) error
}

// Step copies an image.
type Step struct {
	// Home is the suite's own Region.
	Home          string
	In            func(region string) EC2
	Organizations sharing.Organizations
	Ledger        ledgerAPI
	// Rolls rolls what is in a Region.
	Rolls func(region string) rollout.Writer
	Now   func() time.Time
}

// limit is as long as any image is waited for: a copy is stored as an image's snapshots are. One that is still pending
// then is looked at by the runs that retire.
const limit = 30 * time.Hour

// refused is how long a copy is looked at again where AWS refuses that, as in a Region that was disabled: a deployment,
// or a permission that was given just now, is through by then. The others are told of then. As long a copy is asked for
// again where the account is not known: most Regions are enabled within minutes (Account Management, EnableRegion).
const refused = time.Hour

// appearing is how long EC2 may not show an image that it has just made, or made available.
const appearing = 15 * time.Minute

// Handle asks for the job's copies, or sees what has become of them. No copy keeps another one. The state machine calls
// it with the same job again and again: what was done stands in the register.
func (s Step) Handle(ctx context.Context, in Input) (job.Job, error) {
	j := in.Job
	j.Copies = slices.Clone(j.Copies)
	var busy error
	for i, c := range j.Copies {
		if !c.Open() {
			continue
		}
		made, err := s.one(ctx, j, c, in.Do)
		switch {
		case err == nil:
			j.Copies[i] = made
		case fault.IsTransient(err) || errors.As(err, new(*fault.Transient)):
			busy = err
		default:
			handler.Log(ctx).WarnContext(ctx, "not copied yet", "region", c.Region, "error", err)
		}
	}
	j.Copying = j.CopiesOpen()
	switch {
	case busy != nil:
		return j, busy
	case in.Do == Begin:
		return j, nil
	case j.Copying:
		return j, &fault.NotYet{Err: fmt.Errorf("copies of image %s are on their way", j.Image.ID)}
	}
	if err := s.Ledger.PutResult(ctx, j.ResultOf(job.Imaged, s.Now().UTC())); err != nil {
		return j, fmt.Errorf("recording the copies of %s: %w", j.Source.ID, err)
	}
	return j, nil
}

// one asks for a copy unless that is done, and looks at it where that is due.
func (s Step) one(ctx context.Context, j job.Job, c job.Copy, do Do) (job.Copy, error) {
	r, err := s.Ledger.Register(ctx, register.CopyOf(j, c, s.Home, s.Now().UTC()))
	switch {
	case err != nil:
		return c, fmt.Errorf("registering the copy of image %s in %s: %w", j.Image.ID, c.Region, err)
	case r.Failed != "":
		c.ID, c.Problem, c.Do = r.ID, r.Failed, r.Do
		return c, nil
	case !r.Seen.IsZero():
		c.ID, c.At = r.ID, r.Seen
		return toldOf(c, r), nil
	case r.ID == "":
		if r, err = s.ask(ctx, j, c, r); err != nil {
			return s.unless(ctx, c, r, err)
		}
	}
	if c.ID = r.ID; do == Begin {
		return c, nil
	}
	made, err := s.look(ctx, j, c, r)
	if long := tried(err); err != nil && s.Now().Sub(r.Begun) > long {
		made.Problem = fmt.Sprintf("what has become of copy %s was not found out in %s: %s", r.ID, long, fault.Brief(err))
		made.Do = "Look at it: " + describe(c.Region, r.ID) + ". It counts once it is available."
		return made, nil
	}
	return made, err
}

// tried is how long a copy is looked at again that cannot be.
func tried(err error) time.Duration {
	if err != nil && fault.Lasts(err) {
		return refused
	}
	return limit
}

// late reports whether what failed, and could be tried again, was tried for as long as any run looks.
func (s Step) late(r ledger.Registration, err error) bool {
	return (fault.IsTransient(err) || fault.IsNotYet(err)) && s.Now().Sub(r.Begun) > limit
}

// describe is the command that shows a copy.
func describe(region, id string) string {
	return "aws ec2 describe-images --region " + region + " --image-ids " + id
}

// toldOf is a copy with what came of sharing and of rolling it.
func toldOf(c job.Copy, r ledger.Registration) job.Copy {
	if r.Sharing != nil {
		c.Shared = r.Sharing
	}
	c.Rolled, c.Rest = r.Rolled, r.Rest
	return c
}

// unless is the copy that has come to nothing, unless the same call can work later. A Region that does not answer is
// not waited for longer than a copy is: the others are told of with it.
func (s Step) unless(ctx context.Context, c job.Copy, r ledger.Registration, err error) (job.Copy, error) {
	age, failed := s.Now().Sub(r.Begun), (*fault.Failed)(nil)
	switch {
	case errors.As(err, &failed):
		return s.fails(ctx, c, r, failed.Err, failed.Do)
	case (errors.As(err, new(*fault.NotYet)) || fault.IsTransient(err)) && age < limit:
		return c, err
	case age < passes(err):
		return c, &fault.NotYet{Err: err}
	case fault.IsStranger(err):
		return s.fails(ctx, c, r, err, "Look whether Region "+c.Region+" is enabled, which takes some hours at times; "+
			"the next image is copied.")
	}
	return s.fails(ctx, c, r, err, "Put right what it says; the next image is copied.")
}

// passes is how old a copy may be for what was refused to be asked for again.
func passes(err error) time.Duration {
	switch {
	case fault.IsNotYet(err):
		return limit
	case fault.IsNotFound(err), fault.IsNoImage(err):
		return appearing
	case fault.IsStranger(err):
		return refused
	}
	return 0
}

// fails writes down why there is no copy: it is not asked for again.
func (s Step) fails(ctx context.Context, c job.Copy, r ledger.Registration, why error, do string) (job.Copy, error) {
	r.Failed, r.Do = fault.Brief(why), do
	r, err := s.amend(ctx, r)
	if err != nil {
		return c, err
	}
	c.ID, c.Problem, c.Do = r.ID, r.Failed, r.Do
	return c, s.Ledger.Settle(ctx, r)
}

func (s Step) amend(ctx context.Context, r ledger.Registration) (ledger.Registration, error) {
	amended, err := s.Ledger.Amend(ctx, r)
	if errors.As(err, new(*ledger.MovedError)) {
		return r, &fault.NotYet{Err: err}
	}
	if err != nil {
		return r, fmt.Errorf("registering the copy of image %s in %s: %w", r.From, r.Region, err)
	}
	return amended, nil
}
