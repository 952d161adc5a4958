package fault

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The sets below are EC2's error codes unless they say otherwise, from the EC2
// API reference's page on error codes.
var (
	notFound = []string{
		"InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed",
		"InvalidAMIID.NotFound", "InvalidAMIID.Unavailable", "InvalidSnapshot.NotFound",
		"InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateId.Malformed",
		"InvalidLaunchTemplateId.VersionNotFound", "InvalidLaunchTemplateName.NotFoundException",
		"ParameterNotFound",         // Systems Manager
		"ResourceNotFoundException", // Secrets Manager
		"ExecutionDoesNotExist",     // Step Functions
	}
	noImage    = []string{"InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"}
	noSnapshot = []string{"InvalidSnapshot.NotFound"}
	noInstance = []string{"InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"}
	noKey      = []string{"NotFoundException"} // KMS
	transient  = []string{
		"RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException",
		"RequestThrottled", "EC2ThrottledException", "ProvisionedThroughputExceededException",
		"Unavailable", "ServiceUnavailable", "InternalError", "InternalFailure", "ServerInternal",
		"TransactionInProgressException", "TooManyUpdates", // Systems Manager: another write of the same parameter
		"InternalServerError",                                                                      // Systems Manager
		"RequestThrottledException", "ConcurrentLimitExceededException", "InternalServerException", // EBS direct APIs
		"Throttled",              // SNS
		"SlowDown",               // S3
		"RetryableError",         // EC2, of a request that an AWS service sent on our behalf
		"KmsThrottlingException", // Step Functions, of a state machine encrypted with a customer's key
	}
	// EBS direct APIs: the snapshot, its key or the caller's permissions are not such that it can be read. The codes of
	// throttling and of AWS's own failures are among the transient ones.
	unreadable = []string{"AccessDeniedException", "ValidationException", "ResourceNotFoundException"}
	// noCapacity is every code of the page by which a start or a launch is refused that works once somebody else gives
	// room back: EC2 itself, a reservation, a host, a subnet, a Spot price or a quota of what runs.
	noCapacity = []string{
		"InsufficientInstanceCapacity", "InsufficientCapacity", "InsufficientAddressCapacity", "InsufficientVolumeCapacity",
		"UnfulfillableCapacity", "SpotMaxPriceTooLow", "MaxSpotInstanceCountExceeded",
		"ReservationCapacityExceeded", "InvalidCapacityReservationState.PendingActivation",
		"InsufficientReservedInstanceCapacity", "InsufficientReservedInstancesCapacity", "ReservedInstancesUnavailable",
		"MaxScheduledInstanceCapacityExceeded", "ScheduledInstanceSlotNotOpen", "ScheduledInstanceSlotUnavailable",
		// A Dedicated Host is full, or is scrubbed after a stop; of a Mac this takes hours.
		"InsufficientHostCapacity", "InsufficientCapacityOnHost", "IncompatibleHostRequirements",
		"UnavailableHostRequirements",
		"InvalidHostState", "HostLimitExceeded",
		"InstanceLimitExceeded", "VcpuLimitExceeded", "MaxIOPSLimitExceeded", "VolumeLimitExceeded",
		"NetworkInterfaceLimitExceeded",
		"InsufficientFreeAddressesInSubnet",
	}
	notYet = []string{
		// The instance, the image, a volume or the Spot request is on its way to another state.
		"IncorrectInstanceState", "IncorrectState", "InvalidState", "InvalidInstanceState", "IncorrectModificationState",
		"IncorrectSpotRequestState", "CreditSpecificationUpdateInProgress",
		// A volume takes one snapshot each 15 s, and st1 and sc1 volumes one at a time; an instance so many images.
		"SnapshotCreationPerVolumeRateExceeded", "ConcurrentSnapshotLimitExceeded", "PendingSnapshotLimitExceeded",
		"ConcurrentCreateImageNoRebootLimitExceeded", "ResourceLimitExceeded",
		"ConcurrentTagAccess",
	}
	denied = []string{
		"UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "AuthFailure", "OptInRequired", "Blocked",
		"PendingVerification", "InvalidClientTokenId", "UnrecognizedClientException", "KMSAccessDeniedException",
	}
	// Every service answers so in a Region that the account has not enabled, or that is still being enabled: its IAM is
	// not there (IAM User Guide, "Managing AWS STS in an AWS Region"; Account Management, EnableRegion).
	stranger  = []string{"AuthFailure", "OptInRequired", "InvalidClientTokenId", "UnrecognizedClientException"}
	nameTaken = []string{"InvalidAMIName.Duplicate"}
	// ModifyImageAttribute: an account, an organization or a unit is none that EC2 shares with.
	noSharee = []string{"InvalidAMIAttributeItemValue"}
	// StopInstances on an instance with DisableApiStop.
	protected = []string{"OperationNotPermitted"}
)

// IsNotFound reports whether AWS says the thing does not exist. EC2 says so for
// a while of things it has just created.
func IsNotFound(err error) bool { return hasCode(err, notFound) }

// IsNoImage reports whether EC2 says of an image that it does not exist, as IsNoSnapshot and IsNoInstance do of theirs.
// What says so of another kind, as of a snapshot when an image is asked for, proves nothing of it. An image that is in
// no state for a call is Unavailable as well: only its message tells ("is currently pending", "is no longer
// available").
func IsNoImage(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) || !slices.Contains(noImage, api.ErrorCode()) {
		return false
	}
	return api.ErrorCode() != "InvalidAMIID.Unavailable" || strings.Contains(api.ErrorMessage(), "no longer available")
}

// IsNoSnapshot is of a snapshot.
func IsNoSnapshot(err error) bool { return hasCode(err, noSnapshot) }

// IsNoInstance is of an instance.
func IsNoInstance(err error) bool { return hasCode(err, noInstance) }

// IsNoKey is of a KMS key.
func IsNoKey(err error) bool { return hasCode(err, noKey) }

// IsNoGroup reports whether Auto Scaling says of a group that there is none of that name. Its code is that of any
// request which is not valid.
func IsNoGroup(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationError" &&
		strings.Contains(api.ErrorMessage(), "AutoScalingGroup name not found")
}

// IsAdvanced reports whether Parameter Store refuses a write since the parameter is of the advanced tier, and the write
// would make it a standard one. Its code is that of any request which is not valid.
func IsAdvanced(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationException" &&
		strings.Contains(api.ErrorMessage(), "uses the advanced-parameter tier")
}

// IsUnreadable reports whether the EBS direct APIs refuse to read a snapshot, and will when asked again.
func IsUnreadable(err error) bool { return hasCode(err, unreadable) }

// IsNoCapacity reports whether EC2 has no room for the instance now. It may for hours.
func IsNoCapacity(err error) bool { return hasCode(err, noCapacity) }

// IsDenied reports whether the caller may not do it.
func IsDenied(err error) bool { return DeniedCode(Code(err)) }

// IsStranger reports whether who asks is not known: among others as the Region is not enabled, or not yet.
func IsStranger(err error) bool { return hasCode(err, stranger) }

// DeniedCode reports whether a code means that the caller may not do it.
func DeniedCode(code string) bool { return slices.Contains(denied, code) }

// IsNameTaken reports whether an AMI of that name exists, or existed a moment ago.
func IsNameTaken(err error) bool { return hasCode(err, nameTaken) }

// IsNoSharee reports whether EC2 takes one of those that an image is to be shared with for none that it can be.
func IsNoSharee(err error) bool { return hasCode(err, noSharee) }

// IsProtected reports whether stop protection refused the call.
func IsProtected(err error) bool { return hasCode(err, protected) }

// IsNotYet reports whether the same call can work later without anybody doing anything.
func IsNotYet(err error) bool {
	if hasCode(err, notYet) {
		return true
	}
	// CreateImage on an instance that is not quite stopped answers a code that
	// means many things; only its message tells.
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "InvalidParameterValue" &&
		strings.Contains(api.ErrorMessage(), "not in state")
}

// refusals are the codes by which AWS says that a call came too soon, and so has done nothing.
var refusals = []string{
	"RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException", "RequestThrottled",
	"EC2ThrottledException",
}

// IsThrottled reports whether AWS says that a call came too soon, and so has done nothing.
func IsThrottled(err error) bool { return hasCode(err, refusals) }

// IsRefused reports whether AWS has certainly not done what was asked. Of what failed inside, or got no answer, that is
// not certain.
func IsRefused(err error) bool {
	return hasCode(err, refusals) || IsDenied(err) || IsProtected(err) || IsNotFound(err)
}

// DidNothing reports whether AWS has certainly not done what was asked once: it has refused it, and has not failed
// inside.
func DidNothing(err error) bool {
	return IsRefused(err) || Code(err) != "" && !IsTransient(err)
}

// IsTransient reports whether AWS was too busy, failed inside, or could not be reached.
func IsTransient(err error) bool {
	if hasCode(err, transient) {
		return true
	}
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() >= 500 {
		return true
	}
	var unreachable net.Error
	return errors.As(err, &unreachable) || errors.Is(err, context.DeadlineExceeded)
}

// IgnoreNotFound is err, or nil when it says that the thing does not exist.
func IgnoreNotFound(err error) error {
	if IsNotFound(err) {
		return nil
	}
	return err
}

// Code is AWS's error code, or "" when err is not AWS's.
func Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func hasCode(err error, codes []string) bool {
	return slices.Contains(codes, Code(err))
}

// Brief is err's text for a person: of each AWS error in it the code and the
// message, without the operation, the status and the request id, which the log keeps.
func Brief(err error) string {
	text := err.Error()
	for _, long := range operations(err) {
		text = strings.Replace(text, long.Error(), brief(long), 1)
	}
	return text
}

// brief is what AWS said, or that it said nothing in the time that a function has.
func brief(err error) string {
	var api smithy.APIError
	var operation *smithy.OperationError
	switch {
	case errors.As(err, &api):
		return api.ErrorCode() + ": " + api.ErrorMessage()
	case errors.Is(err, context.DeadlineExceeded) && errors.As(err, &operation):
		return operation.Service() + " did not answer " + operation.Operation() + " in time"
	default:
		return err.Error()
	}
}

// operations are the AWS clients' errors in a tree of errors.
func operations(err error) []error {
	switch err := err.(type) { //nolint:errorlint // it walks the tree itself
	case *smithy.OperationError:
		return []error{err}
	case interface{ Unwrap() error }:
		return operations(err.Unwrap())
	case interface{ Unwrap() []error }:
		var found []error
		for _, each := range err.Unwrap() {
			found = append(found, operations(each)...)
		}
		return found
	default:
		return nil
	}
}
