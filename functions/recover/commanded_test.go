package recovery_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	recovery "goldsmith/functions/recover"
	"goldsmith/local/ec2"
	localslack "goldsmith/local/slack"
	"goldsmith/local/ssm"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// The command after is due where a run was cut off that has run the one before: a sweep runs it, once, before it drops
// the claim. People are told of one that has failed, that waits for a quarter of an hour, and that is given up after
// twelve hours.
func TestACommandThatIsDue(t *testing.T) {
	// scene is web, which its run has not stopped.
	scene := func(s *steptest.Stage) (handler.Func[json.RawMessage, recovery.Answer], json.RawMessage) {
		now := time.Now()
		s.Hold(ledger.Claim{Source: s.Web, Kind: job.Instance, Name: "web", Run: steptest.RunName, Plan: "nightly",
			Execution: executionARN + "aborted", Since: now, WasRunning: true, Looked: true,
			Hook: &ledger.Hook{Since: now, Ended: now, After: true, Timeout: time.Minute}})
		s.Execute("aborted")
		s.Abort(executionARN + "aborted")
		time.Sleep(10 * time.Minute)
		s.Plan.Hooks.Before, s.Plan.Hooks.After = "freeze", "thaw"
		a := accountOf(s, nightlyOf(s))
		a.SSM = s.SSM
		return recovery.New(a).Handle, s.Sample("sweep")
	}
	denied := func(times int) func(*steptest.Stage, *json.RawMessage) {
		return func(s *steptest.Stage, _ *json.RawMessage) { s.Refuse("SendCommand", "AccessDeniedException", times) }
	}
	// ends looks at how often the command was sent, whether it is due still, what the result says, and what people heard.
	ends := func(sent int, due bool, problem string, told ...string) func(*steptest.Stage, recovery.Answer) {
		return func(s *steptest.Stage, _ recovery.Answer) {
			s.Helper()
			s.Same("sent", len(s.Parameters.Invocations()), sent)
			s.Same("due", s.Held(s.Web) != nil && s.Held(s.Web).Hook.Due(), due)
			s.Same("claimed", s.Held(s.Web) != nil, due)
			if results := s.Results(steptest.RunName); !due {
				is := results[0].Problem
				s.Same(problem+" in "+is, strings.Contains(is, problem), true)
				s.Same("of the command", strings.Contains(is, "hooks.after"), problem == "hooks.after" || len(told) > 0)
			}
			said := ""
			for _, m := range s.Slack.Messages() {
				if text := m.Terminal(false); strings.Contains(text, "plan's hooks.after") {
					said += text
				}
			}
			s.Same("told: "+said, said != "", len(told) > 0)
			for _, part := range told {
				s.Same(part+" once in "+said, strings.Count(said, part), 1)
			}
		}
	}
	after := func(pause time.Duration) func(*steptest.Stage) { return func(*steptest.Stage) { time.Sleep(pause) } }
	steptest.Play(t, scene, cases{
		{Name: "it has not ended yet", Anything: true, Then: ends(1, true, "")},
		{
			Name: "it succeeds", Anything: true, Want: "|", Between: after(5 * time.Minute),
			Then: ends(1, false, "the run ended before its image was done"),
		},
		{
			Name: "it thaws, whatever the plan says by then", Anything: true, Want: "|", Between: after(5 * time.Minute),
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				claim := *s.Held(s.Web)
				claim.Hook.Frozen = true
				s.Hold(claim)
				s.Parameters.OnCommand(func(_, command string) ssm.Ran {
					if strings.Contains(command, "export do=thaw run="+steptest.RunName) {
						return ssm.Ran{Status: "Success"}
					}
					return ssm.Ran{Status: "Failed", Code: 3, Output: command}
				})
			},
			Then: ends(1, false, "the run ended before its image was done"),
		},
		{
			Name: "it fails", Anything: true, Want: "|", Between: after(5 * time.Minute),
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Parameters.OnCommand(func(_, _ string) ssm.Ran { return ssm.Ran{Status: "Failed", Code: 3, Output: "no lock"} })
			},
			Then: ends(1, false, "ended as Failed with code 3", "no lock", "Goldsmith does not try again."),
		},
		{
			Name:     "it fails while Slack is down: people are told once Slack is back, and until then it has its claim",
			Anything: true, Want: "||", Between: after(20 * time.Minute),
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Parameters.OnCommand(func(_, _ string) ssm.Ran { return ssm.Ran{Status: "Failed", Code: 3, Output: "no lock"} })
				s.Slack.Fail(localslack.Failure{Status: 503}, time.Now().Add(30*time.Minute))
			},
			Then: ends(1, false, "ended as Failed with code 3", "no lock", "Goldsmith does not try again."),
		},
		{
			Name: "its instance was terminated: nobody has to do anything", Anything: true,
			Given: func(s *steptest.Stage, _ *json.RawMessage) { s.Set(s.Web, ec2.Terminated) },
			Then:  ends(0, false, "hooks.after"),
		},
		{
			Name: "describes do not know its instance, and it is there: it waits, and is run when they do", Anything: true,
			Want: "||", Between: after(5 * time.Minute),
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Resource: s.Web, Code: "InvalidInstanceID.NotFound",
					Until: time.Now().Add(time.Minute)})
			},
			Then: ends(1, false, "the run ended before its image was done"),
		},
		{
			Name: "describes do not know its instance for a day: it is gone", Anything: true, Want: "|",
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Resource: s.Web, Code: "InvalidInstanceID.NotFound"})
			},
			Between: after(24 * time.Hour), Then: ends(0, false, "hooks.after"),
		},
		{
			Name: "whether its instance is there cannot be found out: the sweep fails", Anything: true,
			Given: func(s *steptest.Stage, _ *json.RawMessage) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeInstances", Resource: s.Web, Code: "InvalidInstanceID.NotFound"})
				s.Refuse("StartInstances", "RequestLimitExceeded", steptest.Attempts)
			},
			Says: []string{"RequestLimitExceeded"}, Then: ends(0, true, ""),
		},
		{
			Name: "it cannot be sent for a quarter of an hour", Anything: true, Want: "|", Given: denied(2),
			Between: after(15 * time.Minute), Then: ends(0, true, ""),
		},
		{
			Name: "it cannot be sent for longer: people are told, once", Anything: true, Want: "||", Given: denied(3),
			Between: after(15*time.Minute + time.Second),
			Then:    ends(0, true, "", "waits for its plan's hooks.after", "AccessDenied"),
		},
		{
			Name: "it can be sent again in the end", Anything: true, Want: "||", Given: denied(1),
			Between: after(5 * time.Minute), Then: ends(1, false, "the run ended before its image was done"),
		},
		{
			Name: "it cannot be sent for half a day", Anything: true, Want: "|", Given: denied(2),
			Between: after(12 * time.Hour), Then: ends(0, true, "", "waits for its plan's hooks.after"),
		},
		{
			Name: "it cannot be sent for longer: it is given up, and people are told", Anything: true, Want: "|",
			Given: denied(2), Between: after(12*time.Hour + time.Second),
			Then: ends(0, false, "AccessDenied", "Goldsmith does not try again."),
		},
		{
			Name: "what keeps it cannot be written down", Anything: true, Want: "|",
			Given: denied(2), Between: func(s *steptest.Stage) { s.Ledger.Break("Record", 3) },
			Says: []string{"recording "}, Then: ends(0, true, ""),
		},
		{
			Name: "people cannot be told: the sweep fails", Anything: true, Want: "|", Given: denied(2),
			Between: func(s *steptest.Stage) { time.Sleep(time.Hour); s.Ledger.Break("Notifying", 1) },
			Says:    []string{"taking the right to tell of after due"}, Then: ends(0, true, ""),
		},
	})
}
