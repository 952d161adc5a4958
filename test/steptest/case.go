package steptest

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"goldsmith/shared/handler"
)

// Case is one thing that may happen to a function.
type Case[In, Out any] struct {
	// Name is what an operator would say.
	Name string
	// Given changes the scene and the input; nil leaves both.
	Given func(s *Stage, in *In)
	// Want is the transcript: every call to AWS and to the ledger in order, a
	// colon, and "ok" or the error type that the state machine sees. The step
	// is called once more with the same input for each "|".
	Want string
	// Unordered is for a step that does several things at once: the calls come in any order.
	Unordered bool
	// Anything leaves the transcript out, for a case that is about what comes of the calls.
	Anything bool
	// Repeated is a call that the SDK repeats until a time is over, with pauses of chance: how often is not compared.
	Repeated string
	// Between happens before each further call of the step.
	Between func(s *Stage)
	// Says are parts of the last error's text, Message is all of it.
	Says    []string
	Message string
	// Then looks at what the last call gave.
	Then func(s *Stage, out Out)
}

// Play plays each case on a stage of its own. The scene makes the step and its usual input.
func Play[In, Out any](t *testing.T, scene func(*Stage) (handler.Func[In, Out], In), cases []Case[In, Out]) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.play(New(t), scene) })
		})
	}
}

func (c Case[In, Out]) play(s *Stage, scene func(*Stage) (handler.Func[In, Out], In)) {
	step, in := scene(s)
	if c.Given != nil {
		c.Given(s, &in)
	}
	var transcript []string
	var out Out
	var err error
	for n := range strings.Count(c.Want, "|") + 1 {
		if n > 0 && c.Between != nil {
			c.Between(s)
		}
		s.journal.clear()
		out, err = invoke(s, step, in)
		transcript = append(transcript, strings.TrimSpace(s.journal.String()+": "+verdict(err)))
	}
	if got := strings.Join(transcript, " | "); !c.Anything && !c.same(got) {
		s.Fatalf("it did  %s\nwant    %s\nerror   %v", got, c.Want, err)
	}
	c.heard(s, err)
	if c.Then != nil {
		c.Then(s, out)
	}
}

func (c Case[In, Out]) same(got string) bool {
	want := c.Want
	if c.Repeated != "" {
		often := regexp.MustCompile(regexp.QuoteMeta(c.Repeated) + `\*\d+`)
		got, want = often.ReplaceAllString(got, c.Repeated), often.ReplaceAllString(want, c.Repeated)
	}
	if !c.Unordered {
		return got == want
	}
	return slices.Equal(calls(got), calls(want))
}

// calls are the words of a transcript in alphabetical order, "Call*2" as two of them.
func calls(transcript string) []string {
	var words []string
	for word := range strings.FieldsSeq(transcript) {
		name, times, _ := strings.Cut(strings.TrimSuffix(word, ":"), "*")
		n, err := strconv.Atoi(times)
		if err != nil {
			n = 1
		}
		words = append(words, slices.Repeat([]string{name}, n)...)
	}
	slices.Sort(words)
	return words
}

// heard compares the error's text with what it should say.
func (c Case[In, Out]) heard(s *Stage, err error) {
	s.Helper()
	said := strings.ReplaceAll(fmt.Sprint(err), "\n", " ") // what to do stands on a line of its own
	for _, part := range c.Says {
		if !strings.Contains(said, part) {
			s.Errorf("the error says\n\t%s\nand not\n\t%s", said, part)
		}
	}
	if c.Message != "" {
		s.Same("message", said, c.Message)
	}
}

// timeout is how long a function may take, as it is deployed.
const timeout = time.Minute

// invoke calls the step as Lambda does: with JSON, giving JSON, within its time.
func invoke[In, Out any](s *Stage, step handler.Func[In, Out], in In) (out Out, err error) {
	s.Helper()
	ctx := lambdacontext.NewContext(s.Context(),
		&lambdacontext.LambdaContext{AwsRequestID: "00000000-0000-4000-8000-000000000001"})
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	given, err := handler.Wrap(handler.Logger(&s.Logs, "staged"), step)(ctx, throughJSON(s, in))
	if err != nil {
		return out, err
	}
	return throughJSON(s, given), nil
}

func throughJSON[T any](s *Stage, v T) (back T) {
	s.Helper()
	text, err := json.Marshal(v)
	s.Must(err)
	s.Must(json.Unmarshal(text, &back))
	return back
}

// verdict is what the state machine sees of an error: the outermost Go type.
func verdict(err error) string {
	if err == nil {
		return "ok"
	}
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

// Same reports each difference between what there is and what there should be.
func (s *Stage) Same(what string, got, want any) {
	s.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
