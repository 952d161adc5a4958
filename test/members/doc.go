// Package members holds the embedded AWS to its word: whatever a request of an action it has
// says is either refused by name or shown by a describe, and never dropped. The list of what
// can be said is the SDK's own input types, read by reflection.
package members
