package night_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	local "goldsmith/local/autoscaling"
	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// Every crash point of a night with a member of an Auto Scaling group, as TestEveryCrashPoint has those of a night
// without one: whatever goes wrong, no member is replaced, all serve again, and the group is as large as before.
func TestEveryCrashPointOfAMember(t *testing.T) {
	crashes(t, 400, ofAMember, crashOfAMember)
}

// ofAMember reports whether it strikes where a member's night differs from another's.
func ofAMember(m mishap) bool {
	return m.at("claim", "stop", "start", "release", "recover") || m.ofASource()
}

// crashOfAMember is a scheduled run of a member of a group with a target group.
func crashOfAMember(t *testing.T, c *chaos) {
	t.Helper()
	o := shrinking(func(p *plan.Plan) { p.Schedule = "cron(12 0 * * ? *)" })
	between := c.within(&o)
	o.EC2 = ec2.Options{Lag: 10 * time.Second}
	play(t, o, func(n *night) {
		between.slack = n.Slack.Inject
		arn := n.Balancers.Add("web", time.Minute)
		members := n.serving(func(in *autoscaling.CreateAutoScalingGroupInput) { in.TargetGroupARNs = []string{arn} })
		time.Sleep(15 * time.Second) // As n.serving waits.
		c.strikes(n, 30*time.Minute)
		n.serves(members)
		n.want("target", n.Balancers.State(arn, members[0]), "healthy")
		if c.cut() {
			return
		}
		n.want("ending", n.results(n.onlyRun())[members[0]].Ending, job.Imaged)
		n.want("wanted", aws.ToInt32(n.groupOf("web").DesiredCapacity), 3)
	})
}

// Every crash point of a night with a member that is replaced meanwhile: whatever goes wrong, it is the member that
// stays, its group is as large as before, and it is protected no longer.
func TestEveryCrashPointOfAReplacedMember(t *testing.T) {
	for _, returns := range []local.Return{local.Raises, local.Keeps} {
		t.Run(string(returns), func(t *testing.T) {
			crashes(t, 200, ofAMember, func(t *testing.T, c *chaos) { crashOfAReplacedMember(t, c, returns) })
		})
	}
}

func crashOfAReplacedMember(t *testing.T, c *chaos, returns local.Return) {
	t.Helper()
	o := replacing(func(p *plan.Plan) { p.Schedule = "cron(12 0 * * ? *)" })
	between := c.within(&o)
	o.EC2 = ec2.Options{Lag: 10 * time.Second}
	play(t, o, func(n *night) {
		between.slack = n.Slack.Inject
		n.AutoScaling.SetReturn(returns)
		members := n.serving(roomy)
		time.Sleep(15 * time.Second) // As n.serving waits.
		c.strikes(n, 30*time.Minute)
		time.Sleep(5 * time.Minute) // What is too many ends.
		n.isSettled(members[0], false)
		if !c.cut() {
			n.want("ending", n.results(n.onlyRun())[members[0]].Ending, job.Imaged)
		}
	})
}
