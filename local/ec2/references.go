package ec2

import (
	"fmt"
	"slices"
	"strconv"

	"goldsmith/local/query"
)

// The limits of DescribeImageReferences and of ListImagesInRecycleBin (API reference, both actions).
const (
	maxReferencedImages = 10
	versionDepth        = 10
	maxVersionDepth     = 10_000
	maxBinImages        = 20
)

// reference is one answer of DescribeImageReferences.
type reference struct{ image, kind, arn string }

// describeImageReferences knows instances, the most recent versions of launch templates, and
// parameters; the embedded account has no Image Builder. Nothing of Auto Scaling is in it.
func describeImageReferences(w *World, call *query.Call) error {
	p := call.Params
	images := p.Texts("ImageId")
	switch {
	case len(images) == 0:
		return missing("ImageId")
	case len(images) > maxReferencedImages:
		return query.Errorf("InvalidParameterValue", "The maximum number of image IDs is %d.", maxReferencedImages)
	}
	for _, id := range images {
		if img := w.images.get(id); img == nil || img.owner != w.options.Account && !img.public {
			return unknownImage(id)
		}
	}
	wanted, err := referenced(p)
	if err != nil {
		return err
	}
	page := newStore[reference](0)
	for _, r := range w.referencesTo(images, wanted) {
		page.add(w.asOf, r.image+r.arn, &r)
	}
	found, next, err := list(w, call, listing[reference]{store: page, min: 5, max: 1000, page: 1000, ids: "-"})
	if err != nil {
		return err
	}
	query.Items(call.Out, "imageReferenceSet", found, func(r *reference) {
		call.Out.Text("imageId", r.image)
		call.Out.Text("resourceType", r.kind)
		call.Out.Text("arn", r.arn)
	})
	call.Out.Optional("nextToken", next)
	return nil
}

// scope is what a reference check looks at.
type scope struct {
	kinds  []string
	depth  int
	states []string
}

func referenced(p *query.Params) (scope, error) {
	s := scope{depth: versionDepth}
	if p.Bool("IncludeAllResourceTypes") {
		s.kinds = []string{"ec2:Instance", "ec2:LaunchTemplate", "ssm:Parameter"}
	}
	for _, each := range p.List("ResourceType") {
		s.kinds = append(s.kinds, each.Text("ResourceType"))
		for _, option := range each.List("ResourceTypeOption") {
			values := option.Texts("OptionValue")
			switch option.Text("OptionName") {
			case "state-name":
				s.states = values
			case "version-depth":
				n, err := strconv.Atoi(slices.Concat(values, []string{""})[0])
				if err != nil || n < 1 || n > maxVersionDepth {
					return s, query.Errorf("InvalidParameterValue", "The version depth must be between 1 and %d.", maxVersionDepth)
				}
				s.depth = n
			default:
				return s, query.Errorf("InvalidParameterValue", "Invalid value '%s' for OptionName.", option.Text("OptionName"))
			}
		}
	}
	if len(s.kinds) == 0 {
		return s, query.Errorf("MissingParameter", "Either IncludeAllResourceTypes or ResourceTypes must be specified.")
	}
	return s, p.Err()
}

func (w *World) referencesTo(images []string, s scope) []reference {
	var found []reference
	add := func(image, kind, arn string) {
		if slices.Contains(images, image) && slices.Contains(s.kinds, kind) {
			found = append(found, reference{image, kind, arn})
		}
	}
	for _, e := range w.instances.order {
		if i := e.at(w.asOf); i != nil && (len(s.states) == 0 || slices.Contains(s.states, i.state.String())) {
			add(i.imageID, "ec2:Instance", w.arn("instance", i.id))
		}
	}
	w.templatesNaming(s.depth, add)
	if w.holding != nil {
		for _, image := range images {
			for _, arn := range w.holding(image) {
				add(image, "ssm:Parameter", arn)
			}
		}
	}
	return found
}

func (w *World) templatesNaming(depth int, add func(image, kind, arn string)) {
	for _, e := range w.templates.order {
		if t := e.at(w.asOf); t != nil {
			for _, image := range t.recent(depth) {
				add(image, "ec2:LaunchTemplate",
					fmt.Sprintf("arn:aws:ec2:%s:%s:launch-template/%s", w.options.Region, w.options.Account, t.id))
			}
		}
	}
}

// recent are the images that a template's newest versions name, each once.
func (t *template) recent(depth int) []string {
	var images []string
	for _, v := range t.versions[max(0, len(t.versions)-depth):] {
		if id := v.data["ImageId"]; !slices.Contains(images, id) {
			images = append(images, id)
		}
	}
	return images
}
