package usage_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/test/steptest"
)

// codes are the error codes of a list.
func codes(t *testing.T, list string) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + list)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(strings.Fields(strings.Join(slices.DeleteFunc(strings.Split(string(text), "\n"),
		func(line string) bool {
			return strings.HasPrefix(line, "#")
		}), "\n")), func(code string) bool { return code == "" })
}

// unknownTemplates are the codes that say of a template that it does not exist: what pins its versions launches
// nothing.
var unknownTemplates = []string{"InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException"}

// ofSnapshots are the describes that are made about snapshots, too.
var ofSnapshots = []string{
	"DescribeLaunchTemplateVersions", "DescribeFleets", "DescribeSpotFleetRequests", "DescribeSpotInstanceRequests",
	"DescribeVolumes", "DescribeSnapshotAttribute",
	"DescribeFastSnapshotRestores", "DescribeLockedSnapshots", "DescribeSnapshotTierStatus",
}

// Each describe, failing with each code of EC2's list, keeps every image and every snapshot.
func TestEachDescribeFailingWithEachCode(t *testing.T) {
	all := codes(t, "ec2-error-codes.txt")
	for _, action := range append([]string{"DescribeInstances", "DescribeImageAttribute", "DescribeImageReferences"},
		ofSnapshots...) {
		t.Run(action, func(t *testing.T) { injected(t, all, ec2.Fault{Action: action}) })
	}
	pinned := slices.DeleteFunc(slices.Clone(all),
		func(code string) bool { return slices.Contains(unknownTemplates, code) })
	t.Run("pinned versions", func(t *testing.T) {
		injected(t, pinned, ec2.Fault{Action: "DescribeLaunchTemplateVersions", Nth: tried(2)})
	})
}

// injected fails an action of EC2 with one code after the other.
func injected(t *testing.T, codes []string, f ec2.Fault) {
	synctest.Test(t, func(t *testing.T) {
		w, images := newFailing(t)
		for _, code := range codes {
			f.Code, f.Until = code, time.Now().Add(time.Hour)
			w.Cloud.Inject(f)
			w.keepsAll(images, code, slices.Contains(ofSnapshots, f.Action) && f.Nth == nil)
			time.Sleep(2 * time.Hour)
		}
	})
}

// newFailing is a world with two images that nothing uses, and in which every call is made.
func newFailing(t *testing.T) (*world, []types.Image) {
	w := newWorld(t)
	images := w.describe(w.image(), w.image())
	_, id := w.template(w.other, w.other)
	w.fleet(id, "1")
	w.template("resolve:ssm:/golden/x")
	return w, images
}

// Each call of Auto Scaling and of Systems Manager, failing with each code of theirs or of EC2, keeps every image.
func TestEachCallOfOthersFailingWithEachCode(t *testing.T) {
	all := append(codes(t, "other-error-codes.txt"), codes(t, "ec2-error-codes.txt")...)
	for _, operation := range []string{"DescribeAutoScalingGroups", "DescribeLaunchConfigurations", "GetParametersByPath",
		"GetParameters"} {
		t.Run(operation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, images := newFailing(t)
				for _, code := range all {
					w.Refuse(operation, code, steptest.Attempts)
					w.keepsAll(images, code, false)
					w.Allow(operation)
				}
			})
		})
	}
}

// tried are the calls from the nth on, as often as one is tried again.
func tried(nth int) (calls []int) {
	for n := range 12 {
		calls = append(calls, nth+n)
	}
	return calls
}

// keepsAll wants every image to be kept, or nothing said, and the same of a snapshot.
func (w *world) keepsAll(images []types.Image, code string, andSnapshots bool) {
	w.Helper()
	uses, err := w.finder().Uses(w.Context(), images)
	if err == nil && len(uses) != len(images) {
		w.Errorf("%s: uses %v", code, uses)
	}
	if !andSnapshots {
		return
	}
	of, err := w.finder().SnapshotUses(w.Context(), []string{snapshotOf(images[0])})
	if err == nil && len(of) != 1 {
		w.Errorf("%s: uses of the snapshot %v", code, of)
	}
}

// A template that does not exist launches nothing, whatever pins a version of it.
func TestPinsOfATemplateThatDoesNotExist(t *testing.T) {
	for _, code := range unknownTemplates {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			images := w.describe(w.image())
			_, id := w.template(w.other, w.other)
			w.fleet(id, "1")
			w.Cloud.Inject(ec2.Fault{Action: "DescribeLaunchTemplateVersions", Nth: []int{2}, Code: code})
			uses, err := w.finder().Uses(w.Context(), images)
			if err != nil || len(uses) != 0 {
				t.Errorf("%s: %v, %v", code, uses, err)
			}
		})
	}
}
