package plan

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// The bounds are those of Auto Scaling's API reference, RefreshPreferences, but
// for the pauses: a run does not wait for as long as Auto Scaling would.
func (c *checker) refresh(roll Roll) {
	r := roll.Refresh
	switch {
	case !r.Enabled:
		if r.chosen() {
			c.add("roll.refresh", "refreshes nothing while enabled is not true: add it, or leave the rest out")
		}
		return
	case r.Warn:
		c.add("roll.refresh.warn", "means nothing while enabled is true: every group is told of")
	case roll.Skip:
		c.add("roll.refresh", "no group is refreshed while skip is true: leave one of the two out")
	}
	c.healthy(r)
	c.checkpoints(r)
	c.pauses(r)
	c.alarms(r)
	c.members(r)
}

// members are the keys about what a group's members allow, and about who owns the group.
func (c *checker) members(r Refresh) {
	if r.Protected != "" {
		choice(c, "roll.refresh.protected", r.Protected, Protecteds)
	}
	if r.Standby != "" {
		choice(c, "roll.refresh.standby", r.Standby, Standbys)
	}
	for i, name := range r.Groups {
		if n := utf8.RuneCountInString(name); n > MaxGroupName || strings.TrimSpace(name) == "" {
			c.add(item("roll.refresh.groups", i, r.Groups), "a group's name has 1 to %d characters", MaxGroupName)
		}
	}
	once(c, "roll.refresh.groups", r.Groups)
}

func (c *checker) alarms(r Refresh) {
	if len(r.Alarms) > MaxAlarms {
		c.add("roll.refresh.alarms", "%d alarms are too many, Auto Scaling takes %d", len(r.Alarms), MaxAlarms)
	}
	for i, alarm := range r.Alarms {
		if n := utf8.RuneCountInString(alarm); n > MaxAlarm || strings.TrimSpace(alarm) == "" {
			c.add(item("roll.refresh.alarms", i, r.Alarms), "an alarm's name has 1 to %d characters", MaxAlarm)
		}
	}
	once(c, "roll.refresh.alarms", r.Alarms)
}

// chosen reports whether anything is asked of refreshes.
func (r Refresh) chosen() bool {
	return r.MinHealthy+r.MaxHealthy+len(r.Checkpoints)+len(r.Alarms)+len(r.Groups) != 0 || r.Protected != "" ||
		r.Standby != "" || r.Bake != 0 || r.CheckpointDelay != 0
}

// pauses are how long a refresh stands still in all. There is no pause at 100 percent.
func (r Refresh) pauses() Duration {
	delay := r.CheckpointDelay
	if delay == 0 {
		delay = DefaultCheckpointDelay
	}
	return r.Bake + delay*Duration(max(0, len(r.Checkpoints)-1))
}

func (c *checker) healthy(r Refresh) {
	if r.MinHealthy != 0 {
		c.within("roll.refresh.minHealthy", r.MinHealthy, MinHealthy)
	}
	if r.MaxHealthy == 0 {
		return
	}
	c.within("roll.refresh.maxHealthy", r.MaxHealthy, MaxHealthy)
	switch {
	case r.MinHealthy == 0:
		c.add("roll.refresh.maxHealthy", "needs minHealthy beside it")
	case r.MaxHealthy-r.MinHealthy > MaxHealthySpan:
		c.add("roll.refresh.maxHealthy", "is more than %d above minHealthy", MaxHealthySpan)
	}
}

func (c *checker) checkpoints(r Refresh) {
	const path = "roll.refresh.checkpoints"
	for i, percent := range r.Checkpoints {
		c.within(item(path, i, r.Checkpoints), percent, Checkpoint)
	}
	switch n := len(r.Checkpoints); {
	case n == 0 && r.CheckpointDelay != 0:
		c.add("roll.refresh.checkpointDelay", "means nothing without checkpoints")
	case n == 0:
	case !slices.IsSorted(r.Checkpoints) || len(slices.Compact(slices.Clone(r.Checkpoints))) < n:
		c.add(path, "are not in ascending order")
	case r.Checkpoints[n-1] != Checkpoint.High:
		c.add(path, "do not end with 100: the rest of a group would stay on the old image")
	}
}

func (c *checker) pauses(r Refresh) {
	c.pause("roll.refresh.bake", r.Bake)
	c.pause("roll.refresh.checkpointDelay", r.CheckpointDelay)
	if r.pauses() > MaxPause && r.Bake <= MaxPause && r.CheckpointDelay <= MaxPause {
		c.add("roll.refresh", "would pause for %s in all, at most %s", r.pauses(), MaxPause)
	}
}

func (c *checker) pause(path string, d Duration) {
	if d != 0 && (d < MinPause || d > MaxPause) {
		c.add(path, "%s is outside 1s to 24h", d)
	}
}
