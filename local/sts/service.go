// Package sts is the embedded Security Token Service: it says who calls.
package sts

import (
	"net/http"

	"goldsmith/local/clock"
	"goldsmith/local/query"
)

// Options set a service up; all are required but Log.
type Options struct {
	Account string
	Clock   *clock.Clock
	Log     *query.Log
}

// New answers GetCallerIdentity: everybody is the account's root user, as no
// signature is checked.
func New(o Options) http.Handler {
	return &query.Service{
		Name:    "sts",
		Dialect: query.Dialect{Namespace: "https://sts.amazonaws.com/doc/", Version: "2011-06-15", Member: true},
		Clock:   o.Clock, Log: o.Log,
		Serve: func(call *query.Call) error {
			if call.Action != "GetCallerIdentity" {
				return query.ErrUnknownAction
			}
			call.Out.Text("Arn", "arn:aws:iam::"+o.Account+":root")
			call.Out.Text("UserId", o.Account)
			call.Out.Text("Account", o.Account)
			return nil
		},
	}
}
