package roll_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"goldsmith/test/steptest"
)

// An alias of the advanced tier, which a person made so for its policies, is rolled and stays so.
func TestAnAdvancedAliasIsRolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := steptest.New(t)
		s.Cloud.AddImage(before)
		step, j := first(s)
		_, err := s.SSM.PutParameter(s.Context(), &ssm.PutParameterInput{
			Name: aws.String(alias), Value: aws.String(before), Type: ssmtypes.ParameterTypeString,
			DataType: aws.String("aws:ec2:image"), Tier: ssmtypes.ParameterTierAdvanced,
		})
		s.Must(err)
		time.Sleep(time.Minute)
		done, err := step(s.Context(), j)
		s.Must(err)
		time.Sleep(time.Minute)
		got := find(done, alias)
		s.Same("alias", []any{got.From, got.To, got.Problem}, []any{before, newest, ""})
		out, err := s.SSM.GetParameterHistory(s.Context(), &ssm.GetParameterHistoryInput{Name: aws.String(alias)})
		s.Must(err)
		last := out.Parameters[len(out.Parameters)-1]
		s.Same("parameter", []any{aws.ToString(last.Value), last.Tier}, []any{newest, ssmtypes.ParameterTierAdvanced})
	})
}
