package recovery_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	recovery "goldsmith/functions/recover"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
	"goldsmith/test/steptest"
)

// withGroups is recover as it is deployed, with Auto Scaling.
func withGroups(s *steptest.Stage) recovery.Account {
	a := accountOf(s, nightlyOf(s))
	a.Groups = s.AutoScaling
	return a
}

// inStandby is a member of group web that somebody has put into Standby.
func inStandby(s *steptest.Stage) string {
	s.Helper()
	member := s.Group("web", 2)[0]
	_, err := s.AutoScaling.EnterStandby(s.Context(), &autoscaling.EnterStandbyInput{
		AutoScalingGroupName: aws.String("web"), InstanceIds: []string{member},
		ShouldDecrementDesiredCapacity: aws.Bool(true),
	})
	s.Must(err)
	time.Sleep(5 * time.Minute)
	return member
}

// lifecycle is how Auto Scaling shows an instance; empty when it shows none.
func lifecycle(s *steptest.Stage, id string) string {
	s.Helper()
	out, err := s.AutoScaling.DescribeAutoScalingInstances(s.Context(),
		&autoscaling.DescribeAutoScalingInstancesInput{InstanceIds: []string{id}})
	s.Must(err)
	for _, i := range out.AutoScalingInstances {
		return aws.ToString(i.LifecycleState)
	}
	return ""
}

// A member that a run which was cut off has put into Standby is brought back into service, whether its stop was sent or
// not, before its claim is dropped. People are told of one that is not back within half an hour.
func TestAMemberThatIsOutOfService(t *testing.T) {
	var member string
	// scene holds the claim of a member in Standby, with its place and its shares.
	scene := func(s *steptest.Stage) (handler.Func[json.RawMessage, recovery.Answer], json.RawMessage) {
		member = inStandby(s)
		now := time.Now()
		s.Hold(ledger.Claim{Source: member, Kind: job.Instance, Name: "web", Run: steptest.RunName, Plan: "nightly",
			Execution: executionARN + "aborted", Since: now, WasRunning: true, Looked: true,
			Standby: &ledger.Standby{Group: "web", Since: now, Tried: now}})
		place(s, ledger.Slot{Kind: ledger.Members, ID: "web", Source: member, Run: steptest.RunName})
		place(s, ledger.Slot{Kind: ledger.Stops, ID: "0", Source: member, Run: steptest.RunName})
		s.Execute("aborted")
		s.Abort(executionARN + "aborted")
		time.Sleep(10 * time.Minute)
		return recovery.New(withGroups(s)).Handle, s.Sample("sweep")
	}
	stopped := func(s *steptest.Stage, _ *json.RawMessage) {
		c := *s.Held(member)
		c.StopSent = c.Since
		s.Must(s.Ledger.Kept.Record(s.Context(), c))
		s.Set(member, ec2.Stopped)
	}
	// ends looks at what came of it.
	ends := func(lives, problem string, told ...string) func(*steptest.Stage, recovery.Answer) {
		return func(s *steptest.Stage, _ recovery.Answer) {
			s.Helper()
			s.Same("lifecycle", lifecycle(s, member), lives)
			s.Same("claimed", s.Held(member) != nil, problem == "")
			if problem != "" {
				s.Same("problem", s.Results(steptest.RunName)[0].Problem, problem)
				s.Same("its share of the limit", held(s, ledger.Stops), []string{member})
			}
			said := ""
			for _, m := range s.Slack.Messages() {
				if text := m.Terminal(false); strings.Contains(text, "is out of the service of group web") {
					said += text
				}
			}
			s.Same("told: "+said, strings.Count(said, "is out of the service"), min(len(told), 1))
			for _, part := range told {
				s.Same(part+" in "+said, strings.Contains(said, part), true)
			}
		}
	}
	sooner := func(*steptest.Stage) { time.Sleep(5 * time.Minute) }
	steptest.Play(t, scene, cases{
		{
			Name: "no stop was sent", Between: sooner, Anything: true, Want: "|",
			Then: ends("InService", "the run ended before its image was done"),
		},
		{
			Name: "it was stopped", Given: stopped, Between: sooner, Anything: true, Want: "||",
			Then: ends("InService", "the run ended early; it is running again"),
		},
		{
			Name: "it was terminated in Standby", Between: sooner, Anything: true, Want: "||",
			Given: func(s *steptest.Stage, in *json.RawMessage) { stopped(s, in); s.Set(member, ec2.Terminated) },
			Then: ends("", "the run ended early; it was terminated; it did not come back into the service of group web: "+
				"it was terminated"),
		},
		{
			Name: "it cannot leave Standby: not told for half an hour", Anything: true,
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Refuse("ExitStandby", "AccessDenied", 2)
				time.Sleep(20*time.Minute - time.Second)
			},
			Then: ends("Standby", ""),
		},
		{
			Name: "it cannot leave Standby: told after half an hour, once", Anything: true, Want: "|",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Refuse("ExitStandby", "AccessDenied", 2)
				time.Sleep(20*time.Minute + time.Second)
			},
			Then: ends("Standby", "", "it cannot leave Standby: AccessDenied"),
		},
		{
			Name: "Auto Scaling cannot be asked: nothing is let go", Anything: true,
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Refuse("DescribeAutoScalingInstances", "Throttling", steptest.Attempts)
			},
			Says: []string{"bringing it back into service: "}, Then: ends("Standby", ""),
		},
		{
			Name: "what keeps it cannot be written down", Anything: true,
			Given: func(s *steptest.Stage, in *json.RawMessage) {
				s.Refuse("ExitStandby", "AccessDenied", 1)
				s.Ledger.Break("Record", 1)
			},
			Says: []string{"recording that "}, Then: ends("Standby", ""),
		},
		{
			Name: "its place in the group cannot be given up: the claim stays", Anything: true, Want: "|", Between: sooner,
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Ledger.Break("Free", 1) },
			Says:  []string{"giving up its place in group web"}, Then: ends("InService", ""),
		},
	})
}

// A member without a claim that runs, carries the tag of a run that has ended, and is in Standby is named to people
// before the tag is taken off: not before it is known, nor while the claims cannot be listed, nor while people cannot
// be told. Of one that serves only the tag is taken off.
func TestAMemberInStandbyWithoutAClaim(t *testing.T) {
	for name, c := range map[string]struct {
		serves                 bool
		denied, broken         string
		fails, tagged, isNamed bool
	}{
		"it serves":                       {serves: true},
		"in Standby":                      {isNamed: true},
		"Auto Scaling is denied":          {denied: "DescribeAutoScalingInstances", tagged: true},
		"the claims cannot be listed":     {broken: "Claims", tagged: true, fails: true},
		"Slack does not take it":          {denied: "GetSecretValue", tagged: true},
		"whether it is told is not known": {broken: "Notifying", tagged: true, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				member := inStandby(s)
				if c.serves {
					member = s.Group("serving", 1)[0]
				}
				tags := s.Tags(member)
				tags[tag.Stopped] = child + "ended"
				s.Must(s.Cloud.SetTags(member, tags))
				a := withGroups(s)
				a.Executions = children{s.SFN, map[string]time.Time{"ended": time.Now().Add(-time.Hour)}}
				sweep := func() (named bool, err error) {
					_, err = recovery.New(a).Handle(s.Context(), s.Sample("sweep"))
					for _, m := range s.Slack.Messages() {
						named = named || strings.Contains(m.Terminal(false), "is in Standby, and Goldsmith does not bring it back")
					}
					return named, err
				}
				if c.broken != "" {
					s.Ledger.Break(c.broken, 1)
				}
				if c.denied != "" {
					s.Refuse(c.denied, "AccessDeniedException", 1)
				}
				named, err := sweep()
				_, tagged := s.Tags(member)[tag.Stopped]
				s.Same("named, tagged, fails", []bool{named, tagged, err != nil}, []bool{c.isNamed, c.tagged, c.fails})
				time.Sleep(10 * time.Minute) // Who was to tell has the right to for some minutes.
				named, err = sweep()
				s.Must(err)
				_, tagged = s.Tags(member)[tag.Stopped]
				s.Same("named and tagged in the end", []bool{named, tagged}, []bool{!c.serves, false})
			})
		})
	}
}

// A member whose claim is lost, and that its tag proves to be down because of a run, comes back into service, too; also
// where Auto Scaling does not say that it is out of it.
func TestAMemberWithoutAClaimThatIsDown(t *testing.T) {
	for _, refused := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := steptest.New(t)
			member := inStandby(s)
			arn, tags := child+"ended", s.Tags(member)
			tags[tag.Stopped] = arn
			s.Must(s.Cloud.SetTags(member, tags))
			s.Set(member, ec2.Stopped)
			input, err := json.Marshal(job.Job{Source: job.Source{ID: member}, Run: job.Run{Name: "lost", Plan: "nightly"}})
			s.Must(err)
			a := withGroups(s)
			a.Executions = workers{s.SFN, map[string]*worker{arn: {input: string(input), stopped: time.Now(),
				ended: time.Now().Add(time.Minute)}}}
			if refused {
				s.Refuse("DescribeAutoScalingInstances", "AccessDenied", 1)
			}
			for range 4 {
				time.Sleep(10 * time.Minute)
				_, err = recovery.New(a).Handle(s.Context(), s.Sample("sweep"))
				s.Must(err)
			}
			s.Same("lifecycle", lifecycle(s, member), "InService")
			s.Same("claim dropped", s.Held(member) == nil, true)
		})
	}
}
