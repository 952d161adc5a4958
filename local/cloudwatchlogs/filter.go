package cloudwatchlogs

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"goldsmith/local/awsjson"
)

type filterInput struct {
	LogGroupName, FilterPattern, NextToken string
	StartTime, EndTime                     *int64
	Limit                                  *int
}

type filterOutput struct {
	Events             []filteredEvent `json:"events"`
	SearchedLogStreams []string        `json:"searchedLogStreams"`
	NextToken          string          `json:"nextToken,omitempty"`
}

type filteredEvent struct {
	EventID       string `json:"eventId"`
	IngestionTime int64  `json:"ingestionTime"`
	LogStreamName string `json:"logStreamName"`
	Message       string `json:"message"`
	Timestamp     int64  `json:"timestamp"`
}

const (
	// mostEvents is how many events a page has at most (API reference, FilterLogEvents).
	mostEvents = 10_000
	// searched is how many events one page looks through here: pages may be partly full, or empty, and not the last.
	searched = 1_000
)

// filter finds the events of a group that are of a time and match a pattern.
func (g *Groups) filter(in filterInput) (out filterOutput, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	matches, err := in.check()
	if err != nil {
		return out, err
	}
	found, ok := g.groups[in.LogGroupName]
	if !ok {
		return out, awsjson.Errorf("ResourceNotFoundException", "The specified log group does not exist.")
	}
	after, err := number(in.NextToken)
	if err != nil {
		return out, err
	}
	out.Events, out.SearchedLogStreams = []filteredEvent{}, []string{}
	looked := 0
	for _, e := range found.events {
		at := e.at.UnixMilli()
		switch {
		case e.number <= after, in.StartTime != nil && at < *in.StartTime, in.EndTime != nil && at > *in.EndTime:
			continue
		case looked == searched, len(out.Events) == in.most():
			out.NextToken = strconv.Itoa(e.number - 1)
			return out, nil
		}
		looked++
		if matches(e.text) {
			out.Events = append(out.Events, filteredEvent{
				EventID: fmt.Sprintf("%056d", e.number), IngestionTime: at, LogStreamName: "embedded", Message: e.text,
				Timestamp: at,
			})
		}
	}
	return out, nil
}

func (in filterInput) most() int {
	if in.Limit == nil {
		return mostEvents
	}
	return *in.Limit
}

// check refuses what CloudWatch Logs refuses, and reads the pattern.
func (in filterInput) check() (matches func(string) bool, err error) {
	switch {
	case in.LogGroupName == "":
		return nil, awsjson.Required("logGroupName")
	case in.most() < 1 || in.most() > mostEvents:
		return nil, awsjson.Errorf("InvalidParameterException",
			"1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
				"Member must have value between 1 and %d", in.most(), mostEvents)
	case in.StartTime != nil && in.EndTime != nil && *in.StartTime > *in.EndTime:
		return nil, awsjson.Errorf("InvalidParameterException", "The end time must not be before the start time.")
	}
	return pattern(in.FilterPattern)
}

func number(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(token)
	if err != nil {
		return 0, awsjson.Errorf("InvalidParameterException", "The specified nextToken is invalid.")
	}
	return n, nil
}

// equality is one condition of a JSON pattern on a member that is a string (User Guide, "Filter pattern syntax").
var equality = regexp.MustCompile(`^\(?\s*\$\.([a-zA-Z0-9_]+)\s*=\s*"((?:[^"\\]|\\.)*)"\s*\)?$`)

// pattern reads a pattern: none, or equalities of members of a JSON text, of which one holds. Others are not modelled.
func pattern(text string) (func(string) bool, error) {
	if text == "" {
		return func(string) bool { return true }, nil
	}
	inner, ok := strings.CutPrefix(text, "{")
	inner, ends := strings.CutSuffix(inner, "}")
	if !ok || !ends {
		return nil, awsjson.Errorf("InvalidParameterException",
			"Invalid filter pattern: %s (only JSON patterns are modelled)", text)
	}
	wanted := map[string][]string{}
	for _, one := range strings.Split(inner, "||") {
		parts := equality.FindStringSubmatch(strings.TrimSpace(one))
		if parts == nil {
			return nil, awsjson.Errorf("InvalidParameterException", "Invalid filter pattern: %s", text)
		}
		wanted[parts[1]] = append(wanted[parts[1]], strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(parts[2]))
	}
	return func(line string) bool {
		var members map[string]any
		if json.Unmarshal([]byte(line), &members) != nil {
			return false
		}
		for name, values := range wanted {
			for _, v := range values {
				if members[name] == v {
					return true
				}
			}
		}
		return false
	}, nil
}
