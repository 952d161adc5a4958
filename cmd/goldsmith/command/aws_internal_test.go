package command

import (
	"errors"
	"net"
	"net/url"
	"testing"

	smithyhttp "github.com/aws/smithy-go/transport/http"

	"goldsmith/shared/awsclient"
)

// A connection that does not come about is told at once; one that broke is tried again.
func TestWhatIsTriedAgain(t *testing.T) {
	for op, again := range map[string]bool{"dial": false, "read": true, "write": true} {
		err := &smithyhttp.RequestSendError{Err: &url.Error{Op: "Get", Err: &net.OpError{Op: op, Err: errors.New("no")}}}
		if got := (impatient{awsclient.Retryer()}).IsErrorRetryable(err); got != again {
			t.Errorf("%s is tried again: %t", op, got)
		}
	}
}
