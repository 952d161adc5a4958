package command

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/spf13/cobra"

	"goldsmith/shared/tag"
	"goldsmith/shared/usage"
)

func (t *terms) imagesCommand() *cobra.Command {
	var which wanted
	var gone bool
	c := &cobra.Command{
		Use:   "images",
		Short: "List Goldsmith's images by what they were made from, and why each is kept",
		Long: `Images lists the images that Goldsmith made in this account and Region, the newest
of each source first, and what the plans' rules say of each: why it is kept, or
when it goes. --uses asks what refers to each image, which takes a call for every one.

With --lost it lists snapshots of instances that are gone instead, and what image
can be made of the newest of each volume, whose disk is read for it.`,
		Example: "  goldsmith images\n  goldsmith images --name web --plan nightly --uses\n  goldsmith images --name web --lost",
		Args:    takes(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case gone && (which.uses || which.plan != ""):
				return misusedf("--lost lists snapshots: --uses and --plan are about images; leave them out")
			case gone:
				return t.lost(c.Context(), which.name)
			}
			return t.images(c.Context(), which)
		},
	}
	c.Flags().StringVar(&which.name, "name", "", "only images of sources of this name")
	c.Flags().StringVar(&which.plan, "plan", "", "only images that this plan made")
	c.Flags().StringVar(&which.plans, "plans", plansFile, "the plans' file, whose rules say why images are kept")
	c.Flags().BoolVar(&gone, "lost", false, "list snapshots of instances that are gone, and what can be made of them")
	c.Flags().BoolVar(&which.uses, "uses", false, "show what refers to each image")
	return c
}

// wanted is which images are listed, and what of them.
type wanted struct {
	name, plan, plans string
	uses              bool
}

// listed is what images shows.
type listed struct {
	// Note is what could not be looked at.
	Note   string        `json:"note,omitempty"`
	Images []goldenImage `json:"images"`

	uses bool
}

type goldenImage struct {
	ID     string    `json:"id"`
	Name   string    `json:"name"`
	Source string    `json:"source"`
	Of     string    `json:"of"`
	Plan   string    `json:"plan"`
	Run    string    `json:"run"`
	State  string    `json:"state"`
	Made   time.Time `json:"made"`
	// Next is what its plan's rules say of it, in words.
	Next string `json:"next,omitempty"`
	// Unregistered images carry Goldsmith's tags and are not known to be its own: they are neither counted nor removed.
	Unregistered bool `json:"unregistered,omitempty"`
	// Uses are what refers to it.
	Uses []string `json:"uses,omitempty"`
}

func (t *terms) images(ctx context.Context, which wanted) error {
	cfg, err := t.AWS(ctx, t.account)
	if err != nil {
		return err
	}
	images, err := describe(ctx, ec2.NewFromConfig(cfg), which)
	if err != nil {
		return err
	}
	found := listed{Images: []goldenImage{}, uses: which.uses}
	for _, i := range images {
		found.Images = append(found.Images, golden(i))
	}
	if found.Note, err = t.judge(ctx, which, images, found.Images); err != nil {
		return err
	}
	slices.SortFunc(found.Images, func(a, b goldenImage) int {
		return cmp.Or(cmp.Compare(a.Of, b.Of), cmp.Compare(a.Source, b.Source), b.Made.Compare(a.Made),
			cmp.Compare(a.ID, b.ID))
	})
	return t.show(found, func(p *page) { found.print(p, t.Now()) })
}

// describe lists Goldsmith's images.
func describe(ctx context.Context, client *ec2.Client, which wanted) ([]types.Image, error) {
	var images []types.Image
	pages := ec2.NewDescribeImagesPaginator(client, &ec2.DescribeImagesInput{
		Owners: []string{"self"}, Filters: ours(which.name, which.plan), MaxResults: aws.Int32(1000),
		IncludeDeprecated: aws.Bool(true), IncludeDisabled: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, wrap("listing images", err)
		}
		images = append(images, page.Images...)
	}
	return images, nil
}

// ours are the filters for images of Goldsmith's own.
func ours(name, plan string) []types.Filter {
	filters := []types.Filter{{Name: aws.String("tag:" + tag.Managed), Values: []string{"true"}}}
	for key, value := range map[string]string{tag.Name: name, tag.Plan: plan} {
		if value != "" {
			filters = append(filters, types.Filter{Name: aws.String("tag:" + key), Values: []string{literal(value)}})
		}
	}
	return filters
}

// literal keeps EC2 from reading "*", "?" and "\\" in a name as wildcards of a filter.
func literal(value string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`).Replace(value)
}

func golden(i types.Image) goldenImage {
	tags := tag.Map(i.Tags)
	// CreationDate is text in the API: 2026-03-22T02:31:05.000Z.
	made, _ := time.Parse(time.RFC3339, aws.ToString(i.CreationDate))
	return goldenImage{
		ID: aws.ToString(i.ImageId), Name: aws.ToString(i.Name), Source: tags[tag.Source],
		Of:   cmp.Or(tags[tag.Name], tags[tag.Source]),
		Plan: tags[tag.Plan], Run: tags[tag.Run], State: string(i.State), Made: made,
	}
}

func (l listed) print(p *page, now time.Time) {
	if l.Note != "" {
		p.line("%s", clean(l.Note))
	}
	if len(l.Images) == 0 {
		p.line("no images")
		return
	}
	heading := []string{"OF", "IMAGE", "STATE", "MADE", "AGE", "RUN", "NEXT"}
	if l.uses {
		heading = append(heading, "USED BY")
	}
	rows := [][]string{heading}
	for _, i := range l.Images {
		row := []string{i.Of, i.ID, i.State, stamp(i.Made), span(now.Sub(i.Made)), i.Run, cmp.Or(i.Next, "-")}
		if l.uses {
			row = append(row, cmp.Or(strings.Join(i.Uses, "; "), "nothing"))
		}
		rows = append(rows, row)
	}
	p.table(rows)
	p.line("")
	p.line("  %s", count(len(l.Images), "image"))
	if n := unregistered(l.Images); n > 0 {
		p.line("  %s not registered; goldsmith adopt --all --dry says why", areOrIs(n))
	}
	if l.uses {
		p.line("  not looked at: %s", strings.Join(usage.Unseen, "; "))
	}
}

func unregistered(images []goldenImage) (n int) {
	for _, i := range images {
		if i.Unregistered {
			n++
		}
	}
	return n
}

func areOrIs(n int) string {
	if n == 1 {
		return "1 of them is"
	}
	return fmt.Sprintf("%d of them are", n)
}
