package job

import "strings"

// Command is what a person types about the source of a name.
func Command(verb, name string) string { return "goldsmith " + verb + " --name " + argument(name) }

// plain are the characters that a shell takes as they are.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/:@+-"

// argument is a name as it stands in a command for a shell.
func argument(name string) string {
	if name != "" && strings.Trim(name, plain) == "" {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}
