package night_test

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/query"
	"goldsmith/local/sfn"
)

// messagesOf are the messages that tell a run.
func (n *night) messagesOf(r sfn.Execution) []string { return telling(n.messages(), r) }

// messages are all messages as people read them.
func (n *night) messages() []string {
	var all []string
	for _, m := range n.Slack.Messages() {
		all = append(all, m.Terminal(false))
	}
	return all
}

func telling(messages []string, r sfn.Execution) []string {
	var found []string
	for _, text := range messages {
		if strings.Contains(text, "details/"+r.ARN+")") {
			found = append(found, text)
		}
	}
	return found
}

// said is all that was said in Slack.
func (n *night) said() string {
	var all strings.Builder
	for _, m := range n.Slack.Messages() {
		all.WriteString(m.Text + "\n" + m.Terminal(false))
	}
	return all.String()
}

// changes are the calls that do something to an instance.
var changes = []string{
	"StopInstances", "StartInstances", "RebootInstances", "TerminateInstances", "CreateImage", "CreateTags",
	"ModifyInstanceAttribute",
}

// changed are the functions' calls that did something to an instance.
func (n *night) changed(id string) []query.Record {
	var found []query.Record
	for _, c := range n.callsOf("", id) {
		if slices.Contains(changes, c.Action) {
			found = append(found, c)
		}
	}
	return found
}

func (n *night) instances() []types.Instance {
	n.t.Helper()
	var all []types.Instance
	pages := sdk.NewDescribeInstancesPaginator(n.cloud, &sdk.DescribeInstancesInput{MaxResults: aws.Int32(1000)})
	for pages.HasMorePages() {
		for _, r := range must(pages.NextPage(n.ctx))(n.t).Reservations {
			all = append(all, r.Instances...)
		}
	}
	return all
}

// images are the account's own, but for the one of a world that no run made.
func (n *night) images() []types.Image {
	n.t.Helper()
	var all []types.Image
	pages := sdk.NewDescribeImagesPaginator(n.cloud, &sdk.DescribeImagesInput{
		Owners: []string{"self"}, IncludeDisabled: aws.Bool(true), MaxResults: aws.Int32(1000),
	})
	for pages.HasMorePages() {
		all = append(all, must(pages.NextPage(n.ctx))(n.t).Images...)
	}
	return slices.DeleteFunc(all, func(i types.Image) bool {
		id := aws.ToString(i.ImageId)
		return id == n.second || n.copies(i) || slices.Contains(slices.Collect(maps.Values(n.stands)), id)
	})
}

// copies reports whether an image is one of Goldsmith's copies, which oneCopyEach holds.
func (n *night) copies(i types.Image) bool {
	n.t.Helper()
	if i.SourceImageId == nil || aws.ToString(i.SourceInstanceId) != "" {
		return false
	}
	r, ok, err := n.Ledger.Registration(n.ctx, aws.ToString(i.ImageId))
	n.ok(err)
	return ok && r.IsCopy()
}

// snapshots are all but other people's, which were there before the night.
func (n *night) snapshots() []types.Snapshot {
	n.t.Helper()
	return slices.DeleteFunc(n.allSnapshots(), func(s types.Snapshot) bool { return n.theirs[aws.ToString(s.SnapshotId)] })
}

func (n *night) allSnapshots() []types.Snapshot {
	n.t.Helper()
	var all []types.Snapshot
	pages := sdk.NewDescribeSnapshotsPaginator(n.cloud,
		&sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"}, MaxResults: aws.Int32(1000)})
	for pages.HasMorePages() {
		all = append(all, must(pages.NextPage(n.ctx))(n.t).Snapshots...)
	}
	return all
}

// defaults are the default versions of all launch templates.
func (n *night) defaults() []types.LaunchTemplateVersion {
	n.t.Helper()
	return n.versionsNamed("$Default")
}

// heads are their default and latest versions.
func (n *night) heads() []types.LaunchTemplateVersion {
	n.t.Helper()
	return n.versionsNamed("$Default", "$Latest")
}

func (n *night) versionsNamed(names ...string) []types.LaunchTemplateVersion {
	n.t.Helper()
	var all []types.LaunchTemplateVersion
	pages := sdk.NewDescribeLaunchTemplateVersionsPaginator(n.cloud,
		&sdk.DescribeLaunchTemplateVersionsInput{Versions: names})
	for pages.HasMorePages() {
		all = append(all, must(pages.NextPage(n.ctx))(n.t).LaunchTemplateVersions...)
	}
	return all
}
