package account

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"goldsmith/local/s3"
)

// The bounds of one request. The longest body that any of the services takes is
// Lambda's payload of 6 MB; a client that needs longer than arrives to send one has stalled.
const (
	longestBody = 8 << 20
	arrives     = 30 * time.Second
)

// arrived reads the request's body, so that no service waits for one that does not
// come. The error is a refusal.
func arrived(w http.ResponseWriter, r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	// A connection in this process has no deadlines, and needs none.
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(arrives))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestBody))
	if err == nil {
		_ = connection.SetReadDeadline(time.Time{})
		r.Body = io.NopCloser(bytes.NewReader(body))
		return nil
	}
	w.Header().Set("Connection", "close")
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		return &refusal{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			fmt.Sprintf("The request is longer than %d bytes.", tooLong.Limit)}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &refusal{http.StatusRequestTimeout, "RequestTimeout",
			fmt.Sprintf("The request did not arrive within %s.", arrives)}
	}
	return &refusal{http.StatusBadRequest, "MalformedRequest", "The request's body could not be read: " + err.Error()}
}

// refusal is an error of the endpoint itself, before any service.
type refusal struct {
	status        int
	code, message string
}

// Error is the code and the message.
func (r *refusal) Error() string { return r.code + ": " + r.message }

// ServeHTTP refuses a request.
func (no *refusal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, service := SignedFor(r)
	no.write(w, spokenIn(r, service))
}

// unknown refuses a request that is for no service there is.
func (a *Account) unknown(r *http.Request, service string) *refusal {
	has := strings.Join(slices.Sorted(maps.Keys(a.services)), ", ")
	if service == "" {
		return &refusal{
			http.StatusForbidden, "MissingAuthenticationToken",
			"The request is not signed, so it names no service. The embedded AWS takes any credentials; it has " + has + ".",
		}
	}
	code := "UnknownOperationException"
	if spokenIn(r, service) == queryProtocol {
		code = "InvalidAction"
	}
	return &refusal{http.StatusBadRequest, code,
		fmt.Sprintf("The embedded AWS has no service %q; it has %s.", service, has)}
}

// protocol is one of those in which AWS's services answer.
type protocol int

const (
	restJSON protocol = iota
	awsJSON
	queryProtocol
	ec2Protocol
	restXML
	cbor
)

// Operation is what a request asks for, and leaves it as it was. Of a protocol that names it in no header and no form
// it is derived from the path, as far as the account's services need it.
func Operation(r *http.Request) string {
	if _, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return operation
	}
	if _, service := SignedFor(r); service == "s3" {
		return s3.Operation(r)
	}
	if strings.HasPrefix(r.URL.Path, "/schedules") {
		return scheduled(r)
	}
	if strings.HasPrefix(r.URL.Path, "/snapshots/") {
		if strings.HasSuffix(r.URL.Path, "/blocks") {
			return "ListSnapshotBlocks"
		}
		return "GetSnapshotBlock"
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "unreadable"
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body)) // What does not parse has no action, and is refused by its service.
	return cmp.Or(form.Get("Action"), r.URL.Query().Get("Action"))
}

func scheduled(r *http.Request) string {
	switch {
	case r.URL.Path == "/schedules":
		return "ListSchedules"
	case r.Method == http.MethodPut:
		return "UpdateSchedule"
	}
	return "GetSchedule"
}

// Refuse answers a request as its service does, in the protocol that it was made in.
func Refuse(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	(&refusal{status, code, message}).ServeHTTP(w, r)
}

// Deny refuses a request as the service does of a caller who may not make it.
func Deny(w http.ResponseWriter, r *http.Request) {
	_, service := SignedFor(r)
	spoken := spokenIn(r, service)
	no := &refusal{http.StatusBadRequest, "AccessDeniedException",
		"You are not authorized to perform this operation."}
	switch spoken {
	case ec2Protocol:
		no.status, no.code = http.StatusForbidden, "UnauthorizedOperation"
	case queryProtocol, restXML:
		no.status, no.code = http.StatusForbidden, "AccessDenied"
	case restJSON, cbor:
		no.status = http.StatusForbidden
	case awsJSON:
	}
	no.write(w, spoken)
}

// inXML are services whose requests do not tell that they want XML back.
var inXML = []string{"s3", "s3express", "s3-control", "route53", "cloudfront"}

// spokenIn tells a request's protocol by what it carries.
func spokenIn(r *http.Request, service string) protocol {
	form := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") ||
		r.URL.Query().Has("Action")
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		return cbor
	case r.Header.Get("X-Amz-Target") != "":
		return awsJSON
	case service == "ec2":
		return ec2Protocol
	case form:
		return queryProtocol
	case slices.Contains(inXML, service):
		return restXML
	}
	return restJSON
}

// write answers in the protocol of the service that the request is for.
func (no *refusal) write(w http.ResponseWriter, spoken protocol) {
	kind, body := "application/json", jsonOf(map[string]string{"Message": no.message, "message": no.message,
		"Type": "User"})
	switch spoken {
	case awsJSON:
		kind, body = "application/x-amz-json-1.1", jsonOf(map[string]string{"__type": no.code, "message": no.message})
	case cbor:
		kind, body = "application/cbor", cborOf("__type", no.code, "message", no.message)
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	case ec2Protocol:
		kind, body = "text/xml", xmlOf("<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors>"+
			"<RequestID>embedded</RequestID></Response>", no.code, no.message)
	case queryProtocol:
		kind, body = "text/xml", xmlOf("<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code>"+
			"<Message>%s</Message></Error><RequestId>embedded</RequestId></ErrorResponse>", no.code, no.message)
	case restXML:
		kind, body = "application/xml", xmlOf("<Error><Code>%s</Code><Message>%s</Message>"+
			"<RequestId>embedded</RequestId></Error>", no.code, no.message)
	case restJSON:
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Amzn-Errortype", no.code)
	w.WriteHeader(no.status)
	_, _ = w.Write(body) // A caller that is gone needs no answer.
}

func jsonOf(body map[string]string) []byte {
	text, _ := json.Marshal(body) // Strings are always JSON.
	return text
}

func xmlOf(form, code, message string) []byte {
	escaped := func(text string) string {
		var b strings.Builder
		_ = xml.EscapeText(&b, []byte(text)) // A strings.Builder never fails.
		return b.String()
	}
	return []byte(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + fmt.Sprintf(form, escaped(code), escaped(message)))
}

// cborOf is a map of short texts in CBOR (RFC 8949): pairs are keys and values in turn.
func cborOf(pairs ...string) []byte {
	out := []byte{0xbf} // a map of indefinite length
	for _, text := range pairs {
		out = binary.BigEndian.AppendUint16(append(out, 0x79), uint16(min(len(text), math.MaxUint16)))
		out = append(out, text...)
	}
	return append(out, 0xff)
}
