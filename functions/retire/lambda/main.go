// Command lambda wires function retire.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/functions/retire"
	"goldsmith/shared/handler"
	"goldsmith/shared/job"
	"goldsmith/shared/lineage"
	"goldsmith/shared/reference"
	"goldsmith/shared/retention"
	"goldsmith/shared/settings"
)

func main() { handler.Start("retire", wire) }

func wire(ctx context.Context) (handler.Func[job.Page, job.Page], error) {
	s, err := settings.Load(ctx, settings.Table, settings.ImagePath)
	if err != nil {
		return nil, err
	}
	cloud, book, scaling := ec2.NewFromConfig(s.AWS), s.Ledger(), autoscaling.NewFromConfig(s.AWS)
	gate := reference.Gate{EC2: cloud, AutoScaling: scaling, SSM: ssm.NewFromConfig(s.AWS), Path: s.Get(settings.ImagePath)}
	watcher := retention.Watcher{EC2: cloud, Book: book, Lineages: lineage.Finder{EC2: cloud, Groups: scaling}, Gate: gate, Now: time.Now}
	return retire.New(watcher, cloud, book, time.Now).Handle, nil
}
