package report

import (
	"fmt"
	"strings"

	"goldsmith/shared/job"
)

// Share is one image, and whom it is shared with.
type Share struct {
	Source, Image string
	job.Sharing
}

func (r *Report) addShared(result job.Result) {
	if result.Shared == nil {
		return
	}
	each := Share{Source: nameOf(result), Image: result.Image.ID, Sharing: *result.Shared}
	if each.Problem != "" {
		r.Counts.NotShared++
		r.NotShared = append(r.NotShared, each)
		return
	}
	r.Counts.Shared++
	r.Shared = append(r.Shared, each)
}

// Says is whom the image is shared with, or why it is not.
func (s Share) Says() string {
	if s.Problem == "" {
		return "shared with " + With(s.Sharing)
	}
	why := without(s.Problem, s.Do)
	if !s.None() {
		return "shared with " + With(s.Sharing) + ", and not as the plan says: " + why
	}
	return why
}

// named is how many accounts and organizations With names at most.
const named = 5

// With names whom an image is shared with: "account 111122223333, with its snapshots".
func With(s job.Sharing) string {
	var said []string
	if n := len(s.Accounts); n > 0 {
		said = append(said, counted(n, "account")+" "+job.Few(s.Accounts, named))
	}
	if n := len(s.Organizations); n > named {
		return strings.Join(append(said, fmt.Sprintf("%d organizations and units", n)), ", ")
	}
	for _, arn := range s.Organizations {
		what, id := "organization ", arn[strings.LastIndex(arn, "/")+1:]
		if strings.HasPrefix(id, "ou-") {
			what = "organizational unit "
		}
		said = append(said, what+id)
	}
	with := strings.Join(said, ", ")
	if s.Snapshots {
		with += ", which may copy it"
	}
	return with
}

func counted(n int, what string) string {
	if n == 1 {
		return what
	}
	return what + "s"
}
