package command

import (
	"context"
	"errors"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/cmd/goldsmith/deployment"
	"goldsmith/shared/attribute"
	"goldsmith/shared/fault"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
)

// A snapshot as the source of plan.
const snapshotPrefix = "snap-"

var snapshotID = regexp.MustCompile(`^snap-([0-9a-f]{8}|[0-9a-f]{17})$`)

// plannedSnapshot is what plan shows of a snapshot.
type plannedSnapshot struct {
	attribute.Decision
	// Disk is what was found on it, in words.
	Disk string `json:"disk,omitempty"`

	gib int32
}

// planSnapshot shows what would be registered of a snapshot, and by whose word. It needs no plan; one that is named
// has its say.
func (t *terms) planSnapshot(ctx context.Context, id, path, name string, set, data []string) error {
	if !snapshotID.MatchString(id) {
		return misusedf("--source %q is no snapshot id; want snap- and 8 or 17 hex digits", id)
	}
	of, err := t.planNamed(path, name, id)
	if err != nil {
		return err
	}
	volumes, err := dataVolumes(id, data)
	if err != nil {
		return err
	}
	settings := attribute.Settings{Source: "--set", Text: strings.Join(set, " ")}
	if _, err := settings.Parse(); err != nil {
		return misused{err}
	}
	looker, err := t.looker(ctx)
	if err != nil {
		return err
	}
	looker.First = settings
	found, err := lookAtSnapshot(ctx, looker, id, volumes, of)
	if err != nil {
		return err
	}
	if err := t.show(found, found.print); err != nil {
		return err
	}
	if found.Refused != nil {
		return ended{Failed}
	}
	return nil
}

// planNamed is the plan of that name in the file; no name is no plan.
func (t *terms) planNamed(path, name, source string) (plan.Plan, error) {
	if name == "" {
		return plan.Plan{}, nil
	}
	plans, err := t.plans(path)
	if err != nil {
		return plan.Plan{}, err
	}
	_, err = chosenPlans(plans, name, source)
	return plans.Plans[name], err
}

// looker looks for evidence. A suite that is not deployed, or that the credentials may not read, has made nothing.
func (t *terms) looker(ctx context.Context) (attribute.Looker, error) {
	site, err := t.site(ctx)
	var absent *deployment.AbsentError
	looker := attribute.Looker{EC2: ec2.NewFromConfig(site.aws), EBS: ebs.NewFromConfig(site.aws)}
	switch {
	case err == nil:
		looker.Made = readable{site.ledger}
	case !errors.As(err, &absent) && !slices.Contains(denied, fault.Code(err)):
		return looker, err
	}
	return looker, nil
}

// readable is a register that says nothing where the credentials may not read it, or it is not there.
type readable struct{ attribute.Register }

// Registrations are those that can be read.
func (r readable) Registrations(ctx context.Context, lineage string) iter.Seq2[ledger.Registration, error] {
	return func(yield func(ledger.Registration, error) bool) {
		for found, err := range r.Register.Registrations(ctx, lineage) {
			if err != nil && (fault.IsNotFound(err) || slices.Contains(denied, fault.Code(err))) {
				return
			}
			if !yield(found, err) {
				return
			}
		}
	}
}

// lookAtSnapshot decides from what is found of a snapshot and its data volumes.
func lookAtSnapshot(ctx context.Context, looker attribute.Looker, id string, volumes map[string]string, of plan.Plan,
) (plannedSnapshot, error) {
	planned, err := looker.Plan(ctx, id, volumes, of, "")
	if fault.IsNotFound(err) {
		err = fault.Failure("Check the id, the Region and the account.", "%w", err)
	}
	if err != nil {
		return plannedSnapshot{}, err
	}
	evidence := planned.Evidence
	found := plannedSnapshot{Decision: planned.Decision, gib: aws.ToInt32(evidence.Snapshot.VolumeSize)}
	if evidence.Disk != nil {
		found.Disk = evidence.Disk.String()
	}
	return found, nil
}

func (s plannedSnapshot) print(p *page) {
	p.heading("%s", s.Snapshot)
	p.line("  %d GiB", s.gib)
	if s.Disk != "" {
		p.line("  %s", clean(s.Disk))
	}
	if s.Refused != nil {
		p.line("  %s %s", p.in(red, "No image would be registered:"), clean(s.Refused.Text))
		p.line("  %s", clean(s.Refused.Do))
		s.printNotes(p)
		return
	}
	p.line("  an image would be registered with")
	p.line("")
	printDecision(p, s.Decision)
	s.printNotes(p)
}

// printDecision shows what would be registered, and by whose word.
func printDecision(p *page, d attribute.Decision) {
	rows := [][]string{{"ATTRIBUTE", "VALUE", "SAID BY"}}
	for _, a := range d.Attributes {
		value := a.Value
		if len(value) > 40 {
			value = value[:40] + "..."
		}
		rows = append(rows, []string{string(a.Key), value, a.Source})
	}
	p.table(rows)
	if len(d.Data) == 0 {
		return
	}
	p.line("")
	volumes := [][]string{{"DATA VOLUME", "SNAPSHOT", "GIB", "MADE AS", "SAID BY"}}
	for _, v := range d.Data {
		volumes = append(volumes, []string{v.Device, v.Snapshot, strconv.Itoa(int(v.GiB)), v.String(), v.Source})
	}
	p.table(volumes)
}

// dataVolumes reads --data: devices and the snapshots that are to be at them.
func dataVolumes(source string, words []string) (map[string]string, error) {
	if len(words) > 0 && !strings.HasPrefix(source, snapshotPrefix) {
		return nil, misusedf("--data goes with --source snap-..., and with nothing else")
	}
	volumes := map[string]string{}
	for _, word := range words {
		device, id, _ := strings.Cut(word, "=")
		_, twice := volumes[device]
		switch {
		case !attribute.Device(device), !snapshotID.MatchString(id):
			return nil, misusedf("--data %q is not like /dev/sdf=snap-0123456789abcdef0", word)
		case twice:
			return nil, misusedf("--data names %s twice", device)
		}
		volumes[device] = id
	}
	return volumes, nil
}

func (s plannedSnapshot) printNotes(p *page) {
	for _, n := range s.Notes {
		p.line("  %s %s", p.in(yellow, "Note:"), clean(n))
	}
}
