package ec2

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// The public images that every World starts with.
const (
	ImageX86           = "ami-00000000000000086" // Linux, x86_64, EBS root
	ImageARM           = "ami-00000000000000a64" // Linux, arm64, EBS root
	ImageInstanceStore = "ami-00000000000000015" // Linux, x86_64, instance-store root
	ImageWindows       = "ami-00000000000000077" // Windows, x86_64, EBS root
)

// amazon is the account that Amazon's images belong to.
const amazon = "137112412989"

func (w *World) seedPublicImages() {
	// Long before anything else, and visible to the latest describe.
	released := w.now.AddDate(-1, 0, 0)
	linux := image{
		owner: amazon, alias: "amazon", state: imageAvailable, created: released, public: true,
		architecture: "x86_64", virtualization: "hvm", bootMode: "uefi-preferred", platformDetails: "Linux/UNIX",
		usage: "RunInstances", rootType: rootEBS, rootName: "/dev/xvda", ena: true, sriov: "simple", imds: "v2.0",
	}
	add := func(id, name string, edit func(*image)) {
		img := linux
		img.id, img.name, img.location = id, name, "amazon/"+name
		snapshotID := "snap" + id[len("ami"):]
		img.mappings = []mapping{{device: "/dev/xvda", snapshotID: snapshotID, size: 8, typ: "gp3", iops: 3000,
			throughput: 125, deleteOnTermination: true}}
		edit(&img)
		if img.rootType == rootEBS {
			w.snapshots.add(released, snapshotID, &snapshot{
				id: snapshotID, volumeID: "vol-ffffffff", owner: amazon, size: img.mappings[0].size,
				state: snapshotCompleted, started: released, due: released, completed: released,
				billing: billing{img.platform, img.platformDetails, img.usage},
			})
		}
		w.images.add(released, id, &img, "name="+name)
	}
	add(ImageX86, "al2023-ami-2023.8.20260101.0-kernel-6.1-x86_64", func(*image) {})
	add(ImageARM, "al2023-ami-2023.8.20260101.0-kernel-6.1-arm64", func(img *image) {
		img.architecture, img.bootMode = "arm64", "uefi"
	})
	add(ImageInstanceStore, "amzn-ami-hvm-2018.03.0.20260101-x86_64-s3", func(img *image) {
		img.rootType, img.rootName, img.mappings, img.bootMode = rootInstanceStore, "", nil, ""
	})
	add(ImageWindows, "Windows_Server-2025-English-Full-Base-2026.01.01", func(img *image) {
		img.platform, img.platformDetails, img.usage = "windows", "Windows", "RunInstances:0002"
		img.rootName, img.mappings[0].device, img.mappings[0].size = "/dev/sda1", "/dev/sda1", 30
	})
}

// edit changes an instance behind the API's back.
func (w *World) edit(id string, change func(*instance)) error {
	w.lock()
	defer w.unlock()
	if w.instances.get(id) == nil {
		return unknownInstance(id)
	}
	w.instances.change(w.now, id, change)
	return nil
}

// SetHibernation says whether an instance was launched with hibernation enabled.
func (w *World) SetHibernation(id string, on bool) error {
	return w.edit(id, func(i *instance) { i.hibernation = on })
}

// NoDevice is what CreateImage makes of a volume that a request leaves out. EC2 documents that the device is not among
// the image's mappings (API reference, BlockDeviceMapping), and says nothing of a snapshot.
type NoDevice int

const (
	// LeavesOut makes neither mapping nor snapshot.
	LeavesOut NoDevice = iota
	// SnapshotsAllTheSame makes a snapshot that no mapping names.
	SnapshotsAllTheSame
	// HoldsAllTheSame makes both, as aws/aws-cli#6334 reports it.
	HoldsAllTheSame
)

// SetNoDevice says what comes of NoDevice in CreateImage from now on.
func (w *World) SetNoDevice(to NoDevice) {
	w.lock()
	defer w.unlock()
	w.noDevice = to
}

// SetElasticIP gives an instance an address that it keeps over stop and start; "" takes it away.
func (w *World) SetElasticIP(id, address string) error {
	return w.edit(id, func(i *instance) { i.elasticIP, i.publicIP = address, address })
}

// SetState puts an instance into Running, Stopped or Terminated at once, as if
// it had been so for long. It sends the event of the change.
func (w *World) SetState(id string, to State) error {
	w.lock()
	defer w.unlock()
	i := w.instances.get(id)
	switch {
	case i == nil:
		return unknownInstance(id)
	case i.state == to:
		return nil
	}
	switch to {
	case Running:
		w.setWriting(i, true)
		w.turn(id, Running, func(i *instance) { i.healthyAt = w.now })
	case Stopped:
		w.stopped(id, userInitiated(w.now),
			reason{"Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"})
	case Terminated:
		w.endSpot(i)
		w.terminated(id)
	case Pending, Stopping, ShuttingDown:
		return fmt.Errorf("setting the state of %s: %s does not last", id, to)
	}
	return nil
}

// SetTags adds tags to any resource, aws: tags too, and sends the change event.
func (w *World) SetTags(id string, tags map[string]string) error {
	w.lock()
	defer w.unlock()
	k := kind(id)
	if k == nil {
		return fmt.Errorf("tagging %q: no such kind of resource", id)
	}
	if _, ok := k.read(w, id); !ok {
		return fmt.Errorf("tagging %s: it does not exist", id)
	}
	var added []Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		added = append(added, Tag{key, tags[key]})
	}
	w.tag(id, added)
	return nil
}

// AddImage adds an available image of the account's own under an id of the
// caller's choice, for tests that begin after it was made.
func (w *World) AddImage(id string) {
	w.lock()
	defer w.unlock()
	img := *w.images.get(ImageX86)
	img.id, img.name, img.owner, img.alias, img.public = id, id, w.options.Account, "", false
	w.addImage(&img, nil)
}

// Backdate makes an image and its snapshots as old as if they were made at a time.
func (w *World) Backdate(imageID string, created time.Time) error {
	w.lock()
	defer w.unlock()
	img := w.images.get(imageID)
	if img == nil {
		return unknownImage(imageID)
	}
	w.images.change(w.now, imageID, func(img *image) { img.created = created })
	for _, m := range img.mappings {
		if w.snapshots.get(m.snapshotID) != nil {
			w.snapshots.change(w.now, m.snapshotID, func(s *snapshot) { s.started = created })
		}
	}
	return nil
}

// SetLastLaunched says when an image was last launched from.
func (w *World) SetLastLaunched(imageID string, at time.Time) error {
	w.lock()
	defer w.unlock()
	if w.images.get(imageID) == nil {
		return unknownImage(imageID)
	}
	w.images.change(w.now, imageID, func(img *image) { img.launched = at })
	return nil
}

// SeedImage puts an available image of the account there, with one snapshot, both tagged, as if
// CreateImage had made it at a time, of the instance that the tag goldsmith:source names. It returns the image's id.
func (w *World) SeedImage(name string, created time.Time, tags map[string]string) string {
	w.lock()
	defer w.unlock()
	return w.seed(*w.images.get(ImageX86), name, created, tags)
}

// SeedCopy puts an available image there as if CopyImage had made it at a time of an image in another Region.
func (w *World) SeedCopy(name string, created time.Time, tags map[string]string, from, region string) string {
	w.lock()
	defer w.unlock()
	img := *w.regions[region].images.get(ImageX86)
	img.sourceImage, img.sourceRegion = from, region
	id := w.seed(img, name, created, tags)
	w.images.change(w.now, id, func(img *image) { img.sourceInstance = "" })
	return id
}

func (w *World) seed(img image, name string, created time.Time, tags map[string]string) string {
	img.id, img.name, img.location = w.newID("ami", name), name, w.options.Account+"/"+name
	img.owner, img.alias, img.public, img.created = w.options.Account, "", false, created
	img.launched, img.sourceInstance = time.Time{}, tags["goldsmith:source"]
	snapshotID := w.newID("snap", name)
	img.mappings = slices.Clone(img.mappings)
	parent := img.mappings[0].snapshotID
	img.mappings[0].snapshotID = snapshotID
	var own []Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		own = append(own, Tag{key, tags[key]})
	}
	w.snapshots.add(created, snapshotID, &snapshot{
		id: snapshotID, volumeID: "vol-ffffffff", owner: w.options.Account, size: img.mappings[0].size,
		state: snapshotCompleted, started: created, due: created, completed: created, parent: parent,
		description: "Created by CreateImage(" + tags["goldsmith:source"] + ") for " + img.id,
	})
	w.tag(snapshotID, own)
	w.addImage(&img, own)
	return img.id
}

// AddInstanceProfile makes an instance profile exist, which IAM would have made.
func (w *World) AddInstanceProfile(name string) {
	w.lock()
	defer w.unlock()
	w.profiles[name] = true
}

// AddKeyPair makes a key pair exist.
func (w *World) AddKeyPair(name string) {
	w.lock()
	defer w.unlock()
	if k, err := w.newKeyPair(name, "rsa", ""); err == nil {
		w.keyPairs[name] = k
	}
}

// AddSecurityGroup makes a security group exist, under the id of the caller's choice.
func (w *World) AddSecurityGroup(id, name string) {
	w.lock()
	defer w.unlock()
	w.network.groups = append(slices.Clone(w.network.groups), securityGroup{id, name, name})
}

// SetInstanceProfile gives an instance a profile of that name, as AssociateIamInstanceProfile does.
func (w *World) SetInstanceProfile(id, name string) error {
	return w.edit(id, func(i *instance) { i.profile = name })
}
