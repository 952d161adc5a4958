package ssm

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"time"

	"goldsmith/local/awsjson"
)

type putInput struct {
	Name, Value, Type, DataType, Description, Tier, AllowedPattern string
	Overwrite                                                      bool
}

type putOutput struct {
	Version int64
	Tier    string
}

const (
	imageType = "aws:ec2:image"
	textType  = "text"
	// versionsMost is how many versions are kept.
	versionsMost = 100
	// validation is how long an image id is being checked, unless Check says otherwise; AWS gives no figure.
	validation = 500 * time.Millisecond
)

// putParameter gives the version out at once. An image's id becomes the value
// only after it was checked, and never when the check fails: only an event tells.
func (s *Store) putParameter(in putInput) (putOutput, error) {
	s.mu.Lock()
	v, existed, err := s.accept(in)
	long := s.checking
	if err == nil && v.DataType != imageType {
		s.keep(v)
	}
	s.mu.Unlock()
	if err != nil {
		return putOutput{}, err
	}
	operation := "Create"
	if existed {
		operation = "Update"
	}
	if v.DataType != imageType {
		s.emit(operation, v, "")
	} else {
		s.options.Clock.AfterFunc(long, func() { s.validate(operation, v) })
	}
	return putOutput{Version: v.Number, Tier: v.Tier}, nil
}

// accept checks the call and gives the new version its number. It is called with the lock held.
func (s *Store) accept(in putInput) (v version, existed bool, err error) {
	if err := checkName(in.Name); err != nil {
		return v, false, err
	}
	now, findErr := s.find(in.Name)
	existed = findErr == nil
	v = version{
		name: cmp.Or(now.name, in.Name), Value: in.Value, Type: cmp.Or(in.Type, now.Type), At: s.options.Clock.Now(),
		DataType: cmp.Or(in.DataType, now.DataType, textType), Tier: tierOf(in, now),
		Description: cmp.Or(in.Description, now.Description), allowPattern: cmp.Or(in.AllowedPattern, now.allowPattern),
	}
	if existed {
		err = checkUpdate(in, now, v)
	}
	if err = cmp.Or(err, checkVersion(v)); err != nil {
		return v, existed, err
	}
	p := s.parameters[plain(in.Name)]
	if p == nil {
		p = &parameter{}
		s.parameters[plain(in.Name)] = p
	}
	if len(p.versions) == versionsMost && len(p.versions[0].labels) > 0 {
		// The oldest goes to make room, unless it is labelled (User Guide, "Working with parameter versions").
		return v, existed, awsjson.Errorf("ParameterMaxVersionLimitExceeded",
			"You attempted to create a new version of %s by calling the PutParameter API with the overwrite flag. Version "+
				"%d, the oldest version, can't be deleted because it has a label associated with it. Move the label to another "+
				"version of the parameter, and try again.", v.name, p.versions[0].Number)
	}
	p.given++
	v.Number = p.given
	return v, existed, nil
}

func checkUpdate(in putInput, now, v version) error {
	switch {
	case !in.Overwrite:
		return awsjson.Errorf("ParameterAlreadyExists",
			"The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	case now.Tier == advanced && v.Tier == standard:
		return reverts()
	case v.Type != now.Type:
		return awsjson.Errorf("HierarchyTypeMismatchException", "You can't change the type of parameter %s from %s to %s.",
			v.name, now.Type, v.Type)
	case v.DataType != now.DataType:
		// The data types page forbids it; the error's code is unverified.
		return awsjson.Errorf("ValidationException", "The data type of parameter %s can't be changed from %s to %s.", v.name,
			now.DataType, v.DataType)
	}
	return nil
}

func checkVersion(v version) error {
	switch {
	case v.Value == "":
		return awsjson.Required("value")
	case v.Type == "":
		return awsjson.Errorf("ValidationException", "A parameter type is required when you create a parameter.")
	case !slices.Contains([]string{"String", "StringList", "SecureString"}, v.Type):
		return awsjson.Errorf("UnsupportedParameterType", "The parameter type %s isn't supported.", v.Type)
	case v.DataType != textType && v.DataType != imageType:
		return awsjson.Errorf("ValidationException",
			"The following data type is not supported: %s (Data type names are all lowercase.)", v.DataType)
	case v.DataType == imageType && v.Type != "String":
		return awsjson.Errorf("ValidationException", "The data type %s is for parameters of type String.", imageType)
	}
	return cmp.Or(checkTier(v), checkPattern(v))
}

func checkPattern(v version) error {
	if v.allowPattern == "" {
		return nil
	}
	pattern, err := regexp.Compile(v.allowPattern)
	if err != nil {
		return awsjson.Errorf("InvalidAllowedPatternException",
			"The request doesn't meet the regular expression requirement: %v.", err)
	}
	if !pattern.MatchString(v.Value) {
		return awsjson.Errorf("ParameterPatternMismatchException",
			"Parameter value, cannot be validated against allowedPattern: %s", v.allowPattern)
	}
	return nil
}

// keep makes v the current version unless a later one is. It is called with the lock held.
func (s *Store) keep(v version) {
	p := s.parameters[plain(v.name)]
	if p == nil {
		return // Deleted while the check ran.
	}
	if n := len(p.versions); n > 0 && p.versions[n-1].Number > v.Number {
		return
	}
	p.versions = append(p.versions, v)
	p.versions = p.versions[max(0, len(p.versions)-versionsMost):]
}

var imageID = regexp.MustCompile(`^ami-([0-9a-f]{8}|[0-9a-f]{17})$`)

func (s *Store) validate(operation string, v version) {
	if !imageID.MatchString(v.Value) || !s.options.Launchable(v.Value) {
		s.emit(operation, v, "Unable to Describe Resource")
		return
	}
	s.mu.Lock()
	s.keep(v)
	s.mu.Unlock()
	s.emit(operation, v, "")
}

// changed is the detail of a Parameter Store Change, as in the user guide's
// event examples and, for a failed check, its page on image ids. Whether a
// check that went well sends dataType too is unverified.
type changed struct {
	Operation   string `json:"operation"`
	Name        string `json:"name"`
	Type        string `json:"type"`
	Description string `json:"description,omitempty"`
	DataType    string `json:"dataType,omitempty"`
	Exception   string `json:"exception,omitempty"`
}

func (s *Store) emit(operation string, v version, exception string) {
	if s.options.Emit == nil {
		return
	}
	detail := changed{Operation: operation, Name: v.name, Type: v.Type, Description: v.Description, Exception: exception}
	if v.DataType == imageType {
		detail.DataType = imageType
	}
	s.options.Emit("aws.ssm", "Parameter Store Change", []string{s.arn(v.name)}, detail)
}

type deleteInput struct{ Name string }

func (s *Store) deleteParameter(in deleteInput) (struct{}, error) {
	s.mu.Lock()
	v, err := s.find(in.Name)
	if err == nil {
		delete(s.parameters, plain(v.name))
	}
	s.mu.Unlock()
	if err == nil {
		s.emit("Delete", v, "")
	}
	return struct{}{}, err
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
