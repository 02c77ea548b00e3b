package demo_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tributary-gateway/tributary/internal/demo"
)

// noon is when everything happens in these tests.
var noon = time.Date(2026, time.June, 2, 12, 0, 0, 0, time.UTC)

// service is one service at noon, without the delay.
func service(name string) http.Handler {
	return demo.Handler(name, demo.ReviewDelay(0), demo.Clock(func() time.Time { return noon }))
}

// ask sends one request, "GET /users/1", with a body when there is one.
func ask(t *testing.T, h http.Handler, request, body string, headers ...string) (int, any) {
	t.Helper()
	method, target, _ := strings.Cut(request, " ")
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Body.Len() == 0 {
		return w.Code, nil
	}
	var answer any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s: not JSON: %v\n%s", request, err, w.Body)
	}
	return w.Code, answer
}

// at walks into an answer: at(answer, "data", 0, "id").
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			members, _ := v.(map[string]any)
			v = members[step]
		case int:
			items, _ := v.([]any)
			if step >= len(items) {
				return nil
			}
			v = items[step]
		}
	}
	return v
}

// column is one property of all items.
func column(v any, path ...any) []any {
	items, _ := v.([]any)
	values := []any{}
	for _, item := range items {
		values = append(values, at(item, path...))
	}
	return values
}

// rows are requests that see everything a service has.
var rows = []struct{ service, request string }{
	{"users", "GET /users?limit=1000"},
	{"catalog", "GET /products?limit=1000"},
	{"inventory", "GET /stock?sku=COF-05-B&sku=KIT-03-A&sku=HOM-01-A&sku=GAR-02-A&sku=OUT-04-B&sku=STA-12-A"},
	{"orders", "GET /orders?limit=1000"},
	{"reviews", "GET /feed?limit=1000"},
}

// The README shows answers of the demo, and people write tests against it.
func TestRowsAreTheSameOnEveryRun(t *testing.T) {
	const golden = "aa7342cddcbce791"
	sum := sha256.New()
	for _, row := range rows {
		w := httptest.NewRecorder()
		service(row.service).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", strings.TrimPrefix(row.request, "GET "), nil))
		again := httptest.NewRecorder()
		service(row.service).ServeHTTP(again, httptest.NewRequestWithContext(t.Context(), "GET", strings.TrimPrefix(row.request, "GET "), nil))
		if !bytes.Equal(w.Body.Bytes(), again.Body.Bytes()) {
			t.Errorf("%s: two services answer differently", row.service)
		}
		sum.Write(w.Body.Bytes())
	}
	if got := hex.EncodeToString(sum.Sum(nil))[:16]; got != golden {
		t.Errorf("the rows changed: %s instead of %s", got, golden)
	}
}

func TestStartServesOverHTTP(t *testing.T) {
	services, err := demo.Start(t.Context(), demo.ReviewDelay(0))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(url string) (int, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			return 0, err
		}
		answer, err := client.Do(request)
		if err != nil {
			return 0, err
		}
		defer func() { _ = answer.Body.Close() }()
		_, err = io.Copy(io.Discard, answer.Body)
		return answer.StatusCode, err
	}
	for _, row := range rows {
		status, err := get(services.Address(row.service) + strings.TrimPrefix(row.request, "GET "))
		if err != nil || status != http.StatusOK {
			t.Errorf("%s: status %d, %v", row.service, status, err)
		}
	}
	if got := services.Address("payments"); got != "" {
		t.Errorf("a service nobody has listens on %s", got)
	}
	if err := services.Close(); err != nil {
		t.Error(err)
	}
	if status, err := get(services.Address("users") + "/users"); err == nil {
		t.Errorf("answered %d after Close", status)
	}
	if err := services.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

func TestStartRefusesAnEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := demo.Start(ctx); err == nil {
		t.Error("started after the end")
	}
}

func TestReviewsAreSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if status, _ := ask(t, demo.Handler("reviews"), "GET /feed", ""); status != http.StatusOK {
			t.Errorf("status %d", status)
		}
		if took := time.Since(began); took != 30*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestHandlerOfAnUnknownService(t *testing.T) {
	defer func() {
		if got := recover(); got != `demo: no service "payments"` {
			t.Errorf("recovered %v", got)
		}
	}()
	demo.Handler("payments")
}
