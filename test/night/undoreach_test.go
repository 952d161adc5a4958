package night_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/plan"
)

// Templates that go by the source's id or by its group are undone, held and let follow with what goes by its name.
func TestUndoLeadsBackWhatGoesByTheSourcesID(t *testing.T) {
	for _, named := range []bool{true, false} {
		t.Run(map[bool]string{true: "beside the name", false: "alone"}[named], func(t *testing.T) {
			play(t, refreshed(), func(n *night) {
				n.excused.slack = true
				web := n.launch("web", "")
				if named {
					n.template("byname", "web", "t3.micro", ec2.ImageX86)
				}
				byID := n.template("byid", web, "t3.micro", ec2.ImageX86)
				n.group("g", byID, "$Latest")
				bad := n.results(n.nights(0))[web].Image.ID
				time.Sleep(2 * time.Hour)
				answer := n.rollBack(event.Rollback{Name: "web", By: "ada", Refresh: true})
				n.want("targets", len(answer.Targets), map[bool]int{true: 3, false: 2}[named])
				n.want("image", n.imageIn(byID, "$Latest"), ec2.ImageX86)
				time.Sleep(2 * time.Hour)
				n.grow("g")
				n.want("runs what is undone", strings.Contains(strings.Join(n.members("g"), " "), bad), false)
				r := n.nights(1)
				n.want("held: "+n.rolled(r, web, byID).Problem, n.rolled(r, web, byID).Held, true)
				n.want("image", n.imageIn(byID, "$Default"), ec2.ImageX86)
				n.rollBack(event.Rollback{Name: "web", By: "ada", Follow: true})
				r = n.nights(2)
				n.want("image", n.imageIn(byID, "$Default"), n.results(r)[web].Image.ID)
			})
		})
	}
}

// A rollback of an id is of that alone: a group that launches the image from elsewhere is not told to launch it again.
func TestUndoOfAnIDNamesWhatTheNameLaunches(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true
		web := n.launch("web", "")
		byName := n.template("byname", "web", "t3.micro", ec2.ImageX86)
		n.template("byid", web, "t3.micro", ec2.ImageX86)
		n.group("g", byName, "$Default")
		n.nights(0)
		n.grow("g")
		said := notesOf(n.rollBack(event.Rollback{Name: web, By: "ada"}))
		n.want("told in "+said, strings.Contains(said, "group g runs what is undone in 2 members, and launches it from "+
			"version $Default of launch template byname, which is not led back"), true)
	})
}

// A fleet's instances that run what is undone are told, whatever the fleet launches by now.
func TestUndoNamesFleetsThatRunIt(t *testing.T) {
	for key, fleet := range map[string]string{
		"aws:ec2:fleet-id": "fleet fleet-1", "aws:ec2spot:fleet-request-id": "Spot Fleet sfr-1",
	} {
		t.Run(key, func(t *testing.T) {
			play(t, stack.Options{}, func(n *night) {
				n.excused.slack = true
				web := n.launch("web", "")
				n.template("fleet", "web", "t3.micro", ec2.ImageX86)
				bad := n.results(n.nights(0))[web].Image.ID
				_, id, _ := strings.Cut(fleet, "leet ")
				n.launch("of the fleet", "unenrolled image="+bad+" "+key+"="+id)
				time.Sleep(5 * time.Minute)
				said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
				n.want("told in "+said, strings.Contains(said, fleet+" runs what is undone in 1 instances"), true)
			})
		})
	}
}

// Members that the plan has refreshes ignore, and that run what is undone, are told.
func TestUndoNamesMembersThatItsRefreshIgnores(t *testing.T) {
	for _, version := range []string{"$Default", "$Latest", "1"} {
		t.Run(version, func(t *testing.T) {
			play(t, refreshed(func(r *plan.Refresh) { r.Protected = plan.ProtectedIgnore }), func(n *night) {
				n.excused.slack = true
				n.launch("web", "")
				fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
				n.group("fleet", fleet, version, func(in *autoscaling.CreateAutoScalingGroupInput) {
					in.NewInstancesProtectedFromScaleIn = aws.Bool(true)
				})
				n.nights(0)
				time.Sleep(2 * time.Hour)
				n.grow("fleet")
				said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada", Refresh: true}))
				n.want("told in "+said, strings.Contains(said, "group fleet goes on running it in 2 members"), true)
			})
		})
	}
}

// A member in Standby that the plan has refreshes ignore is told as well.
func TestUndoNamesAStandbyThatItsRefreshIgnores(t *testing.T) {
	play(t, refreshed(func(r *plan.Refresh) { r.Standby = plan.StandbyIgnore }), func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.group("fleet", fleet, "$Default")
		n.nights(0)
		time.Sleep(2 * time.Hour)
		n.excused.standby = true
		must(n.scaling().EnterStandby(n.ctx, &autoscaling.EnterStandbyInput{
			AutoScalingGroupName: aws.String("fleet"), InstanceIds: n.memberIDs("fleet")[:1],
			ShouldDecrementDesiredCapacity: aws.Bool(true),
		}))(t)
		time.Sleep(5 * time.Minute)
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada", Refresh: true}))
		n.want("told in "+said, strings.Contains(said, "group fleet goes on running it in 1 members"), true)
	})
}

// The refresh of an undo keeps as many members healthy as that of the roll did.
func TestUndoKeepsAsManyMembersHealthyAsTheRoll(t *testing.T) {
	play(t, refreshed(func(r *plan.Refresh) { r.MinHealthy, r.MaxHealthy = 100, 200 }), func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.group("fleet", fleet, "$Default")
		n.nights(0)
		time.Sleep(2 * time.Hour)
		n.rollBack(event.Rollback{Name: "web", By: "ada", Refresh: true})
		time.Sleep(2 * time.Hour)
		all := n.refreshesOf("fleet")
		n.want("refreshes", len(all), 2)
		n.want("least healthy", aws.ToInt32(all[0].Preferences.MinHealthyPercentage), 100)
		n.want("most healthy", aws.ToInt32(all[0].Preferences.MaxHealthyPercentage), 200)
	})
}
