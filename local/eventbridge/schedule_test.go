package eventbridge_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"goldsmith/events"
	"goldsmith/local/eventbridge"
	"goldsmith/shared/event"
)

// nightly is due every day at two; it ends after days times.
func nightly(days int) func(time.Time) (time.Time, bool) {
	return func(after time.Time) (time.Time, bool) {
		days--
		due := after.UTC().Truncate(24 * time.Hour).Add(2 * time.Hour)
		if !due.After(after) {
			due = due.Add(24 * time.Hour)
		}
		return due, days >= 0
	}
}

func schedule(t *testing.T, days int) eventbridge.Schedule {
	t.Helper()
	input, err := events.Inputs[0].Payload(map[string]string{"Plan": "nightly"})
	if err != nil {
		t.Fatal(err)
	}
	return eventbridge.Schedule{Name: "goldsmith-nightly", Next: nightly(days), Input: input,
		Function: events.Inputs[0].Function}
}

func TestScheduleFires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		if err := s.Schedule(schedule(t, 3)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * 24 * time.Hour)
		calls := s.noted()
		if len(calls) != 3 {
			t.Fatalf("got %v", calls)
		}
		for day, call := range calls {
			due := s.started.UTC().Truncate(24 * time.Hour).Add(time.Duration(day)*24*time.Hour + 2*time.Hour)
			got, err := event.Decode([]byte(call.payload), event.Home{})
			want := event.Scheduled{
				Plan: "nightly", Time: due,
				Schedule: "arn:aws:scheduler:eu-central-1:123456789012:schedule/default/goldsmith-nightly",
			}
			if err != nil || got != event.Event(want) || call.function != "trigger" {
				t.Errorf("%v: got %+v, want %+v", err, got, want)
			}
			if late := s.started.Add(call.at).Sub(due); late < 0 || late > time.Second {
				t.Errorf("%v late", late)
			}
		}
	})
}

func TestScheduleDeliversTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(o *eventbridge.Options) {
			o.Faults = map[string]eventbridge.Faults{eventbridge.SchedulerSource: {Double: 1}}
		})
		plan := schedule(t, 1)
		plan.Group = "goldsmith"
		plan.Input = []byte(`{"id":"<aws.scheduler.execution-id>","n":"<aws.scheduler.attempt-number>","time":"<aws.scheduler.scheduled-time>","arn":"<aws.scheduler.schedule-arn>"}`)
		if err := s.Schedule(plan); err != nil {
			t.Fatal(err)
		}
		time.Sleep(48 * time.Hour)
		var inputs []map[string]string
		for _, call := range s.noted() {
			var input map[string]string
			if err := json.Unmarshal([]byte(call.payload), &input); err != nil {
				t.Fatal(err)
			}
			inputs = append(inputs, input)
		}
		if len(inputs) != 2 || inputs[0]["time"] != inputs[1]["time"] || inputs[0]["id"] == inputs[1]["id"] ||
			inputs[0]["n"] != "1" ||
			!strings.HasSuffix(inputs[0]["arn"], ":schedule/goldsmith/goldsmith-nightly") {
			t.Errorf("got %v", inputs)
		}
	})
}

func TestScheduleIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, func(o *eventbridge.Options) {
			o.Faults = map[string]eventbridge.Faults{eventbridge.SchedulerSource: {Loss: 1}}
		})
		if err := s.Schedule(schedule(t, 2)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(72 * time.Hour)
		if lost := s.Records(eventbridge.Lost); len(lost) != 2 || lost[0].Rule != "goldsmith-nightly" || len(s.noted()) > 0 {
			t.Errorf("got %+v", lost)
		}
	})
}

func TestScheduleEndsWithTheBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		if err := s.Schedule(schedule(t, 100)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(36 * time.Hour)
		s.Close()
		time.Sleep(100 * time.Hour)
		if calls := s.noted(); len(calls) != 2 {
			t.Errorf("got %v", calls)
		}
	})
}

func TestScheduleRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, nil)
		if err := s.Schedule(eventbridge.Schedule{Name: "x"}); err == nil {
			t.Error("half a schedule")
		}
		good := schedule(t, 1)
		if err := s.Schedule(good); err != nil {
			t.Fatal(err)
		}
		if err := s.Schedule(good); err == nil || !strings.Contains(err.Error(), "exists already") {
			t.Errorf("twice: %v", err)
		}
		good.Name, good.Next = "stuck", func(after time.Time) (time.Time, bool) { return after, true }
		if err := s.Schedule(good); err != nil {
			t.Fatal(err)
		}
		if dead := s.Records(eventbridge.Dead); len(dead) != 1 || dead[0].Rule != "stuck" {
			t.Errorf("got %+v", dead)
		}
	})
}
