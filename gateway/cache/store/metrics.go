package store

// Metrics are the measurements of this package. Implementations may be called concurrently and are quick.
type Metrics interface {
	// CacheLookup counts a key that was asked for, by where it was.
	CacheLookup(Place)
	// CacheDropped counts an entry that wasn't kept, or not in Redis.
	CacheDropped(Reason)
	// CachePurged counts a purge and the entries it dropped.
	CachePurged(entries int)
	// CacheListening says whether purges of other processes can be heard.
	CacheListening(bool)
}

// Place is where an entry was found.
type Place string

// The places.
const (
	Memory  Place = "memory"
	Redis   Place = "redis"
	Missing Place = "missing"
)

// Reason is why an entry wasn't kept.
type Reason string

// The reasons.
const (
	TooLarge  Reason = "too_large" // over max_entry
	Expired   Reason = "expired"   // it was no longer of use when it came
	Purged    Reason = "purged"    // one of its tags was purged while it was fetched
	QueueFull Reason = "queue"     // the queue to Redis was full
	Failed    Reason = "failed"    // Redis didn't take it
	Foreign   Reason = "foreign"   // what Redis had under the key was not ours, or damaged
)

type silent struct{}

func (silent) CacheLookup(Place)   {}
func (silent) CacheDropped(Reason) {}
func (silent) CachePurged(int)     {}
func (silent) CacheListening(bool) {}
