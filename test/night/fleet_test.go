package night_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/tag"
)

// server is an instance as a story describes it.
type server struct {
	id, name string
	tags     map[string]string
	enrolled bool
}

// launch starts an instance and gives its id. The description is a list of
// words: an instance type (t3.micro unless given), a volume type for each
// volume besides the root, and any of
//
//	stopped  spot  one-time  instance-store  protected  hibernating  arm64
//	magnetic (a root of type standard)
//	grown (a root of 50 GiB)  kept (a data volume that stays when the instance is terminated)
//	private (no public address)  unenrolled  plan=NAME  group=NAME  image=ID  KEY=VALUE (a tag)
//	profile=NAME (an instance profile, so that Systems Manager reaches its agent)
//	key=STATE (a data volume under a KMS key in that state)
//	host (on a Dedicated Host)
func (n *night) launch(name, description string) string {
	n.t.Helper()
	s := &server{name: name, enrolled: true, tags: map[string]string{"Name": name, tag.Plan: "nightly"}}
	d := describe(s, description)
	d.in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: tag.List(s.tags)}}
	out := must(n.cloud.RunInstances(n.ctx, d.in))(n.t)
	s.id = aws.ToString(out.Instances[0].InstanceId)
	n.fleet[name] = s
	state := ec2.Running
	if d.stopped {
		state = ec2.Stopped
	}
	n.as(s.id, ec2.Running)
	n.as(s.id, state)
	if d.hibernating {
		n.ok(n.EC2.SetHibernation(s.id, true))
	}
	if d.key != "" {
		n.EC2.SetKey(keyIn(d.key), keyStates[d.key])
	}
	if len(d.reserved) > 0 {
		n.ok(n.EC2.SetTags(s.id, d.reserved))
	}
	return s.id
}

// launchMany starts count instances of the nightly plan, all called web.
func (n *night) launchMany(count int) []string {
	n.t.Helper()
	var ids []string
	for len(ids) < count {
		batch := int32(min(1000, count-len(ids))) //nolint:gosec // at most 1000
		tags := map[string]string{"Name": "web", tag.Plan: "nightly"}
		out := must(n.cloud.RunInstances(n.ctx, &sdk.RunInstancesInput{
			ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro", MinCount: &batch, MaxCount: &batch,
			TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: tag.List(tags)}},
		}))(n.t)
		for _, i := range out.Instances {
			id := aws.ToString(i.InstanceId)
			n.as(id, ec2.Running)
			n.fleet[id] = &server{id: id, name: id, tags: tags, enrolled: true}
			ids = append(ids, id)
		}
	}
	return ids
}

// description is a server's words, understood.
type description struct {
	in                   *sdk.RunInstancesInput
	stopped, hibernating bool
	reserved             map[string]string // tags that only AWS itself writes
	key                  string            // the state of a volume's key
}

// keyStates are the states of keys, by the words of descriptions.
var keyStates = map[string]ec2.KeyState{
	"usable": ec2.KeyUsable, "disabled": ec2.KeyDisabled, "deleting": ec2.KeyPendingDeletion, "hidden": ec2.KeyHidden,
	"ungranted": ec2.KeyNoGrant,
}

// keyIn is the ARN of the key that has the state.
func keyIn(state string) string {
	return fmt.Sprintf("arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-%012x", keyStates[state])
}

// listedKeys are all of these keys that a careful operator lists: each but the one on which no grant may be made.
func listedKeys() (keys []string) {
	for _, state := range slices.Sorted(maps.Keys(keyStates)) {
		if state != "ungranted" {
			keys = append(keys, keyIn(state))
		}
	}
	return keys
}

func describe(s *server, words string) *description {
	one := int32(1)
	d := &description{reserved: map[string]string{}, in: &sdk.RunInstancesInput{
		ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro", MinCount: &one, MaxCount: &one,
	}}
	for _, word := range strings.Fields(words) {
		key, value, isTag := strings.Cut(word, "=")
		switch {
		case isTag:
			d.tag(s, key, value)
		case strings.Contains(word, "."):
			d.in.InstanceType = types.InstanceType(word)
		default:
			d.word(s, word)
		}
	}
	return d
}

func (d *description) tag(s *server, key, value string) {
	switch {
	case key == "plan":
		s.tags[tag.Plan] = value
	case key == "profile":
		d.in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String(value)}
	case key == "image":
		d.in.ImageId = aws.String(value)
	case key == "key" && value == "aws": // the account's own for EBS
		d.volume("/dev/sdl", types.EbsBlockDevice{VolumeSize: aws.Int32(8), Encrypted: aws.Bool(true)})
	case key == "key":
		d.key = value
		d.volume("/dev/sdl", types.EbsBlockDevice{
			VolumeSize: aws.Int32(8), Encrypted: aws.Bool(true), KmsKeyId: aws.String(keyIn(value)),
		})
	case key == "group":
		d.reserved["aws:autoscaling:groupName"] = value
	case strings.HasPrefix(key, "aws:"):
		d.reserved[key] = value
	default:
		s.tags[key] = value
	}
}

func (d *description) word(s *server, word string) {
	words := map[string]func(){
		"stopped":        func() { d.stopped = true },
		"hibernating":    func() { d.hibernating = true },
		"protected":      func() { d.in.DisableApiStop = aws.Bool(true) },
		"spot":           func() { d.spot(types.SpotInstanceTypePersistent) },
		"one-time":       func() { d.spot(types.SpotInstanceTypeOneTime) },
		"instance-store": func() { d.in.ImageId, d.in.InstanceType = aws.String(ec2.ImageInstanceStore), "m3.medium" },
		"arm64":          func() { d.in.ImageId, d.in.InstanceType = aws.String(ec2.ImageARM), "t4g.small" },
		"unenrolled":     func() { s.enrolled = false; delete(s.tags, tag.Plan) },
		"grown":          func() { d.volume("/dev/xvda", types.EbsBlockDevice{VolumeSize: aws.Int32(50)}) },
		"magnetic":       func() { d.volume("/dev/xvda", types.EbsBlockDevice{VolumeType: types.VolumeTypeStandard}) },
		"kept": func() {
			d.volume("/dev/sdk", types.EbsBlockDevice{VolumeSize: aws.Int32(9), DeleteOnTermination: aws.Bool(false)})
		},
		"host": func() { d.in.Placement = &types.Placement{Tenancy: types.TenancyHost} },
		"private": func() {
			d.in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{
				DeviceIndex: aws.Int32(0), AssociatePublicIpAddress: aws.Bool(false),
			}}
		},
	}
	if understood, ok := words[word]; ok {
		understood()
		return
	}
	d.volume(fmt.Sprintf("/dev/sd%c", 'f'+len(d.in.BlockDeviceMappings)),
		types.EbsBlockDevice{VolumeType: types.VolumeType(word), VolumeSize: aws.Int32(500)})
}

func (d *description) volume(device string, ebs types.EbsBlockDevice) {
	d.in.BlockDeviceMappings = append(d.in.BlockDeviceMappings,
		types.BlockDeviceMapping{DeviceName: aws.String(device), Ebs: &ebs})
}

func (d *description) spot(kind types.SpotInstanceType) {
	d.in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{
		MarketType: types.MarketTypeSpot, SpotOptions: &types.SpotMarketOptions{SpotInstanceType: kind},
	}
	if kind == types.SpotInstanceTypePersistent {
		d.in.InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior = types.InstanceInterruptionBehaviorStop
	}
}

func (n *night) as(id string, state ec2.State) {
	n.t.Helper()
	n.ok(n.EC2.SetState(id, state))
}

func (n *night) ok(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// ask puts the request tag on a resource, as a person would.
func (n *night) ask(id, value string) {
	n.t.Helper()
	n.ok(n.tagAs(id, map[string]string{tag.Request: value}))
}

func (n *night) tagAs(id string, tags map[string]string) error {
	_, err := n.cloud.CreateTags(n.ctx, &sdk.CreateTagsInput{Resources: []string{id}, Tags: tag.List(tags)})
	return err
}

// template makes a launch template that wants a source's image, and gives its id.
func (n *night) template(name, source, kind, image string) string {
	n.t.Helper()
	out := must(n.cloud.CreateLaunchTemplate(n.ctx, &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String(name),
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(image),
			InstanceType: types.InstanceType(kind)},
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeLaunchTemplate, Tags: tag.List(map[string]string{tag.Source: source}),
		}},
	}))(n.t)
	return aws.ToString(out.LaunchTemplate.LaunchTemplateId)
}

// alias writes a parameter that holds an image.
func (n *night) alias(name, image string) {
	n.t.Helper()
	must(n.ssm.PutParameter(n.ctx, &ssm.PutParameterInput{
		Name: aws.String(name), Value: aws.String(image), Type: ssmtypes.ParameterTypeString,
		DataType: aws.String("aws:ec2:image"),
	}))(n.t)
}

// tagsOf are a resource's tags now.
func (n *night) tagsOf(id string) map[string]string {
	n.t.Helper()
	out := must(n.cloud.DescribeTags(n.ctx, &sdk.DescribeTagsInput{
		Filters: []types.Filter{{Name: aws.String("resource-id"), Values: []string{id}}},
	}))(n.t)
	tags := map[string]string{}
	for _, each := range out.Tags {
		tags[aws.ToString(each.Key)] = aws.ToString(each.Value)
	}
	return tags
}

// ids are the ids of servers by name; all of them when none is named.
func (n *night) ids(names ...string) []string {
	var ids []string
	if len(names) == 0 {
		for name := range maps.Keys(n.fleet) {
			ids = append(ids, n.fleet[name].id)
		}
	}
	for _, name := range names {
		ids = append(ids, n.fleet[name].id)
	}
	return ids
}
