package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"

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

// launch registers and launches the test instance. The client token makes it happen once,
// however often it is sent: EC2 answers the same request with the same instance.
func (s Step) launch(ctx context.Context, j job.Job) (job.Job, error) {
	devices, err := s.devices(ctx, j)
	if err != nil {
		return j, err
	}
	registered, err := s.Ledger.Register(ctx, register.TestOf(j, token(j), s.Now().UTC()))
	if err != nil {
		return j, fmt.Errorf("registering the test instance of %s: %w", of(j), err)
	}
	out, err := s.EC2.RunInstances(ctx, request(j, devices))
	switch {
	case fault.IsNotFound(err):
		// An image can be pending again just after it was shown as available (hashicorp/packer, issue 2659).
		return j, &fault.NotYet{Err: untested(j, err)}
	case fault.IsNoCapacity(err), fault.IsTransient(err), fault.IsNotYet(err), fault.IsDenied(err):
		return j, untested(j, err)
	case err != nil:
		return j, fault.Failure("Look at verify in the plan: the subnet, the instance type, the security groups and the "+
			"profile.", "%w", untested(j, err))
	}
	for _, i := range out.Instances {
		j.TestInstance = aws.ToString(i.InstanceId)
	}
	if j.TestInstance == "" {
		return j, fault.Failure("Run the plan again.",
			"%s could not be tested: EC2 launched its test instance before and does not show it any more", of(j))
	}
	j.Times.TestSent = s.Now().UTC()
	return j, s.launched(ctx, j, registered)
}

// launched writes down which instance it is. Until then a sweep knows it by its token.
func (s Step) launched(ctx context.Context, j job.Job, registered ledger.Registration) error {
	if registered.ID == j.TestInstance {
		return nil
	}
	registered.ID = j.TestInstance
	if _, err := s.Ledger.Amend(ctx, registered); errors.As(err, new(*ledger.MovedError)) {
		return &fault.NotYet{Err: err}
	} else if err != nil {
		return fmt.Errorf("registering test instance %s of %s: %w", j.TestInstance, of(j), err)
	}
	return nil
}

func untested(j job.Job, err error) error {
	return fmt.Errorf("%s could not be tested, since no %s could be launched in %s: %w", of(j), instanceType(j),
		j.Plan.Verify.Subnet, err)
}

// devices are the image's volumes, each to be deleted with the instance: an
// image made of an instance keeps what that said, so a volume could stay behind.
func (s Step) devices(ctx context.Context, j job.Job) ([]types.BlockDeviceMapping, error) {
	out, err := s.EC2.DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{j.Image.ID}})
	if fault.IsNotFound(err) || err == nil && len(out.Images) == 0 {
		return nil, &fault.NotYet{Err: fmt.Errorf("%s could not be tested: EC2 does not show it", of(j))}
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
func request(j job.Job, devices []types.BlockDeviceMapping) *ec2.RunInstancesInput {
	v := j.Plan.Verify
	in := &ec2.RunInstancesInput{
		ImageId: aws.String(j.Image.ID), InstanceType: types.InstanceType(instanceType(j)),
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), ClientToken: aws.String(token(j)),
		SubnetId: aws.String(v.Subnet), SecurityGroupIds: v.SecurityGroups, BlockDeviceMappings: devices,
		MetadataOptions:                   &types.InstanceMetadataOptionsRequest{HttpTokens: types.HttpTokensStateRequired},
		InstanceInitiatedShutdownBehavior: types.ShutdownBehaviorTerminate,
	}
	if v.Profile != "" {
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String(v.Profile)}
	}
	for _, kind := range []types.ResourceType{types.ResourceTypeInstance, types.ResourceTypeVolume} {
		in.TagSpecifications = append(in.TagSpecifications,
			types.TagSpecification{ResourceType: kind, Tags: tag.List(tags(j))})
	}
	return in
}

func instanceType(j job.Job) string { return cmp.Or(j.Plan.Verify.InstanceType, j.Source.InstanceType) }

// tags never hold goldsmith:plan, which would enrol the instance, nor the
// source's own: whatever goes by those must not take it for a server.
func tags(j job.Job) map[string]string {
	name := []rune("goldsmith test of " + j.Source.Name)
	return map[string]string{
		tag.Managed: "true", tag.BootTest: j.Run.Name, tag.Source: j.Source.ID,
		"Name": string(name[:min(len(name), plan.MaxTagValue)]),
	}
}

// token is the run's and the source's.
func token(j job.Job) string { return awsclient.Token("proof", j.Run.Name, j.Source.ID) }
