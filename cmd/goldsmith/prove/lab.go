// Package prove tries what Goldsmith assumes of AWS, on an account, by the code that relies on it. What it makes there
// for that it writes into a journal first, and removes.
package prove

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ebs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	smithytime "github.com/aws/smithy-go/time"

	"goldsmith/shared/awsclient"
	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
	"goldsmith/shared/source"
	"goldsmith/shared/tag"
)

// lab is the account that assumptions are tried in, and what was made there for it.
type lab struct {
	ec2    *ec2.Client
	groups *autoscaling.Client
	ssm    *ssm.Client
	keys   *kms.Client
	quotas *servicequotas.Client
	ebs    *ebs.Client
	// ledger is what the functions remember, in memory: there is no table.
	ledger  *ledger.Memory
	calls   *recorder
	journal *journal
	// run is the tag of what is made.
	run string
	// subnet is where instances are launched; empty for the default VPC's.
	subnet string

	// failed are the needs that could not be made.
	failed map[need]error

	base     types.Image // what the instance is launched from
	instance string
	job      job.Job // of the instance, once it is there
	// stopped is when the stop was sent: between two answers of EC2.
	stoppedFrom, stoppedTo time.Time
	// template is the id of the template with versions, the last of so many.
	template  string
	templates int
	// moved is the id of the template whose default is moved, heads the number of that; released is when that was rolled.
	moved    string
	heads    int64
	released time.Time
	// second is the image that leaves out what is not there.
	second string
	// shown is the image as EC2 showed it when it was available; gone is whether it was deregistered.
	shown types.Image
	gone  bool
}

func newLab(cfg aws.Config, j *journal, subnet string) *lab {
	calls := &recorder{}
	cfg = calls.install(cfg)
	return &lab{
		ec2: ec2.NewFromConfig(cfg), groups: autoscaling.NewFromConfig(cfg), ssm: ssm.NewFromConfig(cfg),
		keys: kms.NewFromConfig(cfg), quotas: servicequotas.NewFromConfig(cfg), ebs: ebs.NewFromConfig(cfg),
		ledger: ledger.NewMemory(), calls: calls, journal: j, run: j.head.Run, subnet: subnet,
		failed: map[need]error{},
	}
}

// now is AWS's time, as functions there would have it.
func (l *lab) now() time.Time { return l.calls.now() }

// token is the client token of what is made: the same for the same thing of the same run.
func (l *lab) token(what string) string { return token(l.run, what) }

func token(run, what string) string { return awsclient.Token("prove", run, what) }

// name is the name of what is made.
func (l *lab) name(what string) string { return l.run + "-" + what }

// path begins the names of the parameters.
func (l *lab) path() string { return parameters + l.run }

const parameters = "/goldsmith/prove/"

func (l *lab) tags(more map[string]string) []types.Tag {
	all := map[string]string{tag.Run: l.run, "Name": "goldsmith prove"}
	for key, value := range more {
		all[key] = value
	}
	return tag.List(all)
}

// make writes down what is about to be made, and then which it is.
func (l *lab) make(what string, do func() (id string, err error)) (string, error) {
	if err := l.journal.write(entry{Making: what}); err != nil {
		return "", err
	}
	id, err := do()
	if err != nil {
		return "", fmt.Errorf("making %s: %w", what, err)
	}
	return id, l.journal.write(entry{Made: what + " " + id})
}

const (
	// looking is how often AWS is asked whether something is done: a person waits for it.
	looking = 3 * time.Second
	// closely is how often of what does not last: a snapshot of little is pending for seconds.
	closely = 200 * time.Millisecond
	// patience is how long an instance or a group may take to get where it is sent, imagePatience an image.
	patience      = 10 * time.Minute
	imagePatience = 40 * time.Minute
)

// until looks again and again until it is done.
func until(ctx context.Context, what string, most time.Duration, look func() (done bool, err error)) error {
	return untilEach(ctx, what, looking, most, look)
}

func untilEach(ctx context.Context, what string, each, most time.Duration, look func() (done bool, err error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("%s: not within %s", what, most))
	defer cancel()
	for {
		done, err := look()
		if err != nil || done {
			return err
		}
		if err := rest(ctx, each); err != nil {
			return err
		}
	}
}

func rest(ctx context.Context, d time.Duration) error {
	if smithytime.SleepWithContext(ctx, d) != nil {
		return context.Cause(ctx)
	}
	return nil
}

// look is the instance as EC2 shows it.
func (l *lab) look(ctx context.Context) (types.Instance, error) {
	i, ok, err := source.Find(ctx, l.ec2, l.instance)
	if err == nil && !ok {
		err = source.Missing(l.instance)
	}
	return i, err
}

// reaches waits until the instance is in a state.
func (l *lab) reaches(ctx context.Context, state types.InstanceStateName) error {
	return until(ctx, "waiting until instance "+l.instance+" is "+string(state), patience, func() (bool, error) {
		i, ok, err := source.Find(ctx, l.ec2, l.instance)
		if err == nil && ok && source.Ending(source.State(i)) {
			err = fmt.Errorf("instance %s has ended: %s", l.instance, source.Why(i))
		}
		return ok && source.State(i) == state, err
	})
}
