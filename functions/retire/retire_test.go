package retire_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/retire"
	"goldsmith/local/ec2"
	"goldsmith/local/stage"
	"goldsmith/shared/handler"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
	"goldsmith/shared/reference"
	"goldsmith/shared/retention"
	"goldsmith/shared/tag"
)

type (
	cases = []stage.Case[job.Page, job.Page]
	scene = func(*stage.Stage) (handler.Func[job.Page, job.Page], job.Page)
)

const (
	// looks is finding out what images there are, and what uses them.
	sees  = "Registrations DescribeImages Claims Retirements Results"
	refs  = " DescribeInstances DescribeLaunchTemplateVersions DescribeAutoScalingGroups DescribeLaunchConfigurations DescribeFleets DescribeSpotFleetRequests GetParametersByPath DescribeImageAttribute DescribeImageReferences"
	snaps = " DescribeVolumes DescribeSnapshotAttribute DescribeFastSnapshotRestores DescribeLockedSnapshots DescribeSnapshotTierStatus"
	gates = refs + snaps
	// launches is finding out which templates, groups and fleets make volumes of a snapshot.
	launches = " DescribeLaunchTemplateVersions DescribeAutoScalingGroups DescribeLaunchConfigurations DescribeFleets DescribeSpotFleetRequests"
	looks    = sees + gates
	// missed is finding out what there is, when EC2 does not show a registered image.
	missed = "Registrations DescribeImages*2 Claims Retirements Results"
	gone   = " PutRetirement DeregisterImage ListImagesInRecycleBin PutRetirement Retire"
)

// old is one image of web, a day old for each night; its job ended well.
func old(s *stage.Stage, nights int, tags map[string]string) string {
	s.Helper()
	made := time.Now().Add(-time.Duration(nights) * 24 * time.Hour)
	run := fmt.Sprintf("nightly-%03d", nights)
	all := map[string]string{tag.Managed: "true", tag.Plan: "nightly", tag.Name: "web", tag.Source: s.Web, tag.Run: run}
	for key, value := range tags {
		all[key] = value
	}
	name := fmt.Sprintf("%s/%03d", all[tag.Name], nights)
	id := s.Cloud.SeedImage(name, made, all)
	registered(s, ledger.Registration{Lineage: all[tag.Source], Source: all[tag.Source], Name: all[tag.Name], Plan: all[tag.Plan], Run: run, AMIName: name, ID: id, Begun: made, Snapshots: snapshotsOf(s, id)})
	s.Must(s.Ledger.Kept.PutResult(s.Context(), job.Result{
		Run: run, Source: all[tag.Source], Name: all[tag.Name], Plan: "nightly", Ending: job.Imaged, At: made, Image: job.Image{ID: id, State: "available"},
	}))
	return id
}

// registered registers an image, settled as a sweep leaves it.
func registered(s *stage.Stage, r ledger.Registration) {
	s.Helper()
	r.Kind, r.Call = ledger.MadeImage, ledger.CreateImage
	r, err := s.Ledger.Kept.Register(s.Context(), r)
	s.Must(err)
	s.Must(s.Ledger.Kept.Settle(s.Context(), r))
}

func snapshotsOf(s *stage.Stage, id string) []string {
	s.Helper()
	out, err := s.EC2.DescribeImages(s.Context(), &sdk.DescribeImagesInput{ImageIds: []string{id}})
	s.Must(err)
	return image.Snapshots(out.Images[0])
}

// aged is a plan that keeps one image, and an image of last night and an older one that is due.
func aged(due *string) scene {
	return func(s *stage.Stage) (handler.Func[job.Page, job.Page], job.Page) {
		page := job.Page{Run: job.Run{Name: "tonight", Plan: "nightly"}, Plan: s.Plan}
		page.Plan.Keep = plan.Keep{Last: 1, Minimum: 1, Grace: plan.Duration(72 * time.Hour)}
		time.Sleep(time.Minute) // past the template's own instance
		old(s, 1, nil)
		*due = old(s, 10, nil)
		lineages := lineage.Finder{EC2: s.EC2, Groups: s.AutoScaling}
		watcher := retention.Watcher{EC2: s.EC2, Book: s.Ledger, Lineages: lineages, Gate: reference.Gate{EC2: s.EC2, AutoScaling: s.AutoScaling, SSM: s.SSM}, Now: time.Now}
		return retire.New(watcher, s.EC2, s.Ledger, time.Now).Handle, page
	}
}

// deprecated is what an earlier night has done to the image.
func deprecated(s *stage.Stage, id string, ago time.Duration) {
	s.Helper()
	_, err := s.EC2.EnableImageDeprecation(s.Context(), &sdk.EnableImageDeprecationInput{ImageId: aws.String(id), DeprecateAt: aws.Time(time.Now().Add(time.Minute))})
	s.Must(err)
	s.Must(s.Ledger.Kept.PutRetirement(s.Context(), job.Retirement{Plan: "nightly", Subject: id, Name: "web", Run: "before", Fate: job.Deprecated, Since: time.Now().Add(-ago), At: time.Now()}))
}

// is describes an image: "available", "deprecated", "disabled" or "gone".
func is(s *stage.Stage, id string) string {
	s.Helper()
	out, err := s.EC2.DescribeImages(s.Context(), &sdk.DescribeImagesInput{Owners: []string{"self"}, IncludeDisabled: aws.Bool(true), Filters: []types.Filter{{Name: aws.String("image-id"), Values: []string{id}}}})
	s.Must(err)
	switch {
	case len(out.Images) == 0:
		return "gone"
	case out.Images[0].State == types.ImageStateDisabled:
		return "disabled"
	case out.Images[0].DeprecationTime != nil:
		return "deprecated"
	}
	return string(out.Images[0].State)
}

// fate is what the ledger says became of a subject, and why.
func fate(s *stage.Stage, subject string) string {
	s.Helper()
	for r, err := range s.Ledger.Kept.Retirements(s.Context(), "nightly") {
		s.Must(err)
		if r.Subject == subject {
			return string(r.Fate) + ": " + strings.Join(r.Why, "; ")
		}
	}
	return ""
}

func snapshots(s *stage.Stage) int {
	s.Helper()
	out, err := s.EC2.DescribeSnapshots(s.Context(), &sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	s.Must(err)
	return len(out.Snapshots)
}

// template subscribes web; each image is a version, and the last one the default.
func template(s *stage.Stage, name string, images ...string) string {
	s.Helper()
	data := func(image string) *types.RequestLaunchTemplateData {
		return &types.RequestLaunchTemplateData{ImageId: aws.String(image), InstanceType: types.InstanceTypeT3Micro}
	}
	out, err := s.EC2.CreateLaunchTemplate(s.Context(), &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String(name), LaunchTemplateData: data(images[0]),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeLaunchTemplate, Tags: tag.List(map[string]string{tag.Source: "web"})}},
	})
	s.Must(err)
	id := aws.ToString(out.LaunchTemplate.LaunchTemplateId)
	for _, image := range images[1:] {
		_, err := s.EC2.CreateLaunchTemplateVersion(s.Context(), &sdk.CreateLaunchTemplateVersionInput{LaunchTemplateId: aws.String(id), LaunchTemplateData: data(image)})
		s.Must(err)
	}
	_, err = s.EC2.ModifyLaunchTemplate(s.Context(), &sdk.ModifyLaunchTemplateInput{LaunchTemplateId: aws.String(id), DefaultVersion: aws.String(fmt.Sprint(len(images)))})
	s.Must(err)
	return id
}

func versions(s *stage.Stage, id string) []int64 {
	s.Helper()
	out, err := s.EC2.DescribeLaunchTemplateVersions(s.Context(), &sdk.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: aws.String(id)})
	s.Must(err)
	var numbers []int64
	for _, v := range out.LaunchTemplateVersions {
		numbers = append(numbers, aws.ToInt64(v.VersionNumber))
	}
	slices.Sort(numbers)
	return numbers
}

func TestRetireSteps(t *testing.T) {
	var due string
	after := func(state, said string) func(*stage.Stage, job.Page) {
		return func(s *stage.Stage, p job.Page) {
			s.Same("image", is(s, due), state)
			s.Same("fate", fate(s, due), said)
			s.Same("more", p.Retire.More, false)
		}
	}
	stage.Play(t, aged(&due), cases{
		{
			Name: "the plan has no rule", Want: ": ok",
			Given: func(_ *stage.Stage, p *job.Page) { p.Plan.Keep.Last = 0 },
			Then:  after("available", ""),
		},
		{
			Name: "it is kept", Want: sees + "*2" + ": ok",
			Given: func(_ *stage.Stage, p *job.Page) { p.Plan.Keep.Last = 2 },
			Then:  after("available", ""),
		},
		{
			Name: "first it is deprecated", Want: sees + "*2" + gates + " PutRetirement EnableImageDeprecation" + ": ok",
			Then: after("deprecated", "deprecated: no rule keeps it"),
		},
		{
			Name:  "and then the grace period passes",
			Given: func(s *stage.Stage, _ *job.Page) { deprecated(s, due, 71*time.Hour) },
			Want:  sees + "*2" + gates + ": ok",
			Then:  after("deprecated", "deprecated: "),
		},
		{
			Name:  "and then it goes with its snapshots",
			Given: func(s *stage.Stage, _ *job.Page) { deprecated(s, due, 72*time.Hour) },
			Want:  sees + "*2" + gates + gone + ": ok",
			Then: func(s *stage.Stage, p job.Page) {
				after("gone", "retired: no rule keeps it")(s, p)
				s.Same("snapshots", snapshots(s), 1)
			},
		},
		{
			Name: "or is disabled first",
			Given: func(s *stage.Stage, p *job.Page) {
				p.Plan.Keep.Disable = true
				deprecated(s, due, 72*time.Hour)
			},
			Want: sees + "*2" + gates + " PutRetirement DisableImage" + ": ok | " + sees + gates + ": ok",
			Then: after("disabled", "disabled: no rule keeps it"),
		},
		{
			Name: "and goes after a second grace period",
			Given: func(s *stage.Stage, p *job.Page) {
				p.Plan.Keep.Disable = true
				deprecated(s, due, 72*time.Hour)
				_, err := s.EC2.DisableImage(s.Context(), &sdk.DisableImageInput{ImageId: aws.String(due)})
				s.Must(err)
			},
			Want: sees + gates + gone + ": ok",
			Then: after("gone", "retired: no rule keeps it"),
		},
		{
			Name: "it is kept again",
			Given: func(s *stage.Stage, p *job.Page) {
				deprecated(s, due, 71*time.Hour)
				p.Plan.Keep.Last = 2
			},
			Want: sees + "*2 DisableImageDeprecation PutRetirement" + ": ok",
			Then: after("available", "restored: last 2/2"),
		},
		{
			Name: "somebody took the deprecation back",
			Given: func(s *stage.Stage, _ *job.Page) {
				deprecated(s, due, 100*time.Hour)
				_, err := s.EC2.DisableImageDeprecation(s.Context(), &sdk.DisableImageDeprecationInput{ImageId: aws.String(due)})
				s.Must(err)
			},
			Want: sees + "*2" + gates + " PutRetirement EnableImageDeprecation" + ": ok",
			Then: after("deprecated", "deprecated: no rule keeps it"),
		},
		{
			Name: "an image that is not known to be good is neither counted nor retired",
			Given: func(s *stage.Stage, _ *job.Page) {
				s.Must(s.Ledger.Kept.PutResult(s.Context(), job.Result{Run: "nightly-001", Source: s.Web, Ending: job.Broken, At: time.Now()}))
			},
			Want: sees + "*2" + ": ok",
			Then: after("available", ""),
		},
		{
			Name: "no image is known to be good",
			Given: func(s *stage.Stage, _ *job.Page) {
				for _, run := range []string{"nightly-001", "nightly-010"} {
					s.Must(s.Ledger.Kept.PutResult(s.Context(), job.Result{Run: run, Source: s.Web, Ending: job.Broken, At: time.Now()}))
				}
			},
			Want: sees + "*2 PutRetirement" + ": ok",
			Then: func(s *stage.Stage, _ job.Page) {
				s.Same("fate", fate(s, "web"), "suspended: no current image: retiring suspended")
			},
		},
		{
			Name: "a run has it in hand",
			Given: func(s *stage.Stage, _ *job.Page) {
				_, err := s.Ledger.Kept.Claim(s.Context(), ledger.Claim{Source: s.Web, Run: "nightly-010"})
				s.Must(err)
			},
			Want: sees + "*2" + ": ok",
			Then: after("available", ""),
		},
		{
			Name: "its source wishes otherwise",
			Given: func(s *stage.Stage, _ *job.Page) {
				old(s, 0, map[string]string{tag.Keep: "last=3"})
			},
			Want: sees + "*3" + ": ok",
			Then: after("available", ""),
		},
		{
			Name: "its source's wish cannot be read",
			Given: func(s *stage.Stage, _ *job.Page) {
				old(s, 0, map[string]string{tag.Keep: "last:3"})
			},
			Want: sees + "*3 PutRetirement" + ": ok",
			Then: func(s *stage.Stage, _ job.Page) {
				s.Same("fate", strings.HasPrefix(fate(s, "web"), "suspended: its tag goldsmith:keep cannot be read"), true)
			},
		},
		{
			Name: "another source is asked for",
			Given: func(s *stage.Stage, p *job.Page) {
				p.Run.Request = &job.Request{Source: "i-0a1b2c3d4e5f60718", Kind: job.Instance}
			},
			Want: sees + "*2: ok",
			Then: after("available", ""),
		},
		{
			Name: "its source is asked for",
			Given: func(s *stage.Stage, p *job.Page) {
				p.Run.Request = &job.Request{Source: s.Web, Kind: job.Instance}
			},
			Want: sees + "*2" + gates + " PutRetirement EnableImageDeprecation: ok",
			Then: after("deprecated", "deprecated: no rule keeps it"),
		},
	})
}

func TestRetireRefuses(t *testing.T) {
	var due string
	kept := func(said string) func(*stage.Stage, job.Page) {
		return func(s *stage.Stage, _ job.Page) {
			s.Same("image", is(s, due), "available")
			s.Same("fate", fate(s, due), said)
		}
	}
	stage.Play(t, aged(&due), cases{
		{
			Name: "it is pinned by a group",
			Given: func(s *stage.Stage, _ *job.Page) {
				id := template(s, "fleet", due, ec2.ImageX86, ec2.ImageX86)
				_, err := s.AutoScaling.CreateAutoScalingGroup(s.Context(), &autoscaling.CreateAutoScalingGroupInput{
					AutoScalingGroupName: aws.String("workers"), MinSize: aws.Int32(0), MaxSize: aws.Int32(0), AvailabilityZones: []string{stage.Region + "a"},
					LaunchTemplate: &scaling.LaunchTemplateSpecification{LaunchTemplateId: aws.String(id), Version: aws.String("1")},
				})
				s.Must(err)
				deprecated(s, due, 72*time.Hour)
			},
			Unordered: true,
			Want:      sees + "*2" + gates + " DescribeLaunchTemplateVersions DisableImageDeprecation PutRetirement" + ": ok",
			Then: func(s *stage.Stage, p job.Page) {
				s.Same("fate", strings.HasPrefix(fate(s, due), "in-use: Auto Scaling group workers pins version 1 of launch template fleet"), true)
				s.Same("image", is(s, due), "available")
			},
		},
		{
			Name: "it is shared",
			Given: func(s *stage.Stage, _ *job.Page) {
				_, err := s.EC2.ModifyImageAttribute(s.Context(), &sdk.ModifyImageAttributeInput{ImageId: aws.String(due),
					LaunchPermission: &types.LaunchPermissionModifications{Add: []types.LaunchPermission{{UserId: aws.String("210987654321")}}}})
				s.Must(err)
			},
			Want: sees + "*2" + gates + " PutRetirement" + ": ok", Then: kept("in-use: shared with account 210987654321"),
		},
		{
			Name:  "a describe is refused",
			Given: func(s *stage.Stage, _ *job.Page) { s.Refuse("DescribeLaunchConfigurations", "AccessDenied", 1) },
			Want:  sees + "*2 DescribeInstances DescribeLaunchTemplateVersions DescribeAutoScalingGroups DescribeLaunchConfigurations PutRetirement: ok",
			Then: func(s *stage.Stage, p job.Page) {
				kept("")(s, p)
				s.Same("told", strings.HasPrefix(fate(s, "uses of images"), "stuck: nothing was retired, since it could not be found out what is in use"), true)
			},
		},
		{
			Name: "EC2 is busy",
			Given: func(s *stage.Stage, _ *job.Page) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeImageReferences", Code: "RequestLimitExceeded"})
			},
			Want: sees + "*2" + refs + "*6: Throttled", Then: kept(""),
		},
		{
			Name: "it is protected when it is deregistered",
			Given: func(s *stage.Stage, _ *job.Page) {
				deprecated(s, due, 72*time.Hour)
				s.Cloud.Inject(ec2.Fault{Action: "DeregisterImage", Code: "OperationNotPermitted", Message: "The image is protected."})
			},
			Want: sees + "*2" + gates + " PutRetirement DeregisterImage PutRetirement" + ": ok",
			Then: func(s *stage.Stage, _ job.Page) {
				s.Same("image", is(s, due), "deprecated")
				s.Same("fate", fate(s, due), "stuck: no rule keeps it; deregistering it failed: OperationNotPermitted: The image is protected. The next run tries again.")
			},
		},
		{
			Name: "its snapshots may not be deleted",
			Given: func(s *stage.Stage, _ *job.Page) {
				deprecated(s, due, 72*time.Hour)
				s.Cloud.Inject(ec2.Fault{Action: "DeregisterImage", SnapshotReturn: "missing-permissions"})
			},
			Want: sees + "*2" + gates + " PutRetirement DeregisterImage PutRetirement ListImagesInRecycleBin PutRetirement Amend: ok | " +
				missed + " DescribeSnapshots DescribeImages ListImagesInRecycleBin" + launches + snaps + " DeleteSnapshot PutRetirement: ok | " + missed + " DescribeSnapshots Retire: ok | " + sees + ": ok",
			Between: func(s *stage.Stage) {
				s.Same("image", is(s, due), "gone")
				s.Same("snapshots", snapshots(s) <= 2, true)
			},
			Then: func(s *stage.Stage, _ job.Page) { s.Same("snapshots", snapshots(s), 1) },
		},
	})
}

func TestRetireLeavesNothing(t *testing.T) {
	var orphan string
	var due, fleet string
	stage.Play(t, aged(&due), cases{
		{
			Name: "template versions that named it are pruned",
			Given: func(s *stage.Stage, _ *job.Page) {
				fleet = template(s, "fleet", due, ec2.ImageX86, due, ec2.ImageX86)
				deprecated(s, due, 72*time.Hour)
			},
			Want: sees + "*2" + gates + " PutRetirement DeregisterImage DescribeLaunchTemplates DescribeLaunchTemplateVersions DeleteLaunchTemplateVersions ListImagesInRecycleBin PutRetirement Retire: ok",
			Then: func(s *stage.Stage, _ job.Page) { s.Same("versions", versions(s, fleet), []int64{2, 4}) },
		},
		{
			Name: "a round that was cut off after the image went is ended",
			Given: func(s *stage.Stage, _ *job.Page) {
				fleet = template(s, "fleet", due, ec2.ImageX86)
				deprecated(s, due, 72*time.Hour)
				s.Cloud.Inject(ec2.Fault{Action: "DescribeLaunchTemplates", Code: "RequestLimitExceeded", Until: time.Now().Add(time.Minute)})
			},
			Between: func(*stage.Stage) { time.Sleep(2 * time.Minute) },
			Want: sees + "*2" + gates + " PutRetirement DeregisterImage DescribeLaunchTemplates*6: Throttled | " +
				missed + " DescribeLaunchTemplates DescribeLaunchTemplateVersions DeleteLaunchTemplateVersions ListImagesInRecycleBin PutRetirement Amend DescribeSnapshots Retire: ok",
			Then: func(s *stage.Stage, _ job.Page) {
				s.Same("fate", fate(s, due), "retired: no rule keeps it")
				s.Same("versions", versions(s, fleet), []int64{2})
			},
		},
		{
			Name: "what lies in the Recycle Bin is said to be there",
			Given: func(s *stage.Stage, _ *job.Page) {
				s.Cloud.SetRecycleBin(7 * 24 * time.Hour)
				deprecated(s, due, 72*time.Hour)
			},
			Want: sees + "*2" + gates + gone + ": ok",
			Then: func(s *stage.Stage, _ job.Page) {
				s.Same("fate", strings.HasPrefix(fate(s, due), "retired: no rule keeps it; it lies in the Recycle Bin until "), true)
			},
		},
		{
			Name: "snapshots of an image that was deregistered by hand are swept",
			Given: func(s *stage.Stage, _ *job.Page) {
				_, err := s.EC2.DeregisterImage(s.Context(), &sdk.DeregisterImageInput{ImageId: aws.String(due)})
				s.Must(err)
			},
			Want: missed + " DescribeSnapshots DescribeImages ListImagesInRecycleBin" + launches + snaps + " DeleteSnapshot PutRetirement: ok",
			Then: func(s *stage.Stage, _ job.Page) { s.Same("snapshots", snapshots(s), 1) },
		},
		{
			Name: "unless something makes volumes of them: told, and left",
			Given: func(s *stage.Stage, _ *job.Page) {
				out, err := s.EC2.DescribeImages(s.Context(), &sdk.DescribeImagesInput{ImageIds: []string{due}})
				s.Must(err)
				orphan = aws.ToString(out.Images[0].BlockDeviceMappings[0].Ebs.SnapshotId)
				_, err = s.EC2.DeregisterImage(s.Context(), &sdk.DeregisterImageInput{ImageId: aws.String(due)})
				s.Must(err)
				_, err = s.EC2.CreateLaunchTemplate(s.Context(), &sdk.CreateLaunchTemplateInput{
					LaunchTemplateName: aws.String("analytics"), LaunchTemplateData: &types.RequestLaunchTemplateData{
						ImageId: aws.String(ec2.ImageX86), InstanceType: types.InstanceTypeT3Micro,
						BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMappingRequest{{
							DeviceName: aws.String("/dev/sdf"), Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{SnapshotId: &orphan},
						}},
					},
				})
				s.Must(err)
			},
			Want: missed + " DescribeSnapshots DescribeImages ListImagesInRecycleBin" + launches + snaps + " PutRetirement: ok",
			Then: func(s *stage.Stage, _ job.Page) {
				s.Same("snapshots", snapshots(s), 2)
				s.Same("fate", strings.HasPrefix(fate(s, orphan), "in-use: snapshot "+orphan+": launch template analytics"), true)
			},
		},
		{
			Name: "or nobody can say what uses them",
			Given: func(s *stage.Stage, _ *job.Page) {
				_, err := s.EC2.DeregisterImage(s.Context(), &sdk.DeregisterImageInput{ImageId: aws.String(due)})
				s.Must(err)
				s.Cloud.Inject(ec2.Fault{Action: "DescribeLockedSnapshots", Code: "UnauthorizedOperation"})
			},
			Want: missed + " DescribeSnapshots DescribeImages ListImagesInRecycleBin" + launches +
				" DescribeVolumes DescribeSnapshotAttribute DescribeFastSnapshotRestores DescribeLockedSnapshots PutRetirement: ok",
			Then: func(s *stage.Stage, _ job.Page) { s.Same("snapshots", snapshots(s), 2) },
		},
		{
			Name: "unless the image can be restored",
			Given: func(s *stage.Stage, _ *job.Page) {
				s.Cloud.SetRecycleBin(7 * 24 * time.Hour)
				_, err := s.EC2.DeregisterImage(s.Context(), &sdk.DeregisterImageInput{ImageId: aws.String(due)})
				s.Must(err)
			},
			Want: missed + " DescribeSnapshots DescribeImages ListImagesInRecycleBin: ok",
			Then: func(s *stage.Stage, _ job.Page) { s.Same("snapshots", snapshots(s), 2) },
		},
		{
			Name: "images and snapshots over two pages",
			Given: func(s *stage.Stage, _ *job.Page) {
				for n := range 1100 {
					old(s, 1, map[string]string{tag.Name: fmt.Sprintf("batch-%04d", n), tag.Source: fmt.Sprintf("i-%04d", n)})
				}
				last := map[string]string{tag.Name: "zebra", tag.Source: "i-zebra"}
				old(s, 1, last)
				due = old(s, 10, last)
			},
			Want: "Registrations DescribeImages*2 Claims Retirements Results*2" + refs[:len(refs)-len(" DescribeImageAttribute DescribeImageReferences")] +
				" DescribeImageAttribute*2 DescribeImageReferences" + strings.Replace(snaps, "Attribute", "Attribute*2", 1) + strings.Repeat(" PutRetirement EnableImageDeprecation", 2) + ": ok",
			Then: func(s *stage.Stage, _ job.Page) { s.Same("image", is(s, due), "deprecated") },
		},
		{
			Name: "a fleet is retired in rounds",
			Given: func(s *stage.Stage, p *job.Page) {
				for n := range 120 {
					source := map[string]string{tag.Name: fmt.Sprintf("batch-%03d", n), tag.Source: fmt.Sprintf("i-%03d", n)}
					old(s, 1, source)
					old(s, 2, source)
				}
			},
			Unordered: true,
			Want:      "Registrations DescribeImages Claims Retirements Results*3 DescribeInstances DescribeLaunchTemplateVersions DescribeAutoScalingGroups DescribeLaunchConfigurations DescribeFleets DescribeSpotFleetRequests GetParametersByPath DescribeImageAttribute*100 DescribeImageReferences*10 DescribeVolumes DescribeSnapshotAttribute*100 DescribeFastSnapshotRestores DescribeLockedSnapshots DescribeSnapshotTierStatus PutRetirement*100 EnableImageDeprecation*100 ok",
			Then: func(s *stage.Stage, p job.Page) {
				s.Same("round", p.Retire, job.Retire{Cursor: "batch-099\ni-099", More: true})
			},
		},
	})
}

// What is not registered, or does not agree with EC2's facts, is neither counted nor touched, whatever its tags say.
func TestRetireOnlyWhatIsRegistered(t *testing.T) {
	var due, other string
	// tagged is an image with all the tags of a run's good image.
	tagged := func(s *stage.Stage, name string, nights int, register func(*ledger.Registration)) string {
		s.Helper()
		run, made := "nightly-by-hand", time.Now().AddDate(0, 0, -nights)
		id := s.Cloud.SeedImage(name, made, map[string]string{tag.Managed: "true", tag.Plan: "nightly", tag.Name: "web", tag.Source: s.Web, tag.Run: run})
		if register != nil {
			r := ledger.Registration{Lineage: s.Web, Source: s.Web, Name: "web", Plan: "nightly", Run: run, AMIName: name, ID: id, Begun: made, Good: true}
			register(&r)
			registered(s, r)
		}
		return id
	}
	untouched := func(s *stage.Stage, _ job.Page) {
		s.Helper()
		s.Same("the other", is(s, other), "available")
		s.Same("the only registered one", is(s, due), "available")
	}
	// Only the tagged image is newer than due: if it counted, due would go.
	alone := func(change func(*ledger.Registration)) func(*stage.Stage, *job.Page) {
		return func(s *stage.Stage, p *job.Page) {
			other = tagged(s, "by hand", 0, change)
			for r, err := range s.Ledger.Kept.Registrations(s.Context(), "") {
				s.Must(err)
				if r.Run == "nightly-001" {
					_, err := s.EC2.DeregisterImage(s.Context(), &sdk.DeregisterImageInput{ImageId: aws.String(r.ID)})
					s.Must(err)
					s.Must(s.Ledger.Kept.Retire(s.Context(), r, time.Now()))
				}
			}
		}
	}
	stage.Play(t, aged(&due), cases{
		{Name: "tagged by hand", Given: alone(nil), Want: "Registrations DescribeImages Registration Claims Retirements Results: ok", Then: untouched},
		{
			Name: "registered under another name", Want: "Registrations DescribeImages Claims Retirements Results: ok", Then: untouched,
			Given: alone(func(r *ledger.Registration) { r.AMIName = "another" }),
		},
		{
			Name: "registered as made of another instance", Want: "Registrations DescribeImages Claims Retirements Results: ok", Then: untouched,
			Given: alone(func(r *ledger.Registration) { r.Source = "i-0123456789abcdef0" }),
		},
		{
			Name: "made before its source was claimed", Want: "Registrations DescribeImages Claims Retirements Results: ok", Then: untouched,
			Given: alone(func(r *ledger.Registration) { r.Begun = time.Now().Add(time.Hour) }),
		},
		{
			Name: "an empty register removes nothing", Want: "Registrations DescribeImages Registration*2 Claims Retirements: ok", Then: func(s *stage.Stage, _ job.Page) { s.Same("image", is(s, due), "deprecated") },
			Given: func(s *stage.Stage, _ *job.Page) {
				deprecated(s, due, 1000*time.Hour)
				for r, err := range s.Ledger.Kept.Registrations(s.Context(), "") {
					s.Must(err)
					r.ID = ""
					s.Must(s.Ledger.Kept.Retire(s.Context(), r, time.Now()))
				}
			},
		},
		{
			Name: "somebody untagged it: registered all the same", Want: "Registrations DescribeImages*2 Claims Retirements Results*2" + gates + gone + ": ok",
			Given: func(s *stage.Stage, _ *job.Page) {
				deprecated(s, due, 72*time.Hour)
				_, err := s.EC2.DeleteTags(s.Context(), &sdk.DeleteTagsInput{Resources: []string{due}, Tags: []types.Tag{{Key: aws.String(tag.Managed)}}})
				s.Must(err)
			}, Then: func(s *stage.Stage, _ job.Page) { s.Same("image", is(s, due), "gone") },
		},
	})
}

// An image that was retired, and that somebody had back out of the Recycle Bin, has its whole grace again.
func TestRetireAnew(t *testing.T) {
	var due string
	back := func(s *stage.Stage) {
		s.Same("image", is(s, due), "gone")
		binned, err := s.EC2.ListSnapshotsInRecycleBin(s.Context(), &sdk.ListSnapshotsInRecycleBinInput{})
		s.Must(err)
		_, err = s.EC2.RestoreSnapshotFromRecycleBin(s.Context(), &sdk.RestoreSnapshotFromRecycleBinInput{SnapshotId: binned.Snapshots[0].SnapshotId})
		s.Must(err)
		_, err = s.EC2.RestoreImageFromRecycleBin(s.Context(), &sdk.RestoreImageFromRecycleBinInput{ImageId: aws.String(due)})
		s.Must(err)
	}
	stage.Play(t, aged(&due), cases{
		{
			Name: "registered again, and deprecated by the next run",
			Given: func(s *stage.Stage, _ *job.Page) {
				s.Cloud.SetRecycleBin(7 * 24 * time.Hour)
				s.Cloud.SetSnapshotRecycleBin(7 * 24 * time.Hour)
				deprecated(s, due, 72*time.Hour)
			},
			Between: func(s *stage.Stage) {
				if is(s, due) == "gone" {
					back(s)
				}
				time.Sleep(time.Minute)
			},
			Want: sees + "*2" + gates + gone + ": ok | " +
				"Registrations DescribeImages Registration Claims Retirements Results Register Settle PutRetirement: ok | " +
				sees + "*2" + gates + " PutRetirement EnableImageDeprecation: ok | " + sees + "*2" + gates + ": ok",
			Then: func(s *stage.Stage, _ job.Page) {
				s.Same("image", is(s, due), "deprecated")
				r, ok, err := s.Ledger.Kept.Registration(s.Context(), due)
				s.Must(err)
				s.Same("registered", ok && r.Retired.IsZero(), true)
			},
		},
	})
}
