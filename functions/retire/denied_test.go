package retire_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// of is another source's images: a good one of last night, and one that is due.
func of(s *steptest.Stage, name string, nights int) string {
	s.Helper()
	tags := map[string]string{tag.Name: name, tag.Source: "i-" + name}
	old(s, 1, tags)
	return old(s, nights, tags)
}

// everything is a night in which each step is taken: images go, are deprecated, restored and found again, template
// versions are pruned, and snapshots without an image are swept.
func everything(due *string) func(*steptest.Stage, *job.Batch) {
	return func(s *steptest.Stage, p *job.Batch) {
		s.Cloud.SetRecycleBin(7 * 24 * time.Hour)
		s.Cloud.SetSnapshotRecycleBin(7 * 24 * time.Hour)
		back := of(s, "back", 8)
		remove(s, back)
		s.Cloud.SetRecycleBin(0)
		s.Cloud.SetSnapshotRecycleBin(0)
		for _, id := range binned(s) {
			_, err := s.EC2.RestoreSnapshotFromRecycleBin(s.Context(),
				&sdk.RestoreSnapshotFromRecycleBinInput{SnapshotId: aws.String(id)})
			s.Must(err)
		}
		_, err := s.EC2.RestoreImageFromRecycleBin(s.Context(),
			&sdk.RestoreImageFromRecycleBinInput{ImageId: aws.String(back)})
		s.Must(err)
		deprecated(s, *due, 72*time.Hour)
		template(s, "fleet", *due, ec2.ImageX86, *due, ec2.ImageX86)
		deprecated(s, of(s, "db", 9), 72*time.Hour)
		of(s, "mail", 7)
		kept := of(s, "kept", 6)
		deprecated(s, kept, time.Hour)
		template(s, "uses-kept", kept)
		byHand(s, of(s, "cut", 5))
		of(s, "odd", 4)
		old(s, 0, map[string]string{tag.Name: "odd", tag.Source: "i-odd", tag.Keep: "x"})
	}
}

// remove retires an image as an earlier night did; its registration stays.
func remove(s *steptest.Stage, id string) {
	s.Helper()
	_, err := s.EC2.DeregisterImage(s.Context(),
		&sdk.DeregisterImageInput{ImageId: aws.String(id), DeleteAssociatedSnapshots: aws.Bool(true)})
	s.Must(err)
	r, ok, err := s.Ledger.Kept.Registration(s.Context(), id)
	s.Must(err)
	s.Same("registered", ok, true)
	s.Must(s.Ledger.Kept.Retire(s.Context(), r, time.Now()))
}

// byHand deregisters an image and leaves its snapshots.
func byHand(s *steptest.Stage, id string) {
	s.Helper()
	_, err := s.EC2.DeregisterImage(s.Context(), &sdk.DeregisterImageInput{ImageId: aws.String(id)})
	s.Must(err)
}

func binned(s *steptest.Stage) (ids []string) {
	s.Helper()
	out, err := s.EC2.ListSnapshotsInRecycleBin(s.Context(), &sdk.ListSnapshotsInRecycleBinInput{})
	s.Must(err)
	for _, snapshot := range out.Snapshots {
		ids = append(ids, aws.ToString(snapshot.SnapshotId))
	}
	return ids
}

// world is every image, snapshot, template version and status, by source: ids are made of what was called.
func world(s *steptest.Stage) string {
	s.Helper()
	var lines []string
	out, err := s.EC2.DescribeImages(s.Context(),
		&sdk.DescribeImagesInput{Owners: []string{"self"}, IncludeDisabled: aws.Bool(true)})
	s.Must(err)
	for _, i := range out.Images {
		lines = append(lines, fmt.Sprintf("%s %s", aws.ToString(i.Name), is(s, aws.ToString(i.ImageId))))
	}
	for r, err := range s.Ledger.Kept.Retirements(s.Context(), "nightly") {
		s.Must(err)
		if strings.HasPrefix(r.Subject, "ami-") {
			lines = append(lines, fmt.Sprintf("%s is %s", r.Name, r.Status))
		}
	}
	for r, err := range s.Ledger.Kept.Registrations(s.Context(), "") {
		s.Must(err)
		lines = append(lines, fmt.Sprintf("%s %s retired %t gone %t anew %t", r.Name, r.AMIName, !r.Retired.IsZero(),
			!r.Gone.IsZero(), !r.Anew.IsZero()))
	}
	templates, err := s.EC2.DescribeLaunchTemplates(s.Context(), &sdk.DescribeLaunchTemplatesInput{})
	s.Must(err)
	for _, t := range templates.LaunchTemplates {
		lines = append(lines, fmt.Sprintf("%s has versions %v", aws.ToString(t.LaunchTemplateName),
			versions(s, aws.ToString(t.LaunchTemplateId))))
	}
	slices.Sort(lines)
	return fmt.Sprintf("%s\n%d snapshots", strings.Join(lines, "\n"), snapshots(s))
}

// A call that is denied is an error of the step, or is told as what could not be done, and the next round makes up for
// it.
func TestRetireWithACallDenied(t *testing.T) {
	var due string
	steptest.Each[job.Batch, job.Batch]{
		Scene: aged(&due), Given: everything(&due), End: world,
		Noticed: func(s *steptest.Stage, call string, err error, _ job.Batch) {
			told := false
			for r, err := range s.Ledger.Kept.Retirements(s.Context(), "nightly") {
				s.Must(err)
				told = told || r.Status == job.Stuck
			}
			quiet := call == "ListImagesInRecycleBin" &&
				strings.Contains(s.Logs.String(), "the Recycle Bin cannot be looked into")
			if err == nil && !told && !quiet {
				s.Errorf("%s was denied, and it is told nowhere", call)
			}
		},
	}.Play(t)
}
