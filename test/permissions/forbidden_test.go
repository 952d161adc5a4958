package permissions

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"goldsmith/infra/workflow"
	"goldsmith/shared/tag"
)

// forbidden are requests that must be denied, by role: what a policy that is a little too
// wide would allow.
func forbidden(g *guard) map[string][]Request {
	all := map[string][]Request{}
	for role := range g.policies {
		all[role] = slices.Concat(
			elsewhere(g.allowed[role], role),
			siblings(g.allowed[role], role),
			keyless(g.allowed[role], role),
			othersWork(g.allowed, role),
			tables(g.allowed[role]),
			never(nobodys(g.scene), role),
			confined(g.scene),
			commands(g.scene, role),
			abroad(g.scene, role),
			readers(g.scene, role),
		)
	}
	return all
}

// The parts of an ARN.
const (
	service = 2
	region  = 3
	account = 4
	rest    = 5
)

// changing is what some roles do to what is Goldsmith's, and none does to anything else; see confined.
var changing = map[string][]string{
	"retire": {"ec2:DeregisterImage", "ec2:DisableImage", "ec2:DeleteSnapshot", "ec2:DeleteLaunchTemplateVersions",
		"ec2:ModifyImageAttribute", "ec2:ModifySnapshotAttribute"},
	"copy": {"ec2:CopyImage", "ec2:DeregisterImage", "ec2:DeleteSnapshot", "ec2:ModifyImageAttribute",
		"ec2:ModifySnapshotAttribute"},
	"recover": {"ec2:DeregisterImage", "ec2:DeleteSnapshot"},
	"share":   {"ec2:ModifyImageAttribute", "ec2:ModifySnapshotAttribute"},
}

// anyParameter: any launch template may name any parameter, another account's included, and who asks
// what an image is used by has to read them all.
func anyParameter(role string, r Request) bool {
	return r.Action == "ssm:GetParameters" && (role == "retire" || role == "recover")
}

// anyKey: volumes may be under any key, another account's included, and what may become of a key by a look is nothing.
func anyKey(role string, r Request) bool {
	return r.Action == "kms:DescribeKey" && (role == "select" || role == "claim")
}

// aliasedKey: a key may be whichever has the alias that a plan names.
func aliasedKey(r Request) bool { return len(r.Keys["kms:ResourceAliases"]) > 0 }

// abroad is what no role may do in the Regions of copies, and what those do there that are there for it, done to others
// or in another way.
func abroad(s Scene, role string) (requests []Request) {
	const id = "0123456789abcdef0"
	home := s
	for _, s.Region = range []string{paris, oregon} {
		requests = append(requests, slices.Concat(never(nobodys(s), role), confined(s))...)
		key, keys := key(s, keysOfCopies[oregon]), map[string][]string{
			"kms:ViaService": {"ec2." + s.Region + ".amazonaws.com"}, "kms:ResourceAliases": {"alias/golden"},
			"kms:GrantIsForAWSResource": {"true"},
		}
		requests = append(requests, Request{"kms:ScheduleKeyDeletion", key, keys}, Request{"ec2:ModifyImageAttribute",
			s.public("image/*"), map[string][]string{"ec2:CreateAction": {"CopyImage"}}})
	}
	for _, kind := range []string{"image", "snapshot"} {
		requests = append(requests, Request{"ec2:CopyImage", s.public(kind + "/*"), nil})
	}
	for _, keys := range []map[string][]string{nil, {"aws:ResourceTag/Name": {"web"}}} {
		requests = append(requests, Request{"ec2:CopyImage", home.resource("ami-" + id), keys})
	}
	tagged := map[string][]string{"aws:ResourceTag/" + tag.Managed: {"true"}}
	requests = append(requests,
		all([]string{"ec2:DeleteSnapshot", "ec2:ModifySnapshotAttribute"}, home.resource("snap-"+id),
			nil)...)
	if role != "retire" && role != "copy" {
		requests = append(requests, Request{"ec2:DeregisterImage", s.resource("ami-" + id), tagged})
	}
	return slices.DeleteFunc(requests, func(r Request) bool {
		copied := r.Action == "ec2:CreateTags" && slices.Equal(r.Keys["ec2:CreateAction"], []string{"CopyImage"})
		return role == "copy" && copied && !strings.Contains(r.Resource, ":"+home.Region+":") || anyParameter(role, r)
	})
}

// ownKey: volumes may be under any key of the account, and what may become of one by a look is nothing.
func ownKey(role string, r Request) bool {
	return (role == "claim" || role == "select") && (r.Action == "kms:GetKeyPolicy" || r.Action == "kms:ListGrants")
}

// never leaves out what a role is there for.
func never(requests []Request, role string) []Request {
	return slices.DeleteFunc(requests, func(r Request) bool { return slices.Contains(changing[role], r.Action) })
}

// elsewhere is what a role does, done in another Region or another account; only
// licenses, keys that are looked at, and the parameters that templates name, are shared between accounts.
func elsewhere(requests map[string]Request, role string) (all []Request) {
	for _, r := range requests {
		parts := strings.SplitN(r.Resource, ":", rest+1)
		if len(parts) <= rest {
			continue
		}
		for part, other := range map[int]string{region: "us-east-1", account: "888888888888"} {
			shared := part == account && (parts[service] == "license-manager" || anyParameter(role, r) ||
				anyKey(role, r) || inSharedVPC(parts[rest]))
			if parts[part] != "" && !shared {
				all = append(all, Request{r.Action, strings.Join(replaced(parts, part, other), ":"), r.Keys})
			}
		}
	}
	return all
}

// inSharedVPC: a VPC's subnets and security groups may be another account's, which shares them.
func inSharedVPC(resource string) bool {
	return strings.HasPrefix(resource, "subnet/") || strings.HasPrefix(resource, "security-group/")
}

// siblings are what a role does, done to another resource of the kind, and to one whose
// name begins alike. EC2's resources are told apart by tags, see confined; licenses are not told apart.
func siblings(requests map[string]Request, role string) (all []Request) {
	for _, r := range requests {
		parts := strings.SplitN(r.Resource, ":", rest+1)
		if len(parts) <= rest || alone(role, r, parts[service]) {
			continue
		}
		kind := parts[rest][:strings.IndexAny(parts[rest], ":/")+1]
		all = append(all, Request{r.Action, strings.Join(replaced(parts, rest, kind+"other:other"), ":"), r.Keys},
			Request{r.Action, strings.Join(replaced(parts, rest, kind+"other"), ":"), r.Keys})
		if !strings.Contains(kind, "execution") && kind != "log-group:" && !open(parts[rest]) {
			all = append(all, Request{r.Action, alike(r.Resource), r.Keys})
		}
	}
	return all
}

// alone reports whether a role may do to every resource of the kind what it does to one, or tags tell them apart.
func alone(role string, r Request, service string) bool {
	return slices.Contains([]string{"ec2", "license-manager", "resource-groups"}, service) ||
		anyParameter(role, r) || anyKey(role, r) || ownKey(role, r) || aliasedKey(r)
}

// open are resources of which a role may use all whose names begin alike.
func open(resource string) bool {
	return slices.ContainsFunc([]string{
		"parameter/goldsmith/images/", "schedule/goldsmith/", "autoScalingGroup:", "targetgroup/",
		"mapRun:" + workflow.Name + "/" + workflow.MapLabel + ":",
	}, func(prefix string) bool { return strings.HasPrefix(resource, prefix) })
}

// alike is another resource whose name begins alike. A function's versions are all its own.
func alike(arn string) string {
	if function, version, ok := strings.Cut(arn, ":function:"); ok {
		name, number, _ := strings.Cut(version, ":")
		return strings.TrimSuffix(function+":function:"+name+"2:"+number, ":")
	}
	return arn + "2"
}

// keyless are the uses of customer keys with one of the condition keys missing, or of another
// service: a key is for nothing but what AWS does with it for the suite.
func keyless(requests map[string]Request, role string) (all []Request) {
	for _, r := range requests {
		if !strings.HasPrefix(r.Action, "kms:") || anyKey(role, r) {
			continue
		}
		for key := range r.Keys {
			less, other := maps.Clone(r.Keys), maps.Clone(r.Keys)
			delete(less, key)
			other[key] = []string{"false"}
			all = append(all, Request{r.Action, r.Resource, less}, Request{r.Action, r.Resource, other})
		}
	}
	return all
}

// othersWork is what other roles do and this one never does.
func othersWork(allowed map[string]map[string]Request, role string) (all []Request) {
	own := actionsOf(allowed[role])
	for _, requests := range allowed {
		for _, r := range requests {
			if !own[r.Action] {
				all = append(all, r)
			}
		}
	}
	return all
}

// tables are the calls that reach a whole table, on those that a role knows.
func tables(requests map[string]Request) (all []Request) {
	for _, r := range requests {
		if strings.HasPrefix(r.Action, "dynamodb:") {
			all = append(all, Request{"dynamodb:Scan", r.Resource, nil}, Request{"dynamodb:DeleteTable", r.Resource, nil})
		}
	}
	return all
}

// nobodys is what no role may do, whatever the resource carries and the request says:
// nothing is deleted, and nobody extends his own permissions.
func nobodys(s Scene) (requests []Request) {
	const id = "0123456789abcdef0"
	instance, execution := s.resource("i-"+id), s.ARN("states", "execution:"+workflow.Name)
	image, snapshot := s.resource("ami-"+id), s.resource("snap-"+id)
	actions := map[string][]string{
		"*": {"ec2:DescribeVpcs", "xray:UpdateGroup", "logs:DeleteLogGroup", "states:GetActivityTask",
			"autoscaling:UpdateAutoScalingGroup", "elasticloadbalancing:DescribeLoadBalancers", "imagebuilder:DeleteImage",
			"servicequotas:RequestServiceQuotaIncrease",
			"organizations:LeaveOrganization"},
		instance: {"ec2:RebootInstances", "ec2:ModifyInstanceAttribute", "ssm:StartSession"},
		// What a test instance is launched with, or into.
		s.ARN("ec2", "volume/vol-"+id):             {"ec2:DeleteVolume"},
		s.ARN("ec2", "network-interface/eni-"+id):  {"ec2:DeleteNetworkInterface"},
		s.resource(testSubnet):                     {"ec2:DeleteSubnet"},
		testRole(s):                                {"iam:DeleteRole"},
		s.ARN("ec2", "image-usage-report/*"):       {"ec2:DeleteImageUsageReport"},
		s.ARN("ssm", "document/"+workflow.Command): {"ssm:CreateAssociation", "ssm:UpdateDocument"},
		image: {"ec2:DeregisterImage", "ec2:ModifyImageAttribute", "ec2:DisableImage",
			"ec2:CopyImage"},
		snapshot: {"ec2:DeleteSnapshot", "ec2:ModifySnapshotAttribute"},
		s.resource("lt-0f07703cdd2f88af6"): {"ec2:DeleteLaunchTemplate", "ec2:DeleteLaunchTemplateVersions",
			"ec2:DeleteTags"},
		parameter(s, "/goldsmith/images/web"):          {"ssm:DeleteParameter"},
		parameter(s, "/golden/web"):                    {"ssm:DeleteParameter"},
		s.Secret("goldsmith/slack"):                    {"secretsmanager:PutSecretValue"},
		s.ARN("events", "event-bus/default"):           {"events:PutRule", "events:PutPermission"},
		s.ARN("sns", "goldsmith-runs"):                 {"sns:Subscribe", "sns:DeleteTopic"},
		object(s, pages+"/runs/a-run.html"):            {"s3:DeleteObject", "s3:PutObjectAcl"},
		object(s, pages):                               {"s3:ListBucket", "s3:PutBucketPolicy"},
		s.ARN("states", "stateMachine:"+workflow.Name): {"states:UpdateStateMachine"},
		s.license():                                                {"ec2:StopInstances"},
		s.resourceGroup():                                          {"ec2:StopInstances"},
		s.shared("subnet/" + testSubnet):                           {"ec2:DeleteSubnet"},
		s.shared("subnet/subnet-1"):                                {"ec2:DeleteSubnet"},
		s.shared("security-group/sg-1"):                            {"ec2:DeleteSecurityGroup"},
		s.ARN("ec2", "spot-instances-request/sir-1"):               {"ec2:CancelSpotInstanceRequests"},
		execution + ":a-run":                                       {"states:GetExecutionHistory"},
		execution + ":request-i-1-v1":                              {"states:GetExecutionHistory"},
		execution + "/" + workflow.MapLabel + ":a-child":           {"states:UpdateMapRun"},
		s.ARN("sqs", workflow.Name+"-dead-letters"):                {"sqs:ReceiveMessage"},
		s.ARN("scheduler", "schedule/goldsmith/goldsmith-nightly"): {"scheduler:UpdateSchedule", "scheduler:DeleteSchedule"},
		s.group("fleet"): {"autoscaling:UpdateAutoScalingGroup",
			"autoscaling:DeleteAutoScalingGroup", "autoscaling:CancelInstanceRefresh"},
		"arn:aws:iam::123456789012:role/admin": {"iam:PassRole", "sts:AssumeRole"},
		keys.Table:                             {"kms:ScheduleKeyDeletion"},
		keys.Secret:                            {"kms:ScheduleKeyDeletion"}, keys.Volume: {"kms:ScheduleKeyDeletion"},
		s.ARN("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab"): {"kms:PutKeyPolicy", "kms:CreateGrant"},
	}
	for _, f := range workflow.Functions {
		actions[s.ARN("lambda", "function:"+f.Deployed())] = []string{"lambda:UpdateFunctionCode"}
		actions[s.ARN("lambda", "function:"+f.Deployed()+":1")] = []string{"lambda:DeleteFunction"}
		actions[s.Running(f.Name)[0].Resource] = []string{"logs:DeleteLogStream"}
	}
	for resource, names := range actions {
		for _, keys := range wellKnown(s) {
			requests = append(requests, all(names, resource, keys)...)
		}
	}
	return requests
}

// wellKnown are condition keys with which the policies' conditions hold.
func wellKnown(s Scene) (all []map[string][]string) {
	for _, via := range []string{"ec2", "dynamodb", "secretsmanager"} {
		for key, creating := range map[string]string{
			tag.LastImage: "CreateImage", tag.Request: "RunInstances", tag.Device: "CopySnapshot",
		} {
			all = append(all, map[string][]string{
				"aws:ResourceTag/" + tag.BootTest: {"nightly-1"}, "aws:RequestTag/" +
					tag.BootTest: {"nightly-1"}, "ssm:resourceTag/" +
					tag.BootTest: {"nightly-1"},
				"ssm:resourceTag/" + tag.Plan: {"nightly"}, "ssm:resourceTag/" + tag.Request: {"now"}, "ssm:resourceTag/" +
					tag.LastStop: {"nightly"},
				"iam:PassedToService":            {"ec2.amazonaws.com"},
				"aws:ResourceTag/" + tag.Managed: {"true"}, "aws:ResourceTag/" + tag.Plan: {"nightly"}, "aws:ResourceTag/" +
					tag.Request: {"now"},
				"aws:ResourceTag/" + tag.Source: {"web"}, "aws:RequestTag/" + tag.Managed: {"true"}, "aws:TagKeys": {key},
				"events:source": {"goldsmith"}, "ec2:CreateAction": {creating}, "kms:GrantIsForAWSResource": {"true"},
				"aws:CalledVia": throughEC2["aws:CalledVia"], "kms:ViaService": {via + "." + s.Region + ".amazonaws.com"},
			})
		}
	}
	return all
}

// confined is what roles do to resources of the suite or in its way, done to others or
// in another way. It holds for all roles.
func confined(s Scene) []Request {
	const id = "0123456789abcdef0"
	instance, volume, template := s.resource("i-"+id), s.resource("volume/vol-"+id), s.resource("lt-"+id)
	foreign := map[string][]string{"aws:ResourceTag/Name": {"web"}, "aws:ResourceTag/goldsmith:planner": {"nightly"}}
	listed := s.resource("lt-0f07703cdd2f88af6") + "2"
	requests := slices.Concat(
		// Events that say to be another's, and texts to the alarms' topic.
		all([]string{"events:PutEvents"}, s.ARN("events", "event-bus/default"), map[string][]string{
			"events:source": {"deployments"},
		}),
		all([]string{"events:PutEvents"}, s.ARN("events", "event-bus/others"), map[string][]string{
			"events:source": {"goldsmith"},
		}),
		all([]string{"sns:Publish"}, s.ARN("sns", workflow.Name+"-alarms"), nil),
		// What is no page, or is not in the suite's own bucket.
		all([]string{"s3:PutObject", "s3:GetObject"}, object(s, pages+"/a-run.html"), nil),
		all([]string{"s3:PutObject", "s3:GetObject"}, object(s, "others/runs/a-run.html"), nil),
		// An instance that nobody enrolled and of which nobody asked an image.
		all([]string{"ec2:StopInstances", "ec2:CreateImage"}, instance, foreign),
		// A launch template that neither subscribes nor is listed.
		all([]string{"ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"}, template, foreign),
		all([]string{"ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"}, listed, foreign),
		all([]string{"ec2:DeleteLaunchTemplateVersions"}, template, foreign),
		all([]string{"ec2:DeleteLaunchTemplateVersions"}, listed, foreign),
		// Images and snapshots that Goldsmith did not make.
		all([]string{"ec2:EnableImageDeprecation", "ec2:DisableImageDeprecation", "ec2:DisableImage", "ec2:DeregisterImage"},
			s.resource("ami-"+id), foreign),
		all([]string{"ec2:DeleteSnapshot"}, s.resource("snap-"+id), foreign),
		all([]string{"ec2:ModifyImageAttribute", "ec2:CreateImageUsageReport"}, s.resource("ami-"+id), foreign),
		all([]string{"ec2:ModifySnapshotAttribute"}, s.resource("snap-"+id), foreign),
		// What only DescribeImageReferences may look at.
		all([]string{"ssm:DescribeParameters", "imagebuilder:ListImageRecipes", "imagebuilder:ListContainerRecipes",
			"imagebuilder:GetContainerRecipe"}, "*", nil),
		// Parameters that are no alias of ours.
		all([]string{"ssm:GetParameter", "ssm:PutParameter"}, parameter(s, "/goldsmith/images-of-another/web"), nil),
		all([]string{"ssm:GetParameter", "ssm:PutParameter"}, parameter(s, "/golden/database"), nil),
	)
	requests = append(requests, tests(s)...)
	// What may be done because a launch template, or a launch, or EC2 is in it, and nothing else.
	launching := map[string][]string{"ec2:LaunchTemplate": {template}, "ec2:CreateAction": {"RunInstances"},
		"iam:PassedToService": {"ec2.amazonaws.com"}}
	requests = append(requests, all([]string{"ec2:TerminateInstances", "ec2:StopInstances"}, instance, launching)...)
	requests = append(requests, all([]string{"ec2:DeleteSubnet"}, s.shared("subnet/subnet-1"), launching)...)
	requests = append(requests, Request{"iam:DeleteRole", Passed, launching}, Request{"iam:PassRole", Passed, nil},
		Request{"iam:PassRole", Passed, map[string][]string{"iam:PassedToService": {"lambda.amazonaws.com"}}})
	// Images and snapshots that do not say whose they are, and tags on those that are there.
	for _, kind := range []string{"image", "snapshot"} {
		created, there := s.public(kind+"/*"), s.public(kind+"/x-"+id)
		for _, keys := range []map[string][]string{nil, {"aws:RequestTag/" + tag.Managed: {"false"}},
			{"aws:ResourceTag/" + tag.Managed: {"true"}}} {
			requests = append(requests, Request{"ec2:CreateImage", created, keys}, Request{"ec2:CreateTags", there, keys})
		}
		for _, creating := range []string{"CopyImage", "CreateSnapshot", "RunInstances"} {
			requests = append(requests, Request{"ec2:CreateTags", created, map[string][]string{"ec2:CreateAction": {creating}}})
		}
	}
	return append(requests, tags(s, instance, volume, template)...)
}

// testRole is that of the profile that a plan names.
func testRole(s Scene) string { return "arn:" + s.Partition + ":iam::" + s.ID + ":role/tested" }

// tests are instances launched and ended, and commands run, that are no test's.
func tests(s Scene) (requests []Request) {
	const id = "0123456789abcdef0"
	instance := s.resource("i-" + id)
	ours := map[string][]string{"aws:RequestTag/" + tag.Managed: {"true"}, "aws:ResourceTag/" + tag.Plan: {"nightly"},
		"ssm:resourceTag/" + tag.Plan: {"nightly"}}
	for _, resource := range []string{
		instance, s.ARN("ec2", "volume/vol-"+id), s.resource("ami-" + id), s.resource("subnet-" + id),
		s.resource(testSubnet + "2"),
		s.ARN("ec2", "launch-template/lt-"+id), s.ARN("ec2", "key-pair/admin"),
	} {
		requests = append(requests, Request{"ec2:RunInstances", resource, ours})
	}
	requests = append(requests, all([]string{"ec2:TerminateInstances"}, instance, ours)...)
	return append(requests,
		Request{"iam:PassRole", testRole(s), nil},
		Request{"iam:PassRole", testRole(s), map[string][]string{"iam:PassedToService": {"lambda.amazonaws.com"}}})
}

// commands are those that a role may not send: by other documents than the suite's, to what is no source, and to
// sources by those who are not there for that.
func commands(s Scene, role string) (requests []Request) {
	instance := s.resource("i-0123456789abcdef0")
	tagged := func(keys ...string) map[string][]string {
		carries := map[string][]string{}
		for _, key := range keys {
			carries["ssm:resourceTag/"+key] = []string{"nightly"}
		}
		return carries
	}
	requests = append(requests, Request{"ssm:SendCommand", instance, nil},
		Request{"ssm:SendCommand", instance, tagged("goldsmith:planner", tag.LastImage, "Name")},
		Request{"ssm:SendCommand", fmt.Sprintf("arn:%s:ssm:%s::document/AWS-RunShellScript", s.Partition, s.Region), nil},
		Request{"ssm:SendCommand", s.ARN("ssm", "document/"+workflow.Command+"2"), nil})
	if role != "hook" && role != "release" && role != "recover" {
		requests = append(requests, Request{"ssm:SendCommand", instance, tagged(tag.Plan, tag.Request)})
	}
	if role != "recover" {
		requests = append(requests, Request{"ssm:SendCommand", instance, tagged(tag.LastStop)})
	}
	if role != "verify" {
		requests = append(requests, Request{"ssm:SendCommand", instance, tagged(tag.BootTest)})
	}
	return requests
}

// tags are tags written and removed that are not the suite's to write or remove. A call that
// names no tag takes off all of them.
func tags(s Scene, resources ...string) (requests []Request) {
	for _, resource := range resources {
		for _, keys := range [][]string{nil, {"Name"}, {tag.Plan}, {tag.LastImage, "Name"}, {tag.Request, tag.Plan},
			{tag.LastImage, tag.Request}, {tag.Stopped, "Name"}} {
			given := map[string][]string{"aws:ResourceTag/" + tag.Plan: {"nightly"}}
			if keys != nil {
				given["aws:TagKeys"] = keys
			}
			requests = append(requests, Request{"ec2:CreateTags", resource, given}, Request{"ec2:DeleteTags", resource, given})
		}
		requests = append(requests,
			Request{"ec2:CreateTags", resource, map[string][]string{"aws:TagKeys": {tag.Request}}},
			Request{"ec2:RunInstances", resource, map[string][]string{"aws:TagKeys": {tag.Stopped}}},
			Request{"ec2:DeleteTags", resource, map[string][]string{"aws:TagKeys": {tag.LastImage}}})
	}
	snapshot := s.resource("snap-0123456789abcdef0")
	for _, key := range []string{tag.Stopped, tag.Managed, tag.Request} {
		requests = append(requests, Request{"ec2:CreateTags", snapshot, map[string][]string{"aws:TagKeys": {key}}})
	}
	for _, key := range []string{tag.LastImage, tag.Managed, tag.Stopped} {
		requests = append(requests, Request{"ec2:DeleteTags", snapshot, map[string][]string{"aws:TagKeys": {key}}})
	}
	return append(requests, Request{"ec2:DeleteTags", snapshot, nil})
}
