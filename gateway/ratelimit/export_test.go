package ratelimit

// The scripts, for a test that runs them with a clock of its own.
var (
	ReserveLua = bucketLua + reserveLua
	SettleLua  = bucketLua + settleLua
)

// Story is one bucket of bucket.go, for a test that plays the same story to the scripts.
type Story struct {
	p policy
	l level
}

// NewStory begins with a full bucket; capacity and restore are in millionths.
func NewStory(capacity, restore int64) *Story {
	return &Story{p: policy{capacity: capacity, restore: restore}}
}

// Reserve is what reserve.lua does for one bucket, and what it answers. A refusal isn't written down.
func (s *Story) Reserve(now, cost int64) (outcome, deficit, part, ahead int64) {
	l := s.p.at(s.l, now)
	if s.p.admits(l, cost) {
		l = s.p.add(l, cost)
		s.l = l
	} else {
		outcome = 1
	}
	return outcome, l.deficit, l.part, max(0, l.at-now)
}

// Settle is what settle.lua does.
func (s *Story) Settle(now, back int64) { s.l = s.p.add(s.p.at(s.l, now), -back) }
