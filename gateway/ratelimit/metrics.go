package ratelimit

// Metrics are the measurements of this package. Labels come from closed sets: plans of the configuration and Outcomes.
// Implementations may be called concurrently and return at once.
type Metrics interface {
	// Reserved says what was decided; measured is true when the plan refuses nobody.
	Reserved(plan string, o Outcome, measured bool)
	// StoreUp says that the store stopped answering (false) or is back (true).
	StoreUp(up bool)
}

type noMetrics struct{}

func (noMetrics) Reserved(string, Outcome, bool) {}
func (noMetrics) StoreUp(bool)                   {}
