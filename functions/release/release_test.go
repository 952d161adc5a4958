package release_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/functions/release"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/register"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// scene is a job that went well: imaged, and running again.
func scene(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
	j := s.Job()
	j.Back, j.Image.ID, j.Image.State = true, "ami-0abcdef1234567890", "available"
	j.Times.StopSent, j.Times.Running = j.Times.Claimed, j.Times.Claimed.Add(90*time.Second)
	r := register.ImageOf(j)
	r.ID = j.Image.ID
	_, err := s.Ledger.Kept.Register(s.Context(), r)
	s.Must(err)
	time.Sleep(10 * time.Minute)
	return release.Step{EC2: s.EC2, Claims: s.Ledger, Results: s.Ledger, Requests: s.Ledger, Now: time.Now}.Handle, j
}

type cases = []steptest.Case[job.Job, job.Job]

func TestRelease(t *testing.T) {
	steptest.Play(t, scene, cases{
		{
			Name: "imaged: the result first, then the note on the source, the claim last",
			Want: "PutResult Registration CreateTags Drop: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				r := s.Results(steptest.RunName)[0]
				s.Same("result", []any{r.Ending, r.Source, r.Name, r.Image.ID, r.Problem, r.At},
					[]any{job.Imaged, s.Web, "web", j.Image.ID, "", time.Now().UTC()})
				s.Same("last image", s.Tags(s.Web)[tag.LastImage], j.Image.ID)
				s.Same("claim", s.Held(s.Web), none)
				s.Same("counted", counted(s, "SourcesImaged", "Downtime"), []int{1, 1})
			},
		},
		{
			Name: "a launch template was rolled: its groups come after the release, and the result says so",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Plan.Roll.Refresh.Enabled = true
				j.Rolled = []job.Rolled{{Target: "lt-1", To: "ami-1", Version: 2}}
			},
			Want: "PutResult Registration CreateTags Drop: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("refreshing", []any{j.Refreshing, s.Results(steptest.RunName)[0].Refreshing, j.Times.Released},
					[]any{true, true, time.Now().UTC()})
			},
		},
		{
			Name: "the plan leaves groups alone",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Rolled = []job.Rolled{{Target: "lt-1", To: "ami-1", Version: 2}}
			},
			Want: "PutResult Registration CreateTags Drop: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("refreshing", j.Refreshing, false) },
		},
		{
			Name: "there is nothing to warn of",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Plan.Roll.Refresh.Warn = true
				j.Rolled = []job.Rolled{{Target: "lt-1", Problem: "no"}, {Target: "/golden/web", Through: []string{"lt-2"}}}
			},
			Want: "PutResult Registration CreateTags Drop: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("refreshing", j.Refreshing, false) },
		},
		{
			Name: "a parameter that a template takes its image from concerns groups that the plan refreshes",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Plan.Roll.Refresh.Enabled = true
				j.Rolled = []job.Rolled{{Target: "/golden/web", Through: []string{"lt-2"}}}
			},
			Want: "PutResult Registration CreateTags Drop: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("refreshing", j.Refreshing, true) },
		},
		{
			Name: "so may what the job does not carry",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Plan.Roll.Refresh.Enabled = true
				j.Rolled, j.Rest = []job.Rolled{{Target: "lt-1", Problem: "no"}}, &job.Rest{Rolled: 1}
			},
			Want: "PutResult Registration CreateTags Drop: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("refreshing", j.Refreshing, true) },
		},
		{
			Name: "of which none was rolled",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Plan.Roll.Refresh.Enabled = true
				j.Rolled, j.Rest = []job.Rolled{{Target: "lt-1", Problem: "no"}}, &job.Rest{NotRolled: 1}
			},
			Want: "PutResult Registration CreateTags Drop: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("refreshing", j.Refreshing, false) },
		},
		{
			Name: "what failed is refreshed nowhere",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Rolled, j.Failure = []job.Rolled{{Target: "lt-1", Version: 2}}, &job.Failure{Error: "Failed"}
			},
			Want: "PutResult Registration Waits*2 Slots Free*2 Drop: ok",
			Then: func(s *steptest.Stage, j job.Job) { s.Same("refreshing", j.Refreshing, false) },
		},
		{
			Name: "released once, however often the step runs",
			Want: "PutResult Registration CreateTags Drop: ok | PutResult Registration CreateTags Drop: ok",
			Then: func(s *steptest.Stage, _ job.Job) { s.Same("results", len(s.Results(steptest.RunName)), 1) },
		},
		{
			Name:  "the claim cannot be dropped: all is repeated, and counted once",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Ledger.Break("Drop", 1) },
			Want:  "PutResult Registration CreateTags Drop: Transient | PutResult Registration CreateTags Drop: ok",
			Then:  func(s *steptest.Stage, _ job.Job) { s.Same("counted", counted(s, "SourcesImaged"), []int{1}) },
		},
		{
			Name:  "the result cannot be written: the claim stays",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Ledger.Break("PutResult", 1) },
			Want:  "PutResult: Transient",
			Says:  []string{"recording the result of i-"},
			Then:  func(s *steptest.Stage, _ job.Job) { s.Same("claim stays", s.Held(s.Web) != nil, true) },
		},
		{
			Name: "the answers are lost: done all the same",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "CreateTags", Nth: []int{1}, Drop: true})
				s.Ledger.Lose("PutResult", 1)
				s.Ledger.Lose("Drop", 1)
			},
			Want: "PutResult: Transient | PutResult Registration CreateTags*2 Drop: Transient | PutResult Registration " +
				"CreateTags Drop: ok",
			Then: func(s *steptest.Stage, _ job.Job) { s.Same("claim", s.Held(s.Web), none) },
		},
		{
			Name: "another run has the source by now: its claim stays",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Must(s.Ledger.Kept.Drop(s.Context(), s.Web, steptest.RunName))
				s.Hold(ledger.Claim{Source: s.Web, Run: "weekly-1"})
			},
			Want: "PutResult Registration CreateTags Drop: ok",
			Then: func(s *steptest.Stage, _ job.Job) { s.Same("holder", s.Held(s.Web).Run, "weekly-1") },
		},
		{
			Name: "EC2 is busy: tried again, the claim stays meanwhile",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "CreateTags", Nth: []int{1, 2, 3, 4, 5, 6}, Code: "RequestLimitExceeded"})
			},
			Want: "PutResult Registration CreateTags*6: Transient | PutResult Registration CreateTags Drop: ok",
		},
		{
			Name:  "somebody terminated the source since: nothing to tag",
			Given: func(_ *steptest.Stage, j *job.Job) { j.Source.ID = "i-00000000000000bad" },
			Want:  "PutResult Registration CreateTags Drop: ok",
		},
		{
			Name: "the source has fifty tags: a note that does not fit keeps no claim",
			Given: func(s *steptest.Stage, _ *job.Job) {
				tags := map[string]string{}
				for n := range 48 {
					tags[fmt.Sprintf("t%d", n)] = "x"
				}
				s.Must(s.Cloud.SetTags(s.Web, tags))
			},
			Want: "PutResult Registration CreateTags Drop: ok",
			Then: func(s *steptest.Stage, _ job.Job) {
				s.Same("claim", s.Held(s.Web), none)
				s.Same("logged", strings.Contains(s.Logs.String(), "source not tagged"), true)
			},
		},
		{
			Name: "the function may not tag: a note keeps no claim",
			Given: func(s *steptest.Stage, _ *job.Job) {
				s.Cloud.Inject(ec2.Fault{Action: "CreateTags", Code: "UnauthorizedOperation"})
			},
			Want: "PutResult Registration CreateTags Drop: ok",
			Then: func(s *steptest.Stage, _ job.Job) { s.Same("claim", s.Held(s.Web), none) },
		},
	})
}

// How jobs end that did not go well.
func TestReleaseEndings(t *testing.T) {
	ended := func(ending job.Ending, problem string) func(*steptest.Stage, job.Job) {
		return func(s *steptest.Stage, _ job.Job) {
			r := s.Results(steptest.RunName)[0]
			s.Same("result", []any{r.Ending, r.Problem}, []any{ending, problem})
		}
	}
	steptest.Play(t, scene, cases{
		{
			Name: "skipped: nothing is noted on the source",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Decision, j.Skip = job.SkipIt, &job.Reason{Code: job.StopProtected, Text: "stop protection is on"}
			},
			Want: "PutResult Registration Drop: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				ended(job.Skipped, "")(s, j)
				s.Same("counted", counted(s, "SourcesSkipped"), []int{1})
			},
		},
		{
			Name:  "failed, and running again: nothing to leave to anybody",
			Given: func(_ *steptest.Stage, j *job.Job) { j.Failure = failure("the image failed") },
			Want:  "PutResult Registration Waits*2 Slots Free*2 Drop: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				ended(job.Broken, "the image failed")(s, j)
				s.Same("last image", s.Tags(s.Web)[tag.LastImage], "")
				s.Same("counted", counted(s, "SourcesFailed", "InstancesLeftStopped"), []int{1, 0})
			},
		},
		{
			Name: "failed before it was touched",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Decision, j.Back, j.Failure = "", false, failure("EC2 was busy")
			},
			Want: "PutResult Registration Waits*2 Slots Free Drop: ok",
			Then: ended(job.Broken, "EC2 was busy"),
		},
		{
			Name: "what was stopped before and failed is not left stopped by us",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Decision, j.Back, j.Failure = job.ImageNow, false, failure("the image failed")
			},
			Want: "PutResult Registration Waits*2 Slots Free Drop: ok",
			Then: ended(job.Broken, "the image failed"),
		},
		{
			Name: "left stopped by one and the same failure: it is said once",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Back, j.Failure, j.Comeback = false, failure("EC2 said no."), failure("EC2 said no.")
			},
			Want: "DescribeInstances PutResult Registration Waits*2 Claim Record Take: ok",
			Then: ended(job.LeftStopped, "EC2 said no. Bringing it back failed the same way."),
		},
		{
			Name: "left stopped: the claim stays for recover, and says so",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Back, j.Failure, j.Comeback = false, failure("the image failed"), failure("EC2 has no room")
			},
			Want: "DescribeInstances PutResult Registration Waits*2 Claim Record Take: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				ended(job.LeftStopped, "the image failed. Bringing it back failed as well: EC2 has no room")(s, j)
				held := s.Held(s.Web)
				s.Same("claim", []any{held.Run, held.WasRunning, held.Left}, []any{steptest.RunName, true, time.Now().UTC()})
				s.Same("counted", counted(s, "SourcesFailed", "InstancesLeftStopped"), []int{1, 1})
			},
		},
		{
			Name: "left stopped, and the claim was gone: it is taken again, with who must be started",
			Given: func(s *steptest.Stage, j *job.Job) {
				j.Back, j.Failure = false, failure("the image failed")
				s.Must(s.Ledger.Kept.Drop(s.Context(), s.Web, steptest.RunName))
			},
			Want: "DescribeInstances PutResult Registration Waits*2 Claim Record Take: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				held := s.Held(s.Web)
				s.Same("claim", []any{held.WasRunning, held.StopSent.Equal(j.Times.StopSent), held.Left.IsZero()},
					[]any{true, true, false})
			},
		},
		{
			Name: "left stopped, and the ledger is busy: tried again until recover can know",
			Given: func(s *steptest.Stage, j *job.Job) {
				j.Back, j.Failure = false, failure("the image failed")
				s.Ledger.Break("Record", 1)
			},
			Want: "DescribeInstances PutResult Registration Waits*2 Claim Record: Transient | " +
				"DescribeInstances PutResult Registration Waits*2 Claim Record Take: ok",
			Then: func(s *steptest.Stage, _ job.Job) { s.Same("left", s.Held(s.Web).Left.IsZero(), false) },
		},
	})
}

// failure is what a Catch adds to the job.
func failure(text string) *job.Failure {
	return &job.Failure{Error: "Failed", Cause: `{"errorMessage":"` + text + `","errorType":"Failed"}`}
}

// What its job could not bring back may be on its way by then, run or be gone: EC2 says so.
func TestReleaseLooksAtWhatIsLeftStopped(t *testing.T) {
	left := func(then func(*steptest.Stage)) func(*steptest.Stage, *job.Job) {
		return func(s *steptest.Stage, j *job.Job) {
			j.Back, j.Failure = false, failure("it did not come back")
			j.Times.Running, j.Times.StopSent = time.Time{}, time.Now()
			time.Sleep(time.Minute)
			s.Set(s.Web, ec2.Stopped)
			then(s)
		}
	}
	shows := func(ending job.Ending, state string, gone bool) func(*steptest.Stage, job.Job) {
		return func(s *steptest.Stage, _ job.Job) {
			r := s.Results(steptest.RunName)[0]
			s.Same("ending, shows, gone", []any{r.Ending, r.Shows, r.Gone}, []any{ending, state, gone})
		}
	}
	const kept = "DescribeInstances PutResult Registration Waits*2 Claim Record Take: ok"
	steptest.Play(t, scene, cases{
		{Name: "stopped", Given: left(func(*steptest.Stage) {}), Want: kept, Then: shows(job.LeftStopped, "", false)},
		{
			Name: "pending: people are told so", Given: left(func(s *steptest.Stage) { s.Must(s.StartWeb()) }), Want: kept,
			Then: shows(job.LeftStopped, "pending", false),
		},
		{
			Name:  "it runs: not left stopped",
			Given: left(func(s *steptest.Stage) { s.Must(s.StartWeb()); time.Sleep(time.Minute) }),
			Want:  "DescribeInstances PutResult Registration Waits*2 Slots Free*2 Drop: ok", Then: shows(job.Broken, "", false),
		},
		{
			Name: "it runs since before the stop, which may land yet: the claim stays",
			Given: func(s *steptest.Stage, j *job.Job) {
				j.Back, j.Failure, j.Times.StopSent = false, failure("it did not come back"), time.Now()
			},
			Want: kept, Then: shows(job.LeftStopped, "", false),
		},
		{
			Name: "gone", Given: left(func(s *steptest.Stage) { s.Set(s.Web, ec2.Terminated) }),
			Want: "DescribeInstances PutResult Registration Waits*2 Slots Free*2 Drop: ok", Then: shows(job.Broken, "", true),
		},
		{
			Name: "EC2 does not say: as the job left it",
			Given: left(func(s *steptest.Stage) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Code: "UnauthorizedOperation", Status: 403})
			}),
			Want: kept, Then: shows(job.LeftStopped, "", false),
		},
	})
}

// none is no claim.
var none *ledger.Claim

// counted is how often each metric was written.
func counted(s *steptest.Stage, metrics ...string) []int {
	var times []int
	for _, m := range metrics {
		times = append(times, strings.Count(s.Logs.String(), `"`+m+`":`))
	}
	return times
}

// A version that knew no register made the image, and was updated while the run went on.
func TestReleaseRegisters(t *testing.T) {
	made := func(instance func(*steptest.Stage) string) func(*steptest.Stage, *job.Job) {
		return func(s *steptest.Stage, j *job.Job) {
			j.Image.Name = "goldsmith/web/updated"
			out, err := s.EC2.CreateImage(s.Context(),
				&sdk.CreateImageInput{InstanceId: aws.String(instance(s)), Name: aws.String(j.Image.Name)})
			s.Must(err)
			j.Image.ID = aws.ToString(out.ImageId)
		}
	}
	web := func(s *steptest.Stage) string { return s.Web }
	registered := func(want bool) func(*steptest.Stage, job.Job) {
		return func(s *steptest.Stage, j job.Job) {
			s.Helper()
			r, ok, err := s.Ledger.Kept.Registration(s.Context(), j.Image.ID)
			s.Must(err)
			s.Same("registered", ok, want)
			if want {
				s.Same("lineage and name", r.Lineage+" "+r.AMIName, s.Web+" goldsmith/web/updated")
			}
		}
	}
	const first = "PutResult Registration DescribeImages"
	steptest.Play(t, scene, cases{
		{
			Name: "registered by its facts, once", Given: made(web), Then: registered(true),
			Want: first + " Register CreateTags Drop: ok | PutResult Registration CreateTags Drop: ok",
		},
		{
			Name: "made of another instance: not registered", Want: first + " CreateTags Drop: ok", Then: registered(false),
			Given: made(func(s *steptest.Stage) string { return s.Launch("other", nil) }),
		},
		{
			Name: "it cannot be looked at: the claim does not stay for it", Want: first + " CreateTags Drop: ok",
			Then: registered(false),
			Given: func(s *steptest.Stage, j *job.Job) {
				made(web)(s, j)
				s.Cloud.Inject(ec2.Fault{Action: "DescribeImages", Code: "UnauthorizedOperation"})
			},
		},
		{
			Name: "the register is busy: tried again, the claim stays meanwhile", Want: first + " Register: Transient | " +
				first + " Register CreateTags Drop: ok",
			Given: func(s *steptest.Stage, j *job.Job) { made(web)(s, j); s.Ledger.Break("Register", 1) },
			Then:  registered(true),
		},
	})
}
