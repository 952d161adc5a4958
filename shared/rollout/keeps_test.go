package rollout

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/ledger"
)

// A target that another key of the source holds is held, unless its own key has rolled it since.
func TestHeldBesideAnotherKey(t *testing.T) {
	monday := time.Date(2000, 1, 3, 0, 0, 0, 0, time.UTC)
	held := twice()
	held.Back = &ledger.Point{Image: "ami-1", Version: 4, By: "ada", At: monday}
	own := func(at time.Time) []ledger.Point {
		return []ledger.Point{{Image: "ami-9", Version: 3, Run: "x", At: at}}
	}
	const isHeld = "held: it was rolled back to ami-1 by ada on 2000-01-03 00:00 UTC; " +
		"goldsmith follow --name web lets it follow again"
	for name, c := range map[string]struct {
		points []ledger.Point
		want   string
	}{
		"never rolled by its own key":  {nil, isHeld},
		"rolled by its own key before": {own(monday.Add(-time.Hour)), isHeld},
		"rolled by its own key since":  {own(monday.Add(time.Hour)), ""},
	} {
		s := Finder{}.survey()
		s.known["web"] = map[string]ledger.TargetRecord{"fleet": held}
		one := &Target{key: "i-2", At: launch("ami-1", 4), Record: ledger.TargetRecord{ID: "fleet", Points: c.points}}
		one.Rolled.Target = "fleet"
		s.holdToo(one, []*Target{one}, []string{"web", "i-2"})
		if one.Rolled.Problem != c.want || one.Rolled.Held != (c.want != "") {
			t.Errorf("%s: %q, held %t", name, one.Rolled.Problem, one.Rolled.Held)
		}
	}
}

// What has no record yet is held where what else goes by its key is, and only then.
func TestHeldWithWhatGoesByItsKey(t *testing.T) {
	for name, c := range map[string]struct {
		key    string
		points []ledger.Point
		held   bool
	}{
		"never rolled":    {"web", nil, true},
		"rolled before":   {"web", []ledger.Point{point("ami-7", 1)}, false},
		"of another name": {"db", nil, false},
	} {
		other, one := &Target{key: "web"}, &Target{key: c.key, At: launch("ami-7", 1)}
		other.Rolled.Name, other.Rolled.Held, one.Record.Points = "fleet", true, c.points
		Finder{}.survey().holdToo(one, []*Target{one, other}, []string{"web"})
		if want := "held, as fleet is: goldsmith follow --name web lets both follow again"; one.Rolled.Held != c.held ||
			c.held && one.Rolled.Problem != want {
			t.Errorf("%s: %q", name, one.Rolled.Problem)
		}
	}
}

func TestHoldSaysWhatToDo(t *testing.T) {
	if got := (Hold{Source: "web"}).Do(); got != "goldsmith follow --name web" {
		t.Error(got)
	}
}

// What a target had, or launched when it was rolled, is remembered; nothing else is.
func TestHad(t *testing.T) {
	p := roll("ami-2", 3, "tuesday", "i-2")
	p.Was = &ledger.Was{Default: ledger.Version{Number: 1, Image: "ami-0"},
		Latest: ledger.Version{Number: 2, Image: "ami-1"}}
	r := ledger.TargetRecord{Points: []ledger.Point{p}}
	for image, want := range map[string]bool{"ami-2": true, "ami-0": true, "ami-1": true, "ami-3": false} {
		if Had(r, image) != want {
			t.Errorf("%s: %t", image, !want)
		}
	}
}

func TestOwnerText(t *testing.T) {
	at := time.Date(2000, 1, 3, 0, 0, 0, 0, time.UTC)
	for want, o := range map[string]ledger.Owner{
		"i-1":                                   {Lineage: "i-1"},
		"i-1 since 2000-01-03 00:00 UTC":        {Lineage: "i-1", At: at},
		"i-1 since 2000-01-03 00:00 UTC by ada": {Lineage: "i-1", At: at, By: "ada"},
		"Auto Scaling group web by ada":         {Lineage: "group/web", By: "ada"},
	} {
		if got := OwnerText(o); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Who has a name keeps it as it is written down.
func TestTheOwnerStays(t *testing.T) {
	o := ledger.Owner{Name: "web", Lineage: "i-2", Source: "i-2", Run: "monday", Revision: "r"}
	title := entitle(o, true, Image{Source: "i-2", Lineage: "i-2", Name: "web", Run: "tuesday"}, time.Time{}, nil)
	if title.Owner.Revision != o.Revision || title.Takes || title.Other {
		t.Errorf("%+v", title)
	}
}

// spotOf has Spot Fleet requests of every state, and one of which EC2 shows no configuration.
type spotOf struct{ Reader }

func (spotOf) DescribeSpotFleetRequests(context.Context, *ec2.DescribeSpotFleetRequestsInput,
	...func(*ec2.Options)) (*ec2.DescribeSpotFleetRequestsOutput, error) {
	out := &ec2.DescribeSpotFleetRequestsOutput{
		SpotFleetRequestConfigs: []types.SpotFleetRequestConfig{{SpotFleetRequestState: "active"}},
	}
	for _, state := range types.BatchState("").Values() {
		spec := &types.FleetLaunchTemplateSpecification{LaunchTemplateId: aws.String("lt-1"), Version: aws.String("1")}
		out.SpotFleetRequestConfigs = append(out.SpotFleetRequestConfigs, types.SpotFleetRequestConfig{
			SpotFleetRequestId: aws.String(string(state)), SpotFleetRequestState: state,
			SpotFleetRequestConfig: &types.SpotFleetRequestConfigData{
				LaunchTemplateConfigs: []types.LaunchTemplateConfig{{LaunchTemplateSpecification: spec}}},
		})
	}
	return out, nil
}

// Only a Spot Fleet that launches, or may again, is a launcher.
func TestSpotFleetsThatLaunch(t *testing.T) {
	all, err := Finder{EC2: spotOf{}}.spotFleets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range all {
		names = append(names, l.name)
	}
	if got := fmt.Sprint(names); got != "[Spot Fleet submitted Spot Fleet active Spot Fleet modifying]" {
		t.Error(got)
	}
}

// A record remembers as many groups as it has room for.
func TestGroupsOfARecord(t *testing.T) {
	tmpl := versioned(map[int64]string{1: "a", 2: "a", 3: "a"})
	tmpl.base = 1
	for n := range 2 * mostGroups {
		tmpl.launchers = append(tmpl.launchers, by(fmt.Sprint("group ", n), "2"))
	}
	if was := tmpl.was(); len(was.Groups) != mostGroups || was.Groups["7"] != 2 {
		t.Errorf("%d groups: %v", len(was.Groups), was.Groups["7"])
	}
}

// noVersions is an EC2 that shows no more versions than were read.
type noVersions struct{ Reader }

func (noVersions) DescribeLaunchTemplateVersions(context.Context, *ec2.DescribeLaunchTemplateVersionsInput,
	...func(*ec2.Options)) (*ec2.DescribeLaunchTemplateVersionsOutput, error) {
	return &ec2.DescribeLaunchTemplateVersionsOutput{}, nil
}

// A version that an earlier try has made is taken up again unless it names a snapshot that what is launched now does
// not, and that is neither image's own.
func TestAVersionOfAnEarlierTry(t *testing.T) {
	volume := func(image, snapshot string) types.LaunchTemplateVersion {
		m := ebs("/dev/sdm", types.LaunchTemplateEbsBlockDevice{SnapshotId: pointer(snapshot), VolumeSize: aws.Int32(60)})
		return types.LaunchTemplateVersion{LaunchTemplateData: &types.ResponseLaunchTemplateData{
			ImageId: aws.String(image), BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMapping{m}}}
	}
	for snapshot, want := range map[string]int64{"snap-root": 2, "snap-old": 2, "": 2, "snap-other": 0} {
		one := &Target{template: &template{base: 1, old: &beforeImage,
			versions: map[int64]types.LaunchTemplateVersion{1: volume("ami-old", ""), 2: volume("ami-new", snapshot)}}}
		one.Record.Begun = &ledger.Change{To: ledger.Point{Version: 2}}
		got, err := Writer{Finder: Finder{EC2: noVersions{}}}.pending(t.Context(), one,
			Image{ID: "ami-new", Machine: rolledImage})
		if got != want || err != nil {
			t.Errorf("%q: version %d, %v; want %d", snapshot, got, err, want)
		}
	}
}

// A name that a person handed over gives way to nothing of higher rank.
func TestAPersonsWordStands(t *testing.T) {
	image := Image{Source: "i-1", Lineage: "i-1", Run: "tonight"}
	for by, want := range map[string]bool{"": true, "ada": false} {
		lives := func(string) bool { return true }
		if got := givesWay(ledger.Owner{Lineage: "snap-1", Source: "snap-1", By: by}, image, lives); got != want {
			t.Errorf("by %q: %t", by, got)
		}
	}
}

// A volume that is there keeps its name from an instance that calls itself the same, unless one run images both.
func TestAVolumeKeepsItsName(t *testing.T) {
	for _, c := range []struct {
		lineage, run string
		lives, other bool
	}{
		{"vol-1", "monday", true, true}, {"vol-1", "monday", false, false}, {"vol-1", "tonight", true, false},
		{"copies/vol-1", "monday", true, false}, {"snap-1", "monday", true, false},
	} {
		o := ledger.Owner{Name: "web", Lineage: c.lineage, Source: "snap-1", Run: c.run}
		image := Image{Name: "web", Source: "i-1", Lineage: "i-1", Run: "tonight"}
		if got := entitle(o, true, image, time.Now(), func(string) bool { return c.lives }); got.Other != c.other {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}
