package command_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldsmith/local/ssm"
	"goldsmith/shared/command"
	"goldsmith/test/steptest"
)

// Whatever a command holds arrives as it is, but for line ends that no shell takes; what it printed is told by its end.
func TestWhatIsSentAndSaid(t *testing.T) {
	for name, c := range map[string]struct {
		text, arrives, prints string
		status, details       string
		phase                 command.Phase
		ended                 string
		windows               bool
	}{
		"quotes and letters": {text: `echo "it's ü" | grep -c 'ü' && echo {{.}} $((1+1))`, phase: command.Succeeded},
		"line ends of Windows": {text: "sync\r\nfsfreeze -f /data\r\n", arrives: "sync\nfsfreeze -f /data\n",
			phase: command.Succeeded},
		"nothing printed": {text: "false", status: "Failed", phase: command.Failed,
			ended: "ended as Failed with code 1, having printed: nothing"},
		"a screen's control": {text: "false", status: "Failed", prints: "\x1b[31mno\x1b[0m\x00 lock\r\n",
			phase: command.Failed,
			ended: "ended as Failed with code 1, having printed: [31mno[0m lock"},
		"much": {text: "false", status: "Failed", prints: strings.Repeat("ü", 24<<10), phase: command.Failed,
			ended: "ended as Failed with code 1, having printed: ... " + strings.Repeat("ü", 300) +
				" ... (it printed more than Systems Manager shows)"},
		"on Windows": {text: "exit 3", status: "Failed", prints: "no VSS", windows: true, phase: command.Failed,
			ended: "ended as Failed with code 1, having printed: no VSS"},
		"no platform of the document's": {text: "true", status: "Failed", details: "InvalidPlatform", phase: command.Unrun,
			ended: "ended as InvalidPlatform with code 1, having printed: nothing"},
		"not delivered, as the pages write it": {text: "true", status: "Failed", details: "Delivery Timed Out",
			phase: command.Unrun, ended: "ended as Delivery Timed Out with code 1, having printed: nothing"},
		"its instance is not there": {text: "true", status: "Failed", details: "Undeliverable", phase: command.Unrun,
			ended: "ended as Undeliverable with code 1, having printed: nothing"},
		"ended before its turn": {text: "true", status: "Cancelled", details: "Terminated", phase: command.Unrun,
			ended: "ended as Terminated with code 1, having printed: nothing"},
		"being cancelled":    {text: "sleep 9", status: "Cancelling", phase: command.Going},
		"of a later version": {text: "true", status: "Postponed", phase: command.Going},
		"cancelled by a person": {text: "sleep 9", status: "Cancelled", phase: command.Failed,
			ended: "ended as Cancelled with code 1, having printed: nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				code := 0
				if c.status != "" {
					code = 1
				}
				s.Parameters.OnCommand(func(_, _ string) ssm.Ran {
					return ssm.Ran{Status: c.status, Details: c.details, Code: code, Output: c.prints, Windows: c.windows}
				})
				_, err := command.Send(s.Context(), s.SSM,
					command.Command{Instance: s.Web, Mark: "m", Text: c.text, Timeout: time.Minute})
				s.Must(err)
				time.Sleep(time.Minute)
				got, err := command.Find(s.Context(), s.SSM, s.Web, "m", time.Now().Add(-time.Minute))
				s.Must(err)
				s.Same("phase", got.Phase, c.phase)
				s.Same("ended", got.Ended, c.ended)
				want := c.arrives
				if want == "" {
					want = c.text
				}
				s.Same("what arrives", s.Parameters.Invocations()[0].Command, want)
			})
		})
	}
}

// A command that no agent fetches is not run once its delivery and its own time are over together.
func TestWhatIsNotFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		s.Parameters.Deaf(s.Web, true)
		sent, c := time.Now(), command.Command{Instance: s.Web, Mark: "m", Text: "sync", Delivery: time.Minute,
			Timeout: 2 * time.Minute}
		_, err := command.Send(s.Context(), s.SSM, c)
		s.Must(err)
		for _, want := range []command.Phase{command.Going, command.Unrun} {
			time.Sleep(2 * time.Minute)
			got, err := command.Find(s.Context(), s.SSM, s.Web, "m", sent)
			s.Must(err)
			s.Same("phase", got.Phase, want)
		}
		s.Parameters.Deaf(s.Web, false)
		time.Sleep(time.Hour)
		s.Same("begun", s.Parameters.Invocations()[0].Begun.IsZero(), true)
	})
}

// Among many commands on an instance the one with the mark is found, on whichever page it is; one of another run is not
// taken for it.
func TestTheMarkIsFoundAmongMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		send := func(mark string) {
			_, err := command.Send(s.Context(), s.SSM,
				command.Command{Instance: s.Web, Mark: mark, Text: "true", Timeout: time.Minute})
			s.Must(err)
		}
		sent := time.Now()
		send("mine")
		for range 120 {
			send("another's")
		}
		time.Sleep(time.Minute)
		for mark, want := range map[string]command.Phase{"mine": command.Succeeded, "min": command.Unseen} {
			got, err := command.Find(s.Context(), s.SSM, s.Web, mark, sent)
			s.Must(err)
			s.Same(mark, got.Phase, want)
		}
		got, err := command.Find(s.Context(), s.SSM, s.Web, "mine", sent.Add(6*time.Minute))
		s.Must(err)
		s.Same("of an earlier time", got.Phase, command.Unseen)
	})
}
