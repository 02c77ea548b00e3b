package reuse_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/upstreams/reuse"
)

// scene is a service that answers in order, with header lines and the body behind ||, and what clients get. A step is
// "+10" for ten seconds that pass, "wait 2" for two requests that the service has got, or a request with its answer, which
// ends in its age when it was kept. saw is what the service got, with conditions.
type scene struct {
	name   string
	config func(*reuse.Config)
	call   *reuse.Call
	origin []string
	steps  []string
	saw    []string
}

var scenes = []scene{
	{name: "3 an answer is kept", origin: []string{"200|Cache-Control: max-age=60||a"},
		steps: []string{"GET /x => a", "+10", "GET /x => a @10", "+49", "GET /x => a @59"}, saw: []string{"GET /x"}},
	{name: "3 no-store isn't", origin: []string{"200|Cache-Control: no-store||a", "200||b"},
		steps: []string{"GET /x => a", "GET /x => b"}, saw: []string{"GET /x", "GET /x"}},
	{name: "3 no headers, nothing kept", origin: []string{"200||a", "200||b"},
		steps: []string{"GET /x => a", "GET /x => b"}, saw: []string{"GET /x", "GET /x"}},
	{name: "3 no headers, a ttl", config: func(c *reuse.Config) { c.TTL = time.Minute }, origin: []string{"200||a", "200||b"},
		steps: []string{"GET /x => a", "+59", "GET /x => a @59", "+1", "GET /x => b"}, saw: []string{"GET /x", "GET /x"}},
	{name: "3 a cookie isn't kept, nor the answer that sets it", origin: []string{"200|Cache-Control: max-age=60|Set-Cookie: a=b||a", "200||b"},
		steps: []string{"GET /x => a", "GET /x => b"}, saw: []string{"GET /x", "GET /x"}},
	{name: "3 off", config: func(c *reuse.Config) { c.Enabled = false }, origin: []string{"200|Cache-Control: max-age=60||a", "200||b"},
		steps: []string{"GET /x => a", "GET /x => b"}, saw: []string{"GET /x", "GET /x"}},
	{name: "3 off for the call", call: &reuse.Call{Rule: reuse.Rule{Off: true}}, origin: []string{"200|Cache-Control: max-age=60||a", "200||b"},
		steps: []string{"GET /x => a", "GET /x => b"}, saw: []string{"GET /x", "GET /x"}},
	{name: "3 the call's ttl", call: &reuse.Call{Rule: reuse.Rule{TTL: time.Minute}}, origin: []string{"200||a", "200||b"},
		steps: []string{"GET /x => a", "+59", "GET /x => a @59", "+1", "GET /x => b"}, saw: []string{"GET /x", "GET /x"}},
	{name: "3 the call ignores what answers say", call: &reuse.Call{Rule: reuse.Rule{TTL: time.Minute, Respect: reuse.Ignored}},
		origin: []string{"200|Cache-Control: no-store||a"}, steps: []string{"GET /x => a", "+59", "GET /x => a @59"}, saw: []string{"GET /x"}},
	{name: "3 the call respects it though the service's section doesn't", call: &reuse.Call{Rule: reuse.Rule{Respect: reuse.Respected}},
		config: func(c *reuse.Config) { c.TTL, c.Respect = time.Minute, false }, origin: []string{"200|Cache-Control: no-store||a", "200||b"},
		steps: []string{"GET /x => a", "GET /x => b"}, saw: []string{"GET /x", "GET /x"}},
	{name: "3 over max_size", config: func(c *reuse.Config) { c.MaxSize = 1 }, origin: []string{"200|Cache-Control: max-age=60||ab", "200||b"},
		steps: []string{"GET /x => ab", "GET /x => b"}, saw: []string{"GET /x", "GET /x"}},
	{name: "3 the first that may be kept is, after some that may not", origin: []string{"200||a", "500||e", "200||b", "200|Cache-Control: max-age=60||c", "200||d"}, call: &reuse.Call{},
		steps: []string{"GET /x => a", "GET /x => 500 e", "GET /y => b", "GET /y => c", "GET /y => c @0", "GET /x => d"}, saw: []string{"GET /x", "GET /x", "GET /y", "GET /y", "GET /x"}},
	{name: "3 no ttl for the call, though the service has one", config: func(c *reuse.Config) { c.TTL = time.Minute }, call: &reuse.Call{Rule: reuse.Rule{TTL: reuse.None}},
		origin: []string{"200||a", "200|Cache-Control: max-age=60||b"}, steps: []string{"GET /x => a", "GET /x => b", "GET /x => b @0"}, saw: []string{"GET /x", "GET /x"}},
	{name: "3 a 404 has a time of its own", origin: []string{"404|Cache-Control: max-age=60||no", "200|Cache-Control: max-age=60||a"},
		steps: []string{"GET /x => 404 no", "+9", "GET /x => 404 no @9", "+1", "GET /x => a"}, saw: []string{"GET /x", "GET /x"}},
	{name: "3 an error isn't kept", config: func(c *reuse.Config) { c.TTL = time.Minute }, origin: []string{"500|Cache-Control: max-age=60||e", "200||a"},
		steps: []string{"GET /x => 500 e", "GET /x => a", "GET /x => a @0"}, saw: []string{"GET /x", "GET /x"}},
	{name: "3.3 a request for a range goes past", origin: []string{"200|Cache-Control: max-age=60||a", "206|Cache-Control: max-age=60||b"},
		steps: []string{"GET /x => a", "GET /x|Range: bytes=0-0 => 206 b", "GET /x => a @0"}, saw: []string{"GET /x", "GET /x"}},
	{name: "3.5 authorized, and not said to be for others", origin: []string{"200|Cache-Control: max-age=60||a", "200||b"},
		steps: []string{"GET /x|Authorization: u => a", "GET /x|Authorization: u => b"}, saw: []string{"GET /x", "GET /x"}},
	{name: "3.5 authorized and public: kept, for the same identity", origin: []string{"200|Cache-Control: public, max-age=60||a", "200|Cache-Control: public, max-age=60||b"},
		steps: []string{"GET /x|Authorization: u => a", "GET /x|Authorization: u => a @0", "GET /x|Authorization: v => b", "GET /x|Authorization: u => a @0"}, saw: []string{"GET /x", "GET /x"}},

	{name: "4 another address", origin: []string{"200|Cache-Control: max-age=60||a", "200||b"},
		steps: []string{"GET /x => a", "GET /y => b"}, saw: []string{"GET /x", "GET /y"}},
	{name: "4 another query", origin: []string{"200|Cache-Control: max-age=60||a", "200||b"},
		steps: []string{"GET /x?a=1 => a", "GET /x?a=2 => b", "GET /x?a=1 => a @0"}, saw: []string{"GET /x?a=1", "GET /x?a=2"}},
	{name: "4 a path that is encoded is another one", origin: []string{"200|Cache-Control: max-age=60||a", "200||b"},
		steps: []string{"GET /x/y => a", "GET /x%2Fy => b", "GET /x/y => a @0"}, saw: []string{"GET /x/y", "GET /x%2Fy"}},
	{name: "4 HEAD isn't answered", origin: []string{"200|Cache-Control: max-age=60||a", "200"},
		steps: []string{"GET /x => a", "HEAD /x => "}, saw: []string{"GET /x", "HEAD /x"}},
	{name: "4 what names the single request tells nobody apart", origin: []string{"200|Cache-Control: max-age=60||a"},
		steps: []string{"GET /x|X-Request-Id: 1|Traceparent: 1|Tracestate: 1 => a", "GET /x|X-Request-Id: 2|Traceparent: 2|Tracestate: 2 => a @0"}, saw: []string{"GET /x"}},
	{name: "4 but no answer may depend on it", origin: []string{"200|Cache-Control: max-age=60|Vary: X-Request-Id||a", "200||b"},
		steps: []string{"GET /x|X-Request-Id: 1 => a", "GET /x|X-Request-Id: 2 => b"}, saw: []string{"GET /x", "GET /x"}},
	{name: "4 Age is the service's and ours", origin: []string{"200|Cache-Control: max-age=60|Age: 30||a"},
		steps: []string{"GET /x => a @30", "+10", "GET /x => a @40"}, saw: []string{"GET /x"}},

	{name: "4.1 another value of a field in Vary", origin: []string{"200|Cache-Control: public, max-age=60|Vary: Accept-Language||en", "200|Cache-Control: public, max-age=60|Vary: Accept-Language||de"},
		steps: []string{"GET /x|Accept-Language: en => en", "GET /x|Accept-Language: de => de", "GET /x|Accept-Language: en => en @0", "GET /x|Accept-Language: de => de @0"},
		saw:   []string{"GET /x", "GET /x"}},
	{name: "4.1 a field of Vary that is absent isn't one that is empty", origin: []string{"200|Cache-Control: public, max-age=60|Vary: X-A||a", "200|Cache-Control: public, max-age=60|Vary: X-A||b"},
		steps: []string{"GET /x => a", "GET /x|X-A: => b", "GET /x => a @0"}, saw: []string{"GET /x", "GET /x"}},
	{name: "4.1 whitespace around a value doesn't count", origin: []string{"200|Cache-Control: public, max-age=60|Vary: X-A||a"},
		steps: []string{"GET /x|X-A: 1 => a", "GET /x|X-A: 1  => a @0"}, saw: []string{"GET /x"}},
	{name: "4.1 public, and not in Vary: it tells nobody apart", origin: []string{"200|Cache-Control: public, max-age=60|Vary: Accept-Language||a"},
		steps: []string{"GET /x|X-Version: 1 => a", "GET /x|X-Version: 2 => a @0"}, saw: []string{"GET /x"}},
	{name: "4.1 not public: all fields tell apart", origin: []string{"200|Cache-Control: max-age=60|Vary: Accept-Language||a", "200|Cache-Control: max-age=60|Vary: Accept-Language||b"},
		steps: []string{"GET /x|X-User: 1 => a", "GET /x|X-User: 2 => b", "GET /x|X-User: 1 => a @0"}, saw: []string{"GET /x", "GET /x"}},
	{name: "4.1 public without Vary: all fields tell apart", origin: []string{"200|Cache-Control: public, max-age=60||a", "200|Cache-Control: public, max-age=60||b"},
		steps: []string{"GET /x|X-User: 1 => a", "GET /x|X-User: 2 => b", "GET /x|X-User: 1 => a @0"}, saw: []string{"GET /x", "GET /x"}},
	{name: "4.1 credentials tell apart whatever an answer says", origin: []string{"200|Cache-Control: public, max-age=60|Vary: Accept-Language||a", "200|Cache-Control: public, max-age=60|Vary: Accept-Language||b"},
		steps: []string{"GET /x|Cookie: u=1 => a", "GET /x|Cookie: u=2 => b", "GET /x|Cookie: u=1 => a @0"}, saw: []string{"GET /x", "GET /x"}},
	{name: "4.1 Vary: *", origin: []string{"200|Cache-Control: public, max-age=60|Vary: *||a", "200||b"},
		steps: []string{"GET /x => a", "GET /x => b"}, saw: []string{"GET /x", "GET /x"}},

	{name: "4.2.4 stale, and the service asked again", origin: []string{"200|Cache-Control: max-age=60||a", "200|Cache-Control: max-age=60||b"},
		steps: []string{"GET /x => a", "+60", "GET /x => b", "+1", "GET /x => b @1"}, saw: []string{"GET /x", "GET /x"}},
	{name: "4.2.4 must-revalidate: an error is passed on", config: func(c *reuse.Config) { c.StaleIfError = time.Hour },
		origin: []string{"200|Cache-Control: max-age=60, must-revalidate||a", "503||e"},
		steps:  []string{"GET /x => a", "+60", "GET /x => 503 e"}, saw: []string{"GET /x", "GET /x"}},

	{name: "4.3.1 revalidation with a tag", origin: []string{"200|Cache-Control: max-age=60|ETag: \"1\"||a", "304|Cache-Control: max-age=60|ETag: \"1\""},
		steps: []string{"GET /x => a", "+60", "GET /x => a @0", "+59", "GET /x => a @59"}, saw: []string{"GET /x", "GET /x If-None-Match: \"1\""}},
	{name: "4.3.1 revalidation with a date", origin: []string{"200|Cache-Control: max-age=60|Last-Modified: Sun, 01 Feb 2026 00:00:00 GMT||a", "304"},
		steps: []string{"GET /x => a", "+60", "GET /x => a @0"}, saw: []string{"GET /x", "GET /x If-Modified-Since: Sun, 01 Feb 2026 00:00:00 GMT"}},
	{name: "4.3.1 no-cache is revalidated each time", origin: []string{"200|Cache-Control: no-cache|ETag: \"1\"||a", "304|ETag: \"1\"", "304|ETag: \"1\""},
		steps: []string{"GET /x => a", "GET /x => a @0", "GET /x => a @0"}, saw: []string{"GET /x", "GET /x If-None-Match: \"1\"", "GET /x If-None-Match: \"1\""}},
	{name: "4.3.1 not for longer than keep", config: func(c *reuse.Config) { c.Keep = time.Minute }, origin: []string{"200|Cache-Control: max-age=60|ETag: \"1\"||a", "200|Cache-Control: max-age=60||b"},
		steps: []string{"GET /x => a", "+120", "GET /x => b"}, saw: []string{"GET /x", "GET /x"}},
	{name: "4.3.2 a condition of the caller's own goes past", origin: []string{"200|Cache-Control: max-age=60|ETag: \"1\"||a", "304|ETag: \"1\""},
		steps: []string{"GET /x => a", "GET /x|If-None-Match: \"1\" => 304"}, saw: []string{"GET /x", "GET /x If-None-Match: \"1\""}},
	{name: "4.3.3 a new answer replaces the old one", origin: []string{"200|Cache-Control: max-age=60|ETag: \"1\"||a", "200|Cache-Control: max-age=60|ETag: \"2\"||b"},
		steps: []string{"GET /x => a", "+60", "GET /x => b", "GET /x => b @0"}, saw: []string{"GET /x", "GET /x If-None-Match: \"1\""}},
	{name: "4.3.3 one that isn't kept takes the old one away", origin: []string{"200|Cache-Control: max-age=60, stale-if-error=600|ETag: \"1\"||a", "200|Cache-Control: no-store||b", "503||e"},
		steps: []string{"GET /x => a", "+60", "GET /x => b", "GET /x => 503 e"}, saw: []string{"GET /x", "GET /x If-None-Match: \"1\"", "GET /x"}},
	{name: "4.3.3 an error does not", origin: []string{"200|Cache-Control: max-age=60|ETag: \"1\"||a", "503||e", "304|Cache-Control: max-age=60|ETag: \"1\""},
		steps: []string{"GET /x => a", "+60", "GET /x => 503 e", "GET /x => a @0"}, saw: []string{"GET /x", "GET /x If-None-Match: \"1\"", "GET /x If-None-Match: \"1\""}},
	{name: "4.3.4 a 304 has new fields", origin: []string{"200|Cache-Control: max-age=60|ETag: \"1\"||a", "304|Cache-Control: max-age=5|ETag: \"1\"", "200||b"},
		steps: []string{"GET /x => a", "+60", "GET /x => a @0", "+4", "GET /x => a @4", "+1", "GET /x => b"}, saw: []string{"GET /x", "GET /x If-None-Match: \"1\"", "GET /x If-None-Match: \"1\""}},
	{name: "4.3.4 a 304 that says no-store ends it", origin: []string{"200|Cache-Control: max-age=60|ETag: \"1\"||a", "304|Cache-Control: no-store|ETag: \"1\"", "200||b"},
		steps: []string{"GET /x => a", "+60", "GET /x => a @0", "GET /x => b"}, saw: []string{"GET /x", "GET /x If-None-Match: \"1\"", "GET /x"}},
	{name: "4.3.4 a 304 that says private ends it", origin: []string{"200|Cache-Control: max-age=60|ETag: \"1\"||a", "304|Cache-Control: private, max-age=60|ETag: \"1\"", "200||b"},
		steps: []string{"GET /x => a", "+60", "GET /x => a @0", "GET /x => b"}, saw: []string{"GET /x", "GET /x If-None-Match: \"1\"", "GET /x"}},
	{name: "4.3.4 a 304 with a cookie ends it", origin: []string{"200|Cache-Control: max-age=60|ETag: \"1\"||a", "304|Cache-Control: max-age=60|ETag: \"1\"|Set-Cookie: a=b", "200||b"},
		steps: []string{"GET /x => a", "+60", "GET /x => a @0", "GET /x => b"}, saw: []string{"GET /x", "GET /x If-None-Match: \"1\"", "GET /x"}},
	{name: "4.3.4 a 304 of another answer", origin: []string{"200|Cache-Control: max-age=60|ETag: \"1\"||a", "304|ETag: \"2\"", "200|Cache-Control: max-age=60|ETag: \"2\"||b"},
		steps: []string{"GET /x => a", "+60", "GET /x => b"}, saw: []string{"GET /x", "GET /x If-None-Match: \"1\"", "GET /x"}},
	{name: "4.3.4 a 304 without a validator", origin: []string{"200|Cache-Control: max-age=60|ETag: \"1\"||a", "304|Cache-Control: max-age=60"},
		steps: []string{"GET /x => a", "+60", "GET /x => a @0", "+59", "GET /x => a @59"}, saw: []string{"GET /x", "GET /x If-None-Match: \"1\""}},

	{name: "4.4 PUT", origin: []string{"200|Cache-Control: max-age=60||a", "204", "200||b"},
		steps: []string{"GET /x => a", "PUT /x => 204", "GET /x => b"}, saw: []string{"GET /x", "PUT /x", "GET /x"}},
	{name: "4.4 DELETE", origin: []string{"200|Cache-Control: max-age=60||a", "204", "404||no"},
		steps: []string{"GET /x => a", "DELETE /x => 204", "GET /x => 404 no"}, saw: []string{"GET /x", "DELETE /x", "GET /x"}},
	{name: "4.4 all that is kept of the address", origin: []string{"200|Cache-Control: max-age=60||a", "200|Cache-Control: max-age=60||b", "204", "200||c", "200||d"},
		steps: []string{"GET /x|X-A: 1 => a", "GET /x|X-A: 2 => b", "POST /x => 204", "GET /x|X-A: 1 => c", "GET /x|X-A: 2 => d"}, saw: []string{"GET /x", "GET /x", "POST /x", "GET /x", "GET /x"}},
	{name: "4.4 an error invalidates nothing", origin: []string{"200|Cache-Control: max-age=60||a", "409||e"},
		steps: []string{"GET /x => a", "PUT /x => 409 e", "GET /x => a @0"}, saw: []string{"GET /x", "PUT /x"}},
	{name: "4.4 another address stays", origin: []string{"200|Cache-Control: max-age=60||a", "204"},
		steps: []string{"GET /x => a", "PUT /y => 204", "GET /x => a @0"}, saw: []string{"GET /x", "PUT /y"}},
	{name: "4.4 Location", origin: []string{"200|Cache-Control: max-age=60||a", "201|Location: /x", "200||b"},
		steps: []string{"GET /x => a", "POST /y => 201", "GET /x => b"}, saw: []string{"GET /x", "POST /y", "GET /x"}},
	{name: "4.4 Content-Location", origin: []string{"200|Cache-Control: max-age=60||a", "200|Content-Location: x", "200||b"},
		steps: []string{"GET /x => a", "PATCH /y => ", "GET /x => b"}, saw: []string{"GET /x", "PATCH /y", "GET /x"}},
	{name: "4.4 another host's Location", origin: []string{"200|Cache-Control: max-age=60||a", "201|Location: http://elsewhere.test/x"},
		steps: []string{"GET /x => a", "POST /y => 201", "GET /x => a @0"}, saw: []string{"GET /x", "POST /y"}},
	{name: "4.4 a call that only reads invalidates nothing", call: &reuse.Call{Reads: true}, origin: []string{"200|Cache-Control: max-age=60||a", "200||b"},
		steps: []string{"GET /x => a", "POST /x => b", "GET /x => a @0"}, saw: []string{"GET /x", "POST /x"}},
	{name: "5.2.1.4 a request with no-cache", origin: []string{"200|Cache-Control: max-age=60||a", "200|Cache-Control: max-age=60||b"},
		steps: []string{"GET /x => a", "GET /x|Cache-Control: no-cache => b"}, saw: []string{"GET /x", "GET /x"}},

	{name: "5.2.1.7 a request with only-if-cached, and nothing is", origin: []string{"200||a", "200|Cache-Control: max-age=60||b"},
		steps: []string{"GET /x|Cache-Control: only-if-cached => 504", "GET /x => a", "GET /x|Cache-Control: only-if-cached => 504"}, saw: []string{"GET /x"}},
	{name: "5.2.1.7 a request with only-if-cached, and something is", origin: []string{"200|Cache-Control: public, max-age=60|Vary: X-A||a"},
		steps: []string{"GET /x => a", "GET /x|Cache-Control: only-if-cached => a @0", "+60", "GET /x|Cache-Control: only-if-cached => 504"}, saw: []string{"GET /x"}},
	{name: "5.2.1.5 a request with no-store", origin: []string{"200|Cache-Control: max-age=60||a", "200|Cache-Control: max-age=60||b"},
		steps: []string{"GET /x|Cache-Control: no-store => a", "GET /x => b", "GET /x => b @0"}, saw: []string{"GET /x", "GET /x"}},
	{name: "5861/3 stale while a new one is fetched", origin: []string{"200|Cache-Control: max-age=60, stale-while-revalidate=30||a", "200|Cache-Control: max-age=60||b"},
		steps: []string{"GET /x => a", "+70", "GET /x => a @70", "wait 2", "until GET /x => b @0"}, saw: []string{"GET /x", "GET /x"}},
	{name: "5861/3 which is revalidated", origin: []string{"200|Cache-Control: max-age=60, stale-while-revalidate=30|ETag: \"1\"||a", "304|ETag: \"1\""},
		steps: []string{"GET /x => a", "+70", "GET /x => a @70", "wait 2", "until GET /x => a @0"}, saw: []string{"GET /x", "GET /x If-None-Match: \"1\""}},
	{name: "5861/3 no longer than that", origin: []string{"200|Cache-Control: max-age=60, stale-while-revalidate=30||a", "200|Cache-Control: max-age=60||b"},
		steps: []string{"GET /x => a", "+90", "GET /x => b"}, saw: []string{"GET /x", "GET /x"}},
	{name: "5861/4 not for the call, though for the service", config: func(c *reuse.Config) { c.StaleIfError = time.Hour }, call: &reuse.Call{Rule: reuse.Rule{Stale: reuse.None}},
		origin: []string{"200|Cache-Control: max-age=60||a", "503||e"}, steps: []string{"GET /x => a", "+60", "GET /x => 503 e"}, saw: []string{"GET /x", "GET /x"}},
	{name: "5861/3 the call says for how long", call: &reuse.Call{Rule: reuse.Rule{Stale: 30 * time.Second}}, origin: []string{"200|Cache-Control: max-age=60||a", "200|Cache-Control: max-age=60||b"},
		steps: []string{"GET /x => a", "+89", "GET /x => a @89", "wait 2", "until GET /x => b @0"}, saw: []string{"GET /x", "GET /x"}},
	{name: "5861/4 stale when the service fails", origin: []string{"200|Cache-Control: max-age=60, stale-if-error=30||a", "500||e", "502||e", "503||e", "504||e"},
		steps: []string{"GET /x => a", "+60", "GET /x => a @60", "GET /x => a @60", "+29", "GET /x => a @89", "GET /x => a @89"}, saw: []string{"GET /x", "GET /x", "GET /x", "GET /x", "GET /x"}},
	{name: "5861/4 when it breaks off", origin: []string{"200|Cache-Control: max-age=60, stale-if-error=30||a", "cut"},
		steps: []string{"GET /x => a", "+60", "GET /x => a @60"}, saw: []string{"GET /x", "GET /x"}},
	{name: "5861/4 not for another error", origin: []string{"200|Cache-Control: max-age=60, stale-if-error=30||a", "429||e"},
		steps: []string{"GET /x => a", "+60", "GET /x => 429 e"}, saw: []string{"GET /x", "GET /x"}},
	{name: "5861/4 no longer than that", origin: []string{"200|Cache-Control: max-age=60, stale-if-error=30||a", "503||e"},
		steps: []string{"GET /x => a", "+90", "GET /x => 503 e"}, saw: []string{"GET /x", "GET /x"}},
	{name: "5861/4 the operator says for how long", config: func(c *reuse.Config) { c.StaleIfError = 30 * time.Second }, origin: []string{"200|Cache-Control: max-age=60||a", "503||e"},
		steps: []string{"GET /x => a", "+89", "GET /x => a @89"}, saw: []string{"GET /x", "GET /x"}},
}

func TestScenes(t *testing.T) {
	for _, s := range scenes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			now := newClock()
			o := &origin{script: s.origin, now: now}
			url := serve(t, o.serve)
			config := reuse.Default()
			if s.config != nil {
				s.config(&config)
			}
			cache := cacheOf(t, config, reuse.Options{Store: memory(t, now)})
			via := cache.Layer(carrier(t))
			ctx := t.Context()
			if s.call != nil {
				ctx = reuse.WithCall(ctx, s.call)
			}
			for _, step := range s.steps {
				o.step(t, ctx, via, url, step)
			}
			if diff := cmp.Diff(s.saw, o.requests()); diff != "" {
				t.Errorf("what the service got: %s", diff)
			}
		})
	}
}

// origin is a service that answers in order.
type origin struct {
	now *clock

	mu     sync.Mutex // guards what follows
	script []string
	saw    []string
}

func (o *origin) serve(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	line := r.Method + " " + r.RequestURI
	for _, name := range []string{"If-None-Match", "If-Modified-Since"} {
		if v := r.Header.Get(name); v != "" {
			line += " " + name + ": " + v
		}
	}
	o.saw = append(o.saw, line)
	answer := "599"
	if len(o.script) > 0 {
		answer, o.script = o.script[0], o.script[1:]
	}
	o.mu.Unlock()
	head, body, _ := strings.Cut(answer, "||")
	lines := strings.Split(head, "|")
	if lines[0] == "cut" {
		w.Header().Set("Content-Length", "10")
		_, _ = w.Write([]byte("half"))
		_ = http.NewResponseController(w).Flush() // else it could be sent again
		panic(http.ErrAbortHandler)
	}
	status, err := strconv.Atoi(lines[0])
	if err != nil {
		panic(err)
	}
	w.Header().Set("Date", o.now.Now().Format(http.TimeFormat))
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		w.Header().Add(name, value)
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func (o *origin) requests() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.saw
}

func (o *origin) step(t *testing.T, ctx context.Context, via http.RoundTripper, url, step string) {
	t.Helper()
	if seconds, ok := strings.CutPrefix(step, "+"); ok {
		n, err := strconv.Atoi(seconds)
		if err != nil {
			t.Fatal(err)
		}
		o.now.add(time.Duration(n) * time.Second)
		return
	}
	if count, ok := strings.CutPrefix(step, "wait "); ok {
		eventually(t, step, func() bool { return strconv.Itoa(len(o.requests())) == count })
		return
	}
	step, until := strings.CutPrefix(step, "until ")
	request, want, _ := strings.Cut(step, " => ")
	line, header, _ := strings.Cut(request, "|")
	method, path, _ := strings.Cut(line, " ")
	h := http.Header{}
	if header != "" {
		for _, field := range strings.Split(header, "|") {
			name, value, _ := strings.Cut(field, ":")
			h.Add(name, strings.TrimPrefix(value, " "))
		}
	}
	if until {
		eventually(t, step, func() bool {
			got, err := get(ctx, via, method, url+path, h)
			return err == nil && got == want
		})
		return
	}
	got, err := get(ctx, via, method, url+path, h)
	if err != nil {
		t.Fatalf("%s: %v", step, err)
	}
	if got != want {
		t.Fatalf("%s: got %q", step, got)
	}
}
