package night_test

import (
	"testing"
	"time"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/plan"
)

// A parameter that one source is rolled into stays its own: a template of another source that takes its image from it
// is not rolled, night after night.
func TestNightsOfATemplateWithAnotherSourcesParameter(t *testing.T) {
	play(t, stack.Options{Plans: nightly(keeping)}, func(n *night) {
		db := n.launch("db", "")
		n.alias("/golden/db", ec2.ImageX86)
		time.Sleep(time.Minute)
		n.template("db-fleet", "db", "t3.micro", "resolve:ssm:/golden/db")
		n.nights(0)
		web := n.launch("web", "")
		n.template("mine", "web", "t3.micro", "resolve:ssm:/golden/db")
		for night := range 3 {
			run := n.nights(night + 1)
			time.Sleep(10 * time.Minute)
			value, _ := n.Parameters.Value("/golden/db")
			n.want("db's parameter", value, n.results(run)[db].Image.ID)
			n.saysOf(run, "it takes its image from /golden/db, which belongs to db ("+db+")")
			n.want("web's alias", n.results(run)[web].Ending != "", true)
		}
	})
}

// Of two sources whose templates take their images from one parameter a rehearsal says which has it, in the night's own
// words.
func TestARehearsalOfASharedParameterEqualsTheNight(t *testing.T) {
	plans := nightly(func(p *plan.Plan) { p.Concurrency = 1 })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		n.alias("/golden/shared", ec2.ImageX86)
		ids := []string{n.launch("db", ""), n.launch("mail", "")}
		for _, name := range []string{"db", "mail"} {
			n.template(name+"-fleet", name, "t3.micro", "resolve:ssm:/golden/shared")
		}
		n.begin()
		time.Sleep(time.Until(due.Add(-time.Millisecond)))
		said := n.rehearse(rehearsal.Scheduled(plans.Plans["nightly"], due), plans.Plans["nightly"])
		results := n.results(n.finishAfter(due)[0])
		for _, id := range ids {
			n.rolledAsSaid(said.Templates, results[id])
		}
	})
}
