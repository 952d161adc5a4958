package rollback

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/handler"
	"goldsmith/shared/notify"
	"goldsmith/shared/rollout"
	"goldsmith/shared/settings"
)

// Wire makes the function, of what its deployment tells it.
func Wire(ctx context.Context, read settings.Reader) (handler.Func[json.RawMessage, Answer], error) {
	s, err := read(ctx, settings.Table, settings.SlackSecret, settings.Topic, settings.Channels)
	if err != nil {
		return nil, err
	}
	cloud, scaling, values := ec2.NewFromConfig(s.AWS), autoscaling.NewFromConfig(s.AWS), ssm.NewFromConfig(s.AWS)
	fleet := Fleet{Groups: scaling, Members: cloud, Parameters: values, Ledger: s.Ledger}
	afar := func(region string) Afar {
		there := s.AWS.Copy()
		there.Region = region
		return Afar{Images: ec2.NewFromConfig(there), Writer: rollout.WireAbroad(s, region)}
	}
	return Step{
		Home: s.AWS.Region, Afar: afar, EC2: cloud, AutoScaling: scaling, SSM: values, Ledger: s.Ledger,
		People: notify.PeopleOf(s), Refreshes: fleet, Now: s.Now,
	}.Handle, nil
}
