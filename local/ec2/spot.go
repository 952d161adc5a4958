package ec2

import (
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
	if terms.kind == "one-time" && terms.interruption != "terminate" {
		// API reference, SpotMarketOptions.
		return nil, query.Errorf("InvalidParameterCombination",
			"The instance interruption behavior '%s' needs a persistent Spot Instance request.", terms.interruption)
	}
	return terms, nil
}

// requestSpot makes the Spot request behind a Spot instance.
func (w *World) requestSpot(i *instance, l launch) {
	if l.settings.spot == nil {
		return
	}
	r := &spotRequest{
		id: w.newID("sir", i.id), instanceID: i.id, imageID: i.imageID, typ: i.typ, zone: i.placed.zone,
		spotTerms: *l.settings.spot, state: "active", status: "fulfilled", created: w.now, updated: w.now,
	}
	// Spot request ids are short: sir- and eight characters (API reference examples).
	r.id = r.id[:len("sir-")+8]
	for w.spots.get(r.id) != nil {
		r.id = w.newID("sir", i.id)[:len("sir-")+8]
	}
	i.lifecycle, i.spotID = "spot", r.id
	w.spots.add(w.now, r.id, r)
	w.tag(r.id, l.tags["spot-instances-request"])
}

func (w *World) persistent(i *instance) bool {
	r := w.spots.get(i.spotID)
	return r != nil && r.kind == "persistent" && r.state != "cancelled"
}

// stopSpot: the request of a stopped Spot instance is disabled until the instance runs again (User
// Guide, "Spot Instance request status": instance-stopped-by-user).
func (w *World) stopSpot(i *instance) {
	if w.spots.get(i.spotID) != nil {
		w.spots.change(w.now, i.spotID, func(r *spotRequest) {
			r.state, r.status, r.updated = "disabled", "instance-stopped-by-user", w.now
		})
	}
}

func (w *World) runSpot(i *instance) {
	if r := w.spots.get(i.spotID); r != nil && r.state == "disabled" {
		w.spots.change(w.now, i.spotID, func(r *spotRequest) { r.state, r.status, r.updated = "active", "fulfilled", w.now })
	}
}

// endSpot: a one-time request closes with its instance, a persistent one opens again.
func (w *World) endSpot(i *instance) {
	if w.spots.get(i.spotID) == nil {
		return
	}
	w.spots.change(w.now, i.spotID, func(r *spotRequest) {
		r.status, r.updated = "instance-terminated-by-user", w.now
		r.state = "closed"
		if r.kind == "persistent" {
			r.state = "open"
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
