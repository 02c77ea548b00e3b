package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxBody is the most a service reads of a request.
const maxBody = 1 << 20

// object is JSON that is put together on the spot.
type object map[string]any

// handler is a service's side of one endpoint: it looks at a request and says what to answer. Without a body the answer
// is the status alone.
type handler func(r *http.Request) (status int, body any)

// ServeHTTP writes the answer as JSON.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, answer := h(r)
	if answer == nil {
		w.WriteHeader(status)
		return
	}
	body, err := json.Marshal(answer)
	if err != nil { // our own types: cannot happen
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a client that hung up doesn't read errors either
}

// read decodes the body of a request.
func read(r *http.Request, v any) error {
	return json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(v)
}

// count is a query parameter that is a whole number from 0 to 1000.
func count(query url.Values, name string, otherwise int) (int, error) {
	text := query.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 1000 {
		return 0, fmt.Errorf("%s must be a whole number from 0 to 1000", name)
	}
	return n, nil
}

// commas are the parts of a query parameter like ids=1,2; ok tells whether the parameter is there at all.
func commas(query url.Values, name string) (parts map[string]bool, ok bool) {
	if !query.Has(name) {
		return nil, false
	}
	return set(strings.Split(query.Get(name), ",")), true
}

func set(values []string) map[string]bool {
	found := make(map[string]bool, len(values))
	for _, v := range values {
		found[v] = true
	}
	return found
}

// page leaves out the first items and keeps limit of the others.
func page[T any](items []T, offset, limit int) []T {
	items = items[min(offset, len(items)):]
	return items[:min(limit, len(items))]
}

// cents is an amount of money that is written as a number of euros: 1250 is 12.5.
type cents int

// MarshalJSON writes the amount in its shortest form.
func (c cents) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(c)/100, 'f', -1, 64), nil
}

type money struct {
	Amount   cents  `json:"amount"`
	Currency string `json:"currency"`
}

func euros(c cents) money { return money{Amount: c, Currency: "EUR"} }

func ptr[T any](v T) *T { return &v }
