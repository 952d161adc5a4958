package trigger_test

import (
	"strings"
	"testing"

	"goldsmith/functions/trigger"
	"goldsmith/test/steptest"
)

// What starts nothing, and why.
func TestTriggerIgnores(t *testing.T) {
	var table cases
	for _, c := range []struct{ sample, why string }{
		{"tag-request-removed", "goldsmith:image was removed from i-0a1b2c3d4e5f60718"},
		{"tag-unrelated", "none of the changed tags is a request or a run"},
		{"tag-own-note", "none of the changed tags is a request or a run"},
		{"tag-volume", `tags of "ec2" "volume" do not matter`},
		{"snapshot-untagged", "goldsmith:run was removed from snap-0c1d2e3f4a5b60718"},
		{"snapshot-tagged", "event.SnapshotTagged starts nothing"},
		{"instance-stopped", "event.InstanceChanged starts nothing"},
		{"image-available", "event.ImageChanged starts nothing"},
		{"execution-failed", "event.ExecutionEnded starts nothing"},
		{"execution-running", `execution status "RUNNING" is not an end`},
		{"sweep", "event.Sweep starts nothing"},
	} {
		table = append(table, steptest.Case[raw, trigger.Answer]{
			Name: c.sample, Given: event(c.sample), Want: ": ok",
			Then: func(s *steptest.Stage, a trigger.Answer) { s.Same("answer", a, trigger.Answer{Ignored: c.why}) },
		})
	}
	steptest.Play(t, scene, table)
}

// Events that are wrong, and the message each gets. Nothing is started for any.
func TestTriggerRefuses(t *testing.T) {
	const (
		tagged  = `{"version":"0","source":"aws.tag","detail-type":"Tag Change on Resource","account":"123456789012","time":"2026-03-22T12:00:00Z","region":"eu-central-1",`
		on      = `"resources":["arn:aws:ec2:eu-central-1:123456789012:instance/i-0a1b2c3d4e5f60718"],`
		request = `"detail":{"changed-tag-keys":["goldsmith:image"],"tags":{"goldsmith:image":"now"},"service":"ec2","resource-type":"instance","version":3}}`
	)
	var table cases
	for _, c := range []struct{ name, event, message string }{
		{"a list", `[1]`, `event: input: want a JSON object, got "[1]"`},
		{"a text", `"nightly"`, `event: input: want a JSON object, got "\"nightly\""`},
		{"nothing", `null`, `event: input: want a JSON object, got "null"`},
		{"an empty object", `{}`, `event: source: missing, and there is no goldsmith either`},
		{"another kind of our own, without a version", `{"goldsmith":"run","plan":"nightly"}`,
			`goldsmith event "run": version: missing, want "1"`},
		{"a version that is a number", `{"goldsmith":"run","version":1,"plan":"nightly"}`,
			`event: version: want string, got number`},

		{"a run without a plan", `{"goldsmith":"run","version":"1"}`, `goldsmith event "run": plan: missing`},
		{"a plan's name in capitals", `{"goldsmith":"run","version":"1","plan":"Nightly"}`,
			`goldsmith event "run": plan: want 1 to 32 of a-z, 0-9 and "-", got "Nightly"`},
		{"a plan's name of 33 letters", `{"goldsmith":"run","version":"1","plan":"` + strings.Repeat("a", 33) + `"}`,
			`goldsmith event "run": plan: want 1 to 32 of a-z, 0-9 and "-", got "` + strings.Repeat("a", 33) + `"`},
		{"a source that is a name", `{"goldsmith":"run","version":"1","plan":"nightly","source":"web-1"}`,
			`goldsmith event "run": source: want i- or snap- and 8 or 17 hex digits, got "web-1"`},
		{"a source that is a volume", `{"goldsmith":"run","version":"1","plan":"nightly","source":"vol-0a1b2c3d4e5f60718"}`,
			`goldsmith event "run": source: want i- or snap- and 8 or 17 hex digits, got "vol-0a1b2c3d4e5f60718"`},
		{"an id with a space", `{"goldsmith":"run","version":"1","plan":"nightly","id":"a b"}`,
			`goldsmith event "run": id: want at most 64 of A-Z, a-z, 0-9, "-" and "_", got "a b"`},
		{"a time without a zone", `{"goldsmith":"run","version":"1","plan":"nightly","at":"2026-03-22T14:05:09"}`,
			`goldsmith event "run": at: want a time such as 2026-03-22T18:59:43Z, got "2026-03-22T14:05:09"`},

		{"a schedule without a time", `{"goldsmith":"schedule","version":"1","plan":"nightly"}`,
			`goldsmith event "schedule": time: missing`},
		{
			"a schedule whose keyword was not replaced",
			`{"goldsmith":"schedule","version":"1","plan":"nightly","time":"<aws.scheduler.scheduled-time>"}`,
			`goldsmith event "schedule": time: want a time such as 2026-03-22T18:59:43Z, got "<aws.scheduler.scheduled-time>"`,
		},
		{
			"a schedule whose ARN was not replaced",
			`{"goldsmith":"schedule","version":"1","plan":"nightly","time":"2026-03-22T02:00:00Z","schedule":"<aws.scheduler.schedule-arn>"}`,
			`goldsmith event "schedule": schedule: want an ARN of scheduler, got "<aws.scheduler.schedule-arn>"`,
		},

		{"a tag change without detail", tagged + strings.TrimSuffix(on, ",") + `}`,
			`event "Tag Change on Resource": detail: missing`},
		{"a tag change of nothing", tagged + request, `event "Tag Change on Resource": resources: want one ARN, got 0`},
		{"a tag change of two", tagged + `"resources":["a","b"],` + request,
			`event "Tag Change on Resource": resources: want one ARN, got 2`},
		{"a tag change of no ARN", tagged + `"resources":["i-0a1b2c3d4e5f60718"],` + request,
			`event "Tag Change on Resource": resources[0]: want an ARN of ec2, got "i-0a1b2c3d4e5f60718"`},
		{
			"an instance that is a snapshot", tagged +
				`"resources":["arn:aws:ec2:eu-central-1:123456789012:snapshot/snap-0c1d2e3f4a5b60718"],` + request,
			`event "Tag Change on Resource": resources[0]: want an ARN of an instance, got "arn:aws:ec2:eu-central-1:123456789012:snapshot/snap-0c1d2e3f4a5b60718"`,
		},
		{
			"an instance id of nine digits", tagged +
				`"resources":["arn:aws:ec2:eu-central-1:123456789012:instance/i-0a1b2c3d4"],` + request,
			`event "Tag Change on Resource": resources[0]: want i- and 8 or 17 hex digits, got "i-0a1b2c3d4"`,
		},
		{
			"a request without a version, which names the run", tagged + on + strings.Replace(request, `,"version":3`, "", 1),
			`event "Tag Change on Resource": detail.version: missing`,
		},
		{
			"tags that are a list", tagged + on +
				strings.Replace(request, `{"goldsmith:image":"now"}`, `["goldsmith:image"]`, 1),
			`event "Tag Change on Resource": detail.tags: want map[string]string, got array`,
		},
		{
			"a request without a time", strings.Replace(tagged, `"time":"2026-03-22T12:00:00Z",`, "", 1) + on + request,
			`event "Tag Change on Resource": time: missing`,
		},
	} {
		table = append(table, steptest.Case[raw, trigger.Answer]{
			Name: c.name, Given: text(c.event), Want: ": Failed", Message: c.message + ". Nothing was started.",
		})
	}
	steptest.Play(t, scene, table)
}
