package ec2

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"goldsmith/local/query"
)

func describeLaunchTemplates(w *World, call *query.Call) error {
	names := call.Params.Texts("LaunchTemplateName")
	for _, name := range names {
		if w.templateByName(name) == nil {
			return query.Errorf("InvalidLaunchTemplateName.NotFoundException",
				"At least one of the launch templates specified in the request does not exist.")
		}
	}
	found, next, err := list(w, call, listing[template]{
		store: w.templates, filters: templateFilters, tags: func(t *template) []Tag { return t.tags },
		indexed: []string{"launch-template-name"}, ids: "LaunchTemplateId", unknown: unknownTemplate, min: 1, max: 200,
		page: 200,
		keep: func(t *template) bool { return len(names) == 0 || slices.Contains(names, t.name) },
	})
	if err != nil {
		return err
	}
	query.Items(call.Out, "launchTemplates", found, func(t *template) { w.writeTemplate(call.Out, t) })
	call.Out.Optional("nextToken", next)
	return nil
}

var templateFilters = filterable[template]{
	"launch-template-name": one(func(t *template) string { return t.name }),
	"create-time":          moments(func(t *template) time.Time { return t.created }),
}

func (w *World) writeTemplate(out *query.Writer, t *template) {
	out.Text("launchTemplateId", t.id)
	out.Text("launchTemplateName", t.name)
	out.Time("createTime", t.created)
	out.Text("createdBy", w.creator())
	out.Int("defaultVersionNumber", t.standard)
	out.Int("latestVersionNumber", t.latest)
	writeTags(out, t.tags)
}

func (w *World) creator() string { return "arn:aws:iam::" + w.options.Account + ":root" }

// templateAndVersion is one answer of DescribeLaunchTemplateVersions.
type templateAndVersion struct {
	of *template
	templateVersion
}

// describeLaunchTemplateVersions answers for one template, or, for $Latest and
// $Default, for all of the account (API reference).
func describeLaunchTemplateVersions(w *World, call *query.Call) error {
	p := call.Params
	wanted := p.Texts("LaunchTemplateVersion")
	var versions []templateAndVersion
	if p.Has("LaunchTemplateId") || p.Has("LaunchTemplateName") {
		t, err := w.templateNamed(p)
		if err == nil {
			t, err = w.templateSeen(t)
		}
		if err != nil {
			return err
		}
		if versions, err = t.pick(wanted, p.Int("MinVersion"), p.Int("MaxVersion")); err != nil {
			return err
		}
	} else {
		var err error
		if versions, err = w.everyTemplates(wanted); err != nil {
			return err
		}
	}
	return w.answerVersions(call, versions)
}

// templateSeen is the template as a late describe sees it.
func (w *World) templateSeen(t *template) (*template, error) {
	if seen := w.templates.byID[t.id].at(w.asOf); seen != nil {
		return seen, nil
	}
	return nil, unknownTemplate(t.id)
}

// pick picks the versions named, or those between two numbers; newest first.
func (t *template) pick(wanted []string, from, to int) ([]templateAndVersion, error) {
	var picked []templateAndVersion
	for _, name := range wanted {
		v, err := t.version(name)
		if err != nil {
			return nil, err
		}
		picked = append(picked, templateAndVersion{t, v})
	}
	if len(wanted) > 0 {
		return picked, nil
	}
	for _, v := range slices.Backward(t.versions) {
		if v.number >= from && (to == 0 || v.number <= to) {
			picked = append(picked, templateAndVersion{t, v})
		}
	}
	return picked, nil
}

func (w *World) everyTemplates(wanted []string) ([]templateAndVersion, error) {
	if len(wanted) == 0 || slices.ContainsFunc(wanted, func(v string) bool { return v != "$Latest" && v != "$Default" }) {
		return nil, query.Errorf("MissingParameter",
			"Either a launch template ID or a launch template name must be specified in the request, unless the only "+
				"versions asked for are $Latest and $Default.")
	}
	var all []templateAndVersion
	for _, e := range w.templates.order {
		if t := e.at(w.asOf); t != nil {
			picked, err := t.pick(wanted, 0, 0)
			if err != nil {
				return nil, err
			}
			all = append(all, picked...)
		}
	}
	return all, nil
}

func (w *World) answerVersions(call *query.Call, versions []templateAndVersion) error {
	// A page of versions is cut by the list's own machinery, over a store made for this call.
	page := newStore[templateAndVersion](0)
	for n := range versions {
		page.add(w.asOf, strconv.Itoa(n), &versions[n])
	}
	found, next, err := list(w, call, listing[templateAndVersion]{
		store: page, filters: versionFilters, min: 1, max: 200, page: 200, ids: "-",
	})
	if err != nil {
		return err
	}
	resolve := call.Params.Bool("ResolveAlias")
	query.Items(call.Out, "launchTemplateVersionSet", found, func(v *templateAndVersion) {
		w.writeVersion(call.Out, v.of, v.templateVersion, resolve)
	})
	call.Out.Optional("nextToken", next)
	return nil
}

var versionFilters = filterable[templateAndVersion]{
	"image-id":             one(func(v *templateAndVersion) string { return v.data["ImageId"] }),
	"instance-type":        one(func(v *templateAndVersion) string { return v.data["InstanceType"] }),
	"kernel-id":            one(func(v *templateAndVersion) string { return v.data["KernelId"] }),
	"ram-disk-id":          one(func(v *templateAndVersion) string { return v.data["RamDiskId"] }),
	"ebs-optimized":        one(func(v *templateAndVersion) string { return v.data["EbsOptimized"] }),
	"http-tokens":          one(func(v *templateAndVersion) string { return v.data["MetadataOptions.HttpTokens"] }),
	"http-endpoint":        one(func(v *templateAndVersion) string { return v.data["MetadataOptions.HttpEndpoint"] }),
	"iam-instance-profile": one(func(v *templateAndVersion) string { return v.data["IamInstanceProfile.Arn"] }),
	"is-default-version":   flag(func(v *templateAndVersion) bool { return v.number == v.of.standard }),
	"create-time":          moments(func(v *templateAndVersion) time.Time { return v.created }),
}

func (w *World) writeVersion(out *query.Writer, t *template, v templateVersion, resolve bool) {
	out.Text("launchTemplateId", t.id)
	out.Text("launchTemplateName", t.name)
	out.Int("versionNumber", v.number)
	out.Optional("versionDescription", v.description)
	out.Time("createTime", v.created)
	out.Text("createdBy", w.creator())
	out.Bool("defaultVersion", v.number == t.standard)
	data := v.data
	if resolve {
		if id, err := w.resolve(data["ImageId"]); err == nil && id != "" {
			data = maps.Clone(data)
			data["ImageId"] = id
		}
	}
	writeTemplateData(out, data)
}

// resolve turns resolve:ssm:<name> into the parameter's image id (User Guide, parameters in launch templates);
// a version or label after the name is cut off, as only one is kept.
func (w *World) resolve(imageID string) (string, error) {
	name, ok := strings.CutPrefix(imageID, "resolve:ssm:")
	if !ok {
		return imageID, nil
	}
	if _, after, isARN := strings.Cut(name, ":parameter"); isARN {
		name = after
	}
	name, _, _ = strings.Cut(name, ":")
	if w.valueOf != nil {
		if id, ok := w.valueOf(name); ok {
			return id, nil
		}
	}
	return "", query.Errorf("InvalidParameterValue", "Could not resolve the parameter %s of the image alias %s.", name,
		imageID)
}
