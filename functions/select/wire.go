package selection

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"goldsmith/shared/copies"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
	"goldsmith/shared/source"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[job.Batch, job.Batch], error) {
	s, err := read(ctx, settings.Table, settings.VolumeKeys)
	if err != nil {
		return nil, err
	}
	return Step{
		EC2: ec2.NewFromConfig(s.AWS), Quotas: servicequotas.NewFromConfig(s.AWS),
		Keys:   source.Keys{KMS: kms.NewFromConfig(s.AWS), Granted: source.Listed(s.Get(settings.VolumeKeys))},
		Copies: copies.Wire(s.AWS), Ledger: s.Ledger, Now: s.Now,
	}.Handle, nil
}
