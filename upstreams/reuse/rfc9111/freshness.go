package rfc9111

import (
	"net/http"
	"strings"
	"time"
)

// explicit is how long an answer says it's fresh (section 4.2.1), for a shared cache.
func explicit(d Directives, res Response) (lifetime time.Duration, told bool) {
	switch {
	case d.SMaxAge.Set:
		return d.SMaxAge.Value, true
	case d.MaxAge.Set:
		return d.MaxAge.Value, true
	case len(res.Header["Expires"]) == 0:
		return 0, false
	}
	expires, ok := dateOf(res.Header, "Expires")
	if !ok {
		return 0, true // section 5.3: something that is no date, such as 0, is in the past
	}
	return expires.Sub(dateOrReceipt(res)), true
}

// initialAge is how old an answer is when it comes (section 4.2.3). Dates have whole seconds, and so has what is reckoned
// with them.
func initialAge(res Response) time.Duration {
	apparent := max(0, res.Received.Truncate(time.Second).Sub(dateOrReceipt(res)))
	age, _ := ageOf(res.Header)
	return max(apparent, age+max(0, res.Received.Sub(res.Requested)))
}

// dateOrReceipt is the answer's Date, or when it came (RFC 9110, section 6.6.1).
func dateOrReceipt(res Response) time.Time {
	if date, ok := dateOf(res.Header, "Date"); ok {
		return date
	}
	return res.Received.Truncate(time.Second)
}

// ageOf reads the field Age: the first member of a list, and nothing when that is no number (section 5.1).
func ageOf(h http.Header) (time.Duration, bool) {
	values := h["Age"]
	if len(values) == 0 {
		return 0, false
	}
	first, _, _ := strings.Cut(values[0], ",")
	return deltaSeconds(strings.Trim(first, " \t"))
}

// Use is what may be done with a kept answer.
type Use uint8

const (
	// Ask: the service must be asked.
	Ask Use = iota
	// Fresh: it may be given.
	Fresh
	// StaleMeanwhile: it may be given while the service is asked (RFC 5861, section 3).
	StaleMeanwhile
)

// Standing is how things are with a kept answer.
type Standing struct {
	Use Use
	// IfError says that it may be given when the service can't answer (RFC 5861, section 4).
	IfError bool
	// Age is its age, and Left how long it's still fresh, below 0 for how long it hasn't been.
	Age, Left time.Duration
}

// At says what the terms allow at now, for a request with these directives; the zero Directives ask for nothing special.
func (t *Terms) At(now time.Time, asked Directives) Standing {
	s := Standing{Age: t.Age + max(0, now.Sub(t.Received))}
	s.Left = t.Lifetime - s.Age
	if t.Validate || asked.NoCache || asked.NoStore || asked.Broken || len(asked.NoCacheFields) > 0 {
		return s
	}
	demanding := asked.MaxAge.Set || asked.MinFresh.Set // such a request doesn't take what is stale (section 5.2.1.1)
	switch {
	case s.Left > 0:
		if (!asked.MaxAge.Set || s.Age <= asked.MaxAge.Value) && (!asked.MinFresh.Set || s.Left >= asked.MinFresh.Value) {
			s.Use = Fresh
		}
	case !demanding:
		s.IfError = -s.Left < t.StaleIfError
		if -s.Left < t.StaleWhileRevalidate {
			s.Use = StaleMeanwhile
		}
	}
	return s
}

// Asked reads what a request says of caching (sections 5.2.1 and 5.4).
func Asked(h http.Header) Directives {
	if fields := h["Cache-Control"]; len(fields) > 0 {
		return Parse(fields)
	}
	if fields := h["Pragma"]; len(fields) > 0 {
		return Directives{NoCache: Parse(fields).NoCache}
	}
	return Directives{}
}

// IsError says whether a status is an error for stale-if-error (RFC 5861, section 4).
func IsError(status int) bool {
	switch status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}
