package claim

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// once asks about the volumes of an instance once in a call of the function: whether they may be read, how they are
// tagged and whom their keys let use them are several questions about one answer.
type once struct {
	instances
	volumes map[string]*ec2.DescribeVolumesOutput
}

// DescribeVolumes implements ec2.DescribeVolumesAPIClient.
func (o once) DescribeVolumes(ctx context.Context, in *ec2.DescribeVolumesInput,
	opts ...func(*ec2.Options)) (*ec2.DescribeVolumesOutput, error) {
	asked, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("asking about volumes: %w", err)
	}
	if known := o.volumes[string(asked)]; known != nil {
		return known, nil
	}
	out, err := o.instances.DescribeVolumes(ctx, in, opts...)
	if err == nil {
		o.volumes[string(asked)] = out
	}
	return out, err
}
