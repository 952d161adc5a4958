package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"goldsmith/cmd/goldsmith/deployment"
	"goldsmith/shared/version"
)

// suite is where an answer is from, and which release is deployed there.
type suite struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	// Version is "unknown" where it cannot be read, and "none" where nothing is deployed.
	Version string `json:"version"`
}

// What stands for a version.
const (
	unknown     = "unknown"
	notDeployed = "none"
)

// String is the line that answers begin with.
func (s suite) String() string {
	where := fmt.Sprintf("Account %s, Region %s, ", s.Account, s.Region)
	switch s.Version {
	case version.Version:
		return where + "Goldsmith " + s.Version
	case notDeployed:
		return where + "Goldsmith is not deployed"
	case unknown:
		return where + "Goldsmith of an unknown version"
	default:
		return where + "Goldsmith " + s.Version + "; this command line is " + version.Version
	}
}

// suiteOf is what was found.
func suiteOf(d deployment.Deployment) *suite {
	return &suite{d.Account(), d.Region(), cmp.Or(d.Version, unknown)}
}

// connect is the configuration for a command that finds its way without the suite, such as one that calls a function by
// its name. Which suite it is stands over its answer; a caller who may not know that may go on all the same.
func (t *terms) connect(ctx context.Context) (aws.Config, error) {
	cfg, err := t.AWS(ctx, t.account)
	if err != nil || t.suite != nil {
		return cfg, err
	}
	found, err := deployment.Find(ctx, lambda.NewFromConfig(cfg))
	if unreached := net.Error(nil); errors.As(err, &unreached) {
		return cfg, err
	}
	t.suite = suiteOf(found)
	if err != nil {
		t.suite = bare(ctx, cfg, err)
	}
	return cfg, nil
}

// bare is an account in which no suite was found, and why.
func bare(ctx context.Context, cfg aws.Config, why error) *suite {
	s := &suite{unknown, cfg.Region, unknown}
	if absent := (*deployment.AbsentError)(nil); errors.As(why, &absent) {
		s.Version = notDeployed
	}
	if who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err == nil {
		s.Account = aws.ToString(who.Account)
	}
	return s
}
