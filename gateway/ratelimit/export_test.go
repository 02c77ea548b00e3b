package ratelimit

// SpendLua is the script, for a test that runs it with a clock of its own.
var SpendLua = spendLua

// Slot is where a Cluster keeps a key.
var Slot = slot

// Story is one bucket of bucket.go, for a test that plays the same story to the script.
type Story struct {
	p policy
	l level
}

// NewStory begins with a full bucket; capacity and restore are in millionths.
func NewStory(capacity, restore int64) *Story {
	return &Story{p: policy{capacity: capacity, restore: restore}}
}

// Run gives back and takes costs, and says as the script does which of them were admitted and how the bucket stood before.
// Only what changed something is written down.
func (s *Story) Run(now, back int64, costs []int64) (outcomes string, deficit, part, ahead int64) {
	l := s.p.add(s.p.at(s.l, now), -back)
	if l.deficit == 0 {
		l.at = now
	}
	deficit, part, ahead = l.deficit, l.part, max(0, l.at-now)
	changed := back != 0
	for _, cost := range costs {
		if !s.p.admits(l, cost) {
			outcomes += "1"
			continue
		}
		outcomes += "0"
		l = s.p.add(l, cost)
		changed = changed || cost > 0
	}
	if changed {
		s.l = l
	}
	return outcomes, deficit, part, ahead
}
