package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/spf13/cobra"

	"goldsmith/cmd/goldsmith/deployment"
	"goldsmith/cmd/goldsmith/rehearsal"
	"goldsmith/shared/fault"
	"goldsmith/shared/plan"
	"goldsmith/shared/settings"
)

func (t *terms) doctorCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look whether the suite is well, and say what to do where it is not",
		Long: `Doctor looks at what is deployed: functions, the ledger, the sweep and the plans'
schedules, the plans of the file against the deployed ones, Slack, what could not be
delivered, what is down and what it holds back, tags that name no plan, and what each plan
of the file would meet if it ran now: keys, quotas, agents, what copies and shares need. It
changes nothing. What a plan would do with each source is what goldsmith plan shows.`,
		Example: "  goldsmith doctor",
		Args:    takes(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			return t.doctor(c.Context(), path, c.Flags().Changed("plans"))
		},
	}
	c.Flags().StringVar(&path, "plans", plansFile, "the plans' file")
	return c
}

// How a finding is.
const (
	well     = "ok"
	unwell   = "problem"
	unlooked = "not known"
)

// finding is what was found out about one thing.
type finding struct {
	What string `json:"what"`
	// Is is ok, problem or "not known".
	Is string `json:"is"`
	// Says is how it is, and Do what to do about it.
	Says string `json:"says"`
	Do   string `json:"do,omitempty"`
}

// diagnosis is what doctor shows.
type diagnosis struct {
	Findings []finding `json:"findings"`
}

// look finds something out.
type look struct {
	what string
	at   func(context.Context) (finding, error)
}

func (t *terms) doctor(ctx context.Context, path string, named bool) error {
	site, err := t.site(ctx)
	if err != nil {
		return err
	}
	plans, absent, err := t.plansOr(ctx, site, path, named)
	if err != nil {
		return err
	}
	found := diagnosis{}
	for _, l := range slices.Concat(site.looks(plans, absent), t.needs(plans, absent)) {
		f, err := l.at(ctx)
		if err != nil {
			f = unanswered(err)
		}
		f.What = l.what
		found.Findings = append(found.Findings, f)
	}
	if err := t.show(found, found.print); err != nil {
		return err
	}
	if slices.ContainsFunc(found.Findings, func(f finding) bool { return f.Is == unwell }) {
		return ended{Failed}
	}
	return nil
}

// plansOr are the plans of the file, or, where none was named and there is none, the names of what is deployed.
func (t *terms) plansOr(ctx context.Context, s site, path string, named bool) (
	plans plan.Plans, absent bool, err error) {
	if _, err := os.Stat(path); named || !errors.Is(err, os.ErrNotExist) {
		plans, err := t.plans(path)
		return plans, false, err
	}
	sums, err := deployment.PlanSums(ctx, lambda.NewFromConfig(s.aws))
	plans.Plans = map[string]plan.Plan{}
	for _, name := range plan.Summed(sums) {
		plans.Plans[name] = plan.Plan{Name: name}
	}
	return plans, true, err
}

// unanswered is what is found out where AWS did not answer.
func unanswered(err error) finding {
	if slices.Contains(denied, fault.Code(err)) {
		return finding{Is: unlooked, Says: "these credentials may not look at it (" + fault.Code(err) + ")",
			Do: "docs/operations.md lists what the command line needs."}
	}
	return finding{Is: unwell, Says: sentence(unreached(err, fault.Brief(err))), Do: advice(err)}
}

func (s site) looks(plans plan.Plans, absent bool) []look {
	return []look{
		{"functions", s.functionsReady},
		{"sources", s.nothingDown},
		{"circuit breaker", s.breakerClosed},
		{"schedules", s.schedulesOn},
		{"plans", func(ctx context.Context) (finding, error) {
			if absent {
				return finding{Is: unlooked, Says: "there is no " + plansFile + " here; deployed are " +
					cmp.Or(strings.Join(plans.Names(), ", "), "plans that are not told"), Do: "To compare them: --plans FILE"}, nil
			}
			return s.plansDeployed(ctx, plans)
		}},
		{"tags", func(ctx context.Context) (finding, error) { return s.tagsOfPlans(ctx, plans) }},
		{"Slack", s.slackSet},
		{"dead letters", s.lettersDelivered},
	}
}

// functionsReady asks for those that people call and those that the command line asks.
func (s site) functionsReady(ctx context.Context) (finding, error) {
	api, sick := lambda.NewFromConfig(s.aws), []string{}
	for _, name := range deployment.Known {
		out, err := api.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(name)})
		switch {
		case fault.IsNotFound(err):
			sick = append(sick, name+" is not there")
		case err != nil:
			return finding{}, err
		case out.State == types.StateFailed || out.LastUpdateStatus == types.LastUpdateStatusFailed:
			sick = append(sick, name+": "+aws.ToString(out.StateReason)+aws.ToString(out.LastUpdateStatusReason))
		}
	}
	if len(sick) > 0 {
		return finding{Is: unwell, Says: strings.Join(sick, "; "), Do: "Deploy the suite again."}, nil
	}
	return finding{Is: well, Says: "deployed and ready"}, nil
}

func (s site) nothingDown(ctx context.Context) (finding, error) {
	down, working, err := s.works(ctx)
	if err != nil {
		return finding{}, err
	}
	if len(down) > 0 {
		var names []string
		for _, w := range down {
			names = append(names, w.label())
		}
		return finding{Is: unwell, Says: "down because of Goldsmith: " + someOf(names),
			Do: "goldsmith status says what to do about each."}, nil
	}
	return finding{Is: well, Says: "nothing is left down; runs work on " + count(len(working), "source") + " now"}, nil
}

func (s site) breakerClosed(ctx context.Context) (finding, error) {
	open, err := s.held(ctx)
	open = slices.DeleteFunc(open, func(h held) bool { return h.At != nil })
	if err != nil || len(open) == 0 {
		return finding{Is: well, Says: "closed"}, err
	}
	return finding{Is: unwell, Says: sentence(open[0].Why), Do: fmt.Sprintf("%s is stopped until %s.", open[0].Holds,
		open[0].Until)}, nil
}

// schedulesOn asks which schedules are off: first of all that of the sweep.
func (s site) schedulesOn(ctx context.Context) (finding, error) {
	off, blind, err := s.paused(ctx)
	switch {
	case err != nil || blind != "":
		return finding{Is: unlooked, Says: "schedules may not be listed (" + blind + ")"}, err
	case slices.Contains(off, deployment.Sweep):
		return finding{Is: unwell, Says: "the sweep is switched off: nothing brings back what a run leaves stopped; " +
			"off are " + strings.Join(off, ", "), Do: "goldsmith resume " + deployment.Sweep}, nil
	case len(off) > 0:
		return finding{Is: unwell, Says: "paused: " + strings.Join(off, ", "), Do: "goldsmith resume " + off[0]}, nil
	}
	return finding{Is: well, Says: "the sweep is switched on, and no plan is paused"}, nil
}

func (s site) plansDeployed(ctx context.Context, plans plan.Plans) (finding, error) {
	changed, missing, known, err := s.differs(ctx, plans)
	if err != nil || !known {
		return finding{Is: unlooked, Says: "what is deployed does not tell its plans", Do: "Deploy the suite again."}, err
	}
	var says []string
	if len(changed) > 0 {
		says = append(says, "not deployed as they are in the file: "+strings.Join(changed, ", "))
	}
	if len(missing) > 0 {
		says = append(says, "deployed, and not in the file: "+strings.Join(missing, ", "))
	}
	if len(says) > 0 {
		return finding{Is: unwell, Says: strings.Join(says, "; "),
			Do: "make deploy, or look into the file that was deployed."}, nil
	}
	return finding{Is: well, Says: "deployed as they are in the file"}, nil
}

func (s site) tagsOfPlans(ctx context.Context, plans plan.Plans) (finding, error) {
	if len(plans.Plans) == 0 {
		return finding{Is: unlooked, Says: "which plans there are is not known", Do: "Name their file: --plans FILE"}, nil
	}
	strays, err := rehearsal.Stage{EC2: ec2.NewFromConfig(s.aws)}.Strays(ctx, plans)
	if err != nil || len(strays) == 0 {
		return finding{Is: well, Says: "each goldsmith:plan names a plan"}, err
	}
	return finding{Is: unwell, Says: fmt.Sprintf("%s: %s", strays[0].ID, strays[0].Why),
		Do: fmt.Sprintf("%s so; goldsmith plan lists them.", count(len(strays), "instance"))}, nil
}

func (s site) slackSet(ctx context.Context) (finding, error) {
	secret, err := deployment.SlackSecret(ctx, lambda.NewFromConfig(s.aws))
	if err == nil && secret == settings.Off {
		return finding{Is: unwell, Says: "no secret is set: runs are told in no message",
			Do: "docs/operations.md, \"Install\", says how to set one."}, nil
	}
	return finding{Is: well, Says: "set; that a message arrives shows with the next run"}, err
}

// lettersDelivered looks for what could not be delivered or handled.
func (s site) lettersDelivered(ctx context.Context) (finding, error) {
	api := sqs.NewFromConfig(s.aws)
	queue, err := api.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(s.Group() + "-dead-letters")})
	if gone := (*sqstypes.QueueDoesNotExist)(nil); errors.As(err, &gone) {
		return finding{Is: unwell, Says: "the queue is not there", Do: "Deploy the suite again."}, nil
	}
	if err != nil {
		return finding{}, err
	}
	out, err := api.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: queue.QueueUrl,
		AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameApproximateNumberOfMessages}})
	if err != nil {
		return finding{}, err
	}
	n, err := strconv.Atoi(out.Attributes[string(sqstypes.QueueAttributeNameApproximateNumberOfMessages)])
	if err != nil || n == 0 {
		return finding{Is: well, Says: "none"}, err
	}
	return finding{Is: unwell, Says: count(n, "message") + " could not be delivered or handled",
		Do: "docs/operations.md, \"dead-letters\", says how to read them."}, nil
}

// findingIndent is as wide as what stands in front of a finding.
const findingIndent = "            "

func (d diagnosis) print(p *page) {
	colors := map[string]color{well: green, unwell: red, unlooked: yellow}
	for _, f := range d.Findings {
		var says page
		says.fold(findingIndent, "%s: %s", f.What, f.Says)
		p.WriteString("  " + p.in(colors[f.Is], fmt.Sprintf("%-9s", f.Is)) + " " + says.String()[len(findingIndent):])
		p.fold(findingIndent, "%s", f.Do)
	}
}
