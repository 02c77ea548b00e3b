package cache

import (
	"context"
	"time"
)

// Request is an operation on its way to an answer.
type Request struct {
	// Plan is the operation's.
	Plan *Plan
	// Variables are coerced. Nothing changes them while Do runs, nor later while a refresh does.
	Variables map[string]any
	// Subject names the caller, if there is one: whoever has the same may have the same answers. It must hold what
	// tells callers apart for certain, such as issuer and subject of a token. Empty is nobody in particular.
	Subject string
	// Vary are the client's headers that services get, by name, in one order. They're in the key.
	Vary []Header
	// Inputs are what else the answer depends on, in one order, such as what field authorisation looked at. They're in
	// the key.
	Inputs []string
	// NoStore says that the answer isn't to be kept, because the client wants so. One that is kept already is given.
	NoStore bool
	// NoCache says that no kept answer is wanted, because the client wants so and may.
	NoCache bool
	// Refresh executes the operation after this request was answered, without anybody waiting. Nil: it can't, and then
	// there's no early refresh, and no stale answer while one is fetched.
	Refresh func(ctx context.Context) Response
}

// Header is one header of a client. Value is empty when it wasn't sent; several values are joined by commas.
type Header struct{ Name, Value string }

// Response is what executing an operation brought.
type Response struct {
	// Data is the serialised value of data. Nobody changes it any more.
	Data []byte
	// Failed says that there are errors, or that something is missing for another reason.
	Failed bool
	// Private says that it holds what's only for its caller, beyond what the schema says: a service said so.
	Private bool
	// Unkeyed says that it depends on what isn't in the key.
	Unkeyed bool
	// Bounded says that Fresh holds.
	Bounded bool
	// Fresh is the smallest remaining freshness of the service answers used. 0 or less: not to be kept.
	Fresh time.Duration
	// Reason says, where Private or Fresh keep it from being kept, what it is that does, with its path.
	Reason string
	// Services are the names of the services that were asked, or whose answers were used.
	Services []string
	// Began is when a service was first asked for something in it, when that was for somebody else before; else zero. What
	// was purged since then may be in it.
	Began time.Time
	// Payload is whatever the caller wants beside, such as errors. It isn't kept, but goes to those who waited.
	Payload any
}

// Origin says where an answer comes from.
type Origin string

// The origins.
const (
	Hit      Origin = "hit"
	Stale    Origin = "stale"     // beyond its time; it's being refreshed
	Miss     Origin = "miss"      // executed, and it could have been kept
	Shared   Origin = "coalesced" // executed for another who asked at the same moment
	Bypassed Origin = "bypass"    // executed; it can't be kept, or nobody wanted it to
)

// Answer is what the client gets, and how it came about.
type Answer struct {
	// Response has Data always. The other fields are those of the execution, if there was one for this caller or one
	// that it waited for.
	Response
	// Origin is where it comes from.
	Origin Origin
	// Age is how old it is.
	Age time.Duration
	// TTL is how long it may still be kept. Not above 0: not at all, or no longer.
	TTL time.Duration
	// Private says that only its caller may keep it.
	Private bool
	// Stored says that it has been handed to the store just now.
	Stored bool
	// ETag is a strong validator of Data, quotes and all; empty when the answer isn't to be kept.
	ETag string
	// Tags are those of a kept answer.
	Tags []string
	// Why says why it can't be kept: the first reason, with its path.
	Why string
	// Vary are the names of the headers that it depends on.
	Vary []Header
}

// Explanation is the value of extensions.cache.
type Explanation struct {
	Status string   `json:"status"`
	Hit    bool     `json:"hit"`
	Stale  bool     `json:"stale,omitempty"`
	Age    int64    `json:"age"` // seconds, as ttl
	TTL    int64    `json:"ttl"`
	Scope  string   `json:"scope,omitempty"`
	Tags   []string `json:"tags,omitempty"`
	Reason string   `json:"reason,omitempty"`
}

// Explain is what those may see who have the permission.
func (a *Answer) Explain() Explanation {
	e := Explanation{
		Status: string(a.Origin), Hit: a.hit(), Stale: a.Origin == Stale, Age: seconds(a.Age), TTL: seconds(a.TTL), Tags: a.Tags, Reason: a.Why,
	}
	if a.Why == "" {
		e.Scope = "PUBLIC"
		if a.Private {
			e.Scope = "PRIVATE"
		}
	}
	return e
}

func (a *Answer) hit() bool { return a.Origin == Hit || a.Origin == Stale }

// seconds rounds down and is never negative.
func seconds(d time.Duration) int64 { return int64(max(0, d) / time.Second) }
