package command

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/spf13/cobra"

	"goldsmith/shared/tag"
)

func (t *terms) imagesCommand() *cobra.Command {
	var name, plan string
	c := &cobra.Command{
		Use:     "images",
		Short:   "List Goldsmith's images by what they were made from",
		Long:    "Images lists the images that Goldsmith made in this account and Region, the newest\nof each source first.",
		Example: "  goldsmith images\n  goldsmith images --name web --plan nightly",
		Args:    takes(0, 0, ""),
		RunE:    func(c *cobra.Command, _ []string) error { return t.images(c.Context(), name, plan) },
	}
	c.Flags().StringVar(&name, "name", "", "only images of sources of this name")
	c.Flags().StringVar(&plan, "plan", "", "only images that this plan made")
	return c
}

// listed is what images shows.
type listed struct {
	Images []goldenImage `json:"images"`
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
}

func (t *terms) images(ctx context.Context, name, plan string) error {
	cfg, err := t.AWS(ctx, t.account)
	if err != nil {
		return err
	}
	found := listed{Images: []goldenImage{}}
	pages := ec2.NewDescribeImagesPaginator(ec2.NewFromConfig(cfg), &ec2.DescribeImagesInput{
		Owners: []string{"self"}, Filters: ours(name, plan), MaxResults: aws.Int32(1000),
		IncludeDeprecated: aws.Bool(true), IncludeDisabled: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return wrap("listing images", err)
		}
		for _, i := range page.Images {
			found.Images = append(found.Images, golden(i))
		}
	}
	slices.SortFunc(found.Images, func(a, b goldenImage) int {
		return cmp.Or(cmp.Compare(a.Of, b.Of), cmp.Compare(a.Source, b.Source), b.Made.Compare(a.Made), cmp.Compare(a.ID, b.ID))
	})
	return t.show(found, func(p *page) { found.print(p, t.Now()) })
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
		ID: aws.ToString(i.ImageId), Name: aws.ToString(i.Name), Source: tags[tag.Source], Of: cmp.Or(tags[tag.Name], tags[tag.Source]),
		Plan: tags[tag.Plan], Run: tags[tag.Run], State: string(i.State), Made: made,
	}
}

func (l listed) print(p *page, now time.Time) {
	if len(l.Images) == 0 {
		p.line("no images")
		return
	}
	rows := [][]string{{"OF", "IMAGE", "STATE", "MADE", "AGE", "PLAN", "RUN"}}
	for _, i := range l.Images {
		rows = append(rows, []string{i.Of, i.ID, i.State, stamp(i.Made), span(now.Sub(i.Made)), i.Plan, i.Run})
	}
	p.table(rows)
	p.line("")
	p.line("  %s", count(len(l.Images), "image"))
}
