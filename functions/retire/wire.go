package retire

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/lineage"
	"goldsmith/shared/retention"
	"goldsmith/shared/settings"
	"goldsmith/shared/usage"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[job.Batch, job.Batch], error) {
	s, err := read(ctx, settings.Table, settings.ImagePath)
	if err != nil {
		return nil, err
	}
	cloud, scaling := ec2.NewFromConfig(s.AWS), autoscaling.NewFromConfig(s.AWS)
	lineages := lineage.Finder{EC2: cloud, Groups: scaling}
	reviewer := retention.Reviewer{EC2: cloud, Ledger: s.Ledger, Lineages: lineages, Usage: usage.Wire(s), Now: s.Now}
	// What copies were made of lives at home, and so do its lineages.
	afar := func(region string) (imageReviewer, ec2API) {
		there := s
		there.AWS.Region = region
		cloud := ec2.NewFromConfig(there.AWS)
		return retention.Reviewer{
			Region: region, EC2: cloud, Ledger: s.Ledger, Lineages: lineages, Usage: usage.Wire(there), Now: s.Now,
		}, cloud
	}
	return Step{Reviewer: reviewer, EC2: cloud, Afar: afar, Ledger: s.Ledger, Now: s.Now}.Handle, nil
}
