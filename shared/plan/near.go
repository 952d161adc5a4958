package plan

// Nearest is the known word that a misspelt one was probably meant to be.
func Nearest(word string, known []string) (string, bool) {
	all := nearest(word, known)
	if len(all) == 0 {
		return "", false
	}
	return all[0], true
}

// nearest are all known words that no other is nearer to than to the misspelt one.
func nearest(word string, known []string) (all []string) {
	least := 2
	for _, k := range known {
		d := distance(word, k)
		if d > least || d >= len(k) {
			continue
		}
		if d < least {
			least, all = d, nil
		}
		all = append(all, k)
	}
	return all
}

// distance is how many letters to change, add or leave out turn one word into the other.
func distance(a, b string) int {
	if len(a) > 2*len(b)+2 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
