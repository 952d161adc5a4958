// Package s3 is the embedded S3 on its real protocol, REST with XML: buckets that are deployed, whole objects put into
// them and read from them, also by presigned addresses. Everything else is refused by name.
package s3

import (
	"cmp"
	"crypto/md5" //nolint:gosec // S3's ETag of an object in one part
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"goldsmith/local/clock"
	"goldsmith/local/query"
)

// Options set a Service up; all are required but Log.
type Options struct {
	Clock           *clock.Clock
	Region, Account string
	Log             *query.Log
}

// Object is what was put under a key.
type Object struct {
	Key, ContentType string
	Body             []byte
	At               time.Time
}

// Service is the buckets of one account in one Region. It is safe for concurrent use.
type Service struct {
	options Options

	mu      sync.Mutex
	calls   int
	buckets map[string]map[string]Object
}

// New is an S3 without buckets. It answers PutObject and GetObject:
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html.
func New(o Options) *Service { return &Service{options: o, buckets: map[string]map[string]Object{}} }

// Deploy makes a bucket, as CloudFormation does.
func (s *Service) Deploy(bucket string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buckets[bucket] = map[string]Object{}
}

// Objects are those of a bucket, sorted by key.
func (s *Service) Objects(bucket string) []Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Object
	for _, o := range s.buckets[bucket] {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
	return all
}

// refused is an error as S3 answers it.
type refused struct {
	status        int
	code, message string
}

// Error is the code and the message.
func (r *refused) Error() string { return r.code + ": " + r.message }

// ServeHTTP answers one call.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	now, action := s.options.Clock.Now(), Operation(r)
	bucket, key := Place(r)
	w.Header().Set("x-amz-request-id", fmt.Sprintf("%016X", s.calls))
	object, err := s.serve(action, bucket, key, r, now)
	s.log(action, bucket, key, r, now, err)
	switch {
	case err != nil:
		err.write(w)
	case action == "GetObject":
		w.Header().Set("Content-Type", object.ContentType)
		w.Header().Set("Last-Modified", object.At.UTC().Format(http.TimeFormat))
		w.Header().Set("ETag", etag(object.Body))
		_, _ = w.Write(object.Body) // A caller that is gone needs no answer.
	default:
		// Each object is encrypted with S3's own keys, whatever a bucket says (User Guide, "Setting default server-side
		// encryption behavior").
		w.Header().Set("x-amz-server-side-encryption", "AES256")
		w.Header().Set("ETag", etag(object.Body))
	}
}

func (s *Service) log(action, bucket, key string, r *http.Request, at time.Time, err *refused) {
	if s.options.Log == nil {
		return
	}
	record := query.Record{Time: at, Service: "s3", Action: action, Caller: r.Header.Get(query.CallerHeader),
		Resources: []string{bucket + "/" + key}}
	if err != nil {
		record.Error = err.code
	}
	s.options.Log.Add(record)
}

// Operation is what a request asks for.
func Operation(r *http.Request) string {
	_, key := Place(r)
	whole := key != ""
	for name := range r.URL.Query() { // A part of an object, such as its tags, is asked for by a parameter.
		whole = whole && (strings.HasPrefix(name, "X-Amz-") || name == "x-id")
	}
	switch {
	case whole && r.Method == http.MethodPut && r.Header.Get("x-amz-copy-source") == "":
		return "PutObject"
	case whole && r.Method == http.MethodGet:
		return "GetObject"
	}
	return r.Method + " of " + r.URL.RequestURI()
}

// taken are the headers that are heeded, or say nothing of an object. One that is not among them is refused, so that
// nothing is dropped in silence.
var taken = []string{
	"Accept-Encoding", "Amz-Sdk-Invocation-Id", "Amz-Sdk-Request", "Authorization", "Content-Length", "Content-Type",
	"User-Agent", "X-Amz-Checksum-Crc32", "X-Amz-Checksum-Mode", "X-Amz-Content-Sha256", "X-Amz-Date",
	"X-Amz-Expected-Bucket-Owner", "X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Security-Token", "X-Amz-User-Agent",
	"X-Amzn-Trace-Id", // which the SDK sends in Lambda
	http.CanonicalHeaderKey(query.CallerHeader),
}

func unknown(r *http.Request) *refused {
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if !slices.Contains(taken, name) {
			return &refused{http.StatusBadRequest, "InvalidArgument", name + " is not modelled by the embedded AWS"}
		}
	}
	return nil
}

// Place is the bucket and the key that a request is for: the bucket begins the host's name, and the path where the host
// has an address alone.
func Place(r *http.Request) (bucket, key string) {
	host := cmp.Or(r.Host, r.URL.Host)
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	path := strings.TrimPrefix(r.URL.Path, "/")
	if before, _, dotted := strings.Cut(host, "."); dotted && net.ParseIP(host) == nil {
		return before, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

func (s *Service) serve(action, bucket, key string, r *http.Request, now time.Time) (Object, *refused) {
	if action != "PutObject" && action != "GetObject" {
		return Object{}, &refused{http.StatusNotImplemented, "NotImplemented", "The embedded S3 has no " + action + "."}
	}
	objects, ok := s.buckets[bucket]
	if !ok {
		return Object{}, &refused{http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist"}
	}
	if owner := r.Header.Get("x-amz-expected-bucket-owner"); owner != "" && owner != s.options.Account {
		return Object{}, denied("Access Denied")
	}
	if err := cmp.Or(expired(r.URL.Query(), now), unknown(r)); err != nil {
		return Object{}, err
	}
	if action == "PutObject" {
		object, err := put(key, r, now)
		if err == nil {
			objects[key] = object
		}
		return object, err
	}
	object, ok := objects[key]
	if !ok {
		return object, &refused{http.StatusNotFound, "NoSuchKey", "The specified key does not exist."}
	}
	return object, nil
}

func denied(why string) *refused { return &refused{http.StatusForbidden, "AccessDenied", why} }

// longestKey is S3's, in bytes of UTF-8 (User Guide, "Naming Amazon S3 objects").
const longestKey = 1024

// put takes a whole object. A checksum that comes with it has to be right.
func put(key string, r *http.Request, now time.Time) (Object, *refused) {
	if len(key) > longestKey {
		return Object{}, &refused{http.StatusBadRequest, "KeyTooLongError", "Your key is too long"}
	}
	if r.ContentLength < 0 {
		return Object{}, &refused{http.StatusLengthRequired, "MissingContentLength",
			"You must provide the Content-Length HTTP header."}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || int64(len(body)) != r.ContentLength {
		return Object{}, &refused{http.StatusBadRequest, "IncompleteBody",
			"You did not provide the number of bytes specified by the Content-Length HTTP header"}
	}
	if sum := r.Header.Get("x-amz-checksum-crc32"); sum != "" && sum != checksum(body) {
		return Object{}, &refused{http.StatusBadRequest, "BadDigest",
			"The CRC32 you specified did not match the calculated checksum."}
	}
	kind := r.Header.Get("Content-Type")
	if kind == "" {
		kind = "binary/octet-stream"
	}
	return Object{Key: key, ContentType: kind, Body: body, At: now}, nil
}

func checksum(body []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)))
}

func etag(body []byte) string {
	sum := md5.Sum(body) //nolint:gosec // S3's ETag of an object in one part
	return strconv.Quote(hex.EncodeToString(sum[:]))
}

// longestValid is how many seconds an address may be signed for (API reference, "Authenticating Requests: Using Query
// Parameters").
const longestValid = 7 * 24 * 60 * 60

// expired refuses a presigned address that is no longer valid. Signatures are not checked.
func expired(q url.Values, now time.Time) *refused {
	if !q.Has("X-Amz-Credential") {
		return nil
	}
	seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
	if err != nil || seconds < 1 || seconds > longestValid {
		return &refused{http.StatusBadRequest, "AuthorizationQueryParametersError",
			"X-Amz-Expires must be between 1 and 604800 seconds"}
	}
	signed, err := time.Parse("20060102T150405Z", q.Get("X-Amz-Date"))
	if err != nil {
		return &refused{http.StatusBadRequest, "AuthorizationQueryParametersError",
			"X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""}
	}
	if now.After(signed.Add(time.Duration(seconds) * time.Second)) {
		return denied("Request has expired")
	}
	return nil
}

func (r *refused) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(r.status)
	_, _ = io.WriteString(w, xml.Header) // A caller that is gone needs no answer.
	_ = xml.NewEncoder(w).Encode(struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: r.code, Message: r.message})
}
