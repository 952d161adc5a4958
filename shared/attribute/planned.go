package attribute

import (
	"context"
	"strings"

	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// Planned is what a plan's run makes of a snapshot.
type Planned struct {
	Evidence Evidence
	Decision Decision
	// InstanceType is the one that its image is tested on unless the plan names another; "" when nothing says one.
	InstanceType string
}

// Plan finds what is known of a snapshot, and decides as a run of a plan does. Known is the instance type that the
// caller knows.
func (l Looker) Plan(ctx context.Context, id string, data map[string]string, p plan.Plan, known string,
) (Planned, error) {
	evidence, err := l.Look(ctx, id, data)
	if err != nil {
		return Planned{Evidence: evidence}, err
	}
	evidence.Settings = append(evidence.Settings, ofPlan(p)...)
	found := Planned{Evidence: evidence, Decision: Decide(evidence), InstanceType: known}
	if i := evidence.Instance; i != nil && i.Root && known == "" {
		found.InstanceType = string(i.InstanceType)
	}
	if v := p.Verify; found.Decision.Refused == nil && v.Boot && v.InstanceType == "" && found.InstanceType == "" {
		found.Decision.Refused = refuse(Untestable, "Set verify.instanceType in the plan, then ask again.",
			"plan %s has images tested, and nothing says on which instance type", p.Name)
	}
	return found, nil
}

// ofPlan are the settings that a plan says.
func ofPlan(p plan.Plan) (all []Settings) {
	of := "plan " + p.Name + ", image."
	if p.Image.Settings != "" {
		all = append(all, Settings{of + "settings", p.Image.Settings, true})
	}
	if p.Image.DeleteOnTermination == plan.DeleteAlways {
		all = append(all, Settings{of + "deleteOnTermination", string(DeleteOnTermination) + "=true", true})
	}
	return all
}

// Reason is why a run leaves the snapshot alone. One that is no root volume's is nothing to tell of, unless it is what
// was asked for: a plan's selector takes it with the others.
func (r *Refusal) Reason(asked bool) job.Reason {
	if r.Code == NotRoot && !asked {
		return job.Reason{Code: job.NotARootVolume, Text: r.Text}
	}
	text := shortened(r.Text, max(reasonMost/2, reasonMost-len(r.Do)))
	return job.Reason{Code: job.NotRegistrable, Text: text + " " + r.Do}
}

// reasonMost is how long a reason is, so that what to do now is in every message: a disk may take many words.
const reasonMost = 600

// shortened is a sentence of so many bytes at most.
func shortened(text string, most int) string {
	if len(text) <= most {
		return text + "."
	}
	cut := strings.ToValidUTF8(text[:most], "")
	return cut[:max(0, strings.LastIndex(cut, " "))] + " ..."
}
