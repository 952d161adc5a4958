package prove_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"goldsmith/cmd/goldsmith/prove"
	"goldsmith/local/account"
)

// otherwise has AWS behave in another way than Goldsmith assumes, in the calls of an operation.
type otherwise struct {
	operation string
	// when is what the request has to hold; after is how many such calls behave as they should first.
	when  string
	after int

	// code and message refuse the call; ask changes the request, answer what is answered, each from what to what.
	code, message string
	ask, answer   [2]string

	// says is what has to be told of it.
	says string
}

// worlds have AWS behave otherwise, by the key of the assumption that does not hold then.
var worlds = map[string]otherwise{
	"group-not-found": {operation: "DescribeInstanceRefreshes", code: "ValidationError", message: "No such group.",
		says: "No such group"},
	"group-names": {operation: "DescribeAutoScalingGroups",
		ask:  [2]string{`&AutoScalingGroupNames\.member\.\d{2,}=[^&]*`, ""},
		says: "it was not refused"},
	"parameter-tier": {operation: "PutParameter",
		ask:  [2]string{`"Value":"second"`, `"Tier":"Advanced","Value":"second"`},
		says: "it was not refused"},
	"default-and-latest": {operation: "DescribeLaunchTemplateVersions",
		when: "%24Latest", code: "InvalidParameterCombination",
		says: "InvalidParameterCombination"},
	"literal-filters": {operation: "DescribeLaunchTemplates", ask: [2]string{`%5C`, ""},
		says: "a template was found that the wildcards match"},
	"empty-ebs-mapping": {operation: "CreateLaunchTemplateVersion",
		answer: [2]string{`(<deviceName>/dev/sdh</deviceName>)`,
			`$1<ebs><deleteOnTermination>true</deleteOnTermination></ebs>`}, says: "something in Ebs"},
	"version-range": {operation: "DescribeLaunchTemplateVersions", ask: [2]string{`&MaxVersion=\d+`, "&MaxVersion=3"},
		says: "versions [2 3] were shown, not [2 3 5]"},
	"latest-deleted": {operation: "DescribeLaunchTemplateVersions",
		ask: [2]string{`&LaunchTemplateVersion\.2=%24Latest`, ""}, says: "versions [1] were shown"},
	"group-uuid": {operation: "DescribeAutoScalingGroups", answer: [2]string{`autoScalingGroup:[0-9a-f-]+:`,
		`autoScalingGroup:00000000-0000-0000-0000-000000000000:`}, says: "both groups are"},
	"skip-matching": {operation: "StartInstanceRefresh", when: "-follows", code: "ValidationError",
		says: "ValidationError"},
	"desired-by-id": {operation: "DescribeInstanceRefreshes",
		answer: [2]string{`<LaunchTemplateName>[^<]*</LaunchTemplateName>`, ""},
		says:   "is not shown with the template's id and its name"},
	"refresh-of-none": {operation: "DescribeInstanceRefreshes", answer: [2]string{`<Status>Successful`, "<Status>Failed"},
		says: "the refresh is Failed"},
	"refreshes-newest": {operation: "DescribeInstanceRefreshes",
		answer: [2]string{`(?s)<InstanceRefreshes>(<member>.*?</member>)(<member>.*?</member>)`, "<InstanceRefreshes>$2$1"},
		says:   "the newest refresh is not the first"},
	"command-of-unregistered": {operation: "SendCommand", code: "UnsupportedPlatformType",
		says: "SendCommand was answered UnsupportedPlatformType"},
	"parameter-version-refused": {operation: "GetParameter", after: 1, answer: [2]string{`"Version":1`, `"Version":2`},
		says: "is shown with version 2"},
	"direct-refusals": {operation: "ListSnapshotBlocks", code: "ConflictException", says: "ConflictException"},
	"vcpu-quota":      {operation: "GetServiceQuota", code: "NoSuchResourceException", says: "was not seen"},
	"ebs-managed-key": {operation: "DescribeKey", answer: [2]string{`"KeyManager":"AWS"`, `"KeyManager":"CUSTOMER"`},
		says: "EC2 would not start it again"},
	"standby-words": {operation: "ExitStandby", answer: [2]string{`is not part of`, `is no member of`},
		says: "it cannot leave Standby"},
	"empty-tags": {operation: "DeleteTags", ask: [2]string{`&Tag\.1\.Value=(&|$)`, "$1"},
		says: "it is there afterwards: false"},
	"stop-protection": {operation: "StopInstances", answer: [2]string{"OperationNotPermitted", "IncorrectState"},
		says: "IncorrectState"},
	"dry-run-order": {operation: "StartInstances", when: "DryRun=true", after: 1, code: "IncorrectInstanceState",
		says: "of an instance that is stopping the answer was IncorrectInstanceState"},
	"stop-reason": {operation: "DescribeInstances", answer: [2]string{`User initiated \(`, "By the user ("},
		says: `StateTransitionReason is "By the user (`},
	"stop-again": {operation: "StopInstances",
		after: 1, code: "IncorrectInstanceState", says: "IncorrectInstanceState"},
	"snapshot-tags": {operation: "DescribeSnapshots", ask: [2]string{"goldsmith%3Arun", "goldsmith%3Ano"},
		says: "not by their tags"},
	"left-out": {operation: "CreateImage", ask: [2]string{`&BlockDeviceMapping\.1\.(DeviceName|NoDevice)=[^&]*`, ""},
		says: "the image maps /dev/sdg"},
	"snapshot-times": {operation: "DescribeSnapshots",
		answer: [2]string{`<startTime>[^<]*`, "<startTime>1999-12-31T00:00:00Z"},
		says:   "was started at 1999-12-31 00:00:00 UTC"},
	"sharee-refused": {operation: "ModifyImageAttribute",
		code: "InvalidUserID.Malformed", says: "InvalidUserID.Malformed"},
	"parameter-check": {operation: "PutParameter", ask: [2]string{`"ami-[0-9a-f]+"`, `"ami-0123456789abcdef0"`},
		says: "waiting until a parameter is there: not within 5m"},
	"empty-path": {operation: "GetParametersByPath",
		when: "-none", code: "ParameterNotFound", says: "ParameterNotFound"},
	"image-references": {operation: "DescribeImageReferences", code: "InvalidParameterCombination",
		says: "InvalidParameterCombination"},
	"unprotected": {operation: "DescribeImages", answer: [2]string{`<deregistrationProtection>[^<]*`,
		"<deregistrationProtection>never-set"}, says: `DeregistrationProtection is "never-set"`},
	"left-out-absent": {operation: "CreateImage", when: "%2Fdev%2Fsdh", code: "InvalidBlockDeviceMapping",
		says: "InvalidBlockDeviceMapping"},
	"mapping-of-one-word": {operation: "RunInstances", after: 1, code: "InvalidBlockDeviceMapping",
		says: "InvalidBlockDeviceMapping"},
	"gone-image-words": {operation: "DescribeImageAttribute", code: "InvalidAMIID.Unavailable",
		message: "The image is currently deregistered.", says: "is currently deregistered"},
	"gone-image-attribute": {operation: "DescribeImageAttribute",
		code: "InvalidParameterValue", says: "InvalidParameterValue"},
	"recycle-bin": {operation: "ListImagesInRecycleBin",
		code: "InvalidAMIID.NotFound", says: "InvalidAMIID.NotFound"},
}

// before stands before the account.
func (o otherwise) before(t *testing.T) func(http.Handler) http.Handler {
	seen := 0
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			give := func(body []byte) {
				r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
				r.Header.Set("Content-Length", strconv.Itoa(len(body)))
			}
			give(body)
			if account.Operation(r) != o.operation || !strings.Contains(string(body), o.when) {
				next.ServeHTTP(w, r)
				return
			}
			give(body)
			if seen++; seen <= o.after {
				next.ServeHTTP(w, r)
				return
			}
			if o.code != "" {
				account.Refuse(w, r, http.StatusBadRequest, o.code, o.message)
				return
			}
			if o.ask[0] != "" {
				give(regexp.MustCompile(o.ask[0]).ReplaceAll(body, []byte(o.ask[1])))
			}
			o.answered(w, r, next)
		})
	}
}

// answered changes the answer.
func (o otherwise) answered(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if o.answer[0] == "" {
		next.ServeHTTP(w, r)
		return
	}
	kept := httptest.NewRecorder()
	next.ServeHTTP(kept, r)
	maps.Copy(w.Header(), kept.Header())
	w.Header().Del("Content-Length")
	w.WriteHeader(kept.Code)
	_, _ = w.Write(regexp.MustCompile(o.answer[0]).ReplaceAll(kept.Body.Bytes(), []byte(o.answer[1])))
}

// Each probe says so where AWS behaves otherwise: one that cannot is none. Whatever it finds, nothing stays behind.
func TestEachAssumptionThatDoesNotHold(t *testing.T) {
	if keys := slices.Sorted(maps.Keys(worlds)); !slices.Equal(keys, slices.Sorted(slices.Values(prove.Keys()))) {
		t.Errorf("the worlds are of %v", keys)
	}
	for key, world := range worlds {
		t.Run(key, func(t *testing.T) {
			play(t, func(s *scene) {
				before := s.there()
				s.front = world.before(t)
				var found []prove.Finding
				_, err := s.open(key).Prove(s.Context(), func(f prove.Finding) { found = append(found, f) })
				s.must(err)
				if len(found) != 1 || found[0].Verdict != prove.Broken || !strings.Contains(found[0].Says, world.says) {
					s.Errorf("got %+v, want %q", found, world.says)
				}
				if len(found) == 1 && !slices.ContainsFunc(found[0].Calls, func(c prove.Call) bool { return c.RequestID != "" }) {
					s.Errorf("no call is told: %+v", found[0].Calls)
				}
				s.front = nil
				s.same(before)
			})
		})
	}
}

// What a caller may not do says nothing of AWS: whatever call is denied, the assumption could not be tried.
func TestDenied(t *testing.T) {
	by := map[string]string{} // a probe that is tried by the operation
	play(t, func(s *scene) {
		_, err := s.open().Prove(s.Context(), func(f prove.Finding) {
			for _, c := range f.Calls {
				by[c.Call[strings.LastIndex(c.Call, " ")+1:]] = f.Key
			}
		})
		s.must(err)
	})
	delete(by, "DescribeInstances") // Nothing begins without it.
	for operation, key := range by {
		t.Run(operation, func(t *testing.T) {
			play(t, func(s *scene) {
				s.front = func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if account.Operation(r) == operation {
							account.Deny(w, r)
							return
						}
						next.ServeHTTP(w, r)
					})
				}
				_, _ = s.open(key).Prove(s.Context(), func(f prove.Finding) { // What cannot be removed is an error.
					if f.Verdict != prove.Untried {
						s.Errorf("%s %s: %s", f.Key, f.Verdict, f.Says)
					}
				})
			})
		})
	}
}
