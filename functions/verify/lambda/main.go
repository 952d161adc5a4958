// Command lambda wires function verify.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/functions/verify"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
)

func main() { handler.Start("verify", wire) }

func wire(ctx context.Context) (handler.Func[verify.Input, job.Job], error) {
	s, err := settings.Load(ctx, settings.Table)
	if err != nil {
		return nil, err
	}
	return verify.New(ec2.NewFromConfig(s.AWS), ssm.NewFromConfig(s.AWS), s.Ledger(), time.Now).Handle, nil
}
