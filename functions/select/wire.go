package selection

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[job.Batch, job.Batch], error) {
	s, err := read(ctx, settings.Table)
	if err != nil {
		return nil, err
	}
	fleet, keys := ec2.NewFromConfig(s.AWS), kms.NewFromConfig(s.AWS)
	return New(fleet, keys, servicequotas.NewFromConfig(s.AWS), s.Ledger, s.Now).Handle, nil
}
