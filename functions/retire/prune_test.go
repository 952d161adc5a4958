package retire_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/retire"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/lineage"
	"goldsmith/shared/retention"
	"goldsmith/shared/tag"
	"goldsmith/shared/usage"
	"goldsmith/test/steptest"
)

// record is what the ledger says of a subject.
func record(s *steptest.Stage, subject string) job.Retirement {
	s.Helper()
	for r, err := range s.Ledger.Kept.Retirements(s.Context(), "nightly") {
		if s.Must(err); r.Subject == subject {
			return r
		}
	}
	return job.Retirement{}
}

// untag takes the subscription off a template.
func untag(s *steptest.Stage, template string) {
	s.Helper()
	_, err := s.EC2.DeleteTags(s.Context(),
		&sdk.DeleteTagsInput{Resources: []string{template}, Tags: []types.Tag{{Key: aws.String(tag.Source)}}})
	s.Must(err)
}

// Old versions go with their image, of every template that Goldsmith may change, and of no other.
func TestRetirePrunes(t *testing.T) {
	var due, second, first, other string
	given := func(edit func(*steptest.Stage, *job.Batch)) func(*steptest.Stage, *job.Batch) {
		return func(s *steptest.Stage, p *job.Batch) {
			second = of(s, "db", 9)
			deprecated(s, due, 72*time.Hour)
			deprecated(s, second, 72*time.Hour)
			first = template(s, "first", due, second, due, ec2.ImageX86)
			other = template(s, "other", due, ec2.ImageX86)
			edit(s, p)
		}
	}
	const night = sees + "*3" + gates + " DescribeImageAttribute DescribeSnapshotAttribute PutRetirement " +
		"DescribeSnapshots DeregisterImage PutRetirement DescribeSnapshots DeregisterImage"
	has := func(inFirst, inOther []int64, pruned int) func(*steptest.Stage, job.Batch) {
		return func(s *steptest.Stage, _ job.Batch) {
			s.Helper()
			s.Same("versions of first", versions(s, first), inFirst)
			s.Same("versions of other", versions(s, other), inOther)
			s.Same("pruned with due", record(s, due).Pruned, pruned)
			s.Same("pruned with db", record(s, second).Pruned, 1)
			s.Same("statuses", record(s, due).Status+" "+record(s, second).Status, job.Retired+" "+job.Retired)
			s.Same("templates", len(record(s, due).Templates), 0)
		}
	}
	listed := func(edit func(p *job.Batch)) func(*steptest.Stage, *job.Batch) {
		return given(func(s *steptest.Stage, p *job.Batch) { untag(s, other); edit(p) })
	}
	unordered := func(c steptest.Case[job.Batch, job.Batch]) steptest.Case[job.Batch, job.Batch] {
		c.Unordered = true
		c.Want = strings.Replace(c.Want, "GATES", night, 1)
		return c
	}
	const prunes = " DescribeLaunchTemplates Targets DescribeLaunchTemplateVersions DeleteLaunchTemplateVersions"
	const ends = " ListImagesInRecycleBin PutRetirement Retire PutRetirement Retire: ok"
	steptest.Play(t, aged(&due), cases{
		unordered(steptest.Case[job.Batch, job.Batch]{
			Name: "two images, two templates", Given: given(func(*steptest.Stage, *job.Batch) {}),
			Want: "GATES" + prunes + prunes + ends, Then: has([]int64{4}, []int64{2}, 3),
		}),
		unordered(steptest.Case[job.Batch, job.Batch]{
			Name: "a template that does not subscribe is left alone", Given: listed(func(*job.Batch) {}),
			Want: "GATES" + prunes + " DescribeLaunchTemplates" + ends, Then: has([]int64{4}, []int64{1, 2}, 2),
		}),
		unordered(steptest.Case[job.Batch, job.Batch]{
			Name: "unless the plan lists it by its name",
			Given: listed(func(p *job.Batch) {
				p.Plan.Roll.Templates = map[string][]string{"mail": {"x"}, "web": {"y", "other"}}
			}),
			Want: "GATES" + prunes + prunes + ends, Then: has([]int64{4}, []int64{2}, 3),
		}),
		unordered(steptest.Case[job.Batch, job.Batch]{
			Name:  "or by its id",
			Given: listed(func(p *job.Batch) { p.Plan.Roll.Templates = map[string][]string{"web": {other}, "x": nil} }),
			Want:  "GATES" + prunes + prunes + ends, Then: has([]int64{4}, []int64{2}, 3),
		}),
		unordered(steptest.Case[job.Batch, job.Batch]{
			Name: "one that is deleted meanwhile", Want: "GATES" + prunes + " DescribeLaunchTemplates" +
				ends, Then: func(s *steptest.Stage, _ job.Batch) {
				s.Same("status", record(s, due).Status, job.Retired)
			},
			Given: given(func(s *steptest.Stage, _ *job.Batch) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeLaunchTemplates", Resource: other,
					Code: "InvalidLaunchTemplateId.NotFound"})
			}),
		}),
		unordered(steptest.Case[job.Batch, job.Batch]{
			Name: "one that may not be looked at is told, and the other is pruned", Want: "GATES" + prunes +
				" DescribeLaunchTemplates PutRetirement ListImagesInRecycleBin PutRetirement PutRetirement Retire: ok",
			Given: given(func(s *steptest.Stage, _ *job.Batch) {
				s.Cloud.Inject(ec2.Fault{Action: "DescribeLaunchTemplates", Resource: other, Code: "UnauthorizedOperation"})
			}),
			Then: func(s *steptest.Stage, _ job.Batch) {
				s.Same("versions of first", versions(s, first), []int64{4})
				s.Same("status of due", record(s, due).Status, job.Retiring)
				s.Same("left to prune", record(s, due).Templates, []string{other})
				s.Same("status of db", record(s, second).Status, job.Retired)
				s.Same("told",
					strings.HasPrefix(status(s, other), "stuck: pruning the versions of it failed: UnauthorizedOperation"), true)
				s.Same("counted",
					strings.Contains(s.Logs.String(), `"ImagesRetired":1`) && strings.Contains(s.Logs.String(), `"RetiringFailed":1`),
					true)
			},
		}),
	})
}

// More versions than EC2 deletes at once, over pages.
func TestRetirePrunesManyVersions(t *testing.T) {
	var due, many string
	steptest.Play(t, aged(&due), cases{{
		Name: "250 old ones", Unordered: true,
		Want: sees + "*2" + gates + " DescribeLaunchTemplateVersions*2 PutRetirement DescribeSnapshots DeregisterImage " +
			"DescribeLaunchTemplates Targets DescribeLaunchTemplateVersions*2" +
			" DeleteLaunchTemplateVersions*2 ListImagesInRecycleBin PutRetirement Retire: ok",
		Given: func(s *steptest.Stage, _ *job.Batch) {
			deprecated(s, due, 72*time.Hour)
			images := make([]string, 251)
			for n := range images {
				images[n] = due
			}
			images[250] = ec2.ImageX86
			many = template(s, "many", images...)
			for n := range 205 { // what a page of the finder does not hold
				template(s, fmt.Sprintf("x-%03d", n), ec2.ImageX86)
			}
		},
		Then: func(s *steptest.Stage, _ job.Batch) {
			s.Same("versions", versions(s, many), []int64{251})
			s.Same("pruned", record(s, due).Pruned, 250)
		},
	}})
}

// partly is EC2 that refuses some of what it is asked to delete.
type partly struct {
	*sdk.Client
	code types.LaunchTemplateErrorCode
	none bool
}

func (e partly) DeleteLaunchTemplateVersions(
	context.Context, *sdk.DeleteLaunchTemplateVersionsInput, ...func(*sdk.Options),
) (*sdk.DeleteLaunchTemplateVersionsOutput, error) {
	refused := types.DeleteLaunchTemplateVersionsResponseErrorItem{VersionNumber: aws.Int64(1)}
	if !e.none {
		refused.ResponseError = &types.ResponseError{Code: e.code, Message: aws.String("no luck")}
	}
	return &sdk.DeleteLaunchTemplateVersionsOutput{
		UnsuccessfullyDeletedLaunchTemplateVersions: []types.DeleteLaunchTemplateVersionsResponseErrorItem{{}, refused},
	}, nil
}

func TestRetirePrunesPartly(t *testing.T) {
	var due, fleet string
	for _, c := range []struct {
		code types.LaunchTemplateErrorCode
		none bool
		want string
	}{
		{code: types.LaunchTemplateErrorCodeUnexpectedError,
			want: "stuck: pruning the versions of it failed: version 1: unexpectedError: no luck. The next run tries again."},
		{code: types.LaunchTemplateErrorCodeLaunchTemplateVersionDoesNotExist},
		{none: true},
	} {
		stubborn := func(s *steptest.Stage) (handler.Func[job.Batch, job.Batch], job.Batch) {
			_, page := aged(&due)(s)
			reviewer := retention.Reviewer{
				EC2: s.EC2, Ledger: s.Ledger, Lineages: lineage.Finder{EC2: s.EC2, Groups: s.AutoScaling},
				Usage: usage.Finder{EC2: s.EC2, AutoScaling: s.AutoScaling, SSM: s.SSM}, Now: time.Now,
			}
			deprecated(s, due, 72*time.Hour)
			fleet = template(s, "fleet", due, ec2.ImageX86)
			return retire.Step{Reviewer: reviewer, EC2: partly{s.EC2, c.code, c.none}, Ledger: s.Ledger,
				Now: time.Now}.Handle, page
		}
		put := map[bool]string{true: " PutRetirement ListImagesInRecycleBin PutRetirement: ok",
			false: " ListImagesInRecycleBin PutRetirement Retire: ok"}
		steptest.Play(t, stubborn, cases{{
			Name: string(c.code), Unordered: true,
			Want: sees + "*2" + gates + " PutRetirement DescribeSnapshots DeregisterImage DescribeLaunchTemplates Targets " +
				"DescribeLaunchTemplateVersions" + put[c.want != ""],
			Then: func(s *steptest.Stage, _ job.Batch) { s.Same("told", status(s, fleet), c.want) },
		}})
	}
}

// Snapshots that EC2 leaves, since another image uses them, stay registered with theirs.
func TestRetireSharedSnapshots(t *testing.T) {
	var due string
	steptest.Play(t, aged(&due), cases{{
		Name: "another image uses it", Want: sees + "*2" + gates + gone[:len(gone)-len(" Retire")] + " Amend: ok",
		Given: func(s *steptest.Stage, _ *job.Batch) {
			deprecated(s, due, 72*time.Hour)
			_, err := s.EC2.RegisterImage(s.Context(), &sdk.RegisterImageInput{
				Name: aws.String("another"), RootDeviceName: aws.String("/dev/xvda"), Architecture: types.ArchitectureValuesX8664,
				BlockDeviceMappings: []types.BlockDeviceMapping{{
					DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{SnapshotId: aws.String(snapshotsOf(s, due)[0])},
				}},
			})
			s.Must(err)
		},
		Then: func(s *steptest.Stage, _ job.Batch) {
			s.Same("status", strings.HasSuffix(status(s, due), " stays, since another image uses it"), true)
			s.Same("gone", registrationOf(s, due).Gone, time.Now().UTC())
		},
	}})
}

func registrationOf(s *steptest.Stage, id string) ledger.Registration {
	s.Helper()
	r, ok, err := s.Ledger.Kept.Registration(s.Context(), id)
	s.Must(err)
	s.Same("registered", ok, true)
	return r
}
