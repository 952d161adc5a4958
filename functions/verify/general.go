package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/generalize"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/register"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// imager stops and images instances.
type imager interface {
	StopInstances(context.Context, *ec2.StopInstancesInput, ...func(*ec2.Options)) (*ec2.StopInstancesOutput, error)
	CreateImage(context.Context, *ec2.CreateImageInput, ...func(*ec2.Options)) (*ec2.CreateImageOutput, error)
}

// cleaning is by what the command is found by which a clone is cleaned.
const cleaning = "Goldsmith: take from this clone what is its source's own"

// clone is the clone of the job's source.
func clone(j job.Job) launched {
	return launched{id: j.Clone.Instance, is: "clone", unable: "no general image could be made of " + of(j),
		token: register.CloneToken(j.Run.Name, j.Source.ID)}
}

// general does one part of making the general image. Until the last of them the job's image is that of the source
// itself.
func (s Step) general(ctx context.Context, in Input) (job.Job, error) {
	j := in.Job
	if j.Raw != nil && in.Do != EndClone {
		return j, nil // The general image was asked for before.
	}
	switch in.Do {
	case Clone:
		id, err := s.run(ctx, j, clone(j))
		if err == nil {
			j.Clone = job.Clone{Instance: id, Sent: s.Now().UTC()}
		}
		return j, err
	case Clean:
		return s.clean(ctx, j)
	case Stop:
		return j, s.stop(ctx, j)
	case Image:
		return s.image(ctx, j)
	default:
		if j.Raw != nil { // The clone was launched from the source's own.
			own := j
			own.Image = *j.Raw
			_, err := s.end(ctx, own, clone(j))
			return j, err
		}
		return s.end(ctx, j, clone(j))
	}
}

// clean has the clone run the script, after the plan's own command.
func (s Step) clean(ctx context.Context, j job.Job) (job.Job, error) {
	g, on := j.Plan.Generalize, clone(j)
	err := s.have(ctx, j, told{on: on, mark: cleaning, text: generalize.Command(words(g.Keep), g.Command),
		booted: j.Clone.Booted, goes: of(j) + " has a clone that is being cleaned", failed: on.unable,
		late: on.unable + ", since its clone was not cleaned",
		do:   "Put right what it says, by the plan's generalize or on the source, then run the plan again."})
	if err == nil {
		j.Clone.Cleaned = s.Now().UTC()
	}
	return j, err
}

func words(items []plan.Item) (all []string) {
	for _, each := range items {
		all = append(all, string(each))
	}
	return all
}

// stopping is how long the clone may take to shut down, which is when the rest is taken from it.
const stopping = time.Hour

// stop is nil once the clone is stopped.
func (s Step) stop(ctx context.Context, j job.Job) error {
	on := clone(j)
	i, ok, err := s.shown(ctx, j, on)
	if err != nil {
		return err
	}
	switch state := source.State(i); {
	case !ok && s.Now().Sub(j.Clone.Cleaned) < stopping:
		return &fault.NotYet{Err: fmt.Errorf("%s: its clone %s is not shown", on.unable, on.id)}
	case !ok, source.Ending(state):
		return ended(on)
	case state == types.InstanceStateNameStopped:
		return nil
	case s.Now().Sub(j.Clone.Cleaned) >= stopping:
		return fault.Failure("See in its system log why it does not shut down.",
			"%s: its clone %s is still %s, %s after it was to stop", on.unable, on.id, state, plan.Duration(stopping))
	case state == types.InstanceStateNameRunning:
		_, err := s.EC2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{aws.ToString(i.InstanceId)}})
		if err != nil {
			return fmt.Errorf("stopping clone %s of %s: %w", on.id, of(j), err)
		}
	}
	return &fault.NotYet{Err: fmt.Errorf("clone %s of %s is %s", on.id, of(j), source.State(i))}
}

func ended(on launched) error {
	return fault.Failure("Run the plan again.", "%s: its clone %s was terminated", on.unable, on.id)
}

// image registers and makes the general image. The name makes it happen once, however often it is tried.
func (s Step) image(ctx context.Context, j job.Job) (job.Job, error) {
	now := s.Now().UTC()
	registered, err := s.Ledger.Register(ctx, register.GeneralOf(j, now))
	if err != nil {
		return j, fmt.Errorf("registering the general image of %s (%s): %w", j.Source.Name, j.Source.ID, err)
	}
	id := registered.ID
	if id == "" {
		if id, err = s.create(ctx, j, registered); err != nil {
			return j, err
		}
		if err = s.known(ctx, j, launched{is: "general image"}, id, registered); err != nil {
			return j, err
		}
	}
	raw := j.Image
	j.Raw, j.Clone.ImageSent = &raw, now
	j.Image = job.Image{ID: id, Name: registered.AMIName, State: string(types.ImageStatePending), LeftOut: raw.LeftOut,
		DeleteOnTermination: true, General: true}
	return j, nil
}

// create asks EC2 for the image of the clone, which has to be at rest.
func (s Step) create(ctx context.Context, j job.Job, registered ledger.Registration) (string, error) {
	on := clone(j)
	i, ok, err := s.shown(ctx, j, on)
	switch {
	case err != nil:
		return "", err
	case !ok || source.State(i) != types.InstanceStateNameStopped:
		return "", fault.Failure("Run the plan again.", "%s: its clone %s was started by other hands, or is gone", on.unable,
			on.id)
	}
	out, err := s.EC2.CreateImage(ctx, imageRequest(j, registered))
	switch {
	case err == nil:
		return aws.ToString(out.ImageId), nil
	case fault.IsNameTaken(err):
		return register.Taken(ctx, s.EC2, registered, err)
	case fault.Code(err) == "SnapshotLimitExceeded":
		return "", fault.Failure("Delete snapshots that are not needed, or ask AWS for a higher quota of snapshots.",
			"%s: %w", on.unable, err)
	default:
		return "", fmt.Errorf("%s: %w", on.unable, err)
	}
}

// imageRequest has the tags of the source's own image: what tells the two apart is the name, and the register.
func imageRequest(j job.Job, registered ledger.Registration) *ec2.CreateImageInput {
	tags := tag.List(image.Tags(j))
	return &ec2.CreateImageInput{
		InstanceId: aws.String(j.Clone.Instance), Name: aws.String(registered.AMIName), NoReboot: aws.Bool(true),
		Description: aws.String(image.GeneralDescription(j)),
		TagSpecifications: []types.TagSpecification{
			{ResourceType: types.ResourceTypeImage, Tags: tags},
			{ResourceType: types.ResourceTypeSnapshot, Tags: tags},
		},
	}
}
