package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/tributary-gateway/tributary/upstreams/upstreamtest"
)

// testCase is one file of testdata/cases.
type testCase struct {
	// About says what the case shows, where its name doesn't.
	About string `yaml:"about"`
	// Query, OperationName and Variables are the GraphQL request. Variables that YAML can't write are a JSON text.
	Query         string            `yaml:"query"`
	OperationName string            `yaml:"operationName"`
	Variables     upstreamtest.JSON `yaml:"variables"`
	// Headers are added to the client's request.
	Headers map[string]string `yaml:"headers"`
	// Services are the exchanges each service must see. "{url:people}" in the headers of an answer is that service's
	// address.
	Services map[string][]upstreamtest.Exchange `yaml:"services"`
	// Gone are services that refuse connections.
	Gone []string `yaml:"gone"`
	// Ordered tells that the requests of a service come in the order of its exchanges.
	Ordered bool `yaml:"ordered"`
	// Status is that of the answer; 0 means 200.
	Status int `yaml:"status"`
	// Response is the answer as JSON. White space doesn't count, nor does the order of errors; that of members of data
	// does.
	Response string `yaml:"response"`
}

// loadCases reads the cases, by their names.
func loadCases(t *testing.T) map[string]*testCase {
	t.Helper()
	cases := map[string]*testCase{}
	files, err := filepath.Glob("testdata/cases/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c := new(testCase)
		if err := yaml.UnmarshalWithOptions(text, c, yaml.Strict()); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(file), "testdata/cases/"), ".yaml")
		cases[name] = c
	}
	return cases
}

// canonical is a response in the form in which two are compared: without white space, errors sorted.
func canonical(response []byte) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(response))
	decoder.DisallowUnknownFields()
	var parts struct {
		Data       json.RawMessage   `json:"data"`
		Errors     []json.RawMessage `json:"errors"`
		Extensions json.RawMessage   `json:"extensions"`
	}
	if err := decoder.Decode(&parts); err != nil {
		return "", err
	}
	if decoder.More() {
		return "", errors.New("more than one JSON value")
	}
	var lines []string
	for _, e := range parts.Errors {
		text, err := sorted(e)
		if err != nil {
			return "", err
		}
		lines = append(lines, "error "+text)
	}
	slices.Sort(lines)
	var data bytes.Buffer
	if parts.Data != nil {
		if err := json.Compact(&data, parts.Data); err != nil {
			return "", err
		}
	} else {
		data.WriteString("none")
	}
	return fmt.Sprintf("data %s\n%s", &data, strings.Join(lines, "\n")), nil
}

// sorted is a JSON text with sorted members.
func sorted(text []byte) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "", err
	}
	out, err := json.Marshal(value)
	return string(out), err
}
