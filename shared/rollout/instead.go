package rollout

import (
	"fmt"

	"goldsmith/shared/ledger"
)

// Instead leads a pointer whose former image cannot be launched any more to one that can: the one that was launched,
// else the other pointer's. unfit says why an image cannot be launched. refused is the first image that has none in
// its place.
func (r *Decision) Instead(unfit func(image string) (string, error)) (refused string, err error) {
	if r.To.Was == nil {
		if why, err := unfit(r.To.Image); err != nil || why != "" {
			return r.To.Image, err
		}
		return "", nil
	}
	was := *r.To.Was
	for _, pointer := range []struct {
		version *ledger.Version
		name    string
	}{{&was.Default, "default"}, {&was.Latest, "latest"}} {
		why, err := unfit(pointer.version.Image)
		if err != nil {
			return "", err
		}
		if why == "" {
			continue
		}
		other, err := launchable(*r.To.Was, unfit)
		if err != nil || other == nil {
			return pointer.version.Image, err
		}
		r.Note = notes(r.Note, fmt.Sprintf("its %s version launched %s, which %s; it is led to %s", pointer.name,
			pointer.version.Image, why, other.Image))
		*pointer.version = ledger.Version{Image: other.Image}
	}
	r.To.Was, r.To.Image = &was, was.Default.Image
	return "", nil
}

// launchable is the first version of what was launched that can be launched still; nil when there is none.
func launchable(was ledger.Was, unfit func(image string) (string, error)) (*ledger.Version, error) {
	for _, v := range []ledger.Version{was.Base, was.Default, was.Latest} {
		if v.Image == "" {
			continue
		}
		why, err := unfit(v.Image)
		if err != nil {
			return nil, err
		}
		if why == "" {
			return &v, nil
		}
	}
	return nil, nil
}
