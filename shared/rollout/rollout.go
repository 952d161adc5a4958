// Package rollout rolls images into launch templates and Parameter Store aliases: it finds those
// that want a source's image, says what becomes of each, writes it, and takes it back. A run, its
// rehearsal and a rollback ask the same functions; only a Writer changes anything.
//
// Why a template was not rolled is decided in decide.go and fits.go.
package rollout

import (
	"context"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"goldsmith/shared/job"
	"goldsmith/shared/ledger"
)

// Reader finds templates, and what their instance types can run.
type Reader interface {
	ec2.DescribeLaunchTemplatesAPIClient
	ec2.DescribeLaunchTemplateVersionsAPIClient
	ec2.DescribeInstanceTypesAPIClient
}

// Parameters reads aliases.
type Parameters interface {
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
}

// Book remembers what targets pointed at.
type Book interface {
	Targets(ctx context.Context, source string) iter.Seq2[ledger.TargetRecord, error]
}

// Finder finds targets. The alias of a source lies in Parameter Store under Path, such as /goldsmith/images.
type Finder struct {
	EC2        Reader
	Parameters Parameters
	Book       Book
	Path       string
	Now        func() time.Time
}

// Image is the image that is to be rolled, as far as a target asks for it.
type Image struct {
	ID string
	// Architecture, BootMode and Virtualization are EC2's words. An image without a
	// boot mode boots as its instance type does by default.
	Architecture, BootMode, Virtualization string
	// Source is the id of what it was made from, Name that source's name, InstanceType the type it ran on.
	Source, Name, InstanceType string
	// Run is the run that made it.
	Run string
}

// Target is one launch template or alias.
type Target struct {
	// Record is what the ledger has of it, At what it points at now, Decision what becomes of it.
	Record   ledger.TargetRecord
	At       State
	Decision Decision
	// Rolled is what a report says of it, before anything is changed.
	Rolled job.Rolled
	// found is a template's default version; nil for an alias.
	found *version
	// changed is whether this call, or an earlier one of this run, has pointed it at the image.
	changed bool
}

// State is what a launch template or an alias points at now.
type State struct {
	// Alias is whether it is a parameter.
	Alias bool
	// Version is the template's default version or the parameter's; 0 for a parameter that does not exist yet.
	Version int64
	Image   string
}

// Point is what the target points at now, as the ledger remembers it.
func (s State) Point() ledger.Point { return ledger.Point{Image: s.Image, Version: s.Version} }

// version is a template's default version, and the number of its latest.
type version struct {
	types.LaunchTemplateVersion
	latest int64
}
