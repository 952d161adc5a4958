package main

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"goldsmith/infra/workflow"
)

// NewCommandDocument makes the document by which commands that plans name are run on instances.
func NewCommandDocument(scope constructs.Construct, id string) awsssm.CfnDocument {
	var content map[string]any
	if err := json.Unmarshal(workflow.CommandDocument, &content); err != nil {
		panic(err)
	}
	return awsssm.NewCfnDocument(scope, jsii.String(id), &awsssm.CfnDocumentProps{
		Name: jsii.String(workflow.Command), DocumentType: jsii.String("Command"), DocumentFormat: jsii.String("JSON"),
		Content: content, TargetType: jsii.String("/AWS::EC2::Instance"),
		// A document with a name of its own cannot be replaced: what changes is its next version.
		UpdateMethod: jsii.String("NewVersion"),
	})
}
