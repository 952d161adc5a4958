package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"goldsmith/infra/workflow"
	"goldsmith/local/asl"
	"goldsmith/local/clock"
)

// functions is the embedded Lambda: the suite's real handlers by name, called
// with JSON and answering JSON or an error by its Go type name, as Lambda does.
// Versions are told apart by who wraps them (versions.go).
type functions struct {
	prefix string // of every function's ARN
	clock  *clock.Clock
	logs   io.Writer
	// environment is what a deployment tells a function.
	environment func(name string) (map[string]string, error)
	timeouts    map[string]time.Duration
	byName      map[string]func() lambda.Handler
	published   *published
	invoked     atomic.Uint64
}

// ARN is a function's ARN.
func (f *functions) ARN(name string) string { return f.prefix + name }

// Invoke calls a function by ARN, by its deployed name or by its folder's name.
func (f *functions) Invoke(ctx context.Context, function string, payload []byte) (answer []byte, failed *asl.Error) {
	name := workflow.FunctionIn(function)
	sandbox, ok := f.byName[name]
	if !ok {
		return nil, &asl.Error{Name: "Lambda.ResourceNotFoundException", Cause: "Function not found: " + function}
	}
	defer func() {
		if r := recover(); r != nil {
			failed = asl.FunctionError("Runtime.ExitError", fmt.Sprint(r))
		}
	}()
	ctx, work := f.clock.Begin(ctx)
	defer work.End()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID:       fmt.Sprintf("00000000-0000-4000-8000-%012x", f.invoked.Add(1)),
		InvokedFunctionArn: f.ARN(name),
	})
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, callerKey{}, name+"/"+sourceIn(payload)), f.timeouts[name])
	defer cancel()
	answer, err := sandbox().Invoke(ctx, payload)
	if err != nil {
		return nil, asl.FunctionError(typeName(err), err.Error())
	}
	return answer, nil
}

// typeName is what aws-lambda-go reports as errorType: the outermost Go type.
func typeName(err error) string {
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

// sourceIn is the source that a payload is about, for the call log.
func sourceIn(payload []byte) string {
	type about struct {
		Source struct {
			ID string `json:"id"`
		} `json:"source"`
	}
	var seen struct {
		about
		Job    about `json:"job"`
		Detail struct {
			Instance string            `json:"instance-id"`
			Tags     map[string]string `json:"tags"`
		} `json:"detail"`
	}
	if err := json.Unmarshal(payload, &seen); err != nil {
		return ""
	}
	for _, id := range []string{seen.Source.ID, seen.Job.Source.ID, seen.Detail.Instance,
		seen.Detail.Tags["goldsmith:source"]} {
		if id != "" {
			return id
		}
	}
	return ""
}

// ServeHTTP answers Lambda's Invoke (POST /2015-03-31/functions/NAME/invocations), GetFunctionConfiguration
// (GET .../NAME/configuration), ListVersionsByFunction (GET .../NAME/versions) and DeleteFunction of a version
// (DELETE .../NAME).
func (f *functions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, operation, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/2015-03-31/functions/"), "/")
	serve := map[string]func(http.ResponseWriter, *http.Request, string){
		"POST invocations": f.serveInvoke, "GET configuration": f.serveConfiguration,
		"GET versions": f.serveVersions, "DELETE ": f.serveDelete,
	}[r.Method+" "+operation]
	switch member := unmodelled(r, operation); {
	case serve == nil:
		refuse(w, http.StatusNotFound, "UnknownOperationException", "the embedded Lambda knows Invoke, "+
			"GetFunctionConfiguration, ListVersionsByFunction and DeleteFunction only")
	case member != "":
		problem := "The member " + member + " is not modelled by the embedded AWS."
		refuse(w, http.StatusBadRequest, "InvalidParameterValueException", problem)
	default:
		serve(w, r, name)
	}
}

// unmodelled is a member of a request that says something else than what holds anyhow: every
// invocation is synchronous and of the code that is there, and nothing of its log is answered.
func unmodelled(r *http.Request, operation string) string {
	said := map[string]string{}
	if operation == "invocations" || operation == "configuration" {
		said["Qualifier"] = r.URL.Query().Get("Qualifier")
	}
	for member, header := range map[string]string{
		"InvocationType": "X-Amz-Invocation-Type", "LogType": "X-Amz-Log-Type", "ClientContext": "X-Amz-Client-Context",
		"DurableExecutionName": "X-Amz-Durable-Execution-Name", "TenantId": "X-Amz-Tenant-Id",
	} {
		said[member] = r.Header.Get(header)
	}
	anyhow := map[string]string{"InvocationType": "RequestResponse", "LogType": "None", "Qualifier": "$LATEST"}
	for _, member := range slices.Sorted(maps.Keys(said)) {
		if said[member] != "" && said[member] != anyhow[member] {
			return member
		}
	}
	return ""
}

// serveConfiguration shows what the function is told, as far as people ask for it.
func (f *functions) serveConfiguration(w http.ResponseWriter, _ *http.Request, function string) {
	name := strings.TrimPrefix(function, workflow.Name+"-")
	if _, ok := f.byName[name]; !ok {
		refuse(w, http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+f.ARN(name))
		return
	}
	shown, err := f.configuration(name)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "ServiceException", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(shown)
}

func (f *functions) configuration(name string) (map[string]any, error) {
	variables, err := f.environment(name)
	return map[string]any{
		"FunctionName": workflow.Name + "-" + name, "FunctionArn": f.ARN(name), "Timeout": int(f.timeouts[name].Seconds()),
		"State": "Active", "LastUpdateStatus": "Successful", "Environment": map[string]any{"Variables": variables},
	}, err
}

// mostVersions is how many versions a page lists (API reference, ListVersionsByFunction).
const mostVersions = 50

// serveVersions lists the versions that deployments have published.
func (f *functions) serveVersions(w http.ResponseWriter, r *http.Request, function string) {
	name := strings.TrimPrefix(function, workflow.Name+"-")
	if _, ok := f.byName[name]; !ok {
		refuse(w, http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+f.ARN(name))
		return
	}
	from, most, err := pageOf(r, mostVersions)
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidParameterValueException", err.Error())
		return
	}
	numbers, made := f.published.of(name)
	versions, end := []map[string]any{}, min(len(numbers), from+most)
	for n := min(from, end); n < end; n++ {
		shown, err := f.configuration(name)
		if err != nil {
			refuse(w, http.StatusInternalServerError, "ServiceException", err.Error())
			return
		}
		shown["Version"], shown["FunctionArn"] = numbers[n], f.ARN(name)+":"+numbers[n]
		shown["LastModified"] = made[n].UTC().Format("2006-01-02T15:04:05.000-0700")
		versions = append(versions, shown)
	}
	answer := map[string]any{"Versions": versions}
	if end < len(numbers) {
		answer["NextMarker"] = strconv.Itoa(end)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func pageOf(r *http.Request, most int) (from, size int, err error) {
	size = most
	if text := r.URL.Query().Get("MaxItems"); text != "" {
		if size, err = strconv.Atoi(text); err != nil || size < 1 || size > 10_000 {
			return 0, 0, fmt.Errorf("MaxItems %s is not from 1 to 10000", text)
		}
	}
	if text := r.URL.Query().Get("Marker"); text != "" {
		if from, err = strconv.Atoi(text); err != nil || from < 1 {
			return 0, 0, fmt.Errorf("the Marker %s is not valid", text)
		}
	}
	return from, min(size, most), nil
}

// serveDelete deletes one version; what is deployed stays.
func (f *functions) serveDelete(w http.ResponseWriter, r *http.Request, function string) {
	name, qualifier := strings.TrimPrefix(function, workflow.Name+"-"), r.URL.Query().Get("Qualifier")
	switch _, ok := f.byName[name]; {
	case !ok:
		refuse(w, http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+f.ARN(name))
	case qualifier == "" || qualifier == "$LATEST":
		refuse(w, http.StatusBadRequest, "InvalidParameterValueException",
			"A function that is deployed cannot be deleted in the embedded AWS, and $LATEST not without the function.")
	case !f.published.remove(name, qualifier):
		refuse(w, http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+f.ARN(name)+":"+qualifier)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (f *functions) serveInvoke(w http.ResponseWriter, r *http.Request, name string) {
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 6<<20))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "RequestTooLargeException", err.Error())
		return
	}
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	answer, failed := f.Invoke(r.Context(), name, payload)
	switch {
	case failed != nil && failed.Name == "Lambda.ResourceNotFoundException":
		refuse(w, http.StatusNotFound, "ResourceNotFoundException", failed.Cause)
		return
	case failed != nil:
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		answer = []byte(failed.Cause)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amz-Executed-Version", "$LATEST")
	_, _ = w.Write(answer)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-ErrorType", code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"Message": message, "Type": "User"})
}
