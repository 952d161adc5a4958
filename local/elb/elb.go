// Package elb is the embedded Elastic Load Balancing as far as Auto Scaling uses it: target groups whose targets are
// instances. Auto Scaling registers and deregisters them; a test makes target groups, and has health checks fail.
package elb

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
)

// Options set a Service up. All are required but Log.
type Options struct {
	Clock           *clock.Clock
	EC2             *ec2.World
	Region, Account string
	Log             *query.Log
}

// Service is Elastic Load Balancing in one account and Region. It is safe for concurrent use.
type Service struct {
	options Options
	service *query.Service

	mu      sync.Mutex
	groups  map[string]*group
	failing map[string]bool
}

type group struct {
	delay   time.Duration
	targets map[string]*target
}

type target struct {
	registered time.Time
	// drained is when a target that was deregistered has no connection any more; zero for one that is registered.
	drained time.Time
}

// checking is how long a new target is initial: one health check, of which a target group makes one in 30 seconds by
// default (User Guide for Application Load Balancers, "Health checks for your target groups").
const checking = 30 * time.Second

// New is an account without target groups.
func New(o Options) *Service {
	s := &Service{options: o, groups: map[string]*group{}, failing: map[string]bool{}}
	s.service = &query.Service{
		Name: "elasticloadbalancing",
		Dialect: query.Dialect{
			Namespace: "http://elasticloadbalancing.amazonaws.com/doc/", Version: "2015-12-01", Member: true,
		},
		Clock: o.Clock, Log: o.Log, Serve: s.serve,
	}
	return s
}

// ServeHTTP answers one call.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.service.ServeHTTP(w, r) }

// actions is every action the embedded Elastic Load Balancing has.
var actions = map[string]func(*Service, *query.Call) error{"DescribeTargetHealth": describeTargetHealth}

func (s *Service) serve(call *query.Call) error {
	do, ok := actions[call.Action]
	if !ok {
		return query.ErrUnknownAction
	}
	return do(s, call)
}

// Add makes a target group with a load balancer and gives its ARN. A target that is deregistered drains for the delay.
func (s *Service) Add(name string, delay time.Duration) (arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	arn = "arn:aws:elasticloadbalancing:" + s.options.Region + ":" + s.options.Account + ":targetgroup/" + name +
		"/73e2d6bc24d8a067"
	s.groups[arn] = &group{delay: delay, targets: map[string]*target{}}
	return arn
}

// Fail has the health checks of an instance fail, or pass again.
func (s *Service) Fail(id string, fails bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing[id] = fails
}

// Has reports whether there is such a target group.
func (s *Service) Has(arn string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.groups[arn] != nil
}

// Register makes an instance a target.
func (s *Service) Register(arn, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[arn]; g != nil && (g.targets[id] == nil || !g.targets[id].drained.IsZero()) {
		g.targets[id] = &target{registered: s.options.Clock.Now()}
	}
}

// Deregister has a target drain.
func (s *Service) Deregister(arn, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[arn]; g != nil && g.targets[id] != nil && g.targets[id].drained.IsZero() {
		g.targets[id].drained = s.options.Clock.Now().Add(g.delay)
	}
}

// State is how a target is, in the words of the API reference, TargetHealth.
func (s *Service) State(arn, id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[arn]; g != nil {
		return s.health(g, id).state
	}
	return ""
}

// health is how a target is, and why it is not healthy.
type health struct{ state, reason, description string }

func (s *Service) health(g *group, id string) health {
	t, now := g.targets[id], s.options.Clock.Now()
	switch {
	case t == nil, !t.drained.IsZero() && !now.Before(t.drained):
		return health{"unused", "Target.NotRegistered", "Target is not registered to the target group"}
	case !t.drained.IsZero():
		return health{"draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"}
	case s.options.EC2.State(id) != ec2.Running:
		return health{"unused", "Target.InvalidState", "Target is in the stopped or terminated state"}
	case s.failing[id]:
		return health{"unhealthy", "Target.FailedHealthChecks", "Health checks failed"}
	case now.Sub(t.registered) < checking:
		return health{"initial", "Elb.InitialHealthChecking", "Initial health checks in progress"}
	case !s.options.EC2.Booted(id): // What it serves starts late in its boot.
		return health{"unhealthy", "Target.Timeout", "Request timed out"}
	default:
		return health{state: "healthy"}
	}
}

// port is the one of every target group here.
const port = 80

// describeTargetHealth answers for the targets that it names, or for all.
func describeTargetHealth(s *Service, call *query.Call) error {
	arn := call.Params.Text("TargetGroupArn")
	var ids []string
	for _, t := range call.Params.List("Targets") {
		ids = append(ids, t.Text("Id"))
	}
	call.Touch(ids...)
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.group(arn)
	if err != nil {
		return err
	}
	if err := call.Params.Unmodelled(); err != nil {
		return err
	}
	if len(ids) == 0 {
		ids = g.registered(s.options.Clock.Now())
	}
	query.Items(call.Out, "TargetHealthDescriptions", ids, func(id string) {
		is := s.health(g, id)
		call.Out.Element("Target", func() {
			call.Out.Text("Id", id)
			call.Out.Int("Port", port)
		})
		call.Out.Element("TargetHealth", func() {
			call.Out.Text("State", is.state)
			call.Out.Optional("Reason", is.reason)
			call.Out.Optional("Description", is.description)
		})
	})
	return nil
}

// group is the target group of an ARN. It is called with the lock held.
func (s *Service) group(arn string) (*group, error) {
	switch {
	case arn == "":
		return nil, query.Errorf("ValidationError",
			"1 validation error detected: Value null at 'targetGroupArn' failed to satisfy "+
				"constraint: Member must not be null")
	case !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":targetgroup/"):
		return nil, query.Errorf("ValidationError", "'%s' is not a valid target group ARN", arn)
	case s.groups[arn] == nil:
		return nil, query.Errorf("TargetGroupNotFound", "One or more target groups not found")
	}
	return s.groups[arn], nil
}

// registered are the targets of a group, those that drain among them.
func (g *group) registered(now time.Time) (ids []string) {
	for _, id := range slices.Sorted(maps.Keys(g.targets)) {
		if t := g.targets[id]; t.drained.IsZero() || now.Before(t.drained) {
			ids = append(ids, id)
		}
	}
	return ids
}
