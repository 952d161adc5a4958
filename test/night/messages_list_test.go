package night_test

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/infra/workflow"
	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/ssm"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/plan"
)

// messageChapters are all situations in which people are told something.
func messageChapters() []chapterOf {
	return []chapterOf{
		{"A night that goes well", calmSituations()},
		{"Sources that are left alone, and warnings", reasonSituations()},
		{"Requests", requestSituations()},
		{"An instance is down", append(downSituations(), exemptSituations()...)},
		{"The ledger", ledgerSituations()},
		{"Stopping", ofTroubles(stopping())},
		{"Imaging", ofTroubles(imaging())},
		{"Bringing an instance back", ofTroubles(starting())},
		{"Images from snapshots", snapshotSituations()},
		{"Sharing", sharingSituations()},
		{"Rolling", append(ofTroubles(rolling()), rollingSituations()...)},
		{"Members of Auto Scaling groups", memberSituations()},
		{"Commands of a plan", commandSituations()},
		{"Other hands", somebodySituations()},
		{"A run that broke", brokenSituations()},
		{"Boot tests", testSituations()},
		{"Retiring", retiringSituations()},
	}
}

// ofTroubles are the faults of docs/reliability.md.
func ofTroubles(troubles []trouble) []*situation {
	var all []*situation
	for _, c := range troubles {
		plans := nightly()
		if c.plan != nil {
			plans = nightly(c.plan)
		}
		all = append(all, &situation{what: c.what, options: stack.Options{Plans: plans}, story: func(n *night) {
			web := n.launch("web", "")
			template := n.template("web", "web", "t3.micro", ec2.ImageX86)
			n.begin()
			c.story(n, web, template)
			n.run()
			time.Sleep(c.want.back)
		}})
	}
	return all
}

func calmSituations() []*situation {
	return []*situation{
		{what: "every source is imaged and its template rolled", story: func(n *night) {
			n.launch("web", "")
			n.launch("rest", "stopped")
			n.template("web", "web", "t3.micro", ec2.ImageX86)
			n.run()
		}},
		{what: "sources that are left alone for what they are", story: func(n *night) {
			n.launch("web", "")
			for name, words := range map[string]string{
				"legacy": "instance-store", "burst": "m5.large one-time", "safe": "protected", "sleepy": "m5.large hibernating",
				"grouped": "group=web", "cache": "m5d.large",
			} {
				n.launch(name, words)
			}
			n.run()
		}},
		{
			what:    "volumes are under keys that cannot be used, or not be looked at",
			options: stack.Options{Plans: nightly(), VolumeKeys: listedKeys()}, story: func(n *night) {
				n.launch("web", "")
				for name, words := range map[string]string{
					"db": "key=disabled", "old": "key=deleting", "vault": "key=hidden", "new": "key=ungranted",
				} {
					n.launch(name, words)
				}
				n.run()
			},
		},
		{what: "more vCPUs run than the account's quota allows", story: func(n *night) {
			n.launch("web", "")
			n.EC2.SetQuota("L-1216C47A", 1)
			n.run()
		}},
		{what: "no source is enrolled", story: func(n *night) { n.launch("web", "unenrolled"); n.run() }},
		{what: "groups are refreshed", options: refreshed(), story: func(n *night) {
			n.launch("web", "")
			n.group("fleet", n.template("base", "web", "m5.large", ec2.ImageX86), "1")
			n.run()
		}},
	}
}

// asking plays a request for an instance described by words.
func asking(words, value string, then func(n *night, lab string)) func(n *night) {
	return func(n *night) {
		lab := n.launch("lab", words)
		n.begin()
		if then != nil {
			then(n, lab)
		}
		n.ask(lab, value)
		n.finish()
		time.Sleep(45 * time.Minute) // what waits for a while has given up by then
		n.finish()
	}
}

func requestSituations() []*situation {
	requests := func() stack.Options { return stack.Options{Plans: onRequest()} }
	excluding := nightly(func(p *plan.Plan) { p.Schedule = ""; p.Sources.Exclude = map[string][]string{"hold": nil} })
	return []*situation{
		{what: "a tag asks for an image", options: requests(), story: asking("", "now", nil)},
		{what: "a tag names no plan", options: requests(), story: asking("", "weakly", nil)},
		{what: "the instance is terminated", options: requests(), story: asking("", "now", func(n *night, lab string) {
			must(n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{lab}}))(n.t)
		})},
		{what: "its plan excludes the instance", options: stack.Options{Plans: excluding},
			story: asking("hold=yes", "now", nil)},
		{what: "the instance cannot be stopped", options: requests(), story: asking("protected", "now", nil)},
		{what: "the tag cannot be taken off", options: requests(), story: asking("", "now", func(n *night, lab string) {
			n.EC2.Inject(ec2.Fault{Action: "DeleteTags", Resource: lab, Code: denied, Status: 403})
		})},
		{
			what:    "more are asked for than the plan's limit allows",
			options: stack.Options{Plans: demand(func(p *plan.Plan) { p.Limit = plan.Limit{Count: 1} })},
			story: func(n *night) {
				first, second := n.launch("lab", ""), n.launch("late", "")
				n.begin()
				n.ask(first, "now")
				n.finish()
				n.ask(second, "now")
				n.finish()
			},
		},
		{
			what:    "a request waits for its turn",
			options: stack.Options{Plans: demand(func(p *plan.Plan) { p.Concurrency = 1 })},
			story: func(n *night) {
				first, second := n.launch("lab", ""), n.launch("late", "")
				n.begin()
				n.ask(first, "now")
				time.Sleep(20 * time.Second)
				n.ask(second, "now")
				n.finish()
			},
		},
	}
}

func downSituations() []*situation {
	var all []*situation
	for _, o := range outages {
		all = append(all, &situation{
			what: "what was stopped is not started again: " + o.name,
			options: stack.Options{Plans: nightly(func(p *plan.Plan) {
				p.Concurrency = 1
				p.Roll.Skip = true
			})}, story: func(n *night) {
				n.launch("web-1", "")
				n.launch("web-2", "")
				n.begin()
				n.after("stop", "", func(work) { n.EC2.Inject(o.fault) })
				time.Sleep(time.Until(due.Add(13 * time.Hour)))
			},
		})
	}
	all = append(all, &situation{what: "what was started cannot be seen to run", story: func(n *night) {
		web := n.launch("web", "")
		n.begin()
		n.after("start", web, func(work) {
			n.EC2.Inject(ec2.Fault{Action: "DescribeInstances", Code: denied, Status: 403, Until: due.Add(time.Hour)})
		})
		n.run()
		time.Sleep(time.Until(due.Add(time.Hour + 2*sweep)))
	}}, &situation{what: "a job has left it stopped, and it is started before its run is told", story: func(n *night) {
		web, api := n.launch("web", ""), n.launch("api", "")
		n.begin()
		n.EC2.Inject(ec2.Fault{Action: "StartInstances", Resource: web, StartReason: "Client.InstanceInitiatedShutdown",
			Until: due.Add(4 * time.Minute)})
		n.EC2.Inject(ec2.Fault{Action: "CreateImage", Resource: api, Delay: 4 * time.Minute})
		n.run()
		time.Sleep(2 * sweep)
	}})
	return append(all,
		&situation{what: "EC2 says before the stop that it would not start them again", options: stack.Options{Plans: few()},
			story: func(n *night) {
				n.launch("web-1", "")
				n.launch("web-2", "")
				n.begin()
				n.EC2.Inject(ec2.Fault{Action: "StartInstances", Code: "UnauthorizedOperation", Status: 403})
				n.run()
			}})
}

func rollingSituations() []*situation {
	return []*situation{
		{what: "a type of the template cannot run the image", story: func(n *night) {
			n.launch("web", "")
			n.template("web-graviton", "web", "t4g.small", ec2.ImageARM)
			n.run()
		}},
		{what: "a rollback, and the next run leaves what was rolled back alone", story: func(n *night) {
			n.launch("web", "")
			n.template("fleet", "web", "t3.micro", ec2.ImageX86)
			n.nights(0)
			n.nights(1)
			n.rollBack(event.Rollback{Name: "web", By: "ada"})
			time.Sleep(5 * time.Minute)
			n.rollBack(event.Rollback{Name: "web", By: "ada"})
			n.nights(2)
		}},
		{what: "a refresh fails, and Auto Scaling takes it back", options: refreshed(func(r *plan.Refresh) {
			r.Alarms, r.Bake = []string{"errors"}, plan.Duration(time.Hour)
		}), story: func(n *night) {
			web := n.launch("web", "")
			n.group("fleet", n.template("base", "web", "m5.large", ec2.ImageX86), "1")
			n.AutoScaling.SetAlarm("errors", false)
			n.after("refresh", web,
				func(work) { time.AfterFunc(20*time.Minute, func() { n.AutoScaling.SetAlarm("errors", true) }) })
			n.run()
		}},
		{what: "a group is left alone", options: refreshed(), story: func(n *night) {
			n.launch("web", "")
			n.group("fleet", n.template("base", "web", "m5.large", ec2.ImageX86), "1")
			must(n.scaling().SuspendProcesses(n.ctx, &autoscaling.SuspendProcessesInput{
				AutoScalingGroupName: aws.String("fleet"), ScalingProcesses: []string{"Launch"},
			}))(n.t)
			n.run()
		}},
	}
}

func memberSituations() []*situation {
	return []*situation{
		{what: "a group is too small to do without a member", options: shrinking(), story: func(n *night) {
			n.serving(func(in *autoscaling.CreateAutoScalingGroupInput) { in.MinSize = aws.Int32(3) })
			n.run()
		}},
		{what: "one member of a group stands for it", options: shrinking(func(p *plan.Plan) { p.Groups.Pick = plan.PickAny }),
			story: func(n *night) {
				n.enrol(n.serving()...)
				n.run()
			}},
		{what: "a member is replaced while it is stopped", options: replacing(), story: func(n *night) {
			n.serving(roomy)
			n.run()
		}},
		{what: "the group of a member that was replaced keeps one too many", options: replacing(), story: func(n *night) {
			members := n.serving(roomy)
			n.begin()
			n.at("watch:stopped", members[0], func(work) { n.suspends("Terminate") })
			n.run()
			time.Sleep(time.Hour)
			n.resumes("Terminate")
			time.Sleep(20 * time.Minute)
		}},
		{what: "a member cannot leave Standby for an hour", options: shrinking(), story: func(n *night) {
			members := n.serving()
			n.at("watch:running", members[0], func(work) { n.most("web", 2) })
			n.run()
			time.Sleep(40 * time.Minute)
			n.most("web", 3)
			time.Sleep(20 * time.Minute)
			n.serves(members)
		}},
		{what: "a member is terminated in Standby", options: shrinking(), story: func(n *night) {
			members := n.serving()
			n.at("watch:snapshotted", members[0], func(work) { n.ok(n.EC2.SetState(members[0], ec2.Terminated)) })
			n.run()
			time.Sleep(20 * time.Minute)
		}},
		{what: "a target group lets connections drain for too long", options: drained(), story: func(n *night) {
			web, _ := n.balanced()
			n.Balancers.Register(n.Balancers.Add("patient", time.Hour), web)
			n.run()
		}},
		{what: "an instance is not healthy in its target group for an hour", options: drained(), story: func(n *night) {
			web, _ := n.balanced()
			n.begin()
			n.at("watch:running", web, func(work) { n.Balancers.Fail(web, true) })
			n.run()
			time.Sleep(40 * time.Minute)
			n.Balancers.Fail(web, false)
			time.Sleep(20 * time.Minute)
		}},
		{what: "a run is aborted while a member is on its way into Standby, and its claim is lost", options: shrinking(),
			story: func(n *night) {
				arn := n.Balancers.Add("web", 5*time.Minute)
				members := n.serving(func(in *autoscaling.CreateAutoScalingGroupInput) { in.TargetGroupARNs = []string{arn} })
				n.at("stop", members[0], func(w work) {
					time.AfterFunc(20*time.Second, func() {
						n.ok(n.States.Stop(w.Execution, "", ""))
						n.ok(n.Ledger.Drop(n.ctx, members[0], n.onlyRun().Name))
					})
				})
				n.excused.standby = true
				n.run()
				time.Sleep(20 * time.Minute)
			}},
	}
}

// most changes how large a group may be.
func (n *night) most(group string, most int32) {
	n.t.Helper()
	must(n.scaling().UpdateAutoScalingGroup(n.ctx, &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(group), MaxSize: aws.Int32(most),
	}))(n.t)
}

func somebodySituations() []*situation {
	during := func(step string, do func(n *night, web string)) func(n *night) {
		return func(n *night) {
			web := n.launch("web", "")
			n.launch("api", "")
			n.begin()
			n.at(step, web, func(work) { do(n, web) })
			n.run()
		}
	}
	return []*situation{
		{what: "the instance is started by other hands the moment it is stopped",
			story: during("watch:stopped", func(n *night, web string) {
				go func() {
					for n.EC2.State(web) != ec2.Stopped {
						time.Sleep(100 * time.Millisecond)
					}
					_, err := n.cloud.StartInstances(n.ctx, &sdk.StartInstancesInput{InstanceIds: []string{web}})
					n.ok(err)
				}()
			})},
		{what: "the instance is started by other hands before its snapshots are there",
			story: during("watch:snapshotted", func(n *night, web string) {
				_, err := n.cloud.StartInstances(n.ctx, &sdk.StartInstancesInput{InstanceIds: []string{web}})
				n.ok(err)
			})},
		{what: "the instance is terminated in the middle", story: during("image", func(n *night, web string) {
			_, err := n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{web}})
			n.ok(err)
		})},
		{what: "the image is deregistered while it is pending", story: func(n *night) {
			web := n.launch("web", "")
			n.begin()
			n.after("image", web, func(work) {
				for _, img := range n.imagesOf(web) {
					_, err := n.cloud.DeregisterImage(n.ctx, &sdk.DeregisterImageInput{ImageId: img.ImageId})
					n.ok(err)
				}
			})
			n.run()
		}},
		{what: "another run works on the instance",
			options: stack.Options{Plans: with(nightly(), "golden", func(*plan.Plan) {})}, story: func(n *night) {
				n.launch("web", "plan=nightly,golden")
				n.run()
			}},
	}
}

func brokenSituations() []*situation {
	abort := func(step string, whole bool, beside ...string) func(n *night) {
		return func(n *night) {
			web := n.launch("web", "")
			for _, name := range beside {
				n.launch(name, "")
			}
			n.begin()
			n.after(step, web, func(w work) {
				arn := w.Execution
				if whole {
					arn = n.onlyRun().ARN
				}
				n.ok(n.States.Stop(arn, "", ""))
			})
			n.run()
			time.Sleep(4 * sweep)
		}
	}
	return []*situation{
		{what: "the run is aborted while an instance is down", story: abort("image", true, "api")},
		{what: "the work on one source is aborted while it is down", story: abort("image", false, "api")},
		{what: "the run is aborted, and what it had stopped cannot be started", story: func(n *night) {
			web := n.launch("web", "")
			n.begin()
			n.after("image", web, func(work) {
				n.EC2.Inject(ec2.Fault{Action: "StartInstances", Code: denied, Status: 403, Until: due.Add(2 * time.Hour)})
				n.ok(n.States.Stop(n.onlyRun().ARN, "", ""))
			})
			n.run()
			time.Sleep(3 * time.Hour)
		}},
		{what: "the run is aborted before anything is stopped", story: abort("claim", true)},
		{what: "the plan's limit is exceeded",
			options: stack.Options{Plans: nightly(func(p *plan.Plan) {
				p.Limit = plan.Limit{Count: 1}
			})}, story: func(n *night) {
				n.launch("web", "")
				n.launch("api", "")
				n.run()
			}},
		{what: "the instances cannot be listed", story: func(n *night) {
			n.launch("web", "")
			n.begin()
			n.EC2.Inject(ec2.Fault{Action: "DescribeInstances", Code: denied, Status: 403, Until: due.Add(8 * time.Minute)})
			n.run()
		}},
		{what: "the window closes before every turn came", options: stack.Options{Plans: nightly(func(p *plan.Plan) {
			p.Concurrency, p.Window = 1, plan.Duration(time.Minute)
		})}, story: func(n *night) {
			for _, name := range []string{"web-1", "web-2", "web-3", "web-4"} {
				n.launch(name, "")
			}
			n.run()
		}},
		{what: "the schedule started no run", options: stack.Options{
			Plans: nightly(func(p *plan.Plan) { p.Window = plan.Duration(5 * time.Minute) }),
			Wrap:  deafUntil("trigger", due.Add(12*time.Minute)),
		}, story: func(n *night) {
			n.launch("web", "")
			n.begin()
			time.Sleep(2 * time.Hour)
		}},
	}
}

// sleeper is an invoker of which one function does nothing until a moment.
type sleeper struct {
	asl.Invoker
	name string
	then time.Time
}

// Invoke calls the function unless it sleeps.
func (s sleeper) Invoke(ctx context.Context, function string, payload []byte) ([]byte, *asl.Error) {
	if workflow.FunctionIn(function) == s.name && time.Now().Before(s.then) {
		return []byte("{}"), nil
	}
	return s.Invoker.Invoke(ctx, function, payload)
}

func deafUntil(name string, then time.Time) func(asl.Invoker) asl.Invoker {
	return func(inner asl.Invoker) asl.Invoker { return sleeper{inner, name, then} }
}

func testSituations() []*situation {
	failing := func(f ec2.Fault) func(n *night) {
		return func(n *night) {
			n.launch("web", "")
			n.template("web", "web", "t3.micro", ec2.ImageX86)
			n.begin()
			n.EC2.Inject(f)
			n.run()
		}
	}
	return []*situation{
		{what: "an image is tested", options: stack.Options{Plans: tested()}, story: failing(ec2.Fault{Action: "nothing"})},
		{what: "the test instance does not pass its status checks", options: stack.Options{Plans: tested()},
			story: failing(ec2.Fault{Action: "RunInstances", Impaired: true})},
		{what: "the test instance may not be launched", options: stack.Options{Plans: tested()},
			story: failing(ec2.Fault{Action: "RunInstances", Code: denied, Status: 403})},
		{what: "the test instance cannot be terminated", options: stack.Options{Plans: tested()}, story: failing(ec2.Fault{
			Action: "TerminateInstances", Code: denied, Status: 403, Until: due.Add(12 * time.Minute),
		})},
		{what: "a general image is made", options: generally(), story: failing(ec2.Fault{Action: "nothing"})},
		{what: "the clone cannot be cleaned", options: generally(), story: func(n *night) {
			n.Parameters.OnCommand(func(_, _ string) ssm.Ran {
				return ssm.Ran{Status: "Failed", Code: 1, Output: "logs: not removed: /var/log/audit"}
			})
			failing(ec2.Fault{Action: "nothing"})(n)
		}},
		{what: "the general image does not become available", options: generally(), story: failing(ec2.Fault{
			Action: "CreateImage", Nth: []int{2}, ImageState: "failed", Message: "a volume is gone"})},
		{what: "Windows has no general image", options: generally(), story: func(n *night) {
			n.launch("web", "image="+ec2.ImageWindows)
			n.run()
		}},
	}
}

func retiringSituations() []*situation {
	aging := func(do func(n *night, web string, old []string), days int) func(n *night) {
		return func(n *night) {
			web := n.launch("web", "")
			old := []string{n.old("web", web, 2), n.old("web", web, 1)}
			slices.Sort(old)
			template := n.template("web", "web", "t3.micro", old[0])
			n.version(template, old[1])
			if do != nil {
				do(n, web, old)
			}
			n.until(days)
		}
	}
	keep := func() stack.Options { return stack.Options{Plans: nightly(keeping)} }
	return []*situation{
		{what: "old images are deprecated, and removed a night later", options: keep(), story: aging(nil, 1)},
		{what: "an old image is in use", options: keep(), story: aging(func(n *night, _ string, old []string) {
			n.launch("theirs", "unenrolled image="+old[0])
		}, 0)},
		{what: "what uses an image cannot be found out", options: keep(), story: aging(func(n *night, _ string, _ []string) {
			n.EC2.Inject(ec2.Fault{Action: "DescribeImageReferences", Code: denied, Status: 403})
		}, 0)},
	}
}
