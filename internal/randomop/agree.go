package randomop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// answer is what two executors must agree on: the data with its order, and the errors without.
type answer struct {
	Data   string
	Errors []string
}

// Agree sends operations to two GraphQL endpoints until n were valid, and fails the test where the answers differ. It
// gives how many of the n had errors.
func Agree(t testing.TB, g *Generator, n int, want, got string) (failed int) {
	t.Helper()
	for ran, tries := 0, 0; ran < n; tries++ {
		if tries > 3*n {
			t.Fatalf("only %d of %d operations were valid", ran, tries)
		}
		body, err := json.Marshal(map[string]any{"query": g.Operation(), "variables": g.Values()})
		if err != nil {
			t.Fatal(err)
		}
		expected := post(t, want, body)
		if expected.Data == "" {
			continue // not valid
		}
		ran++
		if diff := cmp.Diff(expected, post(t, got, body)); diff != "" {
			t.Errorf("%s\n(-want +got)\n%s", body, diff)
		}
		if len(expected.Errors) > 0 {
			failed++
		}
	}
	return failed
}

func post(t testing.TB, endpoint string, body []byte) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var response struct {
		Data   json.RawMessage
		Errors []struct {
			Message    string
			Path       []any
			Extensions map[string]any
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&response); err != nil {
		t.Fatal(err)
	}
	a := answer{Data: plain(t, response.Data)}
	for _, e := range response.Errors {
		delete(e.Extensions, "requestId")
		a.Errors = append(a.Errors, fmt.Sprint(e.Message, e.Path, e.Extensions))
	}
	if n := len(response.Errors); n > 0 && strings.HasPrefix(response.Errors[n-1].Message, "And ") {
		// Which ones of too many are told follows from who came first; how many there are doesn't.
		a.Errors = []string{response.Errors[n-1].Message}
	}
	slices.Sort(a.Errors)
	return a
}

// plain writes JSON with one way of escaping: who copies a service's bytes has the service's, which may be another.
func plain(t testing.TB, text json.RawMessage) string {
	t.Helper()
	var b bytes.Buffer
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		token, err := d.Token()
		if token == nil && err != nil {
			return b.String()
		}
		fmt.Fprintf(&b, "%v\n", token)
	}
}
