package copying

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/organizations"

	"goldsmith/shared/copies"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/lineage"
	"goldsmith/shared/rollout"
	"goldsmith/shared/settings"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[Input, job.Job], error) {
	s, err := read(ctx, settings.Table, settings.ImagePath)
	if err != nil {
		return nil, err
	}
	in := copies.EC2(s.AWS)
	// What copies were made of lives at home, and so do its lineages.
	lineages := lineage.Finder{EC2: ec2.NewFromConfig(s.AWS), Groups: autoscaling.NewFromConfig(s.AWS)}
	rolls := func(region string) rollout.Writer {
		w := rollout.WireAbroad(s, region)
		w.Lineages, w.Path = lineages, s.Get(settings.ImagePath)
		return w
	}
	return Step{
		Home: s.AWS.Region, In: func(region string) EC2 { return in(region) },
		Organizations: organizations.NewFromConfig(s.AWS), Ledger: s.Ledger, Rolls: rolls, Now: s.Now,
	}.Handle, nil
}
