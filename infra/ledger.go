package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"goldsmith/shared/ledger"
)

// LedgerProps describe the ledger's table.
type LedgerProps struct {
	// Keys holds the ARN of the customer's key, or nothing for DynamoDB's own.
	Keys []string
}

// Ledger is the table.
type Ledger struct{ Table awsdynamodb.Table }

// NewLedger makes the table. It outlives the stack: its claims say which instances have
// to be started again.
func NewLedger(scope constructs.Construct, id string, props LedgerProps) Ledger {
	this := constructs.NewConstruct(scope, &id)
	table := &awsdynamodb.TableProps{
		PartitionKey:        text(ledger.PartitionKey),
		SortKey:             text(ledger.SortKey),
		TimeToLiveAttribute: jsii.String(ledger.TTLAttribute),
		BillingMode:         awsdynamodb.BillingMode_PAY_PER_REQUEST,
		Encryption:          awsdynamodb.TableEncryption_AWS_MANAGED,
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(true),
		},
		DeletionProtection: jsii.Bool(true),
		RemovalPolicy:      awscdk.RemovalPolicy_RETAIN,
	}
	for _, arn := range props.Keys {
		table.Encryption = awsdynamodb.TableEncryption_CUSTOMER_MANAGED
		table.EncryptionKey = awskms.Key_FromKeyArn(this, jsii.String("Key"), jsii.String(arn))
	}
	return Ledger{awsdynamodb.NewTable(this, jsii.String("Table"), table)}
}

func text(name string) *awsdynamodb.Attribute {
	return &awsdynamodb.Attribute{Name: jsii.String(name), Type: awsdynamodb.AttributeType_STRING}
}
