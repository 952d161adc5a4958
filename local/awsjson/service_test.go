package awsjson_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"goldsmith/local/awsjson"
	"goldsmith/local/clock"
	"goldsmith/local/query"
)

type in struct{ Name string }

func service() *awsjson.Service {
	return &awsjson.Service{Name: "echo", Target: "Echo", Clock: clock.Real(), Operations: map[string]awsjson.Operation{
		"Say": awsjson.Op(func(i in) (any, error) {
			switch i.Name {
			case "refused":
				return nil, awsjson.Errorf("Refused", "no %s", i.Name)
			case "broken":
				return nil, errors.New("disk on fire")
			}
			return map[string]any{"Said": i.Name, "At": awsjson.Time(time.UnixMilli(1500)), "Never": awsjson.Time{}}, nil
		}, func(i in) []string { return []string{i.Name} }),
	}}
}

func call(t *testing.T, method, target, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://aws.local/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Amz-Target", target)
	response, err := query.Client(service()).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		method, target, body string
		status               int
		want                 string
	}{
		"well":      {"POST", "Echo.Say", `{"Name":"x"}`, 200, `{"At":1.500,"Never":null,"Said":"x"}`},
		"refused":   {"POST", "Echo.Say", `{"Name":"refused"}`, 400, `{"__type":"Refused","message":"no refused"}`},
		"broken":    {"POST", "Echo.Say", `{"Name":"broken"}`, 500, `{"__type":"InternalFailure","message":"disk on fire"}`},
		"malformed": {"POST", "Echo.Say", `{"Name":`, 400, "SerializationException"},
		"wrong":     {"POST", "Echo.Say", `{"Name":1}`, 400, "SerializationException"},
		"long":      {"POST", "Echo.Say", `{"Name":"` + strings.Repeat("x", 1<<20) + `"}`, 400, "SerializationException"},
		"unknown":   {"POST", "Echo.Shout", `{}`, 400, "UnknownOperationException"},
		"no target": {"POST", "", `{}`, 400, "UnknownOperationException"},
		"get":       {"GET", "Echo.Say", ``, 400, "UnknownOperationException"},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := call(t, c.method, c.target, c.body)
			if status != c.status || !strings.Contains(body, c.want) {
				t.Errorf("%d %s, want %d %s", status, body, c.status, c.want)
			}
		})
	}
}

func FuzzCall(f *testing.F) {
	f.Add("Echo.Say", `{"Name":"x"}`)
	f.Add("Echo.Say", `null`)
	f.Add("", "\x00")
	f.Fuzz(func(t *testing.T, target, body string) {
		if _, answer := call(t, "POST", target, body); !json.Valid([]byte(answer)) {
			t.Errorf("%q answers %q", body, answer)
		}
	})
}

func TestPage(t *testing.T) {
	var all []int
	token := ""
	for {
		page, next, err := awsjson.Page([]int{1, 2, 3, 4, 5}, token, 2)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if next == "" {
			break
		}
		token = next
	}
	if len(all) != 5 || all[4] != 5 {
		t.Errorf("%v", all)
	}
	for _, bad := range []string{"x", "after--1", "after-6"} {
		if _, _, err := awsjson.Page([]int{1}, bad, 2); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
