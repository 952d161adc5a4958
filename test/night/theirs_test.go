package night_test

import (
	"context"
	"iter"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/image"
	"goldsmith/shared/ledger"
)

// foreign is an image with its snapshot that carries all the tags of a good one, and that nothing is registered of.
type foreign struct {
	ami, snap string
	would     ledger.Registration
}

// theirs is that of the night of mutations that is played.
var theirs foreign

func (f *foreign) image(before string) func() string { return func() string { return before + f.ami } }

func (f *foreign) snapshot(before string) func() string {
	return func() string { return before + f.snap }
}

// make makes it, a month old.
func (f *foreign) make(n *night, of string) {
	n.t.Helper()
	f.ami, f.would = n.unregistered("web", of, 30)
	f.snap = image.Snapshots(n.shown(f.ami))[0]
}

// shown is an image as EC2 shows it.
func (n *night) shown(id string) types.Image {
	n.t.Helper()
	return must(n.cloud.DescribeImages(n.ctx, &sdk.DescribeImagesInput{ImageIds: []string{id}}))(n.t).Images[0]
}

// instead changes what a function's call of an action says.
func instead(action, pattern string, by func() string) layer {
	return between(action, func(form string) string {
		return regexp.MustCompile(pattern).ReplaceAllString(form, by())
	}, as)
}

// Registrations gives the counted image as if it was registered, after those that are.
func (w *wrong) Registrations(ctx context.Context, lineage string) iter.Seq2[ledger.Registration, error] {
	return func(yield func(ledger.Registration, error) bool) {
		for r, err := range w.Ledger.Registrations(ctx, lineage) {
			if !yield(r, err) {
				return
			}
		}
		if w.counted != nil && w.counted.ami != "" {
			yield(w.counted.would, nil)
		}
	}
}

// keepingOne makes the nightly plan keep one image.
func (n *night) keepingOne() {
	nightly := n.plans.Plans["nightly"]
	keeping(&nightly)
	n.plans.Plans["nightly"] = nightly
}

// nightOfTheirs is a night after which one of two images goes, beside one that people made.
func nightOfTheirs(n *night) {
	n.keepingOne()
	web := n.launch("web", "")
	n.old("web", web, 10)
	theirs.make(n, web)
	n.until(0)
}

// nightsOfTheirSnapshot are nights in which the snapshot goes that is left of an image, beside one that people made.
func nightsOfTheirSnapshot(n *night) {
	n.keepingOne()
	web := n.launch("web", "")
	id := n.old("web", web, 10)
	theirs.make(n, web)
	for r, err := range n.Ledger.Registrations(n.ctx, web) {
		n.ok(err)
		r.Snapshots = image.Snapshots(n.shown(id))
		must(n.Ledger.Amend(n.ctx, r))(n.t)
	}
	must(n.cloud.DeregisterImage(n.ctx, &sdk.DeregisterImageInput{ImageId: aws.String(id)}))(n.t)
	n.until(2)
}
