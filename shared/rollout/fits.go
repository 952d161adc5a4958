package rollout

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// fits says why a template with the image would not launch, or would launch something else than before;
// empty when it would launch the image.
func (s *survey) fits(ctx context.Context, t *template, image Image) (problem string, err error) {
	if problem, err = s.platformFits(ctx, t, image); problem != "" || err != nil {
		return problem, err
	}
	return s.launches(ctx, t, image)
}

// launches says why EC2 would refuse to launch a template with the image.
func (s *survey) launches(ctx context.Context, t *template, image Image) (problem string, err error) {
	_, _, alias := Alias(t.image(t.base))
	if problem, err = s.disksFit(ctx, t, t.data(t.base).BlockDeviceMappings, alias, image); problem != "" ||
		err != nil {
		return problem, err
	}
	if problem, err = s.overridesFit(ctx, t, image); problem != "" || err != nil {
		return problem, err
	}
	if problem, err = s.hibernates(ctx, t, image); problem != "" || err != nil {
		return problem, err
	}
	if problem, err = s.typesFit(ctx, t, image); problem != "" || err != nil {
		return problem, err
	}
	return s.requirementsFit(ctx, t, image)
}

// overridesFit looks at the mappings of fleets' overrides. A roll changes no fleet: one that names a snapshot of the
// present image would go on launching that.
func (s *survey) overridesFit(ctx context.Context, t *template, image Image) (problem string, err error) {
	for _, l := range t.launchers {
		if problem, err = s.disksFit(ctx, t, l.mappings, true, image); err != nil {
			return "", err
		}
		if problem != "" {
			return "an override of " + l.name + ": " + problem, nil
		}
	}
	return "", nil
}

// replacedFit says the same of the versions beside the base that the new one takes the place of: their images may
// launch where that of the base does not.
func (s *survey) replacedFit(ctx context.Context, t *template, image Image) (problem string, err error) {
	differ, err := s.differ(ctx, t)
	if err != nil {
		return "", err
	}
	for _, n := range t.replaced(differ) {
		one := *t
		one.base, one.ours = n, false
		old, err := s.machine(ctx, one.present())
		if err != nil {
			return "", err
		}
		if old == nil {
			continue // Nothing launches from it.
		}
		if problem, err = s.launches(ctx, &one, image); problem != "" || err != nil {
			return problem, err
		}
	}
	return "", nil
}

// platformFits says that what is launched from a template of Linux would launch Windows, or the other way round: by the
// version that the next is made from, by any that a launcher names, and by the default where that moves.
func (s *survey) platformFits(ctx context.Context, t *template, image Image) (problem string, err error) {
	for _, name := range t.formerly() {
		old, err := s.machine(ctx, name)
		if err != nil {
			return "", err
		}
		if old != nil && old.Windows != image.Windows {
			return fmt.Sprintf("its image %s is one of %s, and the new one is of %s", name, old.platform(),
				image.platform()), nil
		}
	}
	return "", nil
}

// formerly are the images that the new one takes the place of, without what a roll of the same source put there.
func (t *template) formerly() (images []string) {
	if !t.ours {
		images = []string{t.present()}
	}
	for _, n := range append(t.launched(), t.moving()...) {
		if _, _, alias := Alias(t.image(n)); !alias && t.image(n) != t.present() && !slices.Contains(images, t.image(n)) {
			images = append(images, t.image(n))
		}
	}
	return images
}

// unseen tells of an image that EC2 does not show. Nothing launches from it, so a roll takes nothing away; but what
// platform it was of is not known, and so not compared.
func (s *survey) unseen(t *template, image Image) string {
	var gone []string
	for _, name := range t.formerly() {
		if m, asked := s.images[name]; asked && m == nil && name != "" {
			gone = append(gone, name)
		}
	}
	if len(gone) == 0 {
		return ""
	}
	return fmt.Sprintf("EC2 does not show %s, from which it could launch nothing; "+
		"whether that was of %s, as the new one is, is not known", listed(gone), image.platform())
}

// moving is the default version, where a roll moves that.
func (t *template) moving() []int64 {
	if t.stays {
		return nil
	}
	return []int64{t.defaultVersion}
}

// replaced are versions with another image than the base, and equal to it in all else, that the new one takes the place
// of: the latest, the default where that moves, and those that groups name by number, which a refresh moves.
func (t *template) replaced(differ func(a, b int64) []string) (numbers []int64) {
	all := append([]int64{t.latest}, t.moving()...)
	for _, l := range t.launchers {
		if n, ok := t.number(l.version); ok && l.group {
			all = append(all, n)
		}
	}
	var images []string
	for _, n := range all {
		if t.image(n) != t.image(t.base) && !slices.Contains(images, t.image(n)) && len(differ(t.base, n)) == 0 {
			numbers, images = append(numbers, n), append(images, t.image(n))
		}
	}
	return numbers
}

func (m Machine) platform() string {
	if m.Windows {
		return "Windows"
	}
	return "Linux or UNIX"
}

// typesFit looks at the types that the template and the overrides of its launchers name. The type of the image's
// source is one like any other: a stopped source can be given a type that its image does not run on.
func (s *survey) typesFit(ctx context.Context, t *template, image Image) (problem string, err error) {
	all := t.kinds()
	var names []types.InstanceType
	for _, l := range all {
		if !slices.Contains(names, l.kind) {
			names = append(names, l.kind)
		}
	}
	if err := s.learn(ctx, names); err != nil {
		return "", err
	}
	for _, l := range all {
		why := fits(*s.types[l.kind], image.Machine)
		switch {
		case why == "":
		case l.name == "":
			return fmt.Sprintf("its instance type %s %s", l.kind, why), nil
		default:
			return fmt.Sprintf("instance type %s of %s %s", l.kind, l.name, why), nil
		}
	}
	return "", nil
}

// defaultType is what RunInstances launches where no type is named (API reference, InstanceType).
const defaultType = types.InstanceTypeM1Small

// kinds are the types that the template and its launchers name, and EC2's default where neither does.
func (t *template) kinds() (all []launcher) {
	data := t.data(t.base)
	if data.InstanceType != "" {
		all = append(all, launcher{kind: data.InstanceType})
	}
	for _, l := range t.launchers {
		if l.kind == "" && l.requirements == nil && data.InstanceType == "" && data.InstanceRequirements == nil {
			l.kind = defaultType
		}
		if l.kind != "" {
			all = append(all, l)
		}
	}
	return all
}

// requirementsFit looks at every type that instance requirements allow. One that the template's present
// image does not fit either is never launched, and is no reason to leave the template alone.
func (s *survey) requirementsFit(ctx context.Context, t *template, image Image) (problem string, err error) {
	all := t.requirements()
	if len(all) == 0 {
		return "", nil
	}
	old, err := s.machine(ctx, t.compared())
	if err != nil {
		return "", err
	}
	if old != nil && old.Architecture != image.Architecture {
		return fmt.Sprintf("its instance requirements are met by types for %s images, and the image is of %s",
			old.Architecture, image.Architecture), nil
	}
	for _, r := range all {
		if problem, err = s.allFit(ctx, r, old, image.Machine); problem != "" || err != nil {
			return problem, err
		}
	}
	return "", nil
}

// requirements are those of the template and of what launches from it.
func (t *template) requirements() (all []*types.InstanceRequirementsRequest) {
	if r := t.data(t.base).InstanceRequirements; r != nil {
		all = append(all, asked(r))
	}
	for _, l := range t.launchers {
		if l.requirements != nil {
			all = append(all, l.requirements)
		}
	}
	return all
}

func (s *survey) allFit(ctx context.Context, r *types.InstanceRequirementsRequest, old *Machine,
	image Machine) (problem string, err error) {
	names, err := s.meeting(ctx, r, image)
	if err != nil {
		return "", err
	}
	if len(names) == 0 {
		return fmt.Sprintf("no instance type for %s images meets its instance requirements", image.Architecture), nil
	}
	if err := s.learn(ctx, names); err != nil {
		return "", err
	}
	for _, name := range names {
		info := *s.types[name]
		if why := fits(info, image); why != "" && (old == nil || fits(info, *old) == "") {
			return fmt.Sprintf("instance type %s, which its instance requirements allow, %s", name, why), nil
		}
	}
	return "", nil
}

// meeting are the types that meet requirements.
func (s *survey) meeting(ctx context.Context, r *types.InstanceRequirementsRequest,
	image Machine) ([]types.InstanceType, error) {
	key, err := json.Marshal([]any{r, image.Architecture, image.Virtualization})
	if err != nil {
		return nil, err
	}
	if names, known := s.met[string(key)]; known {
		return names, nil
	}
	pages := ec2.NewGetInstanceTypesFromInstanceRequirementsPaginator(s.EC2,
		&ec2.GetInstanceTypesFromInstanceRequirementsInput{
			ArchitectureTypes: []types.ArchitectureType{types.ArchitectureType(image.Architecture)},
			VirtualizationTypes: []types.VirtualizationType{types.VirtualizationType(cmp.Or(image.Virtualization,
				string(types.VirtualizationTypeHvm)))},
			InstanceRequirements: r,
		})
	var names []types.InstanceType
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("looking up the types that meet its instance requirements: %w", err)
		}
		for _, each := range out.InstanceTypes {
			names = append(names, types.InstanceType(aws.ToString(each.InstanceType)))
		}
	}
	s.met[string(key)] = names
	return names, nil
}

// typesACall is how many types DescribeInstanceTypes takes by name (API reference).
const typesACall = 100

// learn reads what types can run.
func (s *survey) learn(ctx context.Context, names []types.InstanceType) error {
	missing := s.Lately.missing(names, s.types)
	for chunk := range slices.Chunk(missing, typesACall) {
		out, err := s.EC2.DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{InstanceTypes: chunk})
		if err != nil {
			return fmt.Errorf("looking up instance type %s: %w", listed(texts(chunk)), err)
		}
		for _, info := range out.InstanceTypes {
			s.types[info.InstanceType] = s.Lately.keep(&info)
		}
		for _, name := range chunk {
			if s.types[name] == nil {
				return fmt.Errorf("looking up instance type %s: EC2 does not know it", name)
			}
		}
	}
	return nil
}

func texts[T ~string](words []T) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = string(w)
	}
	return all
}

// fits says why instances of a type cannot run the image; empty when they can, or when EC2 does not say.
//
// An image of boot mode uefi-preferred, or of none, boots on every type: by the
// type's own default (docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-boot.html). EC2 asks no type for
// SR-IOV: an image with it runs on types without.
func fits(info types.InstanceTypeInfo, image Machine) string {
	mode := types.BootModeType(image.BootMode)
	bound := slices.Contains(mode.Values(), mode)
	virtualization := types.VirtualizationType(image.Virtualization)
	switch {
	case info.ProcessorInfo == nil ||
		!slices.Contains(info.ProcessorInfo.SupportedArchitectures, types.ArchitectureType(image.Architecture)):
		return fmt.Sprintf("does not run %s images", image.Architecture)
	case bound && lacks(info.SupportedBootModes, mode):
		return fmt.Sprintf("does not boot %s images", mode)
	case virtualization != "" && lacks(info.SupportedVirtualizationTypes, virtualization):
		return fmt.Sprintf("does not run images of virtualization type %s", virtualization)
	}
	return fitsNitro(info, image)
}

// fitsNitro says why a type's network card or security chip does not do for the image.
func fitsNitro(info types.InstanceTypeInfo, image Machine) string {
	if n := info.NetworkInfo; n != nil && n.EnaSupport == types.EnaSupportRequired && !image.ENA {
		return "needs images with ENA"
	}
	if image.TPM != "" && info.NitroTpmSupport == types.NitroTpmSupportUnsupported {
		return fmt.Sprintf("has no NitroTPM, and the image asks for TPM %s", image.TPM)
	}
	return ""
}

// lacks reports whether a type supports something else only. A type that EC2 says nothing of lacks nothing.
func lacks[T comparable](supported []T, wanted T) bool {
	return len(supported) > 0 && !slices.Contains(supported, wanted)
}
