// Package kms is the embedded Key Management Service, as far as it says how the keys are that EC2's volumes name.
package kms

import (
	"net/http"
	"regexp"
	"strings"

	"goldsmith/local/awsjson"
	"goldsmith/local/clock"
	"goldsmith/local/ec2"
	"goldsmith/local/query"
)

// Options set a service up. All are required but Log.
type Options struct {
	Clock *clock.Clock
	// EC2 has the keys.
	EC2             *ec2.World
	Region, Account string
	Log             *query.Log
}

// New answers DescribeKey, GetKeyPolicy and ListGrants.
func New(o Options) http.Handler {
	return &awsjson.Service{
		Name: "kms", Target: "TrentService", Clock: o.Clock, Log: o.Log,
		Operations: map[string]awsjson.Operation{
			"DescribeKey":  awsjson.Op(o.describeKey, func(in describeInput) []string { return []string{in.KeyID} }),
			"GetKeyPolicy": awsjson.Op(o.policy, func(in policyInput) []string { return []string{in.KeyID} }),
			"ListGrants":   awsjson.Op(o.grants, func(in grantsInput) []string { return []string{in.KeyID} }),
		},
	}
}

type describeInput struct {
	KeyID string `json:"KeyId"`
}

type describeOutput struct {
	KeyMetadata metadata
}

type metadata struct {
	AWSAccountID string `json:"AWSAccountId"`
	Arn          string
	Enabled      bool
	KeyID        string `json:"KeyId"`
	KeyManager   string
	KeySpec      string
	KeyState     string
	KeyUsage     string
	MultiRegion  bool
}

// The forms of KeyId (API reference, DescribeKey). The id of a multi-Region key begins with mrk-.
var (
	keyID = regexp.MustCompile(`^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$`)
	alias = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]+$`)
)

// states are the words of KMS for what can be the matter with a key.
var states = map[ec2.KeyState]string{
	ec2.KeyDisabled: "Disabled", ec2.KeyPendingDeletion: "PendingDeletion", ec2.KeyPendingImport: "PendingImport",
	ec2.KeyUnavailable: "Unavailable",
}

func (o Options) describeKey(in describeInput) (out describeOutput, err error) {
	if in.KeyID == "" {
		return out, awsjson.Required("keyId")
	}
	arn, err := o.arn(in.KeyID)
	if err != nil {
		return out, err
	}
	state, err := o.key(arn, "DescribeKey")
	if err != nil {
		return out, err
	}
	word, wrong := states[state]
	if !wrong {
		word = "Enabled"
	}
	manager := "CUSTOMER"
	if arn == o.EC2.DefaultKey() {
		manager = "AWS"
	}
	id := arn[strings.LastIndex(arn, "/")+1:]
	return describeOutput{metadata{
		AWSAccountID: strings.Split(arn, ":")[4], Arn: arn, Enabled: !wrong, KeyID: id, KeyManager: manager,
		KeySpec: "SYMMETRIC_DEFAULT", KeyState: word, KeyUsage: "ENCRYPT_DECRYPT", MultiRegion: strings.HasPrefix(id, "mrk-"),
	}}, nil
}

// key is what is the matter with a key; one that cannot be looked at is an error.
func (o Options) key(arn, action string) (ec2.KeyState, error) {
	state, known := o.EC2.KeyIs(arn)
	switch {
	case state == ec2.KeyHidden:
		return state, awsjson.Errorf("AccessDeniedException", "User: arn:aws:iam::%s:role/embedded is not authorized to "+
			"perform: kms:%[2]s on resource: %[3]s because no resource-based policy allows the kms:%[2]s action",
			o.Account, action, arn)
	case !known, state == ec2.KeyDeleted:
		return state, awsjson.Errorf("NotFoundException", "Key '%s' does not exist", arn)
	}
	return state, nil
}

// arn is the ARN of the key that an id, an ARN or an alias names.
func (o Options) arn(named string) (string, error) {
	resource := named
	if strings.HasPrefix(named, "arn:") {
		parts := strings.SplitN(named, ":", 6)
		if len(parts) < 6 || parts[2] != "kms" {
			return "", awsjson.Errorf("InvalidArnException", "Invalid arn %s", named)
		}
		if parts[3] != o.Region {
			return "", awsjson.Errorf("NotFoundException", "Invalid arn %s", parts[3])
		}
		resource = parts[5]
	}
	id, isKey := strings.CutPrefix(resource, "key/")
	switch {
	case alias.MatchString(resource), (isKey || resource == named) && keyID.MatchString(id):
		return o.EC2.KeyNamed(named), nil
	case resource != named:
		return "", awsjson.Errorf("InvalidArnException", "Invalid arn %s", named)
	}
	return "", awsjson.Errorf("NotFoundException", "Invalid keyId '%s'", named)
}
