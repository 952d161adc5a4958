package query

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
)

// Client is an HTTP client whose every request is served by h in this process.
// It needs no socket, so it works inside a testing/synctest bubble. A request
// whose context ends is abandoned; a handler that panics with
// http.ErrAbortHandler is seen as a connection reset.
func Client(h http.Handler) *http.Client {
	return &http.Client{Transport: inProcess{h}}
}

type inProcess struct{ handler http.Handler }

func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	answered := make(chan *recorder, 1)
	go func() { answered <- t.serve(req) }()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case rec := <-answered:
		if rec.aborted {
			return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
		}
		return rec.response(req), nil
	}
}

func (t inProcess) serve(req *http.Request) (rec *recorder) {
	rec = &recorder{header: http.Header{}, status: http.StatusOK}
	defer func() {
		switch failure := recover(); {
		case failure == nil:
		case isAbort(failure):
			rec.aborted = true
		default:
			panic(failure)
		}
	}()
	served := req.Clone(req.Context())
	served.RequestURI = req.URL.RequestURI()
	if served.Body == nil {
		served.Body = http.NoBody
	}
	t.handler.ServeHTTP(rec, served)
	_ = served.Body.Close() // A RoundTripper closes the body; nothing is lost by an error here.
	return rec
}

func isAbort(failure any) bool {
	err, ok := failure.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

type recorder struct {
	header  http.Header
	status  int
	wrote   bool
	aborted bool
	body    bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.wrote = true
	return r.body.Write(b)
}

func (r *recorder) response(req *http.Request) *http.Response {
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", r.status, http.StatusText(r.status)),
		StatusCode: r.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        r.header,
		Body:          io.NopCloser(&r.body),
		ContentLength: int64(r.body.Len()),
		Request:       req,
	}
}
