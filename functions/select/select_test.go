package selection_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	selection "goldsmith/functions/select"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

const execution = "arn:aws:states:eu-central-1:123456789012:execution:goldsmith:" + steptest.RunName

// scene is the input of a run as trigger writes it.
func scene(s *steptest.Stage) (handler.Func[job.Batch, job.Batch], job.Batch) {
	step := selection.Step{
		EC2: s.EC2, Keys: source.Keys{KMS: s.KMS, Granted: []string{key, other}}, Quotas: s.Quotas, Ledger: s.Ledger,
		Now: time.Now,
	}
	return step.Handle, job.Batch{Run: s.Run(), Plan: s.Plan, Execution: execution,
		Sources: []job.Source{}}
}

type cases = []steptest.Case[job.Batch, job.Batch]

// What a first page of a handful of instances costs.
const looks = "PutRun DescribeInstances GetServiceQuota DescribeInstances DescribeInstanceTypes DescribeVolumes"

// asks is what it costs when some are to be stopped: what is down already.
const asks = looks + " DescribeInstances"

var enrolled = map[string]string{tag.Plan: "nightly"}

func TestSelect(t *testing.T) {
	steptest.Play(t, scene, cases{
		{
			Name: "the enrolled instances, in id order; the others are nobody's business",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				for range 5 {
					s.Launch("more", enrolled)
				}
				s.Launch("foreign", map[string]string{tag.Plan: "nightly-eu"})
				s.Launch("nobody's", nil)
			},
			Want: asks + ": ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				ids := idsOf(p)
				s.Same("chosen", len(ids), 6)
				s.Same("in order", slices.IsSorted(ids), true)
				s.Same("there is the known one", slices.Contains(ids, s.Web), true)
				s.Same("more", p.More, false)
				s.Same("skipped", len(s.Results(steptest.RunName)), 0)
			},
		},
		{
			Name: "an instance in several plans is in each of them",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				s.Must(s.Cloud.SetTags(s.Web, map[string]string{tag.Plan: "weekly + nightly"}))
			},
			Want: asks + ": ok",
			Then: func(s *steptest.Stage, p job.Batch) { s.Same("chosen", idsOf(p), []string{s.Web}) },
		},
		{
			Name: "one member stands for its group, and does not count towards the limit with the others",
			Given: func(s *steptest.Stage, p *job.Batch) {
				for _, id := range s.Group("fleet", 3) {
					s.Must(s.Cloud.SetTags(id, enrolled))
				}
				p.Plan.Groups, p.Plan.Limit = plan.Groups{Standby: plan.StandbyShrink, Pick: plan.PickAny}, plan.Limit{Count: 2}
			},
			Want: "PutRun DescribeInstances*2 GetServiceQuota DescribeInstances PutResult*2 DescribeInstanceTypes " +
				"DescribeVolumes DescribeInstances: ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("chosen", []int{len(idsOf(p)), len(p.Stand)}, []int{2, 0})
				for _, result := range s.Results(steptest.RunName) {
					s.Same("why", result.Skip.Code, job.AnotherStands)
				}
			},
		},
		{
			Name: "who stood for a group on an earlier page stands for it on the next",
			Given: func(s *steptest.Stage, p *job.Batch) {
				for _, id := range s.Group("fleet", 3) {
					s.Must(s.Cloud.SetTags(id, enrolled))
				}
				p.Plan.Groups.Pick, p.Cursor = plan.PickAny, "i-0"
				p.Stand = map[string]string{"fleet": "i-00000000000000000"}
			},
			Want: "DescribeInstances PutResult*3 DescribeInstanceTypes DescribeVolumes DescribeInstances: ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("chosen", idsOf(p), []string{s.Web})
				s.Same("skipped", len(s.Results(steptest.RunName)), 3)
			},
		},
		{
			Name: "the run is opened in the ledger",
			Want: asks + ": ok",
			Then: func(s *steptest.Stage, _ job.Batch) {
				run, ok, err := s.Ledger.Kept.GetRun(s.Context(), steptest.RunName)
				s.Must(err)
				s.Same("run", ok && run.Execution == execution && run.Plan == "nightly" && run.Started.Equal(time.Now()), true)
			},
		},
		{
			Name: "the same page, however often the step runs",
			Want: asks + ": ok | " + asks + ": ok",
			Then: func(s *steptest.Stage, p job.Batch) { s.Same("chosen", idsOf(p), []string{s.Web}) },
		},
		{
			Name: "nothing is enrolled: an empty page, not null",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				s.Must(s.Cloud.SetTags(s.Web, map[string]string{tag.Plan: "weekly"}))
			},
			Want: "PutRun DescribeInstances: ok",
			Then: func(s *steptest.Stage, p job.Batch) { s.Same("sources", p.Sources, []job.Source{}) },
		},
		{
			Name: "tags and exclusions of the plan narrow it",
			Given: func(s *steptest.Stage, p *job.Batch) {
				s.Launch("excluded", map[string]string{tag.Plan: "nightly", "role": "web", "pause": "yes"})
				s.Launch("other role", map[string]string{tag.Plan: "nightly", "role": "db"})
				s.Must(s.Cloud.SetTags(s.Web, map[string]string{"role": "web"}))
				p.Plan.Sources = plan.Selector{Tags: map[string][]string{"role": {"web", "app"}},
					Exclude: map[string][]string{"pause": nil}}
			},
			Want: asks + ": ok",
			Then: func(s *steptest.Stage, p job.Batch) { s.Same("chosen", idsOf(p), []string{s.Web}) },
		},
		{
			Name: "an id the plan names is not enrolled: said so, and the others go on",
			Given: func(s *steptest.Stage, p *job.Batch) {
				p.Plan.Sources.IDs = []string{s.Web, "i-00000000000000bad"}
			},
			Want: "PutRun DescribeInstances PutResult GetServiceQuota DescribeInstances DescribeInstanceTypes DescribeVolumes " +
				"DescribeInstances: ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("chosen", idsOf(p), []string{s.Web})
				r := s.Results(steptest.RunName)[0]
				s.Same("source", r.Source, "i-00000000000000bad")
				s.Same("reason", r.Skip, &job.Reason{Code: job.NotEnrolled,
					Text: "the plan names it, but its tag goldsmith:plan does not name the plan"})
			},
		},
		{
			Name:  "the ledger is busy: the run is not begun without a record",
			Given: func(s *steptest.Stage, _ *job.Batch) { s.Ledger.Break("PutRun", 1) },
			Want:  "PutRun: Transient | " + asks + ": ok",
		},
		{
			Name: "EC2 is busy for longer than one call may take",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Code: "RequestLimitExceeded"})
			},
			Want: "PutRun DescribeInstances*6: Transient",
			Says: []string{"listing instances"},
		},
		{
			Name: "the function may not list instances",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Code: "UnauthorizedOperation"})
			},
			Want: "PutRun DescribeInstances: Failed",
		},
	})
}

// What cannot be imaged gets its reason here, once for the run.
func TestSelectSkips(t *testing.T) {
	skipped := func(code job.ReasonCode) func(*steptest.Stage, job.Batch) {
		return func(s *steptest.Stage, p job.Batch) {
			s.Same("chosen", idsOf(p), []string{s.Web})
			r := s.Results(steptest.RunName)[0]
			s.Same("skipped", []any{r.Ending, r.Skip.Code, r.Name, r.Plan}, []any{job.Skipped, code, "other", "nightly"})
		}
	}
	other := func(edit ...func(*sdk.RunInstancesInput)) func(*steptest.Stage, *job.Batch) {
		return func(s *steptest.Stage, _ *job.Batch) { s.Launch("other", enrolled, edit...) }
	}
	steptest.Play(t, scene, cases{
		{
			Name: "an instance-store root",
			Given: other(func(in *sdk.RunInstancesInput) {
				in.ImageId, in.InstanceType = aws.String(ec2.ImageInstanceStore), types.InstanceTypeM3Medium
			}),
			Want: looks + " PutResult DescribeInstances: ok",
			Then: skipped(job.InstanceStoreRoot),
		},
		{
			Name: "a one-time Spot request",
			Given: other(func(in *sdk.RunInstancesInput) {
				in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
			}),
			Want: "PutRun DescribeInstances GetServiceQuota DescribeInstances DescribeInstanceTypes " +
				"DescribeSpotInstanceRequests DescribeVolumes PutResult DescribeInstances: ok",
			Then: skipped(job.OneTimeSpot),
		},
		{
			Name: "somebody is starting it: only claim can tell whether that is another run",
			Given: func(s *steptest.Stage, _ *job.Batch) {
				id := s.Launch("other", enrolled)
				s.Set(id, ec2.Stopped)
				_, err := s.EC2.StartInstances(s.Context(), &sdk.StartInstancesInput{InstanceIds: []string{id}})
				s.Must(err)
			},
			Want: asks + ": ok",
			Then: func(s *steptest.Stage, p job.Batch) { s.Same("sources", len(p.Sources), 2) },
		},
		{
			Name: "instance-store data, and the plan is strict",
			Given: func(s *steptest.Stage, p *job.Batch) {
				s.Launch("other", enrolled, func(in *sdk.RunInstancesInput) { in.InstanceType = types.InstanceTypeM5dLarge })
				p.Plan.Strict = true
			},
			Want: looks + " PutResult DescribeInstances: ok",
			Then: skipped(job.InstanceStoreData),
		},
		{
			Name: "the reason cannot be written down: tried again, nothing is lost",
			Given: func(s *steptest.Stage, p *job.Batch) {
				other(func(in *sdk.RunInstancesInput) {
					in.ImageId, in.InstanceType = aws.String(ec2.ImageInstanceStore), types.InstanceTypeM3Medium
				})(s, p)
				s.Ledger.Break("PutResult", 1)
			},
			Want: looks + " PutResult: Transient | " + looks + " PutResult DescribeInstances: ok",
			Then: skipped(job.InstanceStoreRoot),
		},
		{
			Name:  "function start is asked about what is to be stopped, and about nothing else",
			Given: func(s *steptest.Stage, _ *job.Batch) { s.Set(s.Launch("other", enrolled), ec2.Stopped) },
			Want:  asks + ": ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("sources", len(p.Sources), 2)
				s.Same("to be asked about", p.Ask, []string{s.Web})
				s.Same("asked", p.Run.Asked.IsZero(), true)
			},
		},
		{
			Name: "what is only a warning goes along as a note",
			Given: func(s *steptest.Stage, p *job.Batch) {
				s.Set(s.Web, ec2.Terminated)
				p.Plan.InstanceStore = plan.Lose
				s.Launch("other", enrolled, func(in *sdk.RunInstancesInput) {
					in.InstanceType = types.InstanceTypeM5dLarge
					in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"),
						Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(500), VolumeType: types.VolumeTypeSt1}}}
				})
			},
			Want: looks + " PutResult DescribeInstances: ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("sources", len(p.Sources), 1)
				s.Same("notes", p.Sources[0].Notes, []job.ReasonCode{job.InstanceStoreData, job.SlowVolume})
			},
		},
	})
}

// A request goes to claim in any case, which gives the reason and lets release answer the tag.
func TestSelectRequested(t *testing.T) {
	requested := func(s *steptest.Stage) (handler.Func[job.Batch, job.Batch], job.Batch) {
		step, p := scene(s)
		p.Run.Request = &job.Request{Source: s.Web, Kind: job.Instance, Value: "now"}
		s.Launch("another", enrolled)
		return step, p
	}
	steptest.Play(t, requested, cases{
		{
			Name: "one instance, and no other of the plan",
			Want: asks + ": ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("sources", p.Sources, []job.Source{{ID: s.Web, Kind: job.Instance}})
			},
		},
		{
			Name:  "EC2 does not know it",
			Given: func(_ *steptest.Stage, p *job.Batch) { p.Run.Request.Source = "i-00000000000000bad" },
			Want:  "PutRun DescribeInstances*2 DescribeInstanceTypes DescribeVolumes DescribeInstances: ok",
			Then:  func(s *steptest.Stage, p job.Batch) { s.Same("chosen", idsOf(p), []string{"i-00000000000000bad"}) },
		},
		{
			Name: "a snapshot",
			Given: func(_ *steptest.Stage, p *job.Batch) {
				p.Run.Request.Source, p.Run.Request.Kind = "snap-0c1d2e3f4a5b60718", job.Snapshot
			},
			Want: "PutRun: ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("sources", p.Sources, []job.Source{{ID: "snap-0c1d2e3f4a5b60718", Kind: job.Snapshot}})
			},
		},
		{
			Name: "what cannot be imaged goes to claim as well, for the answer",
			Given: func(s *steptest.Stage, p *job.Batch) {
				p.Run.Request.Source = s.Launch("old", nil, func(in *sdk.RunInstancesInput) {
					in.ImageId, in.InstanceType = aws.String(ec2.ImageInstanceStore), types.InstanceTypeM3Medium
				})
			},
			Want: asks + ": ok",
			Then: func(s *steptest.Stage, p job.Batch) { s.Same("sources", len(p.Sources), 1) },
		},
		{
			Name: "a strict plan's reason to skip reaches claim: instance-store data must not be lost for a request",
			Given: func(s *steptest.Stage, p *job.Batch) {
				p.Plan.Strict = true
				p.Run.Request.Source = s.Launch("cache", nil,
					func(in *sdk.RunInstancesInput) { in.InstanceType = types.InstanceTypeM5dLarge })
			},
			Want: asks + ": ok",
			Then: func(s *steptest.Stage, p job.Batch) {
				s.Same("notes", p.Sources[0].Notes, []job.ReasonCode{job.InstanceStoreData})
			},
		},
		{
			Name:  "a person runs a whole plan now",
			Given: func(_ *steptest.Stage, p *job.Batch) { p.Run.Request = &job.Request{By: "jo"} },
			Want:  asks + ": ok",
			Then:  func(s *steptest.Stage, p job.Batch) { s.Same("sources", len(p.Sources), 2) },
		},
		{
			Name: "the tag's value names no plan: nothing is looked at, and the problem is the run's",
			Given: func(_ *steptest.Stage, p *job.Batch) {
				p.Problem = "Tag goldsmith:image=nightli on i-1: there is no plan"
			},
			Want: "PutRun: Failed",
			Says: []string{"Tag goldsmith:image=nightli on i-1: there is no plan. Nothing was touched."},
		},
	})
}

func idsOf(p job.Batch) []string {
	var ids []string
	for _, src := range p.Sources {
		ids = append(ids, src.ID)
	}
	return ids
}
