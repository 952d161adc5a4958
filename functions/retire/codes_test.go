package retire_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldsmith/local/ec2"
	"goldsmith/test/steptest"
)

// noImage are the codes that say of an image that it does not exist.
var noImage = []string{"InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"}

// ec2Codes are the codes of EC2's list.
func ec2Codes(t *testing.T) (all []string) {
	t.Helper()
	text, err := os.ReadFile("../../shared/usage/testdata/ec2-error-codes.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

// Each call about an image or a snapshot, failing with each code of EC2's list, leaves image, snapshot and
// registration: only that this very image does not exist means that it is gone.
func TestRetireWithEachCode(t *testing.T) {
	for _, action := range []string{
		"DeregisterImage", "DescribeImageAttribute", "DescribeSnapshots", "ListImagesInRecycleBin", "DeleteSnapshot",
	} {
		t.Run(action, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := steptest.New(t)
				var due string
				step, page := aged(&due)(s)
				deprecated(s, due, 72*time.Hour)
				if action != "DeregisterImage" {
					byHand(s, due)
					misses(s, due, 72*time.Hour)
				}
				for _, code := range ec2Codes(t) {
					if slices.Contains(noImage, code) {
						continue
					}
					s.Cloud.Inject(ec2.Fault{Action: action, Code: code, Until: time.Now().Add(time.Hour)})
					_, err := step(s.Context(), page)
					time.Sleep(2 * time.Hour)
					left := snapshots(s) == 2 && (action != "DeregisterImage" || is(s, due) != "gone")
					if !left || !registrationOf(s, due).Retired.IsZero() {
						t.Fatalf("%s: it is gone, %v", code, err)
					}
				}
			})
		})
	}
}
