package ec2

import (
	"slices"
	"strconv"
	"time"

	"goldsmith/local/query"
)

type volume struct {
	id, snapshotID, zone string
	typ                  string
	size                 int // GiB
	iops, throughput     int
	encrypted            bool
	kmsKey               string
	created              time.Time
	usable               time.Time // creating until then
	instanceID           string
	attachment           attachment
	tags                 []Tag

	written      uint64    // writes until writingSince
	writingSince time.Time // zero while nothing writes
	lastSnapshot time.Time
	inFlight     int // snapshots not completed, those not yet shown included
}

// writes counts the volume's writes: one for each millisecond in which its instance was up.
func (v *volume) writes(now time.Time) uint64 {
	if v.writingSince.IsZero() {
		return v.written
	}
	return v.written + uint64(max(0, now.Sub(v.writingSince).Milliseconds()))
}

// concurrent is EC2's limit of snapshots in flight for a volume of this type (EBS User Guide, quotas).
func (v *volume) concurrent() int {
	if v.typ == "st1" || v.typ == "sc1" {
		return 1
	}
	return 5
}

// setWriting starts or ends the writing of all volumes of an instance.
func (w *World) setWriting(i *instance, on bool) {
	for _, a := range i.devices {
		w.volumes.change(w.now, a.volumeID, func(v *volume) {
			switch {
			case on && v.writingSince.IsZero():
				v.writingSince = w.now
			case !on:
				v.written, v.writingSince = v.writes(w.now), time.Time{}
			}
		})
	}
}

func describeVolumes(w *World, call *query.Call) error {
	found, next, err := list(w, call, listing[volume]{
		store: w.volumes, filters: w.volumeFilters(), tags: func(v *volume) []Tag { return v.tags },
		ids: "VolumeId", min: 5, max: 1000, clamps: true, apart: true,
		unknown: unknownID("vol", "InvalidVolume.NotFound", "InvalidParameterValue", "The volume '%s' does not exist."),
	})
	if err != nil {
		return err
	}
	query.Items(call.Out, "volumeSet", found, func(v *volume) { w.writeVolume(call.Out, v, w.asOf) })
	call.Out.Optional("nextToken", next)
	return nil
}

func (w *World) volumeFilters() filterable[volume] {
	return filterable[volume]{
		"volume-id":                        one(func(v *volume) string { return v.id }),
		"snapshot-id":                      one(func(v *volume) string { return v.snapshotID }),
		"volume-type":                      one(func(v *volume) string { return v.typ }),
		"availability-zone":                one(func(v *volume) string { return v.zone }),
		"status":                           one(func(v *volume) string { return v.state(w.asOf) }),
		"size":                             number(func(v *volume) int { return v.size }),
		"encrypted":                        flag(func(v *volume) bool { return v.encrypted }),
		"create-time":                      moments(func(v *volume) time.Time { return v.created }),
		"attachment.instance-id":           one(func(v *volume) string { return v.instanceID }),
		"attachment.device":                one(func(v *volume) string { return v.attachment.device }),
		"attachment.delete-on-termination": flag(func(v *volume) bool { return v.attachment.deleteOnTermination }),
	}
}

func (v *volume) state(now time.Time) string {
	switch {
	case v.instanceID != "":
		return "in-use"
	case now.Before(v.usable):
		return "creating"
	}
	return "available"
}

func (w *World) writeVolume(out *query.Writer, v *volume, now time.Time) {
	out.Text("volumeId", v.id)
	out.Int("size", v.size)
	out.Text("snapshotId", v.snapshotID)
	out.Text("availabilityZone", v.zone)
	out.Text("status", v.state(now))
	out.Time("createTime", v.created)
	out.Element("attachmentSet", func() {
		if v.instanceID == "" {
			return
		}
		out.Element("item", func() {
			out.Text("volumeId", v.id)
			out.Text("instanceId", v.instanceID)
			out.Text("device", v.attachment.device)
			out.Text("status", "attached")
			out.Time("attachTime", v.attachment.attached)
			out.Bool("deleteOnTermination", v.attachment.deleteOnTermination)
		})
	})
	writeTags(out, v.tags)
	out.Text("volumeType", v.typ)
	if v.iops > 0 {
		out.Int("iops", v.iops)
	}
	if v.throughput > 0 {
		out.Int("throughput", v.throughput)
	}
	out.Bool("encrypted", v.encrypted)
	out.Optional("kmsKeyId", v.kmsKey)
	out.Bool("multiAttachEnabled", false)
}

// unknownID tells a malformed id from one that does not exist.
func unknownID(prefix, notFound, malformed, message string) func(string) error {
	return func(id string) error {
		if k := kind(id); k == nil || k.prefix != prefix {
			return query.Errorf(malformed, "Invalid id: %s (expecting %s)", strconv.Quote(id), strconv.Quote(prefix+"-..."))
		}
		return query.Errorf(notFound, message, id)
	}
}

// releaseVolumes deletes or detaches the volumes of a terminated instance.
func (w *World) releaseVolumes(i *instance) {
	for _, a := range slices.Clone(i.devices) {
		if a.deleteOnTermination {
			drop(w, w.volumes, a.volumeID)
			continue
		}
		w.volumes.change(w.now, a.volumeID, func(v *volume) { v.instanceID, v.attachment = "", attachment{} })
	}
}
