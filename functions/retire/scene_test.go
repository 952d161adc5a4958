package retire_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/retire"
	"goldsmith/shared/handler"
	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
	"goldsmith/shared/retention"
	"goldsmith/shared/tag"
	"goldsmith/shared/usage"
	"goldsmith/test/steptest"
)

type (
	cases = []steptest.Case[job.Batch, job.Batch]
	scene = func(*steptest.Stage) (handler.Func[job.Batch, job.Batch], job.Batch)
)

const (
	// looks is finding out what images there are, and what uses them.
	sees = "Registrations DescribeImages Claims Retirements Results"
	refs = " DescribeInstances DescribeLaunchTemplateVersions DescribeAutoScalingGroups DescribeLaunchConfigurations " +
		"DescribeFleets DescribeSpotFleetRequests DescribeSpotInstanceRequests GetParametersByPath DescribeImageAttribute " +
		"DescribeImageReferences"
	snaps = " DescribeVolumes DescribeSnapshotAttribute DescribeFastSnapshotRestores DescribeLockedSnapshots " +
		"DescribeSnapshotTierStatus"
	gates = refs + snaps
	// launches is finding out which templates, groups and fleets make volumes of a snapshot.
	launches = " DescribeLaunchTemplateVersions DescribeAutoScalingGroups DescribeLaunchConfigurations DescribeFleets " +
		"DescribeSpotFleetRequests DescribeSpotInstanceRequests"
	looks = sees + gates
	// missed is finding out what there is, when EC2 does not show a registered image.
	missed = "Registrations DescribeImages*2 Claims Retirements Results"
	gone   = " PutRetirement DescribeSnapshots DeregisterImage ListImagesInRecycleBin PutRetirement Retire"
)

// old is one image of web, a day old for each night; its job ended well.
func old(s *steptest.Stage, nights int, tags map[string]string) string {
	s.Helper()
	made := time.Now().Add(-time.Duration(nights) * 24 * time.Hour)
	run := fmt.Sprintf("nightly-%03d", nights)
	all := map[string]string{tag.Managed: "true", tag.Plan: "nightly", tag.Name: "web", tag.Source: s.Web, tag.Run: run}
	for key, value := range tags {
		all[key] = value
	}
	name := fmt.Sprintf("%s/%03d", all[tag.Name], nights)
	id := s.Cloud.SeedImage(name, made, all)
	registered(s, ledger.Registration{Lineage: all[tag.Source], Source: all[tag.Source], Name: all[tag.Name],
		Plan: all[tag.Plan], Run: run, AMIName: name, ID: id, Begun: made, Snapshots: snapshotsOf(s, id)})
	s.Must(s.Ledger.Kept.PutResult(s.Context(), job.Result{
		Run: run, Source: all[tag.Source], Name: all[tag.Name], Plan: "nightly", Ending: job.Imaged, At: made,
		Image: job.Image{ID: id, State: "available"},
	}))
	return id
}

// registered registers an image, settled as a sweep leaves it.
func registered(s *steptest.Stage, r ledger.Registration) {
	s.Helper()
	r.Kind, r.Call = ledger.MadeImage, ledger.CreateImage
	r, err := s.Ledger.Kept.Register(s.Context(), r)
	s.Must(err)
	s.Must(s.Ledger.Kept.Settle(s.Context(), r))
}

func snapshotsOf(s *steptest.Stage, id string) []string {
	s.Helper()
	out, err := s.EC2.DescribeImages(s.Context(), &sdk.DescribeImagesInput{ImageIds: []string{id}})
	s.Must(err)
	return image.Snapshots(out.Images[0])
}

// aged is a plan that keeps one image, and an image of last night and an older one that is due.
func aged(due *string) scene {
	return func(s *steptest.Stage) (handler.Func[job.Batch, job.Batch], job.Batch) {
		page := job.Batch{Run: job.Run{Name: "tonight", Plan: "nightly"}, Plan: s.Plan}
		page.Plan.Keep = plan.Keep{Last: 1, Minimum: 1, Grace: plan.Duration(72 * time.Hour)}
		time.Sleep(time.Minute) // past the template's own instance
		old(s, 1, nil)
		*due = old(s, 10, nil)
		lineages := lineage.Finder{EC2: s.EC2, Groups: s.AutoScaling}
		reviewer := retention.Reviewer{EC2: s.EC2, Ledger: s.Ledger, Lineages: lineages,
			Usage: usage.Finder{EC2: s.EC2, AutoScaling: s.AutoScaling, SSM: s.SSM}, Now: time.Now}
		return retire.Step{Reviewer: reviewer, EC2: s.EC2, Ledger: s.Ledger, Now: time.Now}.Handle, page
	}
}

// deprecated is what an earlier night has done to the image.
func deprecated(s *steptest.Stage, id string, ago time.Duration) {
	s.Helper()
	_, err := s.EC2.EnableImageDeprecation(s.Context(),
		&sdk.EnableImageDeprecationInput{ImageId: aws.String(id), DeprecateAt: aws.Time(time.Now().Add(time.Minute))})
	s.Must(err)
	s.Must(s.Ledger.Kept.PutRetirement(s.Context(),
		job.Retirement{Plan: "nightly", Subject: id, Name: "web", Run: "before", Status: job.Deprecated,
			Since: time.Now().Add(-ago), At: time.Now()}))
}

// is describes an image: "available", "deprecated", "disabled" or "gone".
func is(s *steptest.Stage, id string) string {
	s.Helper()
	out, err := s.EC2.DescribeImages(s.Context(),
		&sdk.DescribeImagesInput{Owners: []string{"self"}, IncludeDisabled: aws.Bool(true),
			Filters: []types.Filter{{Name: aws.String("image-id"), Values: []string{id}}}})
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

// status is what the ledger says became of a subject, and why.
func status(s *steptest.Stage, subject string) string {
	s.Helper()
	for r, err := range s.Ledger.Kept.Retirements(s.Context(), "nightly") {
		s.Must(err)
		if r.Subject == subject {
			return string(r.Status) + ": " + strings.Join(r.Why, "; ")
		}
	}
	return ""
}

func snapshots(s *steptest.Stage) int {
	s.Helper()
	out, err := s.EC2.DescribeSnapshots(s.Context(), &sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	s.Must(err)
	return len(out.Snapshots)
}

// template subscribes web; each image is a version, and the last one the default.
func template(s *steptest.Stage, name string, images ...string) string {
	s.Helper()
	data := func(image string) *types.RequestLaunchTemplateData {
		return &types.RequestLaunchTemplateData{ImageId: aws.String(image), InstanceType: types.InstanceTypeT3Micro}
	}
	out, err := s.EC2.CreateLaunchTemplate(s.Context(), &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String(name), LaunchTemplateData: data(images[0]),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeLaunchTemplate,
			Tags: tag.List(map[string]string{tag.Source: "web"})}},
	})
	s.Must(err)
	id := aws.ToString(out.LaunchTemplate.LaunchTemplateId)
	for _, image := range images[1:] {
		_, err := s.EC2.CreateLaunchTemplateVersion(s.Context(),
			&sdk.CreateLaunchTemplateVersionInput{LaunchTemplateId: aws.String(id), LaunchTemplateData: data(image)})
		s.Must(err)
	}
	_, err = s.EC2.ModifyLaunchTemplate(s.Context(),
		&sdk.ModifyLaunchTemplateInput{LaunchTemplateId: aws.String(id), DefaultVersion: aws.String(fmt.Sprint(len(images)))})
	s.Must(err)
	made := make([]int64, len(images))
	for n := range images {
		made[n] = int64(n + 1)
	}
	_, err = s.Ledger.Kept.PutTarget(s.Context(), ledger.TargetRecord{Source: "web", ID: id, Title: name, Made: made})
	s.Must(err)
	return id
}

func versions(s *steptest.Stage, id string) []int64 {
	s.Helper()
	out, err := s.EC2.DescribeLaunchTemplateVersions(s.Context(),
		&sdk.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: aws.String(id)})
	s.Must(err)
	var numbers []int64
	for _, v := range out.LaunchTemplateVersions {
		numbers = append(numbers, aws.ToInt64(v.VersionNumber))
	}
	slices.Sort(numbers)
	return numbers
}
