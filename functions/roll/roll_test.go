package roll_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"goldsmith/functions/roll"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/register"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

const (
	before = "ami-0aaaaaaaaaaaaaaaa"
	newest = "ami-0bbbbbbbbbbbbbbbb"
	alias  = "/goldsmith/images/web"
)

// scene is a job whose image is available, and whose name is its own.
func scene(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
	owns(s, "web", s.Web)
	return first(s)
}

// first is such a job of a name without an owner.
func first(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
	s.Helper()
	j := s.Job()
	if !s.Cloud.Launchable(newest) {
		s.Cloud.AddImage(newest)
	}
	j.Back, j.Image.ID, j.Image.State = true, newest, "available"
	made := shown(s, newest)
	registered(s, j, made)
	step := step(s)
	return func(ctx context.Context, j job.Job) (job.Job, error) {
		known, _, err := s.Ledger.Kept.Registration(ctx, j.Image.ID)
		s.Must(err)
		if known.Source != j.Source.ID || known.Name != j.Source.Name || known.Lineage != j.Source.OverTime() {
			made.Name = &j.Image.ID
			registered(s, j, made)
		}
		return step.Handle(ctx, j)
	}, j
}

func shown(s *steptest.Stage, id string) types.Image {
	s.Helper()
	out, err := s.EC2.DescribeImages(s.Context(), &sdk.DescribeImagesInput{ImageIds: []string{id}})
	s.Must(err)
	return out.Images[0]
}

// registered registers a job's image as made of its source, under its name. Those of tests are copies of one image.
func registered(s *steptest.Stage, j job.Job, made types.Image) {
	s.Helper()
	r := ledger.Registration{
		Kind: ledger.MadeImage, Call: ledger.RegisterImage, From: register.Root(made), Lineage: j.Source.OverTime(),
		Source: j.Source.ID, Plan: j.Run.Plan, Run: j.Run.Name, AMIName: aws.ToString(made.Name), ID: j.Image.ID,
	}
	if made.SourceImageId != nil {
		r.Call, r.From, r.FromRegion = ledger.CopyImage, *made.SourceImageId, aws.ToString(made.SourceImageRegion)
	}
	r, err := s.Ledger.Kept.Register(s.Context(), r)
	s.Must(err)
	r.Name = j.Source.Name
	_, err = s.Ledger.Kept.Amend(s.Context(), r)
	s.Must(err)
}

// owns makes a lineage the owner of a name, as a roll of a night before did.
func owns(s *steptest.Stage, name, lineage string) {
	s.Helper()
	_, err := s.Ledger.Kept.PutOwner(s.Context(),
		ledger.Owner{Name: name, Lineage: lineage, Source: lineage, Run: "nightly-before", At: time.Now()})
	s.Must(err)
}

func step(s *steptest.Stage) roll.Step {
	return roll.Step{
		EC2: s.EC2, AutoScaling: s.AutoScaling, SSM: s.SSM, Lineages: lineage.Finder{EC2: s.EC2, Groups: s.AutoScaling},
		Ledger: s.Ledger, Path: "/goldsmith/images", Now: time.Now,
	}
}

// subscribed is a scene with a launch template that wants the source's image.
func subscribed(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
	s.Cloud.AddImage(before)
	template(s, "fleet", "web", before)
	return scene(s)
}

type cases = []steptest.Case[job.Job, job.Job]

const (
	finds = "DescribeImages Registration Owner Targets DescribeLaunchTemplates DescribeLaunchTemplateVersions"
	rolls = " PutTarget CreateLaunchTemplateVersion DescribeLaunchTemplateVersions ModifyLaunchTemplate PutTarget"
	// reads are what launches from the templates, then the alias, and then of which kind what they launch is.
	launch = " DescribeAutoScalingGroups DescribeFleets DescribeSpotFleetRequests"
	reads  = launch + " GetParameter Targets DescribeImages"
	writes = " PutTarget PutParameter PutTarget"
	// aliased is what is read where the alias alone takes the image.
	aliased = "DescribeImages Registration Owner Targets DescribeLaunchTemplates GetParameter"
)

func TestRoll(t *testing.T) {
	steptest.Play(t, subscribed, cases{
		{
			Name: "a template tagged for the source: a new version, made default",
			Want: did(finds + reads + rolls + writes + ": ok"),
			Then: func(s *steptest.Stage, j job.Job) {
				v := versions(s, "fleet")
				s.Same("versions", len(v), 2)
				s.Same("default", []any{aws.ToBool(v[0].DefaultVersion), aws.ToString(v[0].LaunchTemplateData.ImageId)},
					[]any{true, newest})
				s.Same("described", aws.ToString(v[0].VersionDescription), "Goldsmith run "+steptest.RunName)
				s.Same("rolled", j.Rolled, []job.Rolled{
					{Target: aws.ToString(v[0].LaunchTemplateId), Name: "fleet", From: before, To: newest, Version: 2, Previous: 1},
					{Target: alias, Parameter: true, To: newest, Version: 1},
				})
			},
		},
		{
			Name: "the new version is the old one in all but the image",
			Given: func(s *steptest.Stage, _ *job.Job) {
				template(s, "rich", "web", before, func(d *types.RequestLaunchTemplateData) {
					d.InstanceType, d.KeyName, d.UserData = types.InstanceTypeT3Micro, aws.String("ops"), aws.String("IyEvYmluL3No")
					d.BlockDeviceMappings = []types.LaunchTemplateBlockDeviceMappingRequest{{
						DeviceName: aws.String("/dev/sdf"),
						Ebs:        &types.LaunchTemplateEbsBlockDeviceRequest{VolumeSize: aws.Int32(50), Encrypted: aws.Bool(true)},
					}}
				})
			},
			Want: did(finds + "*2" + reads + " DescribeInstanceTypes" + rolls + rolls + writes + ": ok"),
			Then: func(s *steptest.Stage, _ job.Job) {
				v := versions(s, "rich")
				old := *v[1].LaunchTemplateData
				old.ImageId = aws.String(newest)
				if diff := cmp.Diff(old, *v[0].LaunchTemplateData,
					cmpopts.IgnoreUnexported(types.ResponseLaunchTemplateData{}, types.LaunchTemplateBlockDeviceMapping{},
						types.LaunchTemplateEbsBlockDevice{})); diff != "" {
					s.Error(diff)
				}
			},
		},
		{
			Name: "rolled once, however often the step runs",
			Want: did(finds + reads + rolls + writes + ": ok | " + finds + launch +
				" GetParameter DescribeLaunchTemplateVersions: ok"),
			Between: func(*steptest.Stage) { time.Sleep(time.Minute) },
			Then:    func(s *steptest.Stage, _ job.Job) { s.Same("versions", len(versions(s, "fleet")), 2) },
		},
		{
			Name: "the answers are lost on their way: one version all the same",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "CreateLaunchTemplateVersion", Nth: []int{1}, Drop: true})
				s.Cloud.Inject(ec2.Fault{Action: "ModifyLaunchTemplate", Nth: []int{1}, Drop: true})
				s.LoseAnswers("PutParameter", 1)
			},
			Want: did(finds + reads + " PutTarget CreateLaunchTemplateVersion*2 DescribeLaunchTemplateVersions " +
				"ModifyLaunchTemplate*2 PutTarget*2 PutParameter*2 PutTarget: ok"),
			Then: func(s *steptest.Stage, _ job.Job) { s.Same("versions", len(versions(s, "fleet")), 2) },
		},
		{
			Name: "the version was made, making it default failed: it is covered, and the next try moves the default first",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "ModifyLaunchTemplate", Nth: []int{1, 2, 3, 4, 5, 6},
					Code: "RequestLimitExceeded"})
			},
			Want: did(finds + reads + " PutTarget CreateLaunchTemplateVersion DescribeLaunchTemplateVersions " +
				"ModifyLaunchTemplate*6 DescribeLaunchTemplateVersions CreateLaunchTemplateVersion PutTarget: Transient | " +
				finds + launch +
				" GetParameter DescribeImages PutTarget DescribeLaunchTemplateVersions*2 ModifyLaunchTemplate " +
				"CreateLaunchTemplateVersion*2 PutTarget" +
				writes + ": ok"),
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("versions", len(versions(s, "fleet")), 4)
				s.Same("rolled", []any{j.Rolled[0].From, j.Rolled[0].Version, j.Rolled[0].Previous},
					[]any{before, int64(2), int64(1)})
			},
		},
		{
			Name:  "somebody has rolled it already: nothing to do",
			Given: func(s *steptest.Stage, _ *job.Job) { template(s, "already", "web", newest) },
			Want:  did(finds + "*2" + reads + rolls + writes + ": ok"),
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("versions", len(versions(s, "already")), 1)
				s.Same("rolled", find(j, "already").Problem, "")
			},
		},
		{
			Name:  "the plan rolls nothing",
			Given: func(_ *steptest.Stage, j *job.Job) { j.Plan.Roll.Skip, j.Rolled = true, nil },
			Want:  ": ok",
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("rolled", len(j.Rolled), 0) },
		},
		{
			Name:  "templates of other sources are left alone",
			Given: func(s *steptest.Stage, _ *job.Job) { template(s, "other", "web-2", before) },
			Want:  did(finds + reads + rolls + writes + ": ok"),
			Then:  func(s *steptest.Stage, _ job.Job) { s.Same("versions", len(versions(s, "other")), 1) },
		},
		{
			Name: "a name with wildcards in it is only that name",
			Given: func(s *steptest.Stage, j *job.Job) {
				template(s, "starred", `w?b\*`, before)
				owns(s, `w?b\*`, s.Web)
				j.Source.Name = `w?b\*`
			},
			Want: did(finds + reads + rolls + writes + ": ok"),
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("the starred", len(versions(s, "starred")), 2)
				s.Same("the others", len(versions(s, "fleet")), 1)
				s.Same("alias", find(j, "/goldsmith/images/w-b-5b29c97fe12b62523377dab4d3e9a6cf").To, newest)
			},
		},
		{
			Name: "a template may have no image yet",
			Given: func(s *steptest.Stage, _ *job.Job) {
				template(s, "bare", "web", "", func(d *types.RequestLaunchTemplateData) { d.KeyName = aws.String("ops") })
			},
			Want: did(finds + "*2" + reads + rolls + rolls + writes + ": ok"),
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("rolled", []string{find(j, "bare").From, find(j, "bare").To}, []string{"", newest})
			},
		},
	})
}

// Aliases: the source's own, and those that templates resolve.
func TestRollAlias(t *testing.T) {
	steptest.Play(t, scene, cases{
		{
			Name: "no template wants the image: the alias is written all the same",
			Want: did("DescribeImages Registration Owner Targets DescribeLaunchTemplates GetParameter" + writes + ": ok"),
			Then: func(s *steptest.Stage, j job.Job) {
				time.Sleep(time.Minute)
				value, _ := s.Parameters.Value(alias)
				s.Same("alias", value, newest)
				s.Same("rolled", j.Rolled, []job.Rolled{{Target: alias, Parameter: true, To: newest, Version: 1}})
			},
		},
		{
			Name:  "it remembers what it pointed at before",
			Given: func(s *steptest.Stage, _ *job.Job) { put(s, alias, before) },
			Want:  did(aliased + " DescribeLaunchTemplateVersions" + launch + " Targets" + writes + ": ok"),
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("rolled", j.Rolled, []job.Rolled{{Target: alias, Parameter: true, From: before, To: newest, Version: 2,
					Previous: 1}})
			},
		},
		{
			Name:  "it points there already",
			Given: func(s *steptest.Stage, _ *job.Job) { put(s, alias, newest) },
			Want:  did(aliased + " DescribeLaunchTemplateVersions" + launch + " Targets: ok"),
		},
		{
			Name: "a template that resolves a parameter is rolled by writing it; it gets no version",
			Given: func(s *steptest.Stage, _ *job.Job) {
				put(s, "/golden/web", before)
				template(s, "resolving", "web", "resolve:ssm:/golden/web")
			},
			Want: did(finds + launch + " GetParameter Owner Registration DescribeLaunchTemplateVersions GetParameter" +
				" Targets DescribeImages PutOwner" + writes + writes + ": ok"),
			Then: func(s *steptest.Stage, j job.Job) {
				time.Sleep(time.Minute)
				value, _ := s.Parameters.Value("/golden/web")
				s.Same("parameter", value, newest)
				s.Same("versions", len(versions(s, "resolving")), 1)
				s.Same("rolled", find(j, "/golden/web").From, before)
				s.Same("templates behind it", len(find(j, "/golden/web").Through), 1)
			},
		},
		{
			Name:  "the function may not write it: said so, the run goes on",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Refuse("PutParameter", "AccessDeniedException", 1) },
			Want:  did("DescribeImages Registration Owner Targets DescribeLaunchTemplates GetParameter" + writes + ": ok"),
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("problem", find(j, alias).Problem != "", true)
			},
		},
		{
			Name: "Parameter Store is busy: the step is tried again",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Refuse("PutParameter", "ThrottlingException", steptest.Attempts)
			},
			Want: did("DescribeImages Registration Owner Targets DescribeLaunchTemplates GetParameter PutTarget " +
				"PutParameter*6: Transient | DescribeImages Registration Owner Targets DescribeLaunchTemplates GetParameter" +
				writes + ": ok"),
		},
		{
			Name:  "somebody else is writing it: the step is tried again",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Refuse("PutParameter", "TooManyUpdates", 1) },
			Want: did("DescribeImages Registration Owner Targets DescribeLaunchTemplates GetParameter" +
				" PutTarget PutParameter: Transient | DescribeImages Registration Owner Targets DescribeLaunchTemplates " +
				"GetParameter" + writes +
				": ok"),
		},
	})
}

// did is a transcript in which a call that follows itself is counted.
func did(transcript string) string {
	var words []string
	for _, word := range strings.Fields(transcript) {
		name, end, _ := strings.Cut(word, ":")
		name, times, _ := strings.Cut(name, "*")
		if strings.HasSuffix(word, ":") {
			end = ":"
		}
		n, err := strconv.Atoi(times)
		if err != nil {
			n = 1
		}
		if len(words) > 0 {
			last, before, _ := strings.Cut(words[len(words)-1], "*")
			if m, err := strconv.Atoi(before); last == name && name != "|" {
				if err != nil {
					m = 1
				}
				n, words = n+m, words[:len(words)-1]
			}
		}
		if n > 1 {
			name += fmt.Sprintf("*%d", n)
		}
		words = append(words, name+end)
	}
	return strings.Join(words, " ")
}

// template makes a launch template that wants the image of a source; "" for none.
func template(s *steptest.Stage, name, source, image string, edit ...func(*types.RequestLaunchTemplateData)) {
	s.Helper()
	data := &types.RequestLaunchTemplateData{}
	if image != "" {
		data.ImageId = aws.String(image)
	}
	for _, e := range edit {
		e(data)
	}
	in := &sdk.CreateLaunchTemplateInput{LaunchTemplateName: aws.String(name), LaunchTemplateData: data}
	if source != "" {
		in.TagSpecifications = []types.TagSpecification{{ResourceType: types.ResourceTypeLaunchTemplate,
			Tags: tag.List(map[string]string{tag.Source: source})}}
	}
	_, err := s.EC2.CreateLaunchTemplate(s.Context(), in)
	s.Must(err)
}

// versions are those of a template, newest first.
func versions(s *steptest.Stage, name string) []types.LaunchTemplateVersion {
	s.Helper()
	out, err := s.EC2.DescribeLaunchTemplateVersions(s.Context(),
		&sdk.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: aws.String(name)})
	s.Must(err)
	return out.LaunchTemplateVersions
}

func put(s *steptest.Stage, name, value string) {
	s.Helper()
	if !s.Cloud.Launchable(value) {
		s.Cloud.AddImage(value) // Systems Manager takes the id of no other.
	}
	_, err := s.SSM.PutParameter(s.Context(), &ssm.PutParameterInput{
		Name: aws.String(name), Value: aws.String(value), Type: ssmtypes.ParameterTypeString,
		DataType: aws.String("aws:ec2:image"),
	})
	s.Must(err)
	time.Sleep(time.Minute)
}

// find is what became of a target, by name or id.
func find(j job.Job, target string) job.Rolled {
	at := slices.IndexFunc(j.Rolled, func(r job.Rolled) bool { return r.Name == target || r.Target == target })
	if at < 0 {
		return job.Rolled{Problem: "it is not among the targets"}
	}
	return j.Rolled[at]
}
