package command_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/golden"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/cmd/goldsmith/command"
	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/sfn"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
	"goldsmith/shared/planfile"
	"goldsmith/shared/tag"
	"goldsmith/shared/version"
)

// here is the line that answers begin with.
const here = "Account 123456789012, Region eu-central-1, Goldsmith " + version.Version + "\n"

// scene is a suite in fake time and a person at a terminal.
type scene struct {
	*testing.T
	suite *stack.Stack
	cloud *sdk.Client
	ids   map[string]string
	// unplugged makes the account's configuration fail.
	unplugged error
	// bare is an account that Goldsmith is not deployed in.
	bare bool
	// refused is the code by which the ledger refuses to be read; "" for not at all.
	refused string
	// unlisted is whether Scheduler refuses every call.
	unlisted bool
	// asked counts the runs that were asked for.
	asked int
	// answers is what the person types when asked.
	answers string
	// person is whether a person sits at the terminal.
	person bool
	// colors is what the terminal shows.
	colors bool
	// width is how many columns it has; 0 for a pipe.
	width int
}

// play plays a story in fake time: midnight, 1 January 2000.
func play(t *testing.T, story func(s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		plans, err := planfile.Load("testdata/plans.yaml", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		story(open(t, plans))
	})
}

func open(t *testing.T, plans plan.Plans, edits ...func(*stack.Options)) *scene {
	t.Helper()
	s := &scene{T: t, ids: map[string]string{}}
	var err error
	options := stack.Options{Clock: clock.Real(), Plans: plans, Seed: 1, Table: true}
	for _, edit := range edits {
		edit(&options)
	}
	if s.suite, err = stack.New(options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.must(s.suite.Close()) })
	s.cloud = sdk.NewFromConfig(s.suite.AWS())
	return s
}

func (s *scene) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// launch starts an instance of the plan nightly that runs.
func (s *scene) launch(name string, edits ...func(*sdk.RunInstancesInput)) string {
	s.Helper()
	one := aws.Int32(1)
	in := &sdk.RunInstancesInput{
		ImageId: aws.String(ec2.ImageX86), InstanceType: "t3.micro", MinCount: one, MaxCount: one,
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeInstance, Tags: tag.List(map[string]string{"Name": name, tag.Plan: "nightly"}),
		}},
	}
	for _, edit := range edits {
		edit(in)
	}
	out, err := s.cloud.RunInstances(s.Context(), in)
	s.must(err)
	id := aws.ToString(out.Instances[0].InstanceId)
	s.must(s.suite.EC2.SetState(id, ec2.Running))
	s.ids[name] = id
	return id
}

// template makes a launch template that wants web's image.
func (s *scene) template(name, kind string) {
	s.Helper()
	_, err := s.cloud.CreateLaunchTemplate(s.Context(), &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String(name),
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(ec2.ImageX86),
			InstanceType: types.InstanceType(kind)},
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeLaunchTemplate, Tags: tag.List(map[string]string{tag.Source: "web"}),
		}},
	})
	s.must(err)
}

func protected(in *sdk.RunInstancesInput) { in.DisableApiStop = aws.Bool(true) }

// said is what a command line printed, and its exit code.
type said struct {
	out, err string
	code     int
}

// types runs a command line.
func (s *scene) types(line ...string) said { return s.typesIn(s.Context(), line...) }

func (s *scene) typesIn(ctx context.Context, line ...string) said {
	var out, err bytes.Buffer
	p := command.Program{
		AWS: s.config, Colors: s.colors, Width: s.width, Interactive: s.person,
		Now: time.Now, In: strings.NewReader(s.answers), Out: &out, Err: &err, User: "jo", NewID: s.newID,
	}
	code := p.Run(ctx, line)
	return said{out.String(), err.String(), code}
}

// newID is abc123, then abc124.
func (s *scene) newID() string {
	s.asked++
	return fmt.Sprintf("abc%d", 122+s.asked)
}

func (s *scene) config(context.Context, command.Account) (aws.Config, error) {
	cfg := s.suite.AWS()
	if s.bare {
		cfg.HTTPClient = undeployed{cfg.HTTPClient}
	}
	if s.refused != "" {
		cfg.HTTPClient = refusing{cfg.HTTPClient, s.refused}
	}
	if s.unlisted {
		cfg.HTTPClient = unlisted{cfg.HTTPClient}
	}
	return cfg, s.unplugged
}

// refusing is an account whose DynamoDB refuses every call.
type refusing struct {
	aws.HTTPClient
	code string
}

func (r refusing) Do(q *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(q.Header.Get("X-Amz-Target"), "DynamoDB") {
		return r.HTTPClient.Do(q)
	}
	return &http.Response{
		StatusCode: http.StatusBadRequest, Request: q, Header: http.Header{"X-Amzn-Errortype": {r.code}},
		Body: io.NopCloser(strings.NewReader(`{"message":"no"}`)),
	}, nil
}

// undeployed is an account whose Lambda knows no function.
type undeployed struct{ aws.HTTPClient }

func (u undeployed) Do(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "/functions/") {
		r.URL.Path = "/2015-03-31/functions/none/configuration"
		r.URL.RawPath, r.Method, r.Body = "", http.MethodGet, http.NoBody
	}
	return u.HTTPClient.Do(r)
}

// golden holds what was said against a file; -update writes it.
func (s *scene) golden(name string, got said, code int) {
	s.Helper()
	compare(s.T, name, got, code)
}

func compare(t *testing.T, name string, got said, code int) {
	t.Helper()
	if got.code != code {
		t.Errorf("exit code %d, want %d", got.code, code)
	}
	text := got.out
	if got.err != "" {
		text += "--- standard error ---\n" + got.err
	}
	golden.Assert(t, text, name+".txt")
}

// changes are the calls that a person made and that change something.
func (s *scene) changes() (found []string) {
	for _, c := range s.suite.Calls.Since(0) {
		if c.Caller == "" && !strings.HasPrefix(c.Action, "Describe") && !strings.HasPrefix(c.Action, "Get") &&
			!strings.HasPrefix(c.Action, "List") && c.Action != "Query" {
			found = append(found, c.Action)
		}
	}
	return found
}

// all are the executions of the state machine.
func all(s *scene) sfn.Filter { return sfn.Filter{Machine: s.suite.Machine} }
