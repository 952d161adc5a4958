package ec2_test

import (
	"testing"

	"goldsmith/local/ec2"
)

// fact is one answer that EC2 gives, with what says so: a page of the documentation, a test that
// is marked as verified on AWS, or an error that somebody quoted.
type fact struct {
	what, source string
	holds        func(*testing.T, *rig)
}

// TestAnswersOfEC2 holds the embedded EC2 to what EC2 answers, through the real client.
func TestAnswersOfEC2(t *testing.T) {
	for _, facts := range [][]fact{imageFacts, snapshotFacts, copyFacts, instanceFacts, fleetFacts, binFacts} {
		for _, f := range facts {
			if f.source == "" {
				t.Errorf("%s: nothing is cited", f.what)
			}
			t.Run(f.what, func(t *testing.T) { inWorld(t, ec2.Options{}, f.holds) })
		}
	}
}
