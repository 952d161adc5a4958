package ssm_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

func tier(t types.ParameterTier) func(*sdk.PutParameterInput) {
	return func(in *sdk.PutParameterInput) { in.Tier = t }
}

// API reference, PutParameter, Tier.
func TestAnAdvancedParameterStaysAdvanced(t *testing.T) {
	for wanted, refused := range map[types.ParameterTier]bool{
		"": true, types.ParameterTierStandard: true, types.ParameterTierAdvanced: false,
		types.ParameterTierIntelligentTiering: false,
	} {
		s := newScene()
		if _, err := s.put(t, "/a/b", "1", tier(types.ParameterTierAdvanced)); err != nil {
			t.Fatal(err)
		}
		_, err := s.put(t, "/a/b", "2", tier(wanted), func(in *sdk.PutParameterInput) { in.Overwrite = aws.Bool(true) })
		if refused != (err != nil) || err != nil && !strings.Contains(err.Error(), "advanced-parameter tier") {
			t.Errorf("%q: %v", wanted, err)
		}
		out, err := s.DescribeParameters(t.Context(), nil)
		if err != nil || out.Parameters[0].Tier != types.ParameterTierAdvanced {
			t.Errorf("%q: %v %v", wanted, out.Parameters[0].Tier, err)
		}
	}
}

// User Guide, "Managing parameter tiers".
func TestTiersHold(t *testing.T) {
	for _, c := range []struct {
		tier  types.ParameterTier
		size  int
		taken bool
		is    types.ParameterTier
	}{
		{"", 4096, true, types.ParameterTierStandard},
		{"", 4097, false, ""},
		{types.ParameterTierAdvanced, 8192, true, types.ParameterTierAdvanced},
		{types.ParameterTierAdvanced, 8193, false, ""},
		{types.ParameterTierIntelligentTiering, 4096, true, types.ParameterTierStandard},
		{types.ParameterTierIntelligentTiering, 5000, true, types.ParameterTierAdvanced},
	} {
		s := newScene()
		_, err := s.put(t, "/a/c", strings.Repeat("x", c.size), tier(c.tier))
		if c.taken != (err == nil) {
			t.Errorf("%q, %d: %v", c.tier, c.size, err)
		}
		out, err := s.DescribeParameters(t.Context(), nil)
		if err != nil || c.taken && out.Parameters[0].Tier != c.is {
			t.Errorf("%q, %d: %v", c.tier, c.size, err)
		}
	}
}
