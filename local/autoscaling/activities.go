package autoscaling

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"goldsmith/local/query"
)

// scalingActivity is one entry of DescribeScalingActivities.
type scalingActivity struct {
	id, group, arn, description, cause string
	status, message, details           string
	progress                           int
	started, ended                     time.Time
}

// mostActivities bounds what a group that cannot launch writes; AWS keeps six weeks.
const mostActivities = 500

// note keeps an activity of the group. It is called with the lock held.
func (s *Service) note(g *group, a scalingActivity) scalingActivity {
	a.id, a.group, a.arn = s.newID(), g.name, g.arn
	g.activities = slices.Insert(g.activities, 0, a)
	g.activities = g.activities[:min(len(g.activities), mostActivities)]
	return a
}

// noteLaunch keeps how a launch went, in Auto Scaling's own words (kubernetes/autoscaler#1263,
// hashicorp/terraform-provider-aws#31282). It is called with the lock held.
func (s *Service) noteLaunch(g *group, m *member, o order, started time.Time, err error) {
	now := s.options.Clock.Now()
	before := len(g.members)
	a := scalingActivity{
		description: "Launching a new EC2 instance", status: "Successful", progress: 100, started: started, ended: now,
		cause: fmt.Sprintf("At %s an instance was started in response to a difference between desired and actual "+
			"capacity, increasing the capacity from %d to %d.", iso(started), before, before+1),
	}
	if err != nil {
		why := reasonOf(err)
		a.status, a.message = "Failed", why+". Launching EC2 instance failed."
		a.description += ".  Status Reason: " + a.message
		a.details = placeOf(o.subnet, o.zone)
	} else {
		a.description += ": " + m.id
		a.details = placeOf(m.subnet, m.zone)
	}
	s.note(g, a)
}

func placeOf(subnet, zone string) string {
	return fmt.Sprintf(`{"Subnet ID":%q,"Availability Zone":%q}`, subnet, zone)
}

// describeActivities shows the newest first.
func describeActivities(s *Service, call *query.Call) error {
	name, ids := call.Params.Text("AutoScalingGroupName"), call.Params.Texts("ActivityIds")
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []scalingActivity
	for _, group := range slices.Sorted(maps.Keys(s.groups)) {
		if name != "" && name != group {
			continue
		}
		for _, a := range s.groups[group].activities {
			if len(ids) == 0 || has(ids, a.id) {
				list = append(list, a)
			}
		}
	}
	if _, ok := s.groups[name]; name != "" && !ok {
		return invalid("AutoScalingGroup name not found - AutoScalingGroup %s not found", name)
	}
	slices.SortStableFunc(list,
		func(a, b scalingActivity) int { return cmp.Compare(b.started.UnixNano(), a.started.UnixNano()) })
	shown, next, err := page(call, list, 100)
	if err != nil {
		return err
	}
	query.Items(call.Out, "Activities", shown, func(a scalingActivity) { a.write(call.Out) })
	call.Out.Optional("NextToken", next)
	return nil
}

func (a scalingActivity) write(out *query.Writer) {
	out.Text("ActivityId", a.id)
	out.Text("AutoScalingGroupName", a.group)
	out.Text("AutoScalingGroupARN", a.arn)
	out.Text("Description", a.description)
	out.Text("Cause", a.cause)
	out.Time("StartTime", a.started)
	out.Time("EndTime", a.ended)
	out.Text("StatusCode", a.status)
	out.Optional("StatusMessage", a.message)
	out.Int("Progress", a.progress)
	out.Text("Details", a.details)
}
