package dynamodb

import (
	"strings"
	"unicode"
)

// scanner reads an expression token by token.
type scanner struct {
	kind   string // such as ConditionExpression, for errors
	tokens []string
	at     int
}

// newScanner splits an expression into its tokens: names, :values, #names, numbers and signs.
func newScanner(kind, text string) (*scanner, error) {
	if strings.TrimSpace(text) == "" {
		return nil, invalid("Invalid %s: The expression can not be empty;", kind)
	}
	s := &scanner{kind: kind}
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		n := tokenIn(rest)
		if n == 0 {
			return nil, invalid("Invalid %s: Syntax error; token: %q, near: %q", kind, rest[:1], rest)
		}
		s.tokens, rest = append(s.tokens, rest[:n]), rest[n:]
	}
	return s, nil
}

// tokenIn is the length of the token that text begins with; 0 for none.
func tokenIn(text string) int {
	for _, sign := range []string{"<>", "<=", ">="} {
		if strings.HasPrefix(text, sign) {
			return len(sign)
		}
	}
	if strings.ContainsRune("=<>(),.[]+-", rune(text[0])) {
		return 1
	}
	outside := func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	begin := 0
	if text[0] == ':' || text[0] == '#' {
		begin = 1
	}
	if end := strings.IndexFunc(text[begin:], outside); end >= 0 {
		return begin + end
	}
	return len(text)
}

// peek is the next token; empty at the end.
func (s *scanner) peek() string {
	if s.at == len(s.tokens) {
		return ""
	}
	return s.tokens[s.at]
}

func (s *scanner) next() string {
	token := s.peek()
	if token != "" {
		s.at++
	}
	return token
}

// take reads a keyword or a sign if it comes next.
func (s *scanner) take(token string) bool {
	if !strings.EqualFold(s.peek(), token) {
		return false
	}
	s.at++
	return true
}

func (s *scanner) want(token string) error {
	if s.take(token) {
		return nil
	}
	return s.wrong()
}

// wrong says where the expression cannot be read.
func (s *scanner) wrong() error {
	token := s.peek()
	if token == "" {
		token = "<EOF>"
	}
	near := s.tokens[max(0, s.at-1):min(len(s.tokens), s.at+2)]
	return invalid("Invalid %s: Syntax error; token: %q, near: %q", s.kind, token, strings.Join(near, " "))
}

// end is an error unless everything was read.
func (s *scanner) end() error {
	if s.peek() != "" {
		return s.wrong()
	}
	return nil
}
