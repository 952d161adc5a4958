package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"goldsmith/functions/claim"
	copying "goldsmith/functions/copy"
	"goldsmith/functions/hook"
	"goldsmith/functions/image"
	"goldsmith/functions/notify"
	recovery "goldsmith/functions/recover"
	"goldsmith/functions/refresh"
	"goldsmith/functions/release"
	"goldsmith/functions/report"
	"goldsmith/functions/retire"
	"goldsmith/functions/roll"
	"goldsmith/functions/rollback"
	selection "goldsmith/functions/select"
	"goldsmith/functions/share"
	"goldsmith/functions/snapshot"
	"goldsmith/functions/start"
	"goldsmith/functions/stop"
	"goldsmith/functions/trigger"
	"goldsmith/functions/verify"
	"goldsmith/functions/wake"
	"goldsmith/functions/watch"
	"goldsmith/infra/workflow"
	"goldsmith/shared/handler"
	"goldsmith/shared/settings"
)

func newFunctions(o Options) *functions {
	f := &functions{
		prefix:   fmt.Sprintf("arn:aws:lambda:%s:%s:function:goldsmith-", o.Region, o.Account),
		clock:    o.Clock,
		logs:     o.Logs,
		timeouts: map[string]time.Duration{},
		byName:   map[string]func() lambda.Handler{},
	}
	for _, each := range workflow.Functions {
		f.timeouts[each.Name] = each.Timeout
	}
	return f
}

// startFunctions wires the functions as they are deployed, with clients of the embedded AWS.
func (s *Stack) startFunctions() error {
	return errors.Join(
		add(s, "trigger", trigger.Wire),
		add(s, "select", selection.Wire),
		add(s, "claim", claim.Wire),
		add(s, "hook", hook.Wire),
		add(s, "stop", stop.Wire),
		add(s, "image", image.Wire),
		add(s, "snapshot", snapshot.Wire),
		add(s, "watch", watch.Wire),
		add(s, "wake", wake.Wire),
		add(s, "start", start.Wire),
		add(s, "verify", verify.Wire),
		add(s, "share", share.Wire),
		add(s, "roll", roll.Wire),
		add(s, "rollback", rollback.Wire),
		add(s, "release", release.Wire),
		add(s, "copy", copying.Wire),
		add(s, "refresh", refresh.Wire),
		add(s, "retire", retire.Wire),
		add(s, "notify", notify.Wire),
		add(s, "report", report.Wire),
		add(s, "recover", recovery.Wire),
	)
}

// add puts a function behind its name, with everything around it that Lambda has. As
// in Lambda no two invocations share one: aws-lambda-go's Handler answers with
// bytes of a buffer that its next invocation may write into.
func add[In, Out any](s *Stack, name string,
	wire func(context.Context, settings.Reader) (handler.Func[In, Out], error)) error {
	handle, err := wire(context.Background(), s.told(name))
	if err != nil {
		return err
	}
	logs := io.MultiWriter(s.functions.logs, s.Groups.Writer(workflow.LogGroup(name)))
	wrapped := handler.Wrap(handler.Logger(logs, name), handle)
	s.functions.byName[name] = func() lambda.Handler { return lambda.NewHandler(wrapped) }
	return nil
}
