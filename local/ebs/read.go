package ebs

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"goldsmith/local/disks"
	"goldsmith/local/ec2"
)

const (
	// How long tokens live (EBS User Guide, readsnapshots and ebsapi-elements).
	blockTokens = 7 * 24 * time.Hour
	pageTokens  = time.Hour
	// How many blocks a page may hold (API reference, ListSnapshotBlocks).
	leastResults = 100
	mostResults  = 10000
)

// readable is a snapshot whose blocks may be read: a completed one (EBS User Guide, ebsapi-faq).
func (s *Service) readable(id string) (ec2.DirectSnapshot, error) {
	found, err := s.snapshot(id)
	if err == nil && !found.Completed {
		err = invalid("INVALID_SNAPSHOT_ID", "The snapshot '%s' is not completed.", id)
	}
	return found, err
}

type listedBlock struct {
	BlockIndex int64
	BlockToken string
}

func (s *Service) listBlocks(c call) (answer, error) {
	found, err := s.readable(c.snapshot)
	if err != nil {
		return answer{}, err
	}
	most, err := optional(c.query.Get("maxResults"), mostResults)
	if err != nil || most > mostResults {
		return answer{}, invalid("INVALID_PARAMETER_VALUE", "MaxResults must be from %d to %d.", leastResults, mostResults)
	}
	from, list, err := s.page(c)
	if err != nil {
		return answer{}, err
	}
	all, err := s.blocks(found)
	if err != nil {
		return answer{}, err
	}
	expires := s.options.Clock.Now().Add(blockTokens)
	rest := slices.DeleteFunc(all.indexes(), func(n int64) bool { return n < from })
	size := int(min(max(most, leastResults), int64(len(rest))))
	page := []listedBlock{}
	for _, n := range rest[:size] {
		page = append(page, listedBlock{n, token("block", c.snapshot, list, n, expires)})
	}
	out := map[string]any{"Blocks": page, "ExpiryTime": moment(expires), "VolumeSize": found.GiB,
		"BlockSize": disks.BlockSize}
	if size < len(rest) {
		out["NextToken"] = s.pageToken(c.snapshot, list, rest[size])
	}
	return answer{status: http.StatusOK, json: out}, nil
}

// page is where a list goes on, and its number. A list that is begun voids the tokens of those before
// it (EBS User Guide, ebsapi-elements: they change "if you run another ListSnapshotBlocks").
func (s *Service) page(c call) (from int64, list int, err error) {
	if text := c.query.Get("pageToken"); text != "" {
		of, list, from, expires, ok := readToken("page", text)
		if !ok || of != c.snapshot || list != s.lists[of] || s.options.Clock.Now().After(expires) {
			return 0, 0, invalid("INVALID_PAGE_TOKEN", "The page token is not valid.")
		}
		return from, list, nil
	}
	from, err = optional(c.query.Get("startingBlockIndex"), 0)
	if err != nil {
		return 0, 0, invalid("INVALID_PARAMETER_VALUE", "StartingBlockIndex is malformed.")
	}
	s.lists[c.snapshot]++
	return from, s.lists[c.snapshot], nil
}

func (s *Service) pageToken(id string, list int, n int64) string {
	return token("page", id, list, n, s.options.Clock.Now().Add(pageTokens))
}

func optional(text string, absent int64) (int64, error) {
	if text == "" {
		return absent, nil
	}
	if !number.MatchString(text) {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseInt(text, 10, 64)
}

// token names a block, or a place in a list, of a snapshot.
func token(kind, id string, list int, n int64, expires time.Time) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s %s %d %d %d", kind, id, list, n, expires.Unix()))
}

func readToken(kind, text string) (id string, list int, n int64, expires time.Time, ok bool) {
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", 0, 0, time.Time{}, false
	}
	var is string
	var seconds int64
	_, err = fmt.Sscanf(string(plain), "%s %s %d %d %d", &is, &id, &list, &n, &seconds)
	return id, list, n, time.Unix(seconds, 0), err == nil && is == kind
}

func (s *Service) get(c call) (answer, error) {
	found, err := s.readable(c.snapshot)
	if err != nil {
		return answer{}, err
	}
	n, err := index(c.block, found)
	if err != nil {
		return answer{}, err
	}
	of, list, named, expires, ok := readToken("block", c.query.Get("blockToken"))
	if !ok || of != c.snapshot || named != n || list != s.lists[of] || s.options.Clock.Now().After(expires) {
		return answer{}, invalid("INVALID_BLOCK_TOKEN", "The BlockToken is not valid for BlockIndex %d of SnapshotId %s.",
			n, c.snapshot)
	}
	all, err := s.blocks(found)
	if err != nil {
		return answer{}, err
	}
	b, ok := all[n]
	if !ok {
		return answer{}, invalid("INVALID_BLOCK", "The snapshot has no block %d.", n)
	}
	return answer{status: http.StatusOK, block: b.data, header: map[string]string{
		"X-Amz-Data-Length": strconv.Itoa(len(b.data)), "X-Amz-Checksum": b.checksum(), "X-Amz-Checksum-Algorithm": "SHA256",
	}}, nil
}
