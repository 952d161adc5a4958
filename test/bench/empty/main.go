// Command empty is a Lambda that does nothing: what a Go Lambda costs before
// anything of ours is in it.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.StartHandlerFunc(func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil })
}
