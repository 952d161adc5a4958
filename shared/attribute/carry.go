package attribute

import (
	"cmp"

	"goldsmith/shared/job"
)

// Carry is a decision's attributes as a job holds them.
func (d Decision) Carry() (all []job.Attribute) {
	for _, a := range d.Attributes {
		all = append(all, job.Attribute{Key: string(a.Key), Value: a.Value, Source: a.Source})
	}
	return all
}

// Carried is the decision that a job holds, about the snapshot that its image is registered of.
func Carried(r *job.Registering) Decision {
	d := Decision{Snapshot: r.Root()}
	for _, a := range r.Attributes {
		d.Attributes = append(d.Attributes, Attribute{Key: Key(a.Key), Value: a.Value, Source: a.Source})
	}
	for _, v := range r.Disks[1:] {
		d.Data = append(d.Data, Volume{Device: v.Device, Snapshot: v.Snapshot, Kept: v.Kept,
			Performance: Performance{cmp.Or(v.Type, "gp3"), v.IOPS, v.Throughput}})
	}
	return d
}

// Notable are a decision's notes as warnings.
func (d Decision) Notable() (all []job.Reason) {
	for _, n := range d.Notes {
		all = append(all, job.Reason{Code: job.Evidence, Text: n})
	}
	return all
}
