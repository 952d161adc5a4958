// Package image knows golden images: their names and tags, and what their
// states mean.
package image

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

// longest is the AMI name length the API and the console agree on.
const longest = 127

// most is how many tags a resource may carry.
const most = 50

// Name is the AMI name for a job: the same for the same source and run, so that
// a repeated CreateImage meets its own image instead of making a second one.
// Only letters, digits and "./_()-" occur, which every page of EC2's accepts.
func Name(j job.Job) string {
	tail := "/" + j.Source.ID + "/" + j.Run.Name
	head := strings.Map(legal, j.Plan.Image.Prefix+"/"+j.Source.Name)
	head = head[:min(len(head), max(0, longest-len(tail)))]
	return head + tail
}

// CopyName is the AMI name of a copy of a job's image. A name is taken once in each Region, so that beside the image
// itself it ends otherwise.
func CopyName(j job.Job, beside bool) string {
	if !beside {
		return j.Image.Name
	}
	const end = "/copy"
	return j.Image.Name[:min(len(j.Image.Name), longest-len(end))] + end
}

// GeneralName is the AMI name of the general image of a job whose image is of the source itself.
func GeneralName(j job.Job) string {
	const end = "/general"
	return j.Image.Name[:min(len(j.Image.Name), longest-len(end))] + end
}

func legal(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._/()-", r):
		return r
	default:
		return '-'
	}
}

// Tags are the tags of a job's image and of its snapshots: Goldsmith's own, the
// plan's, then the source's as far as they fit. Reserved aws: keys cannot be
// written, and the source's goldsmith: keys mean something else on an image.
func Tags(j job.Job) map[string]string {
	tags := map[string]string{
		tag.Managed: "true",
		tag.Source:  j.Source.ID,
		tag.Name:    clip(j.Source.Name),
		tag.Plan:    j.Run.Plan,
		tag.Run:     j.Run.Name,
	}
	// The source may be gone when its images are retired, so its wish goes with them.
	if keep, wished := j.Source.Tags[tag.Keep]; wished {
		tags[tag.Keep] = keep
	}
	for _, more := range []map[string]string{j.Plan.Image.Tags, j.Source.Tags} {
		for _, key := range slices.Sorted(maps.Keys(more)) {
			if _, taken := tags[key]; !taken && !reserved(key) && len(tags) < most {
				tags[key] = more[key]
			}
		}
	}
	return tags
}

func reserved(key string) bool {
	lower := strings.ToLower(key)
	return strings.HasPrefix(lower, "aws:") || strings.HasPrefix(lower, tag.Prefix)
}

// clip keeps a tag value within EC2's 256 characters.
func clip(value string) string {
	runes := []rune(value)
	return string(runes[:min(len(runes), 256)])
}

// Description says where the image comes from, in the 255 characters EC2 takes.
func Description(j job.Job) string { return described("Golden image", j) }

// GeneralDescription says the same of a general image.
func GeneralDescription(j job.Job) string { return described("General image", j) }

func described(what string, j job.Job) string {
	text := []rune(fmt.Sprintf("%s of %s (%s), made by run %s", what, j.Source.Name, j.Source.ID, j.Run.Name))
	return strings.Map(printable, string(text[:min(len(text), 255)]))
}

// printable keeps to ASCII: EC2 does not say what else a description may hold.
func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return '-'
	}
	return r
}

// Why is EC2's own reason for an image's state, for a message.
func Why(i types.Image) string {
	reason := ""
	if i.StateReason != nil {
		reason = cmp.Or(aws.ToString(i.StateReason.Message), aws.ToString(i.StateReason.Code))
	}
	if reason == "" {
		return "EC2 gave no reason"
	}
	return "EC2 says: " + reason
}

// Progress is what an image's state means to a step that waits for it.
type Progress int

const (
	// Pending images may become available, for 24 hours.
	Pending Progress = iota
	// Available images can be launched.
	Available
	// Lost images will not become available.
	Lost
)

// ProgressOf classifies a state. A state EC2 may add one day counts as pending:
// the wait's last moment still ends it.
func ProgressOf(state types.ImageState) Progress {
	switch state {
	case types.ImageStateAvailable:
		return Available
	case types.ImageStateFailed, types.ImageStateError, types.ImageStateInvalid, types.ImageStateDeregistered,
		types.ImageStateDisabled:
		return Lost
	case types.ImageStatePending, types.ImageStateTransient:
		return Pending
	default:
		return Pending
	}
}

// Snapshots are the snapshots behind an image, in device order. While an image
// is pending EC2 may leave them out, so an empty answer says nothing then.
func Snapshots(i types.Image) []string {
	var ids []string
	for _, mapping := range i.BlockDeviceMappings {
		if mapping.Ebs != nil && mapping.Ebs.SnapshotId != nil {
			ids = append(ids, *mapping.Ebs.SnapshotId)
		}
	}
	return ids
}
