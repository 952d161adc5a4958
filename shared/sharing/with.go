// Package sharing knows whom images are shared with: what stands in the way before anything is stopped, and how
// permissions are given and taken back.
package sharing

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"goldsmith/shared/fault"
	"goldsmith/shared/job"
	"goldsmith/shared/plan"
)

// Organizations tells which organization the account is in.
type Organizations interface {
	DescribeOrganization(context.Context, *organizations.DescribeOrganizationInput,
		...func(*organizations.Options)) (*organizations.DescribeOrganizationOutput, error)
}

// With is whom a plan shares its images with. EC2 takes full ARNs of organizations and units (API reference,
// LaunchPermission); they are made of the account's own organization, whose ARN names the account that manages it.
func With(ctx context.Context, api Organizations, s plan.Share) (job.Sharing, error) {
	with := job.Sharing{Accounts: s.Accounts, Snapshots: s.Snapshots}
	if !s.Organizes() {
		return with, nil
	}
	arn, err := ownARN(ctx, api)
	if err != nil {
		return with, err
	}
	head, id, ok := strings.Cut(arn, ":organization/")
	switch {
	case !ok || id == "":
		return with, fault.Failure("Share with accounts until it is known why.",
			"the ARN of the account's organization is %q, of which none of a unit can be made", arn)
	case s.Organization != "" && s.Organization != id:
		return with, fault.Failure("Correct share.organization in the plan, or share with the accounts themselves.",
			"organization %s is not the account's own, which is %s", s.Organization, id)
	case s.Organization != "":
		with.Organizations = append(with.Organizations, arn)
	}
	for _, unit := range s.OrganizationalUnits {
		with.Organizations = append(with.Organizations, head+":ou/"+id+"/"+unit)
	}
	return with, nil
}

// ownARN is the ARN of the account's own organization.
func ownARN(ctx context.Context, api Organizations) (string, error) {
	out, err := api.DescribeOrganization(ctx, &organizations.DescribeOrganizationInput{})
	switch none := (*types.AWSOrganizationsNotInUseException)(nil); {
	case errors.As(err, &none):
		return "", fault.Failure("Share with accounts instead.", "the account is in no organization")
	case fault.IsDenied(err):
		return "", fault.Failure("Let functions claim and share call organizations:DescribeOrganization.",
			"the account's organization cannot be looked up: %w", err)
	case err != nil:
		return "", fmt.Errorf("looking up the account's organization: %w", err)
	case out.Organization == nil:
		return "", errors.New("looking up the account's organization: AWS Organizations names none")
	}
	return aws.ToString(out.Organization.Arn), nil
}
