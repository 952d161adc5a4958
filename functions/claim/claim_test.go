package claim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/claim"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/rollout"
	"goldsmith/shared/sharing"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

const execution = "arn:aws:states:eu-central-1:123456789012:execution:goldsmith/source:3f1c2b6a-7d2e-3a55-9a0b-5f8f6c1d2e3f"

// scene is a source as select hands it out.
func scene(s *steptest.Stage) (handler.Func[claim.Input, job.Job], claim.Input) {
	step := claim.Step{
		EC2: s.EC2, AutoScaling: s.AutoScaling, Balancers: s.ELB,
		Keys:    source.Keys{KMS: s.KMS, Granted: []string{ourKey}},
		Sharing: sharing.Lookout{Keys: s.KMS}, Takers: rollout.Takers{EC2: s.EC2, Groups: s.AutoScaling, Path: "/images"},
		Ledger: s.Ledger, Now: time.Now,
	}
	return step.Handle, claim.Input{
		Job:       job.Job{Run: s.Run(), Plan: s.Plan, Source: job.Source{ID: s.Web, Kind: job.Instance}},
		Execution: execution,
	}
}

type cases = []steptest.Case[claim.Input, job.Job]

// All that a claim of a running instance does: none of it changes anything in EC2.
const (
	found = "Claim Reserve*2 DescribeInstances"
	looks = found + " DescribeInstanceAttribute"
)

func TestClaim(t *testing.T) {
	steptest.Play(t, scene, cases{
		{
			Name: "a running instance will be stopped, and the ledger says who starts it again",
			Want: claims + " Take Record: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", j.Decision, job.StopFirst)
				s.Same("back", j.Back, false)
				s.Same("source", j.Source, job.Source{
					ID: s.Web, Kind: job.Instance, Name: "web", InstanceType: "t3.micro", Architecture: "x86_64",
					Zone: "eu-central-1a", WasRunning: true,
					Volumes: j.Source.Volumes, Tags: map[string]string{"Name": "web", tag.Plan: "nightly"}, Server: j.Source.Server,
				})
				s.Same("its place", []string{j.Source.Server.Zone, j.Source.Server.Interfaces[0].Subnet},
					[]string{j.Source.Zone, j.Source.Server.Subnet})
				s.Same("volumes", len(j.Source.Volumes), 1)
				s.Same("image", j.Image.Name, "goldsmith/web/"+s.Web+"/"+steptest.RunName)
				now := time.Now().UTC()
				s.Same("claim", *s.Held(s.Web), ledger.Claim{
					Source: s.Web, Kind: job.Instance, Name: "web", Run: steptest.RunName, Plan: "nightly", Execution: execution,
					Since: now, WasRunning: true, Looked: true, InstanceType: "t3.micro", Zone: "eu-central-1a",
				})
			},
		},
		{
			Name: "its image will be shared: the volumes are asked about no more often",
			Given: func(_ *steptest.Stage, in *claim.Input) {
				in.Job.Plan.Share.Accounts = []string{"210987654321"}
			},
			Want: claims + " Take Record: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("shared", j.Sharing && j.Shared == nil, true) },
		},
		{
			Name:  "a stopped instance is imaged as it is, and stays stopped",
			Given: func(s *steptest.Stage, _ *claim.Input) { s.Set(s.Web, ec2.Stopped) },
			Want:  found + " Record: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", j.Decision, job.ImageNow)
				s.Same("back", j.Back, true)
				s.Same("was running", s.Held(s.Web).WasRunning || j.Source.WasRunning, false)
			},
		},
		{
			Name:  "without a stop nobody asks for stop protection",
			Given: func(_ *steptest.Stage, in *claim.Input) { in.Job.Plan.Consistency = plan.Reboot },
			Want:  "Claim Reserve DescribeInstances Record: ok",
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("decision", j.Decision, job.ImageNow) },
		},
		{
			Name: "claimed once, however often the step runs",
			Want: claims + " Take Record: ok | " + again + " Record: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("decision", j.Decision, job.StopFirst) },
		},
		{
			Name:    "what the first look saw counts: an instance that we stopped ran before",
			Want:    claims + " Take Record: ok | " + again + " Record: ok",
			Between: func(s *steptest.Stage) { s.Set(s.Web, ec2.Stopped) },
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("decision", j.Decision, job.StopFirst)
				s.Same("was running", j.Source.WasRunning && s.Held(s.Web).WasRunning, true)
			},
		},
		{
			Name:  "the ledger is busy: not even looked at",
			Given: func(s *steptest.Stage, _ *claim.Input) { s.Ledger.Break("Claim", 1) },
			Want:  "Claim: Transient | " + claims + " Take Record: ok",
		},
		{
			Name:  "the ledger's answer is lost: the claim is our own",
			Given: func(s *steptest.Stage, _ *claim.Input) { s.Ledger.Lose("Claim", 1) },
			Want:  "Claim: Transient | " + claims + " Take Record: ok",
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("decision", j.Decision, job.StopFirst) },
		},
		{
			Name:  "what must be undone cannot be written down: the run does not go on",
			Given: func(s *steptest.Stage, _ *claim.Input) { s.Ledger.Break("Record", 1) },
			Want:  claims + " Take Record: Transient",
			Says:  []string{"recording the claim of i-"},
		},
		{
			Name: "EC2 is busy for longer than one call may take",
			Given: func(s *steptest.Stage, _ *claim.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Code: "RequestLimitExceeded"})
			},
			Want: "Claim Reserve*2 DescribeInstances*6: Transient",
			Says: []string{"looking at i-"},
		},
		{
			Name: "the function may not ask for stop protection",
			Given: func(s *steptest.Stage, _ *claim.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstanceAttribute", Code: "UnauthorizedOperation"})
			},
			Want: looks + ": Failed",
			Says: []string{"asking whether i-", "is stop-protected"},
		},
		{
			Name: "EC2 knows no stop protection for it: not protected",
			Given: func(s *steptest.Stage, _ *claim.Input) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstanceAttribute", Code: "UnsupportedOperation"})
			},
			Want: claims + " Take Record: ok",
		},
	})
}

// Every reason to leave a source alone, as it reaches log, ledger and Slack.
func TestClaimSkips(t *testing.T) {
	skipped := func(code job.ReasonCode, text string) func(*steptest.Stage, job.Job) {
		return func(s *steptest.Stage, j job.Job) {
			s.Same("decision", j.Decision, job.SkipIt)
			s.Same("back", j.Back, true)
			s.Same("reason", j.Skip, &job.Reason{Code: code, Text: text})
		}
	}
	steptest.Play(t, scene, cases{
		{
			Name: "another run is working on it: not even looked at",
			Given: func(s *steptest.Stage, _ *claim.Input) {
				s.Hold(ledger.Claim{Source: s.Web, Run: "weekly-1", Since: time.Now()})
			},
			Want: "Claim: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				skipped(job.Claimed, "run weekly-1 has it since 2000-01-01 00:00 UTC")(s, j)
				s.Same("holder", s.Held(s.Web).Run, "weekly-1")
			},
		},
		{
			Name: "a snapshot is asked for",
			Given: func(_ *steptest.Stage, in *claim.Input) {
				in.Job.Source = job.Source{ID: "snap-0c1d2e3f4a5b60718", Kind: job.Snapshot}
			},
			Want: "Claim Reserve DescribeSnapshots: ok",
			Then: skipped(job.Gone, "this account has no such snapshot any more"),
		},
		{
			Name:  "EC2 does not know it",
			Given: func(_ *steptest.Stage, in *claim.Input) { in.Job.Source.ID = "i-00000000000000bad" },
			Want:  "Claim Reserve*2 DescribeInstances*2: ok",
			Then:  skipped(job.Gone, "EC2 does not know it any more"),
		},
		{
			Name:  "somebody terminated it",
			Given: func(s *steptest.Stage, _ *claim.Input) { s.Set(s.Web, ec2.Terminated) },
			Want:  found + ": ok",
			Then:  skipped(job.Terminating, "it is terminated"),
		},
		{
			Name:  "somebody is stopping it just now",
			Given: func(s *steptest.Stage, _ *claim.Input) { s.Must(s.StopWeb()) },
			Want:  found + ": ok",
			Then:  skipped(job.ChangingState, "it is stopping, on its way to another state"),
		},
		{
			Name: "taken out of the plan since the run began",
			Given: func(s *steptest.Stage, _ *claim.Input) {
				s.Must(s.Cloud.SetTags(s.Web, map[string]string{tag.Plan: "weekly"}))
			},
			Want: "Claim Reserve*2 DescribeInstances: ok",
			Then: skipped(job.NotEnrolled, "tag goldsmith:plan does not name plan nightly any more"),
		},
		{
			Name: "stop protection is on",
			Given: func(s *steptest.Stage, _ *claim.Input) {
				_, err := s.EC2.ModifyInstanceAttribute(s.Context(), &sdk.ModifyInstanceAttributeInput{
					InstanceId: aws.String(s.Web), DisableApiStop: &types.AttributeBooleanValue{Value: aws.Bool(true)},
				})
				s.Must(err)
			},
			Want: looks + ": ok",
			Then: skipped(job.StopProtected, "stop protection is on"),
		},
		{
			Name:  "hibernation is enabled",
			Given: func(s *steptest.Stage, _ *claim.Input) { s.Must(s.Cloud.SetHibernation(s.Web, true)) },
			Want:  found + ": ok",
			Then:  skipped(job.Hibernation, "hibernation is enabled: images of it may not boot"),
		},
		{
			Name: "an Auto Scaling group would terminate it",
			Given: func(s *steptest.Stage, _ *claim.Input) {
				s.Must(s.Cloud.SetTags(s.Web, map[string]string{"aws:autoscaling:groupName": "fleet"}))
			},
			Want: found + ": ok",
			Then: skipped(job.AutoScalingMember,
				"Auto Scaling group fleet would terminate it once it is stopped: let the plan put it into Standby "+
					"(groups.standby: shrink or replace), image it with consistency none or reboot, or image another"),
		},
		{
			Name:  "select found a one-time Spot request",
			Given: func(_ *steptest.Stage, in *claim.Input) { in.Job.Source.Notes = []job.ReasonCode{job.OneTimeSpot} },
			Want:  found + ": ok",
			Then:  skipped(job.OneTimeSpot, "it is a Spot instance of a one-time request: only persistent ones can be stopped"),
		},
		{
			Name:  "select found that EC2 does not say whether a stop loses data",
			Given: func(_ *steptest.Stage, in *claim.Input) { in.Job.Source.Notes = []job.ReasonCode{job.StoreUnseen} },
			Want:  found + ": ok",
			Then: skipped(job.StoreUnseen, "EC2 does not say whether t3.micro has instance-store volumes, of which a stop "+
				"loses what is on them; a plan with instanceStore: lose accepts that"),
		},
		{
			Name: "its Spot request ends while it may be down",
			Given: func(s *steptest.Stage, in *claim.Input) {
				in.Job.Source.ID = s.Launch("spot", map[string]string{tag.Plan: "nightly"}, func(in *sdk.RunInstancesInput) {
					in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot,
						SpotOptions: &types.SpotMarketOptions{SpotInstanceType: types.SpotInstanceTypePersistent,
							InstanceInterruptionBehavior: types.InstanceInterruptionBehaviorStop,
							ValidUntil:                   aws.Time(time.Now().Add(6 * time.Hour))}}
				})
			},
			Want: found + " DescribeSpotInstanceRequests: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("skip", j.Skip.Code, job.SpotEnds)
				s.Same("the time is told", strings.Contains(j.Skip.Text, "UTC: if it were still stopped then"), true)
			},
		},
		{
			Name: "select found a slow volume, and the plan is strict",
			Given: func(_ *steptest.Stage, in *claim.Input) {
				in.Job.Source.Notes, in.Job.Plan.Strict = []job.ReasonCode{job.SlowVolume}, true
			},
			Want: found + ": ok",
			Then: skipped(job.SlowVolume,
				"it has an st1 or sc1 volume, which takes one snapshot at a time: another backup in progress makes imaging wait "+
					"(the plan is strict)"),
		},
		{
			Name:  "the window closed before its turn came",
			Given: func(_ *steptest.Stage, _ *claim.Input) { time.Sleep(5 * time.Hour) },
			Want:  "Claim Reserve*2 DescribeInstances Slots*2: ok",
			Then:  skipped(job.WindowClosed, "the window closed at 2000-01-01T04:00:00Z before its turn came"),
		},
		{
			Name:  "a stopped instance is imaged after the window, too: nothing goes down",
			Given: func(s *steptest.Stage, _ *claim.Input) { s.Set(s.Web, ec2.Stopped); time.Sleep(5 * time.Hour) },
			Want:  found + " Record: ok",
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("decision", j.Decision, job.ImageNow) },
		},
		{
			Name: "what select found is a warning otherwise",
			Given: func(_ *steptest.Stage, in *claim.Input) {
				in.Job.Source.Notes = []job.ReasonCode{job.InstanceStoreData, job.SlowVolume}
				in.Job.Plan.InstanceStore = plan.Lose
			},
			Want: claims + " Take Record: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				var codes []job.ReasonCode
				for _, w := range j.Warnings {
					codes = append(codes, w.Code)
				}
				s.Same("warnings", codes, []job.ReasonCode{job.SlowVolume, job.InstanceStoreData})
				s.Same("decision", j.Decision, job.StopFirst)
			},
		},
	})
}

// requested claims a source that nothing enrols, asked for by its tag.
func requested(s *steptest.Stage) (handler.Func[claim.Input, job.Job], claim.Input) {
	step, in := scene(s)
	in.Job.Source.ID = s.Launch("build", nil)
	in.Job.Run.Request = &job.Request{Source: in.Job.Source.ID, Kind: job.Instance, Value: "now"}
	return step, in
}

// A request is for one source, enrolled or not.
func TestClaimRequested(t *testing.T) {
	steptest.Play(t, requested, cases{
		{
			Name: "the tag is on it, which is enough",
			Given: func(s *steptest.Stage, in *claim.Input) {
				s.Must(s.Cloud.SetTags(in.Job.Source.ID, map[string]string{tag.Request: "now"}))
			},
			Want: claims + " Take Record: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("decision", j.Decision, job.StopFirst) },
		},
		{
			Name: "somebody is stopping it: it waits, for half an hour at most",
			Given: func(s *steptest.Stage, in *claim.Input) {
				in.Job.Source.ID, in.Job.Run.Request.Source = s.Web, s.Web
				s.Must(s.Cloud.SetTags(s.Web, map[string]string{tag.Plan: "nightly", tag.Request: "now"}))
				s.Cloud.Inject(ec2.Fault{Action: "StopInstances", Stuck: true})
				s.Must(s.StopWeb())
			},
			Want: found + ": ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("waits", []any{j.Decision, j.Turn.Seconds, j.Skip == nil}, []any{job.WaitFirst, 30, true})
			},
		},
		{
			Name: "EC2 does not show it yet",
			Given: func(_ *steptest.Stage, in *claim.Input) {
				in.Job.Source.ID, in.Job.Run.Request.Source = "i-00000000000000bad", "i-00000000000000bad"
			},
			Want:    "Claim Reserve*2 DescribeInstances*2: NotYet | Claim Reserve*2 DescribeInstances*2: ok",
			Between: func(*steptest.Stage) { time.Sleep(time.Minute) },
			Then:    func(s *steptest.Stage, j job.Job) { s.Same("reason", j.Skip.Code, job.Gone) },
		},
		{
			Name: "a person asked, and it is enrolled: no tag is needed",
			Given: func(s *steptest.Stage, in *claim.Input) {
				in.Job.Source.ID = s.Web
				in.Job.Run.Request = &job.Request{Source: s.Web, Kind: job.Instance, By: "jo"}
			},
			Want: claims + " Take Record: ok",
		},
		{
			Name: "a request is bound by its plan: a tag that the plan excludes keeps the instance out",
			Given: func(s *steptest.Stage, in *claim.Input) {
				s.Must(s.Cloud.SetTags(in.Job.Source.ID, map[string]string{tag.Request: "now", "hold": "yes"}))
				in.Job.Plan.Sources.Exclude = map[string][]string{"hold": nil}
			},
			Want: "Claim Reserve*2 DescribeInstances: ok",
			Then: excluded("plan nightly leaves it out: its tag hold is one that sources.exclude names"),
		},
		{
			Name: "and so do tags that the plan wants",
			Given: func(s *steptest.Stage, in *claim.Input) {
				s.Must(s.Cloud.SetTags(in.Job.Source.ID, map[string]string{tag.Request: "now"}))
				in.Job.Plan.Sources.Tags = map[string][]string{"Role": {"db"}}
			},
			Want: "Claim Reserve*2 DescribeInstances: ok",
			Then: excluded("plan nightly leaves it out: its tag Role is not as sources.tags wants it"),
		},
		{
			Name: "and ids that it is confined to",
			Given: func(s *steptest.Stage, in *claim.Input) {
				s.Must(s.Cloud.SetTags(in.Job.Source.ID, map[string]string{tag.Request: "now"}))
				in.Job.Plan.Sources.IDs = []string{"i-0123456789abcdef0"}
			},
			Want: "Claim Reserve*2 DescribeInstances: ok",
			Then: excluded("plan nightly leaves it out: sources.ids does not list it"),
		},
		{
			Name:    "the tag was taken off again; that it is not there is believed after a minute",
			Want:    "Claim Reserve*2 DescribeInstances: NotYet | Claim Reserve*2 DescribeInstances: ok",
			Between: func(*steptest.Stage) { time.Sleep(time.Minute) },
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("reason", j.Skip, &job.Reason{Code: job.Withdrawn, Text: "tag goldsmith:image was taken off again"})
			},
		},
		{
			Name: "the tag was taken off again of what the plan enrols: nothing is stopped by it either",
			Given: func(s *steptest.Stage, in *claim.Input) {
				in.Job.Source.ID, in.Job.Run.Request.Source = s.Web, s.Web
			},
			Want:    "Claim Reserve*2 DescribeInstances: NotYet | Claim Reserve*2 DescribeInstances: ok",
			Between: func(*steptest.Stage) { time.Sleep(time.Minute) },
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("reason", j.Skip.Code, job.Withdrawn)
			},
		},
		{
			Name: "a person asked for what is in no plan: the reason says what would help",
			Given: func(_ *steptest.Stage, in *claim.Input) {
				in.Job.Run.Request = &job.Request{Source: in.Job.Source.ID, Kind: job.Instance, By: "jo"}
			},
			Want: "Claim Reserve*2 DescribeInstances: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("reason", j.Skip, &job.Reason{Code: job.NotEnrolled,
					Text: "tag goldsmith:plan does not name plan nightly, and no tag goldsmith:image asks for it"})
			},
		},
	})
}

// excluded checks that the source is skipped because its plan leaves it out.
func excluded(text string) func(*steptest.Stage, job.Job) {
	return func(s *steptest.Stage, j job.Job) {
		s.Helper()
		s.Same("reason", j.Skip, &job.Reason{Code: job.Excluded, Text: text})
	}
}
