package quota

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
)

const (
	// mostPause bounds what a service can ask for. After it we look how things are.
	mostPause = time.Minute
	// unsaidPause is how long a 429 pauses that doesn't say for how long.
	unsaidPause = time.Second
)

// Told is until when an answer wants no further request: a 429 by Retry-After, RateLimit or in a second, any answer by
// RateLimit with nothing remaining. It's the zero Time when it wants no pause, and never more than a minute away.
func Told(status int, h http.Header, now time.Time) time.Time {
	pause, ok := spent(h)
	if status == http.StatusTooManyRequests {
		if after, said := RetryAfter(h, now); said {
			pause, ok = after, true
		}
		if !ok {
			pause, ok = unsaidPause, true
		}
	}
	if !ok || pause <= 0 {
		return time.Time{}
	}
	return now.Add(min(pause, mostPause))
}

// RetryAfter reads the header of that name: seconds or a date (RFC 9110, section 10.2.3).
func RetryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	text := strings.TrimSpace(one(h, "Retry-After"))
	if text == "" {
		return 0, false
	}
	if d, ok := seconds(text); ok {
		return d, true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	return max(0, at.Sub(now)), true
}

// spent reads RateLimit in its present form, `"name";r=0;t=5`, and in the two before: `remaining=0, reset=5` and headers
// of their own. With several limits, the one that lasts longest counts.
func spent(h http.Header) (time.Duration, bool) {
	if values := h["Ratelimit"]; len(values) > 0 {
		if list, err := httpsfv.UnmarshalList(values); err == nil {
			if d, ok := longest(list); ok {
				return d, true
			}
		}
		if dict, err := httpsfv.UnmarshalDictionary(values); err == nil {
			return pair(member(dict, "remaining"), member(dict, "reset"))
		}
		return 0, false
	}
	if strings.TrimSpace(one(h, "Ratelimit-Remaining")) != "0" {
		return 0, false
	}
	// Its first number counts; a policy may follow.
	text, _, _ := strings.Cut(one(h, "Ratelimit-Reset"), ",")
	return seconds(strings.TrimSpace(text))
}

func longest(list httpsfv.List) (pause time.Duration, found bool) {
	for _, m := range list {
		item, ok := m.(httpsfv.Item)
		if !ok || item.Params == nil {
			continue
		}
		r, _ := item.Params.Get("r")
		t, _ := item.Params.Get("t")
		if d, ok := pair(r, t); ok {
			pause, found = max(pause, d), true
		}
	}
	return pause, found
}

func member(dict *httpsfv.Dictionary, name string) any {
	if m, ok := dict.Get(name); ok {
		if item, ok := m.(httpsfv.Item); ok {
			return item.Value
		}
	}
	return nil
}

// pair is how long to pause by what remains and when that changes.
func pair(remaining, reset any) (time.Duration, bool) {
	left, ok := remaining.(int64)
	if !ok || left > 0 {
		return 0, false
	}
	t, ok := reset.(int64)
	if !ok || t < 0 {
		return 0, false
	}
	return capped(t), true
}

func one(h http.Header, name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func seconds(text string) (time.Duration, bool) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, false
	}
	return capped(int64(n)), true
}

// capped is so many seconds, at most what a Duration can hold.
func capped(n int64) time.Duration {
	return time.Duration(min(n, math.MaxInt64/int64(time.Second))) * time.Second
}
