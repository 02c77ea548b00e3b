package edge_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/edge"
	"github.com/tributary-gateway/tributary/internal/browsertest"
)

// attacks is a page that makes its visitor's browser send what it can without asking; %s is the gateway.
const attacks = `<!doctype html><meta charset="utf-8"><body><script>
const gateway = %q;
const all = [
	new Promise((done) => { const i = new Image(); i.onload = i.onerror = done; i.src = gateway + "?img"; }),
	new Promise((done) => { const s = document.createElement("script"); s.onload = s.onerror = done; s.src = gateway + "?script"; document.body.append(s); }),
	new Promise((done) => { const f = document.createElement("iframe"); f.onload = f.onerror = done; f.src = gateway + "?frame"; document.body.append(f); }),
	fetch(gateway + "?nocors", { mode: "no-cors", headers: { Accept: "application/json" } }),
	fetch(gateway + "?cors"),
	fetch(gateway + "?text", { method: "POST", mode: "no-cors", headers: { "Content-Type": "text/plain" }, body: "{}" }),
	fetch(gateway + "?odd", { method: "POST", mode: "no-cors", headers: { "Content-Type": "text/plain; x=application/json" }, body: "{}" }),
	fetch(gateway + "?urlencoded", { method: "POST", mode: "no-cors", body: new URLSearchParams({ query: "{a}" }) }),
	fetch(gateway + "?multipart", { method: "POST", mode: "no-cors", body: new FormData() }),
	fetch(gateway + "?untyped", { method: "POST", mode: "no-cors", body: new Blob(["{}"]) }),
	fetch(gateway + "?json", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" }),
	fetch(gateway + "?header", { headers: { "Apollo-Require-Preflight": "1" } }),
];
navigator.sendBeacon(gateway + "?beacon", new Blob(["{}"], { type: "text/plain" }));
for (const kind of ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]) {
	const frame = document.createElement("iframe"), form = document.createElement("form");
	frame.name = kind;
	document.body.append(frame, form);
	Object.assign(form, { method: "post", enctype: kind, target: kind, action: gateway + "?form-" + kind.split("/")[1] });
	all.push(new Promise((done) => { frame.onload = done; }));
	form.submit();
}
Promise.allSettled(all).then(() => { document.body.append("all done"); });
</script>`

// own is a page of the gateway's own.
const own = `<!doctype html><meta charset="utf-8"><body><script>
Promise.allSettled([
	fetch("/graphql?own-get"),
	fetch("/graphql?own-post", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" }),
]).then(() => { document.body.append("all done"); });
</script>`

// What a page of another origin can make a real browser send doesn't get through; what the gateway's own page sends does.
func TestGuardInABrowser(t *testing.T) {
	browser := browsertest.Start(t)
	var mu sync.Mutex
	var came, passed []string
	note := func(list *[]string, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		*list = append(*list, r.URL.RawQuery)
	}
	guarded := must(edge.Guard(edge.CSRF{}, edge.Origins{}))(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodOptions {
			note(&passed, r)
		}
	}))
	mux := http.NewServeMux()
	mux.HandleFunc("/graphql", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodOptions {
			note(&came, r)
		}
		guarded.ServeHTTP(w, r)
	})
	mux.HandleFunc("/own", func(w http.ResponseWriter, _ *http.Request) { page(w, own) })
	gateway := httptest.NewServer(mux)
	defer gateway.Close()
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		page(w, fmt.Sprintf(attacks, gateway.URL+"/graphql"))
	}))
	defer evil.Close()

	browser.Open(evil.URL, browsertest.Light).WaitText("all done")
	browser.Open(gateway.URL+"/own", browsertest.Light).WaitText("all done")
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(passed)
	if !slices.Equal(passed, []string{"own-get", "own-post"}) {
		t.Errorf("passed: %q", passed)
	}
	for _, name := range []string{"img", "script", "frame", "nocors", "cors", "text", "odd", "urlencoded", "multipart", "untyped", "form-x-www-form-urlencoded", "form-form-data", "form-plain"} {
		if !slices.Contains(came, name) {
			t.Errorf("%s was not even sent", name)
		}
	}
	if list := strings.Join(came, " "); strings.Contains(list, "json") || strings.Contains(list, "header") {
		t.Errorf("a browser sent without leave: %s", list)
	}
}

func page(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(text))
}
