package slack

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// RateLimitedError says that Slack wants us to wait longer than there is time.
type RateLimitedError struct {
	// After is how long to wait before the next message.
	After time.Duration
}

// Error says how long to wait.
func (r *RateLimitedError) Error() string {
	return fmt.Sprintf("Slack takes no more messages for %s", r.After)
}

// UnavailableError says that Slack could not be reached, or had an error of its own.
type UnavailableError struct {
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	Reason string
	cause  error
}

// Error says what came instead of an answer.
func (u *UnavailableError) Error() string {
	if u.Status != 0 {
		return fmt.Sprintf("Slack is unavailable: HTTP %d", u.Status)
	}
	return "Slack is unavailable: " + u.Reason
}

// Unwrap is context.DeadlineExceeded or context.Canceled when that was why.
func (u *UnavailableError) Unwrap() error { return u.cause }

// RefusedError says that Slack does not take the message, now or later.
type RefusedError struct {
	// Code is Slack's name for the reason; empty when the answer was not Slack's.
	Code string
	// Status is the HTTP status; chat.postMessage refuses with 200.
	Status int
	// Details are Slack's further words, such as which block is wrong.
	Details []string
}

// Error names the reason and what to do about it.
func (r *RefusedError) Error() string {
	said := r.Code
	if said == "" {
		said = fmt.Sprintf("HTTP %d", r.Status)
	}
	if len(r.Details) > 0 {
		said += " " + strings.Join(r.Details, "; ")
	}
	if do := remedies[r.Code]; do != "" {
		said += " (" + do + ")"
	} else if r.Stale() {
		said += " (" + renew + ")"
	}
	return "Slack refused the message: " + said
}

// Stale reports whether Slack rejected the credentials, so that a newer secret may help.
func (r *RefusedError) Stale() bool {
	if r.Status == http.StatusNotFound || r.Status == http.StatusGone {
		return true
	}
	switch r.Code {
	case "invalid_token", "no_service", "no_active_hooks", "no_team",
		"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive":
		return true
	}
	return false
}

const renew = "put a valid webhook or token into the secret"

var remedies = map[string]string{
	"channel_not_found":   "invite the app to the channel, or correct notify.channel",
	"not_in_channel":      "invite the app to the channel",
	"is_archived":         "the channel is archived; choose another",
	"channel_is_archived": "the channel is archived; choose another",
	"action_prohibited":   "a workspace admin must allow the webhook to post there",
	"posting_to_general_channel_denied": "a workspace admin must allow the webhook to post there, or choose another " +
		"channel",
	"missing_scope": "give the app the scope chat:write",
	"no_channel":    "name a channel in the secret or in notify.channel",
	"not_slack": "what answers at the webhook's address is not Slack; check the secret and any " +
		"proxy",
	"invalid_url": renew,
}
