package ec2

import (
	"slices"
	"strings"
	"time"

	"goldsmith/local/query"
)

// The states of an image that the World uses (API reference, ImageState).
const (
	imagePending   = "pending"
	imageAvailable = "available"
	imageFailed    = "failed"
	imageDisabled  = "disabled"
)

type image struct {
	id, name, description        string
	owner, alias                 string
	location                     string
	state                        string
	reason                       reason
	created                      time.Time
	deprecated                   time.Time
	architecture, virtualization string
	bootMode                     string
	platform, platformDetails    string
	usage                        string
	products                     []string // codes of products of AWS Marketplace
	rootType, rootName           string
	ena                          bool
	sriov, imds, tpm, uefiData   string
	mappings                     []mapping
	public                       bool
	shared                       []permission
	sourceInstance, sourceImage  string
	sourceRegion                 string
	protection                   string // deregistration protection
	launched                     time.Time
	tags                         []Tag

	ending   ending
	awaited  int // snapshots that have not completed
	rebooted bool
}

type permission struct{ user, group, organization, unit string }

// createImage makes a pending image of an instance, which it reboots unless told not to, and starts the snapshots. A
// refusal leaves nothing made.
func createImage(w *World, call *query.Call) error {
	p := call.Params
	i, err := w.instanceNamed(p)
	if err != nil {
		return err
	}
	tags, err := tagSpecifications(p, "image", "snapshot")
	if err != nil {
		return err
	}
	mappings, err := w.imageAsked(i, p)
	if err != nil {
		return err
	}
	reboots := !p.Bool("NoReboot") && i.state == Running
	description := p.Text("Description")
	if err := call.Commit(); err != nil {
		return err
	}
	volumes := w.volumesOf(i, mappings)
	if w.noDevice == SnapshotsAllTheSame {
		volumes = w.volumesOf(i, w.mappingsOf(i))
	}
	if err := w.maySnapshotAll(volumes); err != nil {
		return err
	}
	if reboots {
		// The snapshots are taken while the instance is down for its reboot.
		w.reboot(i.id, w.options.Timing.SnapshotShows.Max+time.Second)
	}
	img := w.imageOf(i, p.Text("Name"), description, mappings)
	img.awaited, img.rebooted, img.ending = len(volumes), reboots, w.imageEnding(i.id)
	w.addImage(img, tags["image"])
	w.snapshotForImage(img, i, volumes, tags["snapshot"])
	call.Touch(img.id)
	call.Out.Text("imageId", img.id)
	return nil
}

// imageAsked are the devices of the image that a request asks for, or why there can be none: for its name, the instance
// or the devices, in this order.
func (w *World) imageAsked(i *instance, p *query.Params) ([]mapping, error) {
	if err := w.nameFree(p.Text("Name")); err != nil {
		return nil, err
	}
	if err := imageable(i); err != nil {
		return nil, err
	}
	return w.imageMappings(i, p.List("BlockDeviceMapping"))
}

// maySnapshotAll refuses if one of the volumes may not be snapshotted now.
func (w *World) maySnapshotAll(volumes []*volume) error {
	for _, v := range volumes {
		if err := w.maySnapshot(v); err != nil {
			return err
		}
	}
	return nil
}

// imageable: EBS-backed instances, running or stopped; Systems Manager's page
// on aws:createImage allows stopping too. Another state is refused in the words
// quoted in aws-samples/aws-systemsmanagerautomation-with-asglifecyclehooks#2. The code for an
// instance-store root is unverified.
func imageable(i *instance) error {
	if i.rootType == rootInstanceStore {
		return query.Errorf("InvalidParameterValue",
			"The instance '%s' does not have an 'ebs' root device type; an image can only be created from an EBS-backed "+
				"instance.", i.id)
	}
	if i.state == Running || i.state == Stopping || i.state == Stopped {
		return nil
	}
	return query.Errorf("InvalidParameterValue",
		"Invalid value '%s' for instanceId. Instance is not in state 'running' or 'stopping' or 'stopped'", i.id)
}

const nameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789()[] ./-'@_"

// nameFree holds a name against EC2's rules (API reference, CreateImage; error codes, InvalidAMIName).
func (w *World) nameFree(name string) error {
	if len(name) < 3 || len(name) > 128 || strings.Trim(name, nameCharacters) != "" {
		return query.Errorf("InvalidAMIName.Malformed",
			"AMI names must be between 3 and 128 characters long, and may contain letters, numbers, and only the following "+
				"characters: ( ) [ ] space . / - ' @ _")
	}
	if taken := w.imageByName(name); taken != nil {
		return query.Errorf("InvalidAMIName.Duplicate", "AMI name %s is already in use by AMI %s", name, taken.id)
	}
	if w.now.Before(w.names[name]) {
		return query.Errorf("InvalidAMIName.Duplicate", "AMI name %s is already in use by another AMI", name)
	}
	return nil
}

// imageByName is the account's own image of that name, or nil.
func (w *World) imageByName(name string) *image {
	for _, e := range w.images.index["name="+name] {
		if img := w.images.get(e.id); img != nil && img.owner == w.options.Account {
			return img
		}
	}
	return nil
}

// mappingsOf are the block devices of an instance as an image of it records them.
func (w *World) mappingsOf(i *instance) []mapping {
	var mappings []mapping
	for _, a := range i.devices {
		v := w.volumes.get(a.volumeID)
		if v == nil {
			continue
		}
		mappings = append(mappings, mapping{
			device: a.device, size: v.size, typ: v.typ, iops: v.iops, throughput: v.throughput,
			encrypted: v.encrypted, kmsKey: v.kmsKey, deleteOnTermination: a.deleteOnTermination,
		})
	}
	for n := range typeNamed(i.typ).disks {
		mappings = append(mappings, mapping{device: "/dev/sd" + string(rune('b'+n)), virtual: "ephemeral" +
			string(rune('0'+n))})
	}
	return mappings
}

func (w *World) volumesOf(i *instance, mappings []mapping) []*volume {
	var volumes []*volume
	for _, a := range i.devices {
		kept := slices.ContainsFunc(mappings, func(m mapping) bool { return m.device == a.device })
		if v := w.volumes.get(a.volumeID); v != nil && kept {
			volumes = append(volumes, v)
		}
	}
	return volumes
}

func (w *World) imageOf(i *instance, name, description string, mappings []mapping) *image {
	img := &image{
		id: w.newID("ami", name), name: name, description: description, owner: w.options.Account,
		location: w.options.Account + "/" + name, state: imagePending, created: w.now,
		architecture: i.architecture, virtualization: i.virtualization, bootMode: i.bootMode,
		platform: i.platform, platformDetails: i.platformDetails, usage: i.usage, products: i.products,
		rootType: rootEBS, rootName: i.rootName, ena: i.ena, sriov: i.sriov, tpm: i.tpm, imds: i.imds, mappings: mappings,
		sourceInstance: i.id, sourceRegion: w.options.Region, sourceImage: i.imageID,
	}
	img.uefiData = i.uefiData
	return img
}

func (w *World) addImage(img *image, tags []Tag) {
	w.images.add(w.now, img.id, img, "name="+img.name, "description="+img.description,
		"source-instance-id="+img.sourceInstance)
	w.tag(img.id, tags)
	w.indexSnapshots(img)
}

const usedBy = "snapshot in "

// indexSnapshots lets the images that use a snapshot be found from it.
func (w *World) indexSnapshots(img *image) {
	for _, m := range img.mappings {
		if m.snapshotID != "" {
			w.images.file(img.id, usedBy+m.snapshotID)
		}
	}
}

// imagesUsing are the registered images that a snapshot is part of.
func (w *World) imagesUsing(snapshotID string) []*image {
	var using []*image
	for _, e := range w.images.index[usedBy+snapshotID] {
		img := w.images.get(e.id)
		if img != nil && slices.ContainsFunc(img.mappings, func(m mapping) bool { return m.snapshotID == snapshotID }) {
			using = append(using, img)
		}
	}
	return using
}

// imageReady makes an image available once everything it waits for is there.
func (w *World) imageReady(id string) {
	img := w.images.get(id)
	if img == nil || img.state != imagePending || img.awaited > 0 {
		return
	}
	w.after(w.takes("image", id, w.options.Timing.ImageReady), func() {
		if now := w.images.get(id); now != nil && now.state == imagePending {
			w.endImage(now)
		}
	})
}

func (w *World) endImage(img *image) {
	if img.ending.state != "" {
		w.setImage(img.id, img.ending.state, img.ending.why)
		return
	}
	w.setImage(img.id, imageAvailable, reason{})
	if again := img.ending.again; again > 0 {
		// An image that looked available may be pending again (hashicorp/packer#2659).
		w.after(time.Second, func() {
			w.images.change(w.now, img.id, func(img *image) { img.state, img.ending = imagePending, ending{} })
			w.after(again, func() { w.imageReady(img.id) })
		})
	}
}

func (w *World) setImage(id, state string, why reason) {
	w.images.change(w.now, id, func(img *image) { img.state, img.reason = state, why })
	// Only these states have an event (User Guide, AMI events).
	switch state {
	case imageAvailable, imageFailed, imageDisabled:
		w.emitImageState(id, state, why.message)
	}
}

var unknownImage = unknownID("ami", "InvalidAMIID.NotFound", "InvalidAMIID.Malformed",
	"The image id '[%s]' does not exist")
