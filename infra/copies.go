package main

import (
	"strings"

	"goldsmith/infra/workflow"
)

// copied fills in the Regions and the keys of the copies that plans want.
func copied(values workflow.Values, c Config) {
	var all, regions, aliasRegions, aliases, keys []string
	for _, name := range c.Plans.Names() {
		for _, each := range c.Plans.Plans[name].Copies {
			all, regions = []string{"*"}, append(regions, each.Region)
			switch {
			case each.Key == "":
			case strings.HasPrefix(each.Key, "alias/"):
				aliasRegions, aliases = append(aliasRegions, each.Region), append(aliases, each.Key)
			case strings.HasPrefix(each.Key, "arn:"):
				keys = append(keys, each.Key)
			default:
				keys = append(keys, one(values, "arn:${Partition}:kms:")+each.Region+one(values, ":${Account}:key/")+each.Key)
			}
		}
	}
	values[workflow.Copies], values[workflow.CopyRegions] = all, unique(regions)
	values[workflow.AliasRegions], values[workflow.CopyAliases] = unique(aliasRegions), unique(aliases)
	values[workflow.CopyKeys] = unique(keys)
	if values[workflow.SourceKeys] = nil; len(all) > 0 {
		values[workflow.SourceKeys] = values[workflow.VolumeKeys]
	}
}

// sharedCopies fills in the Regions in which plans share their copies.
func sharedCopies(values workflow.Values, c Config) {
	var regions []string
	for _, name := range c.Plans.Names() {
		for _, each := range c.Plans.Plans[name].Copies {
			if !each.Share.IsZero() {
				regions = append(regions, each.Region)
			}
		}
	}
	values[workflow.LookedKeys] = values[workflow.VolumeKeys]
	if len(values[workflow.Shares]) > 0 {
		values[workflow.LookedKeys] = []string{one(values, "arn:${Partition}:kms:${Region}:${Account}:key/*")}
	}
	values[workflow.ShareRegions] = unique(regions)
	values[workflow.CopyShares], values[workflow.AnyShares] = nil, values[workflow.Shares]
	if len(regions) > 0 {
		values[workflow.CopyShares], values[workflow.AnyShares] = []string{"*"}, []string{"*"}
	}
}

// rolledCopies fills in the Regions in which plans have their copies rolled.
func rolledCopies(values workflow.Values, c Config) {
	var all, regions []string
	for _, name := range c.Plans.Names() {
		for _, each := range c.Plans.Plans[name].Copies {
			if each.Alias {
				all, regions = []string{"*"}, append(regions, each.Region)
			}
		}
	}
	values[workflow.RolledCopies], values[workflow.RollRegions] = all, unique(regions)
	if values[workflow.CopyRoles] = nil; len(all) > 0 {
		values[workflow.CopyRoles] = values[workflow.PassedRoles]
	}
}
