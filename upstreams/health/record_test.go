package health_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/upstreams/health"
)

const ms = time.Millisecond

// patient is a record with a clock. Others answer all the time unless said otherwise.
type patient struct {
	*health.Record
	now    time.Time
	others health.Others
	alone  bool
}

func newPatient(c health.Config) *patient {
	rules := c.WithDefaults()
	return &patient{Record: health.NewRecord(&rules), now: time.Unix(1_000_000, 0), others: health.Others{Typical: 2 * ms}}
}

func (p *patient) wait(d time.Duration) { p.now = p.now.Add(d) }

// do plays one letter: + an answer, - a failure, t a timeout, c a canceled request, each after 10 ms; . a second passes;
// o a request goes out; P a check that passes, F one that fails.
func (p *patient) do(script string) {
	for _, letter := range script {
		sent := health.Sent{Began: p.now, Latency: 10 * ms, Probe: p.WantsProbe()}
		switch letter {
		case '.':
			p.wait(time.Second)
			continue
		case 'o':
			p.Begin(p.now, false)
			continue
		case 'P':
			p.Checked(p.now, nil)
			continue
		case 'F':
			p.Checked(p.now, health.StatusError(503))
			continue
		case '+':
			sent.Result = health.Answered
		case '-':
			sent.Result, sent.Reason = health.Failed, "503"
		case 't':
			sent.Result, sent.Reason = health.TimedOut, "timeout"
		case 'c':
			sent.Result = health.Canceled
		}
		p.Begin(p.now, sent.Probe)
		p.wait(10 * ms)
		p.End(p.now, sent)
	}
}

// due is the cause for which it should be out now.
func (p *patient) due() (health.Cause, string) {
	if !p.alone {
		p.others.Answered = p.now
	}
	cause, reason, due := p.Due(p.now, p.others)
	if due == (cause == "") {
		panic("a cause and no ejection, or the other way round")
	}
	return cause, reason
}

func TestDue(t *testing.T) {
	check := health.Check{Path: "/healthz"}
	for name, test := range map[string]struct {
		config health.Config
		script string
		alone  bool
		cause  health.Cause
		reason string
	}{
		"nothing":                          {},
		"well":                             {script: "++++++++++++++++++++"},
		"two failures":                     {script: "+++--"},
		"three failures":                   {script: "+++---", cause: health.Failures, reason: "3 failures in a row: 503, 503, 503"},
		"timeouts count":                   {script: "-t-", cause: health.Failures, reason: "3 failures in a row: 503, timeout, 503"},
		"an answer between":                {script: "--+--"},
		"canceled between":                 {script: "--c-", cause: health.Failures, reason: "3 failures in a row: 503, 503, 503"},
		"canceled":                         {script: "cccccccccccc"},
		"five at most":                     {script: "-------", cause: health.Failures, reason: "7 failures in a row: …, 503, 503, 503, 503, 503"},
		"more allowed":                     {config: health.Config{ConsecutiveFailures: 5}, script: "----"},
		"more":                             {config: health.Config{ConsecutiveFailures: 5}, script: "-----", cause: health.Failures, reason: "5 failures in a row: 503, 503, 503, 503, 503"},
		"none count":                       {config: health.Config{ConsecutiveFailures: -1, FailureRate: -1}, script: "--------------"},
		"half":                             {script: "+-+-+-+-+-", cause: health.Rate, reason: "5 of 10 requests within 10s failed, last: 503"},
		"half of nine":                     {script: "-+-+-+-+-"},
		"less than half":                   {script: "+-+-++-+-+-"},
		"long ago":                         {script: "-+-+-+-+............+-"},
		"a longer window":                  {config: health.Config{Window: time.Minute}, script: "-+-+-+-+............+-", cause: health.Rate, reason: "5 of 10 requests within 1m0s failed, last: 503"},
		"a tenth":                          {config: health.Config{FailureRate: 10}, script: "+++++++++-", cause: health.Rate, reason: "1 of 10 requests within 10s failed, last: 503"},
		"owes an answer":                   {script: "+oo."},
		"silent":                           {script: "+o.", cause: health.Silence, reason: "no answer for 1s to 1 requests while other instances answer"},
		"silent from before":               {script: "o.+"},
		"all are silent":                   {script: "+o....", alone: true},
		"may be silent":                    {config: health.Config{Silence: 3 * time.Second}, script: "+o.."},
		"silent too long":                  {config: health.Config{Silence: 3 * time.Second}, script: "+o...", cause: health.Silence, reason: "no answer for 3s to 1 requests while other instances answer"},
		"always may":                       {config: health.Config{Silence: -1}, script: "+o........."},
		"a timeout":                        {script: "t.", cause: health.Silence, reason: "no answer for 1.01s to 1 requests while other instances answer"},
		"given up":                         {script: "cccc...."},
		"given up and not":                 {script: "tc.", cause: health.Silence, reason: "no answer for 1.02s to 1 requests while other instances answer"},
		"checks":                           {config: health.Config{Check: check}, script: "FFF", cause: health.Checks, reason: "3 checks in a row failed: 503, 503, 503"},
		"two checks":                       {config: health.Config{Check: check}, script: "FFPFF"},
		"requests and checks don't add up": {config: health.Config{Check: check}, script: "F-F-"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(test.config)
			p.alone = test.alone
			p.do(test.script)
			if name == "owes an answer" {
				p.wait(-time.Millisecond)
			}
			cause, reason := p.due()
			if cause != test.cause || reason != test.reason {
				t.Errorf("%q %q, not %q %q", cause, reason, test.cause, test.reason)
			}
		})
	}
}

// TestSilenceIsRelative: where answers take long, silence takes longer.
func TestSilenceIsRelative(t *testing.T) {
	p := newPatient(health.Config{})
	p.others.Typical = time.Second
	p.do("o...")
	if cause, _ := p.due(); cause != "" {
		t.Error("3 s are long where 1 s is typical")
	}
	p.do(".")
	if cause, _ := p.due(); cause != health.Silence {
		t.Error("4 s are not")
	}
	p = newPatient(health.Config{})
	p.Begin(p.now, false)
	p.End(p.now, health.Sent{Began: p.now, Result: health.Answered, Latency: 3 * time.Second})
	p.do("o.....")
	if cause, _ := p.due(); cause != health.Silence { // 2 · 3 s · e^-0.5 = 3.6 s
		t.Error("5 s are short after an answer of 3 s")
	}
	p = newPatient(health.Config{})
	p.Begin(p.now, false)
	p.End(p.now, health.Sent{Began: p.now, Result: health.Answered, Latency: 3 * time.Second})
	p.do("o..")
	if cause, _ := p.due(); cause != "" {
		t.Error("2 s are long after an answer of 3 s")
	}
}

// TestEjectionGrows and shrinks when the instance is well.
func TestEjectionGrows(t *testing.T) {
	p := newPatient(health.Config{})
	var lasts []float64 // seconds
	eject := func() {
		p.Eject(p.now, health.Failures, "test")
		lasts = append(lasts, p.Until().Sub(p.now).Seconds())
		p.now = p.Until()
		if !p.Advance(p.now) || p.State() != health.Probing {
			t.Fatal(p.State())
		}
	}
	for range 3 { // fails as soon as it's back
		eject()
		p.Return(p.now)
	}
	for range 3 { // fails its probe
		eject()
	}
	p.Return(p.now)
	p.wait(11 * time.Second) // takes two of three doublings back
	eject()
	p.Return(p.now)
	p.wait(time.Hour)
	eject()
	if diff := cmp.Diff([]float64{2, 4, 8, 10, 10, 10, 4, 2}, lasts); diff != "" {
		t.Error(diff)
	}
}

func TestReturn(t *testing.T) {
	for name, test := range map[string]struct {
		config health.Config
		cause  health.Cause
		script string
		want   health.State
	}{
		"its time is not over":   {script: ".++++", want: health.Ejected},
		"late answers don't do":  {script: "++", want: health.Ejected},
		"one probe":              {script: "..+", want: health.Probing},
		"two probes":             {script: "..++", want: health.Healthy},
		"canceled probe":         {script: "..c+c+", want: health.Healthy},
		"a probe fails":          {script: "..+-", want: health.Ejected},
		"a probe times out":      {script: "..t", want: health.Ejected},
		"and again":              {script: "..+-...+", want: health.Ejected},
		"after twice as long":    {script: "..+-....++", want: health.Healthy},
		"silence ends by answer": {cause: health.Silence, script: "+++", want: health.Healthy},
		"with a check":           {config: health.Config{Check: health.Check{Path: "/"}}, script: "..++++", want: health.Probing},
		"by a check":             {config: health.Config{Check: health.Check{Path: "/"}}, script: "..PP", want: health.Healthy},
		"by a check too early":   {config: health.Config{Check: health.Check{Path: "/"}}, script: ".PP", want: health.Ejected},
		"a check fails":          {config: health.Config{Check: health.Check{Path: "/"}}, script: "..PF", want: health.Ejected},
		"more checks":            {config: health.Config{Check: health.Check{Path: "/", HealthyAfter: 3}}, script: "..PP", want: health.Probing},
	} {
		p := newPatient(test.config)
		p.Eject(p.now, max(test.cause, health.Failures), "test")
		if test.cause != "" {
			p.Return(p.now)
			p.Eject(p.now, test.cause, "test")
		}
		for _, letter := range test.script {
			p.do(string(letter))
			p.Advance(p.now)
		}
		if p.State() != test.want {
			t.Errorf("%s: %v, not %v", name, p.State(), test.want)
		}
	}
}

// TestLateFailures: what began before an instance was put out isn't held against it when it is back.
func TestLateFailures(t *testing.T) {
	p := newPatient(health.Config{})
	began := p.now
	for range 10 {
		p.Begin(p.now, false)
	}
	p.Eject(p.now, health.Silence, "test")
	p.do("..")
	p.Advance(p.now)
	p.do("++")
	if p.State() != health.Healthy {
		t.Fatal(p.State())
	}
	for range 10 {
		p.End(p.now, health.Sent{Began: began, Result: health.TimedOut, Latency: 3 * time.Second, Reason: "timeout"})
	}
	p.do("..")
	if cause, reason := p.due(); cause != "" {
		t.Error(reason)
	}
	if p.Open() != 0 {
		t.Errorf("%d under way", p.Open())
	}
}

// TestOneProbe at a time.
func TestOneProbe(t *testing.T) {
	p := newPatient(health.Config{})
	p.Eject(p.now, health.Failures, "test")
	if p.WantsProbe() {
		t.Error("probed while it's out")
	}
	p.wait(2 * time.Second)
	p.Advance(p.now)
	if !p.WantsProbe() {
		t.Error("not probed")
	}
	p.Begin(p.now, true)
	if p.WantsProbe() {
		t.Error("two probes at once")
	}
	p.End(p.now, health.Sent{Began: p.now, Probe: true, Result: health.Canceled})
	if !p.WantsProbe() {
		t.Error("not probed again after one was given up")
	}
}

func TestEndTooOften(t *testing.T) {
	p := newPatient(health.Config{})
	p.Begin(p.now, false)
	for range 3 {
		p.End(p.now, health.Sent{Began: p.now})
	}
	if p.Open() != 0 || p.Waited(p.now.Add(time.Hour)) != 0 {
		t.Errorf("%d under way, waited %v", p.Open(), p.Waited(p.now.Add(time.Hour)))
	}
}

func TestMostOut(t *testing.T) {
	for _, test := range []struct{ percent, n, want int }{
		{50, 0, 0}, {50, 1, 0}, {50, 2, 1}, {50, 3, 1}, {50, 4, 2}, {50, 5, 2}, {50, 50, 25},
		{10, 3, 1}, {10, 50, 5}, {100, 1, 0}, {100, 2, 1}, {100, 10, 9}, {-1, 10, 0},
	} {
		if got := (health.Ejection{Percent: test.percent}).MostOut(test.n); got != test.want {
			t.Errorf("%d %% of %d: %d, not %d", test.percent, test.n, got, test.want)
		}
	}
}

func TestValidate(t *testing.T) {
	for name, test := range map[string]struct {
		config health.Config
		want   []string
	}{
		"zero": {},
		"off":  {config: health.Config{ConsecutiveFailures: -1, FailureRate: -1, Silence: -1, Ejection: health.Ejection{Percent: -1}}},
		"negative": {config: health.Config{Window: -1, Ejection: health.Ejection{Base: -1, Max: -1},
			Check: health.Check{Interval: -1, Timeout: -1, HealthyAfter: -1, UnhealthyAfter: -1}}, want: []string{
			"window: is negative", "ejection.base: is negative", "ejection.max: is negative", "check.interval: is negative",
			"check.timeout: is negative", "check.healthy_after: is negative", "check.unhealthy_after: is negative"}},
		"too much": {config: health.Config{FailureRate: 101, Ejection: health.Ejection{Percent: 101}}, want: []string{
			"failure_rate: is 101 percent, over 100", "ejection.percent: is 101, over 100"}},
		"too little": {config: health.Config{Window: time.Millisecond, Check: health.Check{Interval: time.Millisecond}}, want: []string{
			"window: is 1ms; give 1s or more", "check.interval: is 1ms; give 10ms or more"}},
		"base over max": {config: health.Config{Ejection: health.Ejection{Base: 20 * time.Second, Max: 10 * time.Second}}, want: []string{
			"ejection.base: is 20s, over ejection.max (10s)"}},
		"base over the default of max": {config: health.Config{Ejection: health.Ejection{Base: 20 * time.Second}}},
		"path":                         {config: health.Config{Check: health.Check{Path: "healthz"}}, want: []string{`check.path: "healthz" does not begin with /`}},
		"bad path":                     {config: health.Config{Check: health.Check{Path: "/%zz"}}, want: []string{`check.path: "/%zz" is no path`}},
		"status":                       {config: health.Config{Check: health.Check{Status: []int{200, 99}}}, want: []string{"check.status: 99 is no status of an answer"}},
	} {
		got := ""
		if err := test.config.Validate(); err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(strings.Join(test.want, "\n"), got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if full := test.config.WithDefaults(); test.want == nil && (full.Validate() != nil || full.Ejection.Max < full.Ejection.Base) {
			t.Errorf("%s: with defaults: %v", name, full.Validate())
		}
	}
}
