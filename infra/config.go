package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"goldsmith/shared/plan"
	"goldsmith/shared/planfile"
)

// Config is what an operator chooses, from cdk.json's context or -c key=value.
type Config struct {
	// Plans are those of the file named by plans. Default plans.yaml.
	Plans plan.Plans
	// Functions is the folder that holds <function>/bootstrap. Default dist/functions.
	Functions string
	// Targets are the accounts and Regions. Default: wherever the CDK CLI's credentials lead.
	Targets []Target
	// ImagePath is the Parameter Store path of the aliases. Default /goldsmith/images.
	ImagePath string
	// SlackSecret is the ARN of the secret with Slack's credentials, or its name in the
	// target's own account and Region. Empty: no Slack messages.
	SlackSecret string
	// SlackKeys, TableKeys and VolumeKeys are ARNs of customer keys: of the secret, of the table
	// (one in each Region), of volumes.
	SlackKeys, TableKeys, VolumeKeys []string
	// Parameters are names of parameters outside of ImagePath that templates take their image from.
	Parameters []string
	// PassedRoles are ARNs of the roles in the instance profiles of launch templates whose groups plans refresh.
	PassedRoles []string
	// Emails get the alarms.
	Emails []string
	// AssetBucket begins the name of the bucket that holds the zips, followed by "-" and the
	// Region; for StackSets. Default: the bucket of CDK's bootstrap stack.
	AssetBucket string
	// Reserve is whether functions get reserved concurrency. Lambda keeps 100 of an account's unreserved, so that a
	// deployment fails in one with fewer than 132 free
	// (docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html). Default false.
	Reserve bool
	// Nag is whether cdk-nag checks the stacks. Default true.
	Nag bool
	// Now is the moment schedules are judged at.
	Now time.Time
}

// Target is an account and Region; both are empty for the CDK CLI's own.
type Target struct{ Account, Region string }

func (t Target) id() string {
	if t.Account == "" {
		return "goldsmith"
	}
	return "goldsmith-" + t.Account + "-" + t.Region
}

// The forms of what is given, so that a slip is told at synth and not by a deployment that fails.
var (
	targetForm    = regexp.MustCompile(`^(\d{12})/([a-z]{2,4}(?:-[a-z]+)+-\d)$`)
	pathForm      = regexp.MustCompile(`^(/[A-Za-z0-9._-]+)+$`)
	secretForm    = regexp.MustCompile(`^(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}|[A-Za-z0-9/_+=.@-]+)$`)
	keyForm       = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[a-z0-9-]+$`)
	volumeKeyForm = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/([a-z0-9-]+|\*)$`)
	parameterForm = regexp.MustCompile(`^/?[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$`)
	roleForm      = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/[A-Za-z0-9+=,.@_/-]+$`)
	emailForm     = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
	bucketForm    = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{2,40}$`)
)

// read makes a Config of the context. All that is wrong comes in one error;
// plans.yaml's mistakes are told in planfile's own words.
func read(context map[string]any, now time.Time) (Config, error) {
	r := reader{context: context}
	c := Config{
		Functions: r.text("functions", "dist/functions", nil, ""),
		ImagePath: r.text("imagePath", "/goldsmith/images", pathForm, "a path such as /goldsmith/images"),
		SlackSecret: r.text("slackSecret", "", secretForm,
			"a secret's whole ARN, with the six characters at its end, or its name"),
		SlackKeys:   r.list("slackKeys", keyForm, keyWanted),
		TableKeys:   r.list("tableKeys", keyForm, keyWanted),
		VolumeKeys:  r.list("kmsKeys", volumeKeyForm, keyWanted),
		Parameters:  r.list("parameters", parameterForm, "a parameter's name such as /golden/web"),
		PassedRoles: r.list("passRoles", roleForm, "a role's ARN; none of an instance profile, which is another thing"),
		Emails:      r.list("emails", emailForm, "an address"),
		AssetBucket: r.text("assetBucket", "", bucketForm, "the beginning of a bucket's name, in small letters"),
		Reserve:     r.onOff("reservedConcurrency", "off"),
		Nag:         r.onOff("nag", "on"),
		Now:         now,
	}
	c.Targets = r.targets()
	var err error
	if c.Plans, err = planfile.Load(r.text("plans", "plans.yaml", nil, ""), now); err != nil {
		r.problems = append(r.problems, err)
	}
	r.unknown()
	r.keys(c)
	return c, errors.Join(r.problems...)
}

const keyWanted = "a KMS key's ARN; an alias will not do, since policies know keys only"

// reader reads the context and gathers what is wrong with it.
type reader struct {
	context  map[string]any
	known    []string
	problems []error
}

func (r *reader) problem(key, format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf("context "+key+": "+format, args...))
}

func (r *reader) text(key, otherwise string, form *regexp.Regexp, wanted string) string {
	r.known = append(r.known, key)
	given, there := r.context[key]
	if !there {
		return otherwise
	}
	text, ok := given.(string)
	if !ok || text == "" {
		r.problem(key, "%v is no text", given)
		return otherwise
	}
	r.form(key, text, form, wanted)
	return text
}

func (r *reader) form(key, text string, form *regexp.Regexp, wanted string) {
	if form != nil && !form.MatchString(text) {
		r.problem(key, "%q is not %s", text, wanted)
	}
}

// list takes a list, or what -c key=a,b gives: a text with commas.
func (r *reader) list(key string, form *regexp.Regexp, wanted string) (list []string) {
	r.known = append(r.known, key)
	switch given := r.context[key].(type) {
	case nil:
	case string:
		list = strings.Split(given, ",")
	case []any:
		for _, item := range given {
			list = append(list, fmt.Sprint(item))
		}
	default:
		r.problem(key, "%v is no list", given)
	}
	for i, item := range list {
		list[i] = strings.TrimSpace(item)
		r.form(key, list[i], form, wanted)
	}
	return list
}

func (r *reader) onOff(key, otherwise string) bool {
	value := r.text(key, otherwise, nil, "")
	if value != "on" && value != "off" {
		r.problem(key, "%q is neither on nor off", value)
	}
	return value == "on"
}

func (r *reader) targets() (targets []Target) {
	list := r.list("targets", targetForm, "an account and a Region, such as 123456789012/eu-central-1")
	for i, item := range list {
		if slices.Index(list, item) < i {
			r.problem("targets", "%q is listed twice", item)
		}
		if found := targetForm.FindStringSubmatch(item); found != nil {
			targets = append(targets, Target{found[1], found[2]})
		}
	}
	if len(targets) == 0 {
		return []Target{{}}
	}
	return targets
}

// keys wants no more than one table key in each Region.
func (r *reader) keys(c Config) {
	for _, t := range c.Targets {
		if found := t.keys(c.TableKeys); len(found) > 1 {
			r.problem("tableKeys", "a table has one key; for %s there are %s", cmp.Or(t.Region, "one stack"),
				strings.Join(found, ", "))
		}
		if found := t.keys(c.VolumeKeys); len(strings.Join(found, ",")) > longestSetting {
			r.problem("kmsKeys",
				"%d keys for %s do not fit into a function's environment; arn:...:key/* stands for all of an account",
				len(found), cmp.Or(t.Region, "one stack"))
		}
	}
}

// longestSetting leaves the other settings room in what Lambda allows a function's environment, 4 KB
// (Lambda developer guide, "Lambda quotas").
const longestSetting = 3500

// keys are those of the target's Region; a key of another Region is of no use there.
func (t Target) keys(all []string) (ours []string) {
	for _, arn := range all {
		if parts := strings.Split(arn, ":"); t.Region == "" || len(parts) > 3 && parts[3] == t.Region {
			ours = append(ours, arn)
		}
	}
	return ours
}

// unknown tells of keys that nothing reads: a slip would leave a feature off in silence.
// The CDK's own keys hold a colon.
func (r *reader) unknown() {
	slices.Sort(r.known)
	for _, key := range slices.Sorted(maps.Keys(r.context)) {
		if !strings.Contains(key, ":") && !slices.Contains(r.known, key) {
			r.problem(key, "there is no such setting; there are: %s", strings.Join(r.known, ", "))
		}
	}
}

// bootstrap is a function's program, as make build writes it.
func (c Config) bootstrap(function string) string {
	return filepath.Join(c.Functions, function, "bootstrap")
}
