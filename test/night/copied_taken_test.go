package night_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
)

// A person copies the run's image to the Region that the run is about to copy it to, under the name that it has: that
// copy is not taken for the run's. The name is told as taken, the person's copy stays, and the next image is copied.
func TestAPersonCopiesUnderTheSameName(t *testing.T) {
	play(t, rolledAfar(), func(n *night) {
		web := n.launch("web", "gp3")
		var theirs string
		n.at("copy", web, func(work) {
			if theirs != "" {
				return
			}
			i := n.imagesOf(web)[0]
			theirs = aws.ToString(must(n.abroad(virginia).CopyImage(n.ctx, &sdk.CopyImageInput{Name: i.Name,
				SourceImageId: i.ImageId, SourceRegion: aws.String(homeRegion)}))(t).ImageId)
		})
		n.saysOf(n.nights(0), "Not copied", "is taken by "+theirs+", which this run did not make")
		n.nights(7)
		n.want("the person's copy and seven", len(n.in(virginia)), 8)
		// It would have gone with its snapshots, had it been taken for the run's.
		_, err := n.abroad(virginia).DeregisterImage(n.ctx, &sdk.DeregisterImageInput{ImageId: &theirs,
			DeleteAssociatedSnapshots: aws.Bool(true)})
		n.ok(err)
	})
}
