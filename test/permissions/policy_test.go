package permissions

import (
	"encoding/json"
	"strings"
	"testing"
)

const instances = "arn:aws:ec2:eu-central-1:123456789012:instance/*"

func TestAllows(t *testing.T) {
	const one, image = "arn:aws:ec2:eu-central-1:123456789012:instance/i-1", "arn:aws:ec2:eu-central-1::image/ami-1"
	tagged := map[string][]string{"aws:ResourceTag/goldsmith:plan": {"nightly"}}
	where := func(operator, key string, values ...string) Condition { return Condition{operator: {key: values}} }
	for what, c := range map[string]struct {
		statement Statement
		request   Request
		want      bool
	}{
		"its action on its resource": {Statement{[]string{"ec2:StopInstances"}, []string{instances}, nil},
			Request{"ec2:StopInstances", one, nil}, true},
		"another action": {Statement{[]string{"ec2:StopInstances"}, []string{instances}, nil},
			Request{"ec2:StartInstances", one, nil}, false},
		"an action in another case": {Statement{[]string{"EC2:stop*"}, []string{instances}, nil},
			Request{"ec2:StopInstances", one, nil}, true},
		"a question mark is one letter": {Statement{[]string{"ec2:StopInstance?"}, []string{instances}, nil},
			Request{"ec2:StopInstances", one, nil}, true},
		"and not none": {Statement{[]string{"ec2:StopInstances?"}, []string{instances}, nil},
			Request{"ec2:StopInstances", one, nil}, false},
		"anything": {Statement{[]string{"ec2:StopInstances"}, []string{"*"}, nil},
			Request{"ec2:StopInstances", one, nil}, true},
		"no resource wants anything": {Statement{[]string{"ec2:DescribeInstances"}, []string{instances}, nil},
			Request{"ec2:DescribeInstances", "*", nil}, false},
		"a wildcard stays in its part": {Statement{[]string{"ec2:CreateImage"}, []string{"arn:aws:ec2:*:image/*"}, nil},
			Request{"ec2:CreateImage", image, nil}, false},
		"an account where there is none": {Statement{[]string{"ec2:CreateImage"},
			[]string{"arn:aws:ec2:eu-central-1:123456789012:image/*"}, nil}, Request{"ec2:CreateImage", image, nil}, false},
		"colons within the resource": {Statement{[]string{"states:X"}, []string{"arn:aws:states:r:1:execution:a:*"},
			nil}, Request{"states:X", "arn:aws:states:r:1:execution:a:b:c", nil}, true},
		"resources keep their case": {Statement{[]string{"ec2:StopInstances"}, []string{strings.ToUpper(instances)},
			nil}, Request{"ec2:StopInstances", one, nil}, false},

		"StringEquals": {conditioned(where("StringEquals", "aws:ResourceTag/goldsmith:plan", "weekly",
			"nightly")), Request{"a:b", "*", tagged}, true},
		"StringEquals, another value": {conditioned(where("StringEquals", "aws:ResourceTag/goldsmith:plan", "weekly")),
			Request{"a:b", "*", tagged}, false},
		"StringEquals keeps the case": {conditioned(where("StringEquals", "aws:ResourceTag/goldsmith:plan", "NIGHTLY")),
			Request{"a:b", "*", tagged}, false},
		"a key's name does not": {conditioned(where("StringEquals", "AWS:resourcetag/Goldsmith:Plan", "nightly")),
			Request{"a:b", "*", tagged}, true},
		"StringEquals has no wildcards": {conditioned(where("StringEquals", "aws:ResourceTag/goldsmith:plan", "*")),
			Request{"a:b", "*", tagged}, false},
		"StringLike": {conditioned(where("StringLike", "aws:ResourceTag/goldsmith:plan", "n*")),
			Request{"a:b", "*", tagged}, true},
		"StringLike, an empty value": {conditioned(where("StringLike", "k", "*")),
			Request{"a:b", "*", map[string][]string{"k": {""}}}, true},
		"StringLike, no such key": {conditioned(where("StringLike", "k", "*")), Request{"a:b", "*", tagged}, false},
		"Bool": {conditioned(where("Bool", "k", "true")),
			Request{"a:b", "*", map[string][]string{"k": {"True"}}}, true},
		"Bool, no such key":        {conditioned(where("Bool", "k", "false")), Request{"a:b", "*", nil}, false},
		"Null false wants the key": {conditioned(where("Null", "aws:TagKeys", "false")), Request{"a:b", "*", nil}, false},
		"Null false, and it is there": {conditioned(where("Null", "aws:TagKeys", "false")),
			Request{"a:b", "*", map[string][]string{"aws:TagKeys": {"x"}}}, true},
		"Null true wants none": {conditioned(where("Null", "aws:TagKeys", "true")), Request{"a:b", "*", nil}, true},
		"ForAllValues": {conditioned(where("ForAllValues:StringEquals", "aws:TagKeys", "x", "y")),
			Request{"a:b", "*", map[string][]string{"aws:TagKeys": {"y", "x"}}}, true},
		"ForAllValues, one too many": {conditioned(where("ForAllValues:StringEquals", "aws:TagKeys", "x")),
			Request{"a:b", "*", map[string][]string{"aws:TagKeys": {"x", "z"}}}, false},
		"ForAllValues holds without a key": {conditioned(where("ForAllValues:StringEquals", "aws:TagKeys", "x")),
			Request{"a:b", "*", nil}, true},
		"several values, one operator": {conditioned(where("StringEquals", "k", "x")),
			Request{"a:b", "*", map[string][]string{"k": {"x", "y"}}}, false},
		"all operators have to hold": {conditioned(Condition{"StringEquals": {"k": {"x"}}, "Null": {"l": {"false"}}}),
			Request{"a:b", "*", map[string][]string{"k": {"x"}}}, false},
	} {
		if _, got := (Policy{c.statement}).Allows(c.request); got != c.want {
			t.Errorf("%s: allowed is %v", what, got)
		}
	}
}

func conditioned(c Condition) Statement { return Statement{[]string{"a:b"}, []string{"*"}, c} }

func TestWhichStatementAllows(t *testing.T) {
	policy := Policy{{[]string{"a:b"}, []string{"*"}, nil}, {[]string{"a:c"}, []string{"*"}, nil}}
	if n, ok := policy.Allows(Request{"a:c", "*", nil}); n != 1 || !ok {
		t.Errorf("statement %d, %v", n, ok)
	}
	if n, ok := policy.Allows(Request{"a:d", "*", nil}); n != -1 || ok {
		t.Errorf("statement %d, %v", n, ok)
	}
}

// What the evaluator does not know it must not pass over.
func TestReadRefuses(t *testing.T) {
	for document, want := range map[string]string{
		`{}`:                     "without a list of statements",
		`{"Statement": ["all"]}`: "statement 0 is all",
		`{"Statement": [{"Effect": "Deny", "Action": "a:b", "Resource": "*"}]}`:                                                                 "effect Deny is not evaluated",
		`{"Statement": [{"Effect": "Allow", "NotAction": "a:b", "Resource": "*"}]}`:                                                             "element NotAction is not evaluated",
		`{"Statement": [{"Effect": "Allow", "Action": "a:b", "NotResource": "*"}]}`:                                                             "element NotResource is not evaluated",
		`{"Statement": [{"Effect": "Allow", "Action": "a:b", "Resource": "*", "Principal": "*"}]}`:                                              "element Principal is not evaluated",
		`{"Statement": [{"Effect": "Allow", "Action": "a:b"}]}`:                                                                                 "names no action or no resource",
		`{"Statement": [{"Effect": "Allow", "Action": 1, "Resource": "*"}]}`:                                                                    "1 is no text",
		`{"Statement": [{"Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": {"StringNotEquals": {"k": "v"}}}]}`:                  "condition operator StringNotEquals is not evaluated",
		`{"Statement": [{"Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": {"StringEquals": {"k": "${aws:PrincipalTag/x}"}}}]}`: "policy variable",
		`{"Statement": [{"Effect": "Allow", "Action": "a:b", "Resource": "arn:aws:s3:::${aws:username}"}]}`:                                     "policy variable",
	} {
		var decoded map[string]any
		if err := json.Unmarshal([]byte(document), &decoded); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(decoded); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", document, err, want)
		}
	}
}

func TestResolve(t *testing.T) {
	template, err := Load([]byte(`{"Resources": {
		"Table": {"Type": "AWS::DynamoDB::Table", "Properties": {}},
		"Function": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "f", "Role": {"Fn::GetAtt": ["Role", "Arn"]},
			"Good": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":x:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}, ":", {"Ref": "Table"}]]},
			"Map": {"Fn::FindInMap": ["a", "b", "c"]}, "Sub": {"Fn::Sub": "x"}, "Gone": {"Ref": "Nobody"}, "Odd": {"Fn::GetAtt": ["Table", "StreamArn"]}}},
		"Role": {"Type": "AWS::IAM::Role", "Properties": {}}}}`), here)
	if err != nil {
		t.Fatal(err)
	}
	f := template.Resources["Function"]
	if got, err := f.At("Good"); err != nil || got != "arn:aws:x:eu-central-1:123456789012:Table" {
		t.Errorf("%v, %v", got, err)
	}
	if owner, err := f.Owner("Role"); err != nil || owner.ID != "Role" {
		t.Errorf("%v, %v", owner.ID, err)
	}
	for property, want := range map[string]string{
		"Map": "Fn::FindInMap", "Sub": "Fn::Sub", "Gone": "Nobody", "Odd": "Fn::GetAtt", "Role": "ARN of AWS::IAM::Role",
	} {
		if got, err := f.At(property); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want an error about %s", property, got, err, want)
		}
	}
}

// A call whose authorization nobody has written down is refused, not let through.
func TestRequestsRefuses(t *testing.T) {
	for call, want := range map[string]string{"ec2:RebootInstances": "nothing is known",
		"ssm:GetParameter": "names no resource"} {
		if _, err := (Scene{Account: here}).Requests(Call{Name: call}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", call, err)
		}
	}
}
