package retire

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/retention"
	"goldsmith/shared/settings"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[job.Batch, job.Batch], error) {
	s, err := read(ctx, settings.Table, settings.ImagePath)
	if err != nil {
		return nil, err
	}
	afar := func(region string) (imageReviewer, ec2API) {
		there := s.AWS.Copy()
		there.Region = region
		return retention.Wire(s, region), ec2.NewFromConfig(there)
	}
	return Step{
		Reviewer: retention.Wire(s, ""), EC2: ec2.NewFromConfig(s.AWS), Afar: afar, Ledger: s.Ledger, Now: s.Now,
	}.Handle, nil
}
