package ec2

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"goldsmith/local/query"
)

type template struct {
	id, name string
	created  time.Time
	standard int // the default version
	latest   int
	versions []templateVersion // oldest first
	tags     []Tag
}

type templateVersion struct {
	number      int
	description string
	created     time.Time
	data        templateData
}

// EC2's limits (User Guide, launch template quotas).
const (
	maxTemplateVersions = 10_000
	maxVersionsDeleted  = 200
)

// version finds a version by number, $Default, $Latest or, when nothing is said, the default.
func (t *template) version(named string) (templateVersion, error) {
	number := t.standard
	switch named {
	case "", "$Default":
	case "$Latest":
		number = t.latest
	default:
		n, err := strconv.Atoi(named)
		if err != nil {
			return templateVersion{}, query.Errorf("InvalidLaunchTemplateId.VersionNotFound",
				"Could not find the specified version %s for the launch template with ID %s.", named, t.id)
		}
		number = n
	}
	at := slices.IndexFunc(t.versions, func(v templateVersion) bool { return v.number == number })
	if at < 0 {
		return templateVersion{}, query.Errorf("InvalidLaunchTemplateId.VersionNotFound",
			"Could not find the specified version %s for the launch template with ID %s.", named, t.id)
	}
	return t.versions[at], nil
}

func createLaunchTemplate(w *World, call *query.Call) error {
	p := call.Params
	if id, again, err := w.answered(call); again || err != nil {
		return w.answerTemplate(call, id, err)
	}
	name := p.Text("LaunchTemplateName")
	if err := w.templateNameFree(name); err != nil {
		return err
	}
	data := readTemplateData(p)
	if len(data) == 0 {
		return query.Errorf("MissingParameter", "The request must contain the parameter LaunchTemplateData")
	}
	if err := userDataFits(data["UserData"], "InvalidUserData.Malformed"); err != nil {
		return err
	}
	tags, err := tagSpecifications(p, "launch-template")
	if err != nil {
		return err
	}
	description := p.Text("VersionDescription")
	if err := call.Commit(); err != nil {
		return err
	}
	t := &template{
		id: w.newID("lt", name), name: name, created: w.now, standard: 1, latest: 1,
		versions: []templateVersion{{1, description, w.now, data}},
	}
	w.templates.add(w.now, t.id, t, "launch-template-name="+name)
	w.tag(t.id, tags["launch-template"])
	w.remember(call, t.id)
	return w.answerTemplate(call, t.id, nil)
}

func (w *World) templateNameFree(name string) error {
	if len(name) < 3 || len(name) > 128 ||
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./()") != "" {
		return query.Errorf("InvalidLaunchTemplateName.MalformedException",
			"A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and the "+
				"following characters: - ( ) . / _.")
	}
	if w.templateByName(name) != nil {
		return query.Errorf("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
	}
	return nil
}

func (w *World) templateByName(name string) *template {
	for _, e := range w.templates.index["launch-template-name="+name] {
		if t := w.templates.get(e.id); t != nil {
			return t
		}
	}
	return nil
}

// templateNamed finds the template that LaunchTemplateId or LaunchTemplateName says.
func (w *World) templateNamed(p *query.Params) (*template, error) {
	id, name := p.Text("LaunchTemplateId"), p.Text("LaunchTemplateName")
	switch {
	case id != "" && name != "":
		return nil, query.Errorf("InvalidParameterCombination",
			"Only one of LaunchTemplateId or LaunchTemplateName can be specified.")
	case id != "":
		if t := w.templates.get(id); t != nil {
			return t, nil
		}
		return nil, unknownTemplate(id)
	case name != "":
		if t := w.templateByName(name); t != nil {
			return t, nil
		}
		return nil, query.Errorf("InvalidLaunchTemplateName.NotFoundException",
			"The specified launch template, with template name %s, does not exist.", name)
	}
	return nil, missing("LaunchTemplateId or LaunchTemplateName")
}

var unknownTemplate = unknownID("lt", "InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateId.Malformed",
	"The specified launch template, with template ID %s, does not exist.")

func createLaunchTemplateVersion(w *World, call *query.Call) error {
	p := call.Params
	t, err := w.templateNamed(p)
	if err != nil {
		return err
	}
	if made, again, err := w.answered(call); again || err != nil {
		return w.answerVersion(call, t, made, err)
	}
	data := readTemplateData(p)
	if err := userDataFits(data["UserData"], "InvalidUserData.Malformed"); err != nil {
		return err
	}
	if source := p.Text("SourceVersion"); source != "" {
		from, err := t.version(source)
		if err != nil {
			return err
		}
		data = data.over(from.data)
	} else if len(data) == 0 {
		return missing("LaunchTemplateData")
	}
	if len(t.versions) >= maxTemplateVersions {
		return query.Errorf("MaxTemplateVersionLimitExceeded",
			"The maximum number of versions of launch template %s is reached.", t.id)
	}
	description := p.Text("VersionDescription")
	if err := call.Commit(); err != nil {
		return err
	}
	w.templates.change(w.now, t.id, func(t *template) {
		t.latest++
		t.versions = append(slices.Clone(t.versions), templateVersion{t.latest, description, w.now, data})
	})
	call.Touch(t.id)
	made := strconv.Itoa(w.templates.get(t.id).latest)
	w.remember(call, made)
	return w.answerVersion(call, w.templates.get(t.id), made, nil)
}

func (w *World) answerVersion(call *query.Call, t *template, number string, err error) error {
	if err != nil {
		return err
	}
	v, err := t.version(number)
	if err != nil {
		return err
	}
	call.Out.Element("launchTemplateVersion", func() { w.writeVersion(call.Out, t, v, false) })
	v.data.warn(call.Out)
	return nil
}

func modifyLaunchTemplate(w *World, call *query.Call) error {
	t, err := w.templateNamed(call.Params)
	if err != nil {
		return err
	}
	if id, again, err := w.answered(call); again || err != nil {
		return w.answerTemplate(call, id, err)
	}
	if call.Params.Text("SetDefaultVersion") == "" {
		return missing("SetDefaultVersion")
	}
	v, err := t.version(call.Params.Text("SetDefaultVersion"))
	if err != nil {
		return err
	}
	if err := call.Commit(); err != nil {
		return err
	}
	w.templates.change(w.now, t.id, func(t *template) { t.standard = v.number })
	w.remember(call, t.id)
	return w.answerTemplate(call, t.id, nil)
}

func (w *World) answerTemplate(call *query.Call, id string, err error) error {
	if err != nil {
		return err
	}
	t := w.templates.get(id)
	if t == nil {
		return unknownTemplate(id)
	}
	call.Touch(id)
	call.Out.Element("launchTemplate", func() { w.writeTemplate(call.Out, t) })
	if call.Action == "CreateLaunchTemplate" {
		t.versions[0].data.warn(call.Out)
	}
	return nil
}

func deleteLaunchTemplate(w *World, call *query.Call) error {
	t, err := w.templateNamed(call.Params)
	if err != nil {
		return err
	}
	if err := call.Commit(); err != nil {
		return err
	}
	call.Out.Element("launchTemplate", func() { w.writeTemplate(call.Out, t) })
	drop(w, w.templates, t.id)
	return nil
}

// deleteLaunchTemplateVersions answers for each version by itself; the default
// version cannot go (User Guide, launch template quotas). The codes are those of the API reference's example.
func deleteLaunchTemplateVersions(w *World, call *query.Call) error {
	t, err := w.templateNamed(call.Params)
	if err != nil {
		return err
	}
	named := call.Params.Texts("LaunchTemplateVersion")
	if len(named) > maxVersionsDeleted {
		return query.Errorf("InvalidParameterValue", "At most %d versions can be deleted in one request.", maxVersionsDeleted)
	}
	type refusal struct {
		number        int
		code, message string
	}
	var deleted []int
	var refused []refusal
	for _, name := range named {
		v, err := t.version(name)
		switch {
		case err != nil:
			n, _ := strconv.Atoi(name) // What is no number is version 0 in the answer.
			refused = append(refused, refusal{n, "launchTemplateVersionDoesNotExist",
				"The specified launch template version does not exist."})
		case v.number == t.standard:
			refused = append(refused, refusal{v.number, "unexpectedError", "Cannot delete default version of launch template."})
		default:
			deleted = append(deleted, v.number)
		}
	}
	if err := call.Commit(); err != nil {
		return err
	}
	w.templates.change(w.now, t.id, func(t *template) {
		t.versions = slices.DeleteFunc(slices.Clone(t.versions),
			func(v templateVersion) bool { return slices.Contains(deleted, v.number) })
	})
	query.Items(call.Out, "successfullyDeletedLaunchTemplateVersionSet", deleted,
		func(n int) { writeVersionRef(call.Out, t, n) })
	query.Items(call.Out, "unsuccessfullyDeletedLaunchTemplateVersionSet", refused, func(r refusal) {
		writeVersionRef(call.Out, t, r.number)
		call.Out.Element("responseError", func() {
			call.Out.Text("code", r.code)
			call.Out.Text("message", r.message)
		})
	})
	return nil
}

func writeVersionRef(out *query.Writer, t *template, number int) {
	out.Text("launchTemplateId", t.id)
	out.Text("launchTemplateName", t.name)
	out.Int("versionNumber", number)
}
