package night_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"

	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/local/ec2"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// Members that are protected from scale-in, or in Standby: a refresh waits for them and fails, leaves them as they are,
// or replaces them, as the plan says, and the rehearsal tells of the wait before.
func TestMembersThatARefreshWaitsFor(t *testing.T) {
	standby := func(word plan.Standby) func(*plan.Refresh) { return func(r *plan.Refresh) { r.Standby = word } }
	protected := func(word plan.Protected) func(*plan.Refresh) { return func(r *plan.Refresh) { r.Protected = word } }
	for name, c := range map[string]struct {
		edit    func(*plan.Refresh)
		standby bool
		told    string // what the rehearsal tells, and the message
		ends    string
		stays   bool // whether the member stays
	}{
		"protected": {protected(""), false,
			"1 of its members are protected from scale-in: the refresh waits an hour", "Failed", true},
		"protected, ignored":   {protected(plan.ProtectedIgnore), false, "", "Successful", true},
		"protected, refreshed": {protected(plan.ProtectedRefresh), false, "", "Successful", false},
		"in Standby": {standby(""), true, "1 of its members are in Standby: the refresh waits an hour",
			"Failed", true},
		"in Standby, ignored": {standby(plan.StandbyIgnore), true, "", "Successful", true},
		"in Standby, ended":   {standby(plan.StandbyTerminate), true, "", "Successful", false},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, refreshed(c.edit, func(r *plan.Refresh) { r.AutoRollback = false }), func(n *night) {
				web := n.launch("web", "private")
				n.group("fleet", n.template("base", "web", "m5.large", ec2.ImageX86), "1")
				member := n.waitedFor("fleet", c.standby)
				p := n.plans.Plans["nightly"]
				n.begin()
				time.Sleep(time.Until(due.Add(-time.Millisecond)))
				said := n.rehearse(rehearsal.Scheduled(p, due), p)
				n.want("told before", strings.Contains(fmt.Sprint(said.Groups), c.told), true)
				r := n.finishAfter(due)[0]
				n.equals(said, r)
				n.want("ending", n.results(r)[web].Ending, job.Imaged)
				n.want("refresh", string(n.onlyRefresh("fleet").Status), c.ends)
				n.want("the member stays", slices.Contains(n.memberIDs("fleet"), member), c.stays)
				status := map[bool]string{true: "OK: ", false: "PARTIAL: "}[c.ends == "Successful"]
				n.saysOf(r, status, c.told)
			})
		})
	}
}

// waitedFor makes one of a group's members one that a refresh waits for.
func (n *night) waitedFor(group string, standby bool) (id string) {
	n.t.Helper()
	id = n.memberIDs(group)[0]
	if standby {
		n.excused.standby = true
		must(n.scaling().EnterStandby(n.ctx, &autoscaling.EnterStandbyInput{
			AutoScalingGroupName: aws.String(group), InstanceIds: []string{id}, ShouldDecrementDesiredCapacity: aws.Bool(true),
		}))(n.t)
		time.Sleep(time.Minute)
		return id
	}
	must(n.scaling().SetInstanceProtection(n.ctx, &autoscaling.SetInstanceProtectionInput{
		AutoScalingGroupName: aws.String(group), InstanceIds: []string{id}, ProtectedFromScaleIn: aws.Bool(true),
	}))(n.t)
	return id
}

// memberIDs are the ids of a group's members.
func (n *night) memberIDs(group string) (ids []string) {
	n.t.Helper()
	for _, i := range n.groupOf(group).Instances {
		ids = append(ids, aws.ToString(i.InstanceId))
	}
	return ids
}
