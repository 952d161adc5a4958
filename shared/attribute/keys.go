package attribute

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Key is an attribute, by RegisterImage's own name for it.
type Key string

// The attributes that are decided.
const (
	Architecture        Key = "architecture"
	BootMode            Key = "bootMode"
	Virtualization      Key = "virtualizationType"
	RootDeviceName      Key = "rootDeviceName"
	ENA                 Key = "enaSupport"
	SRIOV               Key = "sriovNetSupport"
	TPM                 Key = "tpmSupport"
	IMDS                Key = "imdsSupport"
	UEFIData            Key = "uefiData"
	VolumeSize          Key = "volumeSize"
	VolumeType          Key = "volumeType"
	IOPS                Key = "iops"
	Throughput          Key = "throughput"
	DeleteOnTermination Key = "deleteOnTermination"
	// Billing says how it is billed where AWS does not know. It is not sent either.
	Billing Key = "billing"
	// These are compared after registering, and never sent.
	PlatformDetails Key = "platformDetails"
	UsageOperation  Key = "usageOperation"
	ProductCodes    Key = "productCodes"
)

// rule is what goes for an attribute.
type rule struct {
	key Key
	// values are those that a setting may have; nil for an attribute that no setting may change.
	values *regexp.Regexp
	hint   string // the values, for a person
	// needed attributes are not registered without: leaving them out would be a guess.
	needed bool
	// agreed attributes are the disk's own nature: evidence may not differ on them.
	agreed bool
}

func oneOf(values ...string) *regexp.Regexp {
	return regexp.MustCompile("^(" + strings.ReplaceAll(strings.Join(values, "|"), ".", `\.`) + ")$")
}

// asLinux is the value of Billing for what AWS bills no license of: Linux/UNIX.
const asLinux = "linux"

var (
	onOff = oneOf("true", "false")
	count = regexp.MustCompile(`^[1-9][0-9]{0,6}$`)
)

// keys are in the order in which they are told.
var keys = []rule{
	{key: Architecture, values: oneOf("i386", "x86_64", "arm64"), hint: "x86_64|arm64|i386", needed: true, agreed: true},
	{key: BootMode, values: oneOf("legacy-bios", "uefi", "uefi-preferred", none),
		hint: "legacy-bios|uefi|uefi-preferred|none", needed: true},
	{key: Virtualization, needed: true, agreed: true},
	{key: RootDeviceName, values: regexp.MustCompile(`^/dev/(sda1?|xvda1?)$`), hint: "/dev/xvda|/dev/sda1", needed: true},
	{key: ENA, values: onOff, hint: "true|false", needed: true},
	{key: SRIOV, values: oneOf("simple", none), hint: "simple|none"},
	{key: TPM, values: oneOf("v2.0", none), hint: "v2.0|none"},
	{key: IMDS, values: oneOf("v2.0", none), hint: "v2.0|none"},
	{key: UEFIData},
	{key: VolumeSize, values: count, hint: "GiB"},
	{key: VolumeType, values: oneOf("gp2", "gp3", "io1", "io2", "st1", "sc1", "standard"), hint: "gp3|io2|..."},
	{key: IOPS, values: count, hint: "a number"},
	{key: Throughput, values: count, hint: "MiB/s"},
	{key: DeleteOnTermination, values: onOff, hint: "true|false"},
	{key: Billing, values: oneOf(asLinux), hint: asLinux},
	{key: PlatformDetails, agreed: true},
	{key: UsageOperation, agreed: true},
	{key: ProductCodes, agreed: true},
}

func ruleOf(k Key) *rule {
	n := slices.IndexFunc(keys, func(r rule) bool { return r.key == k })
	if n < 0 {
		return nil
	}
	return &keys[n]
}

// Parse reads settings: key=value, separated by spaces or commas. All that is wrong is told at once.
func (s Settings) Parse() (map[Key]string, error) {
	parsed := map[Key]string{}
	var wrong []string
	for _, word := range strings.FieldsFunc(s.Text,
		func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '\n' }) {
		name, value, _ := strings.Cut(word, "=")
		k := Key(name)
		if text := problem(k, value, parsed); text != "" {
			wrong = append(wrong, text)
			continue
		}
		parsed[k] = value
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("%s: %s", s.Source, strings.Join(wrong, "; "))
	}
	return parsed, nil
}

// never are attributes that people know of and that are not to be changed: they decide what starts and who is paid.
var never = []Key{"kernelId", "ramdiskId", "billingProducts", Virtualization, UEFIData, PlatformDetails,
	UsageOperation, ProductCodes}

func problem(k Key, value string, parsed map[Key]string) string {
	r := ruleOf(k)
	_, twice := parsed[k]
	switch {
	case slices.Contains(never, k):
		return strconv.Quote(string(k)) + " is never changed"
	case r == nil:
		return strconv.Quote(string(k)) + " is no setting; there are " + strings.Join(changeable(), ", ")
	case twice:
		return strconv.Quote(string(k)) + " is there twice"
	case !r.values.MatchString(value):
		return fmt.Sprintf("%s=%q is not %s", k, value, r.hint)
	}
	return ""
}

func changeable() (names []string) {
	for _, r := range keys {
		if r.values != nil {
			names = append(names, string(r.key))
		}
	}
	return names
}
