package steptest

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
)

// Twins is an EC2 in which another instance has a client token, too. Whoever asks for instances is shown it both before
// and after the others.
type Twins struct {
	*sdk.Client
	Token, Other string
}

// DescribeInstances shows the other one as well.
func (w Twins) DescribeInstances(
	ctx context.Context, in *sdk.DescribeInstancesInput, o ...func(*sdk.Options),
) (*sdk.DescribeInstancesOutput, error) {
	out, err := w.Client.DescribeInstances(ctx, in, o...)
	if err != nil {
		return nil, err
	}
	also, err := w.Client.DescribeInstances(ctx, &sdk.DescribeInstancesInput{InstanceIds: []string{w.Other}})
	if err != nil {
		return nil, err
	}
	also.Reservations[0].Instances[0].ClientToken = aws.String(w.Token)
	out.Reservations = slices.Concat(also.Reservations, out.Reservations, also.Reservations)
	return out, nil
}
