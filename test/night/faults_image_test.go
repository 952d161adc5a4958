package night_test

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/ec2"
	"goldsmith/local/sfn"
	"goldsmith/shared/job"
)

// quotas are the limits of snapshots that pass by themselves, and what EC2 counts.
var quotas = []string{"ConcurrentSnapshotLimitExceeded", "PendingSnapshotLimitExceeded",
	"SnapshotCreationPerVolumeRateExceeded"}

// patience is the most that an instance is down while its image is asked for again and again.
const patience = 20 * time.Minute

// Troubles with the image.
func imaging() []trouble {
	found := []trouble{
		{
			what:  "CreateImage is refused for good",
			story: injects(ec2.Fault{Action: "CreateImage", Code: denied, Status: 403}),
			want:  comes{ending: job.Broken, problem: denied, back: ordinary},
		},
		{
			what: "a tag policy refuses the image's tags",
			story: injects(ec2.Fault{Action: "CreateImage", Code: "TagPolicyViolation",
				Message: "The tag policy does not allow the specified value for the following tag key: 'Team'."}),
			want: comes{ending: job.Broken, problem: "TagPolicyViolation",
				says: []string{"Correct the plan's image tags or the organization's tag policy"}, back: ordinary, also: unrolled},
		},
		{
			what: "the account has as many snapshots as it may (SnapshotLimitExceeded)",
			story: injects(ec2.Fault{Action: "CreateImage", Code: "SnapshotLimitExceeded",
				Message: "You have reached the maximum number of snapshots."}),
			want: comes{ending: job.Broken, problem: "SnapshotLimitExceeded",
				says: []string{"Delete snapshots that are not needed, or ask AWS for a higher quota"}, back: ordinary,
				also: unrolled},
		},
	}
	for _, code := range quotas {
		found = append(found, trouble{
			what:  code + " for five minutes",
			story: injects(ec2.Fault{Action: "CreateImage", Code: code, Until: due.Add(5 * time.Minute)}),
			want:  comes{ending: job.Imaged, back: 2 * ordinary, also: imaged},
		}, trouble{
			what:  code + " for good",
			story: injects(ec2.Fault{Action: "CreateImage", Code: code}),
			want:  comes{ending: job.Broken, problem: code, back: patience, also: unrolled},
		})
	}
	return append(found, images()...)
}

// images are troubles with an image that has been asked for.
func images() []trouble {
	var found []trouble
	for _, state := range []string{"failed", "error", "invalid"} {
		found = append(found, trouble{
			what:  "the image ends " + state,
			story: injects(ec2.Fault{Action: "CreateImage", ImageState: state, Message: "Client.InternalError: no luck"}),
			want:  comes{ending: job.Broken, problem: "is " + state, says: []string{"no luck"}, back: ordinary, also: unrolled},
		})
	}
	return append(found,
		trouble{
			what:  "the snapshots fail while the instance is still down",
			story: injects(ec2.Fault{Action: "CreateImage", SnapshotError: true, Message: "the key is disabled"}),
			want:  comes{ending: job.Broken, problem: "failed: the key is disabled", back: ordinary, also: unrolled},
		},
		trouble{
			what:  "the image is available, then pending again for ten minutes",
			story: injects(ec2.Fault{Action: "CreateImage", PendingAgain: 10 * time.Minute}),
			want: comes{ending: job.Imaged, back: ordinary, also: func(n *night, r sfn.Execution, web string) {
				time.Sleep(20 * time.Minute)
				n.wasImaged(r, web)
			}},
		},
		trouble{
			what: "EC2 does not know the new image for ten minutes (InvalidAMIID.NotFound)",
			story: func(n *night, web, _ string) {
				n.after("image", web, func(work) {
					id := aws.ToString(n.imagesOf(web)[0].ImageId)
					n.EC2.Inject(ec2.Fault{Action: "DescribeImages", Resource: id, Code: "InvalidAMIID.NotFound",
						Until: time.Now().Add(10 * time.Minute)})
				})
			},
			want: comes{ending: job.Imaged, back: ordinary, also: imaged},
		},
		trouble{
			what: "the image is deregistered before it is available",
			story: func(n *night, web, _ string) {
				n.at("watch:available", web, func(work) { n.deregister(web) })
			},
			want: comes{ending: job.Broken, problem: "is not there any more", back: ordinary, also: unrolled},
		},
		trouble{
			what: "the image is deregistered after it is available, before it is rolled",
			story: func(n *night, web, _ string) {
				n.at("roll", web, func(work) { n.deregister(web) })
			},
			want: comes{ending: job.Broken, problem: "is not there any more", back: ordinary, also: unrolled},
		},
		trouble{
			what: "the note on the instance, its last image, is refused",
			story: func(n *night, web, template string) {
				n.at("release", web, func(work) {
					injects(ec2.Fault{Action: "CreateTags", Code: denied, Status: 403})(n, web, template)
				})
			},
			want: comes{ending: job.Imaged, back: ordinary, also: func(n *night, _ sfn.Execution, web string) {
				n.want("images", len(n.imagesOf(web)), 1)
			}},
		},
	)
}

// unrolled: what launches from the template is what did before.
func unrolled(n *night, _ sfn.Execution, _ string) {
	n.t.Helper()
	n.want("template's image", aws.ToString(n.defaults()[0].LaunchTemplateData.ImageId), ec2.ImageX86)
}

// deregister removes the source's images with their snapshots, as a person would
// who wants neither: what a person keeps is not for Goldsmith to remove.
func (n *night) deregister(web string) {
	for _, img := range n.imagesOf(web) {
		_, err := n.cloud.DeregisterImage(n.ctx,
			&sdk.DeregisterImageInput{ImageId: img.ImageId, DeleteAssociatedSnapshots: aws.Bool(true)})
		n.ok(err)
	}
}
