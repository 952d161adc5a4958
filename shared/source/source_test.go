package source_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"pgregory.net/rapid"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// healthy is a running instance that nothing speaks against.
func healthy() source.Facts {
	return source.Facts{Instance: types.Instance{
		InstanceId: aws.String("i-1"), InstanceType: types.InstanceTypeM5Large, RootDeviceType: types.DeviceTypeEbs,
		State: &types.InstanceState{Name: types.InstanceStateNameRunning},
		NetworkInterfaces: []types.InstanceNetworkInterface{
			{}, {Association: &types.InstanceNetworkInterfaceAssociation{IpOwnerId: aws.String("123456789012"),
				PublicIp: aws.String("198.51.100.1")}},
		},
		HibernationOptions: &types.HibernationOptions{Configured: aws.Bool(false)},
	}}
}

func inState(state types.InstanceStateName) func(*source.Facts) {
	return func(f *source.Facts) { f.Instance.State = &types.InstanceState{Name: state} }
}

// oddities are what may be wrong with an instance. stopping says that the reason
// holds only where the instance would be stopped: a running one under a plan that stops.
var oddities = []struct {
	code     job.ReasonCode
	warning  bool
	stopping bool
	make     func(*source.Facts)
}{
	{job.Terminating, false, false, inState(types.InstanceStateNameTerminated)},
	{job.Terminating, false, false, inState(types.InstanceStateNameShuttingDown)},
	{job.InstanceStoreRoot, false, false,
		func(f *source.Facts) { f.Instance.RootDeviceType = types.DeviceTypeInstanceStore }},
	{job.Hibernation, false, false, func(f *source.Facts) { f.Instance.HibernationOptions.Configured = aws.Bool(true) }},
	{job.AutoScalingMember, false, true, func(f *source.Facts) {
		f.Instance.Tags = []types.Tag{{Key: aws.String("aws:autoscaling:groupName"), Value: aws.String("web")}}
	}},
	{job.OneTimeSpot, false, true, func(f *source.Facts) { f.OneTimeSpot = true }},
	{job.SpotEnds, false, true, func(f *source.Facts) { f.SpotEnds = f.Now.Add(time.Hour) }},
	{job.SpotEnds, false, true, func(f *source.Facts) { f.SpotCancelled = true }},
	{job.InstanceStoreData, false, true, func(f *source.Facts) { f.InstanceStore = true }},
	{job.StopProtected, false, true, func(f *source.Facts) { f.StopProtected = true }},
	{job.ChangingState, false, false, inState(types.InstanceStateNamePending)},
	{job.ChangingState, false, false, inState(types.InstanceStateNameStopping)},
	{job.ChangingState, false, false, func(f *source.Facts) { f.Instance.State = nil }},
	{job.AddressChanges, true, true, func(f *source.Facts) {
		f.Instance.NetworkInterfaces = append(f.Instance.NetworkInterfaces, types.InstanceNetworkInterface{
			Association: &types.InstanceNetworkInterfaceAssociation{IpOwnerId: aws.String("amazon"),
				PublicIp: aws.String("203.0.113.9")},
		})
	}},
	{job.SlowVolume, true, false, func(f *source.Facts) { f.SlowVolume = true }},
	{job.DedicatedHost, true, true,
		func(f *source.Facts) { f.Instance.Placement = &types.Placement{Tenancy: types.TenancyHost} }},
}

// A plan may accept the loss of instance-store data; it is warned all the same, also a strict one.
func TestInstanceStoreData(t *testing.T) {
	f := healthy()
	f.InstanceStore = true
	for _, strict := range []bool{false, true} {
		skip, warnings := judge(f, plan.Plan{Consistency: plan.Stop, InstanceStore: plan.Lose, Strict: strict})
		wantWarning(t, job.InstanceStoreData, skip, warnings)
	}
	inState(types.InstanceStateNameStopped)(&f)
	skip, warnings := judge(f, plan.Plan{Consistency: plan.Stop, InstanceStore: plan.Lose})
	wantNothing(t, skip, warnings)
}

// A Mac is told of apart: its host is scrubbed for hours.
func TestMac(t *testing.T) {
	f := healthy()
	f.Instance.Placement, f.Instance.InstanceType = &types.Placement{Tenancy: types.TenancyHost}, types.InstanceTypeMac2Metal
	skip, warnings := judge(f, plan.Plan{Consistency: plan.Stop})
	wantWarning(t, job.DedicatedHost, skip, warnings)
	if !strings.Contains(warnings[0].Text, "hours") {
		t.Error(warnings[0].Text)
	}
}

// What runs Windows is not frozen, and is imaged where nothing is to be frozen of it.
func TestNotFreezable(t *testing.T) {
	for _, platform := range []types.PlatformValues{"", "windows", types.PlatformValuesWindows} {
		for _, consistency := range plan.Consistencies {
			for _, state := range []types.InstanceStateName{types.InstanceStateNameRunning, types.InstanceStateNameStopped} {
				f := healthy()
				inState(state)(&f)
				f.Instance.Platform = platform
				skip, warnings := judge(f, plan.Plan{Consistency: consistency})
				if platform != "" && consistency == plan.Frozen && state == types.InstanceStateNameRunning {
					wantSkip(t, job.NotFreezable, skip, warnings)
				} else {
					wantNothing(t, skip, warnings)
				}
			}
		}
	}
}

func TestJudge(t *testing.T) {
	for i, odd := range oddities {
		for _, consistency := range plan.Consistencies {
			for _, state := range []types.InstanceStateName{types.InstanceStateNameRunning, types.InstanceStateNameStopped} {
				for _, strict := range []bool{false, true} {
					t.Run(fmt.Sprintf("%d %s, %s, %s, strict %v", i, odd.code, consistency, state, strict), func(t *testing.T) {
						f := healthy()
						inState(state)(&f)
						odd.make(&f)
						holds := !odd.stopping || consistency == plan.Stop && state == types.InstanceStateNameRunning
						skip, warnings := judge(f, plan.Plan{Consistency: consistency, Strict: strict})
						switch {
						case !holds:
							wantNothing(t, skip, warnings)
						case odd.warning && !strict:
							wantWarning(t, odd.code, skip, warnings)
						default:
							wantSkip(t, odd.code, skip, warnings)
						}
					})
				}
			}
		}
	}
}

// judge asks about an instance of the plan, in a run without a window.
func judge(f source.Facts, p plan.Plan) (*job.Reason, []job.Reason) {
	f.Run, f.Plan = job.Run{Plan: "nightly"}, p
	tags := f.Instance.Tags
	f.Instance.Tags = append(slices.Clip(tags), types.Tag{Key: aws.String(tag.Plan), Value: aws.String("nightly")})
	d := source.Decide(f.Of(f.Instance))
	return d.Skip, d.Warnings
}

func wantNothing(t *testing.T, skip *job.Reason, warnings []job.Reason) {
	t.Helper()
	if skip != nil || len(warnings) > 0 {
		t.Errorf("skip %v, warnings %v; nothing speaks against it", skip, warnings)
	}
}

func wantWarning(t *testing.T, code job.ReasonCode, skip *job.Reason, warnings []job.Reason) {
	t.Helper()
	if skip != nil || len(warnings) != 1 || warnings[0].Code != code || warnings[0].Text == "" {
		t.Errorf("skip %v, warnings %v; want the warning %s", skip, warnings, code)
	}
}

func wantSkip(t *testing.T, code job.ReasonCode, skip *job.Reason, warnings []job.Reason) {
	t.Helper()
	if skip == nil || skip.Code != code || skip.Text == "" || len(warnings) > 0 {
		t.Errorf("skip %v, warnings %v; want the skip %s", skip, warnings, code)
	}
}

func TestJudgeHealthy(t *testing.T) {
	for _, consistency := range plan.Consistencies {
		skip, warnings := judge(healthy(), plan.Plan{Consistency: consistency, Strict: true})
		wantNothing(t, skip, warnings)
	}
	// Neither hibernation options nor network cards need be there.
	skip, warnings := judge(source.Facts{Instance: types.Instance{
		State: &types.InstanceState{Name: types.InstanceStateNameRunning},
	}}, plan.Plan{Consistency: plan.Stop})
	wantNothing(t, skip, warnings)
}

// TestJudgeSeveral combines oddities: one reason to skip is enough, the one that
// lasts is given, and without one every warning is.
func TestJudgeSeveral(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chosen := rapid.SliceOfNDistinct(rapid.IntRange(0, len(oddities)-1), 0, len(oddities), rapid.ID).Draw(t, "oddities")
		slices.Sort(chosen)
		f := healthy()
		for _, i := range chosen {
			oddities[i].make(&f)
		}
		skips, warns := expected(f, chosen)
		skip, warnings := judge(f, plan.Plan{Consistency: plan.Stop})
		if len(skips) > 0 {
			if skip == nil || skip.Code != skips[0] || len(warnings) > 0 {
				t.Fatalf("skip %v, warnings %v; reasons to skip are %v, the first lasts longest", skip, warnings, skips)
			}
			return
		}
		var got []job.ReasonCode
		for _, w := range warnings {
			got = append(got, w.Code)
		}
		if skip != nil || !slices.Equal(got, warns) {
			t.Fatalf("skip %v, warnings %v; want warnings %v", skip, got, warns)
		}
	})
}

// expected are the reasons that hold for an instance with these oddities. Of
// several states the last one given is the one it is in.
func expected(f source.Facts, chosen []int) (skips, warns []job.ReasonCode) {
	state := source.State(f.Instance)
	for _, i := range chosen {
		odd, alone := oddities[i], healthy()
		odd.make(&alone)
		switch {
		case odd.stopping && state != types.InstanceStateNameRunning:
		case (odd.code == job.Terminating || odd.code == job.ChangingState) && source.State(alone.Instance) != state:
		case odd.warning:
			warns = append(warns, odd.code)
		default:
			skips = append(skips, odd.code)
		}
	}
	return skips, warns
}

func TestName(t *testing.T) {
	for name, c := range map[string]struct {
		tags map[string]string
		want string
	}{
		"our tag first":  {map[string]string{tag.Name: "web", "Name": "Web server"}, "web"},
		"then Name":      {map[string]string{"Name": "Web server"}, "Web server"},
		"then the id":    {nil, "i-1"},
		"blank is none":  {map[string]string{tag.Name: " \t", "Name": ""}, "i-1"},
		"blanks go":      {map[string]string{"Name": "  web "}, "web"},
		"case is a case": {map[string]string{"name": "web"}, "i-1"},
	} {
		if got := source.Name(c.tags, "i-1"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestEnrolled(t *testing.T) {
	for value, want := range map[string]bool{
		"nightly": true, "weekly nightly": true, "weekly,nightly": true, "weekly+nightly": true, "nightly, weekly": true,
		"  nightly ": true,
		"":           false, "nightly-eu": false, "eu-nightly": false, "nightl": false, "Nightly": false,
		"nightly;weekly": false,
		"*":              false, ",": false,
	} {
		if got := source.Enrolled(map[string]string{tag.Plan: value}, "nightly"); got != want {
			t.Errorf("%s=%q enrols: %v, want %v", tag.Plan, value, got, want)
		}
	}
	if source.Enrolled(nil, "nightly") || source.Enrolled(map[string]string{"plan": "nightly"}, "nightly") {
		t.Error("an instance without the tag is enrolled")
	}
}

// TestChosen compares with an oracle that looks at every rule of the selector on its own.
func TestChosen(t *testing.T) {
	few := rapid.SampledFrom([]string{"a", "b", "c", ""})
	values := rapid.SliceOfN(few, 0, 2)
	rapid.Check(t, func(t *rapid.T) {
		tags := rapid.MapOfN(few, few, 0, 4).Draw(t, "tags")
		id := rapid.SampledFrom([]string{"i-1", "i-2", "i-3"}).Draw(t, "id")
		s := plan.Selector{
			Tags:    rapid.MapOfN(few, values, 0, 3).Draw(t, "tags wanted"),
			Exclude: rapid.MapOfN(few, values, 0, 2).Draw(t, "tags excluded"),
			IDs:     rapid.SliceOfN(rapid.SampledFrom([]string{"i-1", "i-2"}), 0, 2).Draw(t, "ids"),
		}
		if got, want := source.Chosen(tags, id, s), !strings.Contains(verdicts(tags, id, s), "no"); got != want {
			t.Fatalf("chosen: %v, want %v", got, want)
		}
	})
}

func verdicts(tags map[string]string, id string, s plan.Selector) string {
	all := ""
	vote := func(yes bool) {
		if !yes {
			all += "no "
		}
	}
	match := func(key string, accepted []string) bool {
		found := false
		for k, v := range tags {
			if k != key {
				continue
			}
			found = len(accepted) == 0
			for _, a := range accepted {
				found = found || a == v
			}
		}
		return found
	}
	vote(len(s.IDs) == 0 || strings.Contains(","+strings.Join(s.IDs, ",")+",", ","+id+","))
	for key, accepted := range s.Tags {
		vote(match(key, accepted))
	}
	for key, accepted := range s.Exclude {
		vote(!match(key, accepted))
	}
	return all
}

func TestVolumes(t *testing.T) {
	i := types.Instance{BlockDeviceMappings: []types.InstanceBlockDeviceMapping{
		{DeviceName: aws.String("/dev/sdb"), Ebs: &types.EbsInstanceBlockDevice{VolumeId: aws.String("vol-b")}},
		{DeviceName: aws.String("/dev/sdc")},
		{DeviceName: aws.String("/dev/sdd"), Ebs: &types.EbsInstanceBlockDevice{}},
		{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsInstanceBlockDevice{VolumeId: aws.String("vol-a")}},
	}}
	if got := fmt.Sprint(source.Volumes(i)); got != "[vol-a vol-b]" {
		t.Error(got)
	}
}

func TestWhy(t *testing.T) {
	for name, c := range map[string]struct {
		instance types.Instance
		want     string
	}{
		"nothing": {types.Instance{}, "EC2 gave no reason"},
		"a state reason": {types.Instance{StateReason: &types.StateReason{Message: aws.String("Client.InternalError: " +
			"Client error on launch")}}, "EC2 says: Client.InternalError: Client error on launch"},
		"a transition": {types.Instance{StateTransitionReason: aws.String("User initiated (2026-05-01 02:00:00 GMT)")},
			"EC2 says: User initiated (2026-05-01 02:00:00 GMT)"},
		"an empty message": {types.Instance{StateReason: &types.StateReason{}, StateTransitionReason: aws.String("")},
			"EC2 gave no reason"},
	} {
		if got := source.Why(c.instance); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
