package sharing

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"goldsmith/local/ec2"
)

const account, org, unit = "111122223333", "o-a1b2c3d4e5", "ou-a1b2-c3d4e5f6"

// all is a statement that lets a principal do everything that a launch does.
func all(principal, more string) string {
	return `{"Effect": "Allow", "Principal": ` + principal + `, "Action": "kms:*", "Resource": "*"` + more + `}`
}

func TestPolicyLets(t *testing.T) {
	root := `{"AWS": "arn:aws:iam::111122223333:root"}`
	anyone := `"*"`
	in := func(key, value string) string {
		return `, "Condition": {"StringLike": {"` + key + `": "` + value + `"}}`
	}
	for name, c := range map[string]struct {
		who        user
		statements []string
		want       use
	}{
		"nothing":     {user{account: account}, nil, doesNot},
		"the account": {user{account: account}, []string{all(root, "")}, lets},
		"its id":      {user{account: account}, []string{all(`{"AWS": "111122223333"}`, "")}, lets},
		"a role of it": {user{account: account},
			[]string{all(`{"AWS": ["arn:aws:iam::111122223333:role/x"]}`, "")}, lets},
		"another": {user{account: account},
			[]string{all(`{"AWS": "arn:aws:iam::444455556666:root"}`, "")}, doesNot},
		"a service": {user{account: account}, []string{all(`{"Service": "ec2.amazonaws.com"}`, "")},
			doesNot},
		"denied": {user{account: account},
			[]string{all(root, ""), strings.Replace(all(root, ""), "Allow", "Deny", 1)}, unknown},
		"but for some": {user{account: account},
			[]string{strings.Replace(all(root, ""), `"Principal"`, `"NotPrincipal"`, 1)}, unknown},
		"but for a call": {user{account: account},
			[]string{strings.Replace(all(root, ""), `"Action": "kms:*"`, `"NotAction": "kms:ScheduleKeyDeletion"`, 1)}, lets},
		"one call too few": {user{account: account},
			[]string{strings.Replace(all(root, ""), "kms:*", "kms:De*", 1)}, doesNot},
		"an unknown condition": {user{account: account}, []string{all(root, in("aws:SourceIp", "10.0.0.0/8"))},
			unknown},
		"an organization's, for an account": {user{account: account}, []string{all(anyone, in("aws:PrincipalOrgID", org))},
			unknown},
		"an organization's": {user{organization: org}, []string{all(anyone, in("aws:PrincipalOrgID", org))}, lets},
		"an organization's, for a unit": {user{organization: org, unit: unit},
			[]string{all(anyone, in("aws:PrincipalOrgID", org))}, lets},
		"another organization's": {user{organization: org},
			[]string{all(anyone, in("aws:PrincipalOrgID", "o-zzzzzzzzzz"))}, unknown},
		"a unit's": {user{organization: org, unit: unit},
			[]string{all(anyone, in("aws:PrincipalOrgPaths", org+"/r-a1b2/"+unit+"/*"))}, lets},
		"a unit's, for its organization": {user{organization: org},
			[]string{all(anyone, in("aws:PrincipalOrgPaths", org+"/r-a1b2/"+unit+"/*"))}, unknown},
		"a unit's below, for the unit": {user{organization: org, unit: unit},
			[]string{all(anyone, in("aws:PrincipalOrgPaths", org+"/r-a1b2/"+unit+"/ou-a1b2-zzzzzzzz/*"))}, unknown},
		"all but the organization's": {user{organization: org},
			[]string{all(anyone, `, "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "`+org+`"}}`)}, unknown},
		"a unit's, by equality": {user{organization: org, unit: unit},
			[]string{all(anyone, `, "Condition": {"StringEquals": {"aws:PrincipalOrgPaths": "`+org+"/r-a1b2/"+unit+`/*"}}`)},
			unknown},
		"a unit's, by any value": {user{organization: org, unit: unit}, []string{all(anyone,
			`, "Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "`+org+"/r-a1b2/"+unit+`/*"}}`)}, lets},
		"right in a unit, for the unit": {user{organization: org, unit: unit},
			[]string{all(anyone, in("aws:PrincipalOrgPaths", org+"/r-a1b2/"+unit+"/"))}, unknown},
		"where no grant is for AWS": {user{account: account},
			[]string{all(root, `, "Condition": {"Null": {"kms:GrantIsForAWSResource": "true"}}`)}, unknown},
		"everyone's, for an organization":    {user{organization: org}, []string{all(anyone, "")}, unknown},
		"its accounts, for the organization": {user{organization: org}, []string{all(root, "")}, unknown},
	} {
		policy := `{"Statement": [` + strings.Join(c.statements, ",") + `]}`
		if got := policyLets(policy, c.who); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
	for _, policy := range []string{"", "{", `{"Statement": 3}`, `[]`} {
		if got := policyLets(policy, user{account: account}); got != unknown {
			t.Errorf("%q: got %d", policy, got)
		}
	}
}

// The policies that docs/sharing.md has to paste let the account, or the organization, use the key.
func TestPoliciesOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/sharing.md")
	if err != nil {
		t.Fatal(err)
	}
	var statements []string
	for block := range strings.SplitSeq(string(page), "```json\n") {
		if s, _, ok := strings.Cut(block, "\n```"); ok && strings.HasPrefix(s, "{") {
			statements = append(statements, s)
		}
	}
	policy := `{"Statement": [` + strings.Join(statements, ",") + `]}`
	if len(statements) != 2 || policyLets(policy, user{account: account}) != lets {
		t.Errorf("%d statements let the account use the key: %d", len(statements), policyLets(policy, user{account: account}))
	}
	const principal = `{"AWS": "arn:aws:iam::111122223333:root"}`
	organizations := strings.ReplaceAll(policy, principal, `"*"`)
	equal := `"StringEquals": {"aws:PrincipalOrgID": "` + org + `"}`
	organizations = strings.Replace(organizations, `"Resource": "*"`, `"Resource": "*", "Condition": {`+equal+`}`, 1)
	organizations = strings.Replace(organizations, `"Condition": {"Bool"`, `"Condition": {`+equal+`, "Bool"`, 1)
	if got := policyLets(organizations, user{organization: org}); got != lets {
		t.Errorf("the organization: %d of %s", got, organizations)
	}
	if !strings.Contains(string(page), "`"+equal+"`") {
		t.Errorf("the page does not have %s", equal)
	}
}

// What is said for certain is what the embedded KMS does.
func TestPolicyLetsAsTheEmbeddedKMS(t *testing.T) {
	said := map[use]int{}
	rapid.Check(t, func(t *rapid.T) {
		var statements []map[string]any
		for range rapid.IntRange(0, 6).Draw(t, "statements") {
			statements = append(statements, anyStatement(t))
		}
		text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
		if err != nil {
			t.Fatal(err)
		}
		got := policyLets(string(text), user{account: account})
		said[got]++
		can := ec2.Lets(string(text), ec2.Consumer{Account: account})
		if got == lets && !can || got == doesNot && can {
			t.Fatalf("%s: said %d, it is %v", text, got, can)
		}
		whole := policyLets(string(text), user{organization: org})
		member := ec2.Consumer{Account: "222233334444", Organization: "arn:aws:organizations::999900001111:organization/" + org}
		if whole == lets && !ec2.Lets(string(text), member) {
			t.Fatalf("%s: said to let the organization, and does not let a member", text)
		}
	})
	if len(said) < 3 {
		t.Errorf("not all was said: %v", said)
	}
}

func anyStatement(t *rapid.T) map[string]any {
	s := map[string]any{
		"Effect": rapid.SampledFrom([]string{"Allow", "Allow", "Allow", "Allow", "Deny"}).Draw(t, "effect"),
		"Principal": rapid.SampledFrom([]any{
			"*", map[string]any{"AWS": "*"}, map[string]any{"AWS": account},
			map[string]any{"AWS": []string{"444455556666", account}},
			map[string]any{"AWS": fmt.Sprintf("arn:aws:iam::%s:root", account)},
			map[string]any{"AWS": "arn:aws:iam::444455556666:root"},
			map[string]any{"Service": "ec2.amazonaws.com"},
		}).Draw(t, "principal"),
		"Action": rapid.SampledFrom([]any{
			"kms:*", "*", "kms:Decrypt", []string{"kms:DescribeKey", "kms:Decrypt", "kms:ReEncrypt*"}, "kms:CreateGrant",
			[]string{"kms:D*", "kms:ReEncryptFrom", "kms:CreateGrant"}, "kms:GenerateDataKey*",
		}).Draw(t, "action"),
		"Resource": "*",
	}
	conditions := rapid.SampledFrom([]any{
		nil, nil, map[string]any{"Bool": map[string]any{"kms:GrantIsForAWSResource": "true"}},
		map[string]any{"Bool": map[string]any{"kms:GrantIsForAWSResource": true}},
		map[string]any{"StringEquals": map[string]any{"kms:CallerAccount": account}},
		map[string]any{"StringEquals": map[string]any{"kms:CallerAccount": []string{"444455556666"}}},
		map[string]any{"StringEquals": map[string]any{"aws:PrincipalOrgID": org}},
		map[string]any{"StringNotEquals": map[string]any{"aws:PrincipalOrgID": org}},
		map[string]any{"StringEquals": map[string]any{"aws:PrincipalOrgPaths": org + "/*"}},
		map[string]any{"ForAnyValue:StringLike": map[string]any{"aws:PrincipalOrgPaths": org + "/*"}},
		map[string]any{"IpAddress": map[string]any{"aws:SourceIp": "10.0.0.0/8"}},
	}).Draw(t, "condition")
	if conditions != nil {
		s["Condition"] = conditions
	}
	return s
}
