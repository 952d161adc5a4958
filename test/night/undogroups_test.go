package night_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/rollback"
	"goldsmith/local/ec2"
	"goldsmith/local/stack"
	"goldsmith/shared/event"
	"goldsmith/shared/plan"
)

// notesOf are what an answer says beside what became of its targets.
func notesOf(a rollback.Answer) string {
	said := ""
	for _, t := range a.Targets {
		said += fmt.Sprintln(t.Problem, t.Note)
	}
	return said
}

// grow adds members to a group, which launch what it names by now.
func (n *night) grow(group string) {
	n.t.Helper()
	must(n.scaling().UpdateAutoScalingGroup(n.ctx, &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(group), DesiredCapacity: aws.Int32(4),
	}))(n.t)
	time.Sleep(10 * time.Minute)
}

// A group that another AWS service owns is named with its owner, and not refreshed, also where the plan lists its
// template.
func TestUndoRefreshesNoGroupOfAnotherOwner(t *testing.T) {
	lists := nightly(func(p *plan.Plan) { p.Roll.Templates = map[string][]string{"web": {"fleet"}} })
	play(t, stack.Options{Plans: lists}, func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.group("owned", fleet, "$Default", func(in *autoscaling.CreateAutoScalingGroupInput) {
			in.Tags = []scaling.Tag{{Key: aws.String("elasticbeanstalk:environment-name"), Value: aws.String("shop")}}
		})
		n.nights(0)
		n.grow("owned")
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada", Refresh: true}))
		n.want("refreshes", len(n.refreshesOf("owned")), 0)
		n.want("named in "+said, strings.Contains(said, "group owned "), true)
		n.want("owner in "+said, strings.Contains(said, "AWS Elastic Beanstalk (environment shop)"), true)
	})
}

// Protected members go back as they came: as the plan said.
func TestUndoRefreshesProtectedMembersAsTheRollDid(t *testing.T) {
	play(t, refreshed(func(r *plan.Refresh) { r.Protected = plan.ProtectedRefresh }), func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		fleet := n.template("fleet", "web", "m5.large", ec2.ImageX86)
		n.group("fleet", fleet, "1", func(in *autoscaling.CreateAutoScalingGroupInput) {
			in.NewInstancesProtectedFromScaleIn = aws.Bool(true)
		})
		n.nights(0)
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada", Refresh: true}))
		n.want("said", strings.Contains(said, "waits an hour"), false)
		time.Sleep(3 * time.Hour)
		n.want("members", strings.Join(n.members("fleet"), " "), ec2.ImageX86)
	})
}

// A group whose members run the undone image, and which launches from another template by now, is named, and what to do
// about it is not nothing.
func TestUndoNamesAGroupThatHasMovedOn(t *testing.T) {
	play(t, refreshed(), func(n *night) {
		n.excused.slack = true
		n.alias("/goldsmith/images/web", ec2.ImageX86)
		n.launch("web", "")
		fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		other := n.template("other", "db", "t3.micro", ec2.ImageX86)
		n.group("moved", fleet, "$Default")
		n.nights(0)
		must(n.scaling().UpdateAutoScalingGroup(n.ctx, &autoscaling.UpdateAutoScalingGroupInput{
			AutoScalingGroupName: aws.String("moved"), LaunchTemplate: specOf(other, "1"),
		}))(t)
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
		n.want("named in "+said, strings.Contains(said, "group moved runs what is undone"), true)
		n.want("told", strings.Contains(n.said(), "Now: do what is said of each group and fleet"), true)
	})
}

// A group names a version that takes its image from the alias, which neither default nor latest does.
func TestUndoOfAnAliasThatANumberTakes(t *testing.T) {
	play(t, refreshed(), func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		n.alias("/golden/web", ec2.ImageX86)
		time.Sleep(time.Minute)
		fleet := n.template("fleet", "web", "t3.micro", "resolve:ssm:/golden/web")
		must(n.cloud.CreateLaunchTemplateVersion(n.ctx, &sdk.CreateLaunchTemplateVersionInput{
			LaunchTemplateId: aws.String(fleet), SourceVersion: aws.String("1"),
			LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(ec2.ImageX86)},
		}))(t)
		n.makeDefault(fleet, "2")
		n.group("one", fleet, "1")
		n.nights(0)
		n.grow("one")
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
		n.want("named in "+said, strings.Contains(said, "group one runs it in 4 members"), true)
	})
}

// A group that launches from the alias is refreshed to what that has gone back to, however long Parameter Store takes
// to check an image.
func TestUndoRefreshesOnceTheAliasReads(t *testing.T) {
	play(t, refreshed(), func(n *night) {
		n.excused.slack = true
		web := n.launch("web", "")
		n.alias(webAlias, ec2.ImageX86)
		time.Sleep(time.Minute)
		n.group("fleet", n.template("fleet", "web", "m5.large", "resolve:ssm:"+webAlias), "$Default")
		first := n.results(n.nights(0))[web].Image.ID
		second := n.results(n.nights(1))[web].Image.ID
		time.Sleep(2 * time.Hour)
		n.want("members", n.members("fleet"), []string{second})
		n.rollBack(event.Rollback{Name: "web", By: "ada", Refresh: true})
		time.Sleep(2 * time.Hour)
		n.want("members after the undo", n.members("fleet"), []string{first})
	})
}

// While Parameter Store checks the image that an alias goes back to, a group that launches from it is not refreshed,
// and who asks again does not write it once more.
func TestUndoRefreshesNothingBeforeTheAliasReads(t *testing.T) {
	play(t, refreshed(), func(n *night) {
		n.excused.slack = true
		web := n.launch("web", "")
		n.alias(webAlias, ec2.ImageX86)
		time.Sleep(time.Minute)
		n.group("fleet", n.template("fleet", "web", "m5.large", "resolve:ssm:"+webAlias), "$Default")
		first := n.results(n.nights(0))[web].Image.ID
		n.nights(1)
		time.Sleep(2 * time.Hour)
		begun, written := len(n.callsOf("StartInstanceRefresh")), len(n.callsOf("PutParameter"))
		n.Parameters.Check(8 * time.Minute)
		asked := event.Rollback{Name: "web", By: "ada", Refresh: true}
		for range 7 {
			answer := must(n.rolledBackOnce(asked))(t)
			n.want("unread", strings.Join(answer.Unread, " "), webAlias)
			time.Sleep(time.Minute)
		}
		n.want("refreshes begun", len(n.callsOf("StartInstanceRefresh")), begun)
		n.want("parameters written", len(n.callsOf("PutParameter")), written+1)
		n.rollBack(asked)
		n.want("refreshes begun once it reads", len(n.callsOf("StartInstanceRefresh")), begun+1)
		time.Sleep(2 * time.Hour)
		n.want("members after the undo", n.members("fleet"), []string{first})
	})
}

// An EC2 Fleet that names the undone version by its number is named.
func TestUndoNamesFleets(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.nights(0)
		n.ok(n.fleetOf(fleet, rollLauncher{fleet: true, version: "2"}))
		time.Sleep(5 * time.Minute)
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
		n.want("named in "+said, strings.Contains(said, "fleet fleet-") && strings.Contains(said, "launches version 2"), true)
	})
}

// A template that may have no more versions is not led back: who launches what was to be undone is named.
func TestUndoAtTheQuotaNamesGroups(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.group("latest", fleet, "$Latest")
		n.group("standard", fleet, "$Default")
		n.nights(0)
		n.EC2.Inject(ec2.Fault{
			Action: "CreateLaunchTemplateVersion", Resource: fleet, Code: "VersionLimitExceeded", Status: 400,
		})
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
		n.want("named in "+said, strings.Contains(said, "group latest launches version $Latest"), true)
	})
}

// A group that launches from two templates goes back by one refresh, which brings both: what one began the other does
// not take back.
func TestUndoOfTwoTemplatesInOneGroup(t *testing.T) {
	play(t, refreshed(), func(n *night) {
		n.excused.slack = true
		web := n.launch("web", "")
		one := n.template("one", "web", "t3.micro", ec2.ImageX86)
		two := n.template("two", "web", "t3.micro", ec2.ImageX86)
		n.group("both", one, "1", mixed(scaling.LaunchTemplateOverrides{InstanceType: aws.String("t3.micro")},
			scaling.LaunchTemplateOverrides{InstanceType: aws.String("m5.large"),
				LaunchTemplateSpecification: specOf(two, "1")}))
		bad := n.results(n.nights(0))[web].Image.ID
		time.Sleep(3 * time.Hour)
		answer := n.rollBack(event.Rollback{Name: "web", By: "ada", Refresh: true})
		for _, each := range answer.Targets {
			n.want("refreshed by "+each.Name+each.Note, len(each.Refreshed), map[bool]int{true: 1}[each.Name != ""])
		}
		time.Sleep(3 * time.Hour)
		n.want("members", strings.Contains(strings.Join(n.members("both"), " "), bad), false)
		policy := n.groupOf("both").MixedInstancesPolicy.LaunchTemplate
		n.want("versions", aws.ToString(policy.LaunchTemplateSpecification.Version)+" "+
			aws.ToString(policy.Overrides[1].LaunchTemplateSpecification.Version), "1 1")
		n.want("refreshes", len(n.refreshesOf("both")), 2)
	})
}

// A group that another service owns, and that the plan lists, goes back as it came.
func TestUndoRefreshesAListedGroupOfAnotherOwner(t *testing.T) {
	play(t, refreshed(func(r *plan.Refresh) { r.Groups = []string{"owned"} }), func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.group("owned", fleet, "1", func(in *autoscaling.CreateAutoScalingGroupInput) {
			in.Tags = []scaling.Tag{{Key: aws.String("elasticbeanstalk:environment-name"), Value: aws.String("shop")}}
		})
		n.nights(0)
		time.Sleep(2 * time.Hour)
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada", Refresh: true}))
		time.Sleep(3 * time.Hour)
		n.want("members after "+said, strings.Join(n.members("owned"), " "), ec2.ImageX86)
	})
}

// A person who asks again while the refresh that the undo has begun goes on hears of that refresh, whatever the group
// names, and no other is asked for.
func TestUndoAskedTwiceDuringItsRefresh(t *testing.T) {
	for _, version := range []string{"$Default", "$Latest", "1"} {
		t.Run(version, func(t *testing.T) {
			play(t, refreshed(), func(n *night) {
				n.excused.slack = true
				n.alias("/goldsmith/images/web", ec2.ImageX86)
				n.launch("web", "")
				time.Sleep(time.Minute)
				fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
				n.group("fleet", fleet, version, func(in *autoscaling.CreateAutoScalingGroupInput) {
					in.DefaultInstanceWarmup = aws.Int32(600) // A refresh takes its time.
				})
				n.nights(0)
				n.grow("fleet")
				for range 2 {
					answer := n.rollBack(event.Rollback{Name: "web", By: "ada", Refresh: true})
					var begun []string
					for _, t := range answer.Targets {
						begun = append(begun, t.Refreshed...)
					}
					n.want("refreshed", fmt.Sprint(begun), "[fleet]")
					n.want("said", strings.TrimSpace(notesOf(answer)), "")
				}
				time.Sleep(3 * time.Hour)
				n.want("refreshes", len(n.refreshesOf("fleet")), 2)
				n.want("members", strings.Join(n.members("fleet"), " "), ec2.ImageX86)
			})
		})
	}
}

// A refresh that had begun before the undo may have launched what is undone: it is not taken for the undo's.
func TestUndoDuringAnEarlierRefresh(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.group("fleet", fleet, "$Default")
		n.nights(0)
		must(n.scaling().StartInstanceRefresh(n.ctx, &autoscaling.StartInstanceRefreshInput{
			AutoScalingGroupName: aws.String("fleet"),
			Preferences:          &scaling.RefreshPreferences{BakeTime: aws.Int32(7200)},
		}))(t)
		time.Sleep(time.Hour)
		for range 2 {
			said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada", Refresh: true}))
			n.want("said "+said, strings.Contains(said, "refresh it again when this one has ended"), true)
			time.Sleep(time.Minute)
		}
	})
}

// An alias that the first roll made has nothing to go back to: who launches from it is named.
func TestUndoNamesWhoFollowsANewAlias(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.nights(0)
		time.Sleep(5 * time.Minute)
		n.group("follows", n.template("follower", "", "t3.micro", "resolve:ssm:/goldsmith/images/web"), "1")
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
		for _, words := range []string{"nothing is known of what it had before", "name the image to go back to",
			"group follows runs it in 2 members"} {
			n.want(words+" in "+said, strings.Contains(said, words), true)
		}
		n.want("told in Slack", strings.Contains(n.said(), "group follows runs it in 2 members"), true)
	})
}

// Each group that does not go back has a line of the message, and what to do is not nothing; the answer names all.
func TestUndoTellsOfEachGroup(t *testing.T) {
	play(t, stack.Options{}, func(n *night) {
		n.excused.slack = true
		n.launch("web", "")
		fleet := n.template("fleet", "web", "t3.micro", ec2.ImageX86)
		n.nights(0)
		for i := range 14 {
			n.group(fmt.Sprintf("group-%02d", i), fleet, "2", func(in *autoscaling.CreateAutoScalingGroupInput) {
				in.DesiredCapacity = aws.Int32(0)
			})
		}
		said := notesOf(n.rollBack(event.Rollback{Name: "web", By: "ada"}))
		told := n.said()
		for i := range 14 {
			line := fmt.Sprintf("group group-%02d launches version 2: goldsmith rollback --name web --refresh moves it", i)
			n.want("answer names "+line, strings.Contains(said, line), true)
			n.want("message has "+line, strings.Contains(told, "• "+line), i < 12)
		}
		n.want("more", strings.Contains(told, "2 more are named by goldsmith rollback --name web, also when"), true)
		n.want("the alias is to be put right, too", strings.Contains(told, "Now: Put right what is said of each"), true)
	})
}
