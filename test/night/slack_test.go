package night_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"goldsmith/local/asl"
	"goldsmith/local/slack"
	"goldsmith/local/stack"
)

// Slack's faults never fail a run; that nobody was told is a metric to alarm on.
func TestSlackIsDown(t *testing.T) {
	always := func(f slack.Failure) []slack.Failure {
		many := make([]slack.Failure, 50)
		for i := range many {
			many[i] = f
		}
		return many
	}
	for what, c := range map[string]struct {
		failures []slack.Failure
		told     int
	}{
		"for good, 500":        {always(slack.Failure{Status: http.StatusInternalServerError, Code: "internal_error"}), 0},
		"for a moment, 503":    {always(slack.Failure{Status: http.StatusServiceUnavailable, Code: "unavailable"})[:2], 1},
		"connections drop":     {always(slack.Failure{})[:2], 1},
		"no connection at all": {always(slack.Failure{}), 0},
		"limited, 429": {always(slack.Failure{Status: http.StatusTooManyRequests, Code: "ratelimited",
			RetryAfter: 7 * time.Second})[:1], 1},
		"limited for an hour": {always(slack.Failure{Status: http.StatusTooManyRequests, Code: "ratelimited",
			RetryAfter: time.Hour}), 0},
		"refused as invalid":      {always(slack.Failure{Status: http.StatusBadRequest, Code: "invalid_payload"}), 0},
		"refused: channel is old": {always(slack.Failure{Status: http.StatusGone, Code: "channel_is_archived"}), 0},
	} {
		t.Run(what, func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				n.excused.slack = true
				web := n.launch("web", "")
				n.Slack.Inject(c.failures...)
				n.run()

				n.want("status", n.onlyRun().Status, asl.Succeeded)
				n.wasImaged(n.onlyRun(), web)
				n.want("messages", len(n.Slack.Messages()), c.told)
				n.want("NotificationsFailed is counted", strings.Contains(n.logs.String(), `"NotificationsFailed":1`), c.told == 0)
				n.want("that nobody was told is logged", strings.Contains(n.logs.String(), "message not sent"), c.told == 0)
			})
		})
	}
}

// Runs that end together all get their message, though Slack takes one a second.
func TestManyRunsEndAtOnce(t *testing.T) {
	play(t, stack.Options{Plans: onRequest()}, func(n *night) {
		for _, name := range []string{"a", "b", "c", "d"} {
			n.launch(name, "stopped")
		}
		n.begin()
		for _, id := range n.ids() {
			n.ask(id, "not-a-plan")
		}
		n.finish()
		n.want("messages", len(n.Slack.Messages()), 4)
	})
}
