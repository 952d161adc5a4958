package signed

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
)

// refused is the error in an answer, in any of the protocols: JSON with the code in __type or a header, or XML with an
// Error, alone or within an ErrorResponse.
func refused(answer *http.Response, body []byte) error {
	e := &smithy.GenericAPIError{Fault: smithy.FaultClient}
	if answer.StatusCode >= http.StatusInternalServerError {
		e.Fault = smithy.FaultServer
	}
	e.Code, e.Message = inXML(body)
	if e.Code == "" {
		e.Code, e.Message = inJSON(body)
	}
	e.Code = bare(cmp.Or(answer.Header.Get("X-Amzn-Errortype"), e.Code, fmt.Sprintf("HTTP%d", answer.StatusCode)))
	return e
}

func inXML(body []byte) (code, message string) {
	var said struct {
		Code    string
		Message string
		Error   struct{ Code, Message string }
	}
	if xml.Unmarshal(body, &said) != nil {
		return "", ""
	}
	return cmp.Or(said.Code, said.Error.Code), cmp.Or(said.Message, said.Error.Message)
}

func inJSON(body []byte) (code, message string) {
	var said struct {
		Type    string `json:"__type"`
		Message string `json:"message"` // Also Message: encoding/json takes either.
	}
	if json.Unmarshal(body, &said) != nil {
		return "", ""
	}
	return said.Type, said.Message
}

// bare is a code without the namespace before it and the address behind it.
func bare(code string) string {
	code, _, _ = strings.Cut(code, ":")
	return code[strings.LastIndex(code, "#")+1:]
}
