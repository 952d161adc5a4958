package fault_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"goldsmith/shared/fault"
)

// meaning is what a caller asks of an error.
type meaning struct{ notFound, throttled, noCapacity, notYet, nameTaken, protected bool }

func meaningOf(err error) meaning {
	return meaning{
		fault.IsNotFound(err), fault.IsTransient(err), fault.IsNoCapacity(err),
		fault.IsNotYet(err), fault.IsNameTaken(err), fault.IsProtected(err),
	}
}

// answers are errors as the services send them: EC2's statuses are 500 and 503
// for what its reference calls server errors and 400 else; the services with a
// JSON protocol answer 400 for all but their own faults.
var answers = []struct {
	service string
	status  int
	codes   string
	means   meaning
	edge    string
}{
	{"ec2", 400, `InvalidInstanceID.NotFound InvalidInstanceID.Malformed InvalidAMIID.NotFound InvalidAMIID.Unavailable InvalidSnapshot.NotFound
		InvalidLaunchTemplateId.NotFound InvalidLaunchTemplateId.Malformed InvalidLaunchTemplateId.VersionNotFound
		InvalidLaunchTemplateName.NotFoundException`, meaning{notFound: true}, "Failed"},
	{"ssm", 400, "ParameterNotFound", meaning{notFound: true}, "Failed"},
	{"secretsmanager", 400, "ResourceNotFoundException", meaning{notFound: true}, "Failed"},
	{"states", 400, "ExecutionDoesNotExist", meaning{notFound: true}, "Failed"},

	{"ec2", 503, "RequestLimitExceeded Unavailable ServiceUnavailable", meaning{throttled: true}, "Transient"},
	{"ec2", 500, "InternalError InternalFailure ServerInternal", meaning{throttled: true}, "Transient"},
	{"ec2", 400, "Throttling EC2ThrottledException RequestThrottled ServerInternal RetryableError",
		meaning{throttled: true}, "Transient"},
	{"states", 400, "ThrottlingException KmsThrottlingException", meaning{throttled: true}, "Transient"},
	{"ssm", 400, "ThrottlingException TooManyUpdates TooManyRequestsException", meaning{throttled: true}, "Transient"},
	{"ssm", 500, "InternalServerError", meaning{throttled: true}, "Transient"},
	{"sns", 429, "Throttled", meaning{throttled: true}, "Transient"},
	{"s3", 503, "SlowDown", meaning{throttled: true}, "Transient"},
	{"secretsmanager", 500, "InternalServiceError", meaning{throttled: true}, "Transient"},
	{"dynamodb", 400,
		"ProvisionedThroughputExceededException ThrottlingException RequestLimitExceeded TransactionInProgressException",
		meaning{throttled: true}, "Transient"},
	{"dynamodb", 500, "InternalServerError", meaning{throttled: true}, "Transient"},

	{"ebs", 400, "RequestThrottledException ConcurrentLimitExceededException", meaning{throttled: true}, "Transient"},
	{"ebs", 500, "InternalServerException", meaning{throttled: true}, "Transient"},

	// A capacity error is a server error by its status; it means more than being busy.
	{"ec2", 500, `InsufficientInstanceCapacity InsufficientHostCapacity InsufficientReservedInstanceCapacity InsufficientCapacity
		InsufficientAddressCapacity InsufficientVolumeCapacity`, meaning{noCapacity: true, throttled: true}, "NoCapacity"},
	{"ec2", 400, `SpotMaxPriceTooLow UnfulfillableCapacity MaxSpotInstanceCountExceeded ReservationCapacityExceeded
		InvalidCapacityReservationState.PendingActivation InsufficientReservedInstancesCapacity ReservedInstancesUnavailable
		MaxScheduledInstanceCapacityExceeded ScheduledInstanceSlotNotOpen ScheduledInstanceSlotUnavailable
		InsufficientCapacityOnHost IncompatibleHostRequirements UnavailableHostRequirements InvalidHostState HostLimitExceeded
		InstanceLimitExceeded VcpuLimitExceeded MaxIOPSLimitExceeded VolumeLimitExceeded NetworkInterfaceLimitExceeded
		InsufficientFreeAddressesInSubnet`, meaning{noCapacity: true}, "NoCapacity"},

	{"ec2", 400, `IncorrectInstanceState IncorrectState InvalidState SnapshotCreationPerVolumeRateExceeded
		ConcurrentSnapshotLimitExceeded PendingSnapshotLimitExceeded ConcurrentTagAccess ResourceLimitExceeded
		ConcurrentCreateImageNoRebootLimitExceeded InvalidInstanceState IncorrectModificationState IncorrectSpotRequestState
		CreditSpecificationUpdateInProgress`, meaning{notYet: true}, "NotYet"},

	{"ec2", 400, "InvalidAMIName.Duplicate", meaning{nameTaken: true}, "Failed"},
	{"ec2", 400, "OperationNotPermitted", meaning{protected: true}, "Failed"},

	{"ec2", 403, "UnauthorizedOperation AuthFailure", meaning{}, "Failed"},
	{"ec2", 400, "UnsupportedOperation InvalidParameterValue TagPolicyViolation SnapshotLimitExceeded",
		meaning{}, "Failed"},
	{"states", 400, "InvalidToken TaskTimedOut TaskDoesNotExist ExecutionAlreadyExists AccessDeniedException",
		meaning{}, "Failed"},
	{"dynamodb", 400, "ConditionalCheckFailedException AccessDeniedException ValidationException", meaning{}, "Failed"},
}

func TestCodes(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range answers {
		for _, code := range strings.Fields(a.codes) {
			seen[code] = true
			t.Run(fmt.Sprintf("%s %d %s", a.service, a.status, code), func(t *testing.T) {
				err := decoded(t, a.service, a.status, code, "words of AWS")
				if got := fault.Code(err); got != code {
					t.Errorf("the code is read as %q", got)
				}
				if got := meaningOf(fmt.Errorf("two: %w", fmt.Errorf("one: %w", err))); got != a.means {
					t.Errorf("it means %+v, want %+v", got, a.means)
				}
				if got := errorType(fault.Edge(err)); got != a.edge {
					t.Errorf("at the edge it is %s, want %s", got, a.edge)
				}
				if got := fault.Lasts(err); got != (a.edge == "Failed") {
					t.Errorf("it lasts: %t", got)
				}
			})
		}
	}
	for _, set := range fault.Codes() {
		for _, code := range set {
			if !seen[code] {
				t.Errorf("code %s is classified, but no answer of AWS with it is tested", code)
			}
		}
	}
}

func TestUnreadable(t *testing.T) {
	for code, status := range map[string]int{"AccessDeniedException": 403, "ValidationException": 400,
		"ResourceNotFoundException": 404} {
		if err := decoded(t, "ebs", status, code, "words of AWS"); !fault.IsUnreadable(err) {
			t.Errorf("%v is not taken for a snapshot that cannot be read", err)
		}
	}
	for code, status := range map[string]int{"RequestThrottledException": 400, "InternalServerException": 500} {
		if err := decoded(t, "ebs", status, code, "words of AWS"); fault.IsUnreadable(err) {
			t.Errorf("%v is taken for a snapshot that cannot be read", err)
		}
	}
}

// The message decides only of the one code that means many things.
func TestNotInState(t *testing.T) {
	const text = "Instance 'i-0a1' is not in state 'running' or 'stopped'"
	if err := decoded(t, "ec2", 400, "InvalidParameterValue", text); !fault.IsNotYet(err) {
		t.Errorf("%v is not taken for one that passes", err)
	}
	for code, message := range map[string]string{"InvalidParameterValue": "Value (x) for parameter name is invalid",
		"UnsupportedOperation": text} {
		if err := decoded(t, "ec2", 400, code, message); fault.IsNotYet(err) {
			t.Errorf("%v is taken for one that passes", err)
		}
	}
}

// Auto Scaling's code for a group that there is not is that of any request which is not valid.
func TestIsNoGroup(t *testing.T) {
	const text = "AutoScalingGroup name not found - AutoScalingGroup web not found"
	if err := decoded(t, "ec2", 400, "ValidationError", text); !fault.IsNoGroup(fmt.Errorf("asking: %w", err)) {
		t.Errorf("%v is not taken for a group that is gone", err)
	}
	for code, message := range map[string]string{
		"ValidationError": "1 validation error detected: Value 'web' failed to satisfy constraint", "AccessDenied": text,
	} {
		if err := decoded(t, "ec2", 400, code, message); fault.IsNoGroup(err) {
			t.Errorf("%v is taken for a group that is gone", err)
		}
	}
}

// Parameter Store's code for a parameter of the advanced tier is that of any request which is not valid.
func TestIsAdvanced(t *testing.T) {
	const text = "This parameter uses the advanced-parameter tier. You can't downgrade a parameter"
	if err := decoded(t, "ssm", 400, "ValidationException", text); !fault.IsAdvanced(fmt.Errorf("writing: %w", err)) {
		t.Errorf("%v is not taken for an advanced parameter's", err)
	}
	for code, message := range map[string]string{
		"ValidationException": "Standard tier parameters support a maximum parameter value of 4096 characters. " +
			"To create a larger one, upgrade the parameter to use the advanced-parameter tier.",
		"AccessDeniedException": text,
	} {
		if err := decoded(t, "ssm", 400, code, message); fault.IsAdvanced(err) {
			t.Errorf("%v is taken for an advanced parameter's", err)
		}
	}
}

// An error without a body that the client understands has only its status.
func TestServerErrors(t *testing.T) {
	for status, throttled := range map[int]bool{500: true, 502: true, 503: true, 504: true, 400: false,
		404: false, 413: false} {
		for service, s := range services {
			gateway := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, "<html>sorry</html>", status)
			})
			err := s.call(t.Context(), config(inProcess{gateway}))
			if err == nil || fault.IsTransient(err) != throttled {
				t.Errorf("%s answering %d: throttled %v, want %v: %v", service, status, fault.IsTransient(err), throttled, err)
			}
		}
	}
}

func TestConnectionRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed at once, to have a port that nobody answers on
	if err != nil {
		t.Fatal(err)
	}
	c := config(nil)
	c.BaseEndpoint = aws.String("http://" + listener.Addr().String())
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	for service, s := range services {
		if err := s.call(t.Context(), c); errorType(fault.Edge(err)) != "Transient" {
			t.Errorf("%s: %T: %v", service, fault.Edge(err), err)
		}
	}
}

// never answers; http.Client gives up a request when its context ends.
type never struct{}

func (never) Do(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestDeadline(t *testing.T) {
	for service, s := range services {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
			defer cancel()
			if err := s.call(ctx, config(never{})); errorType(fault.Edge(err)) != "Transient" {
				t.Errorf("%s: %T: %v", service, fault.Edge(err), err)
			}
		})
	}
}

func TestEdge(t *testing.T) {
	throttled := decoded(t, "ec2", 503, "RequestLimitExceeded", "Request limit exceeded.")
	full := decoded(t, "ec2", 500, "InsufficientInstanceCapacity", "none")
	denied := decoded(t, "ec2", 403, "UnauthorizedOperation", "You are not authorized.")
	taken := decoded(t, "ec2", 400, "InvalidAMIName.Duplicate", "AMI name a is already in use")
	cases := map[string]struct {
		err      error
		edge, do string
	}{
		"not decided":                      {errors.New("plain"), "Failed", ""},
		"throttled":                        {&fault.Transient{Err: errors.New("busy")}, "Transient", ""},
		"not yet":                          {&fault.NotYet{Err: errors.New("stopping")}, "NotYet", ""},
		"no capacity":                      {&fault.NoCapacity{Err: errors.New("full")}, "NoCapacity", ""},
		"failed":                           {fault.Failure("Look.", "it broke"), "Failed", ""},
		"a failure over a throttled call":  {fault.Failure("Look.", "it broke: %w", throttled), "Failed", ""},
		"a wait over a name that is taken": {&fault.NotYet{Err: errors.Join(errors.New("not shown"), taken)}, "NotYet", ""},
		"a decision over a full EC2": {&fault.NotYet{Err: full}, "NotYet",
			fault.Remedy("InsufficientInstanceCapacity")},
		"a full EC2":       {full, "NoCapacity", fault.Remedy("InsufficientInstanceCapacity")},
		"a denied call":    {denied, "Failed", fault.Remedy("UnauthorizedOperation")},
		"a throttled call": {throttled, "Transient", fault.Remedy("RequestLimitExceeded")},
	}
	for name, c := range cases {
		wrapped := fmt.Errorf("three: %w", fmt.Errorf("two: %w", fmt.Errorf("one: %w", c.err)))
		for how, err := range map[string]error{
			"as it is": c.err, "wrapped": wrapped, "joined": errors.Join(errors.New("another"), wrapped),
			"twice": fault.Edge(wrapped),
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				got := fault.Edge(err)
				if errorType(got) != c.edge {
					t.Errorf("is %s, want %s", errorType(got), c.edge)
				}
				want := strings.TrimSuffix(oneLine(errors.New(fault.Brief(err))), " "+c.do)
				if c.do != "" {
					want = strings.TrimSuffix(want, ".") + ". " + c.do
				}
				if oneLine(got) != want {
					t.Errorf("says %q, want %q", got, want)
				}
				if failed, decided := errors.AsType[*fault.Failed](c.err); decided && !strings.HasSuffix(got.Error(),
					"\n"+failed.Do) {
					t.Errorf("says %q, with what to do not on a line of its own", got)
				}
				if !errors.Is(got, c.err) {
					t.Error("the cause is gone")
				}
			})
		}
	}
	if err := fault.Edge(nil); err != nil {
		t.Errorf("nothing wrong becomes %v", err)
	}
}

func TestFailureText(t *testing.T) {
	cause := errors.New("cause")
	err := fault.Failure("Do this.", "it broke: %w", cause)
	if want := "it broke: cause. Do this."; err.Error() != want || !errors.Is(err, cause) {
		t.Errorf("says %q, want %q", err, want)
	}
	if got := (&fault.Failed{Err: cause}).Error(); got != "cause" {
		t.Errorf("says %q without advice", got)
	}
}

func TestIgnoreNotFound(t *testing.T) {
	if err := fault.IgnoreNotFound(decoded(t, "ec2", 400, "InvalidInstanceID.NotFound", "gone")); err != nil {
		t.Errorf("not ignored: %v", err)
	}
	for _, err := range []error{nil, errors.New("plain"), decoded(t, "ec2", 503, "Unavailable", "busy")} {
		if got := fault.IgnoreNotFound(err); !errors.Is(got, err) {
			t.Errorf("%v became %v", err, got)
		}
	}
	if code := fault.Code(errors.New("plain")); code != "" {
		t.Errorf("an error of ours has AWS's code %q", code)
	}
}

// errorType is what aws-lambda-go reports as errorType of what the function
// returns: the outermost type's name, whatever is inside.
func errorType(err error) string {
	_, invoked := lambda.NewHandler(func() error { return err }).Invoke(context.Background(), []byte("{}"))
	of := reflect.TypeOf(invoked)
	if of == nil {
		return ""
	}
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	return of.Name()
}

func TestBriefKeepsCodesAndMessagesOnly(t *testing.T) {
	one := &smithy.OperationError{ServiceID: "EC2", OperationName: "StopInstances",
		Err: &smithy.GenericAPIError{Code: "IncorrectState", Message: "not now"}}
	two := &smithy.OperationError{ServiceID: "EC2", OperationName: "StartInstances",
		Err: &smithy.GenericAPIError{Code: "Unavailable", Message: "busy"}}
	slow := &smithy.OperationError{
		ServiceID: "EC2", OperationName: "DescribeImages", Err: fmt.Errorf("canceled, %w", context.DeadlineExceeded),
	}
	for want, err := range map[string]error{
		"looking: EC2 did not answer DescribeImages in time": fmt.Errorf("looking: %w", slow),
		"stopping web: IncorrectState: not now":              fmt.Errorf("stopping web: %w", one),
		"first: IncorrectState: not now\nUnavailable: busy":  errors.Join(fmt.Errorf("first: %w", one), two),
		"no AWS in it": errors.New("no AWS in it"),
	} {
		if got := fault.Brief(err); got != want {
			t.Errorf("%v\ngave %q\nwant %q", err, got, want)
		}
	}
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", " ") }
