package prove_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/cmd/goldsmith/prove"
	"goldsmith/local/account"
	"goldsmith/local/clock"
	"goldsmith/local/query"
	"goldsmith/shared/awsclient"
	"goldsmith/shared/command"
)

const (
	region = "eu-central-1"
	owner  = "123456789012"
)

// scene is an account with nothing in it, and a folder for the journal.
type scene struct {
	*testing.T
	account *account.Account
	calls   query.Log
	// front is what stands before the account; nil for nothing.
	front func(http.Handler) http.Handler
	dir   string
	ids   int
}

func (s *scene) newID() string {
	s.ids++
	return fmt.Sprintf("abc%d", s.ids)
}

func play(t *testing.T, story func(s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{T: t, dir: filepath.Join(t.TempDir(), "prove")}
		s.account = account.New(account.Options{Clock: clock.Real(), Seed: 1, ID: owner, Region: region, Log: &s.calls})
		t.Cleanup(s.account.Close)
		// As where the suite is deployed.
		s.must(s.account.Parameters.Document(command.Document,
			[]byte(`{"schemaVersion":"2.2","parameters":{"commands":{},"executionTimeout":{}}}`)))
		story(s)
	})
}

func (s *scene) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *scene) aws() aws.Config {
	var h http.Handler = s.account
	if s.front != nil {
		h = s.front(h)
	}
	return aws.Config{
		Region: region, Credentials: credentials.NewStaticCredentialsProvider("AKIAEMBEDDED", "embedded", ""),
		BaseEndpoint: aws.String("http://aws.local"), HTTPClient: query.Client(h),
		Retryer: func() aws.Retryer { return awsclient.Retryer() },
	}
}

func (s *scene) open(only ...string) *prove.Session {
	s.Helper()
	session, err := prove.Open(s.Context(), prove.Options{
		AWS: s.aws(), Dir: s.dir, Only: only, NewID: s.newID, Now: time.Now,
	})
	s.must(err)
	return session
}

// On an account that behaves as assumed every probe says so, and nothing stays behind.
func TestEveryAssumptionHolds(t *testing.T) {
	play(t, func(s *scene) {
		before := s.there()
		report, err := s.open().Prove(s.Context(), func(f prove.Finding) {
			if f.Verdict != prove.Held {
				s.Errorf("%s %s: %s %v", f.Key, f.Verdict, f.Says, f.Calls)
			}
		})
		s.must(err)
		if held := report.Count(prove.Held); held != len(prove.Keys()) {
			s.Errorf("%d held", held)
		}
		s.same(before)
	})
}

// there is all of the account that may be made, by kind; what has ended is not.
func (s *scene) there() map[string][]string {
	s.Helper()
	cfg, all := s.aws(), map[string][]string{}
	cloud := ec2.NewFromConfig(cfg)
	instances, err := cloud.DescribeInstances(s.Context(), &ec2.DescribeInstancesInput{})
	s.must(err)
	for _, r := range instances.Reservations {
		for _, i := range r.Instances {
			if i.State.Name != "terminated" {
				all["instances"] = append(all["instances"], *i.InstanceId)
			}
		}
	}
	found, err := cloud.DescribeImages(s.Context(), &ec2.DescribeImagesInput{Owners: []string{"self"}})
	s.must(err)
	for _, i := range found.Images {
		all["images"] = append(all["images"], *i.ImageId)
	}
	snapshots, err := cloud.DescribeSnapshots(s.Context(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	s.must(err)
	for _, i := range snapshots.Snapshots {
		all["snapshots"] = append(all["snapshots"], *i.SnapshotId)
	}
	volumes, err := cloud.DescribeVolumes(s.Context(), &ec2.DescribeVolumesInput{})
	s.must(err)
	for _, i := range volumes.Volumes {
		all["volumes"] = append(all["volumes"], *i.VolumeId)
	}
	templates, err := cloud.DescribeLaunchTemplates(s.Context(), &ec2.DescribeLaunchTemplatesInput{})
	s.must(err)
	for _, i := range templates.LaunchTemplates {
		all["templates"] = append(all["templates"], *i.LaunchTemplateName)
	}
	groups, err := autoscaling.NewFromConfig(cfg).DescribeAutoScalingGroups(s.Context(),
		&autoscaling.DescribeAutoScalingGroupsInput{})
	s.must(err)
	for _, i := range groups.AutoScalingGroups {
		all["groups"] = append(all["groups"], *i.AutoScalingGroupName)
	}
	parameters, err := ssm.NewFromConfig(cfg).DescribeParameters(s.Context(), &ssm.DescribeParametersInput{})
	s.must(err)
	for _, i := range parameters.Parameters {
		all["parameters"] = append(all["parameters"], *i.Name)
	}
	return all
}

func (s *scene) same(before map[string][]string) {
	s.Helper()
	if after := s.there(); !reflect.DeepEqual(before, after) {
		s.Errorf("left in the account: %v", after)
	}
}

// A person who ends it finds nothing left, and goes on later with what was not tried.
func TestInterrupted(t *testing.T) {
	play(t, func(s *scene) {
		before := s.there()
		ctx, interrupt := context.WithCancel(s.Context())
		told := 0
		report, err := s.open().Prove(ctx, func(f prove.Finding) {
			if told++; f.Key == "stop-reason" {
				interrupt()
			}
		})
		s.must(err)
		s.same(before)
		untried := len(prove.Keys()) - told
		if report.Count(prove.Untried) != untried || untried < 10 {
			s.Errorf("told %d, untried %d", told, report.Count(prove.Untried))
		}
		again := s.open()
		if !again.Resumed || again.Left || report.Left != "" {
			s.Errorf("begun again: resumed %t, left %t: %s", again.Resumed, again.Left, report.Left)
		}
		calls := s.calls.Len()
		report, err = again.Prove(s.Context(), func(prove.Finding) {})
		s.must(err)
		if report.Count(prove.Held) != len(prove.Keys()) {
			s.Errorf("%d held", report.Count(prove.Held))
		}
		if slices.ContainsFunc(s.calls.Since(calls), func(c query.Record) bool { return c.Action == "ExitStandby" }) {
			s.Error("what was tried before was tried again")
		}
		if s.open().Resumed {
			s.Error("a run that has ended is gone on with")
		}
	})
}

// What a run made is found without its journal, and what others copied of it is left alone.
func TestWithoutItsJournal(t *testing.T) {
	play(t, func(s *scene) {
		before := s.there()
		cloud := ec2.NewFromConfig(s.aws())
		ctx, dies := context.WithCancel(s.Context())
		k := &killed{left: 1 << 20, dies: dies}
		s.front = func(next http.Handler) http.Handler {
			k.next = next
			return k
		}
		var copied string
		_, err := s.open().Prove(ctx, func(f prove.Finding) {
			if f.Key != "left-out" {
				return
			}
			images, err := cloud.DescribeImages(s.Context(), &ec2.DescribeImagesInput{Owners: []string{"self"}})
			s.must(err)
			out, err := cloud.CopyImage(s.Context(), &ec2.CopyImageInput{
				SourceImageId: images.Images[0].ImageId, SourceRegion: aws.String(region), Name: aws.String("theirs"),
				CopyImageTags: aws.Bool(true),
			})
			s.must(err)
			copied = *out.ImageId
			k.left = 0
		})
		if err == nil || copied == "" {
			s.Fatalf("it was not cut off: %v", err)
		}
		s.front = nil
		dies()
		s.must(os.RemoveAll(s.dir))
		runs, err := s.open().Runs(s.Context())
		s.must(err)
		if !slices.Equal(runs, []string{"prove-abc1"}) {
			s.Errorf("runs that left something: %v", runs)
		}
		session, err := prove.Open(s.Context(), prove.Options{AWS: s.aws(), Dir: s.dir, Run: runs[0], NewID: s.newID,
			Now: time.Now})
		s.must(err)
		strange, err := session.Clean(s.Context())
		s.must(err)
		if !slices.ContainsFunc(strange, func(text string) bool { return text == "image "+copied }) {
			s.Errorf("left alone: %v, not %s", strange, copied)
		}
		if _, err := cloud.DeregisterImage(s.Context(), &ec2.DeregisterImageInput{
			ImageId: aws.String(copied), DeleteAssociatedSnapshots: aws.Bool(true)}); err != nil {
			s.Error(err)
		}
		s.same(before)
	})
}
