package ec2

import (
	"encoding/base64"
	"slices"
	"strings"

	"goldsmith/local/query"
)

// launchSettings are what a launch says besides image, type, disks and network.
type launchSettings struct {
	token, key, profile, userData, shutdownBehavior string
	monitoring, ebsOptimized, hibernation           bool
	stopProtected, terminationProtected             bool
	spot                                            *spotTerms
	options                                         instanceOptions
}

func (w *World) readSettings(p *query.Params) (s launchSettings, err error) {
	s = launchSettings{
		token: p.Text("ClientToken"), key: p.Text("KeyName"), userData: p.Text("UserData"),
		shutdownBehavior: orElse(p.Text("InstanceInitiatedShutdownBehavior"), "stop"),
		monitoring:       p.Bool("Monitoring.Enabled"), ebsOptimized: p.Bool("EbsOptimized"),
		hibernation:   p.Bool("HibernationOptions.Configured"),
		stopProtected: p.Bool("DisableApiStop"), terminationProtected: p.Bool("DisableApiTermination"),
	}
	if s.options, err = readOptions(p); err != nil {
		return s, err
	}
	_, paired := w.keyPairs[s.key]
	switch {
	case len(s.token) > maxToken:
		return s, query.Errorf("InvalidParameterValue",
			"Value (%s) for parameter clientToken is invalid. Length exceeds maximum of %d.", s.token, maxToken)
	case s.key != "" && !paired:
		// Guimove/terraform-aws-bastion#173.
		return s, query.Errorf("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", s.key)
	case s.shutdownBehavior != "stop" && s.shutdownBehavior != "terminate":
		return s, query.Errorf("InvalidParameterValue",
			"Value (%s) for parameter instanceInitiatedShutdownBehavior is invalid.", s.shutdownBehavior)
	}
	if err := creditsOf(p); err != nil {
		return s, err
	}
	if err := userDataFits(s.userData, "InvalidParameterValue"); err != nil {
		return s, err
	}
	if s.profile, err = w.profileARN(p.At("IamInstanceProfile")); err != nil {
		return s, err
	}
	s.spot, err = readSpot(p.At("InstanceMarketOptions"))
	return s, err
}

// creditsOf checks how a burstable instance pays for more than its baseline, which costs no time here and is shown by
// no describe here. The words are unverified.
func creditsOf(p *query.Params) error {
	credits := p.Text("CreditSpecification.CpuCredits")
	if slices.Contains([]string{"", "standard", "unlimited"}, credits) {
		return nil
	}
	return query.Errorf("InvalidParameterValue", "Value (%s) for parameter cpuCredits is invalid.", credits)
}

// enclaves: types of the Nitro System, virtualized, with four vCPUs or, of Graviton, two, and none that is burstable
// (Nitro Enclaves User Guide, "Requirements"). Which others are left out there is not modelled; the code and the words
// are unverified.
func (t *instanceType) enclaves() bool {
	least := 4
	if t.maker == "aws" {
		least = 2
	}
	return t.hypervisor == "nitro" && t.cpus >= least && !t.burstable
}

// suits holds settings against image, type and disks: hibernation needs a type that has it and an encrypted root (User
// Guide, "Prerequisites for EC2 instance hibernation"; the code is that of the error code reference, the words are
// unverified).
func (l launch) suits() error {
	s := l.settings
	root := slices.IndexFunc(l.mappings, func(m mapping) bool { return m.device == l.image.rootName })
	switch {
	case s.hibernation && !l.typ.hibernates:
		return query.Errorf("UnsupportedHibernationConfiguration", "Hibernation is not supported for instance type %s.",
			l.typ.name)
	case s.options["EnclaveOptions.Enabled"] == "true" && !l.typ.enclaves():
		return query.Errorf("UnsupportedOperation", "The instance type %s does not support Nitro Enclaves.", l.typ.name)
	case s.hibernation && (root < 0 || !l.mappings[root].encrypted):
		return query.Errorf("UnsupportedHibernationConfiguration", "Hibernation needs an encrypted root volume.")
	case s.stopProtected:
		return stopProtectable(s.spot != nil, l.image.rootType)
	}
	return nil
}

// stopProtectable: stop protection is neither for Spot nor for instance store (User Guide, stop protection; code and
// words are unverified).
func stopProtectable(spot bool, root string) error {
	switch {
	case spot:
		return query.Errorf("UnsupportedOperation", "Stop protection is not supported for Spot Instances.")
	case root == rootInstanceStore:
		return query.Errorf("UnsupportedOperation", "Stop protection is not supported for instance store-backed instances.")
	}
	return nil
}

// maxToken is RunInstances' (API reference).
const maxToken = 64

// maxUserData is EC2's limit before encoding, in the words of supergiant/capacity#148. In a
// launch template its code is another one (github-aws-runners/terraform-aws-github-runner#3700).
const maxUserData = 16 << 10

func userDataFits(text, code string) error {
	data, err := base64.StdEncoding.DecodeString(text)
	switch {
	case err != nil:
		return query.Errorf("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.")
	case len(data) > maxUserData:
		return query.Errorf(code, "User data is limited to %d bytes", maxUserData)
	}
	return nil
}

// profileARN is the ARN of the instance profile named, which must exist (CiscoDevNet/cloud-cml#4).
func (w *World) profileARN(p *query.Params) (string, error) {
	arn, name := p.Text("Arn"), p.Text("Name")
	prefix := "arn:aws:iam::" + w.options.Account + ":instance-profile/"
	switch {
	case arn != "" && name != "":
		return "", query.Errorf("InvalidParameterCombination",
			"The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'")
	case arn != "" && (!strings.HasPrefix(arn, prefix) || !w.profiles[arn[strings.LastIndex(arn, "/")+1:]]):
		return "", query.Errorf("InvalidParameterValue",
			"Value (%s) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN", arn)
	case arn != "":
		return arn, nil
	case name == "":
		return "", nil
	case !w.profiles[name]:
		return "", query.Errorf("InvalidParameterValue",
			"Value (%s) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name", name)
	}
	return prefix + name, nil
}
