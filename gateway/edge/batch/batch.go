// Package batch is about several operations in one HTTP request: a JSON array of them in, an array of answers out.
//
// It knows neither GraphQL nor what an operation costs: it splits a body, lets the server answer each element as if it had
// come alone, with its own admission and price, and joins the answers in their order. How many there may be and how many
// run at once is bounded. The draft of GraphQL over HTTP has no batches, so that the answer's shape is Apollo's.
package batch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
)

// Config says whether there are batches. A zero field means its default.
type Config struct {
	// Enabled takes batches. Default: false.
	Enabled bool `yaml:"enabled" json:"enabled,omitempty"`
	// MaxOperations is how many operations one may have. Default: 10.
	MaxOperations int `yaml:"max_operations" json:"max_operations,omitempty"`
	// Parallel is how many of them run at once; 1 keeps mutations in their order. Default: 4.
	Parallel int `yaml:"parallel" json:"parallel,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c Config) WithDefaults() Config {
	if c.MaxOperations == 0 {
		c.MaxOperations = 10
	}
	if c.Parallel == 0 {
		c.Parallel = 4
	}
	return c
}

// Validate names everything wrong, by its keys.
func (c Config) Validate() error {
	var problems []error
	if c.MaxOperations < 0 || c.MaxOperations > 1000 {
		problems = append(problems, fmt.Errorf("max_operations: is %d; give 1 to 1000", c.MaxOperations))
	}
	if c.Parallel < 0 || c.Parallel > 1000 {
		problems = append(problems, fmt.Errorf("parallel: is %d; give 1 to 1000", c.Parallel))
	}
	return errors.Join(problems...)
}

// Is says whether a body is a batch: whether its first character is a bracket.
func Is(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	return len(body) > 0 && body[0] == '['
}

// What a batch can be refused for. The texts are for clients.
var (
	ErrTooMany = errors.New("the batch has too many operations")
	ErrEmpty   = errors.New("the batch has no operation")
	ErrBroken  = errors.New("the body is not valid JSON")
)

// Split gives the elements of a batch of most operations at most, as they are written; whether each is a request is for
// the one who reads it.
func Split(body []byte, most int) ([]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	if open, err := decoder.Token(); err != nil || open != json.Delim('[') {
		return nil, ErrBroken
	}
	var elements []json.RawMessage
	for decoder.More() {
		if len(elements) == most {
			return nil, ErrTooMany
		}
		var element json.RawMessage
		if decoder.Decode(&element) != nil {
			return nil, ErrBroken
		}
		elements = append(elements, element)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, ErrBroken
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, ErrBroken
	}
	if len(elements) == 0 {
		return nil, ErrEmpty
	}
	return elements, nil
}

// Serve answers n operations by calling each for every one of them, parallel at a time, and writes their answers as a JSON
// array. each writes an answer as it would to its own client; its body must be JSON. The status is that of all answers if
// they have the same one, else 200. A panic in one is the panic of all. each must not use w.
func Serve(w http.ResponseWriter, n, parallel int, each func(i int, w http.ResponseWriter)) {
	answers := make([]answer, n)
	var next atomic.Int64
	var thrown atomic.Pointer[any]
	var group sync.WaitGroup
	for range min(max(parallel, 1), n) {
		group.Go(func() {
			defer func() { // a panic in a goroutine of its own would end the process
				if p := recover(); p != nil {
					thrown.CompareAndSwap(nil, &p)
				}
			}()
			for thrown.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				answers[i].header = http.Header{}
				each(i, &answers[i])
			}
		})
	}
	group.Wait()
	if p := thrown.Load(); p != nil {
		panic(*p)
	}
	join(w, answers)
}

// answer is one operation's.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header is http.ResponseWriter's.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader is http.ResponseWriter's.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
}

// Write is http.ResponseWriter's.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// Flush does nothing: a batch goes out in one piece.
func (a *answer) Flush() {}

// ofOne are headers of a single answer that say nothing about all of them.
var ofOne = map[string]bool{
	"Content-Length": true, "Etag": true, "Age": true, "Allow": true, "Cache-Control": true, "Cache-Status": true, "Vary": true,
}

func join(w http.ResponseWriter, answers []answer) {
	header := w.Header()
	status, length := answers[0].status, 1
	for i := range answers {
		for name, values := range answers[i].header {
			if !ofOne[name] {
				header[name] = values // the last one's: what is left of a budget
			}
		}
		if answers[i].status != status {
			status = http.StatusOK
		}
		if answers[i].body.Len() == 0 {
			answers[i].body.WriteString("null") // nobody waits for it any more
		}
		length += answers[i].body.Len() + 1
	}
	if status == 0 {
		status = http.StatusOK
	}
	header.Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(status)
	before := "["
	for i := range answers {
		if _, err := io.WriteString(w, before); err != nil {
			return // the client hung up
		}
		if _, err := w.Write(answers[i].body.Bytes()); err != nil {
			return
		}
		before = ","
	}
	_, _ = io.WriteString(w, "]") // likewise
}
