package wake

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
	"goldsmith/shared/wait"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[json.RawMessage, struct{}], error) {
	s, err := read(ctx, settings.Table, settings.Account)
	if err != nil {
		return nil, err
	}
	settle := wait.Settler{
		EC2: ec2.NewFromConfig(s.AWS), Groups: autoscaling.NewFromConfig(s.AWS), Tokens: sfn.NewFromConfig(s.AWS),
		Ledger: s.Ledger, Now: s.Now,
	}
	return Step{Waits: s.Ledger, Settler: settle, Home: s.Home()}.Handle, nil
}
