package events_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"goldsmith/events"
	"goldsmith/local/eventbridge/pattern"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

const (
	region  = "eu-central-1"
	account = "123456789012"
	source  = "i-0a1b2c3d4e5f60718"
	snap    = "snap-0c1d2e3f4a5b60718"
	image   = "ami-0abcdef1234567890"
	machine = "arn:aws:states:eu-central-1:123456789012:stateMachine:goldsmith"
	run     = "nightly-20260322T020000Z"
)

// samples says of every sample which rules match it and what it decodes to. An
// Ignored has no text here: what counts is that nothing is done.
var samples = map[string]struct {
	rules   []string
	decoded event.Event
}{
	"schedule": {nil, event.Scheduled{
		Plan: "nightly", Time: at("2026-03-22T02:00:00Z"),
		Schedule: "arn:aws:scheduler:eu-central-1:123456789012:schedule/default/goldsmith-nightly",
	}},
	"run-now": {nil, event.RunNow{Plan: "nightly"}},
	"run-now-source": {nil, event.RunNow{
		Plan: "nightly", Source: source, By: "arn:aws:iam::123456789012:user/jo",
		At: at("2026-03-22T14:05:09Z"), ID: "4d6f1c52-9d0e-4f5b-8f0a-1a2b3c4d5e6f",
	}},
	"handover":    {nil, event.Handover{Name: "web", To: "i-0a1b2c3d4e5f60718", By: "ada"}},
	"rollback":    {nil, event.Rollback{Name: "web"}},
	"rollback-to": {nil, event.Rollback{Name: "web", To: "ami-0123456789abcdef0", By: "ada", Dry: true}},
	"sweep":       {nil, event.Sweep{}},

	"tag-request-plan":     {[]string{"image-requested"}, requested(source, job.Instance, "nightly", 4)},
	"tag-request-now":      {[]string{"image-requested"}, requested(source, job.Instance, "now", 5)},
	"tag-request-snapshot": {[]string{"image-requested"}, requested(snap, job.Snapshot, "nightly", 1)},
	"tag-request-removed":  {nil, event.Ignored{}},
	"tag-unrelated":        {nil, event.Ignored{}},
	"tag-own-note":         {nil, event.Ignored{}},
	"tag-volume":           {nil, event.Ignored{}},

	"snapshot-tagged":   {[]string{"snapshot-appeared"}, event.SnapshotTagged{ID: snap, Source: source, Run: run}},
	"snapshot-untagged": {nil, event.Ignored{}},

	"instance-stopping":   {nil, event.InstanceChanged{ID: source, State: "stopping"}},
	"instance-stopped":    {[]string{"instance-settled"}, event.InstanceChanged{ID: source, State: "stopped"}},
	"instance-running":    {[]string{"instance-settled"}, event.InstanceChanged{ID: source, State: "running"}},
	"instance-terminated": {[]string{"instance-settled"}, event.InstanceChanged{ID: source, State: "terminated"}},

	"image-available": {[]string{"image-settled"}, event.ImageChanged{ID: image, State: "available"}},
	"image-failed": {[]string{"image-settled"},
		event.ImageChanged{ID: image, State: "failed", Message: "Internal error"}},
	"image-deregistered": {[]string{"image-settled"}, event.ImageChanged{ID: image, State: "deregistered"}},
	"image-disabled":     {[]string{"image-settled"}, event.ImageChanged{ID: image, State: "disabled"}},

	"snapshot-copied":      {[]string{"snapshot-copied"}, copied},
	"snapshot-copy-failed": {[]string{"snapshot-copied"}, copied},
	"snapshot-created":     {nil, event.Ignored{}},

	"refresh-started":         {nil, event.Ignored{}},
	"refresh-succeeded":       {[]string{"refresh-ended"}, refreshed},
	"refresh-failed":          {[]string{"refresh-ended"}, refreshed},
	"refresh-cancelled":       {[]string{"refresh-ended"}, refreshed},
	"refresh-rolled-back":     {[]string{"refresh-ended"}, refreshed},
	"refresh-rollback-failed": {[]string{"refresh-ended"}, refreshed},

	"execution-running":   {nil, event.Ignored{}},
	"execution-succeeded": {nil, ended("goldsmith", run, "SUCCEEDED")},
	"execution-failed":    {[]string{"run-ended"}, ended("goldsmith", run, "FAILED")},
	"execution-timed-out": {[]string{"run-ended"}, ended("goldsmith", run, "TIMED_OUT")},
	"execution-aborted":   {[]string{"run-ended"}, ended("goldsmith", run, "ABORTED")},
	"execution-child-aborted": {[]string{"run-ended"},
		ended("goldsmith/Sources", "3f1c2b6a-7d2e-3a55-9a0b-5f8f6c1d2e3f", "ABORTED")},
	"execution-foreign": {nil, ended("goldsmith-billing", run, "FAILED")},
}

var copied = event.SnapshotCopied{ID: "snap-0f1e2d3c4b5a60718", Source: snap}

var refreshed = event.RefreshEnded{ID: "c613620e-07e2-4ed2-a9e2-ef8258911ade", Group: "my-asg"}

func TestEverySampleIsListed(t *testing.T) {
	names, err := events.Samples()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(samples)), names); diff != "" {
		t.Error(diff)
	}
}

func TestSamplesDecode(t *testing.T) {
	for name, want := range samples {
		t.Run(name, func(t *testing.T) {
			got, err := event.Decode(sample(t, name), event.Home{Account: account, Region: region})
			if err != nil {
				t.Fatal(err)
			}
			if ignored, ok := got.(event.Ignored); ok && ignored.Why != "" {
				got = event.Ignored{}
			}
			if diff := cmp.Diff(want.decoded, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A rule delivers exactly the samples it should, each decodes to the type its
// function accepts, and no rule is without a sample.
func TestRulesMatchSamples(t *testing.T) {
	matched := map[string]bool{}
	for _, rule := range events.Rules {
		compiled := compile(t, rule)
		for name, want := range samples {
			decoded, err := pattern.Decode(sample(t, name))
			if err != nil {
				t.Fatal(err)
			}
			got := compiled.Match(decoded)
			if got != slices.Contains(want.rules, rule.Name) {
				t.Errorf("%s matches %s: %v", rule.Name, name, got)
			}
			if kind := reflect.TypeOf(want.decoded).Name(); got && kind != rule.Event {
				t.Errorf("%s delivers %s, a %s, where %s is due", rule.Name, name, kind, rule.Event)
			}
			matched[rule.Name] = matched[rule.Name] || got
		}
		if !matched[rule.Name] {
			t.Errorf("%s matches no sample", rule.Name)
		}
	}
}

// A sample of another account, or of another Region, is delivered by no rule and decodes to nothing to do.
func TestEventsFromElsewhere(t *testing.T) {
	for name, want := range samples {
		if len(want.rules) == 0 {
			continue
		}
		for here, elsewhere := range map[string]string{account: "210987654321", region: "us-east-1"} {
			text := []byte(strings.ReplaceAll(string(sample(t, name)), here, elsewhere))
			decoded, err := pattern.Decode(text)
			if err != nil {
				t.Fatal(err)
			}
			for _, rule := range events.Rules {
				if compile(t, rule).Match(decoded) {
					t.Errorf("%s matches %s of %s", rule.Name, name, elsewhere)
				}
			}
			got, err := event.Decode(text, event.Home{Account: account, Region: region})
			if _, ignored := got.(event.Ignored); !ignored || err != nil {
				t.Errorf("%s of %s decodes to %#v, %v", name, elsewhere, got, err)
			}
		}
	}
}

// people send these inputs themselves, so they have no file.
var people = map[string]bool{"run": true, "rollback": true, "handover": true}

// Inputs decode to what they say once Scheduler has replaced its keywords.
func TestInputsDecode(t *testing.T) {
	for _, input := range events.Inputs {
		name := input.Name
		if name == "run" {
			name = "run-now"
		}
		text := sample(t, name)
		if !people[input.Name] {
			filled, err := input.Payload(map[string]string{"Plan": "nightly"})
			if err != nil {
				t.Fatal(err)
			}
			text = []byte(strings.NewReplacer(
				"<aws.scheduler.scheduled-time>", "2026-03-22T02:00:00Z",
				"<aws.scheduler.schedule-arn>", "arn:aws:scheduler:eu-central-1:123456789012:schedule/default/goldsmith-nightly",
			).Replace(string(filled)))
			var got, want any
			unmarshal(t, text, &got)
			unmarshal(t, sample(t, input.Name), &want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s differs from its sample: %s", input.Name, diff)
			}
		}
		decoded, err := event.Decode(text, event.Home{Account: account, Region: region})
		if err != nil {
			t.Fatal(err)
		}
		if kind := reflect.TypeOf(decoded).Name(); kind != input.Event {
			t.Errorf("%s decodes to %s, not %s", input.Name, kind, input.Event)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	for _, rule := range events.Rules {
		if _, err := rule.Pattern(nil); err == nil || !strings.Contains(err.Error(), "Account, Region") {
			t.Errorf("%s without values: %v", rule.Name, err)
		}
	}
	// A token of the CDK looks like a placeholder and must survive.
	text, err := rule(t, "run-ended").Pattern(map[string]string{"StateMachineArn": "${Token[Arn.1]}", "Account": "1",
		"Region": "r"})
	if err != nil || !bytes.Contains(text, []byte(`"${Token[Arn.1]}/"`)) {
		t.Errorf("%v: %s", err, text)
	}
	if _, err := (events.Input{Name: "schedule"}).Payload(nil); err == nil || !strings.Contains(err.Error(), "Plan") {
		t.Errorf("no plan: %v", err)
	}
}

// Whatever tags Goldsmith itself writes or removes, nothing is triggered.
func TestOwnTagWritesRequestNothing(t *testing.T) {
	all := map[string]string{
		tag.Managed: "true", tag.Source: source, tag.Name: "web-1", tag.Plan: "nightly", tag.Run: run,
		tag.LastImage: image, "Name": "web-1",
	}
	for _, kind := range []string{"instance/" + source, "snapshot/" + snap} {
		written := map[string]any{
			"version": "0", "id": "x", "source": "aws.tag", "detail-type": "Tag Change on Resource",
			"account": account, "region": region, "time": "2026-03-22T02:00:07Z",
			"resources": []string{fmt.Sprintf("arn:aws:ec2:%s:%s:%s", region, account, kind)},
			"detail": map[string]any{
				"changed-tag-keys": append(slices.Sorted(maps.Keys(all)), tag.Request), "tags": all,
				"service": "ec2", "resource-type": kind[:strings.Index(kind, "/")], "version": 9,
			},
		}
		text, err := json.Marshal(written)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := pattern.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		if compile(t, rule(t, "image-requested")).Match(decoded) {
			t.Errorf("our tags on %s match as a request", kind)
		}
		if got, err := event.Decode(text, event.Home{Account: account, Region: region}); err != nil {
			t.Error(err)
		} else if _, isRequest := got.(event.Requested); isRequest {
			t.Errorf("our tags on %s decode as a request", kind)
		}
	}
}

func compile(t *testing.T, rule events.Rule) *pattern.Pattern {
	t.Helper()
	text, err := rule.Pattern(map[string]string{"StateMachineArn": machine, "Account": account, "Region": region})
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := pattern.Compile(text)
	if err != nil {
		t.Fatalf("%s: %v", rule.Name, err)
	}
	return compiled
}

func rule(t *testing.T, name string) events.Rule {
	t.Helper()
	i := slices.IndexFunc(events.Rules, func(r events.Rule) bool { return r.Name == name })
	if i < 0 {
		t.Fatalf("no rule %s", name)
	}
	return events.Rules[i]
}

func sample(t *testing.T, name string) []byte {
	t.Helper()
	text, err := events.Sample(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func unmarshal(t *testing.T, text []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatal(err)
	}
}

func requested(id string, kind job.Kind, value string, version int64) event.Event {
	return event.Requested{
		ID: id, Kind: kind, Value: value, Version: version,
		Region: region, Account: account, Time: at("2026-03-22T02:00:07Z"),
	}
}

func ended(machine, name, status string) event.Event {
	prefix := fmt.Sprintf("arn:aws:states:%s:%s:", region, account)
	return event.ExecutionEnded{
		ARN: prefix + "execution:" + machine + ":" + name, Machine: prefix + "stateMachine:" + machine,
		Name: name, Status: status,
	}
}

func at(text string) time.Time {
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return parsed
}
