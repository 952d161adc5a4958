package copying

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/organizations"

	"goldsmith/shared/copies"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[Input, job.Job], error) {
	s, err := read(ctx, settings.Table)
	if err != nil {
		return nil, err
	}
	in := copies.EC2(s.AWS)
	return Step{
		Home: s.AWS.Region, In: func(region string) EC2 { return in(region) },
		Organizations: organizations.NewFromConfig(s.AWS), Ledger: s.Ledger, Now: s.Now,
	}.Handle, nil
}
