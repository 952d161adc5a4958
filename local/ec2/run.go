package ec2

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"goldsmith/local/query"
)

// launch is a validated request for instances.
type launch struct {
	image    *image
	typ      *instanceType
	mappings []mapping
	network  launchNetwork
	settings launchSettings
	tags     map[string][]Tag
	count    int
	from     *templateAndVersion // the launch template, if any
	scaled   bool                // Auto Scaling launches it
}

func runInstances(w *World, call *query.Call) error {
	if id, again, err := w.answered(call); again || err != nil {
		if err == nil {
			w.writeReservation(call.Out, id, w.reserved(id))
		}
		return err
	}
	l, err := w.readLaunch(call.Params)
	if err != nil {
		return err
	}
	l.scaled = call.Caller == autoScaling
	if err := call.Commit(); err != nil {
		return err
	}
	if err := w.spend(call.Action, l.count); err != nil {
		return err
	}
	wanted := vcpus{}
	for range l.count {
		if err := w.withinQuota(wanted, l.typ, l.settings.spot == nil); err != nil {
			return err
		}
	}
	reservation := w.newID("r", l.image.id+l.typ.name)
	var members []*instance
	for n := range l.count {
		id := w.launch(l, reservation, n)
		call.Touch(id)
		members = append(members, w.instances.get(id))
	}
	w.images.change(w.now, l.image.id, func(img *image) { img.launched = w.now })
	w.remember(call, reservation)
	w.writeReservation(call.Out, reservation, members)
	return nil
}

// maxLaunch bounds one call, so that a slip of the pen does not fill the memory.
const maxLaunch = 10_000

func (w *World) readLaunch(own *query.Params) (l launch, err error) {
	if l.from, err = w.templateOf(own); err != nil {
		return l, err
	}
	params, err := withTemplate(own, l.from)
	if err != nil {
		return l, err
	}
	l.count = params.Int("MaxCount")
	if err := countAllowed(params.Int("MinCount"), l.count); err != nil {
		return l, err
	}
	if l.image, err = w.launchable(params.Text("ImageId")); err != nil {
		return l, err
	}
	if l.typ, err = w.launchType(params.Text("InstanceType")); err != nil {
		return l, err
	}
	if err := fits(l.image.machine(), l.typ, "Ensure that you are using an AMI that is enabled for ENA."); err != nil {
		return l, err
	}
	if l.network, err = w.readNetwork(params); err != nil {
		return l, err
	}
	if l.mappings, err = w.launchMappings(l.image, params.List("BlockDeviceMapping")); err != nil {
		return l, err
	}
	if l.settings, err = w.readSettings(params); err != nil {
		return l, err
	}
	l.tags, err = launchTags(own, l.from)
	return l, cmp.Or(err, params.Err(), params.Unmodelled(), l.suits())
}

// launchTags are the tags of a launch. A launch template's are merged with the request's, which
// win where both have a key: so Auto Scaling documents it of a group's tags (API reference,
// CreateAutoScalingGroup).
func launchTags(own *query.Params, from *templateAndVersion) (map[string][]Tag, error) {
	tags, err := tagSpecifications(own, launchTaggable...)
	if err != nil || from == nil {
		return tags, err
	}
	theirs, err := tagSpecifications(from.data.params(), launchTaggable...)
	if err != nil {
		return nil, err
	}
	for kind, list := range theirs {
		tags[kind] = merge(list, tags[kind])
	}
	return tags, nil
}

// origin are the tags by which an instance says what it was launched from (User Guide, launch template tags).
func (l launch) origin() []Tag {
	if l.from == nil {
		return nil
	}
	return []Tag{{"aws:ec2launchtemplate:id", l.from.of.id},
		{"aws:ec2launchtemplate:version", strconv.Itoa(l.from.number)}}
}

var launchTaggable = []string{"instance", "volume", "network-interface", "spot-instances-request"}

func countAllowed(least, most int) error {
	switch {
	case least < 1 || most < least:
		return query.Errorf("InvalidParameterValue",
			"MinCount and MaxCount must be at least 1, and MaxCount not less than MinCount")
	case most > maxLaunch:
		return query.Errorf("InstanceLimitExceeded",
			"You have requested more instances (%d) than your current instance limit of %d allows.", most, maxLaunch)
	}
	return nil
}

// templateOf is the launch template that a call names, or nil.
func (w *World) templateOf(own *query.Params) (*templateAndVersion, error) {
	if !own.Has("LaunchTemplate") {
		return nil, nil
	}
	t, err := w.templateNamed(own.At("LaunchTemplate"))
	if err != nil {
		return nil, err
	}
	v, err := t.version(own.Text("LaunchTemplate.Version"))
	if err != nil {
		return nil, err
	}
	return &templateAndVersion{t, v}, nil
}

// withTemplate lays the call's parameters over those of its launch template.
func withTemplate(own *query.Params, from *templateAndVersion) (*query.Params, error) {
	if from == nil {
		return own, nil
	}
	form := url.Values{}
	for path, value := range from.data {
		if top, _, _ := strings.Cut(path, "."); !own.Has(top) {
			form.Set(path, value)
		}
	}
	for path, value := range own.Leaves() {
		form.Set(path, value)
	}
	merged, err := query.ParseForm(form.Encode())
	if err != nil {
		return nil, fmt.Errorf("merging launch template %s: %w", from.of.id, err)
	}
	// Of the call itself, or read apart from the rest.
	for _, field := range []string{"Action", "Version", "DryRun", "LaunchTemplate", "TagSpecification"} {
		merged.At(field).Keep()
	}
	return merged, nil
}

func (w *World) launchable(id string) (*image, error) {
	if id == "" {
		return nil, missing("ImageId")
	}
	id, err := w.resolve(id)
	if err != nil {
		return nil, err
	}
	img := w.images.get(id)
	switch {
	case img == nil:
		return nil, unknownImage(id)
	case img.state != imageAvailable:
		return nil, query.Errorf("InvalidAMIID.Unavailable", "The image ID '%s' is not available", id)
	}
	return img, nil
}

// launch makes one instance, pending.
func (w *World) launch(l launch, reservation string, n int) string {
	id := w.newID("i", fmt.Sprint(l.image.id, l.typ.name, l.tags))
	img, net, set := l.image, l.network, l.settings
	i := &instance{
		id: id, reservation: reservation, index: n, token: set.token,
		imageID: img.id, typ: l.typ.name, key: set.key, profile: set.profile,
		launched: w.now, placed: net.placed, groups: net.groups, state: Pending,
		architecture: img.architecture, virtualization: img.virtualization, bootMode: img.bootMode,
		platform: img.platform, platformDetails: img.platformDetails, usage: img.usage, products: img.products,
		rootType: img.rootType, rootName: img.rootName, ena: img.ena, sriov: img.sriov, tpm: img.tpm, imds: img.imds,
		uefiData:  img.uefiData,
		privateIP: orElse(net.privateIP, w.privateAddress(id, net.placed)), wantsPublic: net.public,
		monitoring: set.monitoring, ebsOptimized: set.ebsOptimized, hibernation: set.hibernation,
		stopProtected: set.stopProtected, terminationProtected: set.terminationProtected,
		shutdownBehavior: set.shutdownBehavior, userData: set.userData,
		options: set.options.over(l.typ.defaults(img)),
	}
	i.times.Launched = w.now
	if i.wantsPublic {
		i.publicIP = w.publicAddress(id)
	}
	i.devices = w.attachVolumes(i, l)
	w.requestSpot(i, l)
	w.instances.add(w.now, id, i, "image-id="+i.imageID, "instance-id="+id)
	w.emitInstanceState(i)
	w.tag(id, merge(l.tags["instance"], l.origin()))
	for _, a := range i.devices {
		w.tag(a.volumeID, l.tags["volume"])
	}
	w.boot(i, l.scaled)
	return id
}

// boot runs a new instance, or ends it when a fault says so. scaled is whether Auto Scaling launches it.
func (w *World) boot(i *instance, scaled bool) {
	w.setWriting(i, true)
	took := w.takes("pending", i.id, w.options.Timing.Pending)
	why, fails := w.startFails(i.imageID)
	if lacks, locked := w.lacksKey(i.devices); locked {
		why, fails = lacks, true
	}
	if lacks, locked := w.scalingLacksKey(i.devices); locked && scaled {
		why, fails = lacks, true
	}
	impaired := w.rootless(i) || w.impaired(i.imageID)
	w.instances.change(w.now, i.id, func(i *instance) { i.times.Start, i.impaired = took, impaired })
	w.later(i.id, took, func() {
		if fails {
			w.dies(i.id, why)
			return
		}
		w.running(i.id)
	})
}

// rootless reports whether an EBS-backed instance was launched with its root device suppressed: it may then fail EC2's
// health check (Auto Scaling API reference, BlockDeviceMapping, NoDevice), and here it does.
func (w *World) rootless(i *instance) bool {
	return i.rootType == rootEBS &&
		!slices.ContainsFunc(i.devices, func(a attachment) bool { return a.device == i.rootName })
}

func (w *World) reserved(reservation string) []*instance {
	var found []*instance
	for _, i := range w.instances.present {
		if i.reservation == reservation {
			found = append(found, i)
		}
	}
	return found
}

func (w *World) writeReservation(out *query.Writer, reservation string, members []*instance) {
	out.Text("reservationId", reservation)
	out.Text("ownerId", w.options.Account)
	out.Element("groupSet", func() {})
	query.Items(out, "instancesSet", members, func(i *instance) { w.writeInstance(out, i) })
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
