package report

import (
	"cmp"
	"slices"

	"goldsmith/shared/job"
)

type groups map[job.ReasonCode]*Group

func (g groups) add(result job.Result, reason job.Reason) {
	group, ok := g[reason.Code]
	if !ok {
		group = &Group{Code: reason.Code, Text: reason.Text}
		g[reason.Code] = group
	}
	if group.Text != reason.Text {
		group.Text = ""
	}
	group.Of = append(group.Of, Reasoned{ID: result.Source, Name: nameOf(result), Text: reason.Text})
}

func (g groups) list() []Group {
	var list []Group
	for _, group := range g {
		list = append(list, *group)
	}
	slices.SortFunc(list, func(a, b Group) int {
		return cmp.Or(len(b.Of)-len(a.Of), cmp.Compare(a.Code, b.Code))
	})
	return list
}
