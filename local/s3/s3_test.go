package s3_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"goldsmith/local/account"
	"goldsmith/local/clock"
	"goldsmith/local/query"
	"goldsmith/shared/fault"
)

// stand is an account with a bucket, and the real client of it. An endpoint with an address alone has buckets in paths.
func stand(t *testing.T, endpoint string) (*account.Account, *s3.Client) {
	t.Helper()
	a := account.New(account.Options{Clock: clock.Real(), Region: "eu-central-1", ID: "123456789012"})
	t.Cleanup(a.Close)
	a.Buckets.Deploy("pages")
	return a, s3.NewFromConfig(aws.Config{
		Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", "c"),
		BaseEndpoint: aws.String(endpoint), HTTPClient: query.Client(a),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	})
}

// What is put is there, whole, under its key, and in the place of what was.
func TestPutAndGet(t *testing.T) {
	for _, endpoint := range []string{"http://aws.local", "http://127.0.0.1:4566", "http://localhost:4566"} {
		synctest.Test(t, func(t *testing.T) {
			a, client := stand(t, endpoint)
			for _, text := range []string{"one", "two"} {
				_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("pages"), Key: aws.String("a/b.html"),
					Body: strings.NewReader(text), ContentType: aws.String("text/html"),
					ExpectedBucketOwner: aws.String("123456789012")})
				if err != nil {
					t.Fatal(err)
				}
			}
			out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("pages"),
				Key: aws.String("a/b.html")})
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(out.Body)
			if err != nil || string(text) != "two" || aws.ToString(out.ContentType) != "text/html" {
				t.Errorf("%q of %s, %v", text, aws.ToString(out.ContentType), err)
			}
			if all := a.Buckets.Objects("pages"); len(all) != 1 || all[0].Key != "a/b.html" {
				t.Errorf("there are %v", all)
			}
		})
	}
}

// What S3 refuses is refused, and what is not modelled is refused by name.
func TestRefusals(t *testing.T) {
	put := func(edit func(*s3.PutObjectInput)) func(*testing.T, *s3.Client) error {
		return func(t *testing.T, c *s3.Client) error {
			t.Helper()
			in := &s3.PutObjectInput{Bucket: aws.String("pages"), Key: aws.String("k"), Body: strings.NewReader("text")}
			edit(in)
			_, err := c.PutObject(t.Context(), in)
			return err
		}
	}
	for name, c := range map[string]struct {
		call func(*testing.T, *s3.Client) error
		code string
		says string
	}{
		"no such bucket": {put(func(in *s3.PutObjectInput) { in.Bucket = aws.String("others") }), "NoSuchBucket", ""},
		"another's bucket": {put(func(in *s3.PutObjectInput) { in.ExpectedBucketOwner = aws.String("999999999999") }),
			"AccessDenied", ""},
		"a key that is too long": {put(func(in *s3.PutObjectInput) { in.Key = aws.String(strings.Repeat("k", 1025)) }),
			"KeyTooLongError", ""},
		"a wrong checksum": {put(func(in *s3.PutObjectInput) { in.ChecksumCRC32 = aws.String("AAAAAA==") }), "BadDigest", ""},
		"an access list": {put(func(in *s3.PutObjectInput) { in.ACL = types.ObjectCannedACLPublicRead }), "InvalidArgument",
			"X-Amz-Acl is not modelled"},
		"tags": {put(func(in *s3.PutObjectInput) { in.Tagging = aws.String("a=b") }), "InvalidArgument",
			"X-Amz-Tagging is not modelled"},
		"no such key": {func(t *testing.T, c *s3.Client) error {
			t.Helper()
			_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("pages"), Key: aws.String("none")})
			return err
		}, "NoSuchKey", ""},
		"another operation": {func(t *testing.T, c *s3.Client) error {
			t.Helper()
			_, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("pages"), Key: aws.String("k")})
			return err
		}, "NotImplemented", "DELETE"},
		"a part of an object": {func(t *testing.T, c *s3.Client) error {
			t.Helper()
			_, err := c.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: aws.String("pages"),
				Key: aws.String("k")})
			return err
		}, "NotImplemented", "tagging"},
	} {
		synctest.Test(t, func(t *testing.T) {
			a, client := stand(t, "http://aws.local")
			err := c.call(t, client)
			if fault.Code(err) != c.code || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v, want %s %s", name, err, c.code, c.says)
			}
			if all := a.Buckets.Objects("pages"); len(all) != 0 {
				t.Errorf("%s: there are %v", name, all)
			}
		})
	}
}

// A presigned address is valid for as long as it says, and no longer than S3 allows.
func TestPresigned(t *testing.T) {
	for _, c := range []struct {
		valid, later time.Duration
		status       int
	}{
		{time.Hour, 59 * time.Minute, http.StatusOK},
		{time.Hour, 61 * time.Minute, http.StatusForbidden},
		{8 * 24 * time.Hour, 0, http.StatusBadRequest},
	} {
		synctest.Test(t, func(t *testing.T) {
			a, client := stand(t, "http://aws.local")
			_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("pages"), Key: aws.String("k"),
				Body: strings.NewReader("text")})
			if err != nil {
				t.Fatal(err)
			}
			signed, err := s3.NewPresignClient(client).PresignGetObject(t.Context(),
				&s3.GetObjectInput{Bucket: aws.String("pages"), Key: aws.String("k")}, s3.WithPresignExpires(c.valid))
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(c.later)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, signed.URL, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := query.Client(a).Do(request)
			if err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != c.status {
				t.Errorf("valid for %s, opened after %s: %s", c.valid, c.later, answer.Status)
			}
			if err := answer.Body.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
