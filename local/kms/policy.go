package kms

import (
	"strings"

	"goldsmith/local/awsjson"
)

type policyInput struct {
	KeyID      string `json:"KeyId"`
	PolicyName string
}

type policyOutput struct {
	Policy, PolicyName string
}

// policy: the only name is default, and another account's key cannot be asked about (API reference, GetKeyPolicy).
func (o Options) policy(in policyInput) (out policyOutput, err error) {
	arn, err := o.own(in.KeyID, "GetKeyPolicy")
	if err != nil {
		return out, err
	}
	if in.PolicyName != "" && in.PolicyName != "default" {
		return out, awsjson.Errorf("NotFoundException", "No such policy exists")
	}
	policy, _ := o.EC2.KeyUsers(arn)
	return policyOutput{Policy: policy, PolicyName: "default"}, nil
}

type grantsInput struct {
	KeyID  string `json:"KeyId"`
	Limit  int
	Marker string
}

type grantsOutput struct {
	Grants     []grant
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

type grant struct {
	GrantID          string `json:"GrantId"`
	GranteePrincipal string
	IssuingAccount   string
	KeyID            string `json:"KeyId"`
	Operations       []string
}

// pageOfGrants is ListGrants' page where no limit is given (API reference, ListGrants).
const pageOfGrants = 50

func (o Options) grants(in grantsInput) (out grantsOutput, err error) {
	arn, err := o.own(in.KeyID, "ListGrants")
	if err != nil {
		return out, err
	}
	most := pageOfGrants
	if in.Limit > 0 {
		most = in.Limit
	}
	_, all := o.EC2.KeyUsers(arn)
	page, next, err := awsjson.Page(all, in.Marker, most)
	if err != nil {
		return out, awsjson.Errorf("InvalidMarkerException", "Invalid marker")
	}
	out = grantsOutput{Grants: []grant{}, NextMarker: next, Truncated: next != ""}
	for _, g := range page {
		out.Grants = append(out.Grants, grant{
			GrantID: g.ID, GranteePrincipal: g.Principal, IssuingAccount: o.Account, KeyID: arn, Operations: g.Operations,
		})
	}
	return out, nil
}

// own is the ARN of one of the account's own keys, which GetKeyPolicy and ListGrants take by its id or ARN alone (API
// reference).
func (o Options) own(named, action string) (string, error) {
	switch {
	case named == "":
		return "", awsjson.Required("keyId")
	case alias.MatchString(named[strings.LastIndex(named, ":")+1:]):
		return "", awsjson.Errorf("NotFoundException", "Invalid keyId '%s'", named)
	}
	arn, err := o.arn(named)
	if err != nil {
		return "", err
	}
	if account := strings.Split(arn, ":")[4]; account != o.Account {
		return "", awsjson.Errorf("AccessDeniedException", "User: arn:aws:iam::%s:role/embedded is not authorized to "+
			"perform: kms:%s on resource: %s because the resource does not exist in this account", o.Account, action, arn)
	}
	_, err = o.key(arn, action)
	return arn, err
}
