package night_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/asg"
	"goldsmith/shared/event"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

// worlds is how many generated worlds are rolled and rolled back.
const worlds = 260

// In every generated world: what the rehearsal says is what the run does; what launched before a roll launches after
// it, equal in all but the image; and after a rollback nothing that is not named launches what was undone.
func TestRollouts(t *testing.T) {
	t.Parallel()
	met := map[string]int{}
	// Of the first two the default takes its image from the alias, and nothing that is seen launches the default.
	seeds := []int{5114, 6292}
	for seed := range worlds {
		seeds = append(seeds, seed)
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { rollout(t, anyRollWorld.Example(seed), met) })
	}
	for _, what := range []string{"rolled", "not rolled", "stays", "fleet", "refreshed", "not refreshed", "warned", "left",
		"moved back", "kept", "second given back", "refused", "warm pool", "warm pool named", "boot mode", "ENA", "TPM",
		"platform",
		"their owner", "requirements", "volume type", "hibernation", "launched",
		"edited", "of the id"} {
		if met[what] == 0 {
			t.Errorf("no world met %q; the seeds show too little: %v", what, met)
		}
	}
	t.Log(met)
}

func rollout(t *testing.T, w rollWorld, met map[string]int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newNight(t, stack.Options{Plans: nightly(w.edit)})
		defer n.end()
		defer func() {
			if t.Failed() {
				t.Log(w)
			}
		}()
		n.excused.slack = true // the rollback is told as well
		web, templates, launchers := n.build(w)
		before := n.launching(templates, launchers)
		p := n.plans.Plans["nightly"]
		n.begin()
		time.Sleep(time.Until(due.Add(-time.Millisecond)))
		said := n.rehearse(rehearsal.Scheduled(p, due), p)
		r := n.finishAfter(due)[0]
		n.equals(said, r)
		result := n.results(r)[web]
		n.want("ending", result.Ending, job.Imaged)
		n.meets(met, result)
		n.anyVolumes = len(p.Roll.Volumes) > 0 // What the plan says may differ; what was launched is launched.
		n.sameButImage("the roll", wished(w, templates), before, n.launching(templates, launchers))
		n.newLaunch(result, templates)
		n.leavesNoVolumes(result, n.launching(templates, launchers), met)

		time.Sleep(2 * time.Minute) // Parameter Store has looked at the image by then.
		if !slices.ContainsFunc(result.Rolled, func(r job.Rolled) bool { return r.Problem == "" }) {
			return // Nothing was rolled, so nothing can be undone.
		}
		for i, e := range w.edits {
			n.edit(i, templates, e)
		}
		edited := n.launching(templates, launchers)
		if w.lost {
			must(n.cloud.DeregisterImage(n.ctx, &sdk.DeregisterImageInput{ImageId: aws.String(n.second)}))(t)
		}
		answer, err := n.rolledBack(event.Rollback{Name: w.undoes(web), By: "ada", Refresh: w.refresh})
		if err != nil && w.refuses(n, err) {
			met["refused"]++
			return
		}
		n.ok(err)
		time.Sleep(2 * time.Hour)
		met["edited"] += len(w.edits)
		if w.byID {
			met["of the id"]++
		}
		back := n.launching(templates, launchers)
		n.editsStay(w, result.Image.ID, answer, before, edited, back)
		n.undone(w, result.Image.ID, answer, back, met)
		if len(w.edits) == 0 && !w.byID {
			n.sameButImage("roll and rollback", wished(w, templates), before, n.spared(w, result, before, back))
			n.givenBack(w, answer, before, back, met)
			n.volumesBack(before, back, met)
		}
		n.check()
	})
}

// undoes is the name that the rollback is of.
func (w rollWorld) undoes(web string) string {
	if w.byID {
		return web
	}
	return "web"
}

// refuses reports whether a rollback may be refused with an error: what was launched is gone, or nothing was rolled by
// the source's id.
func (w rollWorld) refuses(n *night, err error) bool {
	return w.lost && strings.Contains(err.Error(), n.second+" is gone") ||
		w.byID && strings.Contains(err.Error(), "nothing was ever rolled for")
}

// leavesNoVolumes: no volume is left behind by what something is seen to launch from an image.
func (n *night) leavesNoVolumes(result job.Result, now []rollLaunch, met map[string]int) {
	n.t.Helper()
	i := slices.IndexFunc(now, func(l rollLaunch) bool {
		return l.image == result.Image.ID && !strings.HasPrefix(l.who, "template-")
	})
	if i < 0 {
		return
	}
	made := must(n.cloud.DescribeImages(n.ctx, &sdk.DescribeImagesInput{ImageIds: []string{result.Image.ID}}))(n.t).Images
	for _, m := range made[0].BlockDeviceMappings {
		if m.Ebs != nil && !aws.ToBool(m.Ebs.DeleteOnTermination) {
			n.t.Errorf("%s launches %s by %s of %s, and leaves its volume %s behind", now[i].who, result.Image.ID,
				now[i].version, now[i].template, aws.ToString(m.DeviceName))
		}
	}
	met["launched"]++
}

// text writes a parameter of data type text that holds an image.
func (n *night) text(name, image string) {
	n.t.Helper()
	must(n.ssm.PutParameter(n.ctx,
		&ssm.PutParameterInput{Name: aws.String(name), Value: aws.String(image), Type: ssmtypes.ParameterTypeString}))(n.t)
}

// launch is one way in which something launches from a template, and what comes of it.
type rollLaunch struct {
	who, template, version string
	kind                   types.InstanceType
	data                   types.ResponseLaunchTemplateData
	// image is what was launched; empty when EC2 refused, why says why.
	image, why string
}

// launching is what every launcher, and $Default and $Latest of every template, launches now.
func (n *night) launching(templates []string, launchers []rollLauncher) []rollLaunch {
	n.t.Helper()
	var all []rollLaunch
	add := func(who, template, version string, kinds []string) {
		for _, kind := range kinds {
			l := rollLaunch{who: who, template: template, version: version, kind: types.InstanceType(kind)}
			n.tryLaunch(&l)
			all = append(all, l)
		}
	}
	for i, id := range templates {
		add(fmt.Sprintf("template-%d", i), id, "$Default", []string{""})
		add(fmt.Sprintf("template-%d", i), id, "$Latest", []string{""})
	}
	for _, g := range must(n.scaling().DescribeAutoScalingGroups(n.ctx,
		&autoscaling.DescribeAutoScalingGroupsInput{}))(n.t).AutoScalingGroups {
		for _, s := range asg.Specs(g) {
			add("group "+aws.ToString(g.AutoScalingGroupName), s.Template, s.Version, kindsOf(g))
		}
	}
	for _, l := range launchers {
		if l.fleet {
			kinds := l.overrides
			if len(kinds) == 0 || l.attributes {
				kinds = []string{""}
			}
			add("fleet", templates[l.template], l.version, kinds)
		}
	}
	return all
}

// kindsOf are the types that a group may launch; "" for the template's own, and for what requirements are met by.
func kindsOf(g scaling.AutoScalingGroup) (kinds []string) {
	if g.MixedInstancesPolicy == nil {
		return []string{""}
	}
	for _, o := range g.MixedInstancesPolicy.LaunchTemplate.Overrides {
		kinds = append(kinds, aws.ToString(o.InstanceType))
	}
	return kinds
}

// tryLaunch launches an instance, and terminates it. Where a template leaves the type to requirements, one that meets
// them is taken; where it leaves it to who launches, none.
func (n *night) tryLaunch(l *rollLaunch) {
	n.t.Helper()
	of := &types.LaunchTemplateSpecification{LaunchTemplateId: aws.String(l.template), Version: aws.String(l.version)}
	v := must(n.cloud.DescribeLaunchTemplateVersions(n.ctx, &sdk.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: of.LaunchTemplateId, Versions: []string{l.version},
	}))(n.t).LaunchTemplateVersions[0]
	l.data = *v.LaunchTemplateData
	kind := l.kind
	switch {
	case kind != "" || l.data.InstanceType != "":
	case l.data.InstanceRequirements != nil:
		kind = "t3.medium"
	case strings.HasPrefix(l.who, "template-"):
		l.why = "no type is named"
		return
	}
	one := aws.Int32(1)
	out, err := n.cloud.RunInstances(n.ctx,
		&sdk.RunInstancesInput{LaunchTemplate: of, InstanceType: kind, MinCount: one, MaxCount: one})
	if err != nil {
		l.why = err.Error()
		return
	}
	l.image = aws.ToString(out.Instances[0].ImageId)
	id := aws.ToString(out.Instances[0].InstanceId)
	n.as(id, ec2.Running)
	must(n.cloud.TerminateInstances(n.ctx, &sdk.TerminateInstancesInput{InstanceIds: []string{id}}))(n.t)
}

// wished are the templates of which plan or tag say what the new version is built on: what launches from them may
// change to that.
func wished(w rollWorld, templates []string) map[string]bool {
	all := map[string]bool{}
	for i, id := range templates {
		_, tagged := w.templates[i].tags[tag.Base]
		all[id] = tagged || w.base != ""
	}
	return all
}

// unlaunched reports whether what launches from a template is seen, and none of it is what $Latest has: then the new
// version is made from what is launched.
func (l rollLaunch) unlaunched(all []rollLaunch) bool {
	return l.version == "$Latest" && strings.HasPrefix(l.who, "template-") &&
		slices.ContainsFunc(all,
			func(o rollLaunch) bool { return o.template == l.template && !strings.HasPrefix(o.who, "template-") })
}

// sameButImage: what could be launched before can be launched after, and is the same in all but the image.
func (n *night) sameButImage(what string, wished map[string]bool, before, after []rollLaunch) {
	n.t.Helper()
	if len(before) != len(after) {
		n.t.Fatalf("%d ways to launch before %s, %d after", len(before), what, len(after))
	}
	heads := map[string]string{}
	for _, b := range before[:2*len(wished)] {
		heads[b.template] += n.essence(b.data) + "\n"
	}
	for i, b := range before {
		a := after[i]
		if b.unlaunched(before) {
			continue
		}
		if b.why == "" && a.why != "" {
			n.t.Errorf("%s launched version %s of %s on %q before %s, and now: %s", b.who, b.version, b.template,
				b.kind, what, a.why)
		}
		was, is := n.essence(b.data), n.essence(a.data)
		if chosen := wished[b.template] && strings.Contains(heads[b.template], is); was != is && !chosen {
			n.t.Errorf("%s changed what %s launches from %s to %s:\n%s\n%s", what, b.who, b.version, a.version, was, is)
		}
	}
}

// essence is launch data without its image and that image's own snapshots.
func (n *night) essence(d types.ResponseLaunchTemplateData) string {
	n.t.Helper()
	image := aws.ToString(d.ImageId)
	var own []string
	if strings.HasPrefix(image, "ami-") {
		d.ImageId = nil
		if image == n.second { // It has the same snapshot, and may be gone by now.
			image = ec2.ImageX86
		}
		for _, m := range must(n.cloud.DescribeImages(n.ctx,
			&sdk.DescribeImagesInput{ImageIds: []string{image}}))(n.t).Images[0].BlockDeviceMappings {
			own = append(own, aws.ToString(m.Ebs.SnapshotId))
		}
	}
	if n.anyVolumes {
		d.BlockDeviceMappings = nil
	}
	d.BlockDeviceMappings = slices.Clone(d.BlockDeviceMappings)
	for i, m := range d.BlockDeviceMappings {
		if m.Ebs != nil && slices.Contains(own, aws.ToString(m.Ebs.SnapshotId)) {
			ebs := *m.Ebs
			ebs.SnapshotId = nil
			d.BlockDeviceMappings[i].Ebs = &ebs
		}
	}
	return string(must(json.Marshal(d))(n.t))
}

// newLaunch: what is told as rolled launches the new image by $Latest, and by $Default where that moves; what is not
// does not.
func (n *night) newLaunch(result job.Result, templates []string) {
	n.t.Helper()
	for _, l := range n.launching(templates, nil) {
		r := slices.IndexFunc(result.Rolled, func(r job.Rolled) bool { return r.Target == l.template })
		if r < 0 || !strings.HasPrefix(l.who, "template-") {
			continue
		}
		is := result.Rolled[r]
		wanted := is.Problem == "" && (l.version == "$Latest" || !is.Stays)
		if got := aws.ToString(l.data.ImageId) == result.Image.ID; got != wanted {
			n.t.Errorf("%s of %s has %s; told was %+v", l.version, l.who, aws.ToString(l.data.ImageId), is)
		}
	}
}

// meets counts what a world has shown.
func (n *night) meets(met map[string]int, result job.Result) {
	for _, r := range result.Rolled {
		meetsRoll(met, r)
	}
	for _, r := range result.Refreshes {
		if r.ID == "" {
			met["not refreshed"]++
		} else {
			met["refreshed"]++
		}
	}
	for _, w := range result.Warnings {
		if w.Code == job.PinnedGroup {
			met["warned"]++
		}
		if w.Code == job.KeptVolumes {
			met["kept"]++
		}
	}
}

func meetsRoll(met map[string]int, r job.Rolled) {
	switch {
	case r.Problem != "":
		met["not rolled"]++
	case r.Stays:
		met["stays"]++
	default:
		met["rolled"]++
	}
	for what, text := range map[string]string{
		"fleet": "fleet", "warm pool": "warm pools", "boot mode": "does not boot", "ENA": "images with ENA",
		"TPM":      "no NitroTPM",
		"platform": "one of Windows", "their owner": "another service", "requirements": "instance requirements",
		"volume type": "would be", "device name": "are one device", "hibernation": "to hibernate",
	} {
		if strings.Contains(r.Note+r.Problem, text) {
			met[what]++
		}
	}
}
