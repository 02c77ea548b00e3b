package transport

import (
	"errors"
	"sync"
	"time"
)

// BudgetConfig bounds how many more requests a service gets than there are calls.
type BudgetConfig struct {
	// Ratio is how many more there may be, as a share of calls. Default: 0.2.
	Ratio float64 `yaml:"ratio" json:"ratio,omitempty"`
	// PerSecond is how many there may be besides, so that few calls have some too. Default: 3.
	PerSecond float64 `yaml:"per_second" json:"per_second,omitempty"`
	// Burst is how many of them can be saved up. Default: 100.
	Burst int `yaml:"burst" json:"burst,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c BudgetConfig) WithDefaults() BudgetConfig {
	c.Ratio = orDefault(c.Ratio, 0.2)
	c.PerSecond = orDefault(c.PerSecond, 3)
	c.Burst = orDefault(c.Burst, 100)
	return c
}

// Validate names everything wrong with the configuration.
func (c BudgetConfig) Validate() error {
	d := c.WithDefaults()
	return errors.Join(
		within("ratio", d.Ratio, 0.001, 10),
		within("per_second", d.PerSecond, 0.001, 1e6),
		positive("burst", d.Burst),
	)
}

// purse is the arithmetic of a budget. It isn't safe for concurrent use.
type purse struct {
	config BudgetConfig
	has    float64
	at     time.Time // of has; zero: is full
}

func (p *purse) refill(now time.Time) {
	if p.at.IsZero() {
		p.at, p.has = now, float64(p.config.Burst)
		return
	}
	if now.After(p.at) {
		p.earn(now.Sub(p.at).Seconds() * p.config.PerSecond)
		p.at = now
	}
}

func (p *purse) earn(n float64) { p.has = min(float64(p.config.Burst), p.has+n) }

// spend tells whether there is one, and takes it.
func (p *purse) spend(now time.Time) bool {
	p.refill(now)
	if p.has < 1 {
		return false
	}
	p.has--
	return true
}

// call earns a call's share.
func (p *purse) call(now time.Time) {
	p.refill(now)
	p.earn(p.config.Ratio)
}

// budget is a purse for many.
type budget struct {
	mu    sync.Mutex // guards purse
	purse purse
}

func newBudget(c BudgetConfig) *budget { return &budget{purse: purse{config: c.WithDefaults()}} }

func (b *budget) call(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.purse.call(now)
}

func (b *budget) spend(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.purse.spend(now)
}

func (b *budget) left(now time.Time) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.purse.refill(now)
	return b.purse.has
}
