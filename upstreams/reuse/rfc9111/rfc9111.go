// Package rfc9111 decides what a shared HTTP cache may do: keep an answer, give it again, ask whether it still holds.
//
// It's RFC 9111 with the two directives of RFC 5861, for a cache before services that belong to whoever runs it: a
// Policy may say how long answers count that say nothing, or that what they say doesn't count. Read turns a request and
// its answer into Terms, which is all that has to be kept with the answer; Terms.At says what they allow at a time.
// What the RFC leaves to the cache is decided for the side that asks the service once more: errors, partial content and
// answers that set cookies aren't kept, and there are no heuristics.
//
// All of it is arithmetic: no clock, no I/O, nothing that can be down.
package rfc9111

import (
	"net/http"
	"strings"
	"time"
)

// Policy is what the service's operator says beside what its answers say. The zero Policy adds nothing.
type Policy struct {
	// TTL is how long an answer is fresh that doesn't say; 0: it isn't.
	TTL time.Duration
	// Ignore has TTL count whatever the answer says.
	Ignore bool
	// Negative is the longest that a 404 or 410 is fresh; 0: it isn't kept.
	Negative time.Duration
	// StaleWhileRevalidate and StaleIfError are for answers that don't say.
	StaleWhileRevalidate, StaleIfError time.Duration
	// Keep is how long an answer that isn't fresh is kept because it can be revalidated.
	Keep time.Duration
}

// Request is what counts of a request.
type Request struct {
	Method string
	Header http.Header
}

// Response is what counts of an answer.
type Response struct {
	Status int
	Header http.Header
	// Requested is when the request was sent, and Received when the answer was there.
	Requested, Received time.Time
}

// Terms are on which an answer may be used again.
type Terms struct {
	// Received is when it was there, Age how old it was then (section 4.2.3).
	Received time.Time
	Age      time.Duration
	// Lifetime is the age up to which it's fresh (section 4.2.1).
	Lifetime time.Duration
	// StaleWhileRevalidate, StaleIfError and Keep begin where Lifetime ends.
	StaleWhileRevalidate, StaleIfError, Keep time.Duration
	// Validate says that the service is asked whatever the age.
	Validate bool
	// Told says that the service itself said how long it's fresh.
	Told bool
	// Shared says that the service means the answer for everybody: public.
	Shared bool
}

// Refusal is why an answer isn't kept; empty when it is. The texts are for people.
type Refusal string

// The refusals.
const (
	Kept            Refusal = ""
	MethodRefused   Refusal = "the method isn't GET"
	StatusRefused   Refusal = "answers with this status aren't kept"
	RequestNoStore  Refusal = "the request says no-store"
	NoStoreRefused  Refusal = "the service says no-store"
	PrivateRefused  Refusal = "the service says private"
	BrokenRefused   Refusal = "the service's Cache-Control can't be read"
	CookieRefused   Refusal = "the answer sets a cookie"
	VaryRefused     Refusal = "the service says Vary: *"
	AuthorizedOnly  Refusal = "the request is authorized and the service doesn't say public, s-maxage or must-revalidate"
	NoLifetime      Refusal = "the service doesn't say for how long, and no ttl is configured"
	UselessRefused  Refusal = "it's stale at once"
	NegativeRefused Refusal = "nothing is there, and negative_ttl is off"
	NotUnderstood   Refusal = "the service says must-understand, and the status isn't understood"
)

// understood says whether answers with a status are kept: those whose meaning for caches is known, and which are no errors.
// always is false when they are only if they say for how long.
func understood(status int) (always, known bool) {
	switch status {
	case http.StatusOK, http.StatusNonAuthoritativeInfo, http.StatusNoContent, http.StatusMultipleChoices,
		http.StatusMovedPermanently, http.StatusPermanentRedirect, http.StatusNotFound, http.StatusGone:
		return true, true
	case http.StatusFound, http.StatusTemporaryRedirect:
		return false, true
	}
	return false, false
}

// Silent says that an answer isn't kept for no other reason than that nobody says for how long: Read would say NoLifetime.
// It's quick, and right to say no when it isn't sure.
func Silent(req Request, res Response, p Policy) bool {
	if p.TTL > 0 || p.StaleWhileRevalidate > 0 || p.StaleIfError > 0 {
		return false
	}
	if always, _ := understood(res.Status); !always || negative(res.Status) && p.Negative <= 0 {
		return false
	}
	h := res.Header
	if len(h["Cache-Control"])+len(h["Expires"])+len(h["Set-Cookie"])+len(req.Header["Authorization"])+len(req.Header["Cache-Control"]) > 0 {
		return false
	}
	for _, list := range h["Vary"] {
		if !isNames(list) {
			return false
		}
	}
	return true
}

// Read says whether an answer may be kept (section 3), and on which terms.
func Read(req Request, res Response, p Policy) (Terms, Refusal) {
	d := Parse(res.Header["Cache-Control"])
	t := Terms{Received: res.Received, Shared: d.Public}
	if !p.Ignore {
		t.Age = initialAge(res)
	}
	lifetime, told := explicit(d, res)
	if r := allowed(req, res, d, p, told); r != Kept {
		t.Lifetime, t.Told, t.Validate = lifetime, told, d.NoCache
		return t, r
	}
	switch {
	case p.Ignore:
		t.Lifetime = p.TTL
	case told:
		t.Lifetime, t.Told = lifetime, true
	default:
		t.Lifetime = p.TTL
	}
	if negative(res.Status) {
		t.Lifetime = min(t.Lifetime, p.Negative+t.Age)
	}
	strict := !p.Ignore && (d.MustRevalidate || d.ProxyRevalidate || d.SMaxAge.Set)
	t.Validate = !p.Ignore && d.NoCache
	if !strict && !t.Validate && !negative(res.Status) {
		t.StaleWhileRevalidate = orElse(d.StaleWhileRevalidate, p.StaleWhileRevalidate, p.Ignore)
		t.StaleIfError = orElse(d.StaleIfError, p.StaleIfError, p.Ignore)
	}
	if HasValidator(res.Header) {
		t.Keep = p.Keep
	}
	return t, t.worth(d.Present || told)
}

// worth says whether there is anything to be had from an answer. said is whether it speaks of caching.
func (t *Terms) worth(said bool) Refusal {
	stale := max(t.StaleWhileRevalidate, t.StaleIfError)
	switch left := t.Lifetime - t.Age; {
	case !t.Validate && (left > 0 || left+stale > 0):
		return Kept
	case said && t.Keep > 0 && left+t.Keep > 0:
		return Kept // to be revalidated
	case t.Told || t.Validate:
		return UselessRefused
	default:
		return NoLifetime
	}
}

// allowed goes through what forbids.
func allowed(req Request, res Response, d Directives, p Policy, told bool) Refusal {
	always, known := understood(res.Status)
	switch asked := Parse(req.Header["Cache-Control"]); {
	case req.Method != http.MethodGet && req.Method != "":
		return MethodRefused
	case d.MustUnderstand && !known:
		return NotUnderstood
	case !known || !always && !told:
		return StatusRefused
	case asked.NoStore || asked.Broken:
		return RequestNoStore
	case len(res.Header["Set-Cookie"]) > 0:
		return CookieRefused
	case varies(res.Header, "*"):
		return VaryRefused
	case p.Negative <= 0 && negative(res.Status):
		return NegativeRefused
	case p.Ignore:
		return Kept
	case d.NoStore && !d.MustUnderstand: // section 5.2.2.3: where the status is understood, must-understand wins
		return NoStoreRefused
	case d.Private:
		return PrivateRefused
	case d.Broken:
		return BrokenRefused
	case len(req.Header["Authorization"]) > 0 && !d.Public && !d.MustRevalidate && !d.SMaxAge.Set:
		return AuthorizedOnly
	}
	return Kept
}

func negative(status int) bool { return status == http.StatusNotFound || status == http.StatusGone }

func orElse(said Seconds, configured time.Duration, ignore bool) time.Duration {
	if said.Set && !ignore {
		return said.Value
	}
	return configured
}

// Until is the last time at which the answer is of any use.
func (t *Terms) Until() time.Time {
	lifetime := t.Lifetime
	if t.Validate {
		lifetime = min(lifetime, t.Age)
	}
	return t.Received.Add(max(0, lifetime-t.Age) + max(t.StaleWhileRevalidate, t.StaleIfError, t.Keep))
}

// Stored is the header that is kept of an answer (section 3.1): without what belongs to the connection, and without fields
// that private="…" and no-cache="…" name.
func Stored(h http.Header) http.Header {
	kept := make(http.Header, len(h))
	for name, values := range h {
		if !ofConnection[name] {
			kept[name] = values
		}
	}
	for _, list := range h["Connection"] {
		for name := range strings.SplitSeq(list, ",") {
			delete(kept, canonical(strings.Trim(name, " \t")))
		}
	}
	d := Parse(h["Cache-Control"])
	for _, name := range d.PrivateFields {
		delete(kept, name)
	}
	for _, name := range d.NoCacheFields {
		delete(kept, name)
	}
	return kept
}

// ofConnection are the fields that aren't kept.
var ofConnection = map[string]bool{
	"Connection": true, "Proxy-Connection": true, "Keep-Alive": true, "Te": true, "Trailer": true,
	"Transfer-Encoding": true, "Upgrade": true, "Proxy-Authenticate": true, "Proxy-Authentication-Info": true,
	"Proxy-Authorization": true, "Content-Length": true, // the body says it
	"Set-Cookie": true,
}

func canonical(name string) string { return http.CanonicalHeaderKey(name) }
