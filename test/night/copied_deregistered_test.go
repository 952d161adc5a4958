package night_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// deregistrations is how many worlds are drawn: enough to meet all that may differ.
const deregistrations = 12

// A person deregisters a copy that is on its way, and leaves its snapshots. Those that Goldsmith has seen the copy be
// given go once the grace period is over, unless something uses them; others stay, and the command that shows them is
// told. Nothing that is a person's own goes, whatever it is called and tagged.
func TestACopyIsDeregisteredOnItsWay(t *testing.T) {
	t.Parallel()
	met := map[string]int{}
	for seed := range uint64(deregistrations) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0x15))
			ruled := random.IntN(4) > 0
			p := plan.Copy{Region: virginia}
			if ruled {
				p.Keep = plan.Keep{Last: 1, Grace: plan.MinGrace}
			}
			o := afar(copied(p))
			o.Seed, o.EC2.Timing = seed+1, ec2.DefaultTiming()
			o.EC2.Timing.SnapshotStored = ec2.Span{Min: 10 * time.Minute, Max: 20 * time.Minute}
			play(t, o, func(n *night) {
				n.excused.slack = true
				w := deregistered{night: n, random: random, web: n.launch("web", "gp3")}
				w.begin()
				w.judge(ruled, met)
			})
		})
	}
	for _, kind := range []string{"swept", "in use", "not known", "without a rule", "a person's"} {
		if met[kind] == 0 {
			t.Errorf("no snapshot is met that is %s: %v", kind, met)
		}
	}
}

// deregistered is a world in which a copy is deregistered on its way.
type deregistered struct {
	*night
	random *rand.Rand
	web    string
	// id is the copy, own are its snapshots, seen is whether Goldsmith could look at it before.
	id   string
	own  []string
	seen bool
	// theirs are snapshots of a person, used is one of the copy's that an image of theirs holds.
	theirs []string
	used   string
	said   string
}

// begin plays the night of the copy.
func (w *deregistered) begin() {
	w.t.Helper()
	later := time.Duration(w.random.IntN(540)) * time.Second
	w.seen = w.random.IntN(3) > 0
	w.after("copy", w.web, func(work) { // It was asked for, and is looked at at once.
		if !w.seen {
			w.EC2.In(virginia).Inject(ec2.Fault{Action: "DescribeImages", Code: denied, Status: 403,
				Until: time.Now().Add(later)})
		}
		time.AfterFunc(later+time.Second, func() {
			made := w.in(virginia)
			if len(made) != 1 || made[0].State != types.ImageStatePending {
				w.t.Errorf("copies on their way: %v", made)
				return
			}
			w.id = aws.ToString(made[0].ImageId)
			for _, m := range made[0].BlockDeviceMappings {
				w.own = append(w.own, aws.ToString(m.Ebs.SnapshotId))
			}
			_, err := w.abroad(virginia).DeregisterImage(w.ctx, &sdk.DeregisterImageInput{ImageId: &w.id})
			w.ok(err)
		})
	})
	r := w.nights(0)
	w.said = strings.Join(w.messagesOf(r), "\n")
	w.want("told", []any{strings.Contains(w.said, "PARTIAL: "), strings.Contains(w.said, "it has been deregistered")},
		[]any{true, true})
	if len(w.own) == 0 {
		w.t.Fatal("no copy was deregistered")
	}
	time.Sleep(6 * time.Hour) // EC2 completes what it has begun.
	for range w.random.IntN(3) {
		w.meddle()
	}
}

// meddle has a person do something with the snapshots.
func (w *deregistered) meddle() {
	w.t.Helper()
	which := w.own[w.random.IntN(len(w.own))]
	found := must(w.abroad(virginia).DescribeSnapshots(w.ctx, &sdk.DescribeSnapshotsInput{SnapshotIds: []string{which}}))(w.t)
	s := found.Snapshots[0]
	switch w.random.IntN(3) {
	case 0: // A backup of it, which says what it says.
		out := must(w.abroad(virginia).CopySnapshot(w.ctx, &sdk.CopySnapshotInput{SourceRegion: aws.String(virginia),
			SourceSnapshotId: &which, Description: s.Description,
			TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeSnapshot, Tags: s.Tags}}}))(w.t)
		w.theirs = append(w.theirs, aws.ToString(out.SnapshotId))
	case 1:
		if w.used != "" {
			return
		}
		w.used = which
		must(w.abroad(virginia).RegisterImage(w.ctx, &sdk.RegisterImageInput{
			Name: aws.String("theirs"), Architecture: types.ArchitectureValuesX8664, RootDeviceName: aws.String("/dev/xvda"),
			VirtualizationType: aws.String("hvm"), EnaSupport: aws.Bool(true),
			BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"),
				Ebs: &types.EbsBlockDevice{SnapshotId: &which}}},
		}))(w.t)
	default:
		must(w.abroad(virginia).DeleteTags(w.ctx, &sdk.DeleteTagsInput{Resources: []string{which}}))(w.t)
	}
}

// judge plays some nights more, and sees what is there then.
func (w *deregistered) judge(ruled bool, met map[string]int) {
	w.t.Helper()
	for night := range 4 {
		r := w.nights(1 + night)
		w.want("the next copy", w.results(r)[w.web].Copies[0].Problem, "")
	}
	kept := w.seen && ruled
	w.want("what is told", []bool{strings.Contains(w.said, "kept for the grace period"),
		strings.Contains(w.said, "aws ec2 describe-snapshots --region us-east-1")}, []bool{kept, !kept})
	there := map[string]bool{}
	for _, s := range w.storedIn(virginia) {
		there[aws.ToString(s.SnapshotId)] = true
	}
	for _, id := range w.own {
		stays, kind := true, "in use"
		switch {
		case !ruled:
			kind = "without a rule"
		case !w.seen:
			kind = "not known"
		case id != w.used:
			stays, kind = false, "swept"
			w.want("told of "+id, w.status(id).Status, job.Swept)
		}
		met[kind]++
		w.want(kind+": snapshot "+id, there[id], stays)
	}
	for _, id := range w.theirs {
		met["a person's"]++
		w.want("a person's snapshot "+id, there[id], true)
	}
	w.clear()
}

// clear takes away what is left, since no copy has it.
func (w *deregistered) clear() {
	w.t.Helper()
	out := must(w.abroad(virginia).DescribeImages(w.ctx, &sdk.DescribeImagesInput{Owners: []string{"self"},
		Filters: []types.Filter{{Name: aws.String("name"), Values: []string{"theirs"}}}}))(w.t)
	for _, i := range out.Images {
		must(w.abroad(virginia).DeregisterImage(w.ctx, &sdk.DeregisterImageInput{ImageId: i.ImageId}))(w.t)
	}
	for _, s := range w.storedIn(virginia) {
		if id := aws.ToString(s.SnapshotId); slices.Contains(w.own, id) || slices.Contains(w.theirs, id) {
			must(w.abroad(virginia).DeleteSnapshot(w.ctx, &sdk.DeleteSnapshotInput{SnapshotId: &id}))(w.t)
		}
	}
}
