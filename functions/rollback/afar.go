package rollback

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/event"
	"goldsmith/shared/ledger"
	"goldsmith/shared/rollout"
)

// Afar leads back what copies were rolled into in another Region, and looks at images there.
type Afar struct {
	rollout.Writer
	Images ec2.DescribeImagesAPIClient
}

// farAfter begins what an answer says of how far it came, once all is done at home: a Region and the id of a target
// there. No parameter is called so: one with slashes begins with one.
const farAfter = "region/"

// afar leads back what the name's copies were rolled into, in each Region that has such: to the copy of the image that
// home goes back to. all are the targets at home, home those that this call has done.
func (s Step) afar(
	ctx context.Context, asked event.Rollback, all []*rollout.Target, home []*target, answer *Answer,
) (done []*target, err error) {
	copies, err := s.copies(ctx, asked.Name, all)
	if err != nil || len(copies) == 0 {
		return nil, err
	}
	region, after, begun := came(asked.After)
	if !begun && rollout.Late(ctx) {
		answer.More, answer.After = len(copies), farAfter
		return nil, nil
	}
	to, why, err := s.homeTo(ctx, asked, all, home)
	if err != nil {
		return nil, err
	}
	for _, each := range behind(copies, region) {
		if each != region {
			after = ""
		}
		f := abroad{Step: s, region: each, at: s.Afar(each), asked: asked, copies: copies[each], to: to, why: why}
		more, left := f.play(ctx, after, len(done) == 0)
		if done = append(done, more...); left > 0 {
			answer.More, answer.After = left, asked.After
			if len(done) > 0 {
				last := done[len(done)-1]
				answer.After = farAfter + last.Region + "/" + last.Target
			}
			return done, nil
		}
	}
	return done, nil
}

// behind are the Regions from one on, in order.
func behind(copies map[string]map[string]ledger.Registration, region string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(copies)), func(each string) bool { return each < region })
}

// came is how far earlier calls have come: the Region and the target there that they did last.
func came(after string) (region, target string, begun bool) {
	rest, begun := strings.CutPrefix(after, farAfter)
	if begun {
		region, target, _ = strings.Cut(rest, "/")
	}
	return region, target, begun
}

// copies are the copies of the name's images by Region and by what they are copies of. A target that follows again does
// not say whose images it had: who has the name is asked as well, and a name may be an instance's id.
func (s Step) copies(
	ctx context.Context, name string, all []*rollout.Target,
) (map[string]map[string]ledger.Registration, error) {
	o, _, err := s.Ledger.Owner(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("reading whose the name %s is: %w", name, err)
	}
	lineages := map[string]bool{o.Lineage: true, name: true}
	for _, t := range all {
		for _, p := range t.Record.Points {
			lineages[p.Lineage], lineages[p.Source] = true, true
		}
	}
	delete(lineages, "")
	found := map[string]map[string]ledger.Registration{}
	for _, lineage := range slices.Sorted(maps.Keys(lineages)) {
		for r, err := range s.Ledger.Registrations(ctx, lineage) {
			if err != nil {
				return nil, fmt.Errorf("reading what copies there are of %s: %w", lineage, err)
			}
			if r.IsCopy() && r.Region != s.Home {
				note(found, r)
			}
		}
	}
	return found, nil
}

// note puts a copy into its Region. One that has no id yet says that the Region has copies.
func note(found map[string]map[string]ledger.Registration, r ledger.Registration) {
	if found[r.Region] == nil {
		found[r.Region] = map[string]ledger.Registration{}
	}
	if r.ID != "" {
		found[r.Region][r.From] = r
	}
}

// homeTo is the image that home has gone back to, or would, and why there is not one. home are the targets of a
// rehearsal. What could not be led back at home leads no Region: without a target that is held there, copies are rolled
// as before, and a Region would be held by itself at another image than home has.
func (s Step) homeTo(
	ctx context.Context, asked event.Rollback, all []*rollout.Target, home []*target,
) (to, why string, err error) {
	if asked.Follow {
		return "", "", nil
	}
	if !asked.Dry {
		asked.After = ""
		if home, err = s.targets(ctx, asked, all); err != nil {
			return "", "", err
		}
	}
	switch images := backTo(home, asked.Dry); len(images) {
	case 0:
		return "", "nothing is rolled back at home", nil
	case 1:
		return images[0], "", nil
	default:
		return "", "what is rolled back at home goes back to several images (" + strings.Join(images, ", ") +
			"); name one of them with --to", nil
	}
}

// backTo are the images that targets have gone back to or, of a rehearsal, would.
func backTo(home []*target, dry bool) (images []string) {
	for _, t := range home {
		if t.Problem == "" && (dry || t.gone()) && !slices.Contains(images, t.To) {
			images = append(images, t.To)
		}
	}
	return images
}

// gone reports whether a target at home is where it was to go back to. An alias that Parameter Store still checks does
// not show it; what it is held at does, or that it follows again.
func (t *target) gone() bool {
	if t.There || t.known.Record.Back != nil && t.known.Record.Back.Image == t.To {
		return true
	}
	last, rolled := rollout.Latest(t.known.Record)
	return !t.known.Template() && t.known.Record.Back == nil && rolled && last.Image == t.To
}

// abroad is one Region of a rollback.
type abroad struct {
	Step
	region string
	at     Afar
	asked  event.Rollback
	// copies are its copies, by what they are copies of.
	copies map[string]ledger.Registration
	// to is the image that home goes back to; why is why there is not one.
	to, why string
}

// play does the Region's targets behind one, while there is time, and says how many are left. What cannot be done is
// told: home is rolled back all the same.
func (f abroad) play(ctx context.Context, after string, first bool) (done []*target, left int) {
	known, err := f.known(ctx)
	known = slices.DeleteFunc(known, func(k *rollout.Target) bool { return k.Record.ID <= after })
	if err == nil {
		err = f.at.LookAll(ctx, known)
	}
	if err != nil {
		t := &target{Result: Result{Region: f.region}, known: &rollout.Target{}, at: &f.at.Writer}
		t.Target, t.Problem = rollout.TakersOf(f.asked.Name), "not looked at; "+again(err)
		return []*target{t}, 0
	}
	for _, k := range known {
		if rollout.Late(ctx) && (!first || len(done) > 0) {
			return done, len(known) - len(done)
		}
		t := &target{Result: Result{Rolled: k.Rolled, Region: f.region}, known: k, at: &f.at.Writer}
		if err := f.one(ctx, t); err != nil {
			t.Problem = again(err)
		}
		done = append(done, t)
	}
	return done, 0
}

// known are the Region's targets.
func (f abroad) known(ctx context.Context) ([]*rollout.Target, error) {
	if f.asked.Follow {
		return f.at.Held(ctx, f.asked.Name)
	}
	return f.at.Known(ctx, f.asked.Name)
}

func (f abroad) one(ctx context.Context, t *target) (err error) {
	if f.asked.Follow {
		return f.follow(ctx, t, f.asked)
	}
	if t.Problem != "" {
		return nil
	}
	if t.Problem, err = f.decide(ctx, t); err != nil || t.Problem != "" || f.asked.Dry {
		return err
	}
	was := t.There
	if err := f.Step.one(ctx, f.at.Writer, t, f.asked); err != nil {
		return err
	}
	if !was && t.Problem == "" && t.known.Template() {
		t.leave([]string{"which groups there launch or run what is undone is not looked at"})
	}
	return nil
}

// decide says where a target of the Region goes back to, or why it stays.
func (f abroad) decide(ctx context.Context, t *target) (problem string, err error) {
	if f.to == "" {
		return "it stays: " + cmp.Or(f.why, "home goes back to no image"), nil
	}
	copied, ok := f.copies[f.to]
	if !ok {
		return fmt.Sprintf("it stays, and has %s: there is no copy in %s of %s, which home goes back to",
			t.known.At.Image, f.region, f.to), nil
	}
	if problem := f.back(t, copied.ID); problem != "" {
		return problem, nil
	}
	t.To, t.There, t.Problem, t.Note = t.back.To.Image, t.back.There, t.back.Problem, t.back.Note
	if t.Problem != "" || t.There {
		return t.Problem, nil
	}
	found, err := imageIn(ctx, f.at.Images, copied.ID)
	if err != nil {
		return "", err
	}
	if why := unfit(found, f.asked.Name, false); why != "" {
		return fmt.Sprintf("it stays, and has %s: %s, the copy in %s of %s, which home goes back to, %s",
			t.known.At.Image, copied.ID, f.region, f.to, why), nil
	}
	return "", nil
}

// back is how a target goes back to a copy; a text is why it is left alone.
func (f abroad) back(t *target, to string) (problem string) {
	t.back = t.known.Back("")
	switch {
	case t.back.Problem == "" && t.back.To.Image == to:
	case t.back.Problem != "" && f.asked.To == "" && !rollout.Had(t.known.Record, t.known.At.Image):
		return t.back.Problem // What a person has put there is not undone unasked.
	default:
		t.back = t.known.Back(to)
	}
	return ""
}
