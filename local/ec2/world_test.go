package ec2_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
)

// rig is a World, the real client in front of it and the events that came out.
type rig struct {
	*sdk.Client
	t     *testing.T
	world *ec2.World
	log   *query.Log

	mu     sync.Mutex
	events []sent
}

type sent struct {
	source, kind string
	resources    []string
	detail       map[string]any
}

func (s sent) text(key string) string { text, _ := s.detail[key].(string); return text }

// inWorld runs a test on fake time.
func inWorld(t *testing.T, options ec2.Options, test func(*testing.T, *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newRig(t, options)) })
}

func newRig(t *testing.T, options ec2.Options) *rig {
	t.Helper()
	r := &rig{t: t, log: &query.Log{}}
	options.Clock, options.Log, options.Emit = clock.Real(), r.log, r.record
	if options.Seed == 0 {
		options.Seed = 7
	}
	r.world = ec2.New(options)
	r.Client = sdk.New(sdk.Options{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String("http://embedded.invalid"),
		Credentials:  credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
		HTTPClient:   query.Client(r.world),
		Retryer:      aws.NopRetryer{},
	})
	return r
}

func (r *rig) record(source, kind string, resources []string, detail any) {
	raw, err := json.Marshal(detail)
	if err != nil {
		panic(err)
	}
	e := sent{source: source, kind: kind, resources: resources}
	if err := json.Unmarshal(raw, &e.detail); err != nil {
		panic(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// heard are the events of a kind so far.
func (r *rig) heard(kind string) []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []sent
	for _, e := range r.events {
		if e.kind == kind {
			found = append(found, e)
		}
	}
	return found
}

// settle lets everything happen that takes less than a day.
func (r *rig) settle() {
	time.Sleep(24 * time.Hour)
	synctest.Wait()
}

func (r *rig) run(edit ...func(*sdk.RunInstancesInput)) types.Instance {
	r.t.Helper()
	in := &sdk.RunInstancesInput{ImageId: aws.String(ec2.ImageX86), InstanceType: types.InstanceTypeT3Micro,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}
	for _, e := range edit {
		e(in)
	}
	out, err := r.RunInstances(r.t.Context(), in)
	if err != nil {
		r.t.Fatal(err)
	}
	return out.Instances[0]
}

// running is an instance that is up.
func (r *rig) running(edit ...func(*sdk.RunInstancesInput)) string {
	r.t.Helper()
	id := aws.ToString(r.run(edit...).InstanceId)
	if err := r.world.SetState(id, ec2.Running); err != nil {
		r.t.Fatal(err)
	}
	return id
}

func (r *rig) instance(id string) types.Instance {
	r.t.Helper()
	out, err := r.DescribeInstances(r.t.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		r.t.Fatal(err)
	}
	return out.Reservations[0].Instances[0]
}

func (r *rig) image(id string) types.Image {
	r.t.Helper()
	out, err := r.DescribeImages(r.t.Context(), &sdk.DescribeImagesInput{ImageIds: []string{id}})
	if err != nil {
		r.t.Fatal(err)
	}
	if len(out.Images) == 0 {
		return types.Image{}
	}
	return out.Images[0]
}

// snapshots are those that a filter finds.
func (r *rig) snapshots(filter types.Filter) []types.Snapshot {
	r.t.Helper()
	out, err := r.DescribeSnapshots(r.t.Context(),
		&sdk.DescribeSnapshotsInput{OwnerIds: []string{"self"}, Filters: []types.Filter{filter}})
	if err != nil {
		r.t.Fatal(err)
	}
	return out.Snapshots
}

func (r *rig) createImage(instanceID, name string, edit ...func(*sdk.CreateImageInput)) string {
	r.t.Helper()
	in := &sdk.CreateImageInput{InstanceId: &instanceID, Name: &name, NoReboot: aws.Bool(true)}
	for _, e := range edit {
		e(in)
	}
	out, err := r.CreateImage(r.t.Context(), in)
	if err != nil {
		r.t.Fatal(err)
	}
	return aws.ToString(out.ImageId)
}

// code is the API error code of an error, "" for none, and the error itself for a foreign one.
func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func (r *rig) wantCode(want string, err error) {
	r.t.Helper()
	if got := code(err); got != want {
		r.t.Errorf("got error %q (%v), want %q", got, err, want)
	}
}

// wantError holds a code with its words.
func (r *rig) wantError(code, message string, err error) {
	r.t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || api.ErrorMessage() != message {
		r.t.Errorf("got %v, want %s: %s", err, code, message)
	}
}

func tagsOf(tags []types.Tag) map[string]string {
	m := map[string]string{}
	for _, t := range tags {
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return m
}

// spec tags a kind of resource; pairs are keys and values in turn.
func spec(kind types.ResourceType, pairs ...string) types.TagSpecification {
	s := types.TagSpecification{ResourceType: kind}
	for pair := range slices.Chunk(pairs, 2) {
		s.Tags = append(s.Tags, types.Tag{Key: &pair[0], Value: aws.String(strings.Join(pair[1:], ""))})
	}
	return s
}

// same holds that two values are equal.
func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: wanted (-) and got (+) differ:\n%s", what, diff)
	}
}

func filterBy(name string, values ...string) types.Filter {
	return types.Filter{Name: &name, Values: values}
}
