package prove

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	imagestep "goldsmith/functions/image"
	"goldsmith/functions/start"
	"goldsmith/functions/stop"
	"goldsmith/shared/fault"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
)

// need is something that a probe is tried on.
type need int

const (
	running  need = iota // the instance, running
	stopped              // the instance, stopped
	pictured             // an image of it, available
	undone               // that image, deregistered
	versions             // a launch template with three versions
	emptied              // a group of none
	moving               // a template whose default was moved, and two groups of none
)

// The data volumes of the instance: the image holds one, and is told to leave the other out.
const (
	dataDevice = "/dev/sdf"
	leftDevice = "/dev/sdg"
)

// ready makes what a probe needs.
func (l *lab) ready(ctx context.Context, needs []need) error {
	makers := map[need]func(context.Context) error{
		running: l.up, stopped: l.down, pictured: l.available, undone: l.deregistered, versions: l.versioned,
		moving:  l.refreshable,
		emptied: func(ctx context.Context) error { return l.group(ctx, "group") },
	}
	for _, n := range needs {
		if err := l.failed[n]; err != nil {
			return err
		}
		if err := makers[n](ctx); err != nil {
			l.failed[n] = err // What could not be made once would take its time again.
			return err
		}
	}
	return nil
}

// amazonLinux are the names of the images that the instance is launched from.
const amazonLinux = "al2023-ami-2023.*-x86_64"

// find looks for the newest image of Amazon Linux.
func (l *lab) find(ctx context.Context) error {
	if l.base.ImageId != nil {
		return nil
	}
	out, err := l.ec2.DescribeImages(ctx, &ec2.DescribeImagesInput{
		Owners: []string{"amazon"}, Filters: []types.Filter{
			{Name: aws.String("name"), Values: []string{amazonLinux}},
			{Name: aws.String("state"), Values: []string{"available"}},
		},
	})
	if err != nil {
		return fmt.Errorf("looking for an image of Amazon Linux: %w", err)
	}
	if len(out.Images) == 0 {
		return errors.New("there is no image of Amazon Linux in this Region")
	}
	l.base = slices.MaxFunc(out.Images, func(a, b types.Image) int {
		return cmp.Compare(aws.ToString(a.CreationDate), aws.ToString(b.CreationDate))
	})
	return nil
}

// up has the instance run.
func (l *lab) up(ctx context.Context) error {
	if l.instance == "" {
		return l.launch(ctx)
	}
	i, err := l.look(ctx)
	if err != nil || source.State(i) == types.InstanceStateNameRunning {
		return err
	}
	if err := l.start(ctx); err != nil {
		return err
	}
	return l.reaches(ctx, types.InstanceStateNameRunning)
}

func (l *lab) launch(ctx context.Context) error {
	if err := l.find(ctx); err != nil {
		return err
	}
	id, err := l.make("instance", func() (string, error) {
		out, err := l.ec2.RunInstances(ctx, l.launching())
		if err != nil {
			return "", err
		}
		return aws.ToString(out.Instances[0].InstanceId), nil
	})
	if err != nil {
		return err
	}
	l.instance = id
	if err := l.reaches(ctx, types.InstanceStateNameRunning); err != nil {
		return err
	}
	return l.claim(ctx)
}

// launching is one instance whose volumes go with it, and whose processor costs no more than its hour.
func (l *lab) launching() *ec2.RunInstancesInput {
	volume := func(device string, gib *int32) types.BlockDeviceMapping {
		return types.BlockDeviceMapping{DeviceName: aws.String(device), Ebs: &types.EbsBlockDevice{
			VolumeSize: gib, VolumeType: types.VolumeTypeGp3, DeleteOnTermination: aws.Bool(true),
		}}
	}
	data := volume(dataDevice, aws.Int32(1))
	data.Ebs.Encrypted, data.Ebs.KmsKeyId = aws.Bool(true), aws.String("alias/aws/ebs")
	in := &ec2.RunInstancesInput{
		ImageId: l.base.ImageId, InstanceType: types.InstanceTypeT3Nano, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		ClientToken:         aws.String(l.token("instance")),
		CreditSpecification: &types.CreditSpecificationRequest{CpuCredits: aws.String("standard")},
		MetadataOptions:     &types.InstanceMetadataOptionsRequest{HttpTokens: types.HttpTokensStateRequired},
		BlockDeviceMappings: []types.BlockDeviceMapping{
			volume(aws.ToString(l.base.RootDeviceName), nil), data, volume(leftDevice, aws.Int32(1)),
		},
		TagSpecifications: []types.TagSpecification{
			{ResourceType: types.ResourceTypeInstance, Tags: l.tags(nil)},
			{ResourceType: types.ResourceTypeVolume, Tags: l.tags(nil)},
		},
	}
	if l.subnet != "" {
		in.SubnetId = aws.String(l.subnet)
	}
	return in
}

// claim makes the job of the instance, as functions would be given it, with its claim. That says that the stop was
// sent: function stop does not tag the instance then, which a suite in the account would look after.
func (l *lab) claim(ctx context.Context) error {
	i, err := l.look(ctx)
	if err != nil {
		return err
	}
	now := l.now()
	j := job.Job{
		Run: job.Run{Name: l.run, Plan: l.run, Scheduled: now}, Plan: plan.Default(), Decision: job.StopFirst,
		Execution: l.run,
		Source: job.Source{
			ID: l.instance, Kind: job.Instance, Name: "goldsmith prove", Volumes: source.Volumes(i), WasRunning: true,
			InstanceType: string(i.InstanceType), Architecture: string(i.Architecture),
		},
		Times: job.Times{Claimed: now},
	}
	j.Plan.Name, j.Image.Name = l.run, image.Name(j)
	for _, m := range i.BlockDeviceMappings {
		if aws.ToString(m.DeviceName) == leftDevice && m.Ebs != nil {
			j.Image.LeftOut = []job.LeftOut{{Device: leftDevice, Volume: aws.ToString(m.Ebs.VolumeId)}}
		}
	}
	j.Source = source.Without(j.Source, j.Image.LeftOut)
	l.job = j
	c := ledger.ClaimOf(j, now)
	c.StopSent, c.StopTried, c.WasRunning, c.Looked = now, now, true, true
	if _, err := l.ledger.Claim(ctx, c); err != nil {
		return err
	}
	return l.ledger.Record(ctx, c)
}

// stop sends the stop as function stop does.
func (l *lab) stop(ctx context.Context) error {
	_, err := stop.Step{EC2: l.ec2, AutoScaling: l.groups, Ledger: l.ledger, Now: l.now}.Handle(ctx, l.job)
	return err
}

// start sends the start as function start does.
func (l *lab) start(ctx context.Context) error {
	j := l.job
	j.Plan.Restart = plan.Snapshotted
	_, err := start.Step{EC2: l.ec2, Claims: l.ledger, Results: l.ledger, Marks: l.ledger, Now: l.now}.Handle(ctx, j)
	return err
}

// sendDown sends the stop of the running instance, and keeps when.
func (l *lab) sendDown(ctx context.Context) error {
	if err := l.up(ctx); err != nil {
		return err
	}
	if err := l.stop(ctx); err != nil {
		return err
	}
	l.stoppedFrom, l.stoppedTo = l.calls.between()
	return nil
}

// down has the instance stopped.
func (l *lab) down(ctx context.Context) error {
	if l.instance != "" {
		i, err := l.look(ctx)
		if err != nil || source.State(i) == types.InstanceStateNameStopped {
			return err
		}
		if source.State(i) == types.InstanceStateNameStopping {
			return l.reaches(ctx, types.InstanceStateNameStopped)
		}
	}
	if err := l.sendDown(ctx); err != nil {
		return err
	}
	return l.reaches(ctx, types.InstanceStateNameStopped)
}

// imaged has an image made of the stopped instance, as function image does.
func (l *lab) imaged(ctx context.Context) error {
	if l.job.Image.ID != "" {
		return nil
	}
	if err := l.down(ctx); err != nil {
		return err
	}
	l.job.Times.Claimed, l.job.Times.StopSent = l.now(), l.now()
	made, err := l.picture(ctx, "image", l.job)
	if err == nil {
		l.job = made
	}
	return err
}

func (l *lab) picture(ctx context.Context, what string, j job.Job) (job.Job, error) {
	step := imagestep.Step{EC2: l.ec2, Groups: l.groups, Ledger: ledger.NewMemory(), Now: l.now}
	made := j
	_, err := l.make(what, func() (string, error) {
		var err error
		made, err = step.Handle(ctx, j)
		return made.Image.ID, err
	})
	return made, err
}

// available has the image available.
func (l *lab) available(ctx context.Context) error {
	if l.shown.ImageId != nil {
		return nil
	}
	if err := l.imaged(ctx); err != nil {
		return err
	}
	var err error
	l.shown, err = l.settled(ctx, l.job.Image.ID)
	return err
}

// settled waits until an image is available.
func (l *lab) settled(ctx context.Context, id string) (shown types.Image, err error) {
	err = until(ctx, "waiting until image "+id+" is available", imagePatience, func() (bool, error) {
		out, err := l.ec2.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{id}})
		if fault.IgnoreNotFound(err) != nil || err != nil || len(out.Images) == 0 {
			return false, fault.IgnoreNotFound(err)
		}
		shown = out.Images[0]
		switch image.ProgressOf(shown.State) {
		case image.Available:
			return true, nil
		case image.Pending:
			return false, nil
		default:
			return false, fmt.Errorf("image %s is %s: %s", id, shown.State, image.Why(shown))
		}
	})
	return shown, err
}

// deregistered has the image gone, with its snapshots.
func (l *lab) deregistered(ctx context.Context) error {
	if l.gone {
		return nil
	}
	if err := l.available(ctx); err != nil {
		return err
	}
	_, err := l.ec2.DeregisterImage(ctx, &ec2.DeregisterImageInput{
		ImageId: l.shown.ImageId, DeleteAssociatedSnapshots: aws.Bool(true),
	})
	l.gone = err == nil
	return err
}

// versioned has a launch template with three versions, whose default is the first.
func (l *lab) versioned(ctx context.Context) error {
	if l.template != "" {
		return nil
	}
	if err := l.find(ctx); err != nil {
		return err
	}
	l.templates++
	id, err := l.newTemplate(ctx, fmt.Sprintf("versions-%d", l.templates), nil)
	if err != nil {
		return err
	}
	for range 2 {
		if _, err := l.newVersion(ctx, id, &types.RequestLaunchTemplateData{ImageId: l.base.ImageId}); err != nil {
			return err
		}
	}
	l.template = id
	return nil
}

func (l *lab) newTemplate(ctx context.Context, what string, tags map[string]string) (string, error) {
	return l.make("template "+what, func() (string, error) {
		out, err := l.ec2.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{
			LaunchTemplateName: aws.String(l.name(what)), ClientToken: aws.String(l.token(what)),
			LaunchTemplateData: &types.RequestLaunchTemplateData{
				ImageId: l.base.ImageId, InstanceType: types.InstanceTypeT3Nano,
			},
			TagSpecifications: []types.TagSpecification{
				{ResourceType: types.ResourceTypeLaunchTemplate, Tags: l.tags(tags)},
			},
		})
		if err != nil {
			return "", err
		}
		return aws.ToString(out.LaunchTemplate.LaunchTemplateId), nil
	})
}

// newVersion makes a version, and gives it as EC2 stored it. It goes with its template.
func (l *lab) newVersion(ctx context.Context, id string, data *types.RequestLaunchTemplateData) (
	*types.LaunchTemplateVersion, error) {
	out, err := l.ec2.CreateLaunchTemplateVersion(ctx, &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: aws.String(id), SourceVersion: aws.String("1"), LaunchTemplateData: data,
	})
	if err != nil {
		return nil, err
	}
	return out.LaunchTemplateVersion, nil
}

// group has an Auto Scaling group of none.
func (l *lab) group(ctx context.Context, what string) error {
	if err := l.versioned(ctx); err != nil {
		return err
	}
	return l.groupOf(ctx, what, l.template, "$Default")
}

// groupOf has one that launches a version of a template.
func (l *lab) groupOf(ctx context.Context, what, template, version string) error {
	name := l.name(what)
	if _, ok, err := l.groupNamed(ctx, name); err != nil || ok {
		return err
	}
	in := &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(name), MinSize: aws.Int32(0), MaxSize: aws.Int32(0),
		LaunchTemplate: &scaling.LaunchTemplateSpecification{
			LaunchTemplateId: aws.String(template), Version: aws.String(version),
		},
	}
	for _, t := range l.tags(nil) {
		in.Tags = append(in.Tags, scaling.Tag{Key: t.Key, Value: t.Value, PropagateAtLaunch: aws.Bool(true)})
	}
	if err := l.placed(ctx, in); err != nil {
		return err
	}
	_, err := l.make("group "+what, func() (string, error) {
		_, err := l.groups.CreateAutoScalingGroup(ctx, in)
		return name, err
	})
	return err
}

// placed says where a group would launch: in the subnet, else in the Zones that there are.
func (l *lab) placed(ctx context.Context, in *autoscaling.CreateAutoScalingGroupInput) error {
	if l.subnet != "" {
		in.VPCZoneIdentifier = aws.String(l.subnet)
		return nil
	}
	out, err := l.ec2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{
		Filters: []types.Filter{{Name: aws.String("default-for-az"), Values: []string{"true"}}},
	})
	if err != nil {
		return err
	}
	if len(out.Subnets) == 0 {
		return errors.New("there is no default VPC here: name a subnet with --subnet")
	}
	var ids []string
	for _, s := range out.Subnets {
		ids = append(ids, aws.ToString(s.SubnetId))
	}
	in.VPCZoneIdentifier = aws.String(strings.Join(ids, ","))
	return nil
}

func (l *lab) groupNamed(ctx context.Context, name string) (g scaling.AutoScalingGroup, ok bool, err error) {
	out, err := l.groups.DescribeAutoScalingGroups(ctx,
		&autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{name}})
	if err != nil || len(out.AutoScalingGroups) == 0 {
		return g, false, err
	}
	return out.AutoScalingGroups[0], true, nil
}

// soon is how long what was written may take to be seen.
const soon = 5 * time.Minute
