package command

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/ledger"
)

// An image is without what it was told to leave out, unless EC2 shows that it holds that; of one that is not registered
// nothing is known.
func TestWithout(t *testing.T) {
	known := made{"ami-1": ledger.Registration{LeftOut: []string{"/dev/sdf", "/dev/sdg"}}, "ami-2": ledger.Registration{}}
	holds := types.Image{BlockDeviceMappings: []types.BlockDeviceMapping{
		{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{}}, {DeviceName: aws.String("/dev/sdg")},
	}}
	shown := []goldenImage{{ID: "ami-1"}, {ID: "ami-1"}, {ID: "ami-1", Unregistered: true}, {ID: "ami-2"}}
	known.without([]types.Image{{}, holds, {}, {}}, shown)
	for n, want := range []string{"/dev/sdf /dev/sdg", "/dev/sdg", "", ""} {
		if got := strings.Join(shown[n].Without, " "); got != want {
			t.Errorf("image %d is without %q, want %q", n, got, want)
		}
	}
	heads := func(images ...goldenImage) (all string) {
		for _, c := range (listed{Images: images}).columns(time.Time{}) {
			all += c.head + " "
		}
		return all
	}
	if !strings.Contains(heads(shown...), "WITHOUT") || strings.Contains(heads(shown[3]), "WITHOUT") {
		t.Errorf("columns %s; without any %s", heads(shown...), heads(shown[3]))
	}
}
