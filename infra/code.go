package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"goldsmith/infra/workflow"
)

// Code gives a function's zip.
type Code func(f workflow.Function) awslambda.Code

// newCode finds every function's program. The plans travel beside the program in the
// zips of those that read them, so that code and plans change in one step; those
// folders are put together in a temporary place, which remove takes away after synth.
func newCode(config Config) (code Code, remove func() error, err error) {
	staging, err := os.MkdirTemp("", "goldsmith-synth-")
	remove = func() error { return os.RemoveAll(staging) }
	if err != nil {
		return nil, remove, fmt.Errorf("making a place for the zips: %w", err)
	}
	folders := map[string]string{}
	for _, f := range workflow.Functions {
		folder, problem := stage(config, f, staging)
		folders[f.Name], err = folder, errors.Join(err, problem)
	}
	code = func(f workflow.Function) awslambda.Code {
		return awslambda.Code_FromAsset(jsii.String(folders[f.Name]), nil)
	}
	return code, remove, err
}

// stage is the folder that becomes the function's zip.
func stage(config Config, f workflow.Function, staging string) (string, error) {
	program := config.bootstrap(f.Name)
	if _, err := os.Stat(program); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is missing: run make build", program)
	} else if err != nil {
		return "", err
	}
	if !f.HasPlans() {
		return filepath.Dir(program), nil
	}
	plans, err := json.Marshal(config.Plans)
	if err != nil {
		return "", fmt.Errorf("writing the plans as JSON: %w", err)
	}
	folder := filepath.Join(staging, f.Name)
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(folder, workflow.PlansFile), plans, 0o644); err != nil { //nolint:gosec // Lambda reads it as another user
		return "", err
	}
	return folder, copyProgram(program, filepath.Join(folder, "bootstrap"))
}

func copyProgram(from, to string) (err error) {
	in, err := os.Open(from) //nolint:gosec // the operator's own folder
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755) //nolint:gosec // a program
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
