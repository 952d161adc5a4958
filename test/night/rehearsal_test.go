package night_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	direct "github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/local/ec2"
	"goldsmith/local/sfn"
	"goldsmith/shared/copies"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
	"goldsmith/shared/retention"
	"goldsmith/shared/sharing"
	"goldsmith/shared/source"
)

// rehearsed is how many fleets are rehearsed and then played.
const rehearsed = 40

// What the rehearsal says of each source is what the night does with it.
func TestARehearsalEqualsTheNight(t *testing.T) {
	t.Parallel()
	met, afarMet := map[job.ReasonCode]int{}, []string{}
	for seed := range uint64(rehearsed) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random, more := rand.New(rand.NewPCG(seed, 0x4ea4)), rand.New(rand.NewPCG(seed, 0xafa4))
			plans := nightly(anyPlan(random), anyCopies(more), anyPick(seed))
			o := afar(plans)
			o.Seed = seed + 1
			play(t, o, func(n *night) {
				n.anyFleet(random)
				n.anyMembers(seed)
				n.anyTemplates(random)
				n.anyAfar(more)
				afarMet = append(afarMet, problemsAfar(n.rehearseAndRun(plans.Plans["nightly"]))...)
				n.rehearseAndAsk(plans.Plans["nightly"], random)
				n.count(met)
			})
		})
	}
	for _, code := range []job.ReasonCode{
		job.InstanceStoreRoot, job.OneTimeSpot, job.AutoScalingMember, job.StopProtected, job.Hibernation, job.Terminating,
		job.Claimed, job.NotEnrolled, job.InstanceStoreData, job.AddressChanges, job.SlowVolume, job.CannotStart,
		job.KeyUnseen, job.AnotherStands, metImaged, metStopped, metRefused,
	} {
		if met[code] == 0 {
			t.Errorf("no fleet met %q; the seeds show too little: %v", code, met)
		}
	}
	wantAfar(t, afarMet, "it takes its image from resolve:")
}

// What else a fleet has to meet, beside the reasons.
const (
	metImaged  job.ReasonCode = "imaged"
	metStopped job.ReasonCode = "stopped"
	metRefused job.ReasonCode = "refused"
)

// count adds up what the nights met.
func (n *night) count(met map[job.ReasonCode]int) {
	n.t.Helper()
	for _, r := range n.runs() {
		record, _, err := n.Ledger.GetRun(n.ctx, r.Name)
		n.ok(err)
		if record.Problem != "" {
			met[metRefused]++
		}
		for _, result := range n.results(r) {
			if result.Skip != nil {
				met[result.Skip.Code]++
				continue
			}
			met[metImaged]++
			if !result.Times.StopSent.IsZero() {
				met[metStopped]++
			}
			for _, w := range result.Warnings {
				met[w.Code]++
			}
		}
	}
}

// anyPlan draws what decides about sources.
func anyPlan(random *rand.Rand) func(*plan.Plan) {
	return func(p *plan.Plan) {
		// What is frozen is rehearsed by TestARehearsalOfWhatIsFrozen: here no instance is reached by Systems Manager.
		without := slices.DeleteFunc(slices.Clone(plan.Consistencies),
			func(c plan.Consistency) bool { return c == plan.Frozen })
		p.Consistency = without[random.IntN(len(without))]
		p.Strict = random.IntN(4) == 0
		if random.IntN(3) == 0 {
			p.Limit = plan.Limit{Count: 3 + random.IntN(8)}
		} else if random.IntN(3) == 0 {
			p.Limit = plan.Limit{Percent: 20 + random.IntN(80)}
		}
		if random.IntN(3) == 0 {
			p.Sources.Tags = map[string][]string{"Team": {"web", "api"}}
		}
		if random.IntN(3) == 0 {
			p.Sources.Exclude = map[string][]string{"hold": nil}
		}
		p.Roll.Skip, p.Roll.Together = random.IntN(8) == 0, random.IntN(3) == 0
		if random.IntN(3) == 0 {
			p.Roll.Templates = map[string][]string{"server-1": {"template-1", "no-such-template"}}
		}
		if random.IntN(6) == 0 {
			p.Sources.IDs = []string{"i-0123456789abcdef0"}
		}
	}
}

// anyPick has one member stand for its group, in every third plan.
func anyPick(seed uint64) func(*plan.Plan) {
	return func(p *plan.Plan) {
		if seed%3 == 0 {
			p.Groups.Pick = plan.GroupPicks[seed/3%3]
		}
	}
}

// anyMembers launches two more members of one group, a while apart, where one stands for it.
func (n *night) anyMembers(seed uint64) {
	n.t.Helper()
	if seed%3 > 0 {
		return
	}
	for _, words := range []string{"group=web", "group=web stopped"} {
		time.Sleep(time.Second)
		n.launch("member-"+words[len(words)-1:], words)
	}
}

// anyFleet launches instances of every kind there is an opinion of.
func (n *night) anyFleet(random *rand.Rand) {
	n.t.Helper()
	words := []string{
		"stopped", "spot", "m5.large one-time", "instance-store", "protected", "hibernating", "arm64", "private",
		"unenrolled", "plan=weekly", "plan=weekly,nightly", "group=web", "gp3", "st1", "m5d.large", "hold=yes", "",
	}
	teams := []string{"Team=web", "Team=api", "Team=mail", ""}
	count := 4 + random.IntN(10)
	for i := range count {
		description := words[random.IntN(len(words))] + " " + teams[random.IntN(len(teams))]
		if random.IntN(4) == 0 {
			description += " private"
		}
		if (i+count)%3 == 0 && !strings.Contains(description, "instance-store") {
			description += " key=" + []string{"usable", "disabled", "hidden"}[count%3]
		}
		id := n.launch(fmt.Sprintf("server-%d", i), description)
		if random.IntN(12) == 0 {
			n.as(id, ec2.Terminated)
			n.excused.stopped[id] = true
		}
	}
}

// anyTemplates makes templates that want the images of some of the fleet, not all of which can have them.
func (n *night) anyTemplates(random *rand.Rand) {
	n.t.Helper()
	kinds := []string{"t3.micro", "m5.large", "m6g.large", "", "t4g.small"}
	for i := range random.IntN(6) {
		// Each source has its own: of two that roll one target, chance decides which comes last.
		alias := fmt.Sprintf("/golden/%d", i)
		n.alias(alias, ec2.ImageX86)
		images := []string{ec2.ImageX86, ec2.ImageX86, "resolve:ssm:" + alias, "resolve:ssm:" + alias + ":1"}
		n.template(fmt.Sprintf("template-%d", i), fmt.Sprintf("server-%d", i), kinds[random.IntN(len(kinds))],
			images[random.IntN(len(images))])
	}
}

// rehearseAndRun rehearses just before the schedule is due, while somebody's request may be at work.
func (n *night) rehearseAndRun(p plan.Plan) (said rehearsal.Night) {
	n.t.Helper()
	n.begin()
	time.Sleep(time.Until(due.Add(-30 * time.Second)))
	if s, ok := n.fleet["server-0"]; ok && s.enrolled {
		n.ask(s.id, "now")
	}
	time.Sleep(time.Until(due.Add(-time.Millisecond)))
	said = n.rehearse(rehearsal.Scheduled(p, due), p)
	for _, r := range n.finishAfter(due) {
		if r.Name == job.RunName(p.Name, due) {
			n.equals(said, r)
			return said
		}
	}
	n.t.Error("the night did not come")
	return said
}

// finishAfter waits until a moment, and then until every run has ended.
func (n *night) finishAfter(at time.Time) []sfn.Execution {
	time.Sleep(time.Until(at))
	return n.finish()
}

// rehearseAndAsk rehearses for one source, and then asks for it as a person does.
func (n *night) rehearseAndAsk(p plan.Plan, random *rand.Rand) {
	n.t.Helper()
	time.Sleep(time.Minute) // Parameter Store has looked at every image by then, and shows it
	s := n.fleet[fmt.Sprintf("server-%d", random.IntN(4))]
	said := n.rehearse(rehearsal.Asked(p, s.id, time.Now()), p)
	sent := must(event.RunNow{Plan: p.Name, Source: s.id, ID: "one"}.MarshalJSON())(n.t)
	answer := must(n.Invoke(n.ctx, "goldsmith-trigger", sent))(n.t)
	var started struct{ Run string }
	n.ok(json.Unmarshal(answer, &started))
	for _, r := range n.finish() {
		if r.Name == started.Run {
			n.equals(said, r)
		}
	}
}

func (n *night) rehearse(run job.Run, p plan.Plan) rehearsal.Night {
	n.t.Helper()
	before := len(n.changes())
	stage := rehearsal.Stage{
		EC2: n.cloud, AutoScaling: autoscaling.NewFromConfig(n.AWS()), Parameters: n.ssm, Ledger: n.Ledger,
		Agents: n.ssm, Balancers: elasticloadbalancingv2.NewFromConfig(n.AWS()),
		Keys: source.Keys{KMS: kms.NewFromConfig(n.AWS()), Anyone: true}, Quotas: servicequotas.NewFromConfig(n.AWS()),
		Sharing: sharing.New(organizations.NewFromConfig(n.AWS()), kms.NewFromConfig(n.AWS())),
		Copies:  copies.Wire(n.AWS()), Afar: rehearsal.Afar(n.AWS()),
		Blocks: direct.NewFromConfig(n.AWS()),
		Path:   "/goldsmith/images", Now: time.Now,
	}
	said := must(stage.Play(n.ctx, run, p))(n.t)
	n.want("changes by a rehearsal", len(n.changes()), before)
	return said
}

// changes are the calls so far, of people and not of functions, that change something.
func (n *night) changes() (found []string) {
	for _, c := range n.Calls.Since(0) {
		reads := slices.ContainsFunc([]string{"Describe", "Get", "List"},
			func(word string) bool { return strings.HasPrefix(c.Action, word) })
		if c.Caller == "" && !reads {
			found = append(found, c.Action)
		}
	}
	return found
}

// equals holds what was said of a run against what came of it.
func (n *night) equals(said rehearsal.Night, r sfn.Execution) {
	n.t.Helper()
	record, _, err := n.Ledger.GetRun(n.ctx, r.Name)
	n.ok(err)
	n.want("refused", said.Refused, record.Problem)
	results := n.results(r)
	n.want("sources of "+r.Name, len(said.Sources), len(results))
	for _, s := range said.Sources {
		result, ok := results[s.ID]
		if !ok {
			n.t.Errorf("%s (%s) was to be %s, but the night did not meet it", s.Name, s.ID, s.Decision)
			continue
		}
		n.want("name of "+s.ID, s.Name, result.Name)
		if diff := cmp.Diff(s.Skip, result.Skip); diff != "" {
			n.t.Errorf("why %s is skipped (-said +was):\n%s", s.Name, diff)
		}
		if diff := cmp.Diff(s.Warnings, result.Warnings); diff != "" {
			n.t.Errorf("warnings of %s (-said +was):\n%s", s.Name, diff)
		}
		n.want("not shared "+s.Name, s.Unshared != nil, result.Shared != nil && result.Shared.Problem != "")
		n.want("imaged "+s.Name, result.Ending == job.Imaged, s.Decision != job.SkipIt)
		n.want("stopped "+s.Name, !result.Times.StopSent.IsZero(), s.Decision == job.StopFirst)
		n.rolledAsSaid(said.Templates, result)
		n.copiedAsSaid(said, result)
		n.groupsAsSaid(said.Groups, result)
	}
	n.retiredAsSaid(said.Images, r, record.Plan)
}

// rolledAsSaid holds what was said of a source's templates and aliases against what became of them.
func (n *night) rolledAsSaid(said []rehearsal.Roll, result job.Result) {
	n.t.Helper()
	var expected []job.Rolled
	for _, t := range said {
		if t.Source == result.Source && t.Region == "" {
			expected = append(expected, t.Rolled)
		}
	}
	was := asRehearsed(result.Rolled, map[string]string{result.Image.ID: rehearsal.Expected(result.Source)})
	if diff := cmp.Diff(expected, was, cmpopts.EquateEmpty()); diff != "" {
		n.t.Errorf("what takes the image of %s (-said +was):\n%s", result.Source, diff)
	}
}

// asRehearsed is what was rolled as a rehearsal has it, to which images are known by what it calls them.
func asRehearsed(all []job.Rolled, images map[string]string) []job.Rolled {
	was := slices.Clone(all)
	for i := range was {
		if called, ok := images[was[i].To]; ok {
			was[i].To = called
		}
		for id, called := range images {
			was[i].Problem = strings.ReplaceAll(was[i].Problem, id, called)
		}
		if was[i].Problem == "" { // the version is EC2's to give
			was[i].Version = was[i].Previous
		}
	}
	return was
}

// copiedAsSaid holds what was said of a source's copies, and of what would be rolled in their Regions, against what
// became of them.
func (n *night) copiedAsSaid(said rehearsal.Night, result job.Result) {
	n.t.Helper()
	if result.Ending != job.Imaged {
		return
	}
	n.want("copies of "+result.Source, len(result.Copies), len(said.Copies))
	for i, was := range result.Copies {
		if late := strings.Contains(was.Problem, "EC2 says"); late && said.Copies[i].Problem == "" {
			continue // Only EC2 finds out, minutes later.
		}
		n.want("why there is no copy in "+was.Region, was.Problem, said.Copies[i].Problem)
		var expected []job.Rolled
		for _, t := range said.Templates {
			if t.Source == result.Source && t.Region == was.Region {
				expected = append(expected, t.Rolled)
			}
		}
		rolled := asRehearsed(was.Rolled, map[string]string{
			result.Image.ID: rehearsal.Expected(result.Source), was.ID: rehearsal.ExpectedCopy(result.Source)})
		if diff := cmp.Diff(expected, rolled, cmpopts.EquateEmpty()); diff != "" {
			n.t.Errorf("what takes the copy in %s of the image of %s (-said +was):\n%s", was.Region, result.Source, diff)
		}
	}
}

// groupsAsSaid holds what was said of the groups that use what a source rolls against what became of them.
func (n *night) groupsAsSaid(said []rehearsal.Group, result job.Result) {
	n.t.Helper()
	var expected, was []rehearsal.Group
	for _, g := range said {
		if g.Source == result.Source {
			expected = append(expected, g)
		}
	}
	for _, r := range result.Refreshes {
		g := rehearsal.Group{Source: result.Source, Refreshed: r.ID != "",
			Refresh: job.Refresh{Group: r.Group, From: r.From, To: r.To, Note: r.Note}}
		if !g.Refreshed {
			g.Problem = r.Problem // How a refresh ends is Auto Scaling's to say.
		}
		was = append(was, g)
	}
	if diff := cmp.Diff(expected, was, cmpopts.EquateEmpty()); diff != "" {
		n.t.Errorf("groups of %s (-said +was):\n%s", result.Name, diff)
	}
}

// lastHeldAfar are the copies that parameters of other Regions held until a run rolled them. Parameter Store looks at
// an image before it shows it, which lasts longer than it is from there to the end of the run.
func (n *night) lastHeldAfar(r sfn.Execution) map[string]bool {
	held := map[string]bool{}
	for _, result := range n.results(r) {
		for _, c := range result.Copies {
			for _, t := range c.Rolled {
				held[t.From] = held[t.From] || t.Parameter
			}
		}
	}
	return held
}

// statuses are what is written down of each step.
var statuses = map[retention.Step]job.Status{
	retention.Restore: job.Restored, retention.InUse: job.InUse, retention.Deprecate: job.Deprecated,
	retention.Unshare: job.Unshared, retention.Disable: job.Disabled, retention.Retire: job.Retired,
}

// retiredAsSaid holds what was said of old images against what the run wrote down of them.
func (n *night) retiredAsSaid(said []rehearsal.Image, r sfn.Execution, plan string) {
	n.t.Helper()
	expected, was := map[string]job.Status{}, map[string]job.Status{}
	for _, i := range said {
		if status, done := statuses[i.Step]; done {
			expected[i.ID] = status
		}
	}
	held := n.lastHeldAfar(r)
	for each, err := range n.Ledger.Retirements(n.ctx, plan) {
		n.ok(err)
		if each.Run != r.Name || !strings.HasPrefix(each.Subject, "ami-") {
			continue
		}
		if was[each.Subject] = each.Status; each.Status == job.InUse && held[each.Subject] {
			was[each.Subject] = expected[each.Subject]
		}
	}
	if diff := cmp.Diff(expected, was); diff != "" {
		n.t.Errorf("old images in %s (-said +was):\n%s", r.Name, diff)
	}
}
