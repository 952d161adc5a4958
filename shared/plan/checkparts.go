package plan

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"goldsmith/shared/tag"
)

// mostIDs keeps a plan small: each of its sources' jobs carries it, and Step
// Functions takes 256 KiB.
const mostIDs = 500

func (c *checker) selector(name string, s Selector) {
	for i, id := range s.IDs {
		c.form(item("sources.ids", i, s.IDs), id, instanceForm,
			"no instance id; want i- and 8 or 17 hex digits, in small letters")
	}
	if len(s.IDs) > mostIDs {
		c.add("sources.ids", "%d ids are more than %d: tag the instances instead and select by tag", len(s.IDs), mostIDs)
	}
	once(c, "sources.ids", s.IDs)
	c.values("sources.tags", s.Tags)
	c.values("sources.exclude", s.Exclude)
	c.values("sources.snapshots.tags", s.Snapshots.Tags)
	if s.OfSnapshots() {
		c.snapshots(s)
		return
	}
	c.contradiction(name, s)
}

// snapshots refuses what selects instances in a plan that has none.
func (c *checker) snapshots(s Selector) {
	const text = "selects instances, and a plan with sources.snapshots images none: make it another plan"
	if len(s.Tags) > 0 {
		c.add("sources.tags", text)
	}
	if len(s.IDs) > 0 {
		c.add("sources.ids", text)
	}
}

// values refuses what can match no tag: EC2's limits, and "*", which is
// compared like any other letter and so would silently match nothing.
func (c *checker) values(path string, tags map[string][]string) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		at := path + "." + key
		c.tagSize(at, key, "")
		for i, value := range tags[key] {
			c.tagSize(item(at, i, tags[key]), key, value)
			if strings.Contains(value, "*") {
				c.add(item(at, i, tags[key]),
					"%q: values are compared letter by letter and * is no wildcard; list the values, or write any", value)
			}
		}
		once(c, at, tags[key])
	}
}

// contradiction finds tags that a source must and must not carry. The plan
// itself demands goldsmith:plan=<name>, which is what enrols a source.
func (c *checker) contradiction(name string, s Selector) {
	if values := s.Tags[tag.Plan]; len(values) > 0 && !slices.Contains(values, name) {
		c.add("sources.tags."+tag.Plan, "selects nothing: a source of this plan carries %s=%s", tag.Plan, name)
	}
	required := maps.Clone(s.Tags)
	if required == nil {
		required = map[string][]string{}
	}
	required[tag.Plan] = []string{name}
	for _, key := range slices.Sorted(maps.Keys(required)) {
		wanted := required[key]
		excluded, both := s.Exclude[key]
		switch {
		case !both:
		case len(excluded) == 0:
			c.add("sources.exclude."+key, "selects nothing: tag %s is required and excluded", key)
		case len(wanted) > 0 && within(wanted, excluded):
			c.add("sources.exclude."+key, "selects nothing: every required value of tag %s is excluded (%s)", key,
				strings.Join(wanted, ", "))
		}
	}
}

func within(some, all []string) bool {
	return !slices.ContainsFunc(some, func(v string) bool { return !slices.Contains(all, v) })
}

func (c *checker) tagSize(path, key, value string) {
	switch {
	case key == "":
		c.add(path, "a tag has a key")
	case utf8.RuneCountInString(key) > MaxTagKey:
		c.add(path, "the key has %d characters, EC2 takes %d", utf8.RuneCountInString(key), MaxTagKey)
	case utf8.RuneCountInString(value) > MaxTagValue:
		c.add(path, "the value has %d characters, EC2 takes %d", utf8.RuneCountInString(value), MaxTagValue)
	}
}

func (c *checker) image(i Image) {
	c.form("image.prefix", i.Prefix, prefixForm,
		"no prefix for an AMI name; want 1 to 32 of A-Z, a-z, 0-9 and . _ / ( ) -")
	if len(i.Tags) > MaxTags {
		c.add("image.tags", "%d tags are too many: EC2 takes 50 and six are Goldsmith's, so at most %d", len(i.Tags), MaxTags)
	}
	for _, key := range slices.Sorted(maps.Keys(i.Tags)) {
		path := "image.tags." + key
		c.tagSize(path, key, i.Tags[key])
		switch lower := strings.ToLower(key); {
		case strings.HasPrefix(lower, "aws:"):
			c.add(path, "tags that begin with aws: are AWS's own; EC2 refuses them")
		case strings.HasPrefix(lower, tag.Prefix):
			c.add(path, "tags that begin with %s are Goldsmith's own", tag.Prefix)
		}
	}
}

func (c *checker) verify(v Verify) {
	if v.Patience < MinPatience || v.Patience > MaxPatience {
		c.add("verify.patience", "%s is outside 2m to 2h", v.Patience)
	}
	c.launch(v)
	c.literal("verify.command", v.Command)
	switch n := utf8.RuneCountInString(v.Command); {
	case n > MaxCommand:
		c.add("verify.command", "%d characters are more than %d: put the test into the image as a script, and its name here",
			n, MaxCommand)
	case n > 0 && v.Profile == "":
		c.add("verify.command", "needs verify.profile: the instance takes commands from Systems Manager with its role only")
	}
	if v.given() && !v.Boot {
		c.add("verify.boot", "is false, so nothing is launched: set it to true, or leave the rest of verify out")
	}
}

// launch checks where and as what the test instance is launched.
func (c *checker) launch(v Verify) {
	switch {
	case v.Subnet != "":
		c.form("verify.subnet", v.Subnet, subnetForm, "no subnet id; want subnet- and 8 or 17 hex digits, in small letters")
	case v.Boot:
		c.add("verify.subnet",
			"is missing: a copy of the source boots there and may begin its work, so name a subnet where it can do no harm")
	}
	for i, id := range v.SecurityGroups {
		c.form(item("verify.securityGroups", i, v.SecurityGroups), id, groupForm,
			"no security group's id; want sg- and 8 or 17 hex digits, in small letters")
	}
	if len(v.SecurityGroups) > MaxGroups {
		c.add("verify.securityGroups", "%d groups are more than %d", len(v.SecurityGroups), MaxGroups)
	}
	once(c, "verify.securityGroups", v.SecurityGroups)
	if v.InstanceType != "" {
		c.form("verify.instanceType", v.InstanceType, typeForm, "no instance type; want one such as t3.micro")
	}
	if v.Profile != "" {
		c.form("verify.profile", v.Profile, profileForm,
			"no instance profile's name; want 1 to 64 of A-Z, a-z, 0-9 and + = , . @ _ -")
	}
}

func (c *checker) roll(r Roll) {
	for _, beside := range []struct {
		key  string
		said bool
	}{{"templates", len(r.Templates) > 0}, {"together", r.Together}, {"base", r.Base != ""},
		{"volumes", len(r.Volumes) > 0}} {
		if r.Skip && beside.said {
			c.add("roll."+beside.key, "nothing is rolled while skip is true: leave one of the two out")
		}
	}
	if r.Base != "" {
		choice(c, "roll.base", r.Base, Bases)
	}
	c.templates(r)
}

func (c *checker) templates(r Roll) {
	for _, source := range slices.Sorted(maps.Keys(r.Templates)) {
		path := "roll.templates." + source
		if source == "" {
			c.add(path, "a source has a name")
		}
		for i, template := range r.Templates[source] {
			c.form(item(path, i, r.Templates[source]), template, templateForm,
				"no launch template; want an id (lt-...) or a name of 3 to 128 letters, digits and ( ) . - / _")
		}
		once(c, path, r.Templates[source])
	}
}

func (c *checker) keep(k Keep) {
	c.within("keep.last", k.Last, Rule)
	c.within("keep.daily", k.Daily, Rule)
	c.within("keep.weekly", k.Weekly, Rule)
	c.within("keep.monthly", k.Monthly, Rule)
	c.within("keep.yearly", k.Yearly, Rule)
	c.within("keep.minimum", k.Minimum, Minimum)
	if k.Grace < MinGrace || k.Grace > MaxGrace {
		c.add("keep.grace", "%s is outside 1h to 720h", k.Grace)
	}
	if k.Minimum > 1 && !k.Rules() {
		c.add("keep.minimum", "alone retires nothing: add last, daily, weekly, monthly or yearly")
	}
}

func (c *checker) notify(n Notify) {
	for i, channel := range n.Via {
		choice(c, item("notify.via", i, n.Via), channel, Channels)
	}
	once(c, "notify.via", n.Via)
	const slacks = "is for Slack, which notify.via does not name"
	if n.Channel != "" && !slices.Contains(n.Channels(), Slack) {
		c.add("notify.channel", slacks)
	}
	if n.Mention != "" && !slices.Contains(n.Channels(), Slack) {
		c.add("notify.mention", slacks)
	}
	if n.Channel != "" {
		c.form("notify.channel", n.Channel, channelForm,
			`no Slack channel; want "#name" in small letters, or an id such as C0123ABCDEF`)
	}
	for i, outcome := range n.On {
		choice(c, item("notify.on", i, n.On), outcome, Outcomes)
	}
	once(c, "notify.on", n.On)
	c.link(n)
	if n.Mention != "" {
		c.mention(n.Mention)
	}
}

func (c *checker) link(n Notify) {
	if n.Link == "" {
		return
	}
	choice(c, "notify.link", n.Link, Links)
	if !slices.ContainsFunc(n.Channels(), func(c Channel) bool { return c != EventBridge }) {
		c.add("notify.link", "is for people, and notify.via names neither slack nor sns")
	}
}

// mention wants Slack's notation, from docs.slack.dev/messaging/formatting-message-text:
// names as people type them ping no one when a program sends them.
func (c *checker) mention(text string) {
	const want = "<!here>, <!channel>, <!everyone>, <!subteam^S0123ABCD> or <@U0123ABCD>"
	if mentionForm().MatchString(text) {
		return
	}
	guess := "<!" + strings.Trim(text, "<!@>") + ">"
	if mentionForm().MatchString(guess) {
		c.add("notify.mention", "%q mentions nobody; did you mean %q?", text, guess)
		return
	}
	c.add("notify.mention", "%q mentions nobody; want %s (several with a space between)", text, want)
}
