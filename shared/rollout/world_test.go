package rollout_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/rollout"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// world is an account with images by short names, and a launch template that takes the images of web.
type world struct {
	*steptest.Stage
	images map[string]string
	id     string
}

func newWorld(s *steptest.Stage) *world {
	w := &world{Stage: s, images: map[string]string{"none": ""}}
	for i, name := range []string{"old", "new", "other"} {
		w.images[name] = fmt.Sprintf("ami-0000000000000000%d", i+1)
		s.Cloud.AddImage(w.images[name])
	}
	for _, key := range []string{"a", "b"} {
		s.Cloud.AddKeyPair(key)
	}
	return w
}

func (w *world) room() rollout.Writer {
	return rollout.Writer{
		Finder: rollout.Finder{
			EC2: w.EC2, Groups: w.AutoScaling, Parameters: w.SSM, Ledger: w.Ledger.Kept, Path: "/goldsmith/images",
			Now:      time.Now,
			Lineages: lineage.Finder{EC2: w.EC2, Groups: w.AutoScaling},
		},
		Templates: w.EC2, Values: w.SSM, Records: w.Ledger.Kept,
	}
}

// data is "a old": key pair a, which stands for all that a person may edit, and the image old.
func (w *world) data(said string) *types.RequestLaunchTemplateData {
	key, image, _ := strings.Cut(said, " ")
	d := &types.RequestLaunchTemplateData{KeyName: aws.String(key), InstanceType: types.InstanceTypeT3Micro}
	if id := w.images[image]; id != "" {
		d.ImageId = aws.String(id)
	}
	return d
}

// template makes the template; standard is the number of its default version.
func (w *world) template(standard int, versions ...string) {
	w.Helper()
	made, err := w.EC2.CreateLaunchTemplate(w.Context(), &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("fleet"), LaunchTemplateData: w.data(versions[0]),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeLaunchTemplate,
			Tags: tag.List(map[string]string{tag.Source: "web"})}},
	})
	w.Must(err)
	w.id = aws.ToString(made.LaunchTemplate.LaunchTemplateId)
	for _, version := range versions[1:] {
		w.version(version)
	}
	_, err = w.EC2.ModifyLaunchTemplate(w.Context(), &sdk.ModifyLaunchTemplateInput{
		LaunchTemplateId: aws.String(w.id), DefaultVersion: aws.String(fmt.Sprint(standard)),
	})
	w.Must(err)
}

// version makes one more version, with a description where one is given.
func (w *world) version(said string, description ...string) {
	w.Helper()
	_, err := w.EC2.CreateLaunchTemplateVersion(w.Context(), &sdk.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: aws.String(w.id), LaunchTemplateData: w.data(said),
		VersionDescription: aws.String(strings.Join(description, "")),
	})
	w.Must(err)
}

// group makes a group without members that launches a version of the template.
func (w *world) group(name, version string) {
	w.Helper()
	_, err := w.AutoScaling.CreateAutoScalingGroup(w.Context(), &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(name), MinSize: aws.Int32(0), MaxSize: aws.Int32(1), DesiredCapacity: aws.Int32(0),
		AvailabilityZones: []string{"eu-central-1a"},
		LaunchTemplate: &scaling.LaunchTemplateSpecification{
			LaunchTemplateId: aws.String(w.id), Version: aws.String(version),
		},
	})
	w.Must(err)
}

// shows are the default and the latest version, as "a old", and how many versions there are.
func (w *world) shows() (standard, latest string, count int) {
	w.Helper()
	out, err := w.EC2.DescribeLaunchTemplateVersions(w.Context(),
		&sdk.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: aws.String(w.id)})
	w.Must(err)
	for i, v := range out.LaunchTemplateVersions { // The latest is first.
		said := "?"
		for name, id := range w.images {
			if id == aws.ToString(v.LaunchTemplateData.ImageId) {
				said = aws.ToString(v.LaunchTemplateData.KeyName) + " " + name
			}
		}
		if i == 0 {
			latest = said
		}
		if aws.ToBool(v.DefaultVersion) {
			standard = said
		}
	}
	return standard, latest, len(out.LaunchTemplateVersions)
}

// rolled records a roll from old to new that made a version; was has the numbers of what was default, latest and base.
func (w *world) rolled(version int64, stays bool, was ...ledger.Version) {
	w.Helper()
	to := ledger.Point{Image: w.images["new"], Version: version, Run: "tuesday", Source: w.Web, Stays: stays,
		At: time.Now()}
	from := ledger.Point{Image: w.images["old"], Version: 1}
	if len(was) == 3 {
		to.Was = &ledger.Was{Default: was[0], Latest: was[1], Base: was[2]}
		from.Image = was[0].Image
	}
	_, err := w.Ledger.Kept.PutTarget(w.Context(), ledger.TargetRecord{
		Source: "web", ID: w.id, Title: "fleet", Points: []ledger.Point{to, from}, Made: []int64{version},
	})
	w.Must(err)
}

func (w *world) had(number int64, image string) ledger.Version {
	return ledger.Version{Number: number, Image: w.images[image]}
}
