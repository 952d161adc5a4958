package ec2

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"goldsmith/local/query"
)

// launch is a validated request for instances.
type launch struct {
	params *query.Params // the call's own, over those of its launch template
	image  *image
	typ    string
	placed subnet
	tags   map[string][]Tag
	count  int
	from   *templateAndVersion // the launch template, if any
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
	if err := call.Commit(); err != nil {
		return err
	}
	if err := w.spend(call.Action, l.count); err != nil {
		return err
	}
	reservation := w.newID("r", l.image.id+l.typ)
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

func (w *World) readLaunch(own *query.Params) (launch, error) {
	from, err := w.templateOf(own)
	if err != nil {
		return launch{}, err
	}
	params, err := withTemplate(own, from)
	if err != nil {
		return launch{}, err
	}
	l := launch{params: params, from: from, count: params.Int("MaxCount"), typ: params.Text("InstanceType")}
	if l.typ == "" {
		l.typ = "m1.small" // API reference, RunInstances.
	}
	if err := countAllowed(own.Int("MinCount"), l.count); err != nil {
		return l, err
	}
	if l.image, err = w.launchable(params.Text("ImageId")); err != nil {
		return l, err
	}
	if err := fits(l.image, l.typ); err != nil {
		return l, err
	}
	subnetID := params.Text("SubnetId")
	if interfaces := params.List("NetworkInterface"); subnetID == "" && len(interfaces) > 0 {
		subnetID = interfaces[0].Text("SubnetId")
	}
	if l.placed, err = w.network.place(subnetID, params.Text("Placement.AvailabilityZone")); err != nil {
		return l, err
	}
	l.tags, err = launchTags(own, from)
	return l, err
}

// launchTags are the tags of a launch. A launch template's are merged with the request's, which
// win where both have a key: so Auto Scaling documents it of a group's tags (Auto Scaling User
// Guide, "Tag Auto Scaling groups and instances").
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

// origin are the tags by which an instance says what it was launched from (aws-facts 14.14).
func (l launch) origin() []Tag {
	if l.from == nil {
		return nil
	}
	return []Tag{{"aws:ec2launchtemplate:id", l.from.of.id}, {"aws:ec2launchtemplate:version", strconv.Itoa(l.from.number)}}
}

var launchTaggable = []string{"instance", "volume", "network-interface", "spot-instances-request"}

func countAllowed(least, most int) error {
	switch {
	case least < 1 || most < least:
		return query.Errorf("InvalidParameterValue", "MinCount and MaxCount must be at least 1, and MaxCount not less than MinCount")
	case most > maxLaunch:
		return query.Errorf("InstanceLimitExceeded", "You have requested more instances (%d) than your current instance limit of %d allows.", most, maxLaunch)
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

func fits(img *image, typ string) error {
	t, ok := instanceTypes[typ]
	if !ok {
		return query.Errorf("InvalidParameterValue", "Invalid value '%s' for InstanceType.", typ)
	}
	if img.architecture != t.architecture {
		return query.Errorf("InvalidParameterValue", "The architecture '%s' of the specified instance type does not match the architecture '%s' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again. You can use 'describe-instance-types' or 'describe-images' to discover the architecture of the instance type or AMI.", t.architecture, img.architecture)
	}
	return nil
}

// launch makes one instance, pending.
func (w *World) launch(l launch, reservation string, n int) string {
	p := l.params
	id := w.newID("i", fmt.Sprint(l.image.id, l.typ, l.tags))
	i := &instance{
		id: id, reservation: reservation, index: n, token: p.Text("ClientToken"),
		imageID: l.image.id, typ: l.typ, key: p.Text("KeyName"), profile: w.profileARN(p.At("IamInstanceProfile")),
		launched: w.now, placed: l.placed, tenancy: orElse(p.Text("Placement.Tenancy"), "default"),
		groups: w.groupsOf(p), state: Pending,
		architecture: l.image.architecture, virtualization: l.image.virtualization, bootMode: l.image.bootMode,
		platform: l.image.platform, platformDetails: l.image.platformDetails, usage: l.image.usage,
		rootType: l.image.rootType, rootName: l.image.rootName, ena: l.image.ena,
		privateIP: orElse(p.Text("PrivateIpAddress"), w.privateAddress(id, l.placed)), wantsPublic: wantsPublic(p),
		monitoring: p.Bool("Monitoring.Enabled"), ebsOptimized: p.Bool("EbsOptimized"),
		hibernation:   p.Bool("HibernationOptions.Configured"),
		stopProtected: p.Bool("DisableApiStop"), terminationProtected: p.Bool("DisableApiTermination"),
		shutdownBehavior: orElse(p.Text("InstanceInitiatedShutdownBehavior"), "stop"), userData: p.Text("UserData"),
		httpTokens: orElse(p.Text("MetadataOptions.HttpTokens"), "required"), tags: nil,
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
	w.setWriting(i, true)
	took := w.takes("pending", id, w.options.Timing.Pending)
	why, fails := w.startFails(l.image.id)
	if lacks, locked := w.lacksKey(i.devices); locked {
		why, fails = lacks, true
	}
	w.instances.change(w.now, id, func(i *instance) { i.times.Start, i.impaired = took, w.impaired(l.image.id) })
	w.later(id, took, func() {
		if fails {
			w.dies(id, why)
			return
		}
		w.running(id)
	})
	return id
}

// wantsPublic: instances in a default subnet get a public address unless told otherwise.
func wantsPublic(p *query.Params) bool {
	interfaces := p.List("NetworkInterface")
	if len(interfaces) > 0 && interfaces[0].Has("AssociatePublicIpAddress") {
		return interfaces[0].Bool("AssociatePublicIpAddress")
	}
	return true
}

func (w *World) groupsOf(p *query.Params) []securityGroup {
	ids := p.Texts("SecurityGroupId")
	if interfaces := p.List("NetworkInterface"); len(interfaces) > 0 {
		ids = append(ids, interfaces[0].Texts("SecurityGroupId")...)
	}
	var groups []securityGroup
	for _, id := range ids {
		name := id
		if id == w.network.group.id {
			name = w.network.group.name
		}
		groups = append(groups, securityGroup{id, name})
	}
	if len(groups) == 0 {
		groups = []securityGroup{w.network.group}
	}
	return groups
}

func (w *World) profileARN(p *query.Params) string {
	if arn := p.Text("Arn"); arn != "" || p.Text("Name") == "" {
		return arn
	}
	return "arn:aws:iam::" + w.options.Account + ":instance-profile/" + p.Text("Name")
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

// answered is what a call with a client token made, for those who ask again.
type answered struct{ form, made string }

// answered finds what the same call made before. The same token with other
// parameters is IdempotentParameterMismatch.
func (w *World) answered(call *query.Call) (made string, again bool, err error) {
	token := call.Params.Text("ClientToken")
	if token == "" || call.DryRun() {
		return "", false, nil
	}
	before, ok := w.answers[call.Action+"/"+token]
	if !ok {
		return "", false, nil
	}
	if before.form != canonical(call.Params) {
		return "", false, &query.Error{
			Code:    "IdempotentParameterMismatch",
			Message: "The client token you have provided is associated with a request with different parameters. Please change your client token or parameters and try again.",
			Status:  http.StatusBadRequest,
		}
	}
	return before.made, true, call.Commit()
}

func (w *World) remember(call *query.Call, made string) {
	if token := call.Params.Text("ClientToken"); token != "" {
		w.answers[call.Action+"/"+token] = answered{canonical(call.Params), made}
	}
}

func canonical(params *query.Params) string {
	form := url.Values{}
	for path, value := range params.Leaves() {
		form.Set(path, value)
	}
	return form.Encode()
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
