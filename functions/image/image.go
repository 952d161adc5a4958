// Package image creates the AMI of a source, once for each run.
package image

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/hook"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/register"
	"goldsmith/shared/rollout"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// imager creates images, finds them by name, and looks at their instances and at what takes them.
type imager interface {
	source.Lister
	CreateImage(context.Context, *ec2.CreateImageInput, ...func(*ec2.Options)) (*ec2.CreateImageOutput, error)
	rollout.Reader
}

// ledgerAPI is the register of what Goldsmith makes, and the claims that say what was done to a source before.
type ledgerAPI interface {
	Claim(ctx context.Context, c ledger.Claim) (ledger.Claim, error)
	Register(ctx context.Context, r ledger.Registration) (ledger.Registration, error)
	Amend(ctx context.Context, r ledger.Registration) (ledger.Registration, error)
}

// Step creates an image.
type Step struct {
	EC2    imager
	Groups autoscaling.DescribeAutoScalingGroupsAPIClient
	Ledger ledgerAPI
	Path   string
	Now    func() time.Time
}

// Handle has the image registered and made. An image whose id is registered is there already.
func (s Step) Handle(ctx context.Context, j job.Job) (job.Job, error) {
	j, err := s.volumes(ctx, j)
	if err != nil {
		return j, err
	}
	registered, err := s.Ledger.Register(ctx, register.ImageOf(j))
	if err != nil {
		return j, fmt.Errorf("registering the image of %s (%s): %w", j.Source.Name, j.Source.ID, err)
	}
	now := s.Now().UTC()
	if j.Image.ID = registered.ID; j.Image.ID == "" {
		if j, err = s.create(ctx, j, registered); err != nil {
			return j, err
		}
		registered.ID = j.Image.ID
		if _, err := s.Ledger.Amend(ctx, registered); errors.As(err, new(*ledger.MovedError)) {
			return j, &fault.NotYet{Err: err} // A sweep has found the image meanwhile.
		} else if err != nil {
			return j, fmt.Errorf("registering image %s of %s (%s): %w", j.Image.ID, j.Source.Name, j.Source.ID, err)
		}
	}
	j.Image.State, j.Times.ImageSent = string(types.ImageStatePending), now
	return j, nil
}

// create asks EC2 for the image of the job's instance. CreateImage takes no
// client token, so the name is what makes it happen once: a second attempt is
// refused as a duplicate, and finds the image of the first.
func (s Step) create(ctx context.Context, j job.Job, registered ledger.Registration) (job.Job, error) {
	if err := errors.Join(s.atRest(ctx, j), s.prepared(ctx, j)); err != nil {
		return j, err
	}
	if j.Thawed(s.Now()) && j.Plan.Failing() != plan.HookIgnore {
		return j, fault.Failure("", "%s (%s) was not imaged: CreateImage was not taken within %s of the freeze, after which "+
			"the instance goes on by itself", j.Source.Name, j.Source.ID, plan.Duration(j.Plan.Freeze.Lasts()))
	}
	out, err := s.EC2.CreateImage(ctx, request(j))
	switch {
	case err == nil:
		j.Image.ID = aws.ToString(out.ImageId)
	case fault.IsNameTaken(err):
		if j.Image.ID, err = register.Taken(ctx, s.EC2, registered, err); err != nil {
			return j, err
		}
	case fault.Code(err) == "TagPolicyViolation":
		return j, fault.Failure("Correct the plan's image tags or the organization's tag policy.",
			"creating the image of %s (%s): %w", j.Source.Name, j.Source.ID, err)
	case fault.Code(err) == "SnapshotLimitExceeded":
		return j, fault.Failure("Delete snapshots that are not needed, or ask AWS for a higher quota of snapshots.",
			"creating the image of %s (%s): %w", j.Source.Name, j.Source.ID, err)
	case fault.IsNotFound(err), fault.IsNotYet(err):
		return j, s.inNoState(ctx, j, err)
	default:
		return j, fmt.Errorf("creating the image of %s (%s): %w", j.Source.Name, j.Source.ID, err)
	}
	return j, nil
}

// inNoState is the refusal of an instance that is in no state to be imaged: one that is on its way to another will be,
// one that was terminated never.
func (s Step) inNoState(ctx context.Context, j job.Job, refused error) error {
	instance, ok, err := source.Find(ctx, s.EC2, j.Source.ID)
	if err == nil && (!ok || source.Ending(source.State(instance))) {
		return terminated(j)
	}
	return fmt.Errorf("creating the image of %s (%s): %w", j.Source.Name, j.Source.ID, refused)
}

func terminated(j job.Job) error {
	return fault.Failure("", "%s (%s) was terminated during the run", j.Source.Name, j.Source.ID)
}

// atRest is an error unless an instance that was to be stopped is stopped: whoever started it since, or
// redrives an execution whose instance runs again, must not get an image of half-written data.
func (s Step) atRest(ctx context.Context, j job.Job) error {
	if j.Decision != job.StopFirst || s.Now().Sub(j.Times.Stopped) < seen {
		return nil
	}
	instance, ok, err := source.Find(ctx, s.EC2, j.Source.ID)
	if err != nil {
		return err
	}
	switch state := source.State(instance); {
	case !ok || source.Ending(state):
		return terminated(j)
	case state == types.InstanceStateNameStopped:
		return nil
	case state == types.InstanceStateNameStopping:
		return &fault.NotYet{Err: fmt.Errorf("%s (%s) is still stopping", j.Source.Name, j.Source.ID)}
	case !aws.ToTime(instance.LaunchTime).After(j.Times.StopSent) && s.Now().Sub(j.Times.Stopped) < lagging:
		return &fault.NotYet{Err: fmt.Errorf("%s (%s) is shown as %s a moment after it was stopped", j.Source.Name,
			j.Source.ID, state)}
	default:
		return fault.Failure("Nothing is to be done: it runs, and the next run images it.",
			"%s (%s) was started by other hands before its image was made, so none was made", j.Source.Name, j.Source.ID)
	}
}

// prepared is an error unless what the plan's command before has done to a source that is imaged as it runs still
// holds.
func (s Step) prepared(ctx context.Context, j job.Job) error {
	if j.Decision != job.ImageNow || !j.Source.WasRunning || !j.Plan.Commanded() {
		return nil
	}
	claim, err := s.Ledger.Claim(ctx, ledger.ClaimOf(j, s.Now().UTC()))
	if err != nil {
		return fmt.Errorf("looking up the claim of %s: %w", j.Source.ID, err)
	}
	if why := hook.Holds(claim, !claim.Since.After(j.Times.Claimed)); why != nil {
		return fault.Failure("Run the plan again.", "%s (%s) was not imaged: %w", j.Source.Name, j.Source.ID, why)
	}
	return nil
}

// seen is how long the look counts that ended the wait for the stop: another one would tell little more.
const seen = 3 * time.Second

// lagging is how long a describe may still show the state before the stop was seen.
const lagging = time.Minute

// request asks with tags in the creating call, so that no image or snapshot of
// ours ever lives without them. NoReboot is set unless the plan asks for a
// reboot: somebody who started the stopped instance again must not be rebooted.
func request(j job.Job) *ec2.CreateImageInput {
	tags := tag.List(image.Tags(j))
	return &ec2.CreateImageInput{
		BlockDeviceMappings: mappings(j),
		InstanceId:          aws.String(j.Source.ID),
		Name:                aws.String(j.Image.Name),
		Description:         aws.String(image.Description(j)),
		NoReboot:            aws.Bool(j.Plan.Consistency != plan.Reboot || !j.Source.WasRunning),
		TagSpecifications: []types.TagSpecification{
			{ResourceType: types.ResourceTypeImage, Tags: tags},
			{ResourceType: types.ResourceTypeSnapshot, Tags: tags},
		},
	}
}
