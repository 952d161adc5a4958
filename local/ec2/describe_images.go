package ec2

import (
	"slices"
	"time"

	"goldsmith/local/query"
)

func describeImages(w *World, call *query.Call) error {
	found, next, err := list(w, call, w.imageListing(call.Params))
	if err != nil {
		return err
	}
	query.Items(call.Out, "imagesSet", found, func(img *image) { w.writeImage(call.Out, img) })
	call.Out.Optional("nextToken", next)
	return nil
}

func (w *World) imageListing(p *query.Params) listing[image] {
	owners, users := p.Texts("Owner"), p.Texts("ExecutableBy")
	disabled := p.Bool("IncludeDisabled")
	deprecated := p.Bool("IncludeDeprecated") || p.Has("ImageId")
	return listing[image]{
		store: w.images, filters: imageFilters, tags: func(img *image) []Tag { return img.tags },
		indexed: []string{"name", "description", "source-instance-id"}, ids: "ImageId", min: 1, max: 1000, clamps: true,
		unknown: func(id string) error {
			if gone := w.tombs[id]; !gone.IsZero() && w.now.Before(gone.Add(tombstone)) {
				return nil
			}
			return unknownImage(id)
		},
		keep: func(img *image) bool {
			return (disabled || img.state != imageDisabled) && (deprecated || w.current(img)) &&
				w.visible(img) && w.ownedBy(img, owners) && w.executableBy(img, users)
		},
	}
}

// visible: one's own images and those shared with everybody.
func (w *World) visible(img *image) bool { return img.owner == w.options.Account || img.public }

// current: deprecation hides an image from all but its owner (User Guide, deprecating an AMI).
func (w *World) current(img *image) bool {
	return img.owner == w.options.Account || img.deprecated.IsZero() || !w.asOf.After(img.deprecated)
}

func (w *World) ownedBy(img *image, owners []string) bool {
	return len(owners) == 0 || slices.ContainsFunc(owners, func(o string) bool {
		return o == img.owner || o == "self" && img.owner == w.options.Account || o == img.alias && o != ""
	})
}

func (w *World) executableBy(img *image, users []string) bool {
	return len(users) == 0 || slices.ContainsFunc(users, func(u string) bool {
		if u == "self" {
			u = w.options.Account
		}
		return u == "all" && img.public || slices.ContainsFunc(img.shared, func(p permission) bool { return p.user == u })
	})
}

var imageFilters = filterable[image]{
	"image-id":             one(func(i *image) string { return i.id }),
	"name":                 one(func(i *image) string { return i.name }),
	"description":          one(func(i *image) string { return i.description }),
	"state":                one(func(i *image) string { return i.state }),
	"state-reason-code":    one(func(i *image) string { return i.reason.code }),
	"state-reason-message": one(func(i *image) string { return i.reason.message }),
	"owner-id":             one(func(i *image) string { return i.owner }),
	"owner-alias":          one(func(i *image) string { return i.alias }),
	"architecture":         one(func(i *image) string { return i.architecture }),
	"virtualization-type":  one(func(i *image) string { return i.virtualization }),
	"root-device-type":     one(func(i *image) string { return i.rootType }),
	"root-device-name":     one(func(i *image) string { return i.rootName }),
	"platform":             one(func(i *image) string { return i.platform }),
	"source-instance-id":   one(func(i *image) string { return i.sourceInstance }),
	"source-image-id":      one(func(i *image) string { return i.sourceImage }),
	"source-image-region":  one(func(i *image) string { return i.sourceRegion }),
	"manifest-location":    one(func(i *image) string { return i.location }),
	"hypervisor":           one(func(*image) string { return "xen" }),
	"image-type":           one(func(*image) string { return "machine" }),
	"is-public":            flag(func(i *image) bool { return i.public }),
	"ena-support":          flag(func(i *image) bool { return i.ena }),
	"creation-date":        moments(func(i *image) time.Time { return i.created }),
	"block-device-mapping.snapshot-id": func(i *image) []string {
		return each(i.mappings, func(m mapping) string { return m.snapshotID })
	},
	"block-device-mapping.device-name": func(i *image) []string {
		return each(i.mappings, func(m mapping) string { return m.device })
	},
	"block-device-mapping.volume-type": func(i *image) []string {
		return each(i.mappings, func(m mapping) string { return m.typ })
	},
}

func (w *World) writeImage(out *query.Writer, img *image) {
	out.Text("imageId", img.id)
	out.Text("imageLocation", img.location)
	out.Text("imageState", img.state)
	out.Text("imageOwnerId", img.owner)
	out.Optional("imageOwnerAlias", img.alias)
	out.Time("creationDate", img.created)
	out.Bool("isPublic", img.public)
	if len(img.products) > 0 {
		writeProducts(out, img.products)
	}
	out.Text("name", img.name)
	out.Optional("description", img.description)
	if img.reason.code != "" {
		out.Element("stateReason", func() {
			out.Text("code", img.reason.code)
			out.Text("message", img.reason.message)
		})
	}
	writeImageMachine(out, img)
	out.Time("deprecationTime", img.deprecated)
	out.Optional("sourceInstanceId", img.sourceInstance)
	out.Optional("sourceImageId", img.sourceImage)
	out.Optional("sourceImageRegion", img.sourceRegion)
	if img.owner == w.options.Account {
		out.Text("deregistrationProtection", orElse(img.protection, "disabled"))
		out.Time("lastLaunchedTime", w.lastLaunched(img))
		writeTags(out, img.tags)
	}
}

func writeImageMachine(out *query.Writer, img *image) {
	out.Text("architecture", img.architecture)
	out.Text("imageType", "machine")
	out.Optional("platform", img.platform)
	out.Optional("sriovNetSupport", img.sriov)
	out.Bool("enaSupport", img.ena)
	out.Text("rootDeviceType", img.rootType)
	out.Optional("rootDeviceName", img.rootName)
	query.Items(out, "blockDeviceMapping", img.mappings, func(m mapping) { writeMapping(out, m) })
	out.Text("virtualizationType", img.virtualization)
	out.Text("hypervisor", "xen")
	out.Optional("bootMode", img.bootMode)
	out.Optional("tpmSupport", img.tpm)
	out.Optional("imdsSupport", img.imds)
	out.Optional("platformDetails", img.platformDetails)
	out.Optional("usageOperation", img.usage)
}

// lastLaunched is known a day late (User Guide, when an AMI was last used).
func (w *World) lastLaunched(img *image) time.Time {
	if img.launched.IsZero() || w.asOf.Before(img.launched.Add(24*time.Hour)) {
		return time.Time{}
	}
	return img.launched
}
