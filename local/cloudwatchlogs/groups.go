// Package cloudwatchlogs is the embedded CloudWatch Logs, as far as it keeps what functions log and finds it again.
package cloudwatchlogs

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"goldsmith/local/awsjson"
	"goldsmith/local/clock"
	"goldsmith/local/query"
)

// Options set a service up. All are required but Log.
type Options struct {
	Clock           *clock.Clock
	Region, Account string
	Log             *query.Log
}

// Groups are the log groups of an account and Region. They are safe for concurrent use.
type Groups struct {
	options Options
	service *awsjson.Service

	mu     sync.Mutex
	groups map[string]*group
}

// group is a log group with one stream.
type group struct {
	made   time.Time
	events []event
	logged int
}

// event is one line.
type event struct {
	number int
	at     time.Time
	text   string
}

// kept is how many events a group keeps, the newest: a long night must not fill the memory.
const kept = 10_000

// New is an account without log groups.
func New(o Options) *Groups {
	g := &Groups{options: o, groups: map[string]*group{}}
	g.service = &awsjson.Service{Name: "logs", Target: "Logs_20140328", Clock: o.Clock, Log: o.Log,
		Operations: map[string]awsjson.Operation{
			"DescribeLogGroups": awsjson.Op(g.describe,
				func(in describeInput) []string { return []string{in.LogGroupNamePrefix} }),
			"FilterLogEvents": awsjson.Op(g.filter, func(in filterInput) []string { return []string{in.LogGroupName} }),
		}}
	return g
}

// ServeHTTP answers one call.
func (g *Groups) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.service.ServeHTTP(w, r) }

// Writer makes a log group, each line of which is what was written at once.
func (g *Groups) Writer(name string) io.Writer {
	g.mu.Lock()
	defer g.mu.Unlock()
	made := &group{made: g.options.Clock.Now()}
	g.groups[name] = made
	return writer{g, made}
}

type writer struct {
	all  *Groups
	into *group
}

// Write logs one event.
func (w writer) Write(line []byte) (int, error) {
	w.all.mu.Lock()
	defer w.all.mu.Unlock()
	w.into.logged++
	e := event{number: w.into.logged, at: w.all.options.Clock.Now(), text: string(bytes.TrimSuffix(line, []byte("\n")))}
	w.into.events = append(w.into.events, e)
	if len(w.into.events) > 2*kept {
		w.into.events = slices.Clone(w.into.events[kept:])
	}
	return len(line), nil
}

type describeInput struct {
	LogGroupNamePrefix, LogGroupNamePattern, NextToken string
	Limit                                              *int
}

type describeOutput struct {
	LogGroups []describedGroup `json:"logGroups"`
	NextToken string           `json:"nextToken,omitempty"`
}

type describedGroup struct {
	ARN          string `json:"arn"`
	LogGroupARN  string `json:"logGroupArn"`
	Name         string `json:"logGroupName"`
	Class        string `json:"logGroupClass"`
	CreationTime int64  `json:"creationTime"`
}

// mostGroups is how many groups a page has at most, and by default (API reference, DescribeLogGroups).
const mostGroups = 50

// describe lists groups in the order of their names.
func (g *Groups) describe(in describeInput) (out describeOutput, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	most, err := in.check()
	if err != nil {
		return out, err
	}
	out.LogGroups = []describedGroup{}
	for _, name := range g.names() {
		if !strings.HasPrefix(name, in.LogGroupNamePrefix) || name <= in.NextToken ||
			!strings.Contains(name, in.LogGroupNamePattern) {
			continue
		}
		if len(out.LogGroups) == most {
			out.NextToken = out.LogGroups[most-1].Name
			break
		}
		arn := fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s", g.options.Region, g.options.Account, name)
		out.LogGroups = append(out.LogGroups, describedGroup{
			ARN: arn + ":*", LogGroupARN: arn, Name: name, Class: "STANDARD", CreationTime: g.groups[name].made.UnixMilli(),
		})
	}
	return out, nil
}

// check refuses what CloudWatch Logs refuses, and says how many groups a page has.
func (in describeInput) check() (most int, err error) {
	most = mostGroups
	if in.Limit != nil {
		most = *in.Limit
	}
	switch {
	case most < 1 || most > mostGroups:
		return 0, awsjson.Errorf("InvalidParameterException",
			"1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
				"Member must have value between 1 and %d", most, mostGroups)
	case in.LogGroupNamePrefix != "" && in.LogGroupNamePattern != "":
		return 0, awsjson.Errorf("InvalidParameterException",
			"LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	return most, nil
}

func (g *Groups) names() (names []string) {
	for name := range g.groups {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
