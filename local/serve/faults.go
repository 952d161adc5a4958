package serve

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	world "goldsmith/local/ec2"
	"goldsmith/local/eventbridge"
	"goldsmith/local/slack"
	"goldsmith/local/stack"
)

// Fault is something that goes wrong on the served AWS, as a person asks for it:
// NAME[,for=DURATION][,on=ID][,chance=P].
type Fault struct {
	name   string
	lasts  time.Duration // on the embedded AWS's clock; 0 for ever
	on     string        // the resource it is about; empty for all
	chance float64       // 0 for always
}

// kindOfFault is a fault by its name: what people read about it, and how it is injected.
type kindOfFault struct {
	help string
	ec2  []world.Fault
	// events and slack are set when the fault is theirs.
	events, slack bool
}

var faults = map[string]kindOfFault{
	"capacity": {help: "EC2 has no capacity: starts and launches fail", ec2: []world.Fault{
		{Action: "StartInstances", Code: "InsufficientInstanceCapacity"},
		{Action: "RunInstances", Code: "InsufficientInstanceCapacity"},
	}},
	"stuck-stop": {help: "a stopped instance hangs in stopping until it is forced",
		ec2: []world.Fault{{Action: "StopInstances", Stuck: true}}},
	"wedged-stop": {help: "a stopped instance hangs in stopping, forced or not",
		ec2: []world.Fault{{Action: "StopInstances", Wedged: true}}},
	"failed-start": {help: "a start answers pending and the instance falls back to stopped",
		ec2: []world.Fault{{Action: "StartInstances", StartReason: "Server.InternalError"}}},
	"failed-image": {help: "images end failed", ec2: []world.Fault{{Action: "CreateImage", ImageState: "failed"}}},
	"failed-boot": {help: "what is launched fails its instance status check",
		ec2: []world.Fault{{Action: "RunInstances", Impaired: true}}},
	"throttled":   {help: "EC2 answers one call a second and throttles the rest", ec2: []world.Fault{{PerSecond: 1}}},
	"lost-events": {help: "no event reaches its rule", events: true},
	"slack-down":  {help: "Slack answers 503", slack: true},
}

// FaultsHelp is what a person can ask for, a line each.
func FaultsHelp() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		fmt.Fprintf(&b, "  %-13s %s\n", name, faults[name].help)
	}
	return b.String()
}

// ParseFault reads NAME[,for=DURATION][,on=ID][,chance=P].
func ParseFault(text string) (Fault, error) {
	name, rest, _ := strings.Cut(text, ",")
	f := Fault{name: name}
	known, ok := faults[name]
	if !ok {
		return f, fmt.Errorf("fault %q: no fault is called %q; there are %s", text, name,
			strings.Join(slices.Sorted(maps.Keys(faults)), ", "))
	}
	said := map[string]bool{}
	for part := range strings.SplitSeq(rest, ",") {
		if part == "" {
			continue
		}
		key, _, _ := strings.Cut(part, "=")
		if said[key] {
			return f, fmt.Errorf("fault %q: %s= is given twice; --fault may be given again for another", text, key)
		}
		said[key] = true
		if err := f.read(part); err != nil {
			return f, fmt.Errorf("fault %q: %w", text, err)
		}
	}
	if f.on != "" && len(known.ec2) == 0 {
		return f, fmt.Errorf("fault %q: %s is not about one resource", text, name)
	}
	return f, nil
}

func (f *Fault) read(part string) (err error) {
	key, value, _ := strings.Cut(part, "=")
	switch key {
	case "for":
		if f.lasts, err = time.ParseDuration(value); err == nil && f.lasts <= 0 {
			err = fmt.Errorf("%s is no time to last", value)
		}
	case "on":
		if f.on = value; value == "" {
			err = fmt.Errorf("on= needs the id of a resource")
		}
	case "chance":
		if f.chance, err = strconv.ParseFloat(value, 64); err == nil && !(f.chance > 0 && f.chance <= 1) {
			err = fmt.Errorf("%s is no chance between 0 and 1", value)
		}
	default:
		err = fmt.Errorf("%q is none of for=, on= and chance=", part)
	}
	return err
}

// until is when a fault ends that begins now; zero for never.
func (f Fault) until(now time.Time) time.Time {
	if f.lasts == 0 {
		return time.Time{}
	}
	return now.Add(f.lasts)
}

// events are the bus's faults among all.
func events(all []Fault, now time.Time) map[string]eventbridge.Faults {
	for _, f := range all {
		if faults[f.name].events {
			loss := f.chance
			if loss == 0 {
				loss = 1
			}
			return map[string]eventbridge.Faults{"": {Loss: loss, Until: f.until(now)}}
		}
	}
	return nil
}

// inject puts the other faults in place.
func inject(s *stack.Stack, all []Fault, now time.Time) {
	for _, f := range all {
		if faults[f.name].slack {
			s.Slack.Fail(slack.Failure{Status: 503, Code: "service_unavailable"}, f.until(now))
		}
		for _, each := range faults[f.name].ec2 {
			each.Resource, each.Chance, each.Until = f.on, f.chance, f.until(now)
			s.EC2.Inject(each)
		}
	}
}
