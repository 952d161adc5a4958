// Package commands holds the pages for people to their word: every command that the README and the operations guide
// tell a person to type works on a served suite, as they tell it.
package commands
