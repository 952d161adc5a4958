package job_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// payload is what Step Functions carries from state to state at most.
const payload = 256 << 10

// TestRoundTrip fills every field, so that one which JSON loses is found the day it is added.
func TestRoundTrip(t *testing.T) {
	roundTrip[job.Job](t)
	roundTrip[job.Batch](t)
	roundTrip[job.Result](t)
}

func roundTrip[T any](t *testing.T) {
	t.Helper()
	var full, empty T
	fill(t, reflect.ValueOf(&full).Elem(), 1)
	for _, want := range []T{full, empty} {
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got T
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%T changes on its way through JSON (-was +is):\n%s", want, diff)
		}
	}
}

// fill gives v, and all it holds, values that are not zero and differ by place.
func fill(t *testing.T, v reflect.Value, n int) {
	t.Helper()
	switch target := v.Addr().Interface().(type) {
	case *time.Time:
		*target = time.Date(2026, 5, 1, 2, 0, n%60, 123456789, time.UTC)
		return
	case *plan.Limit:
		*target = plan.Limit{Percent: 20}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), n)
		fill(t, v.Index(1), n+1)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		fill(t, value, n)
		v.SetMapIndex(reflect.ValueOf("key"), value)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), n*3+i)
		}
	default:
		fillScalar(t, v, n)
	}
}

func fillScalar(t *testing.T, v reflect.Value, n int) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("<%s %d>", v.Type().Name(), n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Bool:
		v.SetBool(true)
	default:
		t.Fatalf("no value is known for a %s", v.Type())
	}
}

// States.Runtime, which no Catch catches, is what a Choice gets for a path that is not there.
func TestChoicesFindTheirFields(t *testing.T) {
	for field, document := range map[string]any{
		"back": job.Job{}, "tested": job.Job{}, "refreshing": job.Job{}, "boot": plan.Verify{}, "more": job.Batch{},
		"sources": job.Batch{},
	} {
		text, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), fmt.Sprintf("%q:", field)) {
			t.Errorf("an empty %T has no %s: %s", document, field, text)
		}
	}
}

// fiftyTags are as long as EC2 takes them: 127 and 256 characters, of four bytes each.
func fiftyTags() map[string]string {
	tags := map[string]string{}
	for i := range 50 {
		tags[fmt.Sprintf("%02d", i)+strings.Repeat("𝄞", plan.MaxTagKey-2)] = strings.Repeat("𝄞", plan.MaxTagValue)
	}
	return tags
}

// largeServer has as many interfaces as an instance may have (32, of p5.48xlarge), each with five security groups, and as
// many addresses as are kept of it.
func largeServer() *job.Server {
	s := &job.Server{Profile: strings.Repeat("p", 300), Key: strings.Repeat("𝄞", 255), Placement: strings.Repeat("𝄞", 255)}
	for n := range 32 {
		i := job.Interface{ID: "eni-0123456789abcdef0", Subnet: "subnet-0123456789abcdef0",
			Groups: slices.Repeat([]string{"sg-0123456789abcdef0"}, 5)}
		if n == 0 {
			i.Elastic = map[string]string{}
			for address := range job.MaxAddresses {
				private := fmt.Sprint("255.255.255.", 100+address)
				i.Private = append(i.Private, private)
				i.Elastic[private] = "255.255.255.255"
			}
		}
		s.Interfaces = append(s.Interfaces, i)
	}
	return s
}

// TestJobFits bounds a job that has been through everything, with what a plan
// may add at most and both failures as long as Step Functions lets a cause be.
func TestJobFits(t *testing.T) {
	var j job.Job
	fill(t, reflect.ValueOf(&j).Elem(), 1)
	j.Source.Tags = fiftyTags()
	j.Plan.Image.Tags = nil
	for range 40 {
		j.Source.Volumes = append(j.Source.Volumes, "vol-0123456789abcdef0")
		j.Image.Snapshots = append(j.Image.Snapshots, "snap-0123456789abcdef0")
	}
	j.Source.Server = largeServer()
	j.Carry(manyRolled())
	for range job.MaxRefreshes + 1 {
		j.Refreshes = append(j.Refreshes, job.Refresh{
			Group: strings.Repeat("g", 255), ID: "c613620e-07e2-4ed2-a9e2-ef8258911ade", Status: "RollbackSuccessful",
			From: strings.Repeat("f", 140), To: strings.Repeat("t", 140), Note: strings.Repeat("n", 300),
			Problem: strings.Repeat("p", 600),
		})
	}
	j.Failure = &job.Failure{Error: "Failed", Cause: strings.Repeat("c", 32_768)}
	j.Comeback = &job.Failure{Error: "Failed", Cause: strings.Repeat("c", 32_768)}
	// What watch is sent beside the job: a token has at most 2,048 characters.
	text, err := json.Marshal(map[string]any{"job": j, "for": job.ForSnapshots, "token": strings.Repeat("t", 2048)})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", len(text))
	if len(text) > payload {
		t.Errorf("a job has %d bytes with its token, Step Functions carries %d", len(text), payload)
	}
}

func TestJobWithOrdinaryTagsIsSmall(t *testing.T) {
	tags := map[string]string{}
	for i := range 50 {
		tags[fmt.Sprintf("%02d", i)+strings.Repeat("k", plan.MaxTagKey-2)] = strings.Repeat("v", plan.MaxTagValue)
	}
	text, err := json.Marshal(job.Job{Plan: plan.Default(), Source: job.Source{Tags: tags}})
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 30<<10 {
		t.Errorf("a job with fifty long tags has %d bytes, its comment says some 30 KiB", len(text))
	}
}

// TestPageFits bounds a full page, with every note a source can have, under a
// plan with all tags it may have.
func TestPageFits(t *testing.T) {
	p := job.Batch{Plan: plan.Default()}
	fill(t, reflect.ValueOf(&p.Run).Elem(), 1)
	p.Plan.Image.Tags = map[string]string{}
	for i := range plan.MaxTags {
		p.Plan.Image.Tags[fmt.Sprintf("%02d", i)+strings.Repeat("k", plan.MaxTagKey-2)] = strings.Repeat("v",
			plan.MaxTagValue)
	}
	for i := range job.PageSize {
		p.Sources = append(p.Sources, job.Source{
			ID: fmt.Sprintf("i-%017x", i), Kind: job.Instance,
			Notes: []job.ReasonCode{job.InstanceStoreData, job.AddressChanges, job.SlowVolume, job.OneTimeSpot},
		})
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", len(text))
	if len(text) > payload*3/4 {
		t.Errorf("a page has %d bytes, Step Functions carries %d, and a failure and a longer plan must fit beside it",
			len(text), payload)
	}
}

func TestProblem(t *testing.T) {
	for name, c := range map[string]struct {
		failure *job.Failure
		want    string
	}{
		"no failure": {nil, ""},
		"a Lambda's": {&job.Failure{Error: "Failed",
			Cause: `{"errorMessage":"starting i-1: no. Look.","errorType":"Failed"}`}, "starting i-1: no. Look."},
		"a Lambda that crashed": {&job.Failure{Error: "Runtime.ExitError",
			Cause: `{"errorMessage":"RequestId: 1 Error: Runtime exited","errorType":"Runtime.ExitError"}`},
			"RequestId: 1 Error: Runtime exited"},
		"a timeout": {&job.Failure{Error: "States.Timeout"}, "States.Timeout"},
		"Step Functions' own": {&job.Failure{Error: "States.DataLimitExceeded", Cause: "The state/task returned a result"},
			"States.DataLimitExceeded: The state/task returned a result"},
		"JSON of another kind": {&job.Failure{Error: "E", Cause: `{"message":"m"}`}, `E: {"message":"m"}`},
		"a JSON string":        {&job.Failure{Error: "E", Cause: `"errorMessage"`}, `E: "errorMessage"`},
		"an empty message":     {&job.Failure{Error: "E", Cause: `{"errorMessage":""}`}, `E: {"errorMessage":""}`},
	} {
		if got := c.failure.Problem(); got != c.want {
			t.Errorf("%s reads %q, want %q", name, got, c.want)
		}
	}
}

func TestDowntime(t *testing.T) {
	at := time.Date(2026, 5, 1, 2, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		times job.Times
		want  time.Duration
	}{
		"never stopped": {job.Times{Running: at}, 0},
		"still down":    {job.Times{StopSent: at}, 0},
		"stopped and up": {job.Times{StopSent: at, Stopped: at.Add(time.Minute), Running: at.Add(90 * time.Second)},
			90 * time.Second},
	} {
		if got := c.times.Downtime(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// A result has no field of its own but the problem: the rest comes from the job.
func TestResultOf(t *testing.T) {
	var j job.Job
	fill(t, reflect.ValueOf(&j).Elem(), 1)
	now := time.Date(2026, 5, 1, 3, 0, 0, 0, time.UTC)
	got := j.ResultOf(job.Broken, now)
	want := job.Result{
		Run: j.Run.Name, Source: j.Source.ID, Kind: j.Source.Kind, Name: j.Source.Name, Plan: j.Run.Plan, Ending: job.Broken,
		Skip: j.Skip, Warnings: j.Warnings, Image: j.Image, Rolled: j.Rolled, Rest: j.Rest,
		Shared: &job.Sharing{Problem: j.Unshared.Problem(), Do: j.Unshared.Do()},
		Copies: j.Copies,
		Raw:    j.Raw, General: j.General,
		Refreshes: j.Refreshes, Refreshing: j.Refreshing, Times: j.Times, Gone: j.Gone, At: now,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	v := reflect.ValueOf(got)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() &&
			!slices.Contains([]string{"Problem", "Do", "Shows", "Restarted"}, name) {
			t.Errorf("%s is left out of the result", name)
		}
	}
}

func TestLogAttrs(t *testing.T) {
	run := job.Run{Name: "nightly-1", Plan: "nightly"}
	if got := fmt.Sprint(job.Job{Run: run,
		Source: job.Source{ID: "i-1"}}.LogAttrs()); got != "[run=nightly-1 plan=nightly source=i-1]" {
		t.Error(got)
	}
	if got := fmt.Sprint(job.Batch{Run: run}.LogAttrs()); got != "[run=nightly-1 plan=nightly]" {
		t.Error(got)
	}
}

// An image counts as available only if it has passed the test that its plan asks for.
func TestResultOfAnUntestedImage(t *testing.T) {
	for name, c := range map[string]struct {
		boot, tested bool
		state, want  string
	}{
		"no test asked for":              {false, false, "available", "available"},
		"tested":                         {true, true, "available", "available"},
		"not tested":                     {true, false, "available", job.Unproven},
		"failed before it could be":      {true, false, "pending", job.Unproven},
		"no image":                       {true, false, "", ""},
		"an image that failed by itself": {true, false, "failed", "failed"},
	} {
		j := job.Job{Plan: plan.Plan{Verify: plan.Verify{Boot: c.boot}}, Tested: c.tested, Image: job.Image{State: c.state}}
		if got := j.ResultOf(job.Broken, time.Time{}).Image.State; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestBoot(t *testing.T) {
	at := time.Date(2026, 5, 1, 2, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		times job.Times
		want  time.Duration
	}{
		"never launched":      {job.Times{}, 0},
		"launched, no more":   {job.Times{TestSent: at}, 0},
		"launched and booted": {job.Times{TestSent: at, Booted: at.Add(130 * time.Second)}, 130 * time.Second},
	} {
		if got := c.times.Boot(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestFew(t *testing.T) {
	for want, names := range map[string][]string{
		"": nil, "a": {"a"}, "a, b": {"a", "b"}, "a, b and 1 more": {"a", "b", "c"},
		"a, b and 3 more": {"a", "b", "c", "d", "e"},
	} {
		if got := job.Few(names, 2); got != want {
			t.Errorf("%q: %q, want %q", names, got, want)
		}
	}
}
