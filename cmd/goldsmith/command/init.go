package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/spf13/cobra"

	"goldsmith/shared/fault"
	"goldsmith/shared/plan"
	"goldsmith/shared/planfile"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

func (t *terms) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init [plans.yaml]",
		Short: "Write a first plans.yaml, by the instances that there are",
		Long: `Init looks at the instances of the Region and writes plans for them: those that the tag
goldsmith:plan names already, or one for each environment that a tag tells apart, or one
that is called nightly. It never writes over a file, and changes nothing in the account:
an instance is imaged only once it is enrolled.`,
		Example: "  goldsmith init\n  goldsmith init team/plans.yaml",
		Args:    takes(0, 1, "the path of the file to write"),
		RunE: func(c *cobra.Command, args []string) error {
			path := plansFile
			if len(args) > 0 {
				path = args[0]
			}
			return t.init(c.Context(), path)
		},
	}
}

// begun is what init answers.
type begun struct {
	File      string   `json:"file"`
	Instances int      `json:"instances"`
	Plans     []string `json:"plans"`
}

func (t *terms) init(ctx context.Context, path string) error {
	if _, err := os.Stat(path); err == nil {
		return misusedf("%s is there already, and is not written over; name another file", path)
	}
	cfg, err := t.connect(ctx)
	if err != nil {
		return err
	}
	all, err := source.Living(ctx, ec2.NewFromConfig(cfg))
	if err != nil {
		return err
	}
	text := proposed(all, cfg.Region)
	plans, err := planfile.Parse(filepath.Base(path), []byte(text), t.Now())
	if err != nil {
		return fault.Failure("Nothing was written; please report this.", "the plans that were made have a mistake: %w", err)
	}
	if err := created(path, text); err != nil {
		return err
	}
	return t.show(begun{path, len(all), plans.Names()}, func(p *page) {
		p.line("Written: %s, with plans %s", path, strings.Join(plans.Names(), ", "))
		p.line("")
		p.line("  goldsmith check %s   says when they are due", path)
		p.line("  goldsmith enrol %s i-... --plans %s   has a plan image an instance", first(plans), path)
	})
}

// first is the first plan that instances are enrolled in.
func first(p plan.Plans) string {
	return slices.DeleteFunc(p.Names(), func(name string) bool { return name == onDemand })[0]
}

// created writes a file that must not be there.
func created(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // others may read the plans
	if err != nil {
		return fmt.Errorf("writing the plans: %w", err)
	}
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("writing the plans: %w", err)
	}
	return nil
}

// proposal is one plan for a file that is begun, and the instances that it is for.
type proposal struct {
	name string
	// key and value are the tag that its instances carry; "" for all that are enrolled.
	key, value string
	of         []types.Instance
}

// proposed is a first plans.yaml.
func proposed(all []types.Instance, region string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# The plans: which instances become golden images, when, and how. Written by goldsmith init, by the
# %s of Region %s; docs/plans.md explains every key.
# An instance is enrolled in a plan by goldsmith enrol PLAN INSTANCE, which tags it goldsmith:plan=PLAN.

# The plan behind the tag goldsmith:image=now.
default: %s

plans:
`, count(len(all), "instance"), region, onDemand)
	for n, p := range proposals(all) {
		p.write(&b, n)
	}
	fmt.Fprintf(&b, `  # No schedule: runs when somebody puts goldsmith:image=now on an instance or a snapshot.
  %s:
    window: 1h
    keep:
      last: 5
`, onDemand)
	return b.String()
}

// onDemand is the plan of what is asked for.
const onDemand = "on-demand"

// environments are tags that tell environments apart, the commonest first.
var environments = []string{"Environment", "environment", "Env", "env", "Stage", "stage"}

// mostProposals bounds what a person has to read: a tag of more values tells no environments apart.
const mostProposals = 6

// proposals are the plans that instances are enrolled in already, or one for each environment, or one.
func proposals(all []types.Instance) []proposal {
	enrolled := by(all, "", func(i types.Instance) []string { return source.Plans(source.Tags(i)) })
	if len(enrolled) > 0 {
		return enrolled
	}
	for _, key := range environments {
		found := by(all, "nightly-", func(i types.Instance) []string { return []string{source.Tags(i)[key]} })
		if 1 < len(found) && len(found) <= mostProposals {
			for n := range found {
				found[n].key, found[n].value = key, source.Tags(found[n].of[0])[key]
			}
			return found
		}
	}
	return []proposal{{name: "nightly", of: all}}
}

// by groups instances by names that plans can have behind a prefix.
func by(all []types.Instance, prefix string, names func(types.Instance) []string) []proposal {
	groups := map[string][]types.Instance{}
	for _, i := range all {
		for _, name := range names(i) {
			groups[name] = append(groups[name], i)
		}
	}
	var found []proposal
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		if full := prefix + name; name != "" && full != onDemand && plan.NameProblem(full) == "" {
			found = append(found, proposal{name: full, of: groups[name]})
		}
	}
	return found
}

// write writes the plan: the n-th begins n times a quarter of an hour later than the first.
func (p proposal) write(b *strings.Builder, n int) {
	fmt.Fprintf(b, "  # %s\n", p.whose())
	fmt.Fprintf(b, "  %s:\n", plain(p.name))
	fmt.Fprintf(b, `    schedule: %-19s # minute hour day-of-month month day-of-week year
    timezone: UTC                 # your zone, such as Europe/Berlin: the schedule and all times are in it
    consistency: stop             # every write is on disk before imaging; none images instances as they run
    restart: snapshotted          # started again once every volume has a snapshot
    concurrency: 2                # instances down at the same time, at most
    limit: %-22d # more sources than this: stop nothing, say so
    window: 4h                    # after that nothing is stopped any more
`, fmt.Sprintf("cron(%d %d * * ? *)", n%4*15, (3+n/4)%24), max(1, len(p.of)))
	if p.key != "" {
		fmt.Fprintf(b, "    sources:\n      tags:\n        %s: [%s]\n", quoted(p.key), quoted(p.value))
	}
	if groups := p.groups(); len(groups) > 0 {
		fmt.Fprintf(b, "    # groups:                     # without it running members of groups are left alone: %s\n"+
			"    #   standby: shrink           # with it each is put into Standby while it is down; with replace its group "+
			"launches another\n", someOf(groups))
	}
	b.WriteString(`    keep:                         # images that no rule keeps are retired
      daily: 7
      weekly: 4
      minimum: 2                  # never fewer than this, whatever the rules say

`)
}

// whose says which instances the plan was made for.
func (p proposal) whose() string {
	var names []string
	for _, i := range p.of {
		names = append(names, clean(source.Name(source.Tags(i), *i.InstanceId)))
	}
	slices.Sort(names)
	switch {
	case len(names) == 0:
		return "There is no instance yet."
	case p.key != "":
		return fmt.Sprintf("For those with the tag %s=%s: %s.", clean(p.key), clean(p.value), someOf(names))
	default:
		return "For " + someOf(names) + "."
	}
}

// groups are the Auto Scaling groups of the plan's instances.
func (p proposal) groups() []string {
	names := map[string]bool{}
	for _, i := range p.of {
		if group := source.Tags(i)[tag.Group]; group != "" {
			names[clean(group)] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// plain is a name as YAML takes it for text: bare where it can be nothing else.
func plain(name string) string {
	if strings.Contains(name, "-") && name[0] >= 'a' {
		return name
	}
	if len(name) > 5 && name[0] >= 'a' { // No word that YAML takes for something else is longer.
		return name
	}
	return quoted(name)
}

// quoted is text in the quotes of JSON, which are also YAML's.
func quoted(text string) string {
	q, _ := json.Marshal(text) // A string can be written.
	return string(q)
}
