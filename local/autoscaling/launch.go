package autoscaling

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"goldsmith/local/query"
)

// clientOf is the real client in front of the embedded EC2. Its calls are in
// the log under the caller "autoscaling". What fails is tried again at the
// group's next turn, not by the client.
func clientOf(o Options) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: o.Region, BaseEndpoint: aws.String("http://ec2.embedded"), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("autoscaling", "embedded", ""),
		HTTPClient:  caller{query.Client(o.EC2)}, IdempotencyTokenProvider: &tokens{},
	})
}

// tokens are the client tokens of Auto Scaling's launches: each another, and the same in the same story.
type tokens struct{ made atomic.Uint64 }

// GetIdempotencyToken is the next token.
func (t *tokens) GetIdempotencyToken() (string, error) {
	return fmt.Sprintf("a5600000-0000-4000-9000-%012x", t.made.Add(1)), nil
}

type caller struct{ client *http.Client }

// Do sends the request as Auto Scaling's.
func (c caller) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set(query.CallerHeader, "autoscaling")
	return c.client.Do(r) //nolint:gosec // It never leaves the process.
}

// complete fills in what each template specification leaves out and holds that
// its version exists. alias tells whether a template names its image by a parameter.
func (s *Service) complete(ctx context.Context, c *config) (alias bool, err error) {
	if c.configuration != "" {
		return false, s.configured(c)
	}
	for _, each := range c.specs() {
		found, err := s.version(ctx, *each)
		if err != nil {
			return false, invalid("You must use a valid fully-formed launch template. %s", reasonOf(err))
		}
		each.id, each.name = aws.ToString(found.LaunchTemplateId), aws.ToString(found.LaunchTemplateName)
		alias = alias || strings.HasPrefix(aws.ToString(found.LaunchTemplateData.ImageId), "resolve:ssm:")
	}
	return alias, nil
}

func (s *Service) version(ctx context.Context, t spec) (types.LaunchTemplateVersion, error) {
	in := &sdk.DescribeLaunchTemplateVersionsInput{Versions: []string{"$Default"}}
	if t.version != "" {
		in.Versions = []string{t.version}
	}
	if t.id != "" {
		in.LaunchTemplateId = aws.String(t.id)
	} else {
		in.LaunchTemplateName = aws.String(t.name)
	}
	out, err := s.client.DescribeLaunchTemplateVersions(ctx, in)
	if err != nil {
		return types.LaunchTemplateVersion{}, err
	}
	if len(out.LaunchTemplateVersions) == 0 {
		return types.LaunchTemplateVersion{}, fmt.Errorf("version %s of launch template %s does not exist", t.version,
			t.id+t.name)
	}
	return out.LaunchTemplateVersions[0], nil
}

func reasonOf(err error) string {
	if known, ok := errors.AsType[smithy.APIError](err); ok {
		return known.ErrorMessage()
	}
	return err.Error()
}

// zonesOf are the zones of subnets, which must exist.
func (s *Service) zonesOf(ctx context.Context, subnets []string) ([]string, error) {
	out, err := s.client.DescribeSubnets(ctx, &sdk.DescribeSubnetsInput{SubnetIds: subnets})
	if err != nil {
		return nil, invalid("The subnet ID '%s' does not exist", strings.Join(subnets, ","))
	}
	var zones []string
	for _, each := range out.Subnets {
		if zone := aws.ToString(each.AvailabilityZone); !has(zones, zone) {
			zones = append(zones, zone)
		}
	}
	return zones, nil
}

// zonesExist holds that a group's zones are zones of the Region; the words are unverified.
func (s *Service) zonesExist(ctx context.Context, zones []string) error {
	out, err := s.client.DescribeSubnets(ctx, &sdk.DescribeSubnetsInput{
		Filters: []types.Filter{{Name: aws.String("availability-zone"), Values: zones}},
	})
	if err != nil {
		return err
	}
	for _, zone := range zones {
		if !slices.ContainsFunc(out.Subnets, func(s types.Subnet) bool { return aws.ToString(s.AvailabilityZone) == zone }) {
			return invalid("Invalid availability zones: [%s]", zone)
		}
	}
	return nil
}

// order is one instance to launch: what may be launched, the preferred first, and where.
type order struct {
	group        string
	choices      []choice
	zone, subnet string
	tags         []types.Tag
	generation   int
	warm         bool // for the warm pool
}

// launch launches the first choice there is capacity for.
func (s *Service) launch(ctx context.Context, o order) (*member, error) {
	choices, err := s.meant(ctx, o.choices)
	if err != nil {
		return nil, err
	}
	var failed error
	for _, c := range choices {
		m, err := s.launchOne(ctx, o, c)
		if err == nil {
			return m, nil
		}
		failed = errors.Join(failed, err)
	}
	return nil, failed
}

func (s *Service) launchOne(ctx context.Context, o order, c choice) (*member, error) {
	in, err := s.request(ctx, o, c)
	if err != nil {
		return nil, err
	}
	out, err := s.client.RunInstances(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("launching an instance for %s: %w", o.group, err)
	}
	i := out.Instances[0]
	m := &member{
		id: aws.ToString(i.InstanceId), typ: string(i.InstanceType), image: aws.ToString(i.ImageId),
		zone: aws.ToString(i.Placement.AvailabilityZone), subnet: aws.ToString(i.SubnetId),
		template: spec{id: c.template.id, name: c.template.name}, own: c,
		state: pending, healthy: true, generation: o.generation,
	}
	if in.LaunchTemplate != nil {
		m.template.version = aws.ToString(in.LaunchTemplate.Version)
	}
	return m, s.options.EC2.SetTags(m.id, map[string]string{groupTag: o.group})
}

// request asks EC2 for one instance.
func (s *Service) request(ctx context.Context, o order, c choice) (*sdk.RunInstancesInput, error) {
	in := &sdk.RunInstancesInput{MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: types.InstanceType(c.typ)}
	found := types.LaunchTemplateVersion{LaunchTemplateData: &types.ResponseLaunchTemplateData{}}
	if c.template != (spec{}) {
		var err error
		if found, err = s.version(ctx, c.template); err != nil {
			return nil, fmt.Errorf("reading launch template %s: %w", c.template.id, err)
		}
		in.LaunchTemplate = &types.LaunchTemplateSpecification{LaunchTemplateId: found.LaunchTemplateId,
			Version: aws.String(strconv.FormatInt(aws.ToInt64(found.VersionNumber), 10))}
	}
	if c.image != "" {
		in.ImageId = aws.String(c.image)
	}
	if o.zone != "" {
		in.Placement = &types.Placement{AvailabilityZone: aws.String(o.zone)}
	}
	if o.subnet != "" {
		into(in, found.LaunchTemplateData.NetworkInterfaces, o.subnet)
	}
	if len(o.tags) > 0 {
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: o.tags}}
	}
	return in, nil
}

// into puts the request into a subnet of the group's. Where the template has a network
// interface, the subnet becomes the interface's, as EC2 takes no other beside it.
func into(in *sdk.RunInstancesInput, interfaces []types.LaunchTemplateInstanceNetworkInterfaceSpecification,
	subnet string) {
	if len(interfaces) == 0 {
		in.SubnetId = aws.String(subnet)
		return
	}
	first := interfaces[0]
	in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{
		SubnetId: aws.String(subnet), DeviceIndex: first.DeviceIndex, Groups: first.Groups,
		AssociatePublicIpAddress: first.AssociatePublicIpAddress, DeleteOnTermination: first.DeleteOnTermination,
	}}
}

// launchable holds that EC2 would launch one of a config's choices; else it says why not the
// first. Auto Scaling asks by a dry run when a group is made, changed or refreshed (user guide,
// launch template permissions), and answers in the words of
// aws-samples/amazon-autoscaling-mac1metal-ec2-with-terraform#6. Which of the types of a mixed
// group it asks about is not documented.
func (s *Service) launchable(ctx context.Context, c *config) error {
	choices, err := s.meant(ctx, c.choices())
	for _, each := range choices {
		refused := s.refusal(ctx, each)
		if refused == nil {
			return nil
		}
		err = cmp.Or(err, refused)
	}
	return invalid("You must use a valid fully-formed launch template. %s", reasonOf(err))
}

// refusal is why EC2 would not launch a choice, nil when it would.
func (s *Service) refusal(ctx context.Context, c choice) error {
	in, err := s.request(ctx, order{}, c)
	if err != nil {
		return err
	}
	in.DryRun = aws.Bool(true)
	_, err = s.client.RunInstances(ctx, in)
	if known, ok := errors.AsType[smithy.APIError](err); ok && known.ErrorCode() == "DryRunOperation" {
		return nil
	}
	return err
}

// groupTag is on every member; only Auto Scaling can set it.
const groupTag = "aws:autoscaling:groupName"

func (s *Service) stop(ctx context.Context, id string) error {
	_, err := s.client.StopInstances(ctx, &sdk.StopInstancesInput{InstanceIds: []string{id}})
	return err
}

// numbers are the versions that a config's specifications stand for now: $Latest, $Default and none
// mean a number. What cannot be read is left out.
func (s *Service) numbers(ctx context.Context, c *config) map[spec]string {
	numbers := map[spec]string{}
	for _, each := range c.specs() {
		if found, err := s.version(ctx, *each); err == nil {
			numbers[*each] = strconv.FormatInt(aws.ToInt64(found.VersionNumber), 10)
		}
	}
	return numbers
}

func (s *Service) terminate(ctx context.Context, id string) error {
	_, err := s.client.TerminateInstances(ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{id}})
	return err
}
