package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/awsclient"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/register"
	"goldsmith/shared/tag"
)

// launcher launches instances from images.
type launcher interface {
	ec2.DescribeImagesAPIClient
	RunInstances(context.Context, *ec2.RunInstancesInput, ...func(*ec2.Options)) (*ec2.RunInstancesOutput, error)
}

// launched is an instance that is launched from the job's image.
type launched struct {
	// id is what the job knows it by; empty until its launch was answered.
	id string
	// is is what it is called, and unable what cannot be done without it.
	is, unable string
	// token makes its launch happen once.
	token string
}

// test is the job's test instance.
func test(j job.Job) launched {
	return launched{id: j.TestInstance, is: "test instance", unable: of(j) + " could not be tested",
		token: awsclient.Token("proof", j.Run.Name, j.Source.ID)}
}

func (s Step) launch(ctx context.Context, j job.Job) (job.Job, error) {
	id, err := s.run(ctx, j, test(j))
	if err == nil {
		j.TestInstance, j.Times.TestSent, j.Times.Booted = id, s.Now().UTC(), time.Time{}
	}
	return j, err
}

// run registers and launches an instance. The client token makes it happen once, however often it is sent: EC2 answers
// the same request with the same instance.
func (s Step) run(ctx context.Context, j job.Job, l launched) (id string, err error) {
	devices, err := s.devices(ctx, j, l)
	if err != nil {
		return "", err
	}
	registered, err := s.Ledger.Register(ctx, register.TestOf(j, l.token, s.Now().UTC()))
	if err != nil {
		return "", fmt.Errorf("registering the %s of %s: %w", l.is, of(j), err)
	}
	out, err := s.EC2.RunInstances(ctx, request(j, l, devices))
	switch {
	case fault.IsNotFound(err):
		// An image can be pending again just after it was shown as available (hashicorp/packer, issue 2659).
		return "", &fault.NotYet{Err: l.unlaunched(j, err)}
	case fault.IsNoCapacity(err), fault.IsTransient(err), fault.IsNotYet(err), fault.IsDenied(err):
		return "", l.unlaunched(j, err)
	case err != nil:
		return "", fault.Failure("Look at verify in the plan: the subnet, the instance type, the security groups and the "+
			"profile.", "%w", l.unlaunched(j, err))
	}
	for _, i := range out.Instances {
		id = aws.ToString(i.InstanceId)
	}
	if id == "" {
		return "", fault.Failure("Run the plan again.",
			"%s: EC2 launched its %s before and does not show it any more", l.unable, l.is)
	}
	return id, s.known(ctx, j, l, id, registered)
}

// known writes down which instance, or image of it, it is. Until then a sweep knows it by its token or name.
func (s Step) known(ctx context.Context, j job.Job, l launched, id string, registered ledger.Registration) error {
	if registered.ID == id {
		return nil
	}
	registered.ID = id
	if _, err := s.Ledger.Amend(ctx, registered); errors.As(err, new(*ledger.MovedError)) {
		return &fault.NotYet{Err: err}
	} else if err != nil {
		return fmt.Errorf("registering %s %s of %s: %w", l.is, id, of(j), err)
	}
	return nil
}

func (l launched) unlaunched(j job.Job, err error) error {
	return fmt.Errorf("%s, since no %s could be launched in %s: %w", l.unable, instanceType(j), j.Plan.Verify.Subnet, err)
}

// devices are the image's volumes, each to be deleted with the instance: an
// image made of an instance keeps what that said, so a volume could stay behind.
func (s Step) devices(ctx context.Context, j job.Job, l launched) ([]types.BlockDeviceMapping, error) {
	out, err := s.EC2.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{j.Image.ID}})
	if fault.IsNotFound(err) || err == nil && len(out.Images) == 0 {
		return nil, &fault.NotYet{Err: fmt.Errorf("%s: EC2 does not show the image", l.unable)}
	}
	if err != nil {
		return nil, fmt.Errorf("looking at %s: %w", of(j), err)
	}
	var devices []types.BlockDeviceMapping
	for _, m := range out.Images[0].BlockDeviceMappings {
		if m.Ebs != nil {
			devices = append(devices, types.BlockDeviceMapping{
				DeviceName: m.DeviceName, Ebs: &types.EbsBlockDevice{DeleteOnTermination: aws.Bool(true)},
			})
		}
	}
	return devices, nil
}

// request is the same for the same job, as its token wants it. An address is
// public only if the subnet gives one. A shutdown from inside is an end, too,
// so that a test instance never stays behind stopped.
func request(j job.Job, l launched, devices []types.BlockDeviceMapping) *ec2.RunInstancesInput {
	v := j.Plan.Verify
	in := &ec2.RunInstancesInput{
		ImageId: aws.String(j.Image.ID), InstanceType: types.InstanceType(instanceType(j)),
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), ClientToken: aws.String(l.token),
		SubnetId: aws.String(v.Subnet), SecurityGroupIds: v.SecurityGroups, BlockDeviceMappings: devices,
		MetadataOptions:                   &types.InstanceMetadataOptionsRequest{HttpTokens: types.HttpTokensStateRequired},
		InstanceInitiatedShutdownBehavior: types.ShutdownBehaviorTerminate,
	}
	if v.Profile != "" {
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String(v.Profile)}
	}
	for _, kind := range []types.ResourceType{types.ResourceTypeInstance, types.ResourceTypeVolume} {
		in.TagSpecifications = append(in.TagSpecifications,
			types.TagSpecification{ResourceType: kind, Tags: tag.List(tags(j, l))})
	}
	return in
}

func instanceType(j job.Job) string { return cmp.Or(j.Plan.Verify.InstanceType, j.Source.InstanceType) }

// tags never hold goldsmith:plan, which would enrol the instance, nor the
// source's own: whatever goes by those must not take it for a server.
func tags(j job.Job, l launched) map[string]string {
	name := []rune("goldsmith " + strings.TrimSuffix(l.is, " instance") + " of " + j.Source.Name)
	return map[string]string{
		tag.Managed: "true", tag.BootTest: j.Run.Name, tag.Source: j.Source.ID,
		"Name": string(name[:min(len(name), plan.MaxTagValue)]),
	}
}
