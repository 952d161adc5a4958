package ssm

import (
	"slices"

	"goldsmith/local/awsjson"
)

const (
	standard    = "Standard"
	advanced    = "Advanced"
	intelligent = "Intelligent-Tiering"
	// What a parameter holds, in characters (User Guide, "Managing parameter tiers").
	standardMost = 4096
	advancedMost = 8192
)

// tierOf is the tier of a new version. One that is not said is that of the account, which is Standard unless a person
// has changed it, of a parameter that is Advanced by now, too: no page says that its tier is kept. Intelligent-Tiering
// makes it Advanced where its value needs that, and leaves it so (User Guide, "Managing parameter tiers").
func tierOf(in putInput, now version) string {
	switch {
	case in.Tier == "":
		return standard
	case in.Tier != intelligent:
		return in.Tier
	case now.Tier == advanced || len([]rune(in.Value)) > standardMost:
		return advanced
	}
	return standard
}

// reverts: "you can't revert an advanced parameter to a standard parameter" (API reference, PutParameter, Tier; the
// words are those of go-to-k/cdk-real-drift#408).
func reverts() error {
	return awsjson.Errorf("ValidationException", "This parameter uses the advanced-parameter tier. You can't downgrade "+
		"a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the "+
		"advanced parameter and recreate it as a standard parameter.")
}

func checkTier(v version) error {
	size := len([]rune(v.Value))
	switch {
	case !slices.Contains([]string{standard, advanced, intelligent}, v.Tier):
		return awsjson.Errorf("ValidationException", "Value '%s' at 'tier' failed to satisfy constraint: "+
			"Member must satisfy enum value set: [Standard, Advanced, Intelligent-Tiering]", v.Tier)
	case v.Tier == standard && size > standardMost:
		return awsjson.Errorf("ValidationException", "Standard tier parameters support a maximum parameter value of %d "+
			"characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier.",
			standardMost)
	case size > advancedMost:
		return awsjson.Errorf("ValidationException",
			"Advanced tier parameters support a maximum parameter value of %d characters.", advancedMost)
	}
	return nil
}
