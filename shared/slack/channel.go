package slack

import (
	"context"

	"goldsmith/shared/report"
)

// Report sends the message of a run, if its plan wants to hear of it.
func (s *Sender) Report(ctx context.Context, r report.Report) (sent bool, err error) {
	if !r.Wanted() {
		return false, nil
	}
	delivery, err := s.Send(ctx, Of(r))
	return delivery == Sent, err
}

// Alert sends an alert.
func (s *Sender) Alert(ctx context.Context, a report.Alert) (sent bool, err error) {
	delivery, err := s.Send(ctx, Alert(a.Title, a.Lines, a.Notify.Channel, a.Notify.Mention))
	return delivery == Sent, err
}
