package ec2

import (
	"slices"
	"strings"
	"time"

	"goldsmith/local/query"
)

// fleet is an EC2 Fleet or a Spot Fleet request. It launches nothing here: it stands for what its
// describe shows that it would launch.
type fleet struct {
	id      string
	spot    bool
	kind    string // maintain or request
	token   string
	created time.Time
	state   string
	sent    *query.Params // the request, or its SpotFleetRequestConfig
	tags    []Tag
}

// A fleet that is deleted is shown for two days (User Guide, "Work with EC2 Fleets").
const fleetShown = 48 * time.Hour

const (
	fleetActive    = "active"
	fleetDeleted   = "deleted"
	fleetCancelled = "cancelled"
)

// newFleetID is a fleet's id, which ends in a UUID.
func (w *World) newFleetID(prefix, from string) string {
	return prefix + "-" + w.draw("id/"+prefix, from).UUID()
}

func createFleet(w *World, call *query.Call) error {
	if id, again, err := w.answered(call); again || err != nil {
		if err == nil {
			call.Out.Text("fleetId", id)
		}
		return err
	}
	p := call.Params
	tags, err := tagSpecifications(p, "fleet", "instance")
	if err != nil {
		return err
	}
	f, err := w.readFleet(p)
	if err != nil {
		return err
	}
	for _, shown := range fleetShows {
		p.At(shown).Keep()
	}
	if err := call.Commit(); err != nil {
		return err
	}
	f.id = w.newFleetID("fleet", f.token)
	w.fleets.add(w.now, f.id, f)
	w.tag(f.id, tags["fleet"])
	w.remember(call, f.id)
	call.Touch(f.id)
	call.Out.Text("fleetId", f.id)
	return nil
}

// fleetShows are the parts of a CreateFleet that DescribeFleets shows.
var fleetShows = []string{
	"LaunchTemplateConfigs", "TargetCapacitySpecification", "SpotOptions", "OnDemandOptions",
	"ExcessCapacityTerminationPolicy",
	"TerminateInstancesWithExpiration", "ValidFrom", "ValidUntil", "ReplaceUnhealthyInstances", "Context",
}

func (w *World) readFleet(p *query.Params) (*fleet, error) {
	f := &fleet{kind: orElse(p.Text("Type"), "maintain"), token: p.Text("ClientToken"), created: w.now,
		state: fleetActive, sent: p}
	configs := p.List("LaunchTemplateConfigs")
	switch {
	case f.kind == "instant":
		return nil, query.Errorf("UnsupportedOperation", "The embedded EC2 has fleets of type request and maintain only.")
	case f.kind != "maintain" && f.kind != "request":
		return nil, query.Errorf("InvalidParameterValue", "Invalid value '%s' for type.", f.kind)
	case len(configs) == 0:
		return nil, missing("LaunchTemplateConfigs")
	case !p.Has("TargetCapacitySpecification.TotalTargetCapacity"):
		return nil, missing("TargetCapacitySpecification.TotalTargetCapacity")
	}
	return f, w.configsLaunchable(configs, f.kind)
}

// configsLaunchable holds that every launch template and version that a fleet names exists. An
// override's image is for fleets of type instant alone (API reference, FleetLaunchTemplateOverridesRequest).
func (w *World) configsLaunchable(configs []*query.Params, kind string) error {
	for _, c := range configs {
		named := c.At("LaunchTemplateSpecification")
		t, err := w.templateNamed(named)
		if err != nil {
			return err
		}
		if err := named.Without("LaunchTemplateSpecificationUserData"); err != nil {
			return err
		}
		if named.Text("Version") == "" {
			return missing("LaunchTemplateSpecification.Version")
		}
		if _, err := t.version(named.Text("Version")); err != nil {
			return err
		}
		if kind == "" {
			continue
		}
		for _, o := range c.List("Overrides") {
			if o.Has("ImageId") {
				return query.Errorf("InvalidParameterCombination",
					"ImageId in an override is supported for fleets of type instant only.")
			}
		}
	}
	return nil
}

func describeFleets(w *World, call *query.Call) error {
	found, next, err := list(w, call, listing[fleet]{
		store: w.fleets, ids: "FleetId", min: 1, max: 1000, scan: true,
		filters: filterable[fleet]{
			"activity-status": one((*fleet).activity),
			"excess-capacity-termination-policy": one(func(f *fleet) string {
				return orElse(f.sent.Text("ExcessCapacityTerminationPolicy"), "termination")
			}),
			"fleet-state":                 one(func(f *fleet) string { return f.state }),
			"replace-unhealthy-instances": flag(func(f *fleet) bool { return f.sent.Bool("ReplaceUnhealthyInstances") }),
			"type":                        one(func(f *fleet) string { return f.kind }),
		},
		keep:    func(f *fleet) bool { return !f.spot },
		unknown: unknownFleet,
	})
	if err != nil {
		return err
	}
	query.Items(call.Out, "fleetSet", found, func(f *fleet) { writeFleet(call.Out, f) })
	call.Out.Optional("nextToken", next)
	return nil
}

func unknownFleet(id string) error {
	return query.Errorf("InvalidFleetId.NotFound", "The fleet ID '%s' does not exist.", id)
}

// activity: nothing is launched, so nothing is ever fulfilled.
func (f *fleet) activity() string {
	if f.state != fleetActive {
		return "pending_termination"
	}
	return "pending_fulfillment"
}

func writeFleet(out *query.Writer, f *fleet) {
	p := f.sent
	out.Text("activityStatus", f.activity())
	out.Time("createTime", f.created)
	out.Text("fleetId", f.id)
	out.Text("fleetState", f.state)
	out.Optional("clientToken", f.token)
	out.Text("excessCapacityTerminationPolicy", orElse(p.Text("ExcessCapacityTerminationPolicy"), "termination"))
	out.Float("fulfilledCapacity", 0)
	out.Float("fulfilledOnDemandCapacity", 0)
	query.Items(out, "launchTemplateConfigs", p.List("LaunchTemplateConfigs"), func(c *query.Params) {
		writeNode(out, c.At("LaunchTemplateSpecification"), "launchTemplateSpecification", "LaunchTemplateSpecification")
		query.Items(out, "overrides", c.List("Overrides"), func(o *query.Params) { writeFields(out, o, "") })
	})
	for _, field := range []string{"TargetCapacitySpecification", "SpotOptions", "OnDemandOptions"} {
		if p.Has(field) {
			writeNode(out, p.At(field), strings.ToLower(field[:1])+field[1:], field)
		}
	}
	out.Bool("terminateInstancesWithExpiration", p.Bool("TerminateInstancesWithExpiration"))
	out.Text("type", f.kind)
	out.Time("validFrom", p.Time("ValidFrom"))
	out.Time("validUntil", p.Time("ValidUntil"))
	out.Bool("replaceUnhealthyInstances", p.Bool("ReplaceUnhealthyInstances"))
	out.Optional("context", p.Text("Context"))
	writeTags(out, f.tags)
}

// leaving is the state of a fleet that is being ended.
func leaving(ended string, terminates bool) string {
	if terminates {
		return ended + "_terminating"
	}
	return ended + "_running"
}

// deleteFleets answers for each fleet by itself. Its instances run on unless they are to be
// terminated (API reference, FleetStateCode).
func deleteFleets(w *World, call *query.Call) error {
	ids := call.Params.Texts("FleetId")
	switch {
	case len(ids) == 0:
		return missing("FleetId")
	case !call.Params.Has("TerminateInstances"):
		return missing("TerminateInstances")
	}
	state := leaving("deleted", call.Params.Bool("TerminateInstances"))
	if err := call.Commit(); err != nil {
		return err
	}
	ended, unknown := w.endFleets(ids, false, fleetDeleted)
	query.Items(call.Out, "successfulFleetDeletionSet", ended, func(id string) {
		call.Out.Text("currentFleetState", state)
		call.Out.Text("previousFleetState", fleetActive)
		call.Out.Text("fleetId", id)
	})
	query.Items(call.Out, "unsuccessfulFleetDeletionSet", unknown, func(id string) {
		call.Out.Text("fleetId", id)
		call.Out.Element("error", func() {
			call.Out.Text("code", "fleetIdDoesNotExist")
			call.Out.Text("message", "The fleet ID '"+id+"' does not exist.")
		})
	})
	return nil
}

func (w *World) endFleets(ids []string, spot bool, state string) (ended, unknown []string) {
	for _, id := range ids {
		f := w.fleets.get(id)
		if f == nil || f.spot != spot || f.state != fleetActive {
			unknown = append(unknown, id)
			continue
		}
		w.fleets.change(w.now, id, func(f *fleet) { f.state = state })
		w.after(fleetShown, func() { drop(w, w.fleets, id) })
		ended = append(ended, id)
	}
	return slices.Compact(ended), unknown
}
