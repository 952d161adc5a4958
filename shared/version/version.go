// Package version says which release of Goldsmith this is.
package version

// Version is that of the next release until it is out, as CHANGELOG.md names it (semver.org).
const Version = "0.1.0"
