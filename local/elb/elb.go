// Package elb is the embedded Elastic Load Balancing as far as Auto Scaling and Goldsmith use it: target groups, their
// targets and how these are. Auto Scaling registers and deregisters instances; a test makes target groups, and has
// health checks fail.
package elb

import (
	"cmp"
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

// Group is a target group as it is made.
type Group struct {
	Name string
	// Delay is how long a target drains that is deregistered.
	Delay time.Duration
	// Type is instance, ip, lambda or alb; instance if it is left out.
	Type string
	// Port is where its targets get requests unless they are registered with another; 80 if it is left out.
	Port int
	// VPC is the one of its targets; the account's default VPC if it is left out.
	VPC string
	// Unused is whether no load balancer uses it.
	Unused bool
}

type group struct {
	Group
	targets map[place]*target
}

// place is what a target is told from another one by: a target may be registered with several ports.
type place struct {
	id   string
	port int
}

type target struct {
	registered time.Time
	// drained is when a target that was deregistered has no connection any more; zero for one that is registered.
	drained time.Time
}

func (t *target) gone(now time.Time) bool {
	return t == nil || !t.drained.IsZero() && !now.Before(t.drained)
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
var actions = map[string]func(*Service, *query.Call) error{
	"DeregisterTargets":             deregisterTargets,
	"DescribeTargetGroupAttributes": describeAttributes,
	"DescribeTargetGroups":          describeGroups,
	"DescribeTargetHealth":          describeTargetHealth,
	"RegisterTargets":               registerTargets,
}

func (s *Service) serve(call *query.Call) error {
	do, ok := actions[call.Action]
	if !ok {
		return query.ErrUnknownAction
	}
	return do(s, call)
}

// Add makes a target group of instances with a load balancer and gives its ARN. A target that is deregistered drains
// for the delay.
func (s *Service) Add(name string, delay time.Duration) (arn string) {
	return s.AddGroup(Group{Name: name, Delay: delay})
}

// AddGroup makes a target group and gives its ARN.
func (s *Service) AddGroup(g Group) (arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.Type, g.Port = cmp.Or(g.Type, "instance"), cmp.Or(g.Port, 80)
	g.VPC = cmp.Or(g.VPC, ec2.DefaultVPC(s.options.Region, s.options.Account))
	arn = "arn:aws:elasticloadbalancing:" + s.options.Region + ":" + s.options.Account + ":targetgroup/" + g.Name +
		"/73e2d6bc24d8a067"
	s.groups[arn] = &group{Group: g, targets: map[place]*target{}}
	return arn
}

// Remove deletes a target group.
func (s *Service) Remove(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.groups, arn)
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

// Register makes something a target, with the port of the target group.
func (s *Service) Register(arn, id string) { s.RegisterAt(arn, id, 0) }

// RegisterAt makes something a target with a port of its own.
func (s *Service) RegisterAt(arn, id string, port int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[arn]; g != nil {
		g.register(g.place(id, port), s.options.Clock.Now())
	}
}

// Deregister has a target drain.
func (s *Service) Deregister(arn, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[arn]; g != nil {
		g.deregister(g.place(id, 0), s.options.Clock.Now())
	}
}

// State is how a target is, in the words of the API reference, TargetHealth.
func (s *Service) State(arn, id string) string { return s.StateAt(arn, id, 0) }

// StateAt is how a target with a port of its own is.
func (s *Service) StateAt(arn, id string, port int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[arn]; g != nil {
		return s.health(g, g.place(id, port)).state
	}
	return ""
}

func (g *group) place(id string, port int) place { return place{id, cmp.Or(port, g.Port)} }

// Target is one of a target group's.
type Target struct {
	Group, ID string
	Port      int
}

// Targets are all that are registered, in some order; those that drain are not.
func (s *Service) Targets() (all []Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for arn, g := range s.groups {
		for at, t := range g.targets {
			if t.drained.IsZero() {
				all = append(all, Target{arn, at.id, at.port})
			}
		}
	}
	return all
}

// register makes a target, or one of a target that drains. One that is there is left as it is.
func (g *group) register(at place, now time.Time) {
	if t := g.targets[at]; t == nil || !t.drained.IsZero() {
		g.targets[at] = &target{registered: now}
	}
}

func (g *group) deregister(at place, now time.Time) {
	if t := g.targets[at]; t != nil && t.drained.IsZero() {
		t.drained = now.Add(g.Delay)
	}
}

// health is how a target is, and why it is not healthy.
type health struct{ state, reason, description string }

func (s *Service) health(g *group, at place) health {
	t, now := g.targets[at], s.options.Clock.Now()
	switch {
	case t.gone(now):
		return health{"unused", "Target.NotRegistered", "Target is not registered to the target group"}
	case !t.drained.IsZero():
		return health{"draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"}
	case g.Unused:
		return health{"unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"}
	case g.Type != "instance":
		return health{state: "healthy"}
	default:
		return s.checked(at.id, now.Sub(t.registered))
	}
}

// checked is how the health checks of an instance come out that has been a target for so long.
func (s *Service) checked(id string, since time.Duration) health {
	switch {
	case s.options.EC2.State(id) != ec2.Running:
		return health{"unused", "Target.InvalidState", "Target is in the stopped or terminated state"}
	case s.failing[id]:
		return health{"unhealthy", "Target.FailedHealthChecks", "Health checks failed"}
	case since < checking:
		return health{"initial", "Elb.InitialHealthChecking", "Initial health checks in progress"}
	case !s.options.EC2.Booted(id): // What it serves starts late in its boot.
		return health{"unhealthy", "Target.Timeout", "Request timed out"}
	default:
		return health{state: "healthy"}
	}
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
func (g *group) registered(now time.Time) []place {
	all := slices.SortedFunc(maps.Keys(g.targets), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.port, b.port))
	})
	return slices.DeleteFunc(all, func(at place) bool { return g.targets[at].gone(now) })
}
