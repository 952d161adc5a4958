package rollback_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/functions/rollback"
	"goldsmith/local/ec2"
	"goldsmith/shared/handler"
	"goldsmith/shared/ledger"
	"goldsmith/test/steptest"
)

// limit is how long one call may take.
const limit = 55 * time.Second

// shelf is a step, and many templates that were rolled from one image to another.
func shelf(many int) func(*steptest.Stage) (handler.Func[json.RawMessage, rollback.Answer], json.RawMessage) {
	return func(s *steptest.Stage) (handler.Func[json.RawMessage, rollback.Answer], json.RawMessage) {
		for i := range many {
			s.Must(rolledTemplate(s, fmt.Sprintf("team-%04d", i)))
		}
		step := rollback.Step{
			EC2: s.EC2, AutoScaling: s.AutoScaling, SSM: s.SSM, Ledger: s.Ledger, People: s.People(),
			Refreshes: rollback.Fleet{Groups: s.AutoScaling, Members: s.EC2, Ledger: s.Ledger}, Now: time.Now,
		}
		return func(ctx context.Context, in json.RawMessage) (rollback.Answer, error) {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			return step.Handle(ctx, in)
		}, ask(`"name":"web","by":"ada"`)
	}
}

func rolledTemplate(s *steptest.Stage, name string) error {
	made, err := s.EC2.CreateLaunchTemplate(s.Context(), &sdk.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String(name), LaunchTemplateData: &ec2types.RequestLaunchTemplateData{
			ImageId: aws.String(ec2.ImageX86)},
	})
	if err != nil {
		return err
	}
	id := made.LaunchTemplate.LaunchTemplateId
	if _, err = s.EC2.CreateLaunchTemplateVersion(s.Context(), &sdk.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: id, SourceVersion: aws.String("1"),
		LaunchTemplateData: &ec2types.RequestLaunchTemplateData{ImageId: aws.String(ec2.ImageWindows)},
	}); err != nil {
		return err
	}
	if _, err = s.EC2.ModifyLaunchTemplate(s.Context(), &sdk.ModifyLaunchTemplateInput{
		LaunchTemplateId: id, DefaultVersion: aws.String("2"),
	}); err != nil {
		return err
	}
	_, err = s.Ledger.Kept.PutTarget(s.Context(), ledger.TargetRecord{
		Source: "web", ID: aws.ToString(id), Title: name, Points: []ledger.Point{
			{Image: ec2.ImageWindows, Version: 2, Run: "tuesday"}, {Image: ec2.ImageX86, Version: 1},
		},
	})
	return err
}

// However many templates there are, each call ends in time, the next goes on where it ended, and each template gets one
// version more.
func TestManyTemplates(t *testing.T) {
	const many = 700
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		step, in := shelf(many)(s)
		done := 0
		for {
			a, err := step(s.Context(), in)
			s.Must(err)
			done += len(a.Targets)
			for _, t := range a.Targets {
				s.Same("note of "+t.Name, t.Note, "")
			}
			if a.More == 0 {
				break
			}
			in = ask(`"name":"web","by":"ada","after":"` + a.After + `"`)
		}
		s.Same("targets", done, many)
		s.Same("templates that are not led back by one version", apart(s), 0)
	})
}

// apart is how many templates' $Default or $Latest are not version 3 with the earlier image.
func apart(s *steptest.Stage) (wrong int) {
	pages := sdk.NewDescribeLaunchTemplateVersionsPaginator(s.EC2,
		&sdk.DescribeLaunchTemplateVersionsInput{Versions: []string{"$Default", "$Latest"}})
	for pages.HasMorePages() {
		out, err := pages.NextPage(s.Context())
		s.Must(err)
		for _, v := range out.LaunchTemplateVersions {
			if aws.ToString(v.LaunchTemplateData.ImageId) != ec2.ImageX86 || aws.ToInt64(v.VersionNumber) != 3 {
				wrong++
			}
		}
	}
	return wrong
}

// A call whose time is nearly over does one target and says what comes next.
func TestACallThatHasLittleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		step, in := shelf(3)(s)
		ctx, cancel := context.WithTimeout(s.Context(), limit/5)
		defer cancel()
		a, err := step(ctx, in)
		s.Must(err)
		s.Same("answer", []any{len(a.Targets), a.More, a.After}, []any{1, 2, a.Targets[0].Target})
	})
}
