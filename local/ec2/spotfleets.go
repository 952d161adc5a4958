package ec2

import (
	"strings"

	"goldsmith/local/query"
)

func requestSpotFleet(w *World, call *query.Call) error {
	p := call.Params.At("SpotFleetRequestConfig")
	tags, err := tagSpecifications(p, "spot-fleet-request")
	if err != nil {
		return err
	}
	f, err := w.readSpotFleet(p)
	if err != nil {
		return err
	}
	p.Keep() // The describe shows it as it is.
	if err := call.Commit(); err != nil {
		return err
	}
	f.id = w.newFleetID("sfr", f.token)
	w.fleets.add(w.now, f.id, f)
	w.tag(f.id, tags["spot-fleet-request"])
	call.Touch(f.id)
	call.Out.Text("spotFleetRequestId", f.id)
	return nil
}

func (w *World) readSpotFleet(p *query.Params) (*fleet, error) {
	f := &fleet{spot: true, kind: orElse(p.Text("Type"), "maintain"), token: p.Text("ClientToken"), created: w.now,
		state: fleetActive, sent: p}
	specs, configs := p.List("LaunchSpecifications"), p.List("LaunchTemplateConfigs")
	switch {
	case p.Text("IamFleetRole") == "":
		return nil, missing("SpotFleetRequestConfig.IamFleetRole")
	case !p.Has("TargetCapacity"):
		return nil, missing("SpotFleetRequestConfig.TargetCapacity")
	case (len(specs) == 0) == (len(configs) == 0):
		return nil, query.Errorf("InvalidSpotFleetRequestConfig",
			"Either LaunchSpecifications or LaunchTemplateConfigs must be specified, but not both.")
	case f.kind != "maintain" && f.kind != "request":
		return nil, query.Errorf("InvalidSpotFleetRequestConfig", "Invalid value '%s' for type.", f.kind)
	}
	// Neither can be set (API reference, SpotFleetRequestConfigData).
	if err := p.Without("FulfilledCapacity", "OnDemandFulfilledCapacity"); err != nil {
		return nil, err
	}
	if err := w.configsLaunchable(configs, ""); err != nil {
		return nil, err
	}
	for _, s := range specs {
		if _, err := w.launchable(s.Text("ImageId")); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func describeSpotFleetRequests(w *World, call *query.Call) error {
	found, next, err := list(w, call, listing[fleet]{
		store: w.fleets, ids: "SpotFleetRequestId", min: 1, max: 1000, scan: true, unknown: unknownSpotFleet,
		keep: func(f *fleet) bool { return f.spot },
	})
	if err != nil {
		return err
	}
	query.Items(call.Out, "spotFleetRequestConfigSet", found, func(f *fleet) {
		call.Out.Text("activityStatus", f.activity())
		call.Out.Time("createTime", f.created)
		call.Out.Element("spotFleetRequestConfig", func() {
			writeSpotFleet(call.Out, f.sent)
			call.Out.Float("fulfilledCapacity", 0)
			call.Out.Float("onDemandFulfilledCapacity", 0)
		})
		call.Out.Text("spotFleetRequestId", f.id)
		call.Out.Text("spotFleetRequestState", f.state)
		writeTags(call.Out, f.tags)
	})
	call.Out.Optional("nextToken", next)
	return nil
}

func unknownSpotFleet(id string) error {
	return query.Errorf("InvalidSpotFleetRequestId.NotFound", "The spot fleet request ID '%s' does not exist", id)
}

// writeSpotFleet answers with what was sent: a Spot Fleet request has the same shape, and so the
// same names, in its request and in its describe (API reference, SpotFleetRequestConfigData).
func writeSpotFleet(out *query.Writer, p *query.Params) {
	for _, field := range p.Fields() {
		name := strings.ToLower(field[:1]) + field[1:]
		if field == "TagSpecification" {
			name = field
		}
		writeSame(out, p.At(field), name)
	}
}

func writeSame(out *query.Writer, p *query.Params, name string) {
	if p.Leaf() {
		out.Text(name, p.Text(""))
		return
	}
	if elements := p.List(""); len(elements) > 0 {
		query.Items(out, name, elements, func(each *query.Params) {
			if each.Leaf() {
				out.Value(each.Text(""))
				return
			}
			writeSpotFleet(out, each)
		})
		return
	}
	out.Element(name, func() { writeSpotFleet(out, p) })
}

func cancelSpotFleetRequests(w *World, call *query.Call) error {
	ids := call.Params.Texts("SpotFleetRequestId")
	switch {
	case len(ids) == 0:
		return missing("SpotFleetRequestId")
	case !call.Params.Has("TerminateInstances"):
		return missing("TerminateInstances")
	}
	state := leaving(fleetCancelled, call.Params.Bool("TerminateInstances"))
	if err := call.Commit(); err != nil {
		return err
	}
	ended, unknown := w.endFleets(ids, true, fleetCancelled)
	query.Items(call.Out, "successfulFleetRequestSet", ended, func(id string) {
		call.Out.Text("currentSpotFleetRequestState", state)
		call.Out.Text("previousSpotFleetRequestState", fleetActive)
		call.Out.Text("spotFleetRequestId", id)
	})
	query.Items(call.Out, "unsuccessfulFleetRequestSet", unknown, func(id string) {
		call.Out.Text("spotFleetRequestId", id)
		call.Out.Element("error", func() {
			call.Out.Text("code", "fleetRequestIdDoesNotExist")
			call.Out.Text("message", "The spot fleet request ID '"+id+"' does not exist")
		})
	})
	return nil
}
