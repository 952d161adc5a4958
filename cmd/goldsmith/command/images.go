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

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/tag"
)

func (t *terms) imagesCommand() *cobra.Command {
	var which wanted
	var gone bool
	c := &cobra.Command{
		Use:   "images",
		Short: "List Goldsmith's images by what they were made from, and why each is kept",
		Long: `Images lists the images that Goldsmith made in this account and their copies in
other Regions, the newest of each source first, under which keys they are, whom
Goldsmith shares them with, which are general images, which volumes of their sources
they are without, and what the plans' rules say of each: why it is kept, or when it goes.
--uses asks what refers to each image, which takes a call for every one. With --name it
also says what the source was besides its disks when its newest image was begun, and what
of that is not there any more: what a new instance in its place would have to be.

With --lost it lists snapshots of instances that are gone instead, and what image
can be made of the newest of each volume, whose disk is read for it.`,
		Example: "  goldsmith images\n  goldsmith images --name web --plan nightly --uses\n  goldsmith images --name web " +
			"--lost",
		Args: takes(0, 0, ""),
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
	// Servers are what sources of the name were, where one was given.
	Servers []server `json:"servers,omitempty"`

	// home is the suite's own Region.
	home string
	uses bool
}

type goldenImage struct {
	ID     string    `json:"id"`
	Region string    `json:"region"`
	Name   string    `json:"name"`
	Source string    `json:"source"`
	Of     string    `json:"of"`
	Plan   string    `json:"plan"`
	Run    string    `json:"run"`
	State  string    `json:"state"`
	Made   time.Time `json:"made"`
	// Keys are the ARNs of the KMS keys that its snapshots are under.
	Keys []string `json:"keys,omitempty"`
	// Shared is whom Goldsmith shares it with.
	Shared *job.Sharing `json:"shared,omitempty"`
	// Without are the devices of its source that it was told to leave out, and that it does not hold.
	Without []string `json:"without,omitempty"`
	// General images are of a clone of their source; the others of that source are its own.
	General bool `json:"general,omitempty"`
	// Next is what its plan's rules say of it, in words.
	Next string `json:"next,omitempty"`
	// Unregistered images carry Goldsmith's tags and are not known to be its own: they are neither counted nor removed.
	Unregistered bool `json:"unregistered,omitempty"`
	// Uses are what refers to it.
	Uses []string `json:"uses,omitempty"`
}

func (t *terms) images(ctx context.Context, which wanted) error {
	cfg, err := t.connect(ctx)
	if err != nil {
		return err
	}
	found := listed{Images: []goldenImage{}, home: cfg.Region, uses: which.uses}
	known, err := t.everywhere(ctx, cfg, which, &found)
	if err != nil {
		return err
	}
	slices.SortFunc(found.Images, func(a, b goldenImage) int {
		return cmp.Or(cmp.Compare(a.Of, b.Of), cmp.Compare(a.Source, b.Source), b.Made.Compare(a.Made),
			cmp.Compare(a.Region, b.Region), cmp.Compare(a.ID, b.ID))
	})
	if which.name != "" && known != nil {
		var note string
		if found.Servers, note, err = servers(ctx, cfg, known, found.Images); err != nil {
			return err
		}
		found.note(note)
	}
	return t.show(found, func(p *page) { found.print(p, t.Now()) })
}

// everywhere lists images in the suite's own Region, and in each where the register has copies. It gives the register.
func (t *terms) everywhere(ctx context.Context, cfg aws.Config, which wanted, found *listed) (made, error) {
	known, unread := t.known(ctx)
	note, err := excuse(unread)
	if err != nil {
		return nil, err
	}
	for _, region := range append([]string{cfg.Region}, known.regions(cfg.Region)...) {
		at := cfg.Copy()
		at.Region = region
		err := t.in(ctx, at, which, known, found)
		switch {
		case err == nil:
		case region != cfg.Region && slices.Contains(denied, fault.Code(err)):
			found.note("Copies in " + region + " are left out: " + fault.Brief(err))
		default:
			return nil, err
		}
	}
	if len(found.Images) > 0 {
		found.note(note)
	}
	return known, nil
}

// in lists the images of one Region.
func (t *terms) in(ctx context.Context, at aws.Config, which wanted, known made, found *listed) error {
	client := ec2.NewFromConfig(at)
	images, err := describe(ctx, client, which)
	if err != nil || len(images) == 0 {
		return err
	}
	shown := make([]goldenImage, len(images))
	for n, i := range images {
		shown[n] = golden(i)
		shown[n].Region = at.Region
	}
	unseen, err := under(ctx, client, images, shown)
	if err != nil {
		return err
	}
	found.note(unseen)
	if known != nil {
		said, err := t.judge(ctx, which, known, at.Region, images, shown)
		if err != nil {
			return err
		}
		found.note(said)
		known.shared(shown)
		known.without(images, shown)
	}
	found.Images = append(found.Images, shown...)
	return nil
}

// known is what the register has of images.
func (t *terms) known(ctx context.Context) (made, error) {
	site, err := t.site(ctx)
	if err != nil {
		return nil, err
	}
	return registered(ctx, site.ledger)
}

// note says once what could not be looked at.
func (l *listed) note(text string) {
	if text != "" && !strings.Contains(l.Note, text) {
		l.Note = strings.TrimSpace(l.Note + " " + text)
	}
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
			filters = append(filters, types.Filter{Name: aws.String("tag:" + key), Values: []string{tag.Literal(value)}})
		}
	}
	return filters
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
