package rollback

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"goldsmith/shared/event"
	"goldsmith/shared/fault"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/report"
	"goldsmith/shared/rollout"
	"goldsmith/shared/source"
)

// Handover is a name that was given to another source.
type Handover struct {
	// From is who had the name, in words; empty when it had no owner. To is who has it.
	From string `json:"from,omitempty"`
	To   string `json:"to"`
	// Source is the instance that was named.
	Source string `json:"source"`
	// There is whether it had the name already.
	There bool `json:"there,omitempty"`
	// Next says what happens now.
	Next string `json:"next"`
}

// handOver writes down that a name is another lineage's from now on. Nothing is rolled by it.
func (s Step) handOver(ctx context.Context, asked event.Handover) (Answer, error) {
	of, err := s.heir(ctx, asked)
	if err != nil {
		return Answer{}, err
	}
	before, known, err := s.writer().Holder(ctx, asked.Name)
	if err != nil {
		return Answer{}, err
	}
	then := lineage.Dated{Lineage: before.Lineage, At: before.At}
	before.Lineage = lineage.Finder{Groups: s.AutoScaling}.Identify(ctx, then)[0]
	to := ledger.Owner{
		Name: asked.Name, Lineage: of, Source: asked.To, By: cmp.Or(asked.By, "a person"), At: s.Now().UTC(),
	}.After(before)
	h := Handover{To: rollout.OwnerText(ledger.Owner{Lineage: of}), Source: asked.To, There: known && before.Lineage == of}
	if before.Lineage != "" {
		h.From = rollout.OwnerText(before)
	}
	if h.Next, err = s.next(ctx, asked.Name, before, to); err != nil {
		return Answer{}, err
	}
	answer := Answer{Name: asked.Name, Dry: asked.Dry, Handover: &h}
	if asked.Dry || h.There {
		return answer, nil
	}
	_, err = s.writer().Records.PutOwner(ctx, to)
	if errors.As(err, new(*ledger.TakenError)) {
		return Answer{}, fault.Failure("Nothing was changed. Ask again.", "name: %w", err)
	}
	if err != nil {
		return Answer{}, fmt.Errorf("writing down whose the name %s is: %w", asked.Name, err)
	}
	s.notifyOfHandover(ctx, asked, h)
	return answer, nil
}

// heir is the lineage of the instance that is to have the name. It is refused unless it goes by that name.
func (s Step) heir(ctx context.Context, asked event.Handover) (string, error) {
	const nothing = "Nothing was changed."
	if lineage.Names(asked.Name) {
		return "", fault.Failure(nothing, "name: %s is an id or a group, which belongs to itself", asked.Name)
	}
	instance, ok, err := source.Find(ctx, s.EC2, asked.To)
	if err != nil {
		return "", err
	}
	if !ok || source.Ending(source.State(instance)) {
		return "", fault.Failure(nothing, "to: there is no instance %s any more", asked.To)
	}
	if name := source.Name(source.Tags(instance), asked.To); name != asked.Name {
		return "", fault.Failure(nothing+" Give it the name by its tag goldsmith:name first.",
			"to: %s is called %q, not %q", asked.To, name, asked.Name)
	}
	found, err := lineage.OfInstances(ctx, s.AutoScaling, []string{asked.To})
	return found[asked.To], err
}

// next says what happens after the hand-over.
func (s Step) next(ctx context.Context, name string, before, to ledger.Owner) (string, error) {
	said := fmt.Sprintf("The next image of %s is rolled into what takes images of %s; "+
		"until then that launches what it has now.", to.Source, name)
	for t, err := range s.Ledger.Targets(ctx, name) {
		if err != nil {
			return "", fmt.Errorf("reading what %s has rolled: %w", name, err)
		}
		if t.Held() {
			said = fmt.Sprintf("What was rolled back of %s is held, and takes no image of %s until: %s.", name, to.Source,
				job.Command("follow", name))
			break
		}
	}
	if before.Lineage == "" || before.Lineage == to.Lineage {
		return said, nil
	}
	former := rollout.OwnerText(ledger.Owner{Lineage: before.Lineage})
	return said + fmt.Sprintf(" Images of %s are made and no longer rolled.", former), nil
}

// notifyOfHandover sends one message of it. One that no channel takes is logged: the person who asked sees the answer.
func (s Step) notifyOfHandover(ctx context.Context, asked event.Handover, h Handover) {
	title := "The name " + asked.Name + " is handed over" + by(asked.By)
	lines := []string{fmt.Sprintf("It belonged to %s, and belongs to %s.", cmp.Or(h.From, "no source"), h.To), h.Next,
		report.Nothing}
	if err := s.People.Alert(ctx, report.Alert{
		Key: "handover " + asked.Name, Title: title, Lines: lines, At: s.Now().UTC(),
	}); err != nil {
		handler.Log(ctx).ErrorContext(ctx, "message not sent", "name", asked.Name, "error", err)
	}
}
