package batch_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/edge/batch"
)

func TestSplit(t *testing.T) {
	for body, want := range map[string]any{
		`[{"query":"a"}, {"query":"b"}]`: `{"query":"a"}|{"query":"b"}`,
		" \n[1]\t":                       "1",
		`[null,"x",[2]]`:                 `null|"x"|[2]`,
		`[]`:                             batch.ErrEmpty,
		`[1,2,3,4]`:                      batch.ErrTooMany,
		`[1,2,3,4`:                       batch.ErrTooMany,
		`[1`:                             batch.ErrBroken,
		`[1,]`:                           batch.ErrBroken,
		`[1 2]`:                          batch.ErrBroken,
		`[1]x`:                           batch.ErrBroken,
		`[1][2]`:                         batch.ErrBroken,
		`{}`:                             batch.ErrBroken,
		``:                               batch.ErrBroken,
		strings.Repeat("[", 1_000_000):   batch.ErrBroken,
	} {
		elements, err := batch.Split([]byte(body), 3)
		var texts []string
		for _, e := range elements {
			texts = append(texts, string(e))
		}
		if wrong, ok := want.(error); ok {
			if !errors.Is(err, wrong) || elements != nil {
				t.Errorf("%.40s: %v %v", body, err, texts)
			}
		} else if err != nil || strings.Join(texts, "|") != want {
			t.Errorf("%.40s: %v %v", body, err, texts)
		}
	}
}

func TestIs(t *testing.T) {
	for body, want := range map[string]bool{"[": true, " \t\r\n[1]": true, "{": false, "": false, " ": false, "\ufeff[": false} {
		if batch.Is([]byte(body)) != want {
			t.Errorf("%q: %v", body, !want)
		}
	}
}

func TestServeJoinsInOrder(t *testing.T) {
	var running, most atomic.Int64
	gate := make(chan struct{})
	var opened sync.Once
	w := httptest.NewRecorder()
	batch.Serve(w, 7, 3, func(i int, w http.ResponseWriter) {
		now := running.Add(1)
		for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
		}
		if now == 3 {
			opened.Do(func() { close(gate) })
		}
		<-gate // the first three meet here
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1")
		_, _ = fmt.Fprintf(w, `{"data":%d}`, i)
		running.Add(-1)
	})
	want := `[{"data":0},{"data":1},{"data":2},{"data":3},{"data":4},{"data":5},{"data":6}]`
	if w.Code != 200 || w.Body.String() != want || w.Header().Get("Content-Length") != fmt.Sprint(len(want)) || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if most.Load() != 3 {
		t.Errorf("%d ran at once", most.Load())
	}
}

func TestServeStatus(t *testing.T) {
	for _, c := range []struct {
		statuses []int
		want     int
	}{{[]int{200, 200}, 200}, {[]int{429, 429}, 429}, {[]int{200, 429}, 200}, {[]int{400}, 400}, {[]int{0, 0}, 200}} {
		w := httptest.NewRecorder()
		batch.Serve(w, len(c.statuses), 1, func(i int, w http.ResponseWriter) {
			if c.statuses[i] != 0 {
				w.WriteHeader(c.statuses[i])
				_, _ = io.WriteString(w, "{}")
			}
		})
		if w.Code != c.want {
			t.Errorf("%v: %d", c.statuses, w.Code)
		}
		if c.statuses[0] == 0 && w.Body.String() != "[null,null]" {
			t.Errorf("%s", w.Body)
		}
	}
}

// A panic in a goroutine of its own would end the process; it has to be the request's.
func TestServePanics(t *testing.T) {
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("recovered %v", err)
		}
	}()
	batch.Serve(httptest.NewRecorder(), 5, 2, func(i int, _ http.ResponseWriter) {
		if i == 1 {
			panic(http.ErrAbortHandler)
		}
	})
	t.Error("no panic")
}

func TestConfig(t *testing.T) {
	if err := (batch.Config{}).Validate(); err != nil {
		t.Error(err)
	}
	if err := (batch.Config{MaxOperations: -1, Parallel: 5000}).Validate(); err == nil || !strings.Contains(err.Error(), "max_operations: ") || !strings.Contains(err.Error(), "parallel: ") {
		t.Error(err)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte(`[{"query":"{a}"},{}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		elements, err := batch.Split(body, 5)
		if (err == nil) != (len(elements) > 0) || len(elements) > 5 {
			t.Errorf("%v %d", err, len(elements))
		}
	})
}
