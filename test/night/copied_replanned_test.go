package night_test

import (
	"strings"
	"testing"
	"time"

	"goldsmith/local/asl"
	"goldsmith/local/ec2"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// takenWithAlias and takenWithCopy are what functions may no longer do in a Region once no plan has its copies rolled
// there, or has copies there at all (infra/workflow/permissions_copies.go).
var (
	takenWithAlias = map[string][]string{
		"copy": {"CreateLaunchTemplateVersion", "ModifyLaunchTemplate", "GetParameter", "PutParameter",
			"DescribeLaunchTemplates", "DescribeLaunchTemplateVersions", "DescribeInstanceTypes",
			"GetInstanceTypesFromInstanceRequirements", "DescribeSnapshots", "DescribeFleets", "DescribeSpotFleetRequests",
			"DescribeAutoScalingGroups"},
		"rollback": {"CreateLaunchTemplateVersion", "ModifyLaunchTemplate", "GetParameter", "PutParameter"},
		"retire":   {"DeleteLaunchTemplateVersions"},
	}
	takenWithCopy = map[string][]string{
		"copy": append([]string{"CopyImage", "DeregisterImage", "DeleteSnapshot", "CreateTags"},
			takenWithAlias["copy"]...),
		"rollback": takenWithAlias["rollback"],
		"retire": {"DeleteLaunchTemplateVersions", "GetParametersByPath", "GetParameters", "EnableImageDeprecation",
			"DisableImageDeprecation", "DisableImage", "DeregisterImage", "DeleteSnapshot"},
	}
)

// replan deploys another plan, with the roles that it has.
func (n *night) replan(d *deniedAfar, edit func(*plan.Plan)) {
	n.t.Helper()
	p := n.plans.Plans["nightly"]
	edit(&p)
	n.ok(n.Replan(plan.Plans{Default: p.Name, Plans: map[string]plan.Plan{p.Name: p}},
		func(inner asl.Invoker) asl.Invoker {
			return &hooks{inner: inner, stops: n.downs.stops}
		}))
	d.on.Store(true)
}

// A Region that the account disables keeps what it has, and neither home nor another Region waits for it; each night
// tells of it, until it is enabled again: then its copies are made, rolled and retired as before.
func TestARegionIsDisabledForSomeNights(t *testing.T) {
	t.Parallel()
	keep := plan.Keep{Last: 1, Grace: plan.MinGrace}
	o := rolledAfar(func(p *plan.Plan) {
		p.Keep.Last = 2
		p.Copies = []plan.Copy{{Region: paris, Alias: true, Keep: keep}, {Region: virginia, Keep: keep}}
	})
	play(t, o, func(n *night) {
		n.excused.slack, n.excused.afar = true, true
		web := n.launch("web", "gp3")
		n.template("web", "web", "t3.micro", ec2.ImageX86)
		there := n.templateIn(paris, "web", "web", ec2.ImageX86)
		result := n.results(n.nights(0))[web]
		image, first := result.Image.ID, result.Copies
		n.after("copy", web, func(work) { n.Enable(paris, false) })
		n.saysOf(n.nights(1), "PARTIAL: ", "1 copied, 1 not copied", "not copied to eu-west-3: ", "AuthFailure")
		for night := range 3 {
			r := n.nights(2 + night)
			n.want("ending", n.results(r)[web].Ending, job.Imaged)
			n.saysOf(r, "PARTIAL: ", "1 copied, 1 not copied", "not copied to eu-west-3: the account has not enabled Region eu-west-3",
				"uses of copies in eu-west-3: nothing was retired", "AuthFailure", "Enable the Region")
		}
		n.want("the first image, and its copy in another Region", []job.Status{n.status(image).Status,
			n.status(first[1].ID).Status}, []job.Status{job.Deprecated, job.Retired})
		n.Enable(paris, true)
		n.want("what stayed", []any{n.launchesAfar(paris, there), len(n.in(paris))}, []any{first[0].ID, 2})
		r := n.nights(5)
		last := n.results(r)[web].Copies[0].ID
		time.Sleep(5 * time.Minute)
		n.want("rolled again", []string{n.launchesAfar(paris, there), n.aliasIn(paris, "web")}, []string{last, last})
		n.saysOf(r, "2 copied", "in eu-west-3")
		n.nights(6)
		n.nights(7)
		n.want("the first copy there", n.status(first[0].ID).Status, job.Retired)
	})
}

// A plan that is deployed without alias, or without the copy, while its copies are on their way: what is there stays,
// and what cannot be done any more is told.
func TestAPlanIsDeployedWithoutWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		taken map[string][]string
		edit  func(*plan.Plan)
		// later is what the nights after it say, kept is what becomes of the copy that was rolled, and copies are how many
		// there are in the end.
		later  []string
		kept   job.Status
		copies int
	}{
		"without alias": {takenWithAlias, func(p *plan.Plan) {
			p.Copies = []plan.Copy{{Region: virginia, Keep: p.Copies[0].Keep}, p.Copies[1]}
		}, []string{"OK: ", "2 copied", "in us-east-1: in use by parameter /goldsmith/images/web; launch template web ("},
			job.InUse, 3},
		"without the copy": {takenWithCopy, func(p *plan.Plan) { p.Copies = p.Copies[1:] }, []string{"PARTIAL: ",
			"1 copied", "uses of copies in us-east-1: nothing was retired", "The plan has no copies there any more: "}, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &deniedAfar{region: virginia, of: c.taken}
			o := rolledAfar(func(p *plan.Plan) {
				p.Keep.Last, p.Copies[0].Keep = 1, plan.Keep{Last: 1, Grace: plan.MinGrace}
			})
			o.Guard = guarded(d.layer)
			play(t, o, func(n *night) {
				n.excused.slack, n.excused.afar = true, true
				web := n.launch("web", "gp3")
				n.template("web", "web", "t3.micro", ec2.ImageX86)
				there := n.templateIn(virginia, "web", "web", ec2.ImageX86)
				first := n.results(n.nights(0))[web].Copies[0].ID
				n.after("copy", web, func(work) { n.replan(d, c.edit) })
				n.saysOf(n.nights(1), "PARTIAL: ", "2 copied", "1 not rolled", "what takes images of web in us-east-1")
				for night := range 3 {
					n.saysOf(n.nights(2+night), c.later...)
				}
				n.want("what is launched there", []string{n.launchesAfar(virginia, there), n.aliasIn(virginia, "web")},
					[]string{first, first})
				n.want("the copy that is", n.status(first).Status, c.kept)
				n.want("copies", len(n.in(virginia)), c.copies)
				answer := n.rollBack(event.Rollback{Name: "web", By: "ada"})
				last := answer.Targets[len(answer.Targets)-1]
				n.want("a rollback there", []any{last.Region, strings.Contains(last.Problem, "AccessDeniedException")},
					[]any{virginia, true})
				n.want("what is launched after it", n.launchesAfar(virginia, there), first)
			})
		})
	}
}
