package eventbridge_test

import (
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/smithy-go/middleware"

	"goldsmith/local/eventbridge"
	"goldsmith/local/query"
	"goldsmith/shared/fault"
)

// scheduled is a bus with a schedule that is due every day, three times, and a client of Scheduler.
func scheduled(t *testing.T) (*scene, *scheduler.Client) {
	t.Helper()
	s := start(t, nil)
	of := schedule(t, 3)
	of.Group = "goldsmith"
	of.Settings = eventbridge.Settings{
		Description: "Runs plan nightly.", ScheduleExpression: "cron(0 2 * * ? *)",
		ScheduleExpressionTimezone: "Europe/Berlin",
		FlexibleTimeWindow:         &eventbridge.Window{Mode: "FLEXIBLE", MaximumWindowInMinutes: 5},
		Target: &eventbridge.Target{Arn: "arn:aws:lambda:::function", RoleArn: "arn:aws:iam:::role",
			DeadLetterConfig: &eventbridge.DeadLetterConfig{Arn: "arn:aws:sqs:::queue"}},
	}
	if err := s.Schedule(of); err != nil {
		t.Fatal(err)
	}
	return s, scheduler.NewFromConfig(aws.Config{
		Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("AKIAEMBEDDED", "embedded", ""),
		BaseEndpoint: aws.String("http://aws.local"), HTTPClient: query.Client(s.Bus),
	})
}

func told(t *testing.T, api *scheduler.Client) *scheduler.GetScheduleOutput {
	t.Helper()
	out, err := api.GetSchedule(t.Context(),
		&scheduler.GetScheduleInput{Name: aws.String("goldsmith-nightly"), GroupName: aws.String("goldsmith")})
	if err != nil {
		t.Fatal(err)
	}
	out.ResultMetadata = middleware.Metadata{}
	return out
}

// whole is an update that changes nothing.
func whole(now *scheduler.GetScheduleOutput) *scheduler.UpdateScheduleInput {
	return &scheduler.UpdateScheduleInput{Name: now.Name, GroupName: now.GroupName, State: now.State,
		ActionAfterCompletion: now.ActionAfterCompletion, Description: now.Description,
		FlexibleTimeWindow: now.FlexibleTimeWindow, ScheduleExpression: now.ScheduleExpression,
		ScheduleExpressionTimezone: now.ScheduleExpressionTimezone, Target: now.Target}
}

// A schedule that is updated to be off invokes nothing, and keeps what the update repeats alone.
func TestUpdateSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, api := scheduled(t)
		before := told(t, api)
		in := whole(before)
		in.State = types.ScheduleStateDisabled
		if _, err := api.UpdateSchedule(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		time.Sleep(36 * time.Hour)
		if calls := s.noted(); len(calls) > 0 {
			t.Errorf("invoked while it is off: %v", calls)
		}
		if _, err := api.UpdateSchedule(t.Context(), whole(before)); err != nil {
			t.Fatal(err)
		}
		if after := told(t, api); !reflect.DeepEqual(before, after) {
			t.Errorf("it is %+v, and was %+v", after, before)
		}
		time.Sleep(24 * time.Hour)
		if calls := s.noted(); len(calls) != 1 {
			t.Errorf("invoked once it is on: %v", calls)
		}
		in = whole(before)
		in.Description, in.State = nil, ""
		if _, err := api.UpdateSchedule(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if after := told(t, api); after.Description != nil || after.State != types.ScheduleStateEnabled {
			t.Errorf("what the update left out is %v, %s", after.Description, after.State)
		}
	})
}

func TestUpdateScheduleRefuses(t *testing.T) {
	for name, edit := range map[string]func(*scheduler.UpdateScheduleInput){
		"another name":      func(in *scheduler.UpdateScheduleInput) { in.Name = aws.String("goldsmith-weekly") },
		"the default group": func(in *scheduler.UpdateScheduleInput) { in.GroupName = nil },
		"no such state":     func(in *scheduler.UpdateScheduleInput) { in.State = "PAUSED" },
		"no such mode":      func(in *scheduler.UpdateScheduleInput) { in.FlexibleTimeWindow.Mode = "ON" },
		"off with minutes":  func(in *scheduler.UpdateScheduleInput) { in.FlexibleTimeWindow.Mode = "OFF" },
		"no minutes":        func(in *scheduler.UpdateScheduleInput) { in.FlexibleTimeWindow.MaximumWindowInMinutes = nil },
		"too many minutes": func(in *scheduler.UpdateScheduleInput) {
			*in.FlexibleTimeWindow.MaximumWindowInMinutes = 1441
		},
		"the default zone": func(in *scheduler.UpdateScheduleInput) { in.ScheduleExpressionTimezone = nil },
		"another time":     func(in *scheduler.UpdateScheduleInput) { in.ScheduleExpression = aws.String("rate(1 day)") },
		"no dead letters":  func(in *scheduler.UpdateScheduleInput) { in.Target.DeadLetterConfig = nil },
		"no role":          func(in *scheduler.UpdateScheduleInput) { in.Target.RoleArn = aws.String("") },
		"an empty time":    func(in *scheduler.UpdateScheduleInput) { in.ScheduleExpression = aws.String("") },
		"another function's": func(in *scheduler.UpdateScheduleInput) {
			in.Target.Arn = aws.String("arn:aws:lambda:::other")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, api := scheduled(t)
				before, in := told(t, api), whole(told(t, api))
				edit(in)
				_, err := api.UpdateSchedule(t.Context(), in)
				if code := fault.Code(err); code != "ValidationException" && code != "ResourceNotFoundException" {
					t.Errorf("answered %v", err)
				}
				if after := told(t, api); !reflect.DeepEqual(before, after) {
					t.Errorf("it is %+v, and was %+v", after, before)
				}
			})
		})
	}
}

func TestListSchedules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, api := scheduled(t)
		for n := range 7 {
			of := schedule(t, 1)
			of.Name, of.Group = fmt.Sprintf("goldsmith-%d", n), "goldsmith"
			if err := s.Schedule(of); err != nil {
				t.Fatal(err)
			}
			s.Enable(of.Name, n%2 == 0)
		}
		if err := s.Schedule(schedule(t, 1)); err != nil { // in the default group
			t.Fatal(err)
		}
		for want, in := range map[int]scheduler.ListSchedulesInput{
			9: {}, 8: {GroupName: aws.String("goldsmith")}, 3: {State: types.ScheduleStateDisabled},
			2: {NamePrefix: aws.String("goldsmith-n")}, 0: {GroupName: aws.String("other")},
		} {
			in.MaxResults = aws.Int32(2)
			pages, got := scheduler.NewListSchedulesPaginator(api, &in), 0
			for pages.HasMorePages() {
				page, err := pages.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				got += len(page.Schedules)
			}
			if got != want {
				t.Errorf("%d schedules, want %d", got, want)
			}
		}
	})
}
