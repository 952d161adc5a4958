package suite

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"goldsmith/infra/workflow"
	"goldsmith/local/asl"
	"goldsmith/shared/handler"
)

// functions is the embedded Lambda: the suite's real handlers by name, called
// with JSON and answering JSON or an error by its Go type name, as Lambda does.
// Versions are told apart by who wraps them (versions.go).
type functions struct {
	prefix string // of every function's ARN
	logs   io.Writer
	// environment is what a deployment tells a function.
	environment func(name string) (map[string]string, error)
	timeouts    map[string]time.Duration
	byName      map[string]func() lambda.Handler
	invoked     atomic.Uint64
}

// add puts a handler behind a name, with everything around it that Lambda has. As
// in Lambda no two invocations share one: aws-lambda-go's Handler answers with
// bytes of a buffer that its next invocation may write into.
func add[In, Out any](f *functions, name string, handle handler.Func[In, Out]) {
	wrapped := handler.Wrap(handler.Logger(f.logs, name), handle)
	f.byName[name] = func() lambda.Handler { return lambda.NewHandler(wrapped) }
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
	for _, id := range []string{seen.Source.ID, seen.Job.Source.ID, seen.Detail.Instance, seen.Detail.Tags["goldsmith:source"]} {
		if id != "" {
			return id
		}
	}
	return ""
}

// ServeHTTP answers Lambda's Invoke (POST /2015-03-31/functions/NAME/invocations) and
// GetFunctionConfiguration (GET /2015-03-31/functions/NAME/configuration).
func (f *functions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, operation, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/2015-03-31/functions/"), "/")
	invokes := operation == "invocations" && r.Method == http.MethodPost
	configures := operation == "configuration" && r.Method == http.MethodGet
	switch member := unmodelled(r); {
	case (invokes || configures) && member != "":
		problem := "The member " + member + " is not modelled by the embedded AWS."
		refuse(w, http.StatusBadRequest, "InvalidParameterValueException", problem)
	case invokes:
		f.serveInvoke(w, r, name)
	case configures:
		f.serveConfiguration(w, name)
	default:
		refuse(w, http.StatusNotFound, "UnknownOperationException", "the embedded Lambda knows Invoke and GetFunctionConfiguration only")
	}
}

// unmodelled is a member of a request that says something else than what holds anyhow: every
// invocation is synchronous and of the code that is there, and nothing of its log is answered.
func unmodelled(r *http.Request) string {
	said := map[string]string{"Qualifier": r.URL.Query().Get("Qualifier")}
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
func (f *functions) serveConfiguration(w http.ResponseWriter, function string) {
	name := strings.TrimPrefix(function, workflow.Name+"-")
	if _, ok := f.byName[name]; !ok {
		refuse(w, http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+f.ARN(name))
		return
	}
	variables, err := f.environment(name)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "ServiceException", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"FunctionName": function, "FunctionArn": f.ARN(name), "Timeout": int(f.timeouts[name].Seconds()),
		"State": "Active", "LastUpdateStatus": "Successful", "Environment": map[string]any{"Variables": variables},
	})
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
