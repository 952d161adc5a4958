package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"goldsmith/infra/workflow"
)

// texts is a map as jsii wants it.
func texts(values map[string]string) *map[string]*string {
	converted := make(map[string]*string, len(values))
	for key, value := range values {
		converted[key] = jsii.String(value)
	}
	return &converted
}

// lasting is a duration as the CDK wants it, in whole seconds.
func lasting(d time.Duration) awscdk.Duration {
	return awscdk.Duration_Seconds(jsii.Number(d.Seconds()))
}

// document is JSON text as the CDK wants it, tokens in its strings included.
func document(text []byte, err error) any {
	var decoded any
	if err == nil {
		err = json.Unmarshal(text, &decoded)
	}
	if err != nil {
		panic(fmt.Sprintf("a document of ours is broken: %v", err))
	}
	return decoded
}

// one fills a text that stands for one value.
func one(values workflow.Values, text string) string {
	filled, err := values.Fill(text)
	if err != nil || len(filled) != 1 {
		panic(fmt.Sprintf("%s is %v, %v", text, filled, err))
	}
	return filled[0]
}

// unique are the values in order, each once.
func unique(values []string) []string {
	slices.Sort(values)
	return slices.Compact(values)
}

// flat is a resource as cdk-nag writes it in its findings: what CloudFormation fills in stands in angle brackets.
func flat(of constructs.IConstruct, resource string) string {
	return flattened(awscdk.Stack_Of(of).Resolve(jsii.String(resource)))
}

func flattened(resolved any) string {
	switch value := resolved.(type) {
	case []any:
		text := ""
		for _, part := range value {
			text += flattened(part)
		}
		return text
	case map[string]any:
		if at, ok := value["Fn::GetAtt"].([]any); ok {
			return fmt.Sprintf("<%v.%v>", at...)
		}
		if join, ok := value["Fn::Join"].([]any); ok {
			return flattened(join[1]) // Tokens are joined by nothing.
		}
		return fmt.Sprintf("<%v>", value["Ref"])
	}
	return fmt.Sprint(resolved)
}
