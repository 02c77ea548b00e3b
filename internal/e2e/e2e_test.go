package e2e_test

import (
	"cmp"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/upstreamtest"
)

func TestCases(t *testing.T) {
	schema := newSchema()
	cases := loadCases(t)
	if len(cases) < 75 {
		t.Errorf("only %d cases were found", len(cases))
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c := cases[name]
		t.Run(name, func(t *testing.T) {
			services, addresses := startServices(t, c)
			status, answer := ask(t, serve(t, schema, readConfig(t, addresses)), c)
			if want := cmp.Or(c.Status, http.StatusOK); status != want {
				t.Errorf("status %d, want %d", status, want)
			}
			got, err := canonical(answer)
			if err != nil {
				t.Fatalf("%v in %s", err, answer)
			}
			want, err := canonical([]byte(c.Response))
			if err != nil {
				t.Fatalf("response of the case: %v", err)
			}
			if got != want {
				t.Errorf("got:\n%s\n\nwant:\n%s\n\nraw: %s", got, want, answer)
			}
			for name, address := range addresses {
				if _, host, _ := strings.Cut(address, "://"); strings.Contains(string(answer), host) {
					t.Errorf("the answer tells the address of %s", name)
				}
			}
			if strings.Contains(string(answer), "127.0.0.1") || strings.Contains(string(answer), "localhost") {
				t.Error("the answer tells an address")
			}
			if c.Ordered {
				checkOrder(t, c, services)
			}
		})
	}
}

// startServices starts the services of a case. What it doesn't script is there all the same, and must not be asked.
func startServices(t *testing.T, c *testCase) (map[string]*upstreamtest.Service, map[string]string) {
	t.Helper()
	services, addresses := map[string]*upstreamtest.Service{}, map[string]string{}
	for name := range c.Services {
		if !slices.Contains(serviceNames, name) {
			t.Fatalf("there is no service %q", name)
		}
	}
	// The last one first: a case's answers can name the addresses of services further down the list.
	for _, name := range slices.Backward(serviceNames) {
		if slices.Contains(c.Gone, name) {
			addresses[name] = upstreamtest.Nowhere
			continue
		}
		script := c.Services[name]
		for i := range script {
			for header, value := range script[i].Answer.Headers {
				script[i].Answer.Headers[header] = expand(value, addresses)
			}
		}
		services[name] = upstreamtest.Start(t, script...)
		addresses[name] = services[name].URL()
	}
	return services, addresses
}

// expand puts addresses into a text for {url:name}.
func expand(text string, addresses map[string]string) string {
	for name, address := range addresses {
		text = strings.ReplaceAll(text, "{url:"+name+"}", address)
	}
	return text
}

// checkOrder holds the requests of each service against the order of its exchanges.
func checkOrder(t *testing.T, c *testCase, services map[string]*upstreamtest.Service) {
	t.Helper()
	for name, script := range c.Services {
		for i, request := range services[name].Requests() {
			if i < len(script) && !strings.HasPrefix(request, script[i].Request) {
				t.Errorf("request %d of %s is %s, want %s", i+1, name, request, script[i].Request)
			}
		}
	}
}

// A call's own timeout counts, also when it is longer than its service's.
func TestACallMayTakeLongerThanItsService(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done(): // the gateway doesn't wait any longer
		case <-time.After(100 * time.Millisecond):
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte("1"))
		}
	}))
	t.Cleanup(service.Close)
	addresses := map[string]string{}
	for _, name := range serviceNames {
		addresses[name] = service.URL
	}
	cfg := readConfig(t, addresses)
	forms := cfg.Services["forms"]
	forms.Timeout = 20 * time.Millisecond
	cfg.Services["forms"] = forms
	address := serve(t, newSchema(), cfg)
	if _, answer := ask(t, address, &testCase{Query: "{slower}"}); string(answer) != `{"data":{"slower":1}}` {
		t.Errorf("got %s", answer)
	}
	if _, answer := ask(t, address, &testCase{Query: "{tenant}", Headers: map[string]string{"X-Tenant": "a"}}); !strings.Contains(string(answer), "UPSTREAM_TIMEOUT") {
		t.Errorf("got %s", answer)
	}
}
