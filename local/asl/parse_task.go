package asl

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"goldsmith/local/draw"
)

// The resources a Task may name: the lambda:invoke integration, or the ARN of a
// Lambda function. Partitions are aws, aws-cn, aws-us-gov and the like.
var (
	invokeARN = regexp.MustCompile(`^arn:aws[a-z-]*:states:::(lambda:invoke(\.waitForTaskToken)?)$`)
	lambdaARN = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9$_-]+)?$`)
)

func readTask(f fields, s *State) {
	s.Resource = f.required("Resource")
	invoke := invokeARN.FindStringSubmatch(s.Resource)
	s.optimal = invoke != nil
	switch {
	case s.optimal:
		s.WaitForToken = invoke[2] != ""
		readInvocation(f, s)
	case lambdaARN.MatchString(s.Resource):
		s.Function = s.Resource
	default:
		f.bad("resource %q is not implemented", s.Resource)
	}
	s.Timeout, s.Heartbeat = f.amount("TimeoutSeconds", 1), f.amount("HeartbeatSeconds", 1)
	if s.Heartbeat.Fixed > 0 && s.Timeout.Fixed > 0 && s.Heartbeat.Fixed >= s.Timeout.Fixed {
		f.bad("HeartbeatSeconds must be smaller than TimeoutSeconds")
	}
	f.worker(s, scopeState)
}

// readInvocation reads the Parameters of the lambda:invoke integration, of
// which FunctionName (fixed) and Payload are implemented.
func readInvocation(f fields, s *State) {
	raw, ok := f.take("Parameters")
	if !ok {
		f.bad("Parameters is missing")
		return
	}
	parameters := readFields(f.where+", Parameters", raw, f.problems)
	s.Function = parameters.required("FunctionName")
	_, fixed := parameters.raw["Payload"]
	_, dynamic := parameters.raw["Payload.$"]
	if fixed == dynamic {
		parameters.bad("needs either Payload or Payload.$")
		return
	}
	payload := map[string]json.RawMessage{}
	for name, value := range parameters.raw {
		if name == "Payload" || name == "Payload.$" {
			payload[name] = value
		}
	}
	in := scopeState
	if s.WaitForToken {
		in = scopeToken
	}
	text, err := json.Marshal(payload)
	if err != nil {
		parameters.bad("%v", err)
		return
	}
	t, err := compileTemplate(text, in)
	if err != nil {
		parameters.bad("%v", err)
		return
	}
	s.payload = t.object["Payload"]
	delete(parameters.raw, "Payload")
	delete(parameters.raw, "Payload.$")
	parameters.done("lambda:invoke")
}

// itemSource says what a Map hands to its iterations, and how many at once.
type itemSource struct {
	path        *path
	selector    *template
	concurrency Amount
}

// The most iterations Step Functions runs at once.
const (
	maxInline      = 40
	maxDistributed = 10_000
)

// tolerance of a distributed Map; an absent limit is -1.
type tolerance struct {
	percentage float64
	count      int64
}

// exceeded judges failed of total items. Percentage defaults to 0, so that any
// failure fails the Map, unless a count is given.
func (t tolerance) exceeded(failed, total int) bool {
	if t.count >= 0 && int64(failed) > t.count {
		return true
	}
	percentage := t.percentage
	if percentage < 0 {
		if t.count >= 0 {
			return false
		}
		percentage = 0
	}
	return float64(failed)*100 > percentage*float64(total)
}

func readMap(f fields, s *State) {
	legacy, both := f.raw["Parameters"], f.raw["ItemSelector"]
	if legacy != nil && both != nil {
		f.bad("Parameters and ItemSelector exclude each other")
	}
	if legacy != nil {
		f.raw["ItemSelector"] = legacy
		delete(f.raw, "Parameters")
	}
	s.items = &itemSource{path: f.reference("ItemsPath"), selector: f.template("ItemSelector", scopeItem)}
	s.items.concurrency = f.amount("MaxConcurrency", 0)
	readProcessor(f, s)
	if s.Distributed {
		s.Label = readLabel(f, s)
		s.limit = tolerance{
			percentage: f.number("ToleratedFailurePercentage", -1, 0),
			count:      f.whole("ToleratedFailureCount", -1, 0, maxSeconds),
		}
		if s.limit.percentage > 100 {
			f.bad("ToleratedFailurePercentage must be at most 100")
		}
	}
	f.worker(s, scopeState)
}

func readProcessor(f fields, s *State) {
	raw, ok := f.take("ItemProcessor")
	if !ok {
		f.bad("ItemProcessor is missing")
		return
	}
	processor := readFields(f.where+", ItemProcessor", raw, f.problems)
	s.Processor = &Machine{Comment: processor.text("Comment")}
	if raw, ok := processor.take("ProcessorConfig"); ok {
		s.Distributed = readConfig(readFields(f.where+", ProcessorConfig", raw, f.problems))
	}
	readScope(processor, s.Processor)
	processor.done("ItemProcessor")
}

func readConfig(f fields) (distributed bool) {
	mode := f.text("Mode")
	switch mode {
	case "DISTRIBUTED":
		if t := f.required("ExecutionType"); t != "STANDARD" {
			f.bad("ExecutionType %q is not implemented", t)
		}
	case "", "INLINE":
	default:
		f.bad("Mode %q is not implemented", mode)
	}
	f.done("ProcessorConfig")
	return mode == "DISTRIBUTED"
}

const labelForbidden = "?*<>{}[]:;,\\|^~$#%&`\" \t\n"

// readLabel: AWS makes up a label when none is given; here it is derived from
// the state's name, so that ARNs do not change between runs.
func readLabel(f fields, s *State) string {
	label := f.text("Label")
	if label == "" {
		return fmt.Sprintf("%016x", draw.Of(0, "label", s.Name).Number())
	}
	if len(label) > 40 || strings.ContainsAny(label, labelForbidden) {
		f.bad("Label %q has more than 40 characters or one that is not allowed", label)
	}
	return label
}
