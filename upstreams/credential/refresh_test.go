package credential

import (
	"testing"
	"time"
)

func TestLife(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for _, test := range []struct{ whole, renew, end time.Duration }{
		{time.Hour, 59 * time.Minute, time.Hour - 5*time.Second},
		{100 * time.Second, 80 * time.Second, 95 * time.Second},
		{10 * time.Second, 8 * time.Second, 9 * time.Second},
		{time.Second, 800 * time.Millisecond, 900 * time.Millisecond},
	} {
		l := lifeOf(now, now.Add(test.whole))
		if l.renew.Sub(now) != test.renew || l.end.Sub(now) != test.end {
			t.Errorf("%v: renewed after %v, unused after %v", test.whole, l.renew.Sub(now), l.end.Sub(now))
		}
		if !l.fresh(now) || !l.usable(now) || l.usable(now.Add(test.whole)) {
			t.Errorf("%v: %+v", test.whole, l)
		}
	}
	if forever := lifeOf(now, time.Time{}); !forever.fresh(now.AddDate(10, 0, 0)) || !forever.usable(now.AddDate(10, 0, 0)) {
		t.Error("a token without an end ended")
	}
}

func TestNextStep(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	young := lifeOf(now, now.Add(time.Hour))
	old := lifeOf(now.Add(-58*time.Minute), now.Add(30*time.Second))
	over := lifeOf(now.Add(-time.Hour), now)
	soon, before := now.Add(time.Second), now.Add(-time.Second)
	for name, test := range map[string]struct {
		has      bool
		life     life
		fetching bool
		paused   time.Time
		want     step
	}{
		"young":               {true, young, false, time.Time{}, use},
		"old":                 {true, old, false, time.Time{}, useRenew},
		"old, being renewed":  {true, old, true, time.Time{}, use},
		"old, server down":    {true, old, false, soon, use},
		"old, server was":     {true, old, false, before, useRenew},
		"over":                {true, over, false, time.Time{}, fetchWait},
		"over, being renewed": {true, over, true, time.Time{}, wait},
		"over, server down":   {true, over, false, soon, giveUp},
		"over, server was":    {true, over, false, before, fetchWait},
		"none":                {false, life{}, false, time.Time{}, fetchWait},
		"none, on its way":    {false, life{}, true, time.Time{}, wait},
		"none, server down":   {false, life{}, false, soon, giveUp},
	} {
		if got := nextStep(now, test.has, test.life, test.fetching, test.paused); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}
