package query_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go"

	"goldsmith/local/clock"
	"goldsmith/local/query"
)

func flat(serve func(*query.Call) error) *query.Service {
	return &query.Service{
		Name:    "ec2",
		Dialect: query.Dialect{Namespace: "http://ec2.amazonaws.com/doc/", Version: "2016-11-15"},
		Clock:   clock.Real(), Log: &query.Log{}, Serve: serve,
	}
}

func member(serve func(*query.Call) error) *query.Service {
	s := flat(serve)
	s.Name = "autoscaling"
	s.Dialect = query.Dialect{Namespace: "http://autoscaling.amazonaws.com/doc/", Version: "2011-01-01", Member: true}
	return s
}

func config(h http.Handler) aws.Config {
	return aws.Config{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String("http://embedded.invalid"),
		Credentials:  credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
		HTTPClient:   query.Client(h),
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	}
}

func TestBothDialectsReachTheSDK(t *testing.T) {
	awkward := `<a> & "b" 'c' ` + "\r\n\t ü\u2028"
	ec2Client := ec2.NewFromConfig(config(flat(func(c *query.Call) error {
		query.Items(c.Out, "tagSet", []string{awkward}, func(v string) { c.Out.Text("value", v) })
		return nil
	})))
	tags, err := ec2Client.DescribeTags(t.Context(), &ec2.DescribeTagsInput{})
	if err != nil || len(tags.Tags) != 1 || aws.ToString(tags.Tags[0].Value) != awkward {
		t.Errorf("EC2's dialect: %v %+v", err, tags)
	}
	groupClient := autoscaling.NewFromConfig(config(member(func(c *query.Call) error {
		query.Items(c.Out, "AutoScalingGroups", c.Params.Texts("AutoScalingGroupNames"), func(name string) {
			c.Out.Text("AutoScalingGroupName", name)
			c.Out.Int("MinSize", 2)
			c.Out.Time("CreatedTime", time.Unix(1e9, 5e8))
			c.Out.Texts("TerminationPolicies", []string{"Default"})
		})
		return nil
	})))
	groups, err := groupClient.DescribeAutoScalingGroups(t.Context(),
		&autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{"one", "two"}})
	if err != nil || len(groups.AutoScalingGroups) != 2 {
		t.Fatalf("the member dialect: %v %+v", err, groups)
	}
	second := groups.AutoScalingGroups[1]
	if aws.ToString(second.AutoScalingGroupName) != "two" || aws.ToInt32(second.MinSize) != 2 ||
		!second.CreatedTime.Equal(time.Unix(1e9, 5e8)) || second.TerminationPolicies[0] != "Default" {
		t.Errorf("second group = %+v", second)
	}
}

func TestErrorsReachTheSDKInBothDialects(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		code   string
		status int
	}{
		"own":     {query.Errorf("InvalidAMIID.NotFound", "no %s", "ami-1"), "InvalidAMIID.NotFound", 400},
		"status":  {&query.Error{Code: "RequestLimitExceeded", Message: "slow", Status: 503}, "RequestLimitExceeded", 503},
		"unknown": {query.ErrUnknownAction, "InvalidAction", 400},
		"foreign": {errors.New("boom"), "InternalError", 500},
	} {
		t.Run(name, func(t *testing.T) {
			fail := func(*query.Call) error { return test.err }
			_, flatErr := ec2.NewFromConfig(config(flat(fail))).DescribeTags(t.Context(), &ec2.DescribeTagsInput{})
			_, memberErr := autoscaling.NewFromConfig(config(member(fail))).
				DescribeAutoScalingGroups(t.Context(), &autoscaling.DescribeAutoScalingGroupsInput{})
			for dialect, err := range map[string]error{"flat": flatErr, "member": memberErr} {
				api, ok := errors.AsType[smithy.APIError](err)
				if !ok || api.ErrorCode() != test.code || api.ErrorMessage() == "" {
					t.Errorf("%s: got %v, want code %s", dialect, err, test.code)
				}
				response, ok := errors.AsType[*awshttp.ResponseError](err)
				if !ok || response.HTTPStatusCode() != test.status || response.ServiceRequestID() == "" {
					t.Errorf("%s: got %v, want status %d and a request id", dialect, err, test.status)
				}
			}
		})
	}
}

func TestRequestsThatAreNotCallsGetTheServicesError(t *testing.T) {
	server := flat(func(c *query.Call) error { c.Params.Int("MinCount"); return nil })
	for name, test := range map[string]struct{ method, target, body, code string }{
		"no action":   {"POST", "/", "Version=1", "MissingAction"},
		"no form":     {"POST", "/", "%", "MalformedQueryString"},
		"method":      {"PUT", "/", "Action=A", "MalformedQueryString"},
		"too large":   {"POST", "/", "A=" + strings.Repeat("x", 5<<20), "MalformedQueryString"},
		"wrong type":  {"POST", "/", "Action=A&MinCount=x", "InvalidParameterValue"},
		"get is fine": {"GET", "/?Action=A&MinCount=1", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			before, out := server.Log.Len(), httptest.NewRecorder()
			server.ServeHTTP(out, httptest.NewRequestWithContext(t.Context(), test.method, test.target,
				strings.NewReader(test.body)))
			if test.code != "" && !strings.Contains(out.Body.String(), "<Response><Errors><Error><Code>"+test.code+"</Code>") {
				t.Errorf("answer %s, want %s", out.Body, test.code)
			}
			if records := server.Log.Since(before); len(records) != 1 || records[0].Error != test.code {
				t.Errorf("log %+v, want one record with error %q", records, test.code)
			}
		})
	}
}

func TestTheLogIsReadWhileItGrows(t *testing.T) {
	server := flat(func(c *query.Call) error { c.Touch("i-1", "i-2"); return nil })
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for range 50 {
				request := httptest.NewRequestWithContext(t.Context(), "POST", "/",
					strings.NewReader("Action=StopInstances&InstanceId.1=i-1"))
				request.Header.Set(query.CallerHeader, "stop/i-1")
				server.ServeHTTP(httptest.NewRecorder(), request)
			}
		})
	}
	seen := 0
	for seen < 200 {
		records := server.Log.Since(seen)
		seen += len(records)
		for _, r := range records {
			told := fmt.Sprint(r.Service, " ", r.Action, " ", r.Caller, " ", r.Resources, " ", r.Form)
			if told != "ec2 StopInstances stop/i-1 [i-1 i-2] Action=StopInstances&InstanceId.1=i-1" {
				t.Fatalf("record %+v", r)
			}
		}
	}
	callers.Wait()
	if server.Log.Len() != 200 {
		t.Errorf("%d records, want 200", server.Log.Len())
	}
}

func TestADroppedCallIsAConnectionErrorTheSDKRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		server := flat(func(*query.Call) error {
			if calls++; calls == 1 {
				return query.ErrDropped
			}
			return nil
		})
		cfg := config(server)
		cfg.Retryer = nil
		if _, err := ec2.NewFromConfig(cfg).DescribeTags(t.Context(), &ec2.DescribeTagsInput{}); err != nil || calls != 2 {
			t.Errorf("after %d calls: %v", calls, err)
		}
		if first := server.Log.Since(0)[0]; first.Error != "(dropped)" {
			t.Errorf("record %+v", first)
		}
	})
}

func TestTheClientHonoursItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		client := query.Client(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://embedded.invalid", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err == nil {
			_ = response.Body.Close()
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
	})
}

func BenchmarkService(b *testing.B) {
	server := flat(func(c *query.Call) error {
		query.Items(c.Out, "tagSet", make([]struct{}, 20),
			func(struct{}) { c.Out.Text("key", "Name"); c.Out.Text("value", "web") })
		return nil
	})
	for b.Loop() {
		server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(b.Context(), "POST", "/",
			strings.NewReader("Action=DescribeTags&Version=2016-11-15&Filter.1.Name=key&Filter.1.Value.1=Name")))
	}
}

func TestABoundedLogKeepsTheNewest(t *testing.T) {
	log := &query.Log{Keep: 10}
	for n := range 1000 {
		log.Add(query.Record{Action: strconv.Itoa(n), Form: strings.Repeat("x", 1<<20)})
	}
	kept := log.Since(0)
	if log.Len() != 1000 || len(kept) < 10 || len(kept) >= 20 || kept[len(kept)-1].Action != "999" ||
		len(kept[0].Form) > 4<<10 {
		t.Errorf("%d calls, %d kept", log.Len(), len(kept))
	}
	if last := log.Since(999); len(last) != 1 || last[0].Action != "999" {
		t.Errorf("the last call is %v", last)
	}
}
