// Package request knows how a request tag is taken off once it has its answer.
package request

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/tag"
)

// Untagger takes tags off.
type Untagger interface {
	DeleteTags(context.Context, *ec2.DeleteTagsInput, ...func(*ec2.Options)) (*ec2.DeleteTagsOutput, error)
}

// Ledger is the ledger's requests.
type Ledger interface {
	GetRequest(ctx context.Context, source string) (r ledger.Request, ok bool, err error)
	DropRequest(ctx context.Context, r ledger.Request) error
}

// TakeOff removes the tag of the request that the run answers, with its value: a new one, put on
// meanwhile, stays, and so does one whose later change another run is to answer.
func TakeOff(ctx context.Context, tags Untagger, l Ledger, r job.Request, run string) error {
	known, ok, err := l.GetRequest(ctx, r.Source)
	if err != nil {
		return fmt.Errorf("looking up the request of %s: %w", r.Source, err)
	}
	answers := ok && known.Run == run
	if answers && known.Later != nil {
		return nil
	}
	_, err = tags.DeleteTags(ctx, &ec2.DeleteTagsInput{
		Resources: []string{r.Source},
		Tags:      []types.Tag{{Key: aws.String(tag.Request), Value: aws.String(r.Value)}},
	})
	if err != nil {
		return fmt.Errorf("taking the request tag off %s: %w", r.Source, err)
	}
	if !answers {
		return nil
	}
	// It is off: a tag that is seen from now on is a new request.
	if err := l.DropRequest(ctx, known); err != nil {
		return fmt.Errorf("forgetting the request of %s: %w", r.Source, err)
	}
	return nil
}
