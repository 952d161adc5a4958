package night_test

import (
	"testing"
	"time"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

func TestRestartOnceTheImageIsAvailable(t *testing.T) {
	plans := nightly(func(p *plan.Plan) { p.Restart = plan.Available })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		ids := []string{n.launch("web", ""), n.launch("db", "gp3 st1"), n.launch("rest", "stopped")}
		n.run()
		for _, id := range ids {
			n.wasImaged(n.onlyRun(), id)
			times := n.results(n.onlyRun())[id].Times
			n.want("started early", !times.StartSent.IsZero() && times.StartSent.Before(times.Available), false)
		}
	})
}

func TestBackMeansBothStatusChecks(t *testing.T) {
	plans := nightly(func(p *plan.Plan) { p.Health = plan.Checked })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		web := n.launch("web", "")
		n.run()
		n.wasImaged(n.onlyRun(), web)
		times := n.results(n.onlyRun())[web].Times
		// Initializing takes a minute at least.
		if checked := times.Running.Sub(times.StartSent) - n.EC2.Times(web).Start; checked < time.Minute {
			n.t.Errorf("it counted as back %s after it ran, before the checks can have passed", checked)
		}
	})
}

func TestWithoutStopping(t *testing.T) {
	for _, c := range []plan.Consistency{plan.None, plan.Reboot} {
		t.Run(string(c), func(t *testing.T) {
			plans := nightly(func(p *plan.Plan) { p.Consistency = c })
			play(t, stack.Options{Plans: plans}, func(n *night) {
				running := []string{
					n.launch("web", "aws:cloudformation:stack-name=web"), n.launch("grouped", "group=web"),
					n.launch("burst", "m5.large one-time"), n.launch("safe", "protected"),
				}
				rest := n.launch("rest", "stopped")
				n.run()

				r := n.onlyRun()
				n.want("stops", len(n.callsOf("StopInstances")), 0)
				n.want("starts", len(n.callsOf("StartInstances")), 0)
				n.wasImaged(r, rest)
				for _, id := range running {
					result := n.results(r)[id]
					n.want("ending of "+id, result.Ending, job.Imaged)
					n.want("rebooted "+id, n.EC2.Taken(result.Image.ID).Rebooted, c == plan.Reboot)
					n.want("last image on "+id, n.tagsOf(id)[tag.LastImage], result.Image.ID)
				}
			})
		})
	}
}

// The window is shorter than the queue: those whose turn comes too late are
// left running, and said to be.
func TestTheWindowCloses(t *testing.T) {
	plans := nightly(func(p *plan.Plan) { p.Concurrency, p.Window = 1, plan.Duration(5*time.Minute) })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		n.launchMany(10)
		rest := n.launch("zzz", "stopped")
		n.run()

		r, late, done := n.onlyRun(), 0, 0
		for id, result := range n.results(r) {
			switch {
			case result.Ending == job.Imaged:
				done++
			case id == rest:
				n.t.Errorf("%s is stopped anyway, but was not imaged: %v", id, result)
			default:
				late++
				n.wasSkipped(r, id, job.WindowClosed)
			}
			n.want("stopped after the window", result.Times.StopSent.After(due.Add(5*time.Minute)), false)
		}
		if late == 0 || done < 2 {
			n.t.Errorf("%d done, %d too late: want some of each", done, late)
		}
	})
}

func TestMoreSourcesThanThePlanAllows(t *testing.T) {
	for what, limit := range map[string]plan.Limit{"limit is 4": {Count: 4}, "limit is 50% (4)": {Percent: 50}} {
		t.Run(what, func(t *testing.T) {
			plans := nightly(func(p *plan.Plan) { p.Limit = limit })
			play(t, stack.Options{Plans: plans}, func(n *night) {
				ids := n.launchMany(5)
				for _, name := range []string{"a", "b", "c", "d"} {
					n.launch(name, "unenrolled")
				}
				n.run()

				r := n.onlyRun()
				n.want("status", r.Status, asl.Failed)
				for _, id := range ids {
					n.want("changes", len(n.changed(id)), 0)
				}
				n.saysOf(r, "FAILED", "selects 5 sources", what, "Nothing was touched")
			})
		})
	}
}

func TestAStrictPlan(t *testing.T) {
	plans := nightly(func(p *plan.Plan) { p.Strict = true })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		public, cache, slow := n.launch("public", ""), n.launch("cache", "m5d.large private"), n.launch("slow", "st1 private")
		fine, address := n.launch("fine", "private"), n.launch("address", "")
		n.ok(n.EC2.SetElasticIP(address, "203.0.113.7"))
		rest := n.launch("rest", "stopped")
		n.run()

		r := n.onlyRun()
		n.wasSkipped(r, public, job.AddressChanges)
		n.wasSkipped(r, cache, job.InstanceStoreData)
		n.wasSkipped(r, slow, job.SlowVolume)
		for _, id := range []string{fine, address, rest} {
			n.wasImaged(r, id)
		}
	})
}

func TestSelectors(t *testing.T) {
	plans := nightly(func(p *plan.Plan) {
		p.Sources.Tags = map[string][]string{"Team": {"web", "api"}}
		p.Sources.Exclude = map[string][]string{"hold": nil}
	})
	play(t, stack.Options{Plans: plans}, func(n *night) {
		in := []string{n.launch("web", "Team=web"), n.launch("api", "Team=api")}
		out := []string{n.launch("mail", "Team=mail"), n.launch("held", "Team=web hold=yes"), n.launch("none", ""),
			n.launch("like", "Team=web plan=nightly-2")}
		n.run()

		r := n.onlyRun()
		n.want("results", len(n.results(r)), len(in))
		for _, id := range in {
			n.wasImaged(r, id)
		}
		for _, id := range out {
			n.want("changes to one not chosen", len(n.changed(id)), 0)
		}
	})
}

func TestNothingToRoll(t *testing.T) {
	plans := nightly(func(p *plan.Plan) { p.Roll.Skip = true })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		web := n.launch("web", "")
		n.template("web", "web", "t3.micro", ec2.ImageX86)
		n.run()
		n.wasImaged(n.onlyRun(), web)
		n.want("default version", *n.defaults()[0].VersionNumber, 1)
		_, made := n.Parameters.Value("/goldsmith/images/web")
		n.want("alias", made, false)
	})
}

func TestTemplatesThatThePlanLists(t *testing.T) {
	plans := nightly(func(p *plan.Plan) {
		p.Roll.Templates = map[string][]string{"web": {"by-name", "gone", "tagged-too"}}
	})
	play(t, stack.Options{Plans: plans}, func(n *night) {
		web := n.launch("web", "")
		n.template("by-name", "another", "t3.micro", ec2.ImageX86)
		n.template("tagged-too", "web", "", ec2.ImageX86)
		n.run()
		n.wasImaged(n.onlyRun(), web)
		for _, v := range n.defaults() {
			n.want("default version of "+*v.LaunchTemplateName, *v.VersionNumber, 2)
			n.want("its image", *v.LaunchTemplateData.ImageId, n.results(n.onlyRun())[web].Image.ID)
			n.want("its type", v.LaunchTemplateData.InstanceType != "" || *v.LaunchTemplateName == "tagged-too", true)
		}
		n.saysOf(n.onlyRun(), "gone", "there is no such launch template")
	})
}
