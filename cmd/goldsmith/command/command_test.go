package command_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go"

	"goldsmith/cmd/goldsmith/command"
	"goldsmith/local/ec2"
	"goldsmith/shared/breaker"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

const plans = "testdata/plans.yaml"

func TestCheck(t *testing.T) {
	play(t, func(s *scene) {
		s.golden("check", s.types("check", plans), command.OK)
		s.golden("check-wrong", s.types("check", "testdata/wrong.yaml"), command.Misused)
		s.golden("check-wrong-json", s.types("check", "testdata/wrong.yaml", "-o", "json"), command.Misused)
	})
}

func TestPlan(t *testing.T) {
	play(t, func(s *scene) {
		s.launch("web")
		s.launch("db", protected)
		rest := s.launch("rest")
		s.must(s.suite.EC2.SetState(rest, ec2.Stopped))
		s.golden("plan", s.types("plan", "--plans", plans), command.OK)
		s.golden("plan-json", s.types("plan", "--plans", plans, "nightly", "-o", "json"), command.OK)
		s.golden("plan-source", s.types("plan", "--plans", plans, "--source", rest), command.OK)
		s.golden("plan-gone", s.types("plan", "--plans", plans, "--source", "i-0123456789abcdef0"), command.OK)
		if changed := s.changes()[3:]; len(changed) > 0 { // three instances were launched
			s.Errorf("plan changed something: %v", changed)
		}
	})
}

// An instance whose tag names a plan that there is not is told, with the plan that was probably meant.
func TestPlanStrays(t *testing.T) {
	inPlans := func(names string) func(*sdk.RunInstancesInput) {
		return func(in *sdk.RunInstancesInput) {
			in.TagSpecifications[0].Tags = tag.List(map[string]string{"Name": "stray", tag.Plan: names})
		}
	}
	play(t, func(s *scene) {
		s.launch("web")
		s.launch("stray", inPlans("nightli"))
		s.launch("stray", inPlans("nightly weekend"))
		gone := s.launch("stray", inPlans("gone"))
		s.must(s.suite.EC2.SetState(gone, ec2.Terminated))
		s.golden("plan-strays", s.types("plan", "--plans", plans, "nightly"), command.OK)
	})
}

func TestPlanOverItsLimit(t *testing.T) {
	play(t, func(s *scene) {
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			s.launch(name)
		}
		s.golden("plan-limit", s.types("plan", "--plans", plans, "nightly"), command.Failed)
	})
}

func TestPlanWhileARunIsOn(t *testing.T) {
	play(t, func(s *scene) {
		s.launch("web")
		s.types("run", "nightly")
		time.Sleep(20 * time.Second)
		s.golden("plan-claimed", s.types("plan", "--plans", plans, "nightly"), command.OK)
	})
}

func TestRun(t *testing.T) {
	play(t, func(s *scene) {
		s.launch("web")
		s.launch("db", protected)
		s.golden("run", s.types("run", "nightly"), command.OK)
		time.Sleep(20 * time.Second)
		s.golden("status-working", s.types("status"), command.OK)
		s.golden("status-run-working", s.types("status", "nightly-now-abc123"), command.OK)
		time.Sleep(2 * time.Hour)
		s.golden("status", s.types("status"), command.OK)
		s.golden("status-run", s.types("status", "nightly-now-abc123"), command.OK)
		s.golden("status-run-json", s.types("status", "nightly-now-abc123", "-o", "json"), command.OK)
		s.writesReport("nightly-now-abc123")
		s.writesReportOfAll("nightly-now-abc123")
		s.golden("images", s.types("images"), command.OK)
		s.golden("images-json", s.types("images", "--name", "web", "--plan", "nightly", "-o", "json"), command.OK)
		if got := s.types("images", "--name", "w*"); got.out != here+"no images\n" {
			s.Errorf("a name is read as a pattern: %s", got.out)
		}
	})
}

func TestRollback(t *testing.T) {
	play(t, func(s *scene) {
		s.launch("web")
		s.template("web", "t3.micro")
		s.template("web-arm", "m6g.large")
		s.types("run", "nightly", "--wait")
		time.Sleep(time.Minute)
		s.golden("rollback-nothing", s.types("rollback", "--name", "web", "--dry"), command.Partial)
		time.Sleep(time.Hour)
		s.golden("plan-templates", s.types("plan", "--plans", plans, "nightly"), command.OK)
		s.types("run", "nightly", "--wait")
		s.golden("images-uses", s.types("images", "--plans", plans, "--uses"), command.OK)
		before := len(s.changes())
		s.golden("rollback-dry", s.types("rollback", "--name", "web", "--dry"), command.OK)
		if len(s.changes()) > before {
			s.Errorf("--dry changed something: %v", s.changes()[before:])
		}
		s.golden("rollback", s.types("rollback", "--name", "web"), command.OK)
		s.golden("rollback-json", s.types("rollback", "--name", "web", "-o", "json"), command.OK)
		time.Sleep(time.Minute)
		s.golden("rollback-unknown", s.types("rollback", "--name", "nobody"), command.Broken)
		s.golden("plan-rolled-back", s.types("plan", "--plans", plans, "nightly"), command.OK)
		s.golden("status-rolled-back", s.types("status"), command.OK)
		s.golden("follow", s.types("follow", "--name", "web"), command.OK)
		if got := s.types("status"); strings.Contains(got.out, "Held") {
			s.Errorf("what follows again is shown as held: %s", got.out)
		}
	})
}

// A name is handed over from the instance whose image was rolled under it to another of that name.
func TestHandover(t *testing.T) {
	play(t, func(s *scene) {
		s.launch("web")
		s.template("web", "t3.micro")
		s.types("run", "nightly", "--wait")
		second := s.launch("web")
		time.Sleep(time.Minute)
		s.golden("plan-name-owned", s.types("plan", "--plans", plans, "nightly"), command.OK)
		before := len(s.changes())
		s.golden("handover-dry", s.types("handover", "--name", "web", "--to", second, "--dry"), command.OK)
		s.golden("handover", s.types("handover", "--name", "web", "--to", second), command.OK)
		s.golden("handover-again", s.types("handover", "--name", "web", "--to", second), command.OK)
		s.golden("handover-json", s.types("handover", "--name", "web", "--to", second, "-o", "json"), command.OK)
		s.golden("handover-unknown", s.types("handover", "--name", "db", "--to", second), command.Broken)
		if len(s.changes()) > before {
			s.Errorf("the command changed something itself: %v", s.changes()[before:])
		}
		s.golden("plan-handed-over", s.types("plan", "--plans", plans, "nightly"), command.OK)
	})
}

func TestRunAndWait(t *testing.T) {
	play(t, func(s *scene) {
		s.launch("web")
		s.launch("db", protected)
		s.golden("run-wait", s.types("run", "nightly", "--wait", "--by", "the release"), command.OK)
	})
}

func TestRunThatFails(t *testing.T) {
	play(t, func(s *scene) {
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			s.launch(name)
		}
		s.golden("run-failed", s.types("run", "nightly", "--wait"), command.Failed)
		s.golden("run-unknown", s.types("run", "nighly"), command.Broken)
	})
}

func TestCtrlCStopsWatchingOnly(t *testing.T) {
	play(t, func(s *scene) {
		s.launch("web")
		ctx, stop := context.WithTimeout(s.Context(), 20*time.Second)
		defer stop()
		s.golden("run-interrupted", s.typesIn(ctx, "run", "nightly", "--wait"), command.Interrupted)
		time.Sleep(2 * time.Hour)
		if got := s.types("status", "nightly-now-abc123"); got.code != command.OK {
			s.Errorf("the run did not go on: %s", got.out)
		}
	})
}

func TestStatusOfWhatIsDown(t *testing.T) {
	play(t, func(s *scene) {
		web := s.launch("web")
		s.must(s.suite.EC2.SetState(web, ec2.Stopped))
		claim := ledger.Claim{
			Source: web, Name: "web", Run: "nightly-1", Plan: "nightly",
			Execution: "arn:aws:states:eu-central-1:123456789012:execution:goldsmith:nightly-1",
			Since:     time.Now(), WasRunning: true, Looked: true, StopSent: time.Now(), Left: time.Now().Add(time.Hour),
		}
		_, err := s.suite.Ledger.Claim(s.Context(), claim)
		s.must(err)
		s.golden("status-down", s.types("status"), command.OK)
	})
}

// A member that is up again and does not serve is for a person to see to, too.
func TestStatusOfAMemberOutOfService(t *testing.T) {
	play(t, func(s *scene) {
		now := time.Now()
		for _, each := range [][2]string{{"web", "it cannot leave Standby: ValidationError"}, {"db"}} {
			name, problem := each[0], each[1]
			claim := ledger.Claim{
				Source: s.launch(name), Name: name, Run: "nightly-1", Plan: "nightly", Since: now, WasRunning: true, Looked: true,
				Execution: "arn:aws:states:eu-central-1:123456789012:execution:goldsmith:nightly-1", StopSent: now,
				Standby: &ledger.Standby{Group: name + "s", Since: now, Problem: problem},
			}
			if problem != "" {
				claim.Left = now.Add(time.Hour)
			}
			_, err := s.suite.Ledger.Claim(s.Context(), claim)
			s.must(err)
		}
		s.golden("status-standby", s.types("status"), command.OK)
	})
}

// A source that is down holds others back, others wait for their turn: status says who, and a person may exempt it.
func TestStatusOfWhatIsHeldBack(t *testing.T) {
	play(t, func(s *scene) {
		web := s.launch("web")
		s.must(s.suite.EC2.SetState(web, ec2.Stopped))
		now := time.Now().UTC()
		claim, err := s.suite.Ledger.Claim(s.Context(), ledger.Claim{
			Source: web, Name: "web", Run: "nightly-1", Plan: "nightly",
			Execution: "arn:aws:states:eu-central-1:123456789012:execution:goldsmith:nightly-1",
			Since:     now, WasRunning: true, Looked: true, StopSent: now, Left: now.Add(time.Hour),
		})
		s.must(err)
		_, err = breaker.Refused(s.Context(), s.suite.Ledger, claim, "UnauthorizedOperation",
			"it cannot be started: UnauthorizedOperation: You are not authorized to perform this operation.", now)
		s.must(err)
		for n, slot := range []ledger.Slot{
			{Kind: ledger.Places, ID: "000000", Source: web, Name: "web", Run: "nightly-1"},
			{Kind: ledger.Turns, ID: "1", Source: "i-0b2c3d4e5f6071829", Name: "db", Run: "nightly-2"},
			{Kind: ledger.Turns, ID: "2", Source: "i-0c3d4e5f607182930", Run: "request-1"},
		} {
			slot.Plan, slot.Since, slot.Seen = "nightly", now.Add(time.Duration(n)*time.Minute), now
			_, err := s.suite.Ledger.Take(s.Context(), slot, time.Time{})
			s.must(err)
		}
		held := s.types("status")
		s.golden("status-held", held, command.OK)
		for _, line := range strings.Split(held.out, "\n") {
			if len([]rune(line)) > 80 && !strings.HasPrefix(line, "  aws ") { // A command is not folded.
				s.Errorf("a line of %d columns: %s", len([]rune(line)), line)
			}
		}
		s.golden("exempt-unknown", s.types("exempt", "db"), command.Broken)
		s.golden("exempt-not-yet", s.types("exempt", "--undo", "web"), command.Broken)
		s.golden("exempt", s.types("exempt", "web", "--by", "ada"), command.OK)
		s.golden("status-exempted", s.types("status"), command.OK)
		s.golden("exempt-undo-json", s.types("exempt", "--undo", web, "--by", "ada", "-o", "json"), command.OK)
		s.golden("exempt-bare", s.types("exempt"), command.Misused)
	})
}

// One mistake, one message, and nothing is done.
func TestMistakes(t *testing.T) {
	play(t, func(s *scene) {
		s.launch("web")
		for _, c := range []struct{ line, says string }{
			{"frob", `unknown command "frob" for "goldsmith"`},
			{"runn nightly", `Did you mean this?`},
			{"plan --foo", "unknown flag: --foo"},
			{"plan --output xml", `--output "xml" is neither text nor json`},
			{"plan nightly weekly", `plan takes the name of one plan, and nothing else; it got "weekly" too`},
			{"plan --plans nowhere.yaml", "there is no file nowhere.yaml"},
			{"plan --plans " + plans + " nightlyy", `there is no plan "nightlyy"; there are: hourly, nightly, on-demand`},
			{"plan --plans " + plans + " --source web", `--source "web" is no id of an instance or a snapshot`},
			{"run", "run needs the name of one plan"},
			{"run nightly weekly", `run takes the name of one plan, and nothing else; it got "weekly" too`},
			{"images --lost --uses", "--lost lists snapshots: --uses and --plan are about images"},
			{"run nightly --data /dev/sdf=snap-0123456789abcdef0", "--data goes with --source snap-..., and with nothing else"},
			{"run nightly --source snap-0123456789abcdef0 --data sdf=x",
				`--data "sdf=x" is not like /dev/sdf=snap-0123456789abcdef0`},
			{"run nightly --source web", `--source "web" is no id of an instance or a snapshot`},
			{"handover --name web", "handover needs --name, the name of a source, and --to"},
			{"handover --name web --to web", "to: want"},
			{"rollback", "rollback needs --name"},
			{"rollback --name web --to latest", "to"},
			{"status --days 0", "--days and --most are whole numbers from 1"},
			{"status a b", `it got "b" too`},
		} {
			got := s.types(strings.Fields(c.line)...)
			if got.code != command.Misused || got.out != "" || !strings.HasPrefix(got.err, "goldsmith: ") ||
				!strings.Contains(got.err, c.says) {
				s.Errorf("%s: exit code %d, %q%q; want %q", c.line, got.code, got.out, got.err, c.says)
			}
		}
		if changed := s.changes()[1:]; len(changed) > 0 || len(s.suite.States.List(all(s))) > 0 {
			s.Errorf("a mistake changed something: %v", changed)
		}
	})
}

func TestNobodyAnswers(t *testing.T) {
	play(t, func(s *scene) {
		for name, c := range map[string]struct {
			err  error
			says string
		}{
			"denied": {&smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}, "docs/operations.md"},
			"busy":   {&smithy.GenericAPIError{Code: "Throttling", Message: "Rate exceeded"}, "try again in a minute"},
			"else":   {errors.New("something"), "Try again"},
		} {
			s.unplugged = c.err
			got := s.types("images")
			if got.code != command.Broken || got.out != "" || strings.Count(got.err, "\n") != 1 ||
				!strings.Contains(got.err, c.says) {
				s.Errorf("%s: exit code %d, %q%q", name, got.code, got.out, got.err)
			}
		}
	})
}

// Before Goldsmith is deployed plans can be rehearsed; all else says what is missing.
func TestNotDeployed(t *testing.T) {
	play(t, func(s *scene) {
		s.launch("web")
		s.bare = true
		s.golden("plan-bare", s.types("plan", "--plans", plans, "nightly"), command.OK)
		for _, line := range []string{"run nightly", "run nightly --wait", "status", "status nightly-1"} {
			s.golden("bare", s.types(strings.Fields(line)...), command.Broken)
		}
	})
}

func TestColors(t *testing.T) {
	play(t, func(s *scene) {
		s.colors = true
		if got := s.types("check", plans); !strings.Contains(got.out, "\x1b[1mnightly\x1b[0m") {
			s.Errorf("%q", got.out)
		}
		if got := s.types("check", plans, "-o", "json"); strings.Contains(got.out, "\x1b") {
			s.Errorf("JSON is colored: %q", got.out)
		}
	})
}

// On a terminal of 80 columns nothing is wider, so that no line is broken in the middle of a word.
func TestAtEightyColumns(t *testing.T) {
	play(t, func(s *scene) {
		s.launch("web")
		s.launch("kept", protected)
		s.launch("checkout-backend")
		s.width = 80
		for name, line := range map[string]string{
			"plan-narrow": "plan --plans " + plans + " nightly", "status-narrow": "status", "images-narrow": "images",
			"doctor-narrow": "doctor --plans " + plans, "check-narrow": "check " + plans,
		} {
			got := s.types(strings.Fields(line)...)
			s.golden(name, got, got.code)
			for _, text := range []string{got.out, got.err} {
				for row := range strings.Lines(text) {
					if utf8.RuneCountInString(strings.TrimSuffix(row, "\n")) > s.width {
						s.Errorf("%s: %q", line, row)
					}
				}
			}
		}
	})
}

// Every command says what it is for, shows an example and lists the exit codes.
func TestHelp(t *testing.T) {
	play(t, func(s *scene) {
		s.golden("help", s.types("--help"), command.OK)
		for _, name := range []string{"plan", "run", "status", "images", "rollback", "handover", "check"} {
			got := s.types(name, "--help")
			for _, part := range []string{"Examples:", "Exit codes:", "--output"} {
				if got.code != command.OK || !strings.Contains(got.out, part) {
					s.Errorf("%s --help (exit code %d) lacks %q", name, got.code, part)
				}
			}
		}
	})
}

// What is read by programs is JSON, whole and nothing else.
func TestJSON(t *testing.T) {
	play(t, func(s *scene) {
		s.launch("web")
		for _, line := range []string{
			"check " + plans, "plan --plans " + plans, "images", "status", "run nightly --wait", "status nightly-now-abc123",
		} {
			got := s.types(append(strings.Fields(line), "--output", "json")...)
			if !json.Valid([]byte(got.out)) || !bytes.HasPrefix([]byte(got.out), []byte("{")) {
				s.Errorf("%s: %s", line, got.out)
			}
		}
	})
}

// Names come from anybody; a terminal obeys what is in them.
func TestNamesAreHarmless(t *testing.T) {
	play(t, func(s *scene) {
		s.launch("web", func(in *sdk.RunInstancesInput) {
			in.TagSpecifications[0].Tags = tag.List(map[string]string{"Name": "we\u202eb\nroot", tag.Plan: "nightly"})
		})
		if got := s.types("plan", "--plans", plans, "nightly"); !strings.Contains(got.out, "  web root  i-") {
			s.Errorf("%q", got.out)
		}
	})
}
