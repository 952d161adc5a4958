package night_test

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/sfn"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

// results are what the ledger holds of a run, by source.
func (n *night) results(r sfn.Execution) map[string]job.Result {
	n.t.Helper()
	return n.resultsOf(r.Name)
}

func (n *night) resultsOf(run string) map[string]job.Result {
	n.t.Helper()
	found := map[string]job.Result{}
	for result, err := range n.Ledger.Results(n.ctx, run) {
		n.ok(err)
		found[result.Source] = result
	}
	return found
}

// imagesOf are the images made of a source.
func (n *night) imagesOf(id string) []types.Image {
	n.t.Helper()
	return slices.DeleteFunc(n.images(), func(i types.Image) bool { return tag.Map(i.Tags)[tag.Source] != id })
}

// wasImaged: one image of the source, available, consistent, and noted on the source.
func (n *night) wasImaged(r sfn.Execution, id string) {
	n.t.Helper()
	result := n.results(r)[id]
	images := n.imagesOf(id)
	if result.Raw != nil { // The source's own is there besides.
		images = slices.DeleteFunc(images, func(i types.Image) bool { return aws.ToString(i.ImageId) == result.Raw.ID })
	}
	if result.Ending != job.Imaged || len(images) != 1 {
		n.t.Errorf("%s ended %q with %d images (%s), want one", id, result.Ending, len(images), result.Problem)
		return
	}
	img := images[0]
	n.want("state of the image of "+id, img.State, types.ImageStateAvailable)
	n.want("image of "+id, aws.ToString(img.ImageId), result.Image.ID)
	n.want("last image on "+id, n.tagsOf(id)[tag.LastImage], result.Image.ID)
	if taken := n.EC2.Taken(result.Image.ID); taken.Live || taken.Rebooted ||
		taken.Snapshots != len(result.Image.Snapshots) {
		n.t.Errorf("image %s of %s is not what a stopped instance gives: %+v", result.Image.ID, id, taken)
	}
}

// wasSkipped: the reason is known and nothing was done to the source.
func (n *night) wasSkipped(r sfn.Execution, id string, reason job.ReasonCode) {
	n.t.Helper()
	result := n.results(r)[id]
	if result.Ending != job.Skipped || result.Skip == nil || result.Skip.Code != reason {
		n.t.Errorf("%s ended %q for %v (%s), want it skipped for %s", id, result.Ending, result.Skip, result.Problem, reason)
	}
	n.want("changes to "+id, len(n.changed(id)), 0)
	if !strings.Contains(n.messagesOf(r)[0], string(reason)) {
		n.t.Errorf("the message of run %s does not say %s", r.Name, reason)
	}
}

// hasFailed: the source failed for this reason, and the message names it with what to do.
func (n *night) hasFailed(r sfn.Execution, id string, ending job.Ending, problem string) {
	n.t.Helper()
	result := n.results(r)[id]
	if result.Ending != ending || !strings.Contains(result.Problem, problem) {
		n.t.Errorf("%s ended %q (%s), want %s with %q", id, result.Ending, result.Problem, ending, problem)
	}
	n.saysOf(r, id, problem, "Now:")
}

// saysOf: the one message of a run holds all this.
func (n *night) saysOf(r sfn.Execution, parts ...string) {
	n.t.Helper()
	messages := n.messagesOf(r)
	if len(messages) != 1 {
		n.t.Errorf("run %s is told in %d messages, want one", r.Name, len(messages))
		return
	}
	for _, part := range parts {
		if !strings.Contains(messages[0], part) {
			n.t.Errorf("the message of run %s does not say %q", r.Name, part)
		}
	}
}

// addedDowntime is how long an instance was down beyond what EC2 itself took.
func (n *night) addedDowntime(r sfn.Execution, id string) time.Duration {
	n.t.Helper()
	return n.results(r)[id].Times.Downtime() - n.EC2.Times(id).Minimum()
}
