package night_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/rollback"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

// undone: no $Default or $Latest of a template that is led back, and no launcher that the answer does not name,
// launches what was undone.
func (n *night) undone(
	w rollWorld, image string, answer rollback.Answer, now []rollLaunch, met map[string]int,
) {
	n.t.Helper()
	notes := ""
	for _, t := range answer.Targets {
		notes += t.Problem + " " + t.Note + "\n"
		met["left"] += len(t.Note)
		met["moved back"] += len(t.Refreshed)
	}
	for _, name := range n.warm(image) {
		met["warm pool named"]++
		if !strings.Contains(notes, "group "+name+" ") {
			n.t.Errorf("an instance in the warm pool of %s runs %s after it was rolled back, and the answer says: %s", name,
				image, notes)
		}
	}
	for _, l := range now {
		if l.image == image && !keptBy(w, answer, l) && !strings.Contains(notes, l.who+" ") {
			n.t.Errorf("%s launches %s by %s of %s after it was rolled back, and the answer says: %s", l.who, image, l.version,
				l.template, notes)
		}
	}
}

// keptBy reports whether a way of launching is a template's own, and that is told as not led back, or was not asked
// for.
func keptBy(w rollWorld, answer rollback.Answer, l rollLaunch) bool {
	return strings.HasPrefix(l.who, "template-") && (saysWhy(answer, l.template) || w.byID && !led(answer, l.template))
}

// led reports whether a template is among what was to be led back.
func led(answer rollback.Answer, template string) bool {
	return slices.ContainsFunc(answer.Targets, func(t rollback.Result) bool { return t.Target == template })
}

// warm are the groups in whose warm pools instances of an image wait.
func (n *night) warm(image string) (groups []string) {
	n.t.Helper()
	for _, i := range n.instances() {
		group := tag.Map(i.Tags)[tag.Group]
		if aws.ToString(i.ImageId) != image || group == "" || i.State.Name == types.InstanceStateNameTerminated {
			continue
		}
		out := must(n.scaling().DescribeWarmPool(n.ctx,
			&autoscaling.DescribeWarmPoolInput{AutoScalingGroupName: aws.String(group)}))(n.t)
		if slices.ContainsFunc(out.Instances, func(w scaling.Instance) bool {
			return aws.ToString(w.InstanceId) == aws.ToString(i.InstanceId)
		}) {
			groups = append(groups, group)
		}
	}
	return groups
}

// givenBack: what launched something before the roll launches the same image after the undo, unless that is gone or
// the answer names who does not.
func (n *night) givenBack(w rollWorld, answer rollback.Answer, before, back []rollLaunch, met map[string]int) {
	n.t.Helper()
	notes := notesOf(answer)
	for i, b := range before {
		gone := w.lost && b.image == n.second
		if b.why != "" || gone || strings.Contains(notes, b.who+" ") {
			continue
		}
		if back[i].image != b.image {
			n.t.Errorf("%s launched %s by %s of %s, and launches %q by %s after the undo; %s", b.who, b.image, b.version,
				b.template, back[i].image, back[i].version, back[i].why)
		}
		if b.image == n.second {
			met["second given back"]++
		}
	}
}

// spared is what launches after an undo, without blame for what a person deregistered: nothing leads to another image
// what was not rolled, and what names a version's number.
func (n *night) spared(w rollWorld, result job.Result, before, back []rollLaunch) []rollLaunch {
	back = slices.Clone(back)
	for i, b := range before {
		rolled := slices.ContainsFunc(result.Rolled, func(r job.Rolled) bool {
			return r.Target == b.template && r.Problem == ""
		})
		if w.lost && b.image == n.second && (!rolled || !strings.HasPrefix(b.version, "$")) {
			back[i].why = ""
		}
	}
	return back
}

// wayOf is what one way of launching is known by, whatever version it names by then.
func (l rollLaunch) wayOf() string {
	if strings.HasPrefix(l.who, "template-") {
		return fmt.Sprint(l.who, l.version)
	}
	return fmt.Sprint(l.who, " ", l.template, " ", l.kind)
}

// ways are ways of launching by what they are known by; the nth of one name ends in n.
func ways(all []rollLaunch) map[string]rollLaunch {
	by := map[string]rollLaunch{}
	for _, l := range all {
		key := l.wayOf()
		for n := 2; ; n++ {
			if _, there := by[key]; !there {
				break
			}
			key = fmt.Sprint(l.wayOf(), " ", n)
		}
		by[key] = l
	}
	return by
}

// editsStay: after an undo each launches what it launched before the roll, or what it launched by then, in all but the
// image; what a person has changed since is lost to none, and an image that a person has put there stays.
func (n *night) editsStay(w rollWorld, undone string, answer rollback.Answer, before, edited, back []rollLaunch) {
	n.t.Helper()
	was, is := ways(before), ways(back)
	for key, e := range ways(edited) {
		b, there := is[key]
		if !there {
			n.t.Fatalf("%s launches no more", key)
		}
		ends := []string{n.essence(e.data)}
		if former, known := was[key]; known && !w.moves(e.who) {
			ends = append(ends, n.essence(former.data))
		}
		if !slices.Contains(ends, n.essence(b.data)) {
			n.t.Errorf("the undo changed what %s launches from version %s to %s:\n%s\n%s", e.who, e.version, b.version,
				strings.Join(ends, "\nor "), n.essence(b.data))
		}
		gone := w.lost && (e.image == n.second || was[key].image == n.second)
		n.launchesOn(undone, answer, was[key], e, b, gone)
	}
}

// launchesOn: what was launched before an undo is launched after it, unless the answer tells of it or the image is
// gone; and what launched another image than the undone one still does, or what it launched before the roll.
func (n *night) launchesOn(undone string, answer rollback.Answer, was, edited, back rollLaunch, gone bool) {
	n.t.Helper()
	said := notesOf(answer)
	told := strings.Contains(said, edited.who+" ") || saysWhy(answer, edited.template)
	switch {
	case edited.why != "":
	case back.why != "" && !told && !gone:
		n.t.Errorf("%s launched version %s of %s before the undo, and now: %s; the answer says: %s", edited.who,
			edited.version, edited.template, back.why, said)
	case back.why == "" && edited.image != undone && back.image != edited.image && back.image != was.image:
		n.t.Errorf("%s launched %s by %s before the undo, and %s by %s after it", edited.who, edited.image, edited.version,
			back.image, back.version)
	}
}

// moves reports whether a person has a launcher launch something else between the roll and the undo.
func (w rollWorld) moves(who string) bool {
	return slices.ContainsFunc(w.edits, func(e rollEdit) bool { return fmt.Sprintf("group launcher-%d", e.moved) == who })
}

// saysWhy reports whether an answer says why a template is not led back, or what it would not launch.
func saysWhy(answer rollback.Answer, template string) bool {
	return slices.ContainsFunc(answer.Targets, func(t rollback.Result) bool {
		return t.Target == template && (t.Problem != "" || strings.Contains(t.Note, "would not launch"))
	})
}
