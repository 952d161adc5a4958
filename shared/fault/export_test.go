package fault

// Codes are all codes that the package knows, so that a test can tell which it has not seen.
func Codes() [][]string {
	return [][]string{notFound, transient, noCapacity, notYet, nameTaken, protected}
}
