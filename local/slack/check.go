package slack

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf16"
)

// Block is a block of the kinds Goldsmith sends: header, section, context and divider.
type Block struct {
	Type     string `json:"type"`
	BlockID  string `json:"block_id"`
	Text     *Text  `json:"text"`
	Fields   []Text `json:"fields"`
	Elements []Text `json:"elements"`
}

// Text is a text object: plain_text or mrkdwn.
type Text struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim"`
}

// Slack's limits in characters, from the Block Kit reference; the last is not
// documented (msg_blocks_too_long, slackapi/bolt-js#2509).
const (
	blocksMost   = 50
	headerMost   = 150
	sectionMost  = 3000
	fieldMost    = 2000
	fieldsMost   = 10
	elementsMost = 10
	blockIDMost  = 255
	allMost      = 13_000
)

// check is what Slack looks at before it takes a message. It is stricter in
// two points: fallback text must be there, and nothing may be left unescaped.
func check(m posted) ([]Block, *refusal) {
	if strings.TrimSpace(m.text) == "" {
		return nil, &refusal{status: http.StatusBadRequest, code: "no_text"}
	}
	var blocks []Block
	if len(m.blocks) > 0 {
		if err := json.Unmarshal(m.blocks, &blocks); err != nil {
			return nil, invalid("invalid_blocks_format", err.Error())
		}
	}
	c := checker{}
	c.escaped("text", m.text)
	if len(blocks) > blocksMost {
		c.wrong("%d blocks, at most %d", len(blocks), blocksMost)
	}
	for i, b := range blocks {
		c.block(fmt.Sprintf("blocks[%d]", i), b)
	}
	if len(c.why) > 0 {
		return nil, invalid("invalid_blocks", c.why...)
	}
	if c.total > allMost {
		return nil, invalid("msg_blocks_too_long", fmt.Sprintf("%d characters, at most %d", c.total, allMost))
	}
	return blocks, nil
}

func invalid(code string, why ...string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: code, why: why}
}

// checker collects all that is wrong.
type checker struct {
	why   []string
	total int
}

func (c *checker) wrong(format string, args ...any) {
	c.why = append(c.why, fmt.Sprintf(format, args...))
}

func (c *checker) block(at string, b Block) {
	if length(b.BlockID) > blockIDMost {
		c.wrong("%s.block_id is longer than %d", at, blockIDMost)
	}
	switch b.Type {
	case "header":
		c.header(at, b)
	case "section":
		c.section(at, b)
	case "context":
		c.context(at, b)
	case "divider":
	default:
		c.wrong("%s: unsupported type %q", at, b.Type)
	}
}

func (c *checker) header(at string, b Block) {
	if b.Text == nil || b.Text.Type != "plain_text" {
		c.wrong("%s: a header needs a plain_text", at)
		return
	}
	c.text(at+".text", *b.Text, headerMost)
}

func (c *checker) section(at string, b Block) {
	if b.Text == nil && len(b.Fields) == 0 {
		c.wrong("%s: a section needs text or fields", at)
	}
	if b.Text != nil {
		c.text(at+".text", *b.Text, sectionMost)
	}
	if len(b.Fields) > fieldsMost {
		c.wrong("%s: %d fields, at most %d", at, len(b.Fields), fieldsMost)
	}
	for i, field := range b.Fields {
		c.text(fmt.Sprintf("%s.fields[%d]", at, i), field, fieldMost)
	}
}

func (c *checker) context(at string, b Block) {
	if n := len(b.Elements); n == 0 || n > elementsMost {
		c.wrong("%s: %d elements, 1 to %d", at, n, elementsMost)
	}
	for i, element := range b.Elements {
		c.text(fmt.Sprintf("%s.elements[%d]", at, i), element, sectionMost)
	}
}

func (c *checker) text(at string, t Text, most int) {
	if t.Type != "plain_text" && t.Type != "mrkdwn" {
		c.wrong("%s: unsupported type %q", at, t.Type)
	}
	n := length(t.Text)
	c.total += n
	if n == 0 || n > most {
		c.wrong("%s: %d characters, 1 to %d", at, n, most)
	}
	c.escaped(at, t.Text)
}

// escaped holds that every & begins an entity, and every < something Slack knows.
func (c *checker) escaped(at, s string) {
	for i := range len(s) {
		switch rest := s[i:]; {
		case s[i] == '&' && entity(rest) == "":
			c.wrong("%s: bare & at %.20q", at, rest)
		case s[i] == '<' && !known(rest):
			c.wrong("%s: bare < at %.20q", at, rest)
		}
	}
}

func known(s string) bool {
	_, _, ok := control(s)
	return ok
}

func length(s string) int { return len(utf16.Encode([]rune(s))) }
