package balance_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/balance"
	"github.com/tributary-gateway/tributary/upstreams/health"
)

// kinds are faults and how soon an instance that has one must be out of service.
var kinds = map[string]struct {
	fault  fault
	within time.Duration
	reason string
}{
	"5xx":     {broken, second / 2, "3 failures in a row: 503, 503, 503"},
	"refused": {refused, second / 2, "3 failures in a row: connection refused, connection refused, connection refused"},
	"hang":    {hung, 2 * second, ""},
}

func configOf(policy balance.Policy) balance.Config {
	c := balance.Config{Policy: policy}
	if policy == balance.Hash {
		c.Hash = "{id}"
	}
	return c
}

// TestOneBadInstance holds the figures: how soon it is out, what it gets then, that clients notice nothing, and when it
// is back. The fault's length varies, since the time to the next probe depends on it.
func TestOneBadInstance(t *testing.T) {
	for name, kind := range kinds {
		for _, policy := range []balance.Policy{balance.P2C, balance.RoundRobin, balance.Weighted, balance.Hash} {
			for _, lasts := range []time.Duration{2500 * time.Millisecond, 6 * second, 6300 * time.Millisecond, 15 * second} {
				t.Run(fmt.Sprint(name, "/", policy, "/", lasts), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := newWorld(t, configOf(policy), balance.Options{}, three()...)
						w.run(150, 3*second)
						w.set("b:80", kind.fault)
						took := w.until(150, lasts, "b:80", balance.Ejected)
						if took > kind.within {
							t.Errorf("ejected after %v", took)
						}
						if reason := w.state("b:80").Reason; kind.reason != "" && reason != kind.reason {
							t.Errorf("ejected because %q", reason)
						}
						out := w.now()
						w.run(150, lasts-took)
						rose := w.now()
						if share := w.share("b:80", out, rose); share > 0.05 {
							t.Errorf("share while ejected: %.3f", share)
						}
						w.set("b:80", well)
						if back := w.until(150, 20*second, "b:80", balance.SlowStart); back > 12*second {
							t.Errorf("back after %v", back)
						}
						w.run(150, 12*second)
						w.group.Wait()
						if end := w.now(); w.share("b:80", end-2*second, end) < 0.25 {
							t.Errorf("share at last: %.3f", w.share("b:80", end-2*second, end))
						}
						w.check(0, 1.05)
					})
				})
			}
		}
	}
}

// TestFaultAfterFault: that an instance was out some time ago does not keep it out longer than the figure.
func TestFaultAfterFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, balance.Config{}, balance.Options{}, three()...)
		w.run(150, second)
		for round := range 5 {
			for name, kind := range kinds {
				w.set("b:80", kind.fault)
				if took := w.until(150, 6*second, "b:80", balance.Ejected); took > kind.within {
					t.Errorf("%s, round %d: ejected after %v", name, round, took)
				}
				w.run(150, 6*second)
				w.set("b:80", well)
				if back := w.until(150, 20*second, "b:80", balance.SlowStart); back > 12*second {
					t.Errorf("%s, round %d: back after %v", name, round, back)
				}
				w.run(150, 6*second)
			}
		}
		w.group.Wait()
		w.check(0, 1.05)
	})
}

// TestHangByTimeout: an instance that hangs is found out whether attempts are given up before silence counts or after.
func TestHangByTimeout(t *testing.T) {
	for _, timeout := range []time.Duration{100 * time.Millisecond, second / 2, 3 * second} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, balance.Config{}, balance.Options{}, three()...)
			w.timeout = timeout
			w.run(150, 3*second)
			w.set("b:80", hung)
			if took := w.until(150, 6*second, "b:80", balance.Ejected); took > 2*second {
				t.Errorf("with attempts of %v: ejected after %v", timeout, took)
			}
			w.run(150, 5*second)
			w.set("b:80", well)
			if back := w.until(150, 20*second, "b:80", balance.SlowStart); back > 12*second {
				t.Errorf("with attempts of %v: back after %v", timeout, back)
			}
			w.group.Wait()
			w.check(0, 1.05)
		})
	}
}

// TestFewRequests: at 15 requests a second an instance that fails is noticed as well, though later.
func TestFewRequests(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, balance.Config{}, balance.Options{}, three()...)
				w.run(15, 3*second)
				w.set("b:80", kind.fault)
				w.run(15, 20*second)
				w.group.Wait()
				if share := w.share("b:80", 3*second, 23*second); share > 0.05 {
					t.Errorf("share of the bad one: %.3f", share)
				}
				w.check(0, 1.1)
			})
		})
	}
}

func TestSlowInstance(t *testing.T) {
	for _, rate := range []int{15, 150, 1500} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, balance.Config{}, balance.Options{}, three()...)
			w.run(rate, 3*second)
			w.set("b:80", slow)
			began := w.now()
			w.run(rate, 20*second)
			if share := w.share("b:80", began, w.now()); share > 0.1 {
				t.Errorf("share of the slow one at %d/s: %.3f", rate, share)
			}
			if state := w.state("b:80").State; state != balance.Healthy {
				t.Errorf("being slow made it %s", state)
			}
			w.set("b:80", well)
			w.run(rate, 20*second)
			w.group.Wait()
			if end := w.now(); w.share("b:80", end-5*second, end) < 0.2 {
				t.Errorf("share at %d/s after it was quick again: %.3f", rate, w.share("b:80", end-5*second, end))
			}
			w.check(0, 1)
		})
	}
}

// TestHalfOfItsRequestsFail: never three in a row, and still found out.
func TestHalfOfItsRequestsFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, balance.Config{Policy: balance.RoundRobin}, balance.Options{}, three()...)
		for i := range 40 {
			w.set("b:80", [...]fault{broken, well}[i/3%2])
			w.run(150, second/150)
		}
		w.group.Wait()
		s := w.state("b:80")
		if s.State != balance.Ejected || s.Reason != "6 of 11 requests within 10s failed, last: 503" {
			t.Errorf("%+v", s)
		}
		w.check(0, 1.2)
	})
}

// TestTwoOfThreeFail: one is out, the other can't be, and gets little.
func TestTwoOfThreeFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, balance.Config{}, balance.Options{}, three()...)
		w.run(150, 3*second)
		w.set("a:80", broken)
		w.set("b:80", broken)
		w.run(150, second)
		w.forgetErrors() // a request that met both before they were known
		began := w.now()
		w.run(150, 10*second)
		w.group.Wait()
		if share := w.share("c:80", began, w.now()); share < 0.85 {
			t.Errorf("share of the good one: %.3f", share)
		}
		w.check(0, 1.15)
		out, reasons := 0, ""
		for _, s := range w.pool.State() {
			if s.State == balance.Ejected {
				out++
			} else {
				reasons += s.Reason
			}
		}
		if want := "3 failures in a row: 503, 503, 503; in service because no more than 1 of 3 may be out"; out != 1 || len(reasons) < len(want) {
			t.Errorf("%d out; the others: %q", out, reasons)
		}
	})
}

// TestOutage: whatever fails, somebody is picked, and after it all serve again.
func TestOutage(t *testing.T) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, balance.Config{}, balance.Options{}, three()...)
				w.run(150, 3*second)
				for _, instance := range []string{"a:80", "b:80", "c:80"} {
					w.set(instance, kind.fault)
				}
				w.run(150, 20*second)
				w.group.Wait()
				if n := w.count(balance.Ejected, balance.Probing); n > 1 {
					t.Errorf("%d are out", n)
				}
				for _, instance := range []string{"a:80", "b:80", "c:80"} {
					w.set(instance, well)
				}
				w.forgetErrors()
				w.run(150, 12*second)
				if n := w.count(balance.Healthy, balance.SlowStart); n != 3 {
					t.Errorf("%d serve", n)
				}
				w.group.Wait()
				if len(w.errors) > 0 {
					t.Errorf("errors after the outage: %v", w.errors)
				}
			})
		})
	}
}

// TestHangWhileAllHang: silence counts only while others answer.
func TestHangWhileAllHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rules := health.Config{ConsecutiveFailures: -1, FailureRate: -1}
		w := newWorld(t, balance.Config{}, balance.Options{Health: rules}, three()...)
		w.run(150, second)
		for _, instance := range []string{"a:80", "b:80", "c:80"} {
			w.set(instance, hung)
		}
		w.run(150, 5*second)
		w.group.Wait()
		if n := w.count(balance.Ejected, balance.Probing); n > 0 {
			t.Errorf("%d are out", n)
		}
	})
}

// TestProbesAreRetryable: requests that can't be repeated don't go to an instance that may still be bad, unless there
// are no others for the longest ejection time.
func TestProbesAreRetryable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, balance.Config{}, balance.Options{}, three()...)
		w.set("b:80", refused)
		w.until(150, second, "b:80", balance.Ejected)
		w.set("b:80", well)
		w.group.Wait()
		began := time.Now()
		for w.state("b:80").State != balance.SlowStart {
			for range 3 {
				instance, _ := w.attempt(balance.Request{})
				waited := time.Since(began)
				if instance.Name() == "b:80" && waited < 12*second {
					t.Fatalf("a request that can't be repeated was the probe after %v", waited)
				}
				if waited > 13*second {
					t.Fatal("it stays out")
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
}

// TestOutAtOnce: the pick after the third failure knows of it already.
func TestOutAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := newPool(t, balance.Config{Policy: balance.RoundRobin}, balance.Options{}, three()...)
		failures := 0
		for range 30 {
			lease, err := pool.Pick(balance.Request{})
			switch {
			case err != nil:
				t.Fatal(err)
			case lease.Instance().Name() != "b:80":
				lease.Done(balance.Success, time.Millisecond)
			case failures == 3:
				t.Fatal("picked after its third failure")
			default:
				failures++
				lease.DoneFor(balance.Failure, time.Millisecond, "503")
			}
		}
		if failures != 3 {
			t.Errorf("%d failures", failures)
		}
	})
}

// TestHangUnderLoad: an instance that hangs gets few requests even before it's known to, since it owes answers.
func TestHangUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, balance.Config{}, balance.Options{}, three()...)
		for _, name := range []string{"a:80", "b:80", "c:80"} {
			w.set(name, fault{20 * time.Millisecond, balance.Success, ""})
		}
		w.run(1500, second)
		w.set("b:80", hung)
		began := w.now()
		w.run(1500, second*9/10)
		if share := w.share("b:80", began, w.now()); share > 0.02 {
			t.Errorf("share before anybody has noticed: %.3f", share)
		}
		w.group.Wait()
		w.check(0, 1.1)
	})
}
