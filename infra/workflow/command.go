package workflow

import _ "embed"

// Command is the name of the suite's document of Systems Manager, by which commands that plans name are run on
// instances.
const Command = Name + "-command"

// CommandDocument is what it holds: a step for each platform, and the command as a parameter.
//
//go:embed command.json
var CommandDocument []byte
