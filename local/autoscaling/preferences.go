package autoscaling

import (
	"slices"
	"strconv"
	"time"

	"goldsmith/local/query"
)

// preferences are a refresh's, with Auto Scaling's defaults (Auto Scaling API reference, RefreshPreferences).
type preferences struct {
	least, most     int // healthy percentages
	warmup          int // seconds; -1 for the group's
	checkpoints     []int
	checkpointDelay int
	bakeTime        int
	skipMatching    bool
	autoRollback    bool
	protected       string // Refresh, Ignore or Wait
	standby         string // Terminate, Ignore or Wait
	alarms          []string
}

const longestDelay = 172_800 // seconds, of CheckpointDelay and BakeTime

const mostAlarms = 10 // of AlarmSpecification

// quiet holds that every alarm exists and has not gone off (API reference, RefreshPreferences). The words are ours.
func (v preferences) quiet(alarms map[string]bool) error {
	for _, name := range v.alarms {
		off, known := alarms[name]
		switch {
		case !known:
			return invalid("The alarm %s does not exist.", name)
		case off:
			return invalid("The alarm %s is in the ALARM state.", name)
		}
	}
	return nil
}

// gone is the alarm that has gone off, if one has.
func (v preferences) gone(alarms map[string]bool) (string, bool) {
	for _, name := range v.alarms {
		if alarms[name] {
			return name, true
		}
	}
	return "", false
}

func readPreferences(p *query.Params) (preferences, error) {
	v := preferences{
		least: 90, most: 100, warmup: -1, checkpointDelay: 3600, bakeTime: p.Int("BakeTime"),
		skipMatching: p.Bool("SkipMatching"), autoRollback: p.Bool("AutoRollback"),
		protected: "Wait", standby: "Wait", alarms: p.Texts("AlarmSpecification.Alarms"),
	}
	for field, into := range map[string]*int{
		"MinHealthyPercentage": &v.least, "MaxHealthyPercentage": &v.most, "InstanceWarmup": &v.warmup,
		"CheckpointDelay": &v.checkpointDelay,
	} {
		if p.Has(field) {
			*into = p.Int(field)
		}
	}
	if given := p.Text("ScaleInProtectedInstances"); given != "" {
		v.protected = given
	}
	if given := p.Text("StandbyInstances"); given != "" {
		v.standby = given
	}
	for _, each := range p.Texts("CheckpointPercentages") {
		n, err := strconv.Atoi(each)
		if err != nil {
			return v, invalid("%s is no percentage.", each)
		}
		v.checkpoints = append(v.checkpoints, n)
	}
	if err := p.Err(); err != nil {
		return v, err
	}
	if p.Has("InstanceWarmup") && v.warmup < 0 { // "Minimum value of 0" (API reference, RefreshPreferences).
		return v, invalid("InstanceWarmup must be at least 0 seconds.")
	}
	return v, v.check(p.Has("MinHealthyPercentage"))
}

// maintained takes what is not said from the group's instance maintenance policy (API reference, RefreshPreferences).
func (v *preferences) maintained(g *group, p *query.Params) {
	if g.least >= 0 && !p.Has("Preferences.MinHealthyPercentage") && !p.Has("Preferences.MaxHealthyPercentage") {
		v.least, v.most = g.least, g.most
	}
}

func (v preferences) check(leastGiven bool) error {
	switch {
	case v.least < 0 || v.least > 100:
		return invalid("MinHealthyPercentage must be between 0 and 100.")
	case v.most < 100 || v.most > 200:
		return invalid("MaxHealthyPercentage must be between 100 and 200.")
	case v.most > 100 && !leastGiven:
		return invalid("MaxHealthyPercentage needs MinHealthyPercentage.")
	case v.most-v.least > 100:
		return invalid("The difference between MinHealthyPercentage and MaxHealthyPercentage can't be greater than 100.")
	case len(v.alarms) > mostAlarms:
		return invalid("AlarmSpecification can't have more than %d alarms.", mostAlarms)
	}
	return v.checkRest()
}

func (v preferences) checkRest() error {
	switch {
	case !has([]string{"Refresh", "Ignore", "Wait"}, v.protected):
		return invalid("%s is not one of Refresh, Ignore and Wait.", v.protected)
	case !has([]string{"Terminate", "Ignore", "Wait"}, v.standby):
		return invalid("%s is not one of Terminate, Ignore and Wait.", v.standby)
	case min(v.checkpointDelay, v.bakeTime) < 0 || max(v.checkpointDelay, v.bakeTime) > longestDelay:
		return invalid("CheckpointDelay and BakeTime must be between 0 and %d seconds.", longestDelay)
	case len(slices.Compact(slices.Clone(v.checkpoints))) < len(v.checkpoints):
		return invalid("CheckpointPercentages must be unique.") // API reference, RefreshPreferences
	case !slices.IsSorted(v.checkpoints):
		return invalid("CheckpointPercentages must be in ascending order.")
	case len(v.checkpoints) > 0 && (v.checkpoints[0] < 1 || v.checkpoints[len(v.checkpoints)-1] > 100):
		return invalid("CheckpointPercentages must be between 1 and 100.")
	}
	return nil
}

// warm is how long a member must be in service to count: the refresh's warmup,
// else the group's default, else its health check grace period.
func (v preferences) warm(g *group) time.Duration {
	seconds := g.grace
	if g.warmup >= 0 {
		seconds = g.warmup
	}
	if v.warmup >= 0 {
		seconds = v.warmup
	}
	return time.Duration(seconds) * time.Second
}

func (v preferences) write(out *query.Writer) {
	out.Element("Preferences", func() {
		out.Int("MinHealthyPercentage", v.least)
		out.Int("MaxHealthyPercentage", v.most)
		if v.warmup >= 0 {
			out.Int("InstanceWarmup", v.warmup)
		}
		if len(v.checkpoints) > 0 {
			var percentages []string
			for _, n := range v.checkpoints {
				percentages = append(percentages, strconv.Itoa(n))
			}
			out.Texts("CheckpointPercentages", percentages)
			out.Int("CheckpointDelay", v.checkpointDelay)
		}
		out.Bool("SkipMatching", v.skipMatching)
		out.Bool("AutoRollback", v.autoRollback)
		out.Text("ScaleInProtectedInstances", v.protected)
		out.Text("StandbyInstances", v.standby)
		if len(v.alarms) > 0 {
			out.Element("AlarmSpecification", func() { out.Texts("Alarms", v.alarms) })
		}
		if v.bakeTime > 0 {
			out.Int("BakeTime", v.bakeTime)
		}
	})
}
