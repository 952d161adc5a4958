package event_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"goldsmith/shared/event"
	"goldsmith/shared/job"
)

const (
	instanceARN = "arn:aws:ec2:eu-central-1:123456789012:instance/i-0a1b2c3d4e5f60718"
	snapshotARN = "arn:aws:ec2:eu-central-1:123456789012:snapshot/snap-0a1b2c3d4e5f60718"
	scheduleARN = "arn:aws:scheduler:eu-central-1:123456789012:schedule/goldsmith/nightly"
	childARN    = "arn:aws:states:eu-central-1:123456789012:execution:goldsmith/Sources:0f1e2d3c"
)

var home = event.Home{Account: "123456789012", Region: "eu-central-1"}

var noon = time.Date(2026, 3, 22, 12, 0, 0, 0, time.UTC)

// aws is an EventBridge event around detail.
func aws(source, detailType, resource, detail string) string {
	return fmt.Sprintf(`{"version":"0","id":"bddcf1d6-0251-35a1-aab0-adc1fb47c11c","detail-type":%q,"source":%q,
		"account":"123456789012","time":"2026-03-22T12:00:00Z","region":"eu-central-1","resources":[%q],"detail":%s}`,
		detailType, source, resource, detail)
}

func tags(resource, kind, changed, tags string) string {
	return aws("aws.tag", "Tag Change on Resource", resource, fmt.Sprintf(
		`{"changed-tag-keys":[%s],"tags":{%s},"service":"ec2","resource-type":%q,"version":3}`, changed, tags, kind))
}

func instance(detail string) string {
	return aws("aws.ec2", "EC2 Instance State-change Notification", instanceARN, detail)
}

func image(detail string) string {
	return aws("aws.ec2", "EC2 AMI State Change", "arn:aws:ec2:eu-central-1::image/ami-0abcdef1234567890", detail)
}

func execution(detail string) string {
	return aws("aws.states", "Step Functions Execution Status Change", childARN, detail)
}

func TestDecode(t *testing.T) {
	tests := map[string]struct {
		raw  string
		want event.Event
	}{
		"schedule": {
			`{"goldsmith":"schedule","version":"1","plan":"nightly","time":"2026-03-22T12:00:00Z","schedule":"` +
				scheduleARN + `"}`,
			event.Scheduled{Plan: "nightly", Time: noon, Schedule: scheduleARN},
		},
		"schedule in another zone": {
			`{"goldsmith":"schedule","version":"1","plan":"nightly","time":"2026-03-22T13:00:00+01:00"}`,
			event.Scheduled{Plan: "nightly", Time: noon},
		},
		"run": {
			`{"goldsmith":"run","version":"1","plan":"nightly","source":"i-0a1b2c3d","by":"jo","at":"2026-03-22T12:00:00Z","id":"a_B-9"}`,
			event.RunNow{Plan: "nightly", Source: "i-0a1b2c3d", By: "jo", At: noon, ID: "a_B-9"},
		},
		"rollback": {
			`{"goldsmith":"rollback","version":"1","name":"web","to":"7","by":"ada","dry":true}`,
			event.Rollback{Name: "web", To: "7", By: "ada", Dry: true},
		},
		"handover": {
			`{"goldsmith":"handover","version":"1","name":"web","to":"i-0a1b2c3d","by":"ada","dry":true}`,
			event.Handover{Name: "web", To: "i-0a1b2c3d", By: "ada", Dry: true},
		},
		"adopt": {
			`{"goldsmith":"adopt","version":"1","images":["ami-0123456789abcdef0"],"by":"ada","dry":true}`,
			event.Adopt{Images: []string{"ami-0123456789abcdef0"}, By: "ada", Dry: true},
		},
		"exempt": {
			`{"goldsmith":"exempt","version":"1","source":"web","by":"ada","undo":true}`,
			event.Exempt{Source: "web", By: "ada", Undo: true},
		},
		"adopt all": {
			`{"goldsmith":"adopt","version":"1","all":true,"after":"ami-0123456789abcdef0"}`,
			event.Adopt{All: true, After: "ami-0123456789abcdef0"},
		},
		"shortest rollback": {`{"goldsmith":"rollback","version":"1","name":"web"}`, event.Rollback{Name: "web"}},
		"shortest run":      {`{"goldsmith":"run","version":"1","plan":"nightly"}`, event.RunNow{Plan: "nightly"}},
		"sweep":             {`{"goldsmith":"sweep","version":"1"}`, event.Sweep{}},
		"request on an instance": {
			tags(instanceARN, "instance", `"goldsmith:image"`, `"goldsmith:image":"nightly"`),
			event.Requested{
				ID: "i-0a1b2c3d4e5f60718", Kind: job.Instance, Value: "nightly", Version: 3,
				Region: "eu-central-1", Account: "123456789012", Time: noon,
			},
		},
		"request on a snapshot, with an empty value": {
			tags(snapshotARN, "snapshot", `"Name","goldsmith:image"`, `"goldsmith:image":""`),
			event.Requested{
				ID: "snap-0a1b2c3d4e5f60718", Kind: job.Snapshot, Version: 3,
				Region: "eu-central-1", Account: "123456789012", Time: noon,
			},
		},
		"our snapshot, never a request even if it bears one": {
			tags(snapshotARN, "snapshot", `"goldsmith:run","goldsmith:image"`,
				`"goldsmith:run":"r1","goldsmith:source":"i-0a1b2c3d","goldsmith:image":"now"`),
			event.SnapshotTagged{ID: "snap-0a1b2c3d4e5f60718", Source: "i-0a1b2c3d", Run: "r1"},
		},
		"instance stopped": {
			instance(`{"instance-id":"i-0a1b2c3d","state":"stopped"}`),
			event.InstanceChanged{ID: "i-0a1b2c3d", State: "stopped"},
		},
		"no version, as in EC2's sample": {
			strings.Replace(instance(`{"instance-id":"i-0a1b2c3d","state":"stopped"}`), `"version":"0",`, "", 1),
			event.InstanceChanged{ID: "i-0a1b2c3d", State: "stopped"},
		},
		"image failed": {
			image(`{"RequestId":"1","ImageId":"ami-0abcdef1234567890","State":"failed","ErrorMessage":"no"}`),
			event.ImageChanged{ID: "ami-0abcdef1234567890", State: "failed", Message: "no"},
		},
		"child execution": {
			execution(`{"executionArn":"` + childARN +
				`","stateMachineArn":"arn:aws:states:eu-central-1:123456789012:stateMachine:goldsmith/Sources","name":"0f1e2d3c","status":"ABORTED","stopDate":null}`),
			event.ExecutionEnded{
				ARN: childARN, Machine: "arn:aws:states:eu-central-1:123456789012:stateMachine:goldsmith/Sources",
				Name: "0f1e2d3c", Status: "ABORTED",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := event.Decode([]byte(test.raw), home)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeIgnores(t *testing.T) {
	tests := map[string]struct{ raw, why string }{
		"another source": {aws("aws.s3", "Object Created", "arn:aws:s3:::b", `{}`), `unknown event: source "aws.s3"`},
		"another type": {aws("aws.ec2", "EC2 Spot Instance Interruption Warning", instanceARN, `{}`),
			"unknown event"},
		"another version":  {strings.Replace(instance(`[]`), `"version":"0"`, `"version":"1"`, 1), `version "1"`},
		"another of ours":  {`{"goldsmith":"dance","version":"1"}`, `source "goldsmith", type "dance"`},
		"ours of tomorrow": {`{"goldsmith":"run","version":"2","plan":{"name":"nightly"}}`, `type "run", version "2"`},
		"request removed":  {tags(instanceARN, "instance", `"goldsmith:image"`, ``), "goldsmith:image was removed"},
		"another tag": {tags(instanceARN, "instance", `"Name"`, `"goldsmith:image":"now"`),
			"none of the changed tags"},
		"our own note": {tags(instanceARN, "instance", `"goldsmith:last-image"`,
			`"goldsmith:last-image":"ami-0a1b2c3d"`), "none of"},
		"run on an instance": {tags(instanceARN, "instance", `"goldsmith:run"`, `"goldsmith:run":"r1"`), "none of"},
		"run removed":        {tags(snapshotARN, "snapshot", `"goldsmith:run"`, ``), "goldsmith:run was removed"},
		"run without a source": {tags(snapshotARN, "snapshot", `"goldsmith:run"`,
			`"goldsmith:run":"r1","goldsmith:source":"web"`), "no source"},
		"another resource type": {tags("arn:aws:ec2:eu-central-1:1:volume/vol-01234567", "volume", `"goldsmith:image"`,
			`"goldsmith:image":"now"`), `"volume"`},
		"a volume's tag on a snapshot": {tags(snapshotARN, "snapshot", `"goldsmith:image"`, `"goldsmith:image":"no"`),
			"which asks for nothing"},
		"another account": {strings.ReplaceAll(tags(instanceARN, "instance", `"goldsmith:image"`,
			`"goldsmith:image":"now"`), "123456789012", "210987654321"),
			`it is of account "210987654321" and Region "eu-central-1", not of "123456789012" and "eu-central-1"`},
		"another Region": {strings.ReplaceAll(tags(instanceARN, "instance", `"goldsmith:image"`,
			`"goldsmith:image":"now"`), "eu-central-1", "eu-west-1"), `Region "eu-west-1"`},
		"no account": {strings.Replace(instance(`{"instance-id":"i-01234567","state":"stopped"}`),
			`"account":"123456789012",`, "", 1), `account ""`},
		"an instance elsewhere": {tags(strings.Replace(instanceARN, "123456789012", "210987654321", 1), "instance",
			`"goldsmith:image"`, `"goldsmith:image":"now"`), "of another account or Region than the event"},
		"execution started": {execution(`{"status":"RUNNING"}`), `"RUNNING"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := event.Decode([]byte(test.raw), home)
			if err != nil {
				t.Fatal(err)
			}
			ignored, ok := got.(event.Ignored)
			if !ok || !strings.Contains(ignored.Why, test.why) {
				t.Errorf("got %#v, want it ignored for %s", got, test.why)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	long := strings.Repeat("ü", 5000)
	tests := map[string]struct{ raw, want string }{
		"nothing":         {``, `event: input: want a JSON object, got ""`},
		"no JSON":         {`stop it`, `want a JSON object, got "stop it"`},
		"cut JSON":        {`{"source":`, `event: input: unexpected end of JSON input, in "{\"source\":"`},
		"an array":        {`[1]`, `want a JSON object, got "[1]"`},
		"null":            {`null`, `want a JSON object, got "null"`},
		"an empty object": {`{}`, `event: source: missing, and there is no goldsmith either`},
		"plan of a wrong type": {`{"goldsmith":"run","version":"1","plan":7}`,
			`goldsmith event "run": plan: want string, got number`},
		"version a number": {`{"goldsmith":"run","version":1,"plan":"nightly"}`,
			`event: version: want string, got number`},
		"a refresh without id": {aws("aws.autoscaling", "EC2 Auto Scaling Instance Refresh Failed", "arn:aws:autoscaling:x",
			`{"AutoScalingGroupName":"g"}`), `detail.InstanceRefreshId: missing`},
		"one without group": {aws("aws.autoscaling", "EC2 Auto Scaling Instance Refresh Failed", "arn:aws:autoscaling:x",
			`{"InstanceRefreshId":"r"}`), `detail.AutoScalingGroupName: missing`},
		"no version":       {`{"goldsmith":"run","plan":"nightly"}`, `goldsmith event "run": version: missing, want "1"`},
		"run without plan": {`{"goldsmith":"run","version":"1"}`, `goldsmith event "run": plan: missing`},
		"schedule without plan": {
			`{"goldsmith":"schedule","version":"1","time":"2026-03-22T12:00:00Z"}`, `goldsmith event "schedule": plan: missing`,
		},
		"plan with a space": {`{"goldsmith":"run","version":"1","plan":"night ly"}`,
			`plan: want 1 to 32 of a-z, 0-9 and "-", got "night ly"`},
		"long plan": {`{"goldsmith":"run","version":"1","plan":"` + long + `"}`, `..."`},
		"no time":   {`{"goldsmith":"schedule","version":"1","plan":"nightly"}`, `time: missing`},
		"placeholder left": {
			`{"goldsmith":"schedule","version":"1","plan":"nightly","time":"<aws.scheduler.scheduled-time>"}`,
			`time: want a time such as 2026-03-22T18:59:43Z, got "<aws.scheduler.scheduled-time>"`,
		},
		"schedule of another service": {
			`{"goldsmith":"schedule","version":"1","plan":"nightly","time":"2026-03-22T12:00:00Z","schedule":"arn:aws:events:r:1:rule/x"}`,
			`schedule: want an ARN of scheduler, got "arn:aws:events:r:1:rule/x"`,
		},
		"run of a volume": {`{"goldsmith":"run","version":"1","plan":"nightly","source":"vol-01234567"}`,
			`source: want i- or snap- and 8 or 17 hex digits, got "vol-01234567"`},
		"run at teatime": {`{"goldsmith":"run","version":"1","plan":"nightly","at":"teatime"}`, `at: want a time`},
		"adopt nothing":  {`{"goldsmith":"adopt","version":"1"}`, `images: missing, the ids of images, or all`},
		"exempt nothing": {`{"goldsmith":"exempt","version":"1","by":"ada"}`,
			`source: missing, the id or the name of the source that is down`},
		"exempt by none": {`{"goldsmith":"exempt","version":"1","source":"web"}`, `by: missing, who says so`},
		"adopt no image": {`{"goldsmith":"adopt","version":"1","images":["i-0123456789abcdef0"]}`,
			`images[0]: want ami- and 8 or 17 hex digits, got "i-0123456789abcdef0"`},
		"adopt all and some": {`{"goldsmith":"adopt","version":"1","all":true,"images":["ami-0123456789abcdef0"]}`,
			`images: want none, since all is true`},
		"adopt some after": {`{"goldsmith":"adopt","version":"1","after":"ami-0123456789abcdef0","images":["ami-0123456789abcdef0"]}`, `after: want it with all only`},
		"adopt all after web": {`{"goldsmith":"adopt","version":"1","all":true,"after":"web"}`,
			`after: want an image id (ami- and 8 or 17 hex digits), got "web"`},
		"adopt too many": {`{"goldsmith":"adopt","version":"1","images":["` + strings.Repeat(`","`, 100) + `"]}`,
			`images: want at most 100, got 101`},
		"handover of nothing": {`{"goldsmith":"handover","version":"1","to":"i-0a1b2c3d"}`,
			`name: missing, the name that is handed over`},
		"handover of a long name": {`{"goldsmith":"handover","version":"1","to":"i-0a1b2c3d","name":"` +
			strings.Repeat("x", 257) + `"}`, `name: want at most 256 characters`},
		"handover to nothing": {`{"goldsmith":"handover","version":"1","name":"web"}`,
			`to: missing, the id of the instance`},
		"handover to an image": {`{"goldsmith":"handover","version":"1","name":"web","to":"ami-0123456789abcdef0"}`,
			`to: want `},
		"rollback of nothing": {`{"goldsmith":"rollback","version":"1"}`, `name: missing, the name of the source`},
		"rollback of a long name": {`{"goldsmith":"rollback","version":"1","name":"` + strings.Repeat("x", 257) + `"}`,
			`name: want at most 256 characters`},
		"rollback to nowhere": {`{"goldsmith":"rollback","version":"1","name":"web","to":"yesterday"}`,
			`to: want an image id (ami- and 8 or 17 hex digits) or a launch template version such as 7, got "yesterday"`},
		"rollback to no version": {`{"goldsmith":"rollback","version":"1","name":"web","to":"0"}`, `to: want an image id`},
		"rollback to a bare number": {`{"goldsmith":"rollback","version":"1","name":"web","to":7}`,
			`to: want string, got number`},
		"odd id": {`{"goldsmith":"run","version":"1","plan":"nightly","id":"a:b"}`,
			`id: want at most 64 of A-Z, a-z, 0-9, "-" and "_", got "a:b"`},
		"no detail": {
			`{"source":"aws.tag","detail-type":"Tag Change on Resource","version":"0","account":"123456789012","region":"eu-central-1"}`, `event "Tag Change on Resource": detail: missing`,
		},
		"detail of a wrong type": {instance(`"stopped"`), `detail: want a JSON object, got "\"stopped\""`},
		"no instance": {instance(`{"state":"stopped"}`),
			`event "EC2 Instance State-change Notification": detail.instance-id: missing`},
		"instance a number": {instance(`{"instance-id":5,"state":"stopped"}`),
			`detail.instance-id: want string, got number`},
		"an image's id": {instance(`{"instance-id":"ami-01234567","state":"stopped"}`),
			`detail.instance-id: want i- and 8 or 17 hex digits, got "ami-01234567"`},
		"id too short":   {instance(`{"instance-id":"i-012345","state":"stopped"}`), `got "i-012345"`},
		"id not hex":     {instance(`{"instance-id":"i-0123456g","state":"stopped"}`), `got "i-0123456g"`},
		"id upper case":  {instance(`{"instance-id":"i-0123456A","state":"stopped"}`), `got "i-0123456A"`},
		"no state":       {instance(`{"instance-id":"i-01234567"}`), `detail.state: missing`},
		"no image":       {image(`{"State":"available"}`), `detail.ImageId: missing`},
		"no image state": {image(`{"ImageId":"ami-01234567"}`), `detail.State: missing`},
		"tag event of nothing": {
			strings.Replace(tags(instanceARN, "instance", `"goldsmith:image"`, `"goldsmith:image":"now"`),
				`["`+instanceARN+`"]`, `[]`, 1),
			`event "Tag Change on Resource": resources: want one ARN, got 0`,
		},
		"tag event of another service": {
			tags("arn:aws:rds:eu-central-1:1:db:x", "instance", `"goldsmith:image"`, `"goldsmith:image":"now"`),
			`resources[0]: want an ARN of ec2, got "arn:aws:rds:eu-central-1:1:db:x"`,
		},
		"tag event at odds with itself": {
			tags(snapshotARN, "instance", `"goldsmith:image"`, `"goldsmith:image":"now"`),
			`resources[0]: want an ARN of an instance`,
		},
		"tag event without ARN": {tags("i-01234567", "instance", `"goldsmith:image"`, `"goldsmith:image":"now"`),
			`resources[0]: want an ARN of ec2, got "i-01234567"`},
		"tag value a number": {tags(instanceARN, "instance", `"goldsmith:image"`, `"goldsmith:image":1`),
			`detail.tags: want string, got number`},
		"tag event without version": {
			strings.Replace(tags(instanceARN, "instance", `"goldsmith:image"`, `"goldsmith:image":"now"`), `,"version":3`, ``,
				1), `detail.version: missing`,
		},
		"tag event with half a version": {
			strings.Replace(tags(instanceARN, "instance", `"goldsmith:image"`, `"goldsmith:image":"now"`), `"version":3`,
				`"version":3.5`, 1),
			`detail.version: want int64, got number 3.5`,
		},
		"tag event without time": {
			strings.Replace(tags(instanceARN, "instance", `"goldsmith:image"`, `"goldsmith:image":"now"`),
				`"time":"2026-03-22T12:00:00Z",`, ``, 1), `time: missing`,
		},
		"execution of another service": {
			execution(`{"executionArn":"arn:aws:swf:r:1:x","status":"FAILED"}`),
			`detail.executionArn: want an ARN of states, got "arn:aws:swf:r:1:x"`,
		},
		"execution of no machine": {execution(`{"executionArn":"` + childARN + `","status":"FAILED"}`),
			`detail.stateMachineArn: missing`},
		"execution without name": {execution(`{"executionArn":"` + childARN + `","stateMachineArn":"m","status":"FAILED"}`),
			`detail.name: missing`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := event.Decode([]byte(test.raw), home)
			if err == nil {
				t.Fatalf("got %#v", got)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			checkReadable(t, err)
		})
	}
}

// What the command line sends is what trigger reads.
func TestRunNowRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := event.RunNow{
			Plan:   rapid.StringMatching(`[a-z0-9-]{1,32}`).Draw(t, "plan"),
			Source: rapid.StringMatching(`|(i|snap)-([0-9a-f]{8}|[0-9a-f]{17})`).Draw(t, "source"),
			By:     rapid.String().Draw(t, "by"),
			ID:     rapid.StringMatching(`[A-Za-z0-9_-]{0,64}`).Draw(t, "id"),
		}
		if seconds := rapid.Int64Range(0, 4e9).Draw(t, "at"); seconds > 0 {
			want.At = time.Unix(seconds, 0).UTC()
		}
		raw, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := event.Decode(raw, home)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(event.Event(want), got); diff != "" {
			t.Error(diff)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"goldsmith":"schedule","version":"1","plan":"nightly","time":"2026-03-22T12:00:00Z","schedule":"` +
		scheduleARN + `"}`))
	f.Add([]byte(`{"goldsmith":"run","version":"1","plan":"nightly","source":"i-0a1b2c3d","id":"x"}`))
	f.Add([]byte(tags(instanceARN, "instance", `"goldsmith:image"`, `"goldsmith:image":"nightly"`)))
	f.Add([]byte(tags(snapshotARN, "snapshot", `"goldsmith:run"`, `"goldsmith:run":"r1","goldsmith:source":"i-0a1b2c3d"`)))
	f.Add([]byte(instance(`{"instance-id":"i-0a1b2c3d","state":"stopped"}`)))
	f.Add([]byte(image(`{"ImageId":"ami-0abcdef1234567890","State":"failed","ErrorMessage":"no"}`)))
	f.Add([]byte(execution(`{"executionArn":"` + childARN +
		`","stateMachineArn":"m","name":"0f1e2d3c","status":"ABORTED"}`)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := event.Decode(raw, home)
		if (got == nil) == (err == nil) {
			t.Fatalf("both or neither: %#v, %v", got, err)
		}
		if err != nil {
			checkReadable(t, err)
		}
		if ignored, ok := got.(event.Ignored); ok && (ignored.Why == "" || len(ignored.Why) > 2000) {
			t.Errorf("why: %d bytes: %s", len(ignored.Why), ignored.Why)
		}
	})
}

func checkReadable(t *testing.T, err error) {
	t.Helper()
	if text := err.Error(); len(text) > 1500 || !utf8.ValidString(text) || strings.ContainsAny(text, "\n\x00") {
		t.Errorf("unreadable, %d bytes: %q", len(text), text)
	}
}
