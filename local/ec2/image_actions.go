package ec2

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"goldsmith/local/query"
)

// registerImage: the schema demands only a name, and the defaults are i386 and
// paravirtual (API reference, RegisterImage), which no launch of today wants.
func registerImage(w *World, call *query.Call) error {
	p := call.Params
	tags, err := tagSpecifications(p, "image")
	if err != nil {
		return err
	}
	if err := w.nameFree(p.Text("Name")); err != nil {
		return err
	}
	if err := w.registrable(p); err != nil {
		return err
	}
	mappings := overlay(nil, p.List("BlockDeviceMapping"))
	root, err := w.rootOf(p, mappings)
	if err != nil {
		return err
	}
	if p.Text("TpmSupport") != "" && p.Text("BootMode") != "uefi" {
		// Tried on EC2 for flatcar/mantle#582; the words are unverified.
		return query.Errorf("InvalidParameterCombination", "The parameter tpmSupport requires bootMode to be uefi.")
	}
	img := &image{
		id: w.newID("ami", p.Text("Name")), name: p.Text("Name"), description: p.Text("Description"),
		owner:    w.options.Account,
		location: w.options.Account + "/" + p.Text("Name"), state: imagePending, created: w.now,
		architecture:   orElse(p.Text("Architecture"), "i386"),
		virtualization: orElse(p.Text("VirtualizationType"), "paravirtual"),
		bootMode:       p.Text("BootMode"),
		rootType:       rootEBS, rootName: root, ena: p.Bool("EnaSupport"), sriov: p.Text("SriovNetSupport"),
		imds: p.Text("ImdsSupport"), tpm: p.Text("TpmSupport"), uefiData: p.Text("UefiData"), mappings: mappings,
	}
	img.platform, img.platformDetails, img.usage = w.billingOf(mappings, root).of()
	if err := call.Commit(); err != nil {
		return err
	}
	if len(mappings) > 0 {
		img.ending = w.imageEnding(mappings[0].snapshotID)
	}
	w.addImage(img, tags["image"])
	w.imageReady(img.id)
	call.Touch(img.id)
	call.Out.Text("imageId", img.id)
	return nil
}

// rootOf finds the root device among the mappings and completes them from their snapshots.
func (w *World) rootOf(p *query.Params, mappings []mapping) (string, error) {
	root := orElse(p.Text("RootDeviceName"), "/dev/sda1")
	found := false
	for n := range mappings {
		m := &mappings[n]
		if !m.isEBS() {
			continue
		}
		if m.snapshotID != "" {
			if err := w.registerable(m); err != nil {
				return "", err
			}
		}
		m.typ = orElse(m.typ, "gp2")
		if err := m.legalAt(root); err != nil {
			return "", err
		}
		found = found || m.device == root && m.snapshotID != ""
	}
	if !found {
		return "", query.Errorf("InvalidBlockDeviceMapping",
			"Invalid device name %s: the root device has no mapping with a snapshot", root)
	}
	return root, nil
}

// registerable completes a mapping from its snapshot.
func (w *World) registerable(m *mapping) error {
	s := w.snapshots.get(m.snapshotID)
	switch {
	case s == nil:
		return unknownSnapshot(m.snapshotID)
	case s.state != snapshotCompleted:
		return query.Errorf("InvalidSnapshot.NotReady", "The snapshot %s is not completed.", s.id)
	case m.size > 0 && m.size < s.size:
		return tooSmall(m.size, s)
	}
	m.size, m.encrypted = max(m.size, s.size), s.encrypted
	return nil
}

func copyImage(w *World, call *query.Call) error {
	if id, again, err := w.answered(call); again || err != nil {
		if err == nil {
			call.Out.Text("imageId", id)
		}
		return err
	}
	p := call.Params
	tags, err := tagSpecifications(p, "image", "snapshot")
	if err != nil {
		return err
	}
	from, source, err := w.copyable(p)
	if err != nil {
		return err
	}
	encrypt, copyTags := p.Bool("Encrypted"), p.Bool("CopyImageTags")
	key, description := p.Text("KmsKeyId"), p.Text("Description")
	if key != "" && !encrypt { // API reference, CopyImage: KmsKeyId. The code is that of CreateVolume.
		return keyWithoutEncrypted()
	}
	if err := call.Commit(); err != nil {
		return err
	}
	img := w.copyOf(source, p)
	img.description = orElse(description, "[Copied "+source.id+" from "+p.Text("SourceRegion")+"] "+source.description)
	img.mappings = w.copySnapshots(img, from, source, encrypt, key, tags["snapshot"])
	own := tags["image"]
	if copyTags {
		own = merge(ownTags(source.tags), own)
	}
	w.addImage(img, own)
	w.imageReady(img.id)
	w.remember(call, img.id)
	call.Touch(img.id)
	call.Out.Text("imageId", img.id)
	return nil
}

// copyOf has what a copy keeps: neither permissions nor deprecation nor protection.
func (w *World) copyOf(source *image, p *query.Params) *image {
	img := *source
	img.id, img.name, img.location = w.newID("ami", p.Text("Name")), p.Text("Name"), w.options.Account+"/"+p.Text("Name")
	img.owner, img.alias, img.state, img.created = w.options.Account, "", imagePending, w.now
	img.public, img.shared, img.tags, img.protection = false, nil, nil, ""
	img.deprecated, img.launched = time.Time{}, time.Time{}
	img.sourceImage, img.sourceRegion, img.sourceInstance = source.id, p.Text("SourceRegion"), ""
	img.ending = w.imageEnding(source.id)
	return &img
}

// copyable is the image that a copy is made of, and its Region. Of another account's its owner must let who copies it
// use the snapshots as well (User Guide, "How Amazon EC2 AMI copy works"; the code and the words:
// clong/DetectionLab#422).
func (w *World) copyable(p *query.Params) (*World, *image, error) {
	for _, name := range []string{"SourceRegion", "SourceImageId", "Name"} {
		if p.Text(name) == "" {
			return nil, nil, missing(name)
		}
	}
	from, err := w.beside(p.Text("SourceRegion"))
	if err != nil {
		return nil, nil, err
	}
	source := from.images.get(p.Text("SourceImageId"))
	switch {
	case source == nil, !slices.ContainsFunc(source.permissions(), Consumer{Account: w.options.Account}.has) &&
		source.owner != w.options.Account:
		return nil, nil, unknownImage(p.Text("SourceImageId"))
	case source.state != imageAvailable:
		return nil, nil, query.Errorf("InvalidAMIID.Unavailable", "The image ID '%s' is not available", source.id)
	case !from.readable(source, w.options.Account):
		return nil, nil, query.Errorf("InvalidRequest", "You do not have permission to access the storage of this ami")
	}
	return from, source, cmp.Or(w.nameFree(p.Text("Name")), w.roomToCopy(source))
}

// readable reports whether an account may read all snapshots of an image: of Amazon's it may.
func (w *World) readable(img *image, account string) bool {
	for _, m := range img.mappings {
		if s := w.snapshots.get(m.snapshotID); s != nil && s.owner != account && s.owner != amazon && !s.permits(account) {
			return false
		}
	}
	return true
}

// concurrentImageCopies is how many copies of images one destination Region has in progress (User Guide, "How Amazon
// EC2 AMI copy works"). Whether EBS's limit of copies of snapshots holds for theirs as well is unverified: here it
// does.
const concurrentImageCopies = 300

// roomToCopy holds that there is room for one more copy and for those of its snapshots.
func (w *World) roomToCopy(source *image) error {
	stored, pending := 0, 0
	for _, m := range source.mappings {
		if m.snapshotID != "" {
			stored++
		}
	}
	for _, img := range w.images.present {
		if img.sourceImage != "" && img.state == imagePending {
			pending++
		}
	}
	switch {
	case pending >= concurrentImageCopies:
		return query.Errorf("ResourceLimitExceeded",
			"Too many AMI copies in progress. The limit is %d for this destination region.", concurrentImageCopies)
	case w.copies+stored > concurrentCopies && w.copies > 0:
		return query.Errorf("ResourceLimitExceeded",
			"Too many snapshot copies in progress. The limit is %d for this destination region.", concurrentCopies)
	}
	return nil
}

// copySnapshots starts a copy of each of the source's snapshots. In another Region an encrypted one is under the key
// that is named there, else under the default one.
func (w *World) copySnapshots(img *image, of *World, source *image, encrypt bool, key string, tags []Tag) []mapping {
	var mappings []mapping
	id := img.id
	for _, m := range source.mappings {
		if from := of.snapshots.get(m.snapshotID); from != nil {
			encrypted := from.encrypted || encrypt
			to := w.copyOfSnapshot(w.newID("snap", id+from.id), from, encrypted, w.keyOf(encrypted, key, from.id),
				"Copied for DestinationAmi "+id+" from SourceAmi "+source.id+" for SourceSnapshot "+from.id, tags)
			img.awaited++
			w.copies++
			usable := from.kmsKey == "" || of.usableKey(from.kmsKey)
			w.completeCopy(to.id, from.id, usable, func() { w.copied(id, to.id) })
			m.snapshotID, m.encrypted, m.kmsKey = to.id, to.encrypted, to.kmsKey
		}
		mappings = append(mappings, m)
	}
	return mappings
}

// copied is one snapshot less that an image waits for. An image of one that could not be copied is none.
func (w *World) copied(imageID, snapshotID string) {
	img, s := w.images.get(imageID), w.snapshots.get(snapshotID)
	w.copies--
	switch {
	case img == nil:
	case s != nil && s.state == snapshotError && img.state == imagePending:
		w.setImage(imageID, imageFailed, reason{"Client.InternalError", "Client.InternalError: " + s.message})
	default:
		w.images.change(w.now, imageID, func(img *image) { img.awaited-- })
		w.imageReady(imageID)
	}
}

func (w *World) ownImage(p *query.Params) (*image, error) {
	id := p.Text("ImageId")
	img := w.images.get(id)
	switch {
	case img == nil:
		return nil, unknownImage(id)
	case img.owner != w.options.Account:
		return nil, query.Errorf("AuthFailure", "Not authorized for image:%s", id)
	}
	return img, nil
}

// enableImageDeprecation: to the minute, not in the past, at most ten years ahead (User Guide, deprecating an AMI).
func enableImageDeprecation(w *World, call *query.Call) error {
	img, err := w.ownImage(call.Params)
	if err != nil {
		return err
	}
	at := call.Params.Time("DeprecateAt").Round(time.Minute)
	switch {
	case call.Params.Err() != nil:
		return call.Params.Err()
	case !call.Params.Has("DeprecateAt"):
		return missing("DeprecateAt")
	case at.Before(w.now.Truncate(time.Minute)), at.After(w.now.AddDate(10, 0, 0)):
		return query.Errorf("InvalidParameterValue",
			"The deprecation time %s must be in the future and at most 10 years ahead.", at.Format(query.Timestamp))
	}
	if err := call.Commit(); err != nil {
		return err
	}
	w.images.change(w.now, img.id, func(img *image) { img.deprecated = at })
	call.Out.Bool("return", true)
	return nil
}

func disableImageDeprecation(w *World, call *query.Call) error {
	return w.editOwnImage(call, func(img *image) { img.deprecated = time.Time{} })
}

// protected is what DescribeImages says of an image that cannot be deregistered (User Guide, protecting an AMI).
const protected = "enabled-without-cooldown"

func enableImageDeregistrationProtection(w *World, call *query.Call) error {
	if call.Params.Bool("WithCooldown") {
		return query.Errorf("UnsupportedOperation", "The embedded EC2 has no cooldown of deregistration protection.")
	}
	return w.editOwnImage(call, func(img *image) { img.protection = protected })
}

func disableImageDeregistrationProtection(w *World, call *query.Call) error {
	return w.editOwnImage(call, func(img *image) { img.protection = "" })
}

// disableImage drops the launch permissions for good (User Guide, disabling an AMI).
func disableImage(w *World, call *query.Call) error {
	img, err := w.ownImage(call.Params)
	if err != nil {
		return err
	}
	if img.state != imageAvailable {
		return query.Errorf("InvalidAMIID.Unavailable", "The image ID '%s' is not available", img.id)
	}
	if err := call.Commit(); err != nil {
		return err
	}
	w.images.change(w.now, img.id, func(img *image) { img.shared, img.public = nil, false })
	w.setImage(img.id, imageDisabled, reason{})
	call.Out.Bool("return", true)
	return nil
}

func enableImage(w *World, call *query.Call) error {
	img, err := w.ownImage(call.Params)
	if err != nil {
		return err
	}
	if err := call.Commit(); err != nil {
		return err
	}
	if img.state == imageDisabled {
		w.setImage(img.id, imageAvailable, reason{})
	}
	call.Out.Bool("return", true)
	return nil
}

func (w *World) editOwnImage(call *query.Call, edit func(*image)) error {
	img, err := w.ownImage(call.Params)
	if err != nil {
		return err
	}
	if err := call.Commit(); err != nil {
		return err
	}
	w.images.change(w.now, img.id, edit)
	call.Out.Text("return", "true")
	return nil
}

func isARN(text string) bool { return strings.HasPrefix(text, "arn:") }
