package permissions

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// conditions are those of a statement, all of them of operators that the evaluator knows.
func conditions(t *testing.T, sid string, written map[string]map[string]any) Condition {
	t.Helper()
	all := Condition{}
	for operator, keys := range written {
		if operators[operator] == nil {
			t.Fatalf("statement %s has operator %s", sid, operator)
		}
		all[operator] = map[string][]string{}
		for key, values := range keys {
			all[operator][key] = listed(values)
		}
	}
	return all
}

// denials are the statements of a policy as a page gives it: those that deny, which a policy that allows the same
// stands for here. Not one of them names an operator that the evaluator does not know.
func denials(t *testing.T, page, sid string) Policy {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(text), "```json\n")[1:] {
		block, _, _ := strings.Cut(part, "\n```")
		var document struct {
			Statement []struct {
				Sid, Effect      string
				Action, Resource any
				Condition        map[string]map[string]any
			}
		}
		if err := json.Unmarshal([]byte(block), &document); err != nil {
			t.Fatalf("%v in %s", err, block)
		}
		var policy Policy
		found := false
		for _, s := range document.Statement {
			found = found || s.Sid == sid
			if s.Effect != "Deny" {
				continue
			}
			policy = append(policy, Statement{listed(s.Action), listed(s.Resource), conditions(t, s.Sid, s.Condition)})
		}
		if found {
			return policy
		}
	}
	t.Fatalf("%s has no statement %s", page, sid)
	return nil
}

// listed is one text or a list of them.
func listed(value any) (all []string) {
	if one, ok := value.(string); ok {
		return []string{one}
	}
	for _, each := range value.([]any) {
		all = append(all, each.(string))
	}
	return all
}

// The service control policy of docs/security.md keeps Goldsmith's tag keys from people, and hinders neither
// Goldsmith nor any other tag.
func TestReservedTagKeys(t *testing.T) {
	policy := denials(t, "../../docs/security.md", "GoldsmithsTagKeysAreReserved")
	const (
		person, goldsmith = "role/developer", "role/goldsmith-ReleaseRole1A2B3C"
		operator          = "role/golden-images"
		tags, untags      = "ec2:CreateTags", "ec2:DeleteTags"
	)
	for _, c := range []struct {
		who, action string
		keys        []string
		denied      bool
	}{
		{person, tags, []string{"goldsmith:image"}, true},
		{person, tags, []string{"Name", "goldsmith:plan"}, true},
		{person, tags, []string{"goldsmith:managed"}, true},
		{person, tags, []string{"Name"}, false},
		{person, tags, []string{"goldsmiths"}, false},
		{person, untags, []string{"goldsmith:managed"}, true},
		{person, untags, nil, true},
		{person, untags, []string{"Name"}, false},
		{person, "autoscaling:CreateOrUpdateTags", []string{"goldsmith:plan"}, true},
		{person, "autoscaling:CreateAutoScalingGroup", []string{"goldsmith:plan"}, true},
		{person, "autoscaling:CreateAutoScalingGroup", nil, false},
		{person, "ec2:RunInstances", []string{"goldsmith:plan"}, false}, // its CreateTags is denied
		{goldsmith, tags, []string{"goldsmith:managed", "goldsmith:run"}, false},
		{goldsmith, untags, []string{"goldsmith:image"}, false},
		{operator, tags, []string{"goldsmith:plan"}, false},
		{operator, untags, nil, false},
		{"role/x-goldsmith-", tags, []string{"goldsmith:plan"}, true},
	} {
		keys := map[string][]string{"aws:PrincipalArn": {"arn:aws:iam::123456789012:" + c.who}}
		if len(c.keys) > 0 {
			keys["aws:TagKeys"] = c.keys
		}
		if _, denied := policy.Allows(Request{c.action, "arn:aws:ec2:eu-central-1:123456789012:instance/i-1",
			keys}); denied != c.denied {
			t.Errorf("%s calls %s with %v: denied %t", c.who, c.action, c.keys, denied)
		}
	}
}

// The bucket policy of docs/security.md leaves writing to the deployment, and refuses what is not encrypted.
func TestTheBucketsPolicy(t *testing.T) {
	policy := denials(t, "../../docs/security.md", "OnlyTheDeploymentWrites")
	const object = "arn:aws:s3:::acme-goldsmith-eu-central-1/function.zip"
	by := func(role, secure string) map[string][]string {
		return map[string][]string{"aws:PrincipalArn": {"arn:aws:iam::123456789012:role/" + role},
			"aws:SecureTransport": {secure}}
	}
	const publisher = "cdk-hnb659fds-file-publishing-role-123456789012-eu-central-1"
	for what, c := range map[string]struct {
		request Request
		denied  bool
	}{
		"a person writes":             {Request{"s3:PutObject", object, by("developer", "true")}, true},
		"the deployment writes":       {Request{"s3:PutObject", object, by(publisher, "true")}, false},
		"a person reads":              {Request{"s3:GetObject", object, by("developer", "true")}, false},
		"the deployment in the clear": {Request{"s3:PutObject", object, by(publisher, "false")}, true},
	} {
		if _, denied := policy.Allows(c.request); denied != c.denied {
			t.Errorf("%s: denied %t", what, denied)
		}
	}
}
