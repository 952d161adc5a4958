package refresh_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/refresh"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/test/steptest"
)

// The image before, and one that takes the place of the new one.
const before, newest = ec2.ImageX86, ec2.ImageWindows

// scene is a source that was released a minute ago. Template "web" was rolled from version 1
// to version 2; group fleet of two names version 1. The plan refreshes groups.
func scene(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
	j := s.Job()
	j.Plan.Roll.Refresh.Enabled = true
	j.Back, j.Image.ID, j.Refreshing = true, newest, true
	web := template(s, "web")
	group(s, "fleet", web, "1")
	time.Sleep(5 * time.Minute)
	j.Rolled = []job.Rolled{
		{Target: web, Name: "web", From: before, To: newest, Version: 2, Previous: 1},
		{Target: "/goldsmith/images/web", To: newest, Version: 1},
	}
	j.Times.Released = time.Now().UTC()
	time.Sleep(time.Minute)
	return refresh.Step{AutoScaling: s.AutoScaling, EC2: s.EC2, SSM: s.SSM, Ledger: s.Ledger, Now: time.Now}.Handle, j
}

type cases = []steptest.Case[job.Job, job.Job]

const (
	finds  = "DescribeAutoScalingGroups"
	reads  = " DescribeLaunchTemplateVersions DescribeInstanceRefreshes"
	starts = " DescribeLaunchTemplateVersions StartInstanceRefresh"
	writes = " PutResult: ok"
)

func TestRefresh(t *testing.T) {
	steptest.Play(t, scene, cases{
		{
			Name: "a group that names the old version is moved to the new one",
			Want: finds + reads + starts + writes,
			Then: func(s *steptest.Stage, j job.Job) {
				r := j.Refreshes[0]
				s.Same("refresh", []any{r.Group, r.Status, r.From, r.To, r.Problem, r.ID != ""},
					[]any{"fleet", "Pending", "web 1", "web 2", "", true})
				s.Same("refreshing", j.Refreshing, true)
				s.Same("recorded", s.Results(steptest.RunName)[0].Refreshes, j.Refreshes)
				sent := refreshes(s)[0]
				s.Same("version", aws.ToString(sent.DesiredConfiguration.LaunchTemplate.Version), "2")
				s.Same("rollback", []bool{aws.ToBool(sent.Preferences.AutoRollback), aws.ToBool(sent.Preferences.SkipMatching)},
					[]bool{true, true})
			},
		},
		{
			Name: "the plan's wishes are passed on",
			Given: func(s *steptest.Stage, j *job.Job) {
				s.Groups.SetAlarm("errors", false)
				j.Plan.Roll.Refresh = plan.Refresh{
					Enabled: true, MinHealthy: 80, MaxHealthy: 120, Bake: plan.Duration(10 * time.Minute), Checkpoints: []int{50, 100},
					CheckpointDelay: plan.Duration(30 * time.Minute), Alarms: []string{"errors"},
				}
			},
			Want: finds + reads + starts + writes,
			Then: func(s *steptest.Stage, _ job.Job) {
				p := refreshes(s)[0].Preferences
				s.Same("preferences", fmt.Sprint(*p.MinHealthyPercentage, *p.MaxHealthyPercentage, *p.BakeTime,
					p.CheckpointPercentages, *p.CheckpointDelay, *p.AutoRollback, p.AlarmSpecification.Alarms),
					"80 120 600 [50 100] 1800 false [errors]")
			},
		},
		{
			Name:    "started once, however often the step runs",
			Want:    finds + reads + starts + writes + " | " + finds + reads + writes,
			Between: func(*steptest.Stage) { time.Sleep(time.Minute) },
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("refreshes", len(refreshes(s)), 1)
				s.Same("known again", j.Refreshes[0].ID, aws.ToString(refreshes(s)[0].InstanceRefreshId))
			},
		},
		{
			Name:    "run again when it is over: what became of it is told, none is started",
			Want:    finds + reads + starts + writes + " | " + finds + reads + writes,
			Between: func(*steptest.Stage) { time.Sleep(time.Hour) },
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("refreshes", len(refreshes(s)), 1)
				s.Same("status", []any{j.Refreshes[0].Status, j.Refreshing}, []any{"Successful", false})
			},
		},
		{
			Name:  "the answer to the start is lost: the client tries again, and the next try of the step knows whose it is",
			Given: func(s *steptest.Stage, _ *job.Job) { s.LoseAnswers("StartInstanceRefresh", 1) },
			Want:  finds + reads + starts + "*2: Transient | " + finds + reads + writes,
			Then:  func(s *steptest.Stage, _ job.Job) { s.Same("refreshes", len(refreshes(s)), 1) },
		},
		{
			Name:  "somebody else refreshes the group: ours waits behind",
			Given: func(s *steptest.Stage, _ *job.Job) { begin(s) },
			Want:  finds + reads + writes,
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("behind", []any{j.Refreshes[0].Behind, j.Refreshing}, []any{true, true})
			},
		},
		{
			Name: "and follows when that has ended, by the group as it is then",
			Given: func(s *steptest.Stage, j *job.Job) {
				begin(s)
				time.Sleep(time.Hour)
				j.Refreshes = []job.Refresh{{Group: "fleet", ID: "theirs", Behind: true, Ended: time.Now()}}
			},
			Want: finds + reads + starts + writes,
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("refreshes", len(refreshes(s)), 2)
				s.Same("ours", []any{j.Refreshes[0].Behind, j.Refreshes[0].ID},
					[]any{false, aws.ToString(refreshes(s)[0].InstanceRefreshId)})
			},
		},
		{
			Name: "the group is gone by then",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Refreshes = []job.Refresh{{Group: "gone", ID: "theirs", Behind: true, Ended: time.Now()}}
			},
			Want: finds + writes,
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("refresh", j.Refreshes[0], job.Refresh{Group: "gone", Note: "It uses what was rolled no more."})
			},
		},
		{
			Name: "what has ended is only written down",
			Given: func(_ *steptest.Stage, j *job.Job) {
				j.Refreshes = []job.Refresh{{Group: "fleet", ID: "r-1", Problem: "no"}}
			},
			Want: "PutResult: ok",
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("counted", strings.Count(s.Logs.String(), `"RefreshesFailed":1`), 1)
			},
		},
	})
}

// What a job does not carry is found in the ledger, as far as this job has rolled it.
func TestRefreshOfWhatTheJobDoesNotCarry(t *testing.T) {
	beyond := func(change func(*ledger.TargetRecord)) func(*steptest.Stage, *job.Job) {
		return func(s *steptest.Stage, j *job.Job) {
			last := ledger.Point{Image: newest, Version: 2, Run: j.Run.Name, Source: j.Source.ID}
			record := ledger.TargetRecord{Source: j.Source.Name, ID: j.Rolled[0].Target, Points: []ledger.Point{last}}
			change(&record)
			_, err := s.Ledger.PutTarget(s.Context(), record)
			s.Must(err)
			j.Rolled, j.Rest = nil, &job.Rest{Rolled: 1}
		}
	}
	found := finds + reads
	steptest.Play(t, scene, cases{
		{
			Name: "a template", Given: beyond(func(*ledger.TargetRecord) {}), Want: "Targets*2 " + found + starts + writes,
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("refresh", []string{j.Refreshes[0].From, j.Refreshes[0].To}, []string{"web 1", "web 2"})
			},
		},
		{
			Name: "a template that takes its image from a parameter", Want: "Targets*2 " + finds +
				" DescribeLaunchTemplateVersions" + writes,
			Given: beyond(func(r *ledger.TargetRecord) { r.Through, r.ID = []string{r.ID}, "/golden/web" }),
			Then: func(s *steptest.Stage, j job.Job) {
				want := "It launches from web 1, which has image " + before + " and not the new one."
				s.Same("problem", j.Refreshes[0].Problem, want)
			},
		},
		{
			Name: "one that another run rolled", Want: "Targets*2 " + finds + writes,
			Given: beyond(func(r *ledger.TargetRecord) { r.Points[0].Run = "yesterday" }),
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("refreshes", len(j.Refreshes), 0) },
		},
		{
			Name: "one that another source of the name rolled", Want: "Targets*2 " + finds + writes,
			Given: beyond(func(r *ledger.TargetRecord) { r.Points[0].Source = "i-00000000000000bad" }),
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("refreshes", len(j.Refreshes), 0) },
		},
		{
			Name: "the ledger is busy", Want: "Targets: Transient | Targets*2 " + found + starts + writes,
			Given: func(s *steptest.Stage, j *job.Job) {
				beyond(func(*ledger.TargetRecord) {})(s, j)
				s.Ledger.Break("Targets", 1)
			},
		},
	})
}

// What goes wrong with one group is told of that group alone.
func TestRefreshGoesWrong(t *testing.T) {
	steptest.Play(t, scene, cases{
		{
			Name: "the role may not: said with Auto Scaling's words, and the others go on",
			Given: func(s *steptest.Stage, j *job.Job) {
				group(s, "second", j.Rolled[0].Target, "1")
				s.Refuse("StartInstanceRefresh", "AccessDenied", 1)
			},
			Want: finds + reads + starts + " DescribeInstanceRefreshes" + starts + writes,
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("problem", strings.HasSuffix(j.Refreshes[0].Problem, "AccessDenied: An injected fault."), true)
				s.Same("the other", []any{j.Refreshes[1].Problem, j.Refreshing}, []any{"", true})
			},
		},
		{
			Name:  "groups cannot be looked for",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Refuse("DescribeAutoScalingGroups", "AccessDenied", 1) },
			Want:  finds + writes,
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("told", []any{len(j.Refreshes), j.Refreshes[0].Group, j.Refreshes[0].Problem != "", j.Refreshing},
					[]any{1, "all groups", true, false})
			},
		},
		{
			Name:  "Auto Scaling is busy: the step is tried again",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Refuse("StartInstanceRefresh", "Throttling", steptest.Attempts) },
			Want:  finds + reads + starts + "*6: Transient | " + finds + reads + starts + writes,
			Then:  func(s *steptest.Stage, _ job.Job) { s.Same("refreshes", len(refreshes(s)), 1) },
		},
		{
			Name:  "somebody was faster: the step is tried again, and sees who",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Refuse("StartInstanceRefresh", "InstanceRefreshInProgress", 1) },
			Want:  finds + reads + starts + ": Transient | " + finds + reads + starts + writes,
		},
		{
			Name:  "the ledger is busy: the refresh is found again",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Ledger.Break("PutResult", 1) },
			Want:  finds + reads + starts + " PutResult: Transient | " + finds + reads + writes,
			Then:  func(s *steptest.Stage, _ job.Job) { s.Same("refreshes", len(refreshes(s)), 1) },
		},
		{
			Name: "an alarm has gone off already: not started, and said",
			Given: func(s *steptest.Stage, j *job.Job) {
				s.Groups.SetAlarm("errors", true)
				j.Plan.Roll.Refresh.Alarms = []string{"errors"}
			},
			Want: finds + reads + starts + writes,
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("problem", strings.Contains(j.Refreshes[0].Problem, "ALARM state"), true)
			},
		},
		{
			Name: "somebody went back to the old version since the roll: the group stays with it, and it is said",
			Given: func(s *steptest.Stage, j *job.Job) {
				_, err := s.EC2.ModifyLaunchTemplate(s.Context(),
					&sdk.ModifyLaunchTemplateInput{LaunchTemplateId: aws.String(j.Rolled[0].Target), DefaultVersion: aws.String("1")})
				s.Must(err)
			},
			Want: finds + reads + " DescribeLaunchTemplateVersions" + writes,
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("refreshes", []any{len(refreshes(s)), j.Refreshing}, []any{0, false})
				s.Same("problem", strings.Contains(j.Refreshes[0].Problem,
					"was set to version 1 since version 2 was rolled"), true)
			},
		},
		{
			Name:  "a template that was not rolled concerns no group",
			Given: func(_ *steptest.Stage, j *job.Job) { j.Rolled[0].Problem = "no" },
			Want:  finds + writes,
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("refreshes", len(j.Refreshes), 0) },
		},
		{
			Name: "more groups than one run waits for",
			Given: func(s *steptest.Stage, j *job.Job) {
				for n := range job.MaxRefreshes + 1 {
					group(s, fmt.Sprintf("many-%02d", n), j.Rolled[0].Target, "2")
				}
			},
			Want: finds + reads + starts + " DescribeLaunchTemplateVersions" +
				fmt.Sprintf(" DescribeInstanceRefreshes*%d", job.MaxRefreshes-1) + writes,
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("told", []any{len(j.Refreshes), j.Refreshes[job.MaxRefreshes].Group},
					[]any{job.MaxRefreshes + 1, "2 more groups"})
			},
		},
	})
}

// A plan that only warns.
func TestWarn(t *testing.T) {
	off := func(s *steptest.Stage) (handler.Func[job.Job, job.Job], job.Job) {
		step, j := scene(s)
		j.Plan.Roll.Refresh.Enabled, j.Plan.Roll.Refresh.Warn = false, true
		return step, j
	}
	steptest.Play(t, off, cases{
		{
			Name: "a group that names the old version", Want: finds + writes + " | " + finds + writes,
			Then: func(s *steptest.Stage, j job.Job) {
				s.Same("warnings", j.Warnings, []job.Reason{{Code: job.PinnedGroup,
					Text: "Groups that name an older version go on launching it: fleet (web 1). Update them, let them name " +
						"$Default, or set roll.refresh.enabled."}})
				s.Same("recorded", s.Results(steptest.RunName)[0].Warnings, j.Warnings)
				s.Same("refreshing", j.Refreshing, false)
			},
		},
		{
			Name:  "no group uses the template",
			Given: func(_ *steptest.Stage, j *job.Job) { j.Rolled[0].Target = "lt-0000000000000bad0" },
			Want:  finds + writes,
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("warnings", len(j.Warnings), 0) },
		},
		{
			Name:  "it may not look: nobody asked it to",
			Given: func(s *steptest.Stage, _ *job.Job) { s.Refuse("DescribeAutoScalingGroups", "AccessDenied", 1) },
			Want:  finds + writes,
			Then:  func(s *steptest.Stage, j job.Job) { s.Same("warnings", len(j.Warnings), 0) },
		},
	})
}

// template makes a launch template with two versions; the second has the newest image and is the default.
func template(s *steptest.Stage, name string) string {
	s.Helper()
	made, err := s.EC2.CreateLaunchTemplate(s.Context(), &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String(name),
		LaunchTemplateData: &ec2types.RequestLaunchTemplateData{ImageId: aws.String(before),
			InstanceType: ec2types.InstanceTypeT3Micro},
	})
	s.Must(err)
	id := made.LaunchTemplate.LaunchTemplateId
	_, err = s.EC2.CreateLaunchTemplateVersion(s.Context(), &sdk.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: id, SourceVersion: aws.String("1"),
		LaunchTemplateData: &ec2types.RequestLaunchTemplateData{ImageId: aws.String(newest)},
	})
	s.Must(err)
	_, err = s.EC2.ModifyLaunchTemplate(s.Context(),
		&sdk.ModifyLaunchTemplateInput{LaunchTemplateId: id, DefaultVersion: aws.String("2")})
	s.Must(err)
	return aws.ToString(id)
}

// group makes a group of two.
func group(s *steptest.Stage, name, template, version string) {
	s.Helper()
	_, err := s.AutoScaling.CreateAutoScalingGroup(s.Context(), &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(name), MinSize: aws.Int32(2), MaxSize: aws.Int32(4),
		AvailabilityZones: []string{steptest.Region + "a"},
		LaunchTemplate: &types.LaunchTemplateSpecification{LaunchTemplateId: aws.String(template),
			Version: aws.String(version)},
	})
	s.Must(err)
}

// begin starts a refresh that is somebody else's.
func begin(s *steptest.Stage) {
	s.Helper()
	_, err := s.AutoScaling.StartInstanceRefresh(s.Context(),
		&autoscaling.StartInstanceRefreshInput{AutoScalingGroupName: aws.String("fleet")})
	s.Must(err)
}

// refreshes are all that group fleet has had, newest first.
func refreshes(s *steptest.Stage) []types.InstanceRefresh {
	s.Helper()
	out, err := s.AutoScaling.DescribeInstanceRefreshes(s.Context(),
		&autoscaling.DescribeInstanceRefreshesInput{AutoScalingGroupName: aws.String("fleet")})
	s.Must(err)
	return out.InstanceRefreshes
}
