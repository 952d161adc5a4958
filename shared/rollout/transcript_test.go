package rollout_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/rollout"
	"goldsmith/test/steptest"
)

var update = flag.Bool("update", false, "write the transcripts in testdata anew")

// parameter writes one, as a person does.
func (w *world) parameter(name, image string) {
	w.Helper()
	kind := "aws:ec2:image"
	if strings.HasSuffix(name, "text") {
		kind = "text"
	}
	_, err := w.SSM.PutParameter(w.Context(), &ssm.PutParameterInput{
		Name: aws.String(name), Value: aws.String(w.images[image]), Type: ssmtypes.ParameterTypeString,
		DataType: aws.String(kind), Overwrite: aws.Bool(true),
	})
	w.Must(err)
	time.Sleep(time.Minute)
}

func (d *drawn) edited(n int, data *types.RequestLaunchTemplateData) {
	d.Helper()
	_, err := d.EC2.CreateLaunchTemplateVersion(d.Context(), &sdk.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: aws.String(d.templates[n]), LaunchTemplateData: data,
	})
	d.Must(err)
}

func (d *drawn) standard(n, version int) {
	_, _ = d.EC2.ModifyLaunchTemplate(d.Context(), &sdk.ModifyLaunchTemplateInput{
		LaunchTemplateId: aws.String(d.templates[n]), DefaultVersion: aws.String(fmt.Sprint(version)),
	})
}

// room is what rolls, with the ledger whose calls can be made to fail.
func (d *drawn) room() rollout.Writer {
	room := d.world.room()
	room.Ledger, room.Records = d.Ledger, d.Ledger
	return room
}

// rolls tries to roll an image, as the function does.
func (d *drawn) rolls(a attempt) error {
	d.Helper()
	d.last = a
	image := rollout.Image{ID: a.image, Machine: d.machine, Source: a.source, Lineage: a.source, Name: "web", Run: a.run}
	d.registered(image)
	return d.rolled(d.room(), image)
}

func (d *drawn) rolled(room rollout.Writer, image rollout.Image) error {
	found, err := room.Find(d.Context(), d.roll, image)
	if err == nil {
		err = room.Take(d.Context(), found)
	}
	if err == nil {
		err = room.Roll(d.Context(), found.Targets, image, d.roll.Together)
	}
	if why := found.Reason(image); why != nil {
		d.say("  %s", why.Text)
	}
	for _, o := range found.Owners(d.roll.Together) {
		d.say("  %s of %s", strings.ReplaceAll(o.Name, "\x1f", "|"), o.Lineage)
	}
	for _, t := range found.Targets {
		d.say("  %s", d.shown(t.Rolled))
	}
	return err
}

// registered registers an image as Goldsmith does what it made.
func (d *drawn) registered(image rollout.Image) {
	d.Helper()
	if _, known, err := d.Ledger.Kept.Registration(d.Context(), image.ID); known {
		d.Must(err)
		return
	}
	r, err := d.Ledger.Kept.Register(d.Context(), ledger.Registration{
		Kind: ledger.MadeImage, Call: ledger.CreateImage, From: image.Source, Lineage: image.Lineage, Source: image.Source,
		Plan: "nightly", Run: image.Run, AMIName: image.ID, ID: image.ID,
	})
	d.Must(err)
	r.Name = image.Name
	_, err = d.Ledger.Kept.Amend(d.Context(), r)
	d.Must(err)
}

// undoes rolls back to the image before, or to one that is named.
func (d *drawn) undoes(image string) error {
	room := d.room()
	targets, err := room.Known(d.Context(), "web")
	if err == nil {
		err = room.LookAll(d.Context(), targets)
	}
	if err != nil {
		return err
	}
	for _, t := range targets {
		if t.Rolled.Problem != "" {
			d.say("  %s", d.shown(t.Rolled))
			continue
		}
		back := t.Back(d.images[image])
		d.say("  %s back to %s: there %t, problem %q, note %q, undone %v", t.Rolled.Target, text(back.To), back.There,
			back.Problem, back.Note, rollout.Undone(t, back))
		if back.Problem != "" {
			continue
		}
		if err := d.leads(room, t, back); err != nil {
			return err
		}
	}
	return nil
}

func (d *drawn) leads(room rollout.Writer, t *rollout.Target, back rollout.Decision) error {
	to := back.To
	to.Run, to.Source, to.Stays, to.By = "", "", t.At.Stays, "ada"
	if !back.There {
		if err := room.Return(d.Context(), t, to); err != nil || t.Rolled.Problem != "" {
			d.say("  %s", d.shown(t.Rolled))
			return err
		}
		to.Version = t.Rolled.Version
	}
	return room.Hold(d.Context(), t, to, back.There)
}

// follows lets all follow again.
func (d *drawn) follows() error {
	room := d.room()
	targets, err := room.Known(d.Context(), "web")
	if err == nil {
		err = room.LookAll(d.Context(), targets)
	}
	if err != nil {
		return err
	}
	for _, t := range targets {
		follows := false
		if t.Rolled.Problem == "" {
			if follows, err = room.Follow(d.Context(), t, "ada"); err != nil {
				return err
			}
		}
		d.say("  %s follows: %t %s", t.Rolled.Target, follows, t.Rolled.Problem)
	}
	return nil
}

func (d *drawn) say(format string, args ...any) {
	fmt.Fprintf(&d.log, format+"\n", args...)
}

// text is a value without its zeros, in few words.
func text(v any) string {
	written, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return steptest.Timeless(strings.ReplaceAll(string(written), `"`, ""))
}

// shown is what a report says of a target, each sentence once.
func (d *drawn) shown(r job.Rolled) string {
	r.Name = ""
	for _, said := range []*string{&r.Problem, &r.Note} {
		*said = d.short(*said)
		if d.told[*said] && len(*said) > 40 {
			*said = (*said)[:30] + "..."
		}
		d.told[*said] = true
	}
	return text(r)
}

// looks writes down what is not as it was: versions, parameters and what the ledger has.
func (d *drawn) looks() {
	d.Helper()
	now := d.state()
	seen := map[string]bool{}
	for _, line := range now {
		if seen[line] = true; !d.seen[line] {
			d.say("  = %s", line)
		}
	}
	d.seen = seen
}

func (d *drawn) state() (lines []string) {
	d.Helper()
	for n, id := range d.templates {
		out, err := d.EC2.DescribeLaunchTemplateVersions(d.Context(),
			&sdk.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: aws.String(id)})
		d.Must(err)
		var versions []string
		for _, v := range out.LaunchTemplateVersions {
			versions = append(versions, one(v))
		}
		lines = append(lines, fmt.Sprintf("lt%d: %s", n, strings.Join(versions[:min(len(versions), 5)], ", ")))
	}
	for _, name := range parameters {
		if value, ok := d.Parameters.Value(name); ok {
			lines = append(lines, name+": "+value)
		}
	}
	for _, key := range []string{"web", d.Web, d.twin} {
		for t, err := range d.Ledger.Kept.Targets(d.Context(), key) {
			d.Must(err)
			lines = append(lines, "ledger "+record(t))
		}
	}
	return lines
}

// record is what the ledger has of a target, its two latest points among it.
func record(t ledger.TargetRecord) string {
	said := t.Source + " " + t.ID
	for _, p := range t.Points[:min(len(t.Points), 2)] {
		said += " < " + point(p)
	}
	if len(t.Made)+len(t.Through) > 0 {
		said += fmt.Sprint(" made ", t.Made, t.Through)
	}
	if t.Back != nil {
		said += " back " + point(*t.Back)
	}
	if t.Begun != nil {
		said += " begun from " + point(t.Begun.From) + " to " + point(t.Begun.To)
	}
	if t.Left != nil {
		said += " left " + text(t.Left)
	}
	return said
}

// point is an image, its version, and who put it there; what there was before by default, latest and base.
func point(p ledger.Point) string {
	said := fmt.Sprintf("%s@%d %s%s%s", p.Image, p.Version, p.Run, p.By, after(p.Source))
	if p.Stays {
		said += " stays"
	}
	if p.At.IsZero() {
		said += " undated"
	}
	if w := p.Was; w != nil {
		said += fmt.Sprintf(" was(%s@%d %s@%d %s@%d %v)", w.Default.Image, w.Default.Number, w.Latest.Image,
			w.Latest.Number, w.Base.Image, w.Base.Number, w.Groups)
	}
	return strings.ReplaceAll(said, " )", ")")
}

func after(source string) string {
	if source == "" {
		return ""
	}
	return " of " + source
}

// one is a version: its number, "*" for the default, its image and what a person may edit.
func one(v types.LaunchTemplateVersion) string {
	data := v.LaunchTemplateData
	said := fmt.Sprint(aws.ToInt64(v.VersionNumber))
	if aws.ToBool(v.DefaultVersion) {
		said += "*"
	}
	said += " " + aws.ToString(data.ImageId) + " " + aws.ToString(data.KeyName)
	for _, m := range data.BlockDeviceMappings {
		if m.Ebs != nil {
			said += " " + aws.ToString(m.DeviceName) + "=" + aws.ToString(m.Ebs.SnapshotId)
		}
	}
	if why := aws.ToString(v.VersionDescription); why != "" {
		said += " (" + why + ")"
	}
	return said
}

// does is one step of a transcript; what does not pass is told.
func (d *drawn) does(what string, step func() error) {
	d.Helper()
	d.say("- %s", what)
	d.Disturb(0, steptest.Disturbance{})
	d.went(step())
}

func (d *drawn) went(err error) {
	if err != nil {
		d.say("  error: %s", steptest.Timeless(err.Error()))
	}
	d.say("  %d calls", len(d.Calls()))
}
