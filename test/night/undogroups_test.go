package night_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"goldsmith/functions/rollback"
	"goldsmith/local/ec2"
	"goldsmith/local/suite"
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

// A group that another AWS service owns is named with its owner, and not refreshed.
func TestUndoRefreshesNoGroupOfAnotherOwner(t *testing.T) {
	play(t, suite.Options{}, func(n *night) {
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
