package night_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// reasonSituations are those in which sources are left alone, or warned of, for what no other chapter tells of.
func reasonSituations() []*situation {
	return append(changingSituations(), []*situation{
		{what: "an instance runs on a Dedicated Host, is a Mac, or has slow or kept volumes", story: func(n *night) {
			n.launch("web", "private host")
			n.launch("mac", "private host mac2.metal image="+n.macImage())
			n.launch("logs", "private st1")
			n.launch("db", "private kept")
			n.template("base", "db", "t3.micro", ec2.ImageX86)
			n.run()
		}},
		{what: "volumes are left out, the root is named, and EC2 makes a snapshot all the same", story: func(n *night) {
			n.EC2.SetNoDevice(ec2.HoldsAllTheSame)
			n.launch("db", "private gp3")
			n.run()
		}, options: stack.Options{Plans: leaving(plan.Volumes{LeaveOut: []string{"/dev/sdf", "/dev/xvda"}})}},
		{what: "a Spot request ends soon", story: func(n *night) {
			n.launchSpot(due.Add(10 * time.Minute))
			n.run()
		}},
		{what: "the account's quotas cannot be looked at", options: stack.Options{Guard: guarded(denying("GetServiceQuota"))},
			story: func(n *night) {
				n.launch("web", "private")
				n.run()
			}},
		{what: "EC2 does not say whether a stop loses data", story: func(n *night) {
			n.launch("web", "private m5d.large")
			n.run()
		}, options: stack.Options{
			Guard: guarded(answering("DescribeInstanceTypes", "instanceStorageSupported", "somethingElse")),
		}},
		{what: "several sources have one name", options: stack.Options{Plans: nightly(sevenDays)}, story: func(n *night) {
			servers := []string{n.launch("a", "private Name=web"), n.launch("b", "private Name=web")}
			n.run()
			n.handOver("web", slices.Max(servers)) // The lower id has the name.
		}},
		{what: "a snapshot's instance is gone, and a living one has its name", options: stack.Options{Plans: stored()},
			story: namesakeIsGone},
		{what: "a group goes on launching the old image", story: func(n *night) {
			n.launch("web", "private")
			n.group("fleet", n.template("base", "web", "m5.large", ec2.ImageX86), "1")
			n.run()
		}, options: stack.Options{Plans: nightly(func(p *plan.Plan) { p.Roll.Refresh.Warn = true })}},
		{what: "a request's window closes before its turn comes", story: waitsInVain, options: stack.Options{
			Plans: demand(func(p *plan.Plan) { p.Concurrency, p.Window, p.Roll.Skip = 1, plan.Duration(4*time.Minute), true }),
		}},
		{what: "what is down is exempted, and the others are imaged", options: stack.Options{
			Plans: nightly(func(p *plan.Plan) { p.Concurrency = 1; p.Roll.Skip = true }),
		}, story: exemptedSoon},
	}...)
}

// namesakeIsGone plays a plan of snapshots of two instances that have one name, of which one is gone.
func namesakeIsGone(n *night) {
	a, b := n.launch("web", "plan=other"), n.launch("web", "plan=other")
	n.snapshotOf(a, "", daily)
	n.snapshotOf(b, "", daily)
	must(n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{a}}))(n.t)
	time.Sleep(10 * time.Minute)
	n.run()
}

// changingSituations are those in which an instance changes while a run comes to it.
func changingSituations() []*situation {
	requests := func() stack.Options { return stack.Options{Plans: onRequest()} }
	return []*situation{
		{what: "the instance is on its way to another state", story: func(n *night) {
			web := n.launch("web", "private")
			n.begin()
			n.EC2.Inject(ec2.Fault{Action: "StopInstances", Resource: web, Stuck: true, Until: due.Add(time.Hour)})
			n.excused.stopped[web] = true
			n.stops(web)
			n.run()
		}},
		{what: "its tag goldsmith:plan is taken off in the middle", story: func(n *night) {
			web := n.launch("web", "private")
			n.begin()
			n.at("claim", web, func(work) {
				must(n.cloud.DeleteTags(n.ctx, &sdk.DeleteTagsInput{Resources: []string{web},
					Tags: tag.List(map[string]string{tag.Plan: "nightly"})}))(n.t)
			})
			n.run()
		}},
		{what: "the instance is stopped by other hands right before the stop", story: func(n *night) {
			web := n.launch("web", "private")
			n.begin()
			n.excused.stopped[web] = true
			n.at("stop", web, func(work) { n.stops(web); time.Sleep(3 * time.Second) })
			n.run()
		}},
		{what: "the tag that asks is taken off again in time", options: requests(), story: func(n *night) {
			lab := n.launch("lab", "private unenrolled")
			n.begin()
			n.at("claim", lab, func(work) {
				must(n.cloud.DeleteTags(n.ctx, &sdk.DeleteTagsInput{Resources: []string{lab},
					Tags: tag.List(map[string]string{tag.Request: "now"})}))(n.t)
			})
			n.ask(lab, "now")
			n.finish()
		}},
		{what: "the instance that is asked for is gone", options: requests(), story: func(n *night) {
			n.begin()
			sent := must(event.RunNow{Plan: "nightly", Source: "i-0123456789abcdef0", ID: "one"}.MarshalJSON())(n.t)
			must(n.Invoke(n.ctx, "goldsmith-trigger", sent))(n.t)
			n.finish()
		}},
	}
}

// waitsInVain asks for two, one at a time, of which the first takes longer than the window.
func waitsInVain(n *night) {
	first, second := n.launch("lab", "private"), n.launch("late", "private")
	n.begin()
	n.EC2.Inject(ec2.Fault{Action: "StopInstances", Resource: first, Stuck: true, Until: due.Add(time.Hour)})
	n.ask(first, "now")
	time.Sleep(20 * time.Second)
	n.ask(second, "now")
	time.Sleep(20 * time.Minute)
	n.as(first, ec2.Stopped)
	n.finish()
}

// exemptedSoon plays a run whose first source does not come back, and is exempted while the run goes on.
func exemptedSoon(n *night) {
	n.launch("web-1", "private")
	n.launch("web-2", "private")
	n.begin()
	n.excused.dead, n.excused.exempted = true, 1
	n.after("stop", "", func(w work) {
		n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: w.Source.ID, Code: denied, Status: 403})
		n.excused.stopped[w.Source.ID] = true
		time.AfterFunc(10*time.Minute, func() { n.ok(n.exempts(event.Exempt{Source: w.Source.ID, By: "ada"})) })
	})
	time.Sleep(time.Until(due.Add(6 * time.Hour)))
}

func sharingSituations() []*situation {
	with := func(words string, story func(n *night)) func(n *night) {
		return func(n *night) {
			n.launch("web", words)
			if story != nil {
				story(n)
			}
			n.run()
		}
	}
	shared := func() stack.Options {
		return stack.Options{Plans: shares(plan.Share{Accounts: accounts(consumerA)})}
	}
	grouped := func(n *night) {
		n.group("fleet", n.template("fleet", "web", "t3.micro", ec2.ImageX86), "$Default", empty)
	}
	return []*situation{
		{what: "an image is shared", options: shared(), story: with("private", nil)},
		{what: "its key lets the accounts not use it", options: shared(), story: with("private key=usable", nil)},
		{what: "whether the accounts may use its key cannot be seen", options: shared(),
			story: with("private key=hidden", nil)},
		{what: "a group cannot launch it, since its key does not let Auto Scaling's role use it",
			story: with("private key=usable", grouped)},
		{what: "whether a group can launch it cannot be seen", story: with("private key=hidden", grouped)},
		{what: "it carries a product code of AWS Marketplace", options: shared(), story: func(n *night) {
			n.EC2.Sell(ec2.ImageX86, product)
			with("private", nil)(n)
		}},
		{what: "an image cannot be shared", options: shared(), story: with("private key=aws", nil)},
		{what: "sharing is refused", options: shared(), story: with("private", func(n *night) {
			n.EC2.Inject(ec2.Fault{Action: "ModifyImageAttribute", Code: denied, Status: 403})
		})},
	}
}

// notices are what messages are headed with that tell of no run's end.
var notices = []string{
	"what is still down", "what does not come back after all", "what it had left stopped", "has exempted",
	"has taken back that", "A record of the ledger cannot be read", "The claim of", "The sweep cannot do everything",
	"and Goldsmith does not start it", "is rolled back by", "is rolled back in part", "is handed over",
	"is out of the service of group", "is in Standby, and Goldsmith does not bring it back",
}

// everyNotice checks that the page has a message with each of these.
func everyNotice(t *testing.T, page string) {
	t.Helper()
	for _, title := range notices {
		if !strings.Contains(page, title) {
			t.Errorf("no message is headed %q", title)
		}
	}
}

// untold are reasons that `goldsmith plan` alone gives, and notes that one function has for another.
var untold = []string{string(job.NotARootVolume), string(job.Encrypted)}

// everyReason checks that the page has a message with each reason that a run gives.
func everyReason(t *testing.T, page string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../shared/job/reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "ReasonCode" {
			return true
		}
		code := strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`)
		if count++; !strings.Contains(page, "\n• "+code+" (") && !slices.Contains(untold, code) {
			t.Errorf("no message has reason %s", code)
		}
		return true
	})
	if count < 40 {
		t.Errorf("only %d reasons were found", count)
	}
}
