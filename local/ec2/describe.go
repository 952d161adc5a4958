package ec2

import (
	"strconv"
	"time"

	"goldsmith/local/query"
)

func describeInstances(w *World, call *query.Call) error {
	found, next, err := list(w, call, w.instanceListing())
	if err != nil {
		return err
	}
	query.Items(call.Out, "reservationSet", byReservation(found), func(members []*instance) {
		w.writeReservation(call.Out, members[0].reservation, members)
	})
	call.Out.Optional("nextToken", next)
	return nil
}

func (w *World) instanceListing() listing[instance] {
	return listing[instance]{
		store: w.instances, filters: instanceFilters, tags: func(i *instance) []Tag { return i.tags },
		indexed: []string{"image-id", "instance-id"}, ids: "InstanceId", unknown: unknownInstance, min: 5, max: 1000,
		apart: true,
	}
}

// byReservation groups neighbours; instances of one reservation were made one after the other.
func byReservation(instances []*instance) [][]*instance {
	var groups [][]*instance
	for _, i := range instances {
		if n := len(groups); n > 0 && groups[n-1][0].reservation == i.reservation {
			groups[n-1] = append(groups[n-1], i)
		} else {
			groups = append(groups, []*instance{i})
		}
	}
	return groups
}

var instanceFilters = filterable[instance]{
	"instance-id":                    one(func(i *instance) string { return i.id }),
	"instance-state-name":            one(func(i *instance) string { return i.state.String() }),
	"instance-state-code":            one(func(i *instance) string { return strconv.Itoa(int(i.state)) }),
	"instance-type":                  one(func(i *instance) string { return i.typ }),
	"instance-lifecycle":             one(func(i *instance) string { return i.lifecycle }),
	"spot-instance-request-id":       one(func(i *instance) string { return i.spotID }),
	"image-id":                       one(func(i *instance) string { return i.imageID }),
	"architecture":                   one(func(i *instance) string { return i.architecture }),
	"virtualization-type":            one(func(i *instance) string { return i.virtualization }),
	"boot-mode":                      one(func(i *instance) string { return i.bootMode }),
	"root-device-type":               one(func(i *instance) string { return i.rootType }),
	"root-device-name":               one(func(i *instance) string { return i.rootName }),
	"key-name":                       one(func(i *instance) string { return i.key }),
	"availability-zone":              one(func(i *instance) string { return i.placed.zone }),
	"availability-zone-id":           one(func(i *instance) string { return i.placed.zoneID }),
	"subnet-id":                      one(func(i *instance) string { return i.placed.id }),
	"vpc-id":                         one(func(i *instance) string { return i.placed.vpc }),
	"private-ip-address":             one(func(i *instance) string { return i.privateIP }),
	"ip-address":                     one(func(i *instance) string { return i.publicIP }),
	"reservation-id":                 one(func(i *instance) string { return i.reservation }),
	"client-token":                   one(func(i *instance) string { return i.token }),
	"platform":                       one(func(i *instance) string { return i.platform }),
	"platform-details":               one(func(i *instance) string { return i.platformDetails }),
	"iam-instance-profile.arn":       one(func(i *instance) string { return i.profile }),
	"state-reason-code":              one(func(i *instance) string { return i.reason.code }),
	"reason":                         one(func(i *instance) string { return i.transition }),
	"tenancy":                        one(func(i *instance) string { return i.options["Placement.Tenancy"] }),
	"monitoring-state":               one(func(i *instance) string { return monitoringState(i.monitoring) }),
	"launch-time":                    moments(func(i *instance) time.Time { return i.launched }),
	"launch-index":                   number(func(i *instance) int { return i.index }),
	"hibernation-options.configured": flag(func(i *instance) bool { return i.hibernation }),
	"ena-support":                    flag(func(i *instance) bool { return i.ena }),
	"ebs-optimized":                  flag(func(i *instance) bool { return i.ebsOptimized }),
	"block-device-mapping.volume-id": func(i *instance) []string {
		return each(i.devices, func(a attachment) string { return a.volumeID })
	},
	"block-device-mapping.device-name": func(i *instance) []string {
		return each(i.devices, func(a attachment) string { return a.device })
	},
	"instance.group-id": func(i *instance) []string {
		return each(i.groups, func(g securityGroup) string { return g.id })
	},
	"instance.group-name": func(i *instance) []string {
		return each(i.groups, func(g securityGroup) string { return g.name })
	},
}

func each[T any](items []T, of func(T) string) []string {
	values := make([]string, len(items))
	for n, item := range items {
		values[n] = of(item)
	}
	return values
}

// describeInstanceStatus shows running instances only, unless told otherwise.
func describeInstanceStatus(w *World, call *query.Call) error {
	l := w.instanceListing()
	l.filters = filterable[instance]{
		"instance-state-name":    instanceFilters["instance-state-name"],
		"instance-state-code":    instanceFilters["instance-state-code"],
		"availability-zone":      instanceFilters["availability-zone"],
		"availability-zone-id":   instanceFilters["availability-zone-id"],
		"instance-status.status": one(func(i *instance) string { return instanceStatus(i, w.asOf) }),
		"system-status.status":   one(func(i *instance) string { return status(i, w.asOf) }),
	}
	l.tags = nil
	if everything := call.Params.Bool("IncludeAllInstances"); !everything {
		l.keep = func(i *instance) bool { return i.state == Running }
	}
	found, next, err := list(w, call, l)
	if err != nil {
		return err
	}
	query.Items(call.Out, "instanceStatusSet", found, func(i *instance) { w.writeStatus(call.Out, i) })
	call.Out.Optional("nextToken", next)
	return nil
}

func status(i *instance, now time.Time) string {
	switch {
	case i.state != Running:
		return "not-applicable"
	case now.Before(i.healthyAt):
		return "initializing"
	}
	return "ok"
}

// instanceStatus is the check that the instance's own software can fail.
func instanceStatus(i *instance, now time.Time) string {
	if s := status(i, now); s != "ok" || !i.impaired {
		return s
	}
	return "impaired"
}

func (w *World) writeStatus(out *query.Writer, i *instance) {
	out.Text("instanceId", i.id)
	out.Text("availabilityZone", i.placed.zone)
	out.Element("instanceState", func() { writeState(out, i.state) })
	for _, check := range []string{"systemStatus", "instanceStatus", "attachedEbsStatus"} {
		now := status(i, w.asOf)
		if check == "instanceStatus" {
			now = instanceStatus(i, w.asOf)
		}
		out.Element(check, func() {
			out.Text("status", now)
			if i.state != Running {
				return
			}
			query.Items(out, "details", []string{now}, func(now string) {
				out.Text("name", "reachability")
				out.Text("status", map[string]string{"ok": "passed", "initializing": "initializing", "impaired": "failed"}[now])
			})
		})
	}
}
