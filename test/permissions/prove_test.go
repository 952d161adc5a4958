package permissions

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"goldsmith/cmd/goldsmith/prove"
	"goldsmith/infra/workflow"
	embedded "goldsmith/local/account"
	"goldsmith/local/clock"
	"goldsmith/local/query"
	"goldsmith/shared/awsclient"
	"goldsmith/shared/tag"
)

// provePolicy is what goldsmith prove --policy shows.
func provePolicy(t *testing.T) (all Policy) {
	t.Helper()
	var document struct {
		Statement []struct {
			Action, Resource []string
			Condition        Condition
		}
	}
	if err := json.Unmarshal([]byte(prove.Policy), &document); err != nil {
		t.Fatal(err)
	}
	for _, s := range document.Statement {
		all = append(all, Statement{s.Action, s.Resource, s.Condition})
	}
	return all
}

// proving are calls that goldsmith prove makes and no function.
var proving = map[string]func(Scene, Call) []Request{
	"ec2:DescribeSubnets":         nowhere,
	"ec2:DescribeTags":            nowhere,
	"ec2:ModifyInstanceAttribute": existing("InstanceId"),
	"ec2:DeleteLaunchTemplate":    existing("LaunchTemplateId"),
	"ec2:CreateLaunchTemplate": func(s Scene, c Call) []Request {
		given := requested(c.Params.List("TagSpecification")[0].List("Tag"))
		creating := requested(c.Params.List("TagSpecification")[0].List("Tag"))
		creating["ec2:CreateAction"] = []string{"CreateLaunchTemplate"}
		arn := s.ARN("ec2", "launch-template/*")
		return []Request{{c.Name, arn, given}, {"ec2:CreateTags", arn, creating}}
	},
	// A template in a group is checked as if the caller launched from it (Auto Scaling User Guide, "Launch template
	// support"), and the first group of an account makes Auto Scaling's role.
	"autoscaling:CreateAutoScalingGroup": func(s Scene, c Call) []Request {
		launched := map[string][]string{"ec2:LaunchTemplate": {s.resource(c.Params.Text("LaunchTemplate.LaunchTemplateId"))}}
		return append(refreshing(s, c),
			Request{"ec2:RunInstances", s.ARN("ec2", "instance/*"), launched},
			Request{"iam:CreateServiceLinkedRole",
				"arn:aws:iam::" + s.ID + ":role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
				map[string][]string{"iam:AWSServiceName": {"autoscaling.amazonaws.com"}}})
	},
	"autoscaling:DeleteAutoScalingGroup": refreshing,
	"ssm:DescribeParameters":             nowhere,
	"ssm:DeleteParameter":                named("Name", parameter),
}

// person is IAM before whoever runs goldsmith prove.
type person struct {
	*testing.T
	policy  Policy
	scene   Scene
	next    http.Handler
	used    map[string]bool // statements and actions
	refused []string
}

func (p *person) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, service := embedded.SignedFor(r); service == "sts" { // Everybody may ask who they are.
		p.next.ServeHTTP(w, r)
		return
	}
	call, err := read(r)
	if err != nil {
		p.Error(err)
	}
	call.Region = here.Region
	var requests []Request
	if of, is := proving[call.Name]; is {
		requests = of(p.scene, call)
	} else if requests, err = p.scene.Requests(call); err != nil {
		p.Error(err)
	}
	for _, each := range append(requests, p.behalf(call)...) {
		n, ok := p.policy.Allows(each)
		if !ok {
			p.refused = append(p.refused, each.String())
			embedded.Deny(w, r)
			return
		}
		for _, action := range p.policy[n].Actions {
			if strings.EqualFold(action, each.Action) {
				p.used[strconv.Itoa(n)+action] = true
			}
		}
	}
	p.next.ServeHTTP(w, r)
}

// behalf is what AWS does with the caller's permissions. Volumes are encrypted under AWS's own key, whose policy lets
// everybody use it through EC2, nothing is another account's, licensed or Spot, and no template has a profile or names
// a parameter.
func (p *person) behalf(c Call) (requests []Request) {
	for _, r := range p.scene.OnBehalf(c, Keys{}) {
		switch {
		case strings.HasPrefix(r.Action, "kms:"), r.Action == "iam:PassRole", c.Name == "ec2:RunInstances",
			c.Name == "ec2:StartInstances", c.Name == "autoscaling:StartInstanceRefresh" && len(r.Keys) == 0:
			continue
		case r.Action == "ec2:DeleteSnapshot":
			r.Keys = carried(map[string]string{tag.Run: "prove-abc123"})
		}
		requests = append(requests, r)
	}
	return requests
}

// Whoever is allowed what goldsmith prove --policy shows, and nothing else, tries everything and leaves nothing behind;
// and each action of it is used.
func TestProvePolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := embedded.New(embedded.Options{Clock: clock.Real(), Seed: 1, ID: here.ID, Region: here.Region})
		t.Cleanup(a.Close)
		// As where the suite is deployed.
		if err := a.Parameters.Document(workflow.Command, workflow.CommandDocument); err != nil {
			t.Fatal(err)
		}
		p := &person{T: t, policy: provePolicy(t), next: a, used: map[string]bool{}}
		p.scene = Scene{Account: here, Tags: a.EC2.Tags}
		session, err := prove.Open(t.Context(), prove.Options{
			AWS: aws.Config{
				Region: here.Region, Credentials: credentials.NewStaticCredentialsProvider("AKIAEMBEDDED", "embedded", ""),
				BaseEndpoint: aws.String("http://aws.local"), HTTPClient: query.Client(p),
				Retryer: func() aws.Retryer { return awsclient.Retryer() },
			},
			Dir: filepath.Join(t.TempDir(), "prove"), NewID: func() string { return "abc123" }, Now: time.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = session.Prove(t.Context(), func(f prove.Finding) {
			if f.Verdict != prove.Held {
				t.Errorf("%s %s: %s", f.Key, f.Verdict, f.Says)
			}
		})
		if err != nil {
			t.Error(err)
		}
		if _, err := session.Runs(t.Context()); err != nil {
			t.Error(err)
		}
		for _, r := range slices.Compact(p.refused) {
			t.Errorf("refused: %s", r)
		}
		for n, s := range p.policy {
			for _, action := range s.Actions {
				if !p.used[strconv.Itoa(n)+action] {
					t.Errorf("%s on %v is not used", action, s.Resources)
				}
			}
		}
	})
}
