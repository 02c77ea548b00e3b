package rfc9111_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/reuse/rfc9111"
)

// t0 is when answers are received.
var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// row is a case of the RFC. req and res are header lines, with | between them; res begins with the status, and {+60} is the
// date 60 seconds after t0. want says what is allowed at which second after t0: fresh, meanwhile, ask; error is ask with
// leave to stand in for a service that fails. Or it's "refused".
type row struct {
	name, req, res, want string
	policy               rfc9111.Policy
	delay                time.Duration // between request and answer
}

var (
	negative = rfc9111.Policy{Negative: time.Hour}
	ttl      = rfc9111.Policy{TTL: 30 * time.Second, Negative: 10 * time.Second}
	keep     = rfc9111.Policy{Keep: time.Hour}
	ignore   = rfc9111.Policy{TTL: 30 * time.Second, Ignore: true}
	lenient  = rfc9111.Policy{TTL: 30 * time.Second, StaleWhileRevalidate: 10 * time.Second, StaleIfError: 20 * time.Second}
)

var rows = []row{
	// Section 3: storing
	{name: "3 GET with explicit freshness", res: "200|Cache-Control: max-age=60", want: "0 fresh, 59 fresh, 60 ask"},
	{name: "3 POST", req: "POST", res: "200|Cache-Control: max-age=60", want: "refused"},
	{name: "3 PUT", req: "PUT", res: "200|Cache-Control: max-age=60", want: "refused"},
	{name: "3 PATCH", req: "PATCH", res: "200|Cache-Control: max-age=60", want: "refused"},
	{name: "3 DELETE", req: "DELETE", res: "200|Cache-Control: max-age=60", want: "refused"},
	{name: "3 HEAD isn't kept", req: "HEAD", res: "200|Cache-Control: max-age=60", want: "refused"},
	{name: "3 OPTIONS", req: "OPTIONS", res: "200|Cache-Control: max-age=60", want: "refused"},
	{name: "3 an unknown method", req: "FETCH", res: "200|Cache-Control: max-age=60", want: "refused"},
	{name: "3 an interim status", res: "103|Cache-Control: max-age=60", want: "refused"},
	{name: "3 203", res: "203|Cache-Control: max-age=60", want: "0 fresh"},
	{name: "3 204", res: "204|Cache-Control: max-age=60", want: "0 fresh"},
	{name: "3 300", res: "300|Cache-Control: max-age=60", want: "0 fresh"},
	{name: "3 301", res: "301|Cache-Control: max-age=60", want: "0 fresh"},
	{name: "3 302 with explicit freshness", res: "302|Cache-Control: max-age=60", want: "0 fresh"},
	{name: "3 302 without, and a ttl", res: "302", policy: ttl, want: "refused"},
	{name: "3 307 with explicit freshness", res: "307|Cache-Control: max-age=60", want: "0 fresh"},
	{name: "3 308", res: "308|Cache-Control: max-age=60", want: "0 fresh"},
	{name: "3 404", res: "404|Cache-Control: max-age=60", policy: negative, want: "0 fresh, 59 fresh, 60 ask"},
	{name: "3 404 for no longer than negative_ttl", res: "404|Cache-Control: max-age=60", policy: ttl, want: "9 fresh, 10 ask"},
	{name: "3 404 where negative answers aren't kept", res: "404|Cache-Control: max-age=60", want: "refused"},
	{name: "3 404 without explicit freshness", res: "404", policy: negative, want: "refused"},
	{name: "3 404 with a ttl", res: "404", policy: ttl, want: "9 fresh, 10 ask"},
	{name: "3 410", res: "410|Cache-Control: max-age=60", policy: negative, want: "0 fresh"},
	{name: "3 an error isn't kept: 400", res: "400|Cache-Control: max-age=60", want: "refused"},
	{name: "3 an error isn't kept: 401", res: "401|Cache-Control: max-age=60", want: "refused"},
	{name: "3 an error isn't kept: 403", res: "403|Cache-Control: public, max-age=60", want: "refused"},
	{name: "3 an error isn't kept: 429", res: "429|Cache-Control: max-age=60", want: "refused"},
	{name: "3 an error isn't kept: 500", res: "500|Cache-Control: max-age=60", want: "refused"},
	{name: "3 an error isn't kept: 503 with a ttl", res: "503", policy: ttl, want: "refused"},
	{name: "3 a status nobody knows", res: "299|Cache-Control: max-age=60", want: "refused"},
	{name: "3 304 by itself", res: "304|Cache-Control: max-age=60", want: "refused"},
	{name: "3 206 isn't kept (3.3)", res: "206|Cache-Control: max-age=60|Content-Range: bytes 0-1/2", want: "refused"},
	{name: "3 no-store in the answer", res: "200|Cache-Control: no-store", want: "refused"},
	{name: "3 no-store with max-age", res: "200|Cache-Control: max-age=60, no-store", want: "refused"},
	{name: "3 no-store in another field", res: "200|Cache-Control: max-age=60|Cache-Control: no-store", want: "refused"},
	{name: "3 private", res: "200|Cache-Control: private, max-age=60", want: "refused"},
	{name: "3 private with public", res: "200|Cache-Control: public, private, max-age=60", want: "refused"},
	{name: "3 private with s-maxage", res: "200|Cache-Control: private, s-maxage=60", want: "refused"},
	{name: "3 Expires is enough", res: "200|Date: {+0}|Expires: {+60}", want: "59 fresh, 60 ask"},
	{name: "3 s-maxage is enough", res: "200|Cache-Control: s-maxage=60", want: "59 fresh, 60 ask"},
	{name: "3 public alone says no time", res: "200|Cache-Control: public", want: "refused"},
	{name: "3 public alone with a ttl", res: "200|Cache-Control: public", policy: ttl, want: "29 fresh, 30 ask"},
	{name: "3 a request with no-store", req: "GET|Cache-Control: no-store", res: "200|Cache-Control: max-age=60", want: "refused"},
	{name: "3 no headers at all", res: "200", want: "refused"},
	{name: "3 no headers at all, a ttl", res: "200", policy: ttl, want: "29 fresh, 30 ask"},
	{name: "3 a directive nobody knows is skipped", res: "200|Cache-Control: community=\"UCI\", max-age=60", want: "0 fresh"},
	{name: "3 Set-Cookie isn't kept (7.3)", res: "200|Cache-Control: public, max-age=60|Set-Cookie: a=b", want: "refused"},
	{name: "3 Set-Cookie isn't kept even where headers are ignored", res: "200|Set-Cookie: a=b", policy: ignore, want: "refused"},

	// Section 3.5: authorized requests
	{name: "3.5 an authorized request", req: "GET|Authorization: Bearer x", res: "200|Cache-Control: max-age=60", want: "refused"},
	{name: "3.5 with Expires only", req: "GET|Authorization: Bearer x", res: "200|Expires: {+60}", want: "refused"},
	{name: "3.5 with a ttl only", req: "GET|Authorization: Bearer x", res: "200", policy: ttl, want: "refused"},
	{name: "3.5 public", req: "GET|Authorization: Bearer x", res: "200|Cache-Control: public, max-age=60", want: "0 fresh"},
	{name: "3.5 s-maxage", req: "GET|Authorization: Bearer x", res: "200|Cache-Control: s-maxage=60", want: "0 fresh"},
	{name: "3.5 must-revalidate", req: "GET|Authorization: Bearer x", res: "200|Cache-Control: must-revalidate, max-age=60", want: "0 fresh"},
	{name: "3.5 proxy-revalidate doesn't allow it", req: "GET|Authorization: Bearer x", res: "200|Cache-Control: proxy-revalidate, max-age=60", want: "refused"},
	{name: "3.5 the operator allows it", req: "GET|Authorization: Bearer x", res: "200", policy: ignore, want: "0 fresh"},

	// Section 4.1: Vary
	{name: "4.1 Vary: *", res: "200|Cache-Control: max-age=60|Vary: *", want: "refused"},
	{name: "4.1 a * among names", res: "200|Cache-Control: max-age=60|Vary: Accept, *", want: "refused"},
	{name: "4.1 a * in another field", res: "200|Cache-Control: max-age=60|Vary: Accept|Vary: *", want: "refused"},
	{name: "4.1 something that is no name", res: "200|Cache-Control: max-age=60|Vary: a b", want: "refused"},
	{name: "4.1 a name", res: "200|Cache-Control: max-age=60|Vary: Accept", want: "0 fresh"},
	{name: "4.1 an empty Vary", res: "200|Cache-Control: max-age=60|Vary:", want: "0 fresh"},

	// Section 4.2: freshness
	{name: "4.2 fresh while lifetime is over age", res: "200|Cache-Control: max-age=1", want: "0 fresh, 1 ask"},
	{name: "4.2 max-age=0", res: "200|Cache-Control: max-age=0", want: "refused"},
	{name: "4.2 max-age=0 with a validator", res: "200|Cache-Control: max-age=0|ETag: \"a\"", policy: keep, want: "0 ask, 3599 ask"},
	{name: "4.2 dates have no case", res: "200|Date: {+0}|Expires: {lower+60}", want: "59 fresh, 60 ask"},
	{name: "4.2 UTC is GMT", res: "200|Date: {+0}|Expires: {utc+60}", want: "59 fresh, 60 ask"},
	{name: "4.2 another zone is no date", res: "200|Expires: Sun, 01 Mar 2026 13:00:00 CET", want: "refused"},
	{name: "4.2 an offset is no date", res: "200|Expires: Sun, 01 Mar 2026 13:00:00 +0000", want: "refused"},
	{name: "4.2 RFC 850 dates", res: "200|Date: {+0}|Expires: {850+60}", want: "59 fresh, 60 ask"},
	{name: "4.2 asctime dates", res: "200|Date: {+0}|Expires: {asctime+60}", want: "59 fresh, 60 ask"},
	{name: "4.2.1 s-maxage before max-age", res: "200|Cache-Control: max-age=60, s-maxage=10", want: "9 fresh, 10 ask"},
	{name: "4.2.1 s-maxage before max-age, longer", res: "200|Cache-Control: s-maxage=60, max-age=10", want: "59 fresh, 60 ask"},
	{name: "4.2.1 max-age before Expires", res: "200|Cache-Control: max-age=10|Date: {+0}|Expires: {+60}", want: "9 fresh, 10 ask"},
	{name: "4.2.1 max-age before Expires in the past", res: "200|Cache-Control: max-age=10|Expires: 0", want: "9 fresh, 10 ask"},
	{name: "4.2.1 s-maxage=0 before max-age", res: "200|Cache-Control: s-maxage=0, max-age=60", want: "refused"},
	{name: "4.2.1 Expires is reckoned from Date", res: "200|Date: {-20}|Expires: {+40}", want: "39 fresh, 40 ask"},
	{name: "4.2.1 of two max-age the least", res: "200|Cache-Control: max-age=60, max-age=10", want: "9 fresh, 10 ask"},
	{name: "4.2.1 of two max-age the least, in two fields", res: "200|Cache-Control: max-age=10|Cache-Control: max-age=60", want: "9 fresh, 10 ask"},
	{name: "4.2.1 two Expires that differ", res: "200|Date: {+0}|Expires: {+60}|Expires: {+90}", want: "refused"},
	{name: "4.2.1 two Expires that don't", res: "200|Date: {+0}|Expires: {+60}|Expires: {+60}", want: "59 fresh"},
	{name: "4.2.1 max-age that is no number", res: "200|Cache-Control: max-age=soon", want: "refused"},
	{name: "4.2.1 max-age that is no number beside one that is", res: "200|Cache-Control: max-age=soon, max-age=60", want: "refused"},
	{name: "4.2.1 max-age with a fraction", res: "200|Cache-Control: max-age=1.5", want: "refused"},
	{name: "4.2.1 max-age below 0", res: "200|Cache-Control: max-age=-1", want: "refused"},
	{name: "4.2.1 max-age with a sign", res: "200|Cache-Control: max-age=+60", want: "refused"},
	{name: "4.2.1 max-age without a value", res: "200|Cache-Control: max-age", want: "refused"},
	{name: "4.2.1 max-age with an empty value", res: "200|Cache-Control: max-age=", want: "refused"},
	{name: "4.2.1 max-age with a space", res: "200|Cache-Control: max-age= 60", want: "refused"},
	{name: "4.2.1 something behind the number", res: "200|Cache-Control: max-age=60 s", want: "refused"},
	{name: "4.2.1 a broken max-age isn't mended by Expires", res: "200|Cache-Control: max-age=x|Expires: {+60}", want: "refused"},
	{name: "4.2.2 no heuristics", res: "200|Last-Modified: {-86400}", want: "refused"},
	{name: "4.2.2 a ttl isn't for what says a time", res: "200|Cache-Control: max-age=5", policy: ttl, want: "4 fresh, 5 ask"},
	{name: "4.2.3 Age counts", res: "200|Cache-Control: max-age=60|Age: 50", want: "9 fresh, 10 ask"},
	{name: "4.2.3 Age over the lifetime", res: "200|Cache-Control: max-age=60|Age: 60", want: "refused"},
	{name: "4.2.3 an old Date counts", res: "200|Cache-Control: max-age=60|Date: {-50}", want: "9 fresh, 10 ask"},
	{name: "4.2.3 the greater of both counts", res: "200|Cache-Control: max-age=60|Date: {-20}|Age: 50", want: "9 fresh, 10 ask"},
	{name: "4.2.3 a Date in the future doesn't", res: "200|Cache-Control: max-age=60|Date: {+50}", want: "59 fresh, 60 ask"},
	{name: "4.2.3 the time of the exchange counts", res: "200|Cache-Control: max-age=60", delay: 5 * time.Second, want: "54 fresh, 55 ask"},
	{name: "4.2.3 the time of the exchange comes to Age", res: "200|Cache-Control: max-age=60|Age: 10", delay: 5 * time.Second, want: "44 fresh, 45 ask"},
	{name: "4.2.3 Age, Date and the exchange together", res: "200|Cache-Control: max-age=60|Date: {-12}|Age: 10", delay: 5 * time.Second, want: "44 fresh, 45 ask"},
	{name: "4.2.3 an old Date and an exchange that took long", res: "200|Cache-Control: max-age=60|Date: {-30}|Age: 10", delay: 5 * time.Second, want: "29 fresh, 30 ask"},
	{name: "4.2.3 Expires with an Age", res: "200|Date: {-5}|Expires: {+55}|Age: 20", want: "39 fresh, 40 ask"},
	{name: "4.2.3 two Dates that differ are none", res: "200|Cache-Control: max-age=60|Date: {-50}|Date: {-20}", want: "59 fresh"},
	{name: "4.2.3 a Date that is none", res: "200|Cache-Control: max-age=60|Date: yesterday", want: "59 fresh, 60 ask"},
	{name: "4.2.4 stale isn't given", res: "200|Cache-Control: max-age=60", want: "61 ask"},
	{name: "4.2.4 nor when the service fails", res: "200|Cache-Control: max-age=60|ETag: \"a\"", policy: keep, want: "61 ask"},
	{name: "4.2.4 the operator allows it", res: "200|Cache-Control: max-age=60", policy: lenient, want: "69 meanwhile, 70 error, 79 error, 80 ask"},
	{name: "4.2.4 must-revalidate forbids it", res: "200|Cache-Control: max-age=60, must-revalidate", policy: lenient, want: "59 fresh, 61 ask"},
	{name: "4.2.4 proxy-revalidate forbids it", res: "200|Cache-Control: max-age=60, proxy-revalidate", policy: lenient, want: "59 fresh, 61 ask"},
	{name: "4.2.4 s-maxage forbids it", res: "200|Cache-Control: s-maxage=60", policy: lenient, want: "59 fresh, 61 ask"},
	{name: "4.2.4 no-cache forbids it", res: "200|Cache-Control: max-age=60, no-cache|ETag: \"a\"", policy: rfc9111.Policy{Keep: time.Hour, StaleIfError: time.Hour}, want: "0 ask, 61 ask"},

	// Section 5.1: Age
	{name: "5.1 the first of a list", res: "200|Cache-Control: max-age=60|Age: 50, 10", want: "9 fresh, 10 ask"},
	{name: "5.1 the first of two fields", res: "200|Cache-Control: max-age=60|Age: 50|Age: 10", want: "9 fresh, 10 ask"},
	{name: "5.1 one that is no number is ignored", res: "200|Cache-Control: max-age=60|Age: old", want: "59 fresh, 60 ask"},
	{name: "5.1 one below 0 is ignored", res: "200|Cache-Control: max-age=60|Age: -50", want: "59 fresh, 60 ask"},
	{name: "5.1 one with a fraction is ignored", res: "200|Cache-Control: max-age=60|Age: 50.5", want: "59 fresh, 60 ask"},
	{name: "1.2.2 a great Age doesn't overflow", res: "200|Cache-Control: max-age=60|Age: 99999999999999999999", want: "refused"},
	{name: "1.2.2 a great max-age doesn't overflow", res: "200|Cache-Control: max-age=99999999999999999999", want: "2147483647 fresh, 2147483648 ask"},

	{name: "1.2.2 max-age of 2^31", res: "200|Cache-Control: max-age=2147483648", want: "2147483647 fresh, 2147483648 ask"},
	{name: "1.2.2 max-age over 2^31", res: "200|Cache-Control: max-age=2147483649", want: "2147483647 fresh, 2147483648 ask"},
	{name: "1.2.2 max-age over 2^63", res: "200|Cache-Control: max-age=9223372036854775808", want: "2147483647 fresh"},
	{name: "1.2.2 leading zeros", res: "200|Cache-Control: max-age=0060", want: "59 fresh, 60 ask"},
	{name: "1.2.2 an Age of 2^31", res: "200|Cache-Control: max-age=60|Age: 2147483648", want: "refused"},
	{name: "1.2.2 an s-maxage that overflows", res: "200|Cache-Control: s-maxage=99999999999, max-age=10", want: "2147483647 fresh"},
	{name: "1.2.2 a stale-if-error that overflows", res: "200|Cache-Control: max-age=60, stale-if-error=99999999999", want: "2147483707 error, 2147483708 ask"},

	// Section 5.2.1: directives of requests
	{name: "5.2.1.1 max-age of the request", req: "GET|Cache-Control: max-age=10", res: "200|Cache-Control: max-age=60", want: "10 fresh, 11 ask"},
	{name: "5.2.1.1 it doesn't take what is stale", req: "GET|Cache-Control: max-age=100", res: "200|Cache-Control: max-age=60", policy: lenient, want: "61 ask"},
	{name: "5.2.1.1 max-age=0 of the request", req: "GET|Cache-Control: max-age=0", res: "200|Cache-Control: max-age=60", want: "0 fresh, 1 ask"},
	{name: "5.2.1.2 max-stale isn't granted", req: "GET|Cache-Control: max-stale=100", res: "200|Cache-Control: max-age=60", want: "59 fresh, 61 ask"},
	{name: "5.2.1.3 min-fresh", req: "GET|Cache-Control: min-fresh=20", res: "200|Cache-Control: max-age=60", want: "40 fresh, 41 ask"},
	{name: "5.2.1.4 no-cache of the request", req: "GET|Cache-Control: no-cache", res: "200|Cache-Control: max-age=60", want: "0 ask"},
	{name: "5.2.1.4 no-cache, the service fails", req: "GET|Cache-Control: no-cache", res: "200|Cache-Control: max-age=60, stale-if-error=60", want: "0 ask, 61 ask"},
	{name: "5.2.1.6 no-transform changes nothing", req: "GET|Cache-Control: no-transform", res: "200|Cache-Control: max-age=60", want: "0 fresh"},
	{name: "5.2.1.7 only-if-cached changes nothing", req: "GET|Cache-Control: only-if-cached", res: "200|Cache-Control: max-age=60", want: "0 fresh, 60 ask"},

	// Section 5.2.2: directives of answers
	{name: "5.2.2 names have no case", res: "200|Cache-Control: MAX-AGE=60, No-Transform", want: "59 fresh"},
	{name: "5.2.2 names have no case: NO-STORE", res: "200|Cache-Control: max-age=60, NO-STORE", want: "refused"},
	{name: "5.2.2 empty members are skipped", res: "200|Cache-Control: ,, max-age=60,\t,", want: "59 fresh"},
	{name: "5.2.2 a comma in quotes ends nothing", res: "200|Cache-Control: ext=\"a, no-store\", max-age=60", want: "59 fresh"},
	{name: "5.2.2 an escaped quote ends nothing", res: "200|Cache-Control: ext=\"a\\\", no-store, b\", max-age=60", want: "59 fresh"},
	{name: "5.2.2 quotes that don't end", res: "200|Cache-Control: max-age=60, ext=\"a", want: "refused"},
	{name: "5.2.2 something that is no member", res: "200|Cache-Control: max-age=60, no store", want: "refused"},
	{name: "5.2.2.1 max-age in quotes", res: "200|Cache-Control: max-age=\"60\"", want: "59 fresh, 60 ask"},
	{name: "5.2.2.2 must-revalidate while fresh", res: "200|Cache-Control: must-revalidate, max-age=60", want: "59 fresh, 60 ask"},
	{name: "5.2.2.2 must-revalidate before stale-if-error", res: "200|Cache-Control: must-revalidate, max-age=60, stale-if-error=60", want: "61 ask"},
	{name: "5.2.2.3 must-understand with a known status", res: "200|Cache-Control: must-understand, no-store, max-age=60", want: "59 fresh"},
	{name: "5.2.2.3 must-understand with an unknown status", res: "299|Cache-Control: must-understand, max-age=60", want: "refused"},
	{name: "5.2.2.3 must-understand isn't public", req: "GET|Authorization: x", res: "200|Cache-Control: must-understand, no-store, max-age=60", want: "refused"},
	{name: "5.2.2.3 must-understand with a value is none", res: "200|Cache-Control: must-understand=1, no-store, max-age=60", want: "refused"},
	{name: "5.2.2.4 no-cache", res: "200|Cache-Control: no-cache, max-age=60|ETag: \"a\"", policy: keep, want: "0 ask, 59 ask"},
	{name: "5.2.2.4 no-cache without a validator", res: "200|Cache-Control: no-cache, max-age=60", policy: keep, want: "refused"},
	{name: "5.2.2.4 no-cache with fields", res: "200|Cache-Control: no-cache=\"x-a\", max-age=60", want: "59 fresh"},
	{name: "5.2.2.4 no-cache with a field as a token", res: "200|Cache-Control: no-cache=x-a, max-age=60", want: "59 fresh"},
	{name: "5.2.2.4 no-cache with what are no fields", res: "200|Cache-Control: no-cache=\"a b\", max-age=60", want: "refused"},
	{name: "5.2.2.4 no-cache with nothing", res: "200|Cache-Control: no-cache=\"\", max-age=60", want: "refused"},
	{name: "5.2.2.4 no-cache both ways", res: "200|Cache-Control: no-cache=\"x-a\", no-cache, max-age=60", want: "refused"},
	{name: "5.2.2.5 no-store with a value", res: "200|Cache-Control: no-store=x, max-age=60", want: "refused"},
	{name: "5.2.2.6 no-transform", res: "200|Cache-Control: no-transform, max-age=60", want: "59 fresh"},
	{name: "5.2.2.4 no-cache with the field of cookies", res: "200|Cache-Control: no-cache=\"set-cookie\", max-age=60", want: "59 fresh"},
	{name: "5.2.2.4 no-cache with the field of cookies, and a cookie", res: "200|Cache-Control: no-cache=\"set-cookie\", max-age=60|Set-Cookie: a=b", want: "refused"},
	{name: "5.2.2.4 no-cache with s-maxage", res: "200|Cache-Control: no-cache, s-maxage=60|ETag: \"a\"", policy: keep, want: "0 ask, 59 ask"},
	{name: "5.2.2.2 must-revalidate with max-age=0", res: "200|Cache-Control: must-revalidate, max-age=0|ETag: \"a\"", policy: keep, want: "0 ask, 59 ask"},
	{name: "5.2.2.7 private with fields", res: "200|Cache-Control: private=\"x-a\", max-age=60", want: "59 fresh"},
	{name: "5.2.2.7 private with nothing", res: "200|Cache-Control: private=\"\", max-age=60", want: "refused"},
	{name: "5.2.2.7 private with what are no fields", res: "200|Cache-Control: private=\"a;b\", max-age=60", want: "refused"},
	{name: "5.2.2.7 private both ways", res: "200|Cache-Control: private, private=\"x-a\", max-age=60", want: "refused"},
	{name: "5.2.2.8 proxy-revalidate while fresh", res: "200|Cache-Control: proxy-revalidate, max-age=60", want: "59 fresh, 60 ask"},
	{name: "5.2.2.8 proxy-revalidate before stale-while-revalidate", res: "200|Cache-Control: proxy-revalidate, max-age=60, stale-while-revalidate=60", want: "61 ask"},
	{name: "5.2.2.9 public with a value isn't public", req: "GET|Authorization: x", res: "200|Cache-Control: public=yes, max-age=60", want: "refused"},
	{name: "5.2.2.9 public doesn't outweigh no-store", res: "200|Cache-Control: public, no-store, max-age=60", want: "refused"},
	{name: "5.2.2.10 s-maxage in quotes", res: "200|Cache-Control: s-maxage=\"60\"", want: "59 fresh"},
	{name: "5.2.2.10 s-maxage that is no number", res: "200|Cache-Control: s-maxage=x, max-age=60", want: "refused"},
	{name: "5.2.2.10 s-maxage forbids stale answers", res: "200|Cache-Control: s-maxage=60, stale-while-revalidate=60, stale-if-error=60", want: "59 fresh, 60 ask"},
	{name: "5.2.3 what extends the RFC is skipped", res: "200|Cache-Control: immutable, max-age=60", want: "59 fresh, 60 ask"},
	{name: "5.3 Expires: 0", res: "200|Expires: 0", want: "refused"},
	{name: "5.3 Expires: -1", res: "200|Expires: -1", want: "refused"},
	{name: "5.3 Expires in the past", res: "200|Date: {+0}|Expires: {-60}", want: "refused"},
	{name: "5.3 Expires that is Date", res: "200|Date: {+0}|Expires: {+0}", want: "refused"},
	{name: "5.3 Expires without Date", res: "200|Expires: {+60}", want: "59 fresh, 60 ask"},
	{name: "5.3 an Expires that is none isn't mended by a ttl", res: "200|Expires: never", policy: ttl, want: "refused"},
	{name: "5.4 Pragma: no-cache of the request", req: "GET|Pragma: no-cache", res: "200|Cache-Control: max-age=60", want: "0 ask"},
	{name: "5.4 Pragma beside Cache-Control doesn't count", req: "GET|Pragma: no-cache|Cache-Control: max-age=60", res: "200|Cache-Control: max-age=60", want: "0 fresh"},
	{name: "5.4 Pragma of an answer says nothing", res: "200|Cache-Control: max-age=60|Pragma: no-cache", want: "0 fresh"},

	// RFC 5861
	{name: "5861/3 stale-while-revalidate", res: "200|Cache-Control: max-age=60, stale-while-revalidate=30", want: "59 fresh, 60 meanwhile, 89 meanwhile, 90 ask"},
	{name: "5861/3 of two the least", res: "200|Cache-Control: max-age=60, stale-while-revalidate=30, stale-while-revalidate=5", want: "64 meanwhile, 65 ask"},
	{name: "5861/3 that is no number", res: "200|Cache-Control: max-age=60, stale-while-revalidate=x", want: "60 ask"},
	{name: "5861/3 the answer before the operator", res: "200|Cache-Control: max-age=60, stale-while-revalidate=0", policy: lenient, want: "61 error"},
	{name: "5861/3 with max-age=0", res: "200|Cache-Control: max-age=0, stale-while-revalidate=30", want: "0 meanwhile, 29 meanwhile, 30 ask"},
	{name: "5861/3 with no-cache", res: "200|Cache-Control: no-cache, max-age=60, stale-while-revalidate=60", want: "refused"},
	{name: "5861/4 stale-if-error", res: "200|Cache-Control: max-age=60, stale-if-error=30", want: "59 fresh, 60 error, 89 error, 90 ask"},
	{name: "5861/4 with stale-while-revalidate", res: "200|Cache-Control: max-age=60, stale-while-revalidate=10, stale-if-error=30", want: "69 meanwhile, 70 error, 89 error, 90 ask"},
	{name: "5861/4 the answer before the operator", res: "200|Cache-Control: max-age=60, stale-if-error=5", policy: lenient, want: "64 meanwhile, 70 ask"},
	{name: "5861/4 a 404 isn't given when it's stale", res: "404|Cache-Control: max-age=60, stale-if-error=30", policy: negative, want: "60 ask"},

	// What the operator says
	{name: "respect: false before no-store", res: "200|Cache-Control: no-store", policy: ignore, want: "29 fresh, 30 ask"},
	{name: "respect: false before private", res: "200|Cache-Control: private, max-age=5", policy: ignore, want: "29 fresh, 30 ask"},
	{name: "respect: false before Age", res: "200|Cache-Control: max-age=60|Age: 60", policy: ignore, want: "29 fresh, 30 ask"},
	{name: "respect: false isn't before Vary: *", res: "200|Vary: *", policy: ignore, want: "refused"},
	{name: "respect: false isn't for errors", res: "500", policy: ignore, want: "refused"},
	{name: "respect: false isn't before the request's no-store", req: "GET|Cache-Control: no-store", res: "200", policy: ignore, want: "refused"},
}

func TestConformance(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r.name] {
			t.Errorf("%s: twice", r.name)
		}
		seen[r.name] = true
		t.Run(r.name, func(t *testing.T) {
			req := rfc9111.Request{Method: "GET"}
			if r.req != "" {
				req.Method, req.Header = message(t, r.req)
			}
			first, header := message(t, r.res)
			status, err := strconv.Atoi(first)
			if err != nil {
				t.Fatal(err)
			}
			terms, refusal := rfc9111.Read(req, rfc9111.Response{Status: status, Header: header, Requested: t0.Add(-r.delay), Received: t0}, r.policy)
			if r.want == "refused" || refusal != rfc9111.Kept {
				if (r.want == "refused") != (refusal != rfc9111.Kept) {
					t.Errorf("got refusal %q, want %s", refusal, r.want)
				}
				return
			}
			for _, want := range strings.Split(r.want, ", ") {
				at, use, _ := strings.Cut(want, " ")
				n, err := strconv.Atoi(at)
				if err != nil {
					t.Fatal(err)
				}
				now := t0.Add(time.Duration(n) * time.Second)
				s := terms.At(now, rfc9111.Asked(req.Header))
				got := map[rfc9111.Use]string{rfc9111.Ask: "ask", rfc9111.Fresh: "fresh", rfc9111.StaleMeanwhile: "meanwhile"}[s.Use]
				if got == "ask" && s.IfError {
					got = "error"
				}
				if got != use {
					t.Errorf("after %ss: got %s, want %s", at, got, use)
				}
				if got != "ask" && !now.Before(terms.Until()) {
					t.Errorf("after %ss: %s, but of use until %v only", at, got, terms.Until().Sub(t0))
				}
			}
		})
	}
	if len(rows) < 120 {
		t.Errorf("%d rows", len(rows))
	}
}

var dates = regexp.MustCompile(`\{(lower|utc|850|asctime)?([+-]\d+)\}`)

// message reads "GET|Name: value|…", or "200|…".
func message(t *testing.T, text string) (first string, h http.Header) {
	t.Helper()
	text = dates.ReplaceAllStringFunc(text, func(found string) string {
		m := dates.FindStringSubmatch(found)
		n, err := strconv.Atoi(m[2])
		if err != nil {
			t.Fatal(err)
		}
		at := t0.Add(time.Duration(n) * time.Second)
		switch m[1] {
		case "lower":
			return strings.ToLower(at.Format(http.TimeFormat))
		case "utc":
			return strings.Replace(at.Format(http.TimeFormat), "GMT", "UTC", 1)
		case "850":
			return at.Format("Monday, 02-Jan-06 15:04:05 GMT")
		case "asctime":
			return at.Format(time.ANSIC)
		}
		return at.Format(http.TimeFormat)
	})
	lines := strings.Split(text, "|")
	h = http.Header{}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			t.Fatal(fmt.Errorf("%q is no header line", line))
		}
		h.Add(name, strings.TrimPrefix(value, " "))
	}
	return lines[0], h
}
