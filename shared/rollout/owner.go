package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/asg"
	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/register"
)

// Lineages tells which lineages live.
type Lineages interface {
	Living(ctx context.Context, lineages []string) map[string]bool
	// Identify tells groups of one name apart that an earlier version wrote down by it.
	Identify(ctx context.Context, all ...lineage.Dated) []string
}

// title is whether an image is rolled under its source's name. A name belongs to the lineage whose image was
// last rolled under it, for as long as that lives.
type title struct {
	// Owner has the name, or takes it.
	Owner ledger.Owner
	// Takes is whether the owner is to be written down before anything is rolled.
	Takes bool
	// Other is whether the name is another lineage's: only what names the source by its id takes the image.
	Other bool
}

// Reason is what people are told of an image that is not rolled under its source's name; nil when it is.
func (t title) Reason(image Image) *job.Reason {
	if !t.Other {
		return nil
	}
	why := fmt.Sprintf("%s is no name, but what another source goes by; give it a name by the tag goldsmith:name",
		image.Name)
	if !lineage.Names(image.Name) {
		why = fmt.Sprintf("the name %s belongs to %s; %s hands it over",
			image.Name, OwnerText(t.Owner), handover(image.Name, image.Source))
	}
	return &job.Reason{Code: job.NameOwned, Text: "its image is made and not rolled: " + why}
}

// OwnerText says who has a name, and since when.
func OwnerText(o ledger.Owner) string {
	said := o.Lineage
	if group, is := lineage.Group(o.Lineage); is {
		said = "Auto Scaling group " + group
	}
	if !o.At.IsZero() {
		said += " since " + job.UTC(o.At)
	}
	if o.By != "" {
		said += " by " + o.By
	}
	return said
}

// handover is the command that gives a name to a source.
func handover(name, source string) string {
	return job.Command("handover", name) + " --to " + source
}

// title finds out whether the name is the image's.
func (s *survey) title(ctx context.Context, image Image) (title, error) {
	if lineage.Names(image.Name) {
		return title{Other: image.Name != image.Source && image.Name != lineage.Key(image.Lineage)}, nil
	}
	if s.Copied != nil {
		return s.afar(ctx, image)
	}
	o, known, err := s.Holder(ctx, image.Name)
	if err == nil && o.Lineage == "" {
		o, err = s.ofAlias(ctx, image.Name)
	}
	if err != nil {
		return title{}, err
	}
	if then := o.Lineage; then != "" {
		o.Lineage = s.Lineages.Identify(ctx, lineage.Dated{Lineage: then, At: o.At})[0]
		known = known && o.Lineage == then // It is written down as it is now.
	}
	return entitle(o, known, image, s.Now().UTC(), s.lives(ctx)), nil
}

// lives reports whether a lineage lives, as far as that can be found out.
func (f Finder) lives(ctx context.Context) func(lineage string) bool {
	return func(l string) bool { return f.Lineages.Living(ctx, []string{l})[l] }
}

// entitle decides whose a name is.
func entitle(o ledger.Owner, known bool, image Image, now time.Time, lives func(lineage string) bool) title {
	mine := ledger.Owner{
		Name: image.Name, Lineage: image.Lineage, Source: image.Source, Run: image.Run, Taken: image.Taken,
		At: now,
	}.After(o)
	switch {
	case o.Lineage == image.Lineage && known:
		return title{Owner: o}
	case o.Lineage == image.Lineage, o.Lineage == image.Source:
		return title{Owner: mine, Takes: true}
	case o.Lineage == "", givesWay(o, image, lives):
		return title{Owner: mine, Takes: true}
	case holds(o, image), lives(o.Lineage):
		return title{Owner: o, Other: true}
	default:
		return title{Owner: mine, Takes: true}
	}
}

// Holder is the lineage that a name belongs to. Where none is written down, as before owners were, it is the one
// whose image was rolled last as far as records tell.
func (f Finder) Holder(ctx context.Context, name string) (o ledger.Owner, known bool, err error) {
	o, known, err = f.Ledger.Owner(ctx, name)
	if err != nil {
		return o, false, fmt.Errorf("reading whose the name %s is: %w", name, err)
	}
	if known {
		return o, true, nil
	}
	var last ledger.Point
	for t, err := range f.Ledger.Targets(ctx, name) {
		if err != nil {
			return o, false, fmt.Errorf("reading what %s has rolled: %w", name, err)
		}
		for _, p := range t.Points {
			if p.Source != "" && p.At.After(last.At) {
				last = p
			}
		}
	}
	o, err = f.maker(ctx, name, last)
	return o, false, err
}

// maker is the lineage whose image something was rolled to.
func (f Finder) maker(ctx context.Context, name string, last ledger.Point) (ledger.Owner, error) {
	if last.Image == "" {
		return ledger.Owner{}, nil
	}
	r, ok, err := f.Ledger.Registration(ctx, last.Image)
	switch {
	case err != nil:
		return ledger.Owner{}, fmt.Errorf("looking for image %s in the register: %w", last.Image, err)
	case ok:
		return ledger.Owner{Name: name, Lineage: r.Lineage, Source: r.Source, At: last.At}, nil
	case last.Source == "":
		return ledger.Owner{}, nil
	}
	return ledger.Owner{Name: name, Lineage: last.Source, Source: last.Source, At: last.At}, nil
}

// ofAlias is the lineage whose image the name's alias holds: what is left to go by once the ledger was lost.
func (s *survey) ofAlias(ctx context.Context, name string) (ledger.Owner, error) {
	t, err := s.aliasTarget(ctx, s.alias(name))
	if err != nil {
		return ledger.Owner{}, err
	}
	o, err := s.maker(ctx, name, ledger.Point{Image: t.At.Image})
	if err != nil || o.Lineage != "" || t.At.Image == "" {
		return o, err
	}
	return s.unregistered(ctx, name, t.At.Image)
}

// unregistered is whose an image is that is not registered, as long as EC2's facts show that Goldsmith made it of an
// instance: until it is adopted its name goes to no other.
func (s *survey) unregistered(ctx context.Context, name, image string) (o ledger.Owner, err error) {
	out, err := s.EC2.DescribeImages(ctx, &ec2.DescribeImagesInput{
		Owners: []string{"self"}, IncludeDisabled: aws.Bool(true),
		Filters: []types.Filter{{Name: aws.String("image-id"), Values: []string{image}}},
	})
	if err != nil {
		return o, fmt.Errorf("looking what image %s was made of: %w", image, err)
	}
	proved := len(out.Images) > 0 && register.Made(out.Images[0]) == nil
	if !proved {
		return o, nil
	}
	o = ledger.Owner{Name: name, Source: aws.ToString(out.Images[0].SourceInstanceId)}
	if o.Lineage, err = s.groupOf(ctx, o.Source); err != nil {
		return ledger.Owner{}, fmt.Errorf("looking which group %s is a member of: %w", o.Source, err)
	}
	return o, nil
}

// groupOf is the lineage of the group that an instance is a member of; its own where it is none.
func (f Finder) groupOf(ctx context.Context, instance string) (string, error) {
	groups, err := asg.List(ctx, f.Groups, true)
	for _, g := range groups {
		for _, i := range g.Instances {
			if of := lineage.OfGroup(g); of != "" && aws.ToString(i.InstanceId) == instance {
				return of, nil
			}
		}
	}
	return instance, err
}

// Take writes down that the name is the image's. Of two that take a name at once one is told to try again, and finds
// the other's.
func (w Writer) Take(ctx context.Context, f Found) error {
	if !f.Takes {
		return nil
	}
	_, err := w.Records.PutOwner(ctx, f.Owner)
	var taken *ledger.TakenError
	if errors.As(err, &taken) {
		return &fault.NotYet{Err: err}
	}
	if err != nil {
		return fmt.Errorf("writing down whose the name %s is: %w", f.Owner.Name, err)
	}
	return nil
}
