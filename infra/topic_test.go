package main

import (
	"slices"
	"strings"
	"testing"
)

// The topic of runs is there, encrypted, and may be published to, where a plan is told by it; and so is the event bus.
func TestChannels(t *testing.T) {
	told, err := synth(map[string]any{"plans": "testdata/listed.yaml", "nag": "off"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		stack stackTemplate
		there bool
	}{"asked for": {told.only(t), true}, "not asked for": {plainly().only(t), false}} {
		topic := slices.ContainsFunc(c.stack.kind("AWS::SNS::Topic"), func(r resource) bool {
			key, _ := r.at("KmsMasterKeyId").(string)
			return r.at("TopicName") == "goldsmith-runs" && strings.HasSuffix(key, "alias/aws/sns")
		})
		if topic != c.there {
			t.Errorf("%s: an encrypted topic: %v", name, topic)
		}
		for _, grant := range []string{
			"sns:Publish arn:<AWS::Partition>:sns:<AWS::Region>:<AWS::AccountId>:goldsmith-runs",
			"events:PutEvents arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:event-bus/default",
		} {
			if granted := grants(t, c.stack)[grant]; granted != c.there {
				t.Errorf("%s: %s: %v", name, grant, granted)
			}
		}
	}
}
