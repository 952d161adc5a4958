// Command lambda wires function select.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	selection "goldsmith/functions/select"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/settings"
)

func main() { handler.Start("select", wire) }

func wire(ctx context.Context) (handler.Func[job.Page, job.Page], error) {
	s, err := settings.Load(ctx, settings.Table)
	if err != nil {
		return nil, err
	}
	return selection.New(ec2.NewFromConfig(s.AWS), s.Ledger(), time.Now).Handle, nil
}
