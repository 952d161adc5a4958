// Package autoscaling is the embedded EC2 Auto Scaling: groups that keep their
// number of instances in the embedded EC2, standby, lifecycle hooks, target
// groups and instance refresh, behind Auto Scaling's own wire protocol. Not modelled: Classic Load Balancers, scaling
// policies, rebalancing of Availability Zones, joining from a warm pool and Spot shares.
package autoscaling

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
)

// Options set a Service up. Clock and EC2 are required.
type Options struct {
	Clock *clock.Clock
	EC2   *ec2.World
	// Targets are the target groups of load balancers. Default: there is none.
	Targets targetsAPI
	// Region and Account are those of EC2.
	Region  string
	Account string
	Log     *query.Log
	// Emit receives every event; it is called without locks.
	Emit func(source, detailType string, resources []string, detail any)
}

// targetsAPI are target groups of Elastic Load Balancing, known by their ARNs.
type targetsAPI interface {
	Has(arn string) bool
	Register(arn, id string)
	Deregister(arn, id string)
	// State is a target's, in the words of Elastic Load Balancing.
	State(arn, id string) string
}

// none are the target groups of an account that has none.
type none struct{}

func (none) Has(string) bool          { return false }
func (none) Register(_, _ string)     {}
func (none) Deregister(_, _ string)   {}
func (none) State(_, _ string) string { return "" }

// Service is Auto Scaling in one account and Region. It is safe for concurrent use.
type Service struct {
	options Options
	service *query.Service
	client  *sdk.Client
	ctx     context.Context
	cancel  context.CancelFunc

	mu     sync.Mutex
	groups map[string]*group
	// alarms are the account's CloudWatch alarms, and whether each has gone off.
	alarms map[string]bool
	// configurations are launch configurations: what else they say has no effect here.
	configurations map[string]configuration
	ids            int
	returns        Return
	outbox         []event
}

type event struct {
	detailType, arn string
	detail          map[string]string
}

// New is an account without groups.
func New(o Options) *Service {
	if o.Targets == nil {
		o.Targets = none{}
	}
	s := &Service{options: o, groups: map[string]*group{}, alarms: map[string]bool{},
		configurations: map[string]configuration{}, client: clientOf(o)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.service = &query.Service{
		Name:    "autoscaling",
		Dialect: query.Dialect{Namespace: "http://autoscaling.amazonaws.com/doc/", Version: "2011-01-01", Member: true},
		Clock:   o.Clock, Log: o.Log, Serve: s.serve,
	}
	return s
}

// Close stops looking after the groups.
func (s *Service) Close() {
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.groups {
		if g.timer != nil {
			g.timer.Stop()
		}
	}
}

// SetAlarm makes a CloudWatch alarm go off, or be quiet; it exists from then on.
func (s *Service) SetAlarm(name string, off bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alarms[name] = off
}

// ServeHTTP answers one Auto Scaling API call.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.service.ServeHTTP(w, r) }

// actions is every action the embedded Auto Scaling has.
var actions = map[string]func(*Service, *query.Call) error{
	"CreateAutoScalingGroup":       createGroup,
	"UpdateAutoScalingGroup":       updateGroup,
	"DeleteAutoScalingGroup":       deleteGroup,
	"DescribeAutoScalingGroups":    describeGroups,
	"DescribeAutoScalingInstances": describeInstances,
	"DescribeScalingActivities":    describeActivities,
	"CreateLaunchConfiguration":    createConfiguration,
	"DeleteLaunchConfiguration":    deleteConfiguration,
	"DescribeLaunchConfigurations": describeConfigurations,
	"SetInstanceProtection":        setInstanceProtection,
	"SetDesiredCapacity":           setDesiredCapacity,
	"PutLifecycleHook":             putLifecycleHook,
	"DescribeLifecycleHooks":       describeLifecycleHooks,
	"CompleteLifecycleAction":      completeLifecycleAction,
	"PutWarmPool":                  putWarmPool,
	"DescribeWarmPool":             describeWarmPool,
	"DeleteWarmPool":               deleteWarmPool,
	"EnterStandby":                 enterStandby,
	"ExitStandby":                  exitStandby,
	"SuspendProcesses":             suspendProcesses,
	"ResumeProcesses":              resumeProcesses,
	"StartInstanceRefresh":         startRefresh,
	"DescribeInstanceRefreshes":    describeRefreshes,
	"CancelInstanceRefresh":        cancelRefresh,
	"RollbackInstanceRefresh":      rollbackRefresh,
}

func (s *Service) serve(call *query.Call) error {
	do, ok := actions[call.Action]
	if !ok {
		return query.ErrUnknownAction
	}
	if name := call.Params.Text("AutoScalingGroupName"); name != "" {
		call.Touch(name)
	}
	defer s.send()
	if err := do(s, call); err != nil {
		return err
	}
	if !call.Committed() && !strings.HasPrefix(call.Action, "Describe") {
		return fmt.Errorf("the action %s has effects whatever its request holds", call.Action)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return query.Errorf("ValidationError", format, args...)
}

// group finds the call's group. It is called with the lock held.
func (s *Service) group(call *query.Call) (*group, error) {
	name := call.Params.Text("AutoScalingGroupName")
	if g, ok := s.groups[name]; ok {
		return g, nil
	}
	return nil, invalid("AutoScalingGroup name not found - no such group: %s", name)
}

// changed runs a change of the call's group under the lock and sees to the group soon after.
// plan reads the rest of the request and decides what to do, without doing it yet.
func (s *Service) changed(call *query.Call, plan func(*group) (do func(), err error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.group(call)
	if err != nil {
		return err
	}
	do, err := plan(g)
	if err != nil {
		return err
	}
	if err := call.Commit(); err != nil {
		return err
	}
	do()
	s.wake(g, promptly)
	return nil
}

// newID is an id in the form of a UUID. It is called with the lock held.
func (s *Service) newID() string {
	s.ids++
	return fmt.Sprintf("a5600000-0000-4000-8000-%012x", s.ids)
}

// emit is called with the lock held; send follows without it.
func (s *Service) emit(g *group, detailType string, detail map[string]string) {
	s.outbox = append(s.outbox, event{detailType, g.arn, detail})
}

func (s *Service) send() {
	s.mu.Lock()
	events := s.outbox
	s.outbox = nil
	s.mu.Unlock()
	if s.options.Emit == nil {
		return
	}
	for _, e := range events {
		s.options.Emit("aws.autoscaling", e.detailType, []string{e.arn}, e.detail)
	}
}

// page is one page of list, by MaxRecords and NextToken.
func page[T any](call *query.Call, list []T, most int) ([]T, string, error) {
	n := most
	if call.Params.Has("MaxRecords") {
		n = call.Params.Int("MaxRecords")
	}
	if n < 1 || n > 100 {
		return nil, "", invalid("1 validation error detected: Value '%d' at 'maxRecords' failed to satisfy constraint: "+
			"Member must have value between 1 and 100", n)
	}
	from := 0
	if token := call.Params.Text("NextToken"); token != "" {
		if _, err := fmt.Sscanf(token, "after-%d", &from); err != nil || from < 0 || from > len(list) {
			return nil, "", query.Errorf("InvalidNextToken", "Invalid Next Token")
		}
	}
	to := min(len(list), from+n)
	next := ""
	if to < len(list) {
		next = fmt.Sprintf("after-%d", to)
	}
	return list[from:to], next, nil
}

func has(list []string, value string) bool { return slices.Contains(list, value) }

// iso is how Auto Scaling writes times within sentences.
func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }
