package eventbus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"goldsmith/events"
	"goldsmith/local/clock"
	"goldsmith/local/eventbridge"
	"goldsmith/local/query"
	"goldsmith/shared/awsclient"
	"goldsmith/shared/eventbus"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/report"
	"goldsmith/shared/settings"
)

const account, region = "123456789012", "eu-central-1"

var scheduled = time.Date(2026, 5, 1, 2, 30, 0, 0, time.UTC)

// scene is the embedded event bus, and the channel that sends to it.
type scene struct {
	bus   *eventbridge.Bus
	calls query.Log
	eventbus.Bus
}

func begin(t *testing.T) *scene {
	t.Helper()
	s := &scene{}
	var err error
	s.bus, err = eventbridge.New(eventbridge.Options{Clock: clock.Real(), Region: region, Account: account,
		Invoke: func(context.Context, string, []byte) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.bus.Close)
	s.Bus = eventbus.Wire(settings.Settings{
		AWS: aws.Config{
			Region: region, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
			BaseEndpoint: aws.String("http://aws.local"), HTTPClient: query.Client(s.bus.Events(&s.calls)),
			Retryer: func() aws.Retryer { return awsclient.Retryer() },
		},
		Ledger: ledger.NewMemory(), Now: time.Now,
	})
	return s
}

func (s *scene) sent() (all []string) {
	for _, e := range s.bus.Sent() {
		all = append(all, e.DetailType)
	}
	return all
}

// night is the report of a run with so many images.
func night(images int) report.Report {
	var results []job.Result
	for i := range images {
		results = append(results, job.Result{
			Run: "nightly-1", Source: fmt.Sprintf("i-%017x", i), Kind: job.Instance, Name: fmt.Sprint("web-", i),
			Ending: job.Imaged, Image: job.Image{ID: fmt.Sprintf("ami-%017x", i), State: "available"},
		})
	}
	return report.Of(ledger.Run{
		Name: "nightly-1", Plan: "nightly", Scheduled: scheduled, Started: scheduled, Ended: scheduled.Add(time.Hour),
		Execution: "arn:aws:states:eu-central-1:123456789012:execution:goldsmith:nightly-1",
	}, results, plan.Plan{Name: "nightly"})
}

// Each image has one event and the run one, ten to a call.
func TestOneEventForEachImage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t)
		if sent, err := s.Report(t.Context(), night(25)); err != nil || !sent {
			t.Fatal(sent, err)
		}
		seen := map[string]int{}
		for _, e := range s.bus.Sent() {
			seen[strings.Join(e.Resources, " ")]++
		}
		if len(seen) != 26 || seen["arn:aws:ec2:eu-central-1::image/ami-00000000000000007"] != 1 {
			t.Errorf("sent %v", seen)
		}
		if calls := s.calls.Len(); calls != 3 {
			t.Errorf("%d calls", calls)
		}
	})
}

// An image that has not passed its checks is none, and a run whose people want to hear nothing is told all the same.
func TestWhatIsNoGoldenImage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t)
		r := report.Of(ledger.Run{Name: "n", Plan: "nightly", Scheduled: scheduled}, []job.Result{
			{Source: "i-1", Ending: job.Broken, Image: job.Image{ID: "ami-1", State: job.Unproven}},
			{Source: "i-2", Ending: job.Imaged, Image: job.Image{ID: "ami-2", State: job.Unproven}},
			{Source: "i-3", Ending: job.Skipped, Skip: &job.Reason{Code: job.Excluded}},
		}, plan.Plan{Name: "nightly", Notify: plan.Notify{On: []plan.Outcome{plan.Failed}}})
		if _, err := s.Report(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{eventbus.RunEnded}, s.sent()); diff != "" {
			t.Error(diff)
		}
	})
}

// What EventBridge does not take of a call is sent again, by this try or by the next one; what it took is not.
func TestEntriesThatFail(t *testing.T) {
	codes := []string{"", "ThrottlingException", "InternalFailure", "AccessDeniedException"}
	outer := t
	rapid.Check(t, func(t *rapid.T) { // Whose own T starts no bubble.
		n := rapid.IntRange(0, 24).Draw(t, "images")
		refusals := rapid.SliceOfN(rapid.SampledFrom(codes), 0, 40).Draw(t, "refusals")
		synctest.Test(outer, func(inner *testing.T) {
			s := begin(inner)
			s.bus.Refuse(refusals...)
			tries := 0
			for sent := false; !sent; tries++ {
				var err error
				if sent, err = s.Report(inner.Context(), night(n)); sent != (err == nil) {
					inner.Fatalf("sent: %v, %v", sent, err)
				}
				if tries > len(refusals) {
					inner.Fatal("it is never sent")
				}
			}
			seen := map[string]int{}
			for _, e := range s.bus.Sent() {
				seen[strings.Join(e.Resources, " ")]++
			}
			for resource, times := range seen {
				if times != 1 {
					inner.Errorf("%s has %d events", resource, times)
				}
			}
			if len(seen) != n+1 {
				inner.Errorf("%d events for %d images", len(seen), n)
			}
		})
	})
}

// A call that fails as a whole is an error that says so, and nothing is taken for sent.
func TestACallThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t)
		broken := s.Bus
		broken.Events = eventbus.Wire(settings.Settings{AWS: aws.Config{
			Region: region, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
			BaseEndpoint: aws.String("http://aws.local"), HTTPClient: query.Client(s.bus), // Scheduler, which has no PutEvents.
			Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		}, Now: time.Now}).Events
		sent, err := broken.Report(t.Context(), night(3))
		if sent || err == nil || !strings.Contains(err.Error(), "UnknownOperationException") {
			t.Errorf("sent: %v, %v", sent, err)
		}
		if _, err := s.Report(t.Context(), night(3)); err != nil || len(s.bus.Sent()) != 4 {
			t.Errorf("%v: %v", s.sent(), err)
		}
	})
}

func schemaOf(t testing.TB, name string) (*jsonschema.Schema, []byte) {
	t.Helper()
	sample, text, err := events.Sent(name)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(name, parsed); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return schema, sample
}

// Whoever clones images is told which of them are fit for that, and which is the source's own.
func TestAGeneralImage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t)
		own := job.Image{ID: "ami-00000000000000001", State: "available"}
		general := job.Image{ID: "ami-00000000000000002", State: "available", General: true}
		results := []job.Result{
			{Source: "i-1", Ending: job.Imaged, Image: general, Raw: &own, General: job.GeneralMade},
			{Source: "i-2", Ending: job.Imaged, Image: own, General: job.GeneralLeft},
		}
		if _, err := s.Report(t.Context(), report.Of(ledger.Run{Name: "nightly-1"}, results, plan.Plan{})); err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, e := range s.bus.Sent() {
			if e.DetailType == eventbus.ImageAvailable {
				var d eventbus.Image
				if err := json.Unmarshal([]byte(e.Detail), &d); err != nil {
					t.Fatal(err)
				}
				said = append(said, fmt.Sprint(d.Source.ID, " ", d.Image.ID, " ", d.Image.General, " ", d.Image.Own))
			}
		}
		want := []string{"i-1 ami-00000000000000002 true ami-00000000000000001", "i-2 ami-00000000000000001 false "}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Error(diff)
		}
	})
}

// names are the samples and schemas by the detail type they are of.
var names = map[string]string{
	eventbus.ImageAvailable: "golden-image-available", eventbus.RunEnded: "run-ended", eventbus.Noticed: "notice",
}

// The samples are events as their schemas have them, and hold nothing that the types do not.
func TestSamples(t *testing.T) {
	details := map[string]any{
		eventbus.ImageAvailable: &eventbus.Image{}, eventbus.RunEnded: &eventbus.Run{}, eventbus.Noticed: &eventbus.Notice{},
	}
	for detailType, name := range names {
		schema, sample := schemaOf(t, name)
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(sample))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Error(err)
		}
		var e struct {
			Type   string          `json:"detail-type"`
			Detail json.RawMessage `json:"detail"`
		}
		if err := json.Unmarshal(sample, &e); err != nil || e.Type != detailType {
			t.Errorf("%s is of %q: %v", name, e.Type, err)
		}
		d := json.NewDecoder(bytes.NewReader(e.Detail))
		d.DisallowUnknownFields()
		if err := d.Decode(details[detailType]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever is told, EventBridge takes it, and it is as its schema says.
func TestEventsAreAsTheirSchemasSay(t *testing.T) {
	schemas := map[string]*jsonschema.Schema{}
	for detailType, name := range names {
		schemas[detailType], _ = schemaOf(t, name)
	}
	outer := t
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.String()
		long := rapid.Map(rapid.IntRange(0, 70_000), func(n int) string { return strings.Repeat("ä", n) })
		run := ledger.Run{Name: text.Draw(r, "run"), Plan: text.Draw(r, "plan"), Scheduled: scheduled,
			Ended: scheduled, Problem: rapid.OneOf(text, long).Draw(r, "problem")}
		results := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) job.Result {
			return job.Result{
				Source: text.Draw(r, "source"), Name: text.Draw(r, "name"), Kind: rapid.SampledFrom([]job.Kind{
					job.Instance, job.Snapshot,
				}).Draw(r, "kind"),
				Ending:  rapid.SampledFrom([]job.Ending{job.Imaged, job.Broken, job.LeftStopped}).Draw(r, "ending"),
				Image:   job.Image{ID: rapid.StringMatching(`ami-[0-9a-f]{17}`).Draw(r, "image")},
				Problem: rapid.OneOf(text, long).Draw(r, "why"),
				Rolled:  []job.Rolled{{Target: text.Draw(r, "target"), To: "ami-1", Version: 3}},
			}
		}), 0, 12).Draw(r, "results")
		alert := report.Alert{Key: text.Draw(r, "key"), Title: text.Draw(r, "title"),
			Lines: rapid.SliceOf(rapid.OneOf(text, long)).Draw(r, "lines"), At: scheduled}
		synctest.Test(outer, func(t *testing.T) {
			s := begin(t)
			if _, err := s.Report(t.Context(), report.Of(run, results, plan.Plan{Name: "nightly"})); err != nil {
				t.Error(err)
			}
			if _, err := s.Alert(t.Context(), alert); err != nil {
				t.Error(err)
			}
			for _, e := range s.bus.Sent() {
				value, err := jsonschema.UnmarshalJSON(strings.NewReader(e.Detail))
				if err != nil {
					t.Fatal(err)
				}
				if err := schemas[e.DetailType].Validate(map[string]any{
					"source": e.Source, "detail-type": e.DetailType, "detail": value,
				}); err != nil {
					t.Error(err)
				}
			}
		})
	})
}
