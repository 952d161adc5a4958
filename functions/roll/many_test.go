package roll_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/test/steptest"
)

// Many templates are read by the page, whether they are tagged or listed, and with them the snapshots and the tags that
// they ask for: however many there are, a call of the function has time for them.
func TestManyTemplatesAreReadByThePage(t *testing.T) {
	const many = 60
	for name, listed := range map[string]bool{"tagged": false, "listed": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				step, j := first(s)
				s.Cloud.AddImage(before)
				var names []string
				for n := range many {
					source := "web"
					if listed {
						source = ""
					}
					names = append(names, fmt.Sprint("fleet-", n))
					snapshot := snapshotOf(s, fmt.Sprint("data-", n))
					template(s, names[n], source, before, data(snapshot))
					edited(s, names[n], snapshot)
				}
				if listed {
					j.Plan.Roll.Templates = map[string][]string{"web": names}
				}
				j.Plan.Roll.Base = "latest"
				asked := func(call string) int { return len(s.Sent(call)) }
				was := []int{asked("DescribeLaunchTemplates"), asked("DescribeSnapshots"), asked("DescribeImages")}
				done, err := step(s.Context(), j)
				s.Must(err)
				for _, r := range done.Rolled {
					s.Same("problem of "+r.Name, r.Problem, "")
				}
				tags := map[bool]int{true: 2, false: 1}[listed]
				s.Same("calls", []int{asked("DescribeLaunchTemplates") - was[0], asked("DescribeSnapshots") - was[1],
					asked("DescribeImages") - was[2]}, []int{tags, 1, 2})
			})
		})
	}
}

// data adds a volume that is made of a snapshot.
func data(snapshot string) func(*types.RequestLaunchTemplateData) {
	return func(d *types.RequestLaunchTemplateData) {
		d.BlockDeviceMappings = []types.LaunchTemplateBlockDeviceMappingRequest{{
			DeviceName: aws.String("/dev/sdm"),
			Ebs:        &types.LaunchTemplateEbsBlockDeviceRequest{SnapshotId: aws.String(snapshot)},
		}}
	}
}

// snapshotOf is a snapshot, of an image that nothing launches.
func snapshotOf(s *steptest.Stage, name string) string {
	s.Helper()
	out, err := s.EC2.DescribeImages(s.Context(),
		&sdk.DescribeImagesInput{ImageIds: []string{s.Cloud.SeedImage(name, time.Now().Add(-time.Hour), nil)}})
	s.Must(err)
	return aws.ToString(out.Images[0].BlockDeviceMappings[0].Ebs.SnapshotId)
}

// edited makes another version, which differs from the default one.
func edited(s *steptest.Stage, name, snapshot string) {
	s.Helper()
	edit := &types.RequestLaunchTemplateData{UserData: aws.String("IyEvYmlu")}
	data(snapshot)(edit)
	_, err := s.EC2.CreateLaunchTemplateVersion(s.Context(), &sdk.CreateLaunchTemplateVersionInput{
		LaunchTemplateName: aws.String(name), SourceVersion: aws.String("1"), LaunchTemplateData: edit,
	})
	s.Must(err)
}
