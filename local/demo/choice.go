package demo

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"goldsmith/local/stack"
	"goldsmith/shared/plan"
	"goldsmith/shared/schedule"
)

// usual is the plan that is played unless another is asked for, as the example calls it.
const usual = "nightly"

// frozen is the plan of the database that is imaged as it runs. It is the demo's own.
const frozen = "demo-frozen"

// date is the day of the night, always the same one, so that a seed is one night.
var date = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

// chosen is the plan that is played, when it is due, and what the demo changed of it for
// want of the account that it was written for.
type chosen struct {
	plans   plan.Plans
	name    string
	due     time.Time
	changes []string
}

// choose finds the plan to play: the one asked for, the usual one, or the first by name that has
// a schedule, else the first. Only that one is due in the night, and it refreshes groups, which a first
// deployment should do as well. If it stops instances and says nothing of members of groups, one of each is stopped in
// Standby.
func choose(plans plan.Plans, asked string) (*chosen, error) {
	name, err := named(plans, asked)
	if err != nil {
		return nil, err
	}
	c := &chosen{plans: plan.Plans{Default: plans.Default, Plans: maps.Clone(plans.Plans)}, name: name}
	for other, p := range c.plans.Plans {
		p.Schedule = ""
		c.plans.Plans[other] = c.here(other, p)
	}
	p := c.plans.Plans[name]
	p.Roll.Refresh.Enabled = true
	if p.Consistency == plan.Stop && p.Groups == (plan.Groups{}) {
		p.Groups = plan.Groups{Standby: plan.StandbyShrink, Pick: plan.PickOldest}
		c.changes = append(c.changes, fmt.Sprintf("plan %q: one member of each Auto Scaling group is stopped in Standby, "+
			"if its group can do without it", name))
	}
	p.Schedule, p.Timezone, c.due = c.when(plans.Plans[name])
	c.plans.Plans[name] = p
	c.plans.Plans[frozen] = freezing()
	return c, nil
}

// freezing is the plan called frozen. What limits a freeze is a moment of the demo's own time: as much of it as may be.
func freezing() plan.Plan {
	p := plan.Default()
	p.Name, p.Consistency = frozen, plan.Frozen
	p.Freeze = plan.Freeze{Of: plan.FreezeMySQL, Limit: plan.MaxFreeze}
	return p
}

func named(plans plan.Plans, asked string) (string, error) {
	names := plans.Names()
	if asked == "" {
		asked = usual
		if _, ok := plans.Plans[usual]; !ok {
			asked = names[0]
			if at := slices.IndexFunc(names, func(n string) bool { return plans.Plans[n].Schedule != "" }); at >= 0 {
				asked = names[at]
			}
		}
	}
	if _, ok := plans.Plans[asked]; !ok {
		return "", fmt.Errorf("there is no plan %q; the plans are %s", asked, strings.Join(names, ", "))
	}
	return asked, nil
}

// when is the schedule to play and its moment: the plan's own if it has a wall clock's, else one
// that is due at once.
func (c *chosen) when(p plan.Plan) (expression, zone string, due time.Time) {
	if strings.HasPrefix(p.Schedule, "cron") {
		location, err := schedule.Zone(p.Timezone)
		if err == nil {
			s, err := schedule.Parse(p.Schedule, location)
			if due, ok := s.Next(date); err == nil && ok {
				return p.Schedule, p.Timezone, due
			}
		}
	}
	due = date.Add(15 * time.Minute)
	what := p.Schedule
	if what == "" {
		what = "no schedule"
	}
	c.changes = append(c.changes, fmt.Sprintf("plan %q has %s: played as if it were due at %s UTC", c.name, what,
		due.Format(time.TimeOnly)))
	return "at(" + due.Format("2006-01-02T15:04:05") + ")", "UTC", due
}

// here takes out of a plan what names things of the account that it was written for.
func (c *chosen) here(name string, p plan.Plan) plan.Plan {
	left := func(what string) {
		if name == c.name || name == c.plans.Default {
			c.changes = append(c.changes, fmt.Sprintf("plan %q: %s not in the embedded account, and left out", name, what))
		}
	}
	if len(p.Sources.IDs) > 0 {
		p.Sources.IDs = nil
		left("the ids of its sources are")
	}
	if v := p.Verify; v.Subnet != "" || len(v.SecurityGroups) > 0 || v.Profile != "" {
		p.Verify.SecurityGroups, p.Verify.Profile, p.Verify.Command = nil, "", ""
		if v.Boot {
			p.Verify.Subnet = stack.DefaultSubnet()
		}
		left("the subnet, security groups and profile of its test instance are")
	}
	return p
}

// tags are what a server must carry to be one of the plan's sources.
func (c *chosen) tags(enrolled map[string]string) map[string]string {
	for key, values := range c.plans.Plans[c.name].Sources.Tags {
		enrolled[key] = slices.Concat(values, []string{"any"})[0]
	}
	return enrolled
}
