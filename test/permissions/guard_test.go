package permissions

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	embedded "goldsmith/local/account"
	"goldsmith/local/query"
	"goldsmith/local/s3"
	"goldsmith/local/stack"
)

// guard is IAM: it stands before the embedded AWS, decides on every call of a function
// by its role, and remembers what it allowed and what not.
type guard struct {
	policies map[string]Policy
	scene    Scene
	next     http.Handler

	mu       sync.Mutex
	allowed  map[string]map[string]Request // by role, then by the request's text
	denied   []string
	problems []string
}

func newGuard(policies map[string]Policy) *guard {
	return &guard{policies: policies, allowed: map[string]map[string]Request{}}
}

// before is suite.Options.Guard.
func (g *guard) before(s *stack.Stack) http.Handler {
	g.next = s
	g.scene = Scene{
		Account: here,
		Tags: func(id string) map[string]string {
			for _, there := range s.Beside {
				if tags := there.EC2.Tags(id); len(tags) > 0 {
					return tags
				}
			}
			return s.EC2.Tags(id)
		},
		// Secrets Manager ends an ARN with six characters of its own.
		Secret: func(name string) string { return here.ARN("secretsmanager", "secret:"+name+"-a1B2c3") },
	}
	return g
}

// ServeHTTP lets a call through if the caller's role allows it. People may do anything.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	caller, _, _ := strings.Cut(r.Header.Get(query.CallerHeader), "/")
	if caller == "" {
		g.next.ServeHTTP(w, r)
		return
	}
	call, err := read(r)
	if err != nil {
		g.problem("%s: %v", caller, err)
		return
	}
	call.Region = regionOf(r)
	if !g.admit(caller, call) {
		embedded.Deny(w, r)
		return
	}
	g.next.ServeHTTP(w, r)
}

// regionOf is the Region in the credential scope of a request's signature.
func regionOf(r *http.Request) string {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if parts := strings.Split(scope, "/"); len(parts) > 2 {
		return parts[2]
	}
	return here.Region
}

// versions tell the calls of other services that speak EC2's protocol from its own.
var versions = map[string]string{"2011-01-01": "autoscaling:", "2015-12-01": "elasticloadbalancing:",
	"2010-03-31": "sns:"}

// read reads a call and leaves the request as it was.
func read(r *http.Request) (Call, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return Call{}, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if name, ok := strings.CutPrefix(r.URL.Path, "/schedules/"); ok {
		return Call{Name: "scheduler:GetSchedule",
			Input: map[string]any{"path": r.URL.Query().Get("groupName") + "/" + name}}, nil
	}
	if call, ok := direct(r); ok {
		return call, nil
	}
	if _, service := embedded.SignedFor(r); service == "s3" {
		bucket, key := s3.Place(r)
		return Call{Name: "s3:" + s3.Operation(r), Input: map[string]any{"object": bucket + "/" + key}}, nil
	}
	target := r.Header.Get("X-Amz-Target")
	if target == "" {
		params, err := query.ParseForm(string(body))
		service := cmp.Or(versions[params.Text("Version")], "ec2:")
		return Call{Name: service + params.Text("Action"), Params: params}, err
	}
	protocol, action, _ := strings.Cut(target, ".")
	service := map[string]string{
		"AmazonSSM": "ssm", "secretsmanager": "secretsmanager", "AWSStepFunctions": "states", "DynamoDB_20120810": "dynamodb",
		"TrentService": "kms", "AWSEvents": "events", "ServiceQuotasV20190624": "servicequotas",
		"AWSOrganizationsV20161128": "organizations",
	}[protocol]
	call := Call{Name: service + ":" + action}
	return call, json.Unmarshal(body, &call.Input)
}

// admit decides on all requests of a call.
func (g *guard) admit(role string, call Call) bool {
	scene := g.scene
	scene.Region = call.Region
	requests, err := scene.Requests(call)
	if err != nil {
		g.problem("%s: %v", role, err)
		return false
	}
	return g.decide(role, append(requests, scene.OnBehalf(call, keys)...))
}

func (g *guard) decide(role string, requests []Request) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	admitted := true
	for _, r := range requests {
		if _, ok := g.policies[role].Allows(r); !ok {
			admitted = false
			g.denied = append(g.denied, role+": "+r.Action)
		}
	}
	if !admitted {
		return false
	}
	if g.allowed[role] == nil {
		g.allowed[role] = map[string]Request{}
	}
	for _, r := range requests {
		g.allowed[role][r.String()] = r
	}
	return true
}

func (g *guard) problem(format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.problems = append(g.problems, fmt.Sprintf(format, args...))
}

// refusals are what was denied, each once.
func (g *guard) refusals() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	slices.Sort(g.denied)
	return slices.Compact(slices.Clone(g.denied))
}

// refuse answers as EC2 and the JSON services do without permission.
