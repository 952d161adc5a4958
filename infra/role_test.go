package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// statement is a policy's statement as synthesized.
type statement struct {
	actions, resources []string
	condition          map[string]any
}

// policies are the statements of each role, by the role's description.
func policies(t *testing.T, stack stackTemplate) map[string][]statement {
	t.Helper()
	all := map[string][]statement{}
	for _, role := range stack.kind("AWS::IAM::Role") {
		about := fmt.Sprint(role.at("Description"))
		for _, policy := range role.at("Policies").([]any) {
			document := policy.(map[string]any)["PolicyDocument"].(map[string]any)
			for _, s := range document["Statement"].([]any) {
				s := s.(map[string]any)
				if s["Effect"] != "Allow" || s["NotAction"] != nil || s["NotResource"] != nil {
					t.Errorf("%s: %v", about, s)
				}
				condition, _ := s["Condition"].(map[string]any)
				all[about] = append(all[about], statement{several(s["Action"]), several(s["Resource"]), condition})
			}
		}
		if role.at("ManagedPolicyArns") != nil {
			t.Errorf("%s has managed policies", about)
		}
	}
	return all
}

// reads are calls that change nothing.
var reads = regexp.MustCompile(`^\w+:(Describe|Get|List|Query)`)

// nowhere are calls that change something and for which AWS knows no resource: the
// service authorization reference lists none.
var nowhere = []string{
	"states:SendTaskSuccess", "states:SendTaskFailure",
	"xray:PutTraceSegments", "xray:PutTelemetryRecords",
	"logs:CreateLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery", "logs:PutResourcePolicy",
}

func TestNoWildcardOnWhatChangesSomething(t *testing.T) {
	each(t, func(t *testing.T, stack stackTemplate) {
		for about, statements := range policies(t, stack) {
			for _, s := range statements {
				for _, action := range s.actions {
					if strings.Contains(action, "*") {
						t.Errorf("%s may do %s", about, action)
					}
					if slices.Contains(s.resources, "*") && !reads.MatchString(action) && !slices.Contains(nowhere, action) {
						t.Errorf("%s may do %s to anything", about, action)
					}
				}
			}
		}
	})
}

// wide are calls that change something on resources that a wildcard names, without a
// condition, each with the reason.
var wide = map[string]string{
	"ec2:RunInstances": "the network interface and the groups of a test instance; its subnet is named, its " +
		"image and itself are tagged",
	"lambda:InvokeFunction":                "versions of the functions that the definition names",
	"ec2:StartInstances":                   "whoever untagged an instance meanwhile, it comes back",
	"logs:CreateLogStream":                 "streams of the function's own group",
	"logs:PutLogEvents":                    "streams of the function's own group",
	"autoscaling:ExitStandby":              "a member comes back into service, whatever became of its group's tags",
	"autoscaling:SetInstanceProtection":    "a member that is back is protected no longer, whatever became of its group's tags",
	"elasticloadbalancing:RegisterTargets": "a target comes back into its group, whatever became of that one's tags",
	"ssm:PutParameter":                     "the aliases' own path",
	"states:StopExecution":                 "executions of the suite's own machine",
	"states:RedriveExecution":              "executions of the suite's own machine",
}

func TestWildcardsAreConfined(t *testing.T) {
	each(t, func(t *testing.T, stack stackTemplate) {
		used := map[string]bool{}
		for about, statements := range policies(t, stack) {
			for _, s := range statements {
				for _, action := range unconfined(s) {
					if used[action] = true; wide[action] == "" {
						t.Errorf("%s may do %s to %v without a condition", about, action, s.resources)
					}
				}
			}
		}
		for action := range wide {
			if !used[action] {
				t.Errorf("%s is confined by now: take it off the list", action)
			}
		}
	})
}

// unconfined are a statement's actions that change something wherever a wildcard reaches.
func unconfined(s statement) (actions []string) {
	if s.condition != nil || !strings.Contains(strings.Join(s.resources, " "), "*") {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.actions), func(action string) bool {
		return reads.MatchString(action) || slices.Contains(nowhere, action)
	})
}

// What may change instances, images, templates and tags, and under which conditions, is
// written out once more: whoever changes it has to mean it.
func TestWhatMayTouchEC2(t *testing.T) {
	const (
		instance = "arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:instance/*"
		image    = "arn:<AWS::Partition>:ec2:<AWS::Region>::image/*"
		snapshot = "arn:<AWS::Partition>:ec2:<AWS::Region>::snapshot/*"
		volume   = "arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:volume/*"
		network  = "arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:network-interface/* " +
			"arn:<AWS::Partition>:ec2:<AWS::Region>:*:security-group/*"
		template = "arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:launch-template/*"
		group    = "arn:<AWS::Partition>:resource-groups:<AWS::Region>:<AWS::AccountId>:group/*"
		license  = "arn:<AWS::Partition>:license-manager:<AWS::Region>:*:license-configuration:*"
	)
	const traced = " if map[ForAllValues:StringEquals:map[aws:TagKeys:goldsmith:stopped] Null:map[aws:TagKeys:false]]"
	const ours = " if map[StringEquals:map[aws:ResourceTag/goldsmith:managed:true]]"
	want := []string{
		// claim and select send dry runs only (docs/decisions/0019): what could not be started again is not stopped.
		"claim: ec2:StartInstances on " + instance,
		"claim: ec2:StartInstances on " + license,
		"claim: ec2:StartInstances on " + group,
		"image: ec2:CreateImage on " + image + " " + snapshot +
			" if map[StringEquals:map[aws:RequestTag/goldsmith:managed:true]]",
		"image: ec2:CreateImage on " + instance + " if map[StringLike:map[aws:ResourceTag/goldsmith:image:*]]",
		"image: ec2:CreateImage on " + instance + " if map[StringLike:map[aws:ResourceTag/goldsmith:plan:*]]",
		"image: ec2:CreateTags on " + image + " " + snapshot + " if map[StringEquals:map[ec2:CreateAction:CreateImage]]",
		"notify: ec2:DeleteTags on " + instance + " " + snapshot +
			" if map[ForAllValues:StringEquals:map[aws:TagKeys:goldsmith:image] Null:map[aws:TagKeys:false]]",
		"recover: ec2:DeleteSnapshot on " + snapshot + ours,
		"recover: ec2:DeleteTags on " + instance + " " + snapshot +
			" if map[ForAllValues:StringEquals:map[aws:TagKeys:goldsmith:image] Null:map[aws:TagKeys:false]]",
		"recover: ec2:DeleteTags on " + instance + traced,
		"recover: ec2:DeregisterImage on " + image + ours,
		"recover: ec2:StartInstances on " + instance,
		"recover: ec2:StartInstances on " + license,
		"recover: ec2:StartInstances on " + group,
		"recover: ec2:TerminateInstances on " + instance + " if map[StringLike:map[aws:ResourceTag/goldsmith:proof:*]]",
		"release: ec2:CreateTags on " + snapshot +
			" if map[ForAllValues:StringEquals:map[aws:TagKeys:goldsmith:last-image] Null:map[aws:TagKeys:false]]",
		"release: ec2:CreateTags on " + instance +
			" if map[ForAllValues:StringEquals:map[aws:TagKeys:[goldsmith:last-image goldsmith:stopped]] " +
			"Null:map[aws:TagKeys:false]]",
		"release: ec2:DeleteTags on " + instance + " " + snapshot +
			" if map[ForAllValues:StringEquals:map[aws:TagKeys:goldsmith:image] Null:map[aws:TagKeys:false]]",
		"retire: ec2:DeleteLaunchTemplateVersions on " + template +
			" if map[StringLike:map[aws:ResourceTag/goldsmith:source:*]]",
		"retire: ec2:DeleteSnapshot on " + snapshot + ours,
		"retire: ec2:EnableImageDeprecation ec2:DisableImageDeprecation ec2:DisableImage ec2:DeregisterImage on " +
			image + ours,
		"roll: ec2:CreateLaunchTemplateVersion ec2:ModifyLaunchTemplate on " + template +
			" if map[StringLike:map[aws:ResourceTag/goldsmith:source:*]]",
		"rollback: ec2:CreateLaunchTemplateVersion ec2:ModifyLaunchTemplate on " + template +
			" if map[StringLike:map[aws:ResourceTag/goldsmith:source:*]]",
		"snapshot: ec2:CopySnapshot on " + snapshot + " if map[StringEquals:map[aws:RequestTag/goldsmith:managed:true]]",
		"snapshot: ec2:CopySnapshot on " + snapshot + " if map[StringLike:map[aws:ResourceTag/goldsmith:device:*]]",
		"snapshot: ec2:CopySnapshot on " + snapshot + " if map[StringLike:map[aws:ResourceTag/goldsmith:image:*]]",
		"snapshot: ec2:CopySnapshot on " + snapshot + " if map[StringLike:map[aws:ResourceTag/goldsmith:plan:*]]",
		"snapshot: ec2:CreateTags on " + image + " " + snapshot +
			" if map[StringEquals:map[ec2:CreateAction:[CopySnapshot RegisterImage]]]",
		"snapshot: ec2:RegisterImage on " + image + " if map[StringEquals:map[aws:RequestTag/goldsmith:managed:true]]",
		"snapshot: ec2:RegisterImage on " + snapshot + ours,
		"start: ec2:StartInstances on " + instance,
		"start: ec2:StartInstances on " + license,
		"start: ec2:StartInstances on " + group,
		"stop: ec2:CreateTags on " + instance +
			" if map[ForAllValues:StringEquals:map[aws:TagKeys:[goldsmith:stopped goldsmith:last-stop]] " +
			"Null:map[aws:TagKeys:false]]",
		"stop: ec2:StopInstances on " + instance + " if map[StringLike:map[aws:ResourceTag/goldsmith:image:*]]",
		"stop: ec2:StopInstances on " + instance + " if map[StringLike:map[aws:ResourceTag/goldsmith:plan:*]]",
		// The subnets are those of plans; the example plans name none.
		"verify: ec2:CreateTags on " + instance + " " + volume + " if map[StringEquals:map[ec2:CreateAction:RunInstances]]",
		"verify: ec2:RunInstances on " + image + " if map[StringEquals:map[aws:ResourceTag/goldsmith:managed:true]]",
		"verify: ec2:RunInstances on " + instance + " " + volume +
			" if map[StringLike:map[aws:RequestTag/goldsmith:proof:*]]",
		"verify: ec2:RunInstances on " + network,
		"verify: ec2:TerminateInstances on " + instance + " if map[StringLike:map[aws:ResourceTag/goldsmith:proof:*]]",
	}
	each(t, func(t *testing.T, stack stackTemplate) {
		var got []string
		for about, statements := range policies(t, stack) {
			for _, s := range statements {
				if !strings.HasPrefix(s.actions[0], "ec2:") || reads.MatchString(s.actions[0]) {
					continue
				}
				line := strings.TrimPrefix(about, "Goldsmith: function ") + ": " + strings.Join(s.actions, " ") + " on " +
					strings.Join(s.resources, " ")
				if s.condition != nil {
					line += fmt.Sprintf(" if %v", s.condition)
				}
				got = append(got, line)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// Templates that a plan lists by id may be rolled without a tag; by name they need one, which synth tells.
func TestListedTemplates(t *testing.T) {
	s, err := synth(map[string]any{"plans": "testdata/listed.yaml", "nag": "off"})
	if err != nil {
		t.Fatal(err)
	}
	want := "arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:launch-template/lt-0123456789abcdef0"
	found := slices.ContainsFunc(policies(t, s.only(t))["Goldsmith: function roll"], func(s statement) bool {
		return slices.Contains(s.resources, want) && slices.Contains(s.actions, "ec2:ModifyLaunchTemplate")
	})
	if !found {
		t.Errorf("roll may not change %s", want)
	}
	for _, grant := range []string{
		"autoscaling:StartInstanceRefresh " +
			"arn:<AWS::Partition>:autoscaling:<AWS::Region>:<AWS::AccountId>:autoScalingGroup:*:autoScalingGroupName/*",
		"ec2:RunInstances arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:*/*",
	} {
		if here, plain := grants(t, s.only(t))[grant], grants(t, plainly().only(t))[grant]; !here || plain {
			t.Errorf("%s is granted where a plan refreshes groups: %v, and where none does: %v", grant, here, plain)
		}
	}
	const warning = "plan listed lists web-template for web by name, and policies know launch templates by id: put the " +
		"tag goldsmith:source=web on it"
	if !strings.Contains(strings.Join(s.messages, "\n"), warning) {
		t.Errorf("nobody is told: %q", s.messages)
	}
}

// A service assumes a role for this account only.
func TestTrust(t *testing.T) {
	each(t, func(t *testing.T, stack stackTemplate) {
		for _, role := range stack.kind("AWS::IAM::Role") {
			trust := fmt.Sprint(role.at("AssumeRolePolicyDocument"))
			confined := strings.Contains(trust, "aws:SourceAccount:<AWS::AccountId>")
			// Lambda assumes a function's role without naming a source.
			if !confined && !strings.Contains(trust, "lambda.amazonaws.com") {
				t.Errorf("%s: %s", role.name, trust)
			}
		}
	})
}

// Features that are off cost no permission, and those that are on get theirs. The keys of volumes are looked at anyhow.
func TestFeatures(t *testing.T) {
	for grant := range grants(t, plainly().only(t)) {
		if grant == "kms:DescribeKey arn:<AWS::Partition>:kms:<AWS::Region>:*:key/*" {
			continue
		}
		if strings.HasPrefix(grant, "kms:") || strings.HasPrefix(grant, "secretsmanager:") {
			t.Errorf("there is neither key nor secret, but %s", grant)
		}
	}
	granted := grants(t, fully().only(t))
	for _, want := range []string{
		"kms:CreateGrant " + full["kmsKeys"].(string), "kms:Decrypt " + full["slackKeys"].(string), "kms:Decrypt " +
			full["tableKeys"].(string),
		"secretsmanager:GetSecretValue " +
			"arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:goldsmith/slack-??????",
		"ssm:PutParameter arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter/golden/web",
	} {
		if !granted[want] {
			t.Errorf("not granted: %s", want)
		}
	}
}

// grants are all pairs of an action and the first resource it is allowed on.
func grants(t *testing.T, stack stackTemplate) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, statements := range policies(t, stack) {
		for _, s := range statements {
			for _, action := range s.actions {
				all[action+" "+s.resources[0]] = true
			}
		}
	}
	return all
}
