package night_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

// daily is what a tool writes on the snapshots of web, with what nothing else says.
var daily = map[string]string{
	"Backup": "daily", "Name": "web", tag.ImageSettings: "rootDeviceName=/dev/xvda enaSupport=true",
}

// copied is a copy that a tool makes of a snapshot.
func (n *night) copied(id string) string {
	n.t.Helper()
	out := must(n.cloud.CopySnapshot(n.ctx, &sdk.CopySnapshotInput{
		SourceRegion: aws.String("eu-central-1"), SourceSnapshotId: &id,
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot, Tags: tag.List(daily)}},
	}))(n.t)
	time.Sleep(5 * time.Minute)
	if n.theirs != nil { // The night has begun.
		n.theirs[aws.ToString(out.SnapshotId)] = true
	}
	return aws.ToString(out.SnapshotId)
}

// A tool copies its snapshots, as Data Lifecycle Manager and AWS Backup do: one image a night, of the newest copy.
func TestCopiesOfOneVolumeAreOneSource(t *testing.T) {
	play(t, stack.Options{Plans: stored()}, func(n *night) {
		web := n.launch("web", "plan=other")
		template := n.template("web", "web", "t3.micro", ec2.ImageX86)
		original := n.snapshotOf(web, "", nil)
		n.copied(original)
		newest := n.copied(original)
		first := n.run()[0]
		n.want("results", len(n.results(first)), 1)
		n.want("launched", n.defaultImage(template), aws.ToString(n.wasRegistered(first, newest).ImageId))

		again := n.snapshotOf(web, "", nil)
		n.theirs[again] = true
		next := n.copied(again)
		time.Sleep(time.Until(due.Add(24 * time.Hour)))
		second := n.finish()[0]
		n.want("launched the day after", n.defaultImage(template), aws.ToString(n.wasRegistered(second, next).ImageId))
	})
}

// What a dead web left never takes the name from the living one, and of two dead ones the newest snapshot has it.
func TestTheNameOfTheLiving(t *testing.T) {
	for _, living := range []bool{true, false} {
		for seed := range uint64(3) {
			play(t, stack.Options{Plans: stored(), Seed: seed + 1}, func(n *night) {
				a, b := n.launch("web", "plan=other"), n.launch("web", "plan=other")
				template := n.template("web", "web", "t3.micro", ec2.ImageX86)
				older := n.snapshotOf(a, "", daily)
				newest := n.snapshotOf(b, "", daily)
				gone := []string{a}
				if !living {
					gone = append(gone, b)
				}
				must(n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: gone}))(n.t)
				time.Sleep(10 * time.Minute)
				first := n.run()[0]
				n.want("launched", n.defaultImage(template), n.results(first)[newest].Image.ID)
				ending := map[bool]job.Ending{true: job.Skipped, false: job.Imaged}
				n.want("of the older", n.results(first)[older].Ending, ending[living])
			})
		}
	}
}
