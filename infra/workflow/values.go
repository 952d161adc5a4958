package workflow

import (
	"fmt"
	"regexp"
	"strings"
)

// Values fill the ${placeholders} of environments and statements. A placeholder
// may stand for several values, or for none: then what holds it is left out.
type Values map[string][]string

// The placeholders, beside Partition.
const (
	// Region and Account are the target's.
	Region  = "Region"
	Account = "Account"
	// Table and TableArn are the ledger's DynamoDB table.
	Table    = "Table"
	TableArn = "TableArn"
	// DeadLettersArn is the queue for what could not be delivered or handled.
	DeadLettersArn = "DeadLettersArn"
	// StateMachineAlias is the ARN of the state machine's alias.
	StateMachineAlias = "StateMachineAlias"
	// ImagePath is the Parameter Store path of the aliases, such as /goldsmith/images.
	ImagePath = "ImagePath"
	// SlackSecret is the setting, "off" when there is none; SlackSecretArn what a policy names.
	SlackSecret    = "SlackSecret"
	SlackSecretArn = "SlackSecretArn"
	// Topic is the setting, "off" when no plan is told by SNS; TopicArn what a policy names. EventBus is the ARN of the
	// default event bus where a plan is told by it, and nothing elsewhere.
	Topic = "Topic"
	// Bucket is the setting, "off" when no plan's messages lead to pages; Pages are the ARNs of the pages, SignedPages
	// the same where links are presigned.
	Bucket      = "Bucket"
	Pages       = "Pages"
	SignedPages = "SignedPages"
	// Channels are those that plans are told by.
	Channels = "Channels"
	TopicArn = "TopicArn"
	EventBus = "EventBus"
	// SlackKeys, TableKeys and VolumeKeys are ARNs of the customer's own KMS keys, if any.
	SlackKeys  = "SlackKeys"
	TableKeys  = "TableKeys"
	VolumeKeys = "VolumeKeys"
	// PlanSums is the setting with sums of the plans.
	PlanSums = "PlanSums"
	// Version is the release.
	Version = "Version"
	// GrantedKeys is the setting with VolumeKeys, "off" when there is none.
	GrantedKeys = "GrantedKeys"
	// Parameters are names of parameters outside of ImagePath that templates take their image from.
	Parameters = "Parameters"
	// Groups is "*" where a plan refreshes Auto Scaling groups, and nothing elsewhere.
	Groups = "Groups"
	// Standbys is "*" where a plan puts members of Auto Scaling groups into Standby, and nothing elsewhere.
	Standbys = "Standbys"
	// Replaces is "*" where a plan has the groups of members in Standby launch others, and nothing elsewhere.
	Replaces = "Replaces"
	// Drains is "*" where a plan takes instances out of their target groups, and nothing elsewhere.
	Drains = "Drains"
	// Clones is "*" where a plan makes general images, and nothing elsewhere.
	Clones = "Clones"
	// Hooks is "*" where a plan has commands run on its sources, and HookDocument the document by which that is done;
	// nothing elsewhere.
	Hooks        = "Hooks"
	HookDocument = "HookDocument"
	// Shares is "*" where a plan shares its images, and nothing elsewhere.
	Shares = "Shares"
	// LookedKeys are the keys of which it is looked at who may use them: any of the account where a plan shares its
	// images, VolumeKeys elsewhere.
	LookedKeys = "LookedKeys"
	// ShareRegions are the Regions of copies that plans share, CopyShares is "*" where there are any. AnyShares is "*"
	// where images or copies are shared.
	ShareRegions = "ShareRegions"
	CopyShares   = "CopyShares"
	AnyShares    = "AnyShares"
	// Copies is "*" where a plan copies its images, and nothing elsewhere; CopyRegions are the Regions of copies,
	// AliasRegions those of them where plans name keys by the aliases of CopyAliases, and CopyKeys the ARNs of the other
	// keys. SourceKeys are VolumeKeys there, and nothing elsewhere.
	Copies       = "Copies"
	CopyRegions  = "CopyRegions"
	AliasRegions = "AliasRegions"
	CopyAliases  = "CopyAliases"
	CopyKeys     = "CopyKeys"
	// RollRegions are the Regions in which plans have copies rolled, RolledCopies is "*" where there are any.
	RollRegions  = "RollRegions"
	RolledCopies = "RolledCopies"
	SourceKeys   = "SourceKeys"
	// PassedRoles are ARNs of the roles in the instance profiles of templates that such groups use, CopyRoles the same
	// where copies are rolled, and none elsewhere.
	PassedRoles = "PassedRoles"
	CopyRoles   = "CopyRoles"
	// Templates are the ids of the launch templates that plans list.
	Templates = "Templates"
	// Subnets and Profiles are those that plans name for test instances.
	Subnets  = "Subnets"
	Profiles = "Profiles"
)

// placeholder is replaced in one pass, since a value may itself hold a ${Token} of the CDK.
var placeholder = regexp.MustCompile(`\$\{\w+\}`)

// Fill replaces every placeholder in a text: one text for each value of a
// placeholder that has several, none when it has none.
func (v Values) Fill(text string) ([]string, error) {
	at := placeholder.FindStringIndex(text)
	if at == nil {
		return []string{text}, nil
	}
	name := text[at[0]+2 : at[1]-1]
	values, known := v[name]
	if !known {
		return nil, fmt.Errorf("%s: no value for %s", text, name)
	}
	rest, err := v.Fill(text[at[1]:])
	if err != nil {
		return nil, err
	}
	var filled []string
	for _, value := range values {
		for _, end := range rest {
			filled = append(filled, text[:at[0]]+value+end)
		}
	}
	return filled, nil
}

// All fills a list of texts.
func (v Values) All(texts []string) ([]string, error) {
	var filled []string
	for _, text := range texts {
		some, err := v.Fill(text)
		if err != nil {
			return nil, err
		}
		filled = append(filled, some...)
	}
	return filled, nil
}

// Environment is the function's environment with its values.
func (v Values) Environment(f Function) (map[string]string, error) {
	filled := map[string]string{}
	for name, text := range f.Environment {
		values, err := v.Fill(text)
		if err != nil {
			return nil, err
		}
		filled[name] = strings.Join(values, ",")
	}
	return filled, nil
}

// Policy is the statements with their values; one that is left without a resource is left out.
func (v Values) Policy(statements []Statement) ([]Statement, error) {
	var filled []Statement
	for _, s := range statements {
		var err error
		if s.Resources, err = v.All(s.Resources); err != nil {
			return nil, err
		}
		if s.Condition, err = v.condition(s.Condition); err != nil {
			return nil, err
		}
		if len(s.Resources) > 0 {
			filled = append(filled, s)
		}
	}
	return filled, nil
}

func (v Values) condition(c Condition) (Condition, error) {
	if c == nil {
		return nil, nil
	}
	filled := Condition{}
	for operator, keys := range c {
		filled[operator] = map[string][]string{}
		for key, texts := range keys {
			values, err := v.All(texts)
			if err != nil {
				return nil, err
			}
			filled[operator][key] = values
		}
	}
	return filled, nil
}
