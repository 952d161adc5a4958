package ec2

import (
	"slices"
	"time"

	"goldsmith/local/query"
)

type spotRequest struct {
	id, instanceID, imageID, typ, zone string
	spotTerms
	state            string // open, active, disabled, closed, cancelled
	status           string
	created, updated time.Time
	tags             []Tag
}

// spotTerms are what a request asks for.
type spotTerms struct {
	kind         string // one-time or persistent
	interruption string
	price        string
	until        time.Time
}

// readSpot is nil for an On-Demand Instance.
func readSpot(p *query.Params) (*spotTerms, error) {
	switch market := p.Text("MarketType"); market {
	case "":
		return nil, nil
	case "spot":
	default:
		return nil, query.Errorf("UnsupportedOperation", "The embedded EC2 has no market '%s'.", market)
	}
	options := p.At("SpotOptions")
	terms := &spotTerms{
		kind:         orElse(options.Text("SpotInstanceType"), "one-time"),
		interruption: orElse(options.Text("InstanceInterruptionBehavior"), "terminate"),
		price:        options.Text("MaxPrice"), until: options.Time("ValidUntil"),
	}
	return terms, terms.check(options.Has("ValidUntil"))
}

// check: API reference, SpotMarketOptions. Which code refuses a combination is seen for the first of them only
// (diux-dev/cluster#27).
func (t *spotTerms) check(ends bool) error {
	switch {
	case t.kind != "one-time" && t.kind != "persistent":
		return query.Errorf("InvalidParameterValue", "Invalid value '%s' for SpotInstanceType.", t.kind)
	case !slices.Contains([]string{"hibernate", "stop", "terminate"}, t.interruption):
		return query.Errorf("InvalidParameterValue", "Invalid value '%s' for InstanceInterruptionBehavior.", t.interruption)
	case t.kind == "one-time" && t.interruption != "terminate":
		return query.Errorf("InvalidParameterCombination",
			"The request with type 'one-time' is not supported when instanceInterruptionBehavior is set to '%s'.",
			t.interruption)
	case t.kind == "persistent" && t.interruption == "terminate":
		// "For RunInstances, persistent Spot Instance requests are only supported when the instance interruption
		// behavior is either hibernate or stop."
		return query.Errorf("InvalidParameterCombination", "The request with type 'persistent' is only supported when "+
			"instanceInterruptionBehavior is set to 'hibernate' or 'stop'.")
	case t.kind == "one-time" && ends: // ValidUntil: "Supported only for persistent requests."
		return query.Errorf("InvalidParameterCombination", "ValidUntil is only supported for persistent requests.")
	}
	return nil
}

// requestSpot makes the Spot request behind a Spot instance.
func (w *World) requestSpot(i *instance, l launch) {
	if l.settings.spot == nil {
		return
	}
	r := &spotRequest{
		id: w.newID("sir", i.id), instanceID: i.id, imageID: i.imageID, typ: i.typ, zone: i.placed.zone,
		spotTerms: *l.settings.spot, state: spotActive, status: "fulfilled", created: w.now, updated: w.now,
	}
	// Spot request ids are short: sir- and eight characters (API reference examples).
	r.id = r.id[:len("sir-")+8]
	for w.spots.get(r.id) != nil {
		r.id = w.newID("sir", i.id)[:len("sir-")+8]
	}
	i.lifecycle, i.spotID = "spot", r.id
	w.spots.add(w.now, r.id, r)
	w.tag(r.id, l.tags["spot-instances-request"])
	if !r.until.IsZero() {
		w.after(max(r.until.Sub(w.now), 0), func() { w.expireSpot(r.id) })
	}
}

// The states of a request that decide something: User Guide, "Spot Instance request states".
const (
	spotActive    = "active"
	spotDisabled  = "disabled"
	spotCancelled = "cancelled"
)

// expireSpot: a persistent request remains active until ValidUntil is reached (API reference,
// SpotMarketOptions), and is cancelled when it has expired (User Guide, "Spot Instance request states").
// The instance stays as it is. Which status code an expired request has is not documented: that of a cancelled one.
func (w *World) expireSpot(id string) {
	if w.spots.get(id) == nil {
		return
	}
	w.spots.change(w.now, id, func(r *spotRequest) {
		if r.state == spotActive && r.status == "fulfilled" {
			r.status = "request-canceled-and-instance-running"
		}
		r.state, r.updated = spotCancelled, w.now
	})
}

// mayStartSpot: a stopped Spot instance is started once its request is disabled, which it is a while after the
// instance is stopped (hashicorp/terraform-provider-aws#33399), and not once it is cancelled.
func (w *World) mayStartSpot(i *instance) error {
	if r := w.spots.get(i.spotID); r != nil && r.state != spotDisabled {
		return spotState(i.id, "start")
	}
	return nil
}

func spotState(id, verb string) error {
	return query.Errorf("IncorrectSpotRequestState", "You can't %s the Spot Instance '%s' because the associated Spot "+
		"Instance request is not in an appropriate state to support %s.", verb, id, verb)
}

func (w *World) mayStopSpot(i *instance) error {
	r := w.spots.get(i.spotID)
	switch {
	case !i.isSpot():
		return nil
	case r == nil || r.kind != "persistent":
		return query.Errorf("UnsupportedOperation", "You can't stop the Spot Instance '%s' because it is associated with "+
			"a one-time Spot Instance request. You can only stop Spot Instances associated with persistent Spot "+
			"Instance requests.", i.id)
	case r.state == spotCancelled:
		return spotState(i.id, "stop")
	}
	return nil
}

// stoppingSpot: the request stays active and says marked-for-stop until it is disabled
// (hashicorp/terraform-provider-aws#33399).
func (w *World) stoppingSpot(i *instance) {
	w.changeSpot(i, func(r *spotRequest) {
		if r.state == spotActive {
			r.status = "marked-for-stop"
		}
	})
}

// stopSpot: the request of a stopped Spot instance is disabled until the instance runs again (User
// Guide, "Spot Instance request status": instance-stopped-by-user).
func (w *World) stopSpot(i *instance) {
	if w.spots.get(i.spotID) == nil {
		return
	}
	w.stoppingSpot(i)
	w.later(i.id, w.takes("spot-disabled", i.id, w.options.Timing.SpotDisabled), func() {
		w.changeSpot(i, func(r *spotRequest) {
			if r.state == spotActive {
				r.state, r.status = spotDisabled, "instance-stopped-by-user"
			}
		})
	})
}

func (w *World) runSpot(i *instance) {
	w.changeSpot(i, func(r *spotRequest) {
		if r.state == spotDisabled {
			r.state, r.status = spotActive, "fulfilled"
		}
	})
}

// endSpot: a one-time request closes with its instance, a persistent one opens again.
func (w *World) endSpot(i *instance) {
	w.changeSpot(i, func(r *spotRequest) {
		r.status = "instance-terminated-by-user"
		switch {
		case r.state == spotCancelled:
		case r.kind == "persistent":
			r.state = "open"
		default:
			r.state = "closed"
		}
	})
}

func (w *World) changeSpot(i *instance, edit func(*spotRequest)) {
	if w.spots.get(i.spotID) == nil {
		return
	}
	w.spots.change(w.now, i.spotID, func(r *spotRequest) {
		before := *r
		edit(r)
		if before.state != r.state || before.status != r.status {
			r.updated = w.now
		}
	})
}

func describeSpotInstanceRequests(w *World, call *query.Call) error {
	found, next, err := list(w, call, listing[spotRequest]{
		store: w.spots, filters: spotFilters, tags: func(r *spotRequest) []Tag { return r.tags },
		ids: "SpotInstanceRequestId", min: 5, max: 1000,
		unknown: func(id string) error {
			return query.Errorf("InvalidSpotInstanceRequestID.NotFound", "The spot instance request ID '%s' does not exist", id)
		},
	})
	if err != nil {
		return err
	}
	query.Items(call.Out, "spotInstanceRequestSet", found, func(r *spotRequest) { writeSpot(call.Out, r) })
	call.Out.Optional("nextToken", next)
	return nil
}

var spotFilters = filterable[spotRequest]{
	"spot-instance-request-id":   one(func(r *spotRequest) string { return r.id }),
	"instance-id":                one(func(r *spotRequest) string { return r.instanceID }),
	"state":                      one(func(r *spotRequest) string { return r.state }),
	"status-code":                one(func(r *spotRequest) string { return r.status }),
	"type":                       one(func(r *spotRequest) string { return r.kind }),
	"launch.image-id":            one(func(r *spotRequest) string { return r.imageID }),
	"launch.instance-type":       one(func(r *spotRequest) string { return r.typ }),
	"launched-availability-zone": one(func(r *spotRequest) string { return r.zone }),
	"create-time":                moments(func(r *spotRequest) time.Time { return r.created }),
}

func writeSpot(out *query.Writer, r *spotRequest) {
	out.Text("spotInstanceRequestId", r.id)
	out.Text("type", r.kind)
	out.Text("state", r.state)
	out.Element("status", func() {
		out.Text("code", r.status)
		out.Time("updateTime", r.updated)
	})
	out.Text("instanceId", r.instanceID)
	out.Element("launchSpecification", func() {
		out.Text("imageId", r.imageID)
		out.Text("instanceType", r.typ)
	})
	out.Text("launchedAvailabilityZone", r.zone)
	out.Text("productDescription", "Linux/UNIX")
	out.Time("createTime", r.created)
	out.Text("instanceInterruptionBehavior", r.interruption)
	out.Optional("spotPrice", r.price)
	if !r.until.IsZero() {
		out.Time("validUntil", r.until)
	}
	writeTags(out, r.tags)
}
