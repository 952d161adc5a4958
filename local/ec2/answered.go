package ec2

import (
	"net/http"
	"net/url"

	"goldsmith/local/query"
)

// answered is what a call with a client token made, for those who ask again.
type answered struct{ form, made string }

// answered finds what the same call made before. The same token with other
// parameters is IdempotentParameterMismatch.
func (w *World) answered(call *query.Call) (made string, again bool, err error) {
	token := call.Params.Text("ClientToken")
	if token == "" || call.DryRun() {
		return "", false, nil
	}
	before, ok := w.answers[call.Action+"/"+token]
	if !ok {
		return "", false, nil
	}
	call.Params.Keep() // Compared as a whole.
	if before.form != canonical(call.Params) {
		return "", false, &query.Error{
			Code: "IdempotentParameterMismatch",
			Message: "The client token you have provided is associated with a request with different parameters. Please " +
				"change your client token or parameters and try again.",
			Status: http.StatusBadRequest,
		}
	}
	return before.made, true, call.Commit()
}

func (w *World) remember(call *query.Call, made string) {
	if token := call.Params.Text("ClientToken"); token != "" {
		w.answers[call.Action+"/"+token] = answered{canonical(call.Params), made}
	}
}

func canonical(params *query.Params) string {
	form := url.Values{}
	for path, value := range params.Sent() {
		form.Set(path, value)
	}
	return form.Encode()
}
