package flight

import (
	"math"
	"time"
)

// Early says whether an entry that is fresh until expires and took so long to fetch is to be refreshed at now already.
// The nearer the end and the longer the fetch, the likelier (XFetch, with beta 1): of many who ask, one does it before
// all of them have to wait. random is a number from 0 to under 1.
func Early(now, expires time.Time, took time.Duration, random float64) bool {
	if took <= 0 {
		return false
	}
	ahead := -float64(took) * math.Log(1-random)
	return float64(expires.Sub(now)) <= ahead
}

// Shorten takes a random part of a time to live off, at most share of it, so that what was fetched together doesn't end
// together. It's never longer. random is a number from 0 to under 1.
func Shorten(ttl time.Duration, share, random float64) time.Duration {
	return ttl - time.Duration(float64(ttl)*share*random)
}
