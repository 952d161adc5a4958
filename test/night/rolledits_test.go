package night_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"pgregory.net/rapid"

	"goldsmith/local/ec2"
)

// rollEdit is what a person does to a template between a roll and its undo: a version that edits an earlier one, or
// none, and what launches by it.
type rollEdit struct {
	template int
	data     types.RequestLaunchTemplateData
	version  bool   // whether a version is made
	source   string // the version that it edits
	standard string // the version that is made the default; empty for none
	group    bool   // whether a group comes that launches by names
	moved    int    // the launcher that launches by names from then on; -1 for none
	names    string
}

// latestNumber stands for the number of the latest version.
const latestNumber = "its number"

func anyRollEdit(templates int) *rapid.Generator[rollEdit] {
	return rapid.Custom(func(t *rapid.T) rollEdit {
		return rollEdit{
			template: rapid.IntRange(0, templates-1).Draw(t, "template"),
			data: rapid.SampledFrom([]types.RequestLaunchTemplateData{
				{UserData: aws.String("dGhpcmQ=")}, {InstanceType: types.InstanceTypeT3Small},
				{InstanceType: types.InstanceTypeM5Large}, {EbsOptimized: aws.Bool(false)},
				{ImageId: aws.String(ec2.ImageX86)}, {ImageId: aws.String(second)},
			}).Draw(t, "edit"),
			version:  rapid.IntRange(0, 3).Draw(t, "made") > 0,
			source:   rapid.SampledFrom([]string{"$Latest", "$Latest", "1", "2", "$Default"}).Draw(t, "source"),
			standard: rapid.SampledFrom([]string{"", "", "", "$Latest", "$Latest", "1", "2"}).Draw(t, "made default"),
			group:    rapid.IntRange(0, 2).Draw(t, "a group") == 0,
			moved:    rapid.IntRange(-3, 3).Draw(t, "moved"),
			names:    rapid.SampledFrom([]string{"$Default", "$Latest", latestNumber}).Draw(t, "names"),
		}
	})
}

// edit is what a person does to a template; what AWS refuses is left out.
func (n *night) edit(i int, templates []string, e rollEdit) {
	n.t.Helper()
	id := templates[e.template]
	e.source, e.standard = n.orLatest(id, e.source), n.orLatest(id, e.standard)
	if data := n.filled(e.data); e.version && n.requires(id, e.source, data) {
		edited := n.versionIn(id, e.source)
		for _, m := range edited.LaunchTemplateData.BlockDeviceMappings {
			data.BlockDeviceMappings = append(data.BlockDeviceMappings, resent(m))
		}
		must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
			LaunchTemplateId: aws.String(id), SourceVersion: aws.String(e.source), LaunchTemplateData: &data,
		}))(n.t)
	}
	latest := fmt.Sprint(aws.ToInt64(n.versionIn(id, "$Latest").VersionNumber))
	if e.standard != "" {
		n.makeDefault(id, strings.Replace(e.standard, "$Latest", latest, 1))
	}
	names := e.names
	if names == latestNumber {
		names = latest
	}
	if e.group {
		_ = n.launcher(fmt.Sprintf("later-%d", i), id, rollLauncher{version: names})
	}
	if e.moved >= 0 {
		_, _ = n.scaling().UpdateAutoScalingGroup(n.ctx, &autoscaling.UpdateAutoScalingGroupInput{
			AutoScalingGroupName: aws.String(fmt.Sprintf("launcher-%d", e.moved)), LaunchTemplate: specOf(id, names),
		})
	}
	time.Sleep(time.Minute)
}

// orLatest is a version as it is named; the latest, where there is none of that number.
func (n *night) orLatest(template, version string) string {
	n.t.Helper()
	number, err := strconv.ParseInt(version, 10, 64)
	if _, is := n.versions(template)[number]; err == nil && !is {
		return "$Latest"
	}
	return version
}

// requires reports whether a type may be named: a version has a type, or requirements.
func (n *night) requires(template, version string, data types.RequestLaunchTemplateData) bool {
	return data.InstanceType == "" || n.versionIn(template, version).LaunchTemplateData.InstanceRequirements == nil
}

func (n *night) versionIn(template, version string) types.LaunchTemplateVersion {
	n.t.Helper()
	return must(n.cloud.DescribeLaunchTemplateVersions(n.ctx, &sdk.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: aws.String(template), Versions: []string{version},
	}))(n.t).LaunchTemplateVersions[0]
}

// resent is a mapping as it is sent for another version: EC2 drops snapshots that are not sent again.
func resent(m types.LaunchTemplateBlockDeviceMapping) types.LaunchTemplateBlockDeviceMappingRequest {
	sent := types.LaunchTemplateBlockDeviceMappingRequest{
		DeviceName: m.DeviceName, NoDevice: m.NoDevice, VirtualName: m.VirtualName,
	}
	if e := m.Ebs; e != nil {
		sent.Ebs = &types.LaunchTemplateEbsBlockDeviceRequest{
			DeleteOnTermination: e.DeleteOnTermination, Encrypted: e.Encrypted, Iops: e.Iops, KmsKeyId: e.KmsKeyId,
			SnapshotId: e.SnapshotId, Throughput: e.Throughput, VolumeSize: e.VolumeSize, VolumeType: e.VolumeType,
		}
	}
	return sent
}

// String is the world as a failing test shows it.
func (w rollWorld) String() string {
	said := fmt.Sprintf("source %q, base %q, refresh %t, lost %t, by id %t\n", w.source, w.base, w.refresh, w.lost, w.byID)
	for i, t := range w.templates {
		said += fmt.Sprintf("template-%d: tags %v, listed %t, default %d: %s", i, t.tags, t.listed, t.standard,
			shown(t.first))
		for _, v := range t.versions {
			said += ", " + shown(v)
		}
		said += "\n"
	}
	for i, l := range w.launchers {
		said += fmt.Sprintf("launcher-%d: %+v\n", i, l)
	}
	for _, e := range w.edits {
		said += fmt.Sprintf("edit of template-%d: version %t of %s %s, default %s, group %t, moved %d, names %s\n",
			e.template, e.version, e.source, shown(e.data), e.standard, e.group, e.moved, e.names)
	}
	return said
}

// shown is launch data without what is not given.
func shown(data types.RequestLaunchTemplateData) string {
	text, err := json.Marshal(data)
	if err != nil {
		return err.Error()
	}
	return nothing.ReplaceAllString(string(text), "")
}

// nothing is a field of launch data that is not given.
var nothing = regexp.MustCompile(`"[A-Za-z]+":(null|""),?`)
