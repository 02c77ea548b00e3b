package ratelimit

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// PolicyHeader is the value of RateLimit-Policy, as draft-ietf-httpapi-ratelimit-headers has it: each bucket's capacity
// and the seconds from empty to full. It's empty for no buckets; then there's no header.
func PolicyHeader(levels []Level) string {
	return header(levels, ";q=", func(l Level) int64 { return l.Capacity }, ";w=", func(l Level) time.Duration { return l.Window })
}

// LimitHeader is the value of RateLimit: each bucket's points and the seconds until it's full, rounded up.
func LimitHeader(levels []Level) string {
	return header(levels, ";r=", func(l Level) int64 { return l.Available }, ";t=", func(l Level) time.Duration { return l.Full })
}

// header writes a structured field: a list of strings with two parameters. Names have nothing that needs escaping.
func header(levels []Level, first string, points func(Level) int64, second string, d func(Level) time.Duration) string {
	var room [160]byte // on the stack, for the usual two buckets
	b := room[:0]
	for i, l := range levels {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, '"')
		b = append(b, l.Bucket...)
		b = append(b, '"')
		b = append(b, first...)
		b = strconv.AppendInt(b, points(l), 10)
		b = append(b, second...)
		b = strconv.AppendInt(b, ceil(d(l)), 10)
	}
	return string(b)
}

// RetryAfter is the value of Retry-After: whole seconds, rounded up, and up to a tenth on top, one second at least, so
// that clients that were refused together don't come back together.
func RetryAfter(wait time.Duration) string {
	return strconv.FormatInt(retryAfter(wait, rand.Float64()), 10)
}

// retryAfter takes chance from 0 to less than 1.
func retryAfter(wait time.Duration, chance float64) int64 {
	least := max(1, ceil(wait))
	most := max(1, least/10)
	return least + int64(chance*float64(most+1))
}

func ceil(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// Throttle is extensions.cost.throttleStatus.
type Throttle struct {
	MaximumAvailable   int64   `json:"maximumAvailable"`
	CurrentlyAvailable int64   `json:"currentlyAvailable"`
	RestoreRate        float64 `json:"restoreRate"`
}

// ThrottleOf tells of the bucket that holds the least points. It's nil for no buckets.
func ThrottleOf(levels []Level) *Throttle {
	tight, ok := Tightest(levels)
	if !ok {
		return nil
	}
	return &Throttle{MaximumAvailable: tight.Capacity, CurrentlyAvailable: tight.Available, RestoreRate: tight.Restore}
}

// Tightest is the bucket that holds the least points, the first of several.
func Tightest(levels []Level) (tight Level, ok bool) {
	for i, l := range levels {
		if i == 0 || l.Available < tight.Available {
			tight = l
		}
	}
	return tight, len(levels) > 0
}
