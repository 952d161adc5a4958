package fault_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// inProcess hands requests to a handler without a socket.
type inProcess struct{ http.Handler }

func (h inProcess) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// config is that of a client which asks once.
func config(client aws.HTTPClient) aws.Config {
	return aws.Config{
		Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), HTTPClient: client,
		Retryer: func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), 1) },
	}
}

// services call one operation of a service each, over that service's own protocol.
var services = map[string]struct {
	call  func(context.Context, aws.Config) error
	write func(w http.ResponseWriter, status int, code, message string)
}{
	"ec2": {
		call: func(ctx context.Context, c aws.Config) error {
			_, err := ec2.NewFromConfig(c).DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
			return err
		},
		write: func(w http.ResponseWriter, status int, code, message string) {
			w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>ea966190-f9aa-478e-9ede-example</RequestID></Response>`, code, message)
		},
	},
	"ebs": {
		call: func(ctx context.Context, c aws.Config) error {
			_, err := ebs.NewFromConfig(c).ListSnapshotBlocks(ctx,
				&ebs.ListSnapshotBlocksInput{SnapshotId: aws.String("snap-1")})
			return err
		},
		write: asJSON("", "1.1"),
	},
	"sns": {
		call: func(ctx context.Context, c aws.Config) error {
			_, err := sns.NewFromConfig(c).Publish(ctx, &sns.PublishInput{Message: aws.String("m")})
			return err
		},
		write: func(w http.ResponseWriter, status int, code, message string) {
			w.Header().Set("Content-Type", "text/xml")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w,
				"<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>",
				code, message)
		},
	},
	"s3": {
		call: func(ctx context.Context, c aws.Config) error {
			_, err := s3.NewFromConfig(c).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
			return err
		},
		write: func(w http.ResponseWriter, status int, code, message string) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
		},
	},
	"states": {
		call: func(ctx context.Context, c aws.Config) error {
			_, err := sfn.NewFromConfig(c).DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String("arn")})
			return err
		},
		write: asJSON("com.amazonaws.swf.service.v2.model#", "1.0"),
	},
	"ssm": {
		call: func(ctx context.Context, c aws.Config) error {
			_, err := ssm.NewFromConfig(c).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/a")})
			return err
		},
		write: asJSON("", "1.1"),
	},
	"secretsmanager": {
		call: func(ctx context.Context, c aws.Config) error {
			_, err := secretsmanager.NewFromConfig(c).GetSecretValue(ctx,
				&secretsmanager.GetSecretValueInput{SecretId: aws.String("slack")})
			return err
		},
		write: asJSON("", "1.1"),
	},
	"dynamodb": {
		call: func(ctx context.Context, c aws.Config) error {
			_, err := dynamodb.NewFromConfig(c).GetItem(ctx, &dynamodb.GetItemInput{
				TableName: aws.String("ledger"),
				Key:       map[string]dynamodbtypes.AttributeValue{"pk": &dynamodbtypes.AttributeValueMemberS{Value: "a"}},
			})
			return err
		},
		write: asJSON("com.amazonaws.dynamodb.v20120810#", "1.0"),
	},
}

// asJSON is how the services with a JSON protocol write an error: its code is
// the type's name, some put a namespace before it.
func asJSON(namespace, version string) func(http.ResponseWriter, int, string, string) {
	return func(w http.ResponseWriter, status int, code, message string) {
		w.Header().Set("Content-Type", "application/x-amz-json-"+version)
		w.WriteHeader(status)
		body, err := json.Marshal(map[string]string{"__type": namespace + code, "message": message})
		if err != nil {
			panic(err)
		}
		_, _ = w.Write(body)
	}
}

// decoded is the error that the service's SDK client makes of an answer.
func decoded(t *testing.T, service string, status int, code, message string) error {
	t.Helper()
	s := services[service]
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { s.write(w, status, code, message) })
	err := s.call(t.Context(), config(inProcess{answer}))
	if err == nil {
		t.Fatalf("%s made no error of %d %s", service, status, code)
	}
	return err
}
