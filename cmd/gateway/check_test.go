package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// demoServices are those of the schema of this repository.
const demoServices = "services: {users: {url: http://u}, catalog: {url: http://c}, inventory: {url: http://i}, orders: {url: http://o}, reviews: {url: http://r}}\n"

func TestCheckReadsManifests(t *testing.T) {
	for _, tt := range []struct{ manifest, out, err string }{
		{`{"a": "{ __typename }", "b": "query B { __schema { queryType { name } } }"}`, "the manifests are right: 2 trusted documents\n", ""},
		{`{"a": "{ __typename }", "b": "{ nonsense }"}`, "", "the trusted documents can't be run:\n\"b\": Cannot query field \"nonsense\""},
		{`{"a": "{ nons`, "", "is no valid JSON"},
		{`{"a": "not GraphQL: \""}`, "", "isn't GraphQL"},
	} {
		path := filepath.Join(t.TempDir(), "manifest.json")
		if err := os.WriteFile(path, []byte(tt.manifest), 0o600); err != nil {
			t.Fatal(err)
		}
		yaml := fmt.Sprintf("%sdocuments: {trusted: {manifests: [%q]}}\n", demoServices, path)
		r := gateway(t, yaml, nil, "check")
		if (r.status == 0) != (tt.err == "") || !strings.Contains(r.out, tt.out) || !strings.Contains(r.err, tt.err) || r.served != nil {
			t.Errorf("%s: %+v", tt.manifest, r)
		}
	}
	r := gateway(t, demoServices, nil, "check")
	if r.status != 0 || strings.Contains(r.out, "manifest") {
		t.Errorf("none: %+v", r)
	}
}
