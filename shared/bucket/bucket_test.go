package bucket_test

import (
	"testing"

	"goldsmith/shared/bucket"
	"goldsmith/shared/plan"
)

// Links by the console lead into the console of the Region's partition; without a bucket, or a wish, there is none.
func TestLink(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		of   bucket.Bucket
		how  plan.Link
		want string
	}{
		"no bucket": {bucket.Bucket{Region: "eu-west-1"}, plan.Console, ""},
		"no wish":   {bucket.Bucket{Name: "pages", Region: "eu-west-1"}, "", ""},
		"aws": {bucket.Bucket{Name: "pages", Region: "eu-west-1"}, plan.Console,
			"https://eu-west-1.console.aws.amazon.com/s3/object/pages?region=eu-west-1&prefix=runs%2Fnightly-1.html"},
		"China": {bucket.Bucket{Name: "pages", Region: "cn-north-1"}, plan.Console,
			"https://cn-north-1.console.amazonaws.cn/s3/object/pages?region=cn-north-1&prefix=runs%2Fnightly-1.html"},
		"GovCloud": {bucket.Bucket{Name: "pages", Region: "us-gov-west-1"}, plan.Console,
			"https://us-gov-west-1.console.amazonaws-us-gov.com/s3/object/pages?region=us-gov-west-1" +
				"&prefix=runs%2Fnightly-1.html"},
	} {
		got, err := c.of.Link(t.Context(), "nightly-1", c.how)
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}
