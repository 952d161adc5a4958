package command

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/spf13/cobra"

	"goldsmith/shared/planfile"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

const (
	// completing is how long a shell waits for words.
	completing = 5 * time.Second
	// completed is how many runs are offered, and completedDays of how many days.
	completed, completedDays = 20, 7
)

// words are what may stand in a place of a command line, each with what it is behind a tab.
type words func(ctx context.Context, c *cobra.Command) ([]string, error)

// completes has the shell complete what stands in capitals in a command's first line, and the flags that name the same.
func (t *terms) completes(c *cobra.Command) {
	places := map[string]words{"PLAN": planNames, "RUN": t.runNames, "RUN|SOURCE": t.runNames, "INSTANCE": t.enrollable,
		"SOURCE": t.sources}
	c.ValidArgsFunction = func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		return offered(c, places[placeOf(c.Use, len(args))], args)
	}
	for name, of := range map[string]words{"source": t.sources, "name": t.imageNames, "plan": planNames} {
		if c.Flags().Lookup(name) == nil {
			continue
		}
		err := c.RegisterFlagCompletionFunc(name, func(c *cobra.Command, _ []string, _ string) ([]string,
			cobra.ShellCompDirective) {
			return offered(c, of, nil)
		})
		if err != nil {
			panic(err) // The flag is there, and is completed once.
		}
	}
}

// placeOf is what stands in a place behind the command's name: PLAN of "run PLAN", or of "status [RUN]" RUN.
func placeOf(use string, n int) string {
	places := strings.Fields(use)[1:]
	if len(places) == 0 {
		return ""
	}
	last := places[len(places)-1]
	if n >= len(places) && !strings.Contains(last, "...") {
		return ""
	}
	return strings.Trim(strings.TrimSuffix(strings.Trim(places[min(n, len(places)-1)], "[]"), "..."), "[]")
}

// offered are the words without those that stand there already; none where they cannot be found out.
func offered(c *cobra.Command, of words, already []string) ([]string, cobra.ShellCompDirective) {
	if of == nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	ctx, cancel := context.WithTimeout(cmp.Or(c.Context(), context.Background()), completing)
	defer cancel()
	found, err := of(ctx, c)
	if err != nil {
		cobra.CompDebugln(err.Error(), false)
		return nil, cobra.ShellCompDirectiveError
	}
	return slices.DeleteFunc(found, func(word string) bool {
		word, _, _ = strings.Cut(word, "\t")
		return slices.Contains(already, word)
	}), cobra.ShellCompDirectiveNoFileComp
}

// planNames are the plans of the file.
func planNames(_ context.Context, c *cobra.Command) ([]string, error) {
	path := plansFile
	if f := c.Flag("plans"); f != nil {
		path = f.Value.String()
	}
	plans, err := planfile.Load(path, time.Now())
	return plans.Names(), err
}

// runNames are the last runs, the newest first.
func (t *terms) runNames(ctx context.Context, _ *cobra.Command) ([]string, error) {
	site, err := t.site(ctx)
	if err != nil {
		return nil, err
	}
	runs, err := site.runs(ctx, t.Now().AddDate(0, 0, -completedDays), completed)
	var found []string
	for _, r := range runs {
		found = append(found, r.Run+"\t"+r.word())
	}
	return found, err
}

// sources are the instances that plans work with.
func (t *terms) sources(ctx context.Context, _ *cobra.Command) ([]string, error) {
	return t.instances(ctx, func(api source.Lister) ([]types.Instance, error) {
		return source.Carrying(ctx, api, tag.Plan)
	})
}

// enrollable are, for enrol, all instances that have a name.
func (t *terms) enrollable(ctx context.Context, c *cobra.Command) ([]string, error) {
	if c.Name() != "enrol" {
		return t.sources(ctx, c)
	}
	return t.instances(ctx, func(api source.Lister) ([]types.Instance, error) {
		return source.Carrying(ctx, api, "Name")
	})
}

func (t *terms) instances(ctx context.Context, list func(source.Lister) ([]types.Instance, error)) ([]string, error) {
	cfg, err := t.AWS(ctx, t.account)
	if err != nil {
		return nil, err
	}
	all, err := list(ec2.NewFromConfig(cfg))
	var found []string
	for _, i := range all {
		if id := aws.ToString(i.InstanceId); !source.Ending(source.State(i)) {
			found = append(found, id+"\t"+clean(source.Name(source.Tags(i), id)))
		}
	}
	slices.Sort(found)
	return found, err
}

// imageNames are the names that the account's own images say they were made under.
func (t *terms) imageNames(ctx context.Context, _ *cobra.Command) ([]string, error) {
	cfg, err := t.AWS(ctx, t.account)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	pages := ec2.NewDescribeImagesPaginator(ec2.NewFromConfig(cfg), &ec2.DescribeImagesInput{
		Owners: []string{"self"}, MaxResults: aws.Int32(1000),
		Filters: []types.Filter{{Name: aws.String("tag-key"), Values: []string{tag.Name}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, i := range page.Images {
			names[clean(tag.Map(i.Tags)[tag.Name])] = true
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}
