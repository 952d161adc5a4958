package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"goldsmith/infra/workflow"
	"goldsmith/shared/bucket"
	"goldsmith/shared/ledger"
	"goldsmith/shared/plan"
	"goldsmith/shared/settings"
)

// NewPages makes the bucket of runs' pages, if messages lead to them, and fills in what functions and roles are told of
// it. Its name is CloudFormation's to choose: one that is known beforehand may be taken by a stranger. It stays when
// the stack is deleted, since a bucket with objects cannot be deleted, and its pages go by themselves.
func NewPages(scope constructs.Construct, id string, c Config, values workflow.Values) {
	values[workflow.Bucket], values[workflow.Pages], values[workflow.SignedPages] = []string{settings.Off}, nil, nil
	if !c.Plans.Links("") {
		return
	}
	this := constructs.NewConstruct(scope, &id)
	made := awss3.NewBucket(this, jsii.String("Bucket"), &awss3.BucketProps{
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		RemovalPolicy:     awscdk.RemovalPolicy_RETAIN,
		LifecycleRules: &[]*awss3.LifecycleRule{{
			Expiration: awscdk.Duration_Days(jsii.Number(ledger.Remembered.Hours() / 24)),
			// What an upload that was cut off left.
			AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(1)),
		}},
	})
	accept(made, "AwsSolutions-S1", "It holds what messages have said already. Who reads it is in CloudTrail, where an "+
		"account records S3's data events.")
	awscdk.NewCfnOutput(this, jsii.String("Name"), &awscdk.CfnOutputProps{
		Description: jsii.String("The pages of runs."), Value: made.BucketName(),
	}).OverrideLogicalId(jsii.String("Pages"))
	values[workflow.Bucket] = []string{*made.BucketName()}
	values[workflow.Pages] = []string{*made.ArnForObjects(jsii.String(bucket.Key("*")))}
	if c.Plans.Links(plan.Presigned) {
		values[workflow.SignedPages] = values[workflow.Pages]
	}
}
