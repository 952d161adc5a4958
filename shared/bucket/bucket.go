// Package bucket knows the suite's bucket: the page of each run lies there, for as long as the ledger remembers the
// run.
package bucket

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"goldsmith/shared/plan"
	"goldsmith/shared/report"
	"goldsmith/shared/settings"
)

// Key is where the page of a run lies.
func Key(run string) string { return "runs/" + run + ".html" }

// Bucket is the suite's, or none where no plan's messages lead to pages.
type Bucket struct {
	S3   *s3.Client
	Name string
	// Region and Account are the bucket's: one of the same name that is another's gets no page.
	Region, Account string
}

// Wire makes the bucket of a function. Its settings name it.
func Wire(s settings.Settings) Bucket {
	return Bucket{S3: s3.NewFromConfig(s.AWS), Name: s.Get(settings.Bucket), Region: s.AWS.Region,
		Account: s.Get(settings.Account)}
}

// Put puts the page of a run in the place of an earlier one.
func (b Bucket) Put(ctx context.Context, run string, page []byte) error {
	_, err := b.S3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(b.Name), Key: aws.String(Key(run)), Body: bytes.NewReader(page),
		ContentType: aws.String("text/html; charset=utf-8"), ExpectedBucketOwner: aws.String(b.Account),
	})
	if err != nil {
		return fmt.Errorf("putting the page of run %s into bucket %s: %w", run, b.Name, err)
	}
	return nil
}

// valid is for how long a presigned link is asked for, which is S3's most. It is valid no longer than the credentials
// that signed it (S3 User Guide, "Download and upload objects with presigned URLs"), which are the function's role's.
const valid = 7 * 24 * time.Hour

// Link leads to the page of a run, whether that lies there already or will in a moment; empty where there is none.
func (b Bucket) Link(ctx context.Context, run string, how plan.Link) (string, error) {
	switch {
	case b.Name == "" || how == "":
		return "", nil
	case how == plan.Presigned:
		signed, err := s3.NewPresignClient(b.S3).PresignGetObject(ctx,
			&s3.GetObjectInput{Bucket: aws.String(b.Name), Key: aws.String(Key(run))}, s3.WithPresignExpires(valid))
		if err != nil {
			return "", fmt.Errorf("signing a link to the page of run %s: %w", run, err)
		}
		return signed.URL, nil
	}
	return b.console(run), nil
}

// console is the page in the console of S3.
func (b Bucket) console(run string) string {
	return fmt.Sprintf("https://%s.%s/s3/object/%s?region=%[1]s&prefix=%[4]s", b.Region,
		report.ConsoleHost(plan.PartitionOf(b.Region)), b.Name, url.QueryEscape(Key(run)))
}
