package night_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/local/ec2"
	"goldsmith/local/sfn"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/plan"
)

const webAlias = "/goldsmith/images/web"

// sevenDays keeps as most plans do, with no grace.
func sevenDays(p *plan.Plan) { p.Keep = plan.Keep{Daily: 7, Minimum: 2} }

// owner is who has a name, as the ledger says.
func (n *night) owner(name string) ledger.Owner {
	n.t.Helper()
	o, _, err := n.Ledger.Owner(n.ctx, name)
	n.ok(err)
	return o
}

// handOver gives a name to an instance, as a person does.
func (n *night) handOver(name, to string) {
	n.t.Helper()
	payload := must(json.Marshal(event.Handover{Name: name, To: to, By: "ada"}))(n.t)
	must(n.Invoke(n.ctx, "arn:aws:lambda:eu-central-1:123456789012:function:goldsmith-rollback", payload))(n.t)
	time.Sleep(time.Minute)
}

// kept are the ids of the images of a source that can be launched and stay, oldest first.
func (n *night) kept(source string) (ids []string) {
	n.t.Helper()
	images := slices.SortedFunc(slices.Values(n.imagesOf(source)), func(a, b types.Image) int {
		return int(must(time.Parse(time.RFC3339,
			*a.CreationDate))(n.t).Sub(must(time.Parse(time.RFC3339, *b.CreationDate))(n.t)))
	})
	for _, i := range images {
		if i.State == types.ImageStateAvailable && i.DeprecationTime == nil {
			ids = append(ids, aws.ToString(i.ImageId))
		}
	}
	return ids
}

// request asks for an image of an instance, and gives the run once Parameter Store shows what it rolled. A lost
// event costs ten minutes.
func (n *night) request(id string) sfn.Execution {
	n.t.Helper()
	n.ask(id, "nightly")
	time.Sleep(15 * time.Minute)
	n.finish()
	time.Sleep(10 * time.Minute)
	for _, r := range n.runs() {
		if _, there := n.results(r)[id]; there {
			return r
		}
	}
	n.t.Fatalf("%s was not imaged", id)
	return sfn.Execution{}
}

// warned reports whether people are told that a source's image was not rolled under its name.
func (n *night) warned(r sfn.Execution, source string) bool {
	n.t.Helper()
	return slices.ContainsFunc(n.results(r)[source].Warnings, func(w job.Reason) bool { return w.Code == job.NameOwned })
}

// Servers of one name each keep the history of their own, and one of them has the name. Another instance that
// calls itself the same touches nothing of it, however often it asks.
func TestServersOfOneName(t *testing.T) {
	play(t, stack.Options{Plans: nightly(sevenDays)}, func(n *night) {
		servers := []string{n.launch("a", "Name=web"), n.launch("b", "Name=web"), n.launch("c", "Name=web")}
		fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.group("fleet", fleet, "$Default")
		owner := slices.Min(servers)
		var last sfn.Execution
		for night := range 3 {
			last = n.nights(night)
			n.want("owner", n.owner("web").Lineage, owner)
		}
		for _, id := range servers {
			n.want("images of "+id, len(n.kept(id)), 3)
			n.want("told of "+id, n.warned(last, id), id != owner)
			n.want("rolled of "+id, len(n.results(last)[id].Rolled) > 0, id == owner)
		}
		n.saysOf(last, "OK: ", "the name web belongs to "+owner)

		newest := n.kept(owner)[2]
		before := n.versions(fleet)
		intruder := n.launch("d", "Name=web")
		for range 4 {
			run := n.request(intruder)
			n.want("the intruder", n.results(run)[intruder].Ending, job.Imaged)
		}
		n.want("versions", maps.Equal(n.versions(fleet), before), true)
		_, image := n.standard("fleet")
		value, _ := n.Parameters.Value(webAlias)
		n.want("template and alias", []string{image, value}, []string{newest, newest})
		n.want("refreshes", len(n.refreshesOf("fleet")), 0)
		for _, id := range servers {
			n.want("images of "+id, len(n.kept(id)), 3)
		}
		n.saysOf(n.runs()[0], "goldsmith handover --name web --to "+intruder)

		n.handOver("web", intruder)
		run := n.request(intruder)
		_, image = n.standard("fleet")
		n.want("after the hand-over", []string{image, n.owner("web").Lineage},
			[]string{n.results(run)[intruder].Image.ID, intruder})
		n.excused.slack = true // the hand-over is told as well
	})
}

// Any member of a group stands for it: the group has the name, and the next night another member rolls under it.
func TestAGroupHasAName(t *testing.T) {
	play(t, stack.Options{Plans: nightly(sevenDays, func(p *plan.Plan) { p.Consistency = plan.Reboot })}, func(n *night) {
		base := n.template("base", "nothing", "t3.micro", ec2.ImageX86)
		n.group("fleet", base, "1")
		members := map[string]bool{}
		for _, i := range n.groupOf("fleet").Instances {
			members[aws.ToString(i.InstanceId)] = true
		}
		ids := slices.Sorted(maps.Keys(members))
		asks := func(id string) sfn.Execution {
			n.ok(n.tagAs(id, map[string]string{"Name": "web"}))
			return n.request(id)
		}
		n.begin()
		for _, id := range ids {
			run := asks(id)
			value, _ := n.Parameters.Value(webAlias)
			n.want("alias", value, n.results(run)[id].Image.ID)
			of := lineage.OfGroup(n.groupOf("fleet"))
			n.want("owner", n.owner("web").Lineage, of)
			r, _, err := n.Ledger.Registration(n.ctx, n.results(run)[id].Image.ID)
			n.ok(err)
			n.want("registered", []string{r.Lineage, r.Source}, []string{of, id})
		}
		stranger := n.launch("stranger", "Name=web unenrolled")
		n.want("a stranger is told", n.warned(asks(stranger), stranger), true)
	})
}

// A group that is made again under the name of one that was deleted takes its name, as what has ended is followed, and
// pushes none of its images out.
func TestAGroupMadeAgain(t *testing.T) {
	plans := nightly(func(p *plan.Plan) { p.Consistency, p.Keep = plan.Reboot, plan.Keep{Last: 2, Minimum: 2} })
	play(t, stack.Options{Plans: plans}, func(n *night) {
		base := n.template("base", "nothing", "t3.micro", ec2.ImageX86)
		owners, images := map[string]bool{}, map[string]int{}
		n.begin()
		for range 2 {
			n.group("fleet", base, "1")
			id := aws.ToString(n.groupOf("fleet").Instances[0].InstanceId)
			for range 3 {
				n.ok(n.tagAs(id, map[string]string{"Name": "web"}))
				n.want("warned", n.warned(n.request(id), id), false)
				n.want("its group has the name", n.owner("web").Lineage, lineage.OfGroup(n.groupOf("fleet")))
			}
			owners[n.owner("web").Lineage], images[id] = true, 0
			for _, i := range n.groupOf("fleet").Instances {
				n.excused.stopped[aws.ToString(i.InstanceId)] = true
			}
			must(n.scaling().DeleteAutoScalingGroup(n.ctx, &autoscaling.DeleteAutoScalingGroupInput{
				AutoScalingGroupName: aws.String("fleet"), ForceDelete: aws.Bool(true),
			}))(n.t)
			time.Sleep(time.Hour)
		}
		n.want("owners", len(owners), 2)
		for id := range images {
			n.want("images of "+id, len(n.kept(id)), 2)
		}
	})
}

// Nights of servers that share names, come, are terminated, and are handed names: every alias has the image of its
// name's owner, and the history of what lives is whole.
func TestNightsOfSharedNames(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0x0313))
			play(t, stack.Options{Plans: nightly(sevenDays), Seed: seed + 1}, func(n *night) {
				n.excused.slack = true // hand-overs are told as well
				names := []string{"web", "web 1", "web/1", "データ"}
				nameOf, nights := map[string]string{}, map[string]int{}
				for night := range 5 {
					for range 1 + random.IntN(2) {
						name := names[random.IntN(len(names))]
						id := n.launch(fmt.Sprintf("server-%d-%d", night, len(nameOf)), "")
						n.ok(n.tagAs(id, map[string]string{"Name": name}))
						nameOf[id] = name
					}
					run := n.nights(night)
					time.Sleep(10 * time.Minute) // Parameter Store shows what was rolled by then
					n.namesAreRight(run, names, nameOf)
					for id := range nameOf {
						nights[id]++
						n.want("images of "+id, len(n.kept(id)), nights[id])
					}
					n.anyLife(random, nameOf)
				}
			})
		})
	}
}

// anyLife terminates a server, or hands a name over, or does nothing.
func (n *night) anyLife(random *rand.Rand, nameOf map[string]string) {
	n.t.Helper()
	ids := slices.Sorted(maps.Keys(nameOf))
	id := ids[random.IntN(len(ids))]
	switch random.IntN(3) {
	case 0:
		n.as(id, ec2.Terminated)
		n.excused.stopped[id] = true
		delete(nameOf, id)
	case 1:
		n.handOver(nameOf[id], id)
	}
}

// namesAreRight: each name that a server goes by has one owner among them, whose image its alias has; the
// others are told, and no two names have one alias.
func (n *night) namesAreRight(r sfn.Execution, names []string, nameOf map[string]string) {
	n.t.Helper()
	results, aliases := n.results(r), map[string]string{}
	for _, name := range names {
		owner := n.owner(name).Lineage
		for id, of := range nameOf {
			if of != name {
				continue
			}
			n.want("told of "+id, n.warned(r, id), id != owner)
			if id != owner || len(results[id].Rolled) == 0 {
				continue
			}
			alias := results[id].Rolled[0].Target
			value, _ := n.Parameters.Value(alias)
			n.want("image of "+alias, value, results[id].Image.ID)
			n.want("the alias of "+name+" was another's", aliases[alias], "")
			aliases[alias] = name
		}
	}
}
