package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/tag"
)

// survey reads what several targets ask for once.
type survey struct {
	Finder
	launching []launcher
	// looked is whether launching was read.
	looked bool
	types  map[types.InstanceType]*types.InstanceTypeInfo
	met    map[string][]types.InstanceType
	images map[string]*Machine
	// snapshots are those that mappings name, by id.
	snapshots map[string]origin
	// parameters are those that were read, by name, known what the ledger has of targets, by key and by id.
	parameters map[string]*Target
	known      map[string]map[string]ledger.TargetRecord
	// taking are who takes an image from a parameter that could not be read, by its name.
	taking map[string][]string
	// byID and byName are all templates of the Region, with their tags, where they were read together.
	byID, byName map[string]*template
	tagged       map[string]map[string]string
	// numbered is how many templates were asked for versions by their numbers.
	numbered int
}

func (f Finder) survey() *survey {
	return &survey{
		Finder: f, types: map[types.InstanceType]*types.InstanceTypeInfo{}, met: map[string][]types.InstanceType{},
		images: map[string]*Machine{}, snapshots: map[string]origin{},
		parameters: map[string]*Target{}, known: map[string]map[string]ledger.TargetRecord{},
		taking: map[string][]string{},
	}
}

// read is a template with its default and latest version.
func (f Finder) read(ctx context.Context, id, name *string) (*template, error) {
	out, err := f.EC2.DescribeLaunchTemplateVersions(ctx, Heads(id, name))
	if IsNoVersion(err) { // $Latest leads to none: the highest version that there is stands for it.
		return f.readLatestDeleted(ctx, id, name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading launch template %s%s: %w", aws.ToString(id), aws.ToString(name), err)
	}
	t := &template{}
	for _, v := range out.LaunchTemplateVersions {
		t.add(v)
	}
	if t.defaultVersion == 0 {
		return nil, fmt.Errorf("reading launch template %s%s: EC2 shows no default version", aws.ToString(id),
			aws.ToString(name))
	}
	return t, nil
}

// Heads asks for the default and the latest version of a template, by its id or by its name; of all of the Region
// without either.
func Heads(id, name *string) *ec2.DescribeLaunchTemplateVersionsInput {
	return &ec2.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: id, LaunchTemplateName: name, Versions: []string{versionDefault, versionLatest},
	}
}

// IsNoVersion reports whether EC2 says that there is no such version. Whether $Latest leads to none where the latest
// version was deleted is not documented.
func IsNoVersion(err error) bool { return fault.Code(err) == "InvalidLaunchTemplateId.VersionNotFound" }

// readLatestDeleted is a template with all its versions.
func (f Finder) readLatestDeleted(ctx context.Context, id, name *string) (*template, error) {
	pages := ec2.NewDescribeLaunchTemplateVersionsPaginator(f.EC2, &ec2.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateId: id, LaunchTemplateName: name, MaxResults: aws.Int32(versionsAPage),
	})
	t := &template{}
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading all versions of launch template %s%s: %w", aws.ToString(id), aws.ToString(name), err)
		}
		for _, v := range out.LaunchTemplateVersions {
			t.add(v)
		}
	}
	if t.defaultVersion == 0 {
		return nil, fmt.Errorf("reading launch template %s%s: EC2 shows no default version, and no latest", aws.ToString(id),
			aws.ToString(name))
	}
	return t, nil
}

func (t *template) add(v types.LaunchTemplateVersion) {
	n := aws.ToInt64(v.VersionNumber)
	if v.LaunchTemplateData == nil || n == 0 {
		return
	}
	if t.versions == nil {
		t.versions = map[int64]types.LaunchTemplateVersion{}
	}
	t.id, t.name = aws.ToString(v.LaunchTemplateId), aws.ToString(v.LaunchTemplateName)
	t.versions[n], t.latest = v, max(t.latest, n)
	if aws.ToBool(v.DefaultVersion) {
		t.defaultVersion = n
	}
}

// versionsAPage is the most that DescribeLaunchTemplateVersions gives at once.
const versionsAPage = 200

// all are all templates of the Region by id, each with its default and latest version: for many,
// fewer calls than one each.
func (f Finder) all(ctx context.Context) (map[string]*template, error) {
	heads := Heads(nil, nil)
	heads.MaxResults = aws.Int32(versionsAPage)
	pages := ec2.NewDescribeLaunchTemplateVersionsPaginator(f.EC2, heads)
	all := map[string]*template{}
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if IsNoVersion(err) {
			return nil, nil // One has no latest version, and EC2 shows none: each is read by itself.
		}
		if err != nil {
			return nil, fmt.Errorf("reading launch templates: %w", err)
		}
		for _, v := range out.LaunchTemplateVersions {
			id := aws.ToString(v.LaunchTemplateId)
			if all[id] == nil {
				all[id] = &template{}
			}
			all[id].add(v)
		}
	}
	return all, nil
}

// mostNumbered is how many templates are asked for the versions that launchers name by their numbers: EC2 takes numbers
// of one template at a time, a hundred such calls at once, and twenty a second after that (Developer Guide, request
// throttling). A call of the function has time for these, and for rolling.
const mostNumbered = 300

// launch finds the template's launchers, and reads the versions that they name by number.
func (s *survey) launch(ctx context.Context, t *template) error {
	for _, l := range s.launching {
		if l.of(t) {
			t.launchers = append(t.launchers, l)
		}
	}
	missing := t.missing(t.launchers)
	if len(missing) == 0 {
		return nil
	}
	if s.numbered++; s.numbered > mostNumbered {
		return fmt.Errorf("more than %d templates of this source are launched by versions' numbers, and version %d of this "+
			"one was not read; let what launches from it name $Default or $Latest", mostNumbered, missing[0])
	}
	return s.readVersions(ctx, t, missing)
}

// missing are the numbers of its versions that launchers name and that were not read.
func (t *template) missing(launchers []launcher) (numbers []int64) {
	for _, l := range launchers {
		n, err := strconv.ParseInt(l.version, 10, 64)
		if _, known := t.versions[n]; err == nil && l.of(t) && !known && !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// readVersions reads more versions of a template, as far as there are such: many by the page.
func (f Finder) readVersions(ctx context.Context, t *template, numbers []int64) error {
	if len(numbers) == 1 {
		return f.readVersion(ctx, t, numbers[0])
	}
	for some := range slices.Chunk(numbers, versionsAPage) {
		err := f.readNamed(ctx, t, some)
		if fault.IsNotFound(err) {
			return f.readNamed(ctx, t, nil) // One of them is gone, and EC2 shows none then: all that there are.
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readVersion reads one more version of a template, if there is one of that number.
func (f Finder) readVersion(ctx context.Context, t *template, n int64) error {
	return fault.IgnoreNotFound(f.readNamed(ctx, t, []int64{n}))
}

// readNamed reads the versions of a template that have these numbers; all where there are none.
func (f Finder) readNamed(ctx context.Context, t *template, numbers []int64) error {
	in := &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: aws.String(t.id)}
	for _, n := range numbers {
		in.Versions = append(in.Versions, strconv.FormatInt(n, 10))
	}
	if len(numbers) != 1 {
		in.MaxResults = aws.Int32(versionsAPage)
	}
	pages := ec2.NewDescribeLaunchTemplateVersionsPaginator(f.EC2, in)
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("reading %d versions of launch template %s: %w", len(numbers), t.id, err)
		}
		for _, v := range out.LaunchTemplateVersions {
			if v.LaunchTemplateData != nil {
				t.versions[aws.ToInt64(v.VersionNumber)] = v
			}
		}
	}
	return nil
}

// differ compares versions of a template in all but the image, each as a roll would have its volumes; what an image's
// snapshots are has to be read first.
func (s *survey) differ(ctx context.Context, t *template) (func(a, b int64) []string, error) {
	var failed error
	owns := func(image, snapshot string) bool {
		m, err := s.machine(ctx, image)
		failed = errors.Join(failed, err)
		return m != nil && m.owns(snapshot)
	}
	for _, n := range slices.Sorted(maps.Keys(t.versions)) {
		without(t.data(n), owns)
	}
	return func(a, b int64) []string { return differing(t.laid(a), t.laid(b), owns) }, failed
}

// place decides from which version the next is made, and what that replaces.
func (s *survey) place(ctx context.Context, t *Target, roll plan.Roll) error {
	tmpl := t.template
	differ, err := s.differ(ctx, tmpl)
	if err != nil {
		return err
	}
	want, problem, err := s.preferred(ctx, tmpl, roll)
	if err != nil {
		return err
	}
	if problem == "" {
		problem = tmpl.choose(want, differ)
	}
	left := tmpl.leftTo(roll)
	tmpl.theirs, t.Rolled.Problem = left != "", cmp.Or(left, t.Rolled.Problem, problem)
	differs := differ(tmpl.base, tmpl.defaultVersion)
	tmpl.stays = len(differs) > 0
	t.at(tmpl.stays)
	t.At.Was = tmpl.was()
	if staged := differ(tmpl.base, tmpl.latest); len(staged) > 0 && t.Rolled.Problem == "" {
		tmpl.note = fmt.Sprintf("its latest version %d, which nothing is seen to launch, differs in %s from version %d, "+
			"of which the new latest is made", tmpl.latest, listed(staged), tmpl.base)
	}
	if t.At.Stays {
		t.At.Was.Default = t.At.Was.Latest // A roll takes nothing from a default that it leaves where it is.
		tmpl.note = notes(fmt.Sprintf("its default version %d differs in %s from what is launched, and stays",
			tmpl.defaultVersion,
			listed(differs)), tmpl.note)
	}
	return nil
}

// preferred is which version to build on when that is not clear: the tag of the template, else the plan's key.
func (s *survey) preferred(ctx context.Context, t *template,
	roll plan.Roll) (base plan.Base, problem string, err error) {
	if t.tags == nil && !t.clear() {
		if t.tags, err = s.tags(ctx, t.id); err != nil {
			return "", "", err
		}
	}
	said, given := t.tags[tag.Base]
	switch base = plan.Base(said); {
	case !given:
		return roll.Base, "", nil
	case base == plan.BaseDefault || base == plan.BaseLatest:
		return base, "", nil
	default:
		return "", fmt.Sprintf("its tag %s is %q; want default or latest", tag.Base, said), nil
	}
}

// clear reports whether one version alone can be what the next is made from.
func (t *template) clear() bool {
	launched := t.launched()
	return len(launched) == 1 || len(launched) == 0 && t.defaultVersion == t.latest
}

func (f Finder) tags(ctx context.Context, id string) (map[string]string, error) {
	out, err := f.EC2.DescribeLaunchTemplates(ctx, &ec2.DescribeLaunchTemplatesInput{LaunchTemplateIds: []string{id}})
	if err != nil {
		return nil, fmt.Errorf("reading the tags of launch template %s: %w", id, err)
	}
	for _, t := range out.LaunchTemplates {
		return tag.Map(t.Tags), nil
	}
	return map[string]string{}, nil
}

// at is where a template points.
func (t *Target) at(stays bool) {
	tmpl := t.template
	t.At = state{Version: tmpl.defaultVersion, Default: tmpl.defaultVersion, Latest: tmpl.latest,
		Top:   tmpl.image(tmpl.latest),
		Stays: stays}
	if stays {
		t.At.Version = tmpl.latest
	}
	t.At.Image = tmpl.image(t.At.Version)
}

// aliasOf is the parameter that what is launched takes its image from.
func (t *template) aliasOf() (name string, ok bool) {
	name, fixed, alias := Alias(t.image(t.base))
	return name, alias && !fixed
}

// notes joins what to know of a target, each once.
func notes(all ...string) string {
	var kept []string
	for _, n := range all {
		if n != "" && !slices.Contains(kept, n) {
			kept = append(kept, n)
		}
	}
	return strings.Join(kept, "; ")
}
