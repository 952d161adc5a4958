package rehearsal

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/image"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/register"
	"goldsmith/shared/tag"
)

// after is the account as the run would leave it: what EC2, Parameter Store and
// the ledger say now, with what the run changes before it looks at old images.
// So retention and its gates decide by their own code about tomorrow.
type after struct {
	EC2
	ledgerAPI
	// values is Parameter Store.
	values parametersAPI
	run    string
	// made are the images that would be there, newest when they would be, results those of their jobs, and
	// registered what the register would have of them.
	made       []types.Image
	jobs       []job.Job
	newest     time.Time
	results    []job.Result
	registered []ledger.Registration
	// expected are the ids of made; EC2 gives real ones.
	expected map[string]bool
	// templates are the launch templates that would launch a new image, by id, and aliases the parameters that would hold
	// one.
	templates map[string]string
	aliases   map[string]string
}

func newAfter(s Stage, run job.Run, p plan.Plan, n Night) *after {
	a := &after{
		EC2: s.EC2, ledgerAPI: s.Ledger, values: s.Parameters, run: run.Name, newest: s.Now(),
		expected: map[string]bool{}, templates: map[string]string{}, aliases: map[string]string{},
	}
	for _, source := range n.Sources {
		if source.Decision == job.SkipIt || source.Decision == job.RegisterIt && source.Registering == nil {
			continue
		}
		a.make(job.Job{Run: run, Plan: p, Source: source.job(), General: source.General})
	}
	a.point(n.Templates)
	return a
}

// make has the image of a job there, and its general image where it has one.
func (a *after) make(j job.Job) {
	j.Image.ID, j.Image.Name = Expected(j.Source.ID), image.Name(j)
	result := job.Result{Run: a.run, Source: j.Source.ID}
	own := register.ImageOf(j)
	if j.General == job.GeneralWanted {
		own.ID = "own image of " + j.Source.ID
		a.there(j, own, own.Source)
		result.Raw = &job.Image{ID: own.ID, State: string(types.ImageStateAvailable)}
		j.Clone.Instance = "clone of " + j.Source.ID
		own = register.GeneralOf(j, a.newest)
		j.Image.Name, j.Image.General = own.AMIName, true
	}
	own.ID = j.Image.ID
	a.there(j, own, cmp.Or(j.Clone.Instance, own.Source))
	result.Image = job.Image{ID: own.ID, State: string(types.ImageStateAvailable), General: j.Image.General}
	a.results = append(a.results, result)
	if j.General != job.GeneralLeft { // Which is not copied.
		a.jobs = append(a.jobs, j)
	}
}

// there has an image of an instance there.
func (a *after) there(j job.Job, r ledger.Registration, of string) {
	a.expected[r.ID] = true
	a.registered = append(a.registered, r)
	a.made = append(a.made, types.Image{
		ImageId: aws.String(r.ID), Name: aws.String(r.AMIName), SourceInstanceId: aws.String(of),
		State: types.ImageStateAvailable, Tags: tag.List(image.Tags(j)),
	})
}

// point has what would be rolled hold the new images.
func (a *after) point(rolls []Roll) {
	for _, t := range rolls {
		switch {
		case t.Problem != "":
		case t.Template():
			a.templates[t.Target] = t.To
		default:
			a.aliases[t.Target] = t.To
		}
	}
}

// Expected is what the image of a source is called that does not exist yet.
func Expected(source string) string { return "new image of " + source }

// DescribeImages lists the images of a plan, those to come on the last page. They
// are the newest, whatever this machine's clock says.
func (a *after) DescribeImages(ctx context.Context, in *ec2.DescribeImagesInput,
	o ...func(*ec2.Options)) (*ec2.DescribeImagesOutput, error) {
	out, err := a.EC2.DescribeImages(ctx, in, o...)
	if err != nil {
		return out, err
	}
	for _, i := range out.Images {
		if at, err := time.Parse(time.RFC3339, aws.ToString(i.CreationDate)); err == nil && !at.Before(a.newest) {
			a.newest = at.Add(time.Second)
		}
	}
	if out.NextToken == nil {
		for _, i := range a.made {
			i.CreationDate = aws.String(a.newest.UTC().Format(time.RFC3339))
			out.Images = append(out.Images, i)
		}
	}
	return out, nil
}

// Results are those of a run; of the rehearsed one those to come.
func (a *after) Results(ctx context.Context, run string) iter.Seq2[job.Result, error] {
	if run != a.run {
		return a.ledgerAPI.Results(ctx, run)
	}
	return func(yield func(job.Result, error) bool) {
		for _, r := range a.results {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Registrations are those there are, and those to come.
func (a *after) Registrations(ctx context.Context, lineage string) iter.Seq2[ledger.Registration, error] {
	return func(yield func(ledger.Registration, error) bool) {
		for r, err := range a.ledgerAPI.Registrations(ctx, lineage) {
			if !yield(r, err) {
				return
			}
		}
		for _, r := range a.registered {
			if (lineage == "" || r.Lineage == lineage) && !yield(r, nil) {
				return
			}
		}
	}
}

// DescribeLaunchTemplateVersions shows the rolled templates with one version, which is
// default and latest. A version that a group pins by its number is asked for by its
// template, and stays.
func (a *after) DescribeLaunchTemplateVersions(ctx context.Context, in *ec2.DescribeLaunchTemplateVersionsInput,
	o ...func(*ec2.Options)) (*ec2.DescribeLaunchTemplateVersionsOutput, error) {
	out, err := a.EC2.DescribeLaunchTemplateVersions(ctx, in, o...)
	if err != nil || in.LaunchTemplateId != nil || in.LaunchTemplateName != nil {
		return out, err
	}
	for i, v := range out.LaunchTemplateVersions {
		if to, rolled := a.templates[aws.ToString(v.LaunchTemplateId)]; rolled {
			v.DefaultVersion, v.LaunchTemplateData = aws.Bool(true), &types.ResponseLaunchTemplateData{ImageId: aws.String(to)}
			out.LaunchTemplateVersions[i] = v
		}
	}
	return out, nil
}

// DescribeImageReferences leaves out the parameters that would hold another image.
func (a *after) DescribeImageReferences(ctx context.Context, in *ec2.DescribeImageReferencesInput,
	o ...func(*ec2.Options)) (*ec2.DescribeImageReferencesOutput, error) {
	known := *in
	known.ImageIds = slices.DeleteFunc(slices.Clone(in.ImageIds), func(id string) bool { return a.expected[id] })
	if len(known.ImageIds) == 0 {
		return &ec2.DescribeImageReferencesOutput{}, nil
	}
	out, err := a.EC2.DescribeImageReferences(ctx, &known, o...)
	if err != nil {
		return out, err
	}
	out.ImageReferences = slices.DeleteFunc(out.ImageReferences, func(r types.ImageReference) bool {
		_, name, ok := strings.Cut(aws.ToString(r.Arn), ":parameter/")
		_, plain := a.aliases[name]
		_, rooted := a.aliases["/"+name]
		return ok && (plain || rooted)
	})
	return out, nil
}

// DescribeImageAttribute says of an image to come that no other account may launch it.
func (a *after) DescribeImageAttribute(ctx context.Context, in *ec2.DescribeImageAttributeInput,
	o ...func(*ec2.Options)) (*ec2.DescribeImageAttributeOutput, error) {
	if a.expected[aws.ToString(in.ImageId)] {
		return &ec2.DescribeImageAttributeOutput{}, nil
	}
	return a.EC2.DescribeImageAttribute(ctx, in, o...)
}
