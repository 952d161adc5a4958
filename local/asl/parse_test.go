package asl

import (
	"slices"
	"strings"
	"testing"
)

// state puts one state body into a definition.
func inState(body string) string { return `{"StartAt":"S","States":{"S":{` + body + `}}}` }

func task(more string) string {
	return inState(`"Type":"Task","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f","End":true` + more)
}

func mapOf(processor, more string) string {
	return inState(`"Type":"Map","End":true,"ItemProcessor":{` + processor +
		`"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}}` + more)
}

func TestParseRefusesByName(t *testing.T) {
	distributed := `"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},`
	for _, c := range []struct{ name, definition, want string }{
		{"no JSON", `{`, "reading JSON"},
		{"trailing text", inState(`"Type":"Succeed"`) + `{}`, "more than one JSON value"},
		{"state twice", `{"StartAt":"S","States":{"S":{"Type":"Succeed"},"S":{"Type":"Succeed"}}}`, `"S" is given twice`},
		{"JSONata", `{"QueryLanguage":"JSONata","StartAt":"S","States":{"S":{"Type":"Succeed"}}}`,
			`QueryLanguage "JSONata" is not implemented`},
		{"JSONata state", inState(`"Type":"Succeed","QueryLanguage":"JSONata"`),
			`state "S": QueryLanguage "JSONata" is not implemented`},
		{"other version", `{"Version":"2.0","StartAt":"S","States":{"S":{"Type":"Succeed"}}}`,
			`Version "2.0" is not implemented`},
		{"unknown top field", `{"Foo":1,"StartAt":"S","States":{"S":{"Type":"Succeed"}}}`,
			`definition: field "Foo" is not implemented`},
		{"state type", inState(`"Type":"Activity"`), `state "S": state type "Activity" is not implemented`},
		{"variables", task(`,"Assign":{"x":1}`), `state "S": field "Assign" is not implemented for Task`},
		{"wrong case", task(`,"timeoutSeconds":1`), `field "timeoutSeconds" is not implemented`},
		{"credentials", task(`,"Credentials":{}`), `field "Credentials"`},
		{"intrinsic", task(`,"Parameters":{"a.$":"States.Format('{}', $.a)"}`),
			`intrinsic function States.Format is not implemented`},
		{"variable path", task(`,"Parameters":{"a.$":"$x"}`), `variables are not implemented`},
		{"filter", task(`,"Parameters":{"a.$":"$.a[?(@.b == 1)]"}`), `filters and scripts are not implemented`},
		{"no path", task(`,"InputPath":"a"`), `does not start with $`},
		{"token in a plain task", task(`,"Parameters":{"a.$":"$$.Task.Token"}`), `$$.Task exists only in`},
		{"item outside a Map", task(`,"Parameters":{"a.$":"$$.Map.Item.Value"}`), `$$.Map exists only in ItemSelector`},
		{"unknown context", task(`,"Parameters":{"a.$":"$$.Execution.Nope"}`), `no such field`},
		{"many values", task(`,"TimeoutSecondsPath":"$.a[*]"`), `may lead to more than one value`},
		{"twice given", task(`,"Parameters":{"a":1,"a.$":"$.a"}`), `"a" is given both fixed and with .$`},
		{"result path", task(`,"ResultPath":"$.a[0]"`), `array positions are not implemented`},
		{"result path to context", task(`,"ResultPath":"$$.Execution"`), `not a reference path`},
		{"resource", inState(`"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","End":true`),
			`resource "arn:aws:states:::sqs:sendMessage" is not implemented`},
		{"sync", inState(`"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync:2","End":true`),
			`is not implemented`},
		{"invoke field",
			inState(`"Type":"Task","End":true,"Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f","Payload":1,"InvocationType":"Event"}`), `Parameters: field "InvocationType" is not implemented`},
		{"invoke without payload",
			inState(`"Type":"Task","End":true,"Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"}`),
			`needs either Payload or Payload.$`},
		{"reader", mapOf(distributed, `,"ItemReader":{}`), `state "S": field "ItemReader" is not implemented for Map`},
		{"batcher", mapOf(distributed, `,"ItemBatcher":{}`), `field "ItemBatcher"`},
		{"writer", mapOf(distributed, `,"ResultWriter":{}`), `field "ResultWriter"`},
		{"iterator", inState(`"Type":"Map","End":true,"Iterator":{}`), `field "Iterator"`},
		{"tolerance inline", mapOf("", `,"ToleratedFailureCount":1`), `field "ToleratedFailureCount"`},
		{"label inline", mapOf("", `,"Label":"x"`), `field "Label"`},
		{"bad label", mapOf(distributed, `,"Label":"a b"`), `Label "a b"`},
		{"express", mapOf(`"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"EXPRESS"},`, ""),
			`ExecutionType "EXPRESS" is not implemented`},
		{"concurrency twice", mapOf("", `,"MaxConcurrency":1,"MaxConcurrencyPath":"$.m"`), `exclude each other`},
		{"all not alone", task(`,"Retry":[{"ErrorEquals":["States.ALL","X"]}]`), `States.ALL must stand alone`},
		{"all not last", task(`,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"S"},{"ErrorEquals":["X"],"Next":"S"}]`),
			`Catch 0: States.ALL must stand alone`},
		{"retry field", task(`,"Retry":[{"ErrorEquals":["X"],"Foo":1}]`), `Retry 0: field "Foo" is not implemented`},
		{"jitter", task(`,"Retry":[{"ErrorEquals":["X"],"JitterStrategy":"HALF"}]`), `JitterStrategy must be FULL or NONE`},
		{"backoff", task(`,"Retry":[{"ErrorEquals":["X"],"BackoffRate":0.5}]`), `BackoffRate must be`},
		{"catch on Pass", inState(`"Type":"Pass","End":true,"Catch":[]`), `field "Catch" is not implemented for Pass`},
		{"next and end", task(`,"Next":"S"`), `needs either Next or End`},
		{"no way on", inState(`"Type":"Pass"`), `needs either Next or End`},
		{"dangling", inState(`"Type":"Pass","Next":"T"`), `leads to "T", which is not a state`},
		{"no start", `{"StartAt":"T","States":{"S":{"Type":"Succeed"}}}`, `StartAt "T" is not a state`},
		{"unreachable", `{"StartAt":"S","States":{"S":{"Type":"Succeed"},"T":{"Type":"Succeed"}}}`,
			`state "T": is not reachable`},
		{"name used inside too",
			inState(`"Type":"Parallel","End":true,"Branches":[{"StartAt":"S","States":{"S":{"Type":"Succeed"}}}]`),
			`the name is used twice`},
		{"long name", `{"StartAt":"` + strings.Repeat("x", 81) + `","States":{"` + strings.Repeat("x", 81) +
			`":{"Type":"Succeed"}}}`, `81 characters`},
		{"heartbeat over timeout", task(`,"TimeoutSeconds":5,"HeartbeatSeconds":5`), `HeartbeatSeconds must be smaller`},
		{"zero timeout", task(`,"TimeoutSeconds":0`), `TimeoutSeconds must be a whole number`},
		{"wait without", inState(`"Type":"Wait","End":true`), `needs exactly one of Seconds`},
		{"wait bad time", inState(`"Type":"Wait","Timestamp":"tomorrow","End":true`), `is not RFC 3339`},
		{"choice operator", inState(`"Type":"Choice","Choices":[{"Variable":"$.a","StringSounds":"b","Next":"S"}]`),
			`no comparison that is implemented`},
		{"choice two operators",
			inState(`"Type":"Choice","Choices":[{"Variable":"$.a","StringEquals":"b","IsNull":true,"Next":"S"}]`),
			`field "StringEquals" is not implemented for a Choice rule`},
		{"choice operand", inState(`"Type":"Choice","Choices":[{"Variable":"$.a","NumericEquals":"1","Next":"S"}]`),
			`NumericEquals cannot compare with "1"`},
		{"choice matches path",
			inState(`"Type":"Choice","Choices":[{"Variable":"$.a","StringMatchesPath":"$.b","Next":"S"}]`),
			`no comparison that is implemented`},
		{"choice nested next",
			inState(`"Type":"Choice","Choices":[{"Not":{"Variable":"$.a","IsNull":true,"Next":"S"},"Next":"S"}]`),
			`field "Next" is not implemented for a Choice rule`},
		{"choice condition", inState(`"Type":"Choice","Choices":[{"Condition":"{% true %}","Next":"S"}]`),
			`Variable is missing`},
		{"placeholder", task(`,"Comment":"${Nope}"`), `no value for placeholder Nope`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.definition), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestParseReportsEverything(t *testing.T) {
	_, err := Parse([]byte(`{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B","Foo":1},"B":{"Type":"Wait","End":true}}}`), nil)
	if err == nil || !strings.Contains(err.Error(), `state "A"`) || !strings.Contains(err.Error(), `state "B"`) {
		t.Errorf("error %v, want one that names both states", err)
	}
}

func TestSubstitutions(t *testing.T) {
	definition := []byte(inState(`"Type":"Task","Resource":"${Stop}","TimeoutSeconds":${Limit},"End":true`))
	values := map[string]string{"Stop": "arn:aws:lambda:us-east-1:123456789012:function:stop", "Limit": "30"}
	m, err := Parse(definition, values)
	if err != nil {
		t.Fatal(err)
	}
	s := m.States["S"]
	if s.Function != values["Stop"] || s.Timeout.Fixed != 30 || strings.Contains(m.Definition, "${") {
		t.Errorf("state %+v of %s", s, m.Definition)
	}
	values["Extra"] = "x"
	if _, err := Parse(definition, values); err == nil ||
		!strings.Contains(err.Error(), "substitution Extra is never used") {
		t.Errorf("error %v", err)
	}
}

func TestWalk(t *testing.T) {
	m, err := Parse([]byte(`{"StartAt":"M","States":{"M":{"Type":"Map","Next":"C","Catch":[{"ErrorEquals":["X"],"Next":"D"}],
		"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[{"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}}]}}}},
		"C":{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"M"}],"Default":"D"},"D":{"Type":"Succeed"}}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	var seen, edges []string
	m.Walk(func(within []string, scope *Machine, s *State) {
		seen = append(seen, strings.Join(append(slices.Clone(within), s.Name), "/"))
		if scope.States[s.Name] != s {
			t.Errorf("%s is not in its scope", s.Name)
		}
		for _, e := range s.Edges() {
			edges = append(edges, s.Name+" "+string(e.Kind)+" "+e.To)
		}
	})
	if got := strings.Join(seen, " "); got != "C D M M/P M/P/I" {
		t.Errorf("walked %s", got)
	}
	if got := strings.Join(edges, ", "); got != "C Choice M, C Default D, M Next C, M Catch D" {
		t.Errorf("edges %s", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{task(""), mapOf("", ""),
		inState(`"Type":"Choice","Choices":[{"Not":{"Variable":"$['a'][1]","IsNull":true},"Next":"S"}]`)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, definition string) {
		m, err := Parse([]byte(definition), nil)
		if err != nil {
			return
		}
		m.Walk(func(_ []string, scope *Machine, s *State) {
			for _, e := range s.Edges() {
				if scope.States[e.To] == nil {
					t.Errorf("%s leads to %q", s.Name, e.To)
				}
			}
		})
	})
}
