package main

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// examples are worked examples of costs.
type examples struct {
	Directives map[string]string
	Schemas    map[string]struct{ Directives, SDL string }
	Vectors    []struct {
		ID, Schema, Query, OperationName string
		Variables, Response              json.RawMessage
		Params                           struct{ DefaultListSize any }
		Expect                           struct {
			Estimated, Actual map[string]any // fieldCost and typeCost; what is infinite is a text
			Error             string
		}
	}
}

// TestExplainCostOfExamples runs the examples of gateway/cost through the command line, as anybody can.
func TestExplainCostOfExamples(t *testing.T) {
	for _, name := range []string{"cost-examples.json", "more-examples.json"} {
		text, err := os.ReadFile("../../gateway/cost/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var file examples
		if err := json.Unmarshal(text, &file); err != nil || len(file.Vectors) == 0 {
			t.Fatal(name, err)
		}
		for _, v := range file.Vectors {
			t.Run(v.ID, func(t *testing.T) {
				schema := file.Schemas[v.Schema]
				files := map[string]string{
					"s.graphql": file.Directives[schema.Directives] + "\n" + schema.SDL, "q.graphql": v.Query,
					"v.json": string(v.Variables), "data.json": string(v.Response),
				}
				args := []string{
					"--json", "--schema", "s.graphql", "--query", "q.graphql", "--variables", "v.json",
					"--default-list-size", fmt.Sprint(v.Params.DefaultListSize),
				}
				if v.OperationName != "" {
					args = append(args, "--operation", v.OperationName)
				}
				if v.Response != nil {
					args = append(args, "--response", "data.json")
				}
				r := explained(t, files, args...)
				var got struct{ Estimated, Actual, Error map[string]any }
				if err := json.Unmarshal([]byte(r.out), &got); err != nil {
					t.Fatalf("%+v, %v", r, err)
				}
				if (got.Error != nil) != (v.Expect.Error != "") || (r.status == 1) != (got.Error != nil) {
					t.Errorf("status %d, %v", r.status, got.Error)
				}
				for key, want := range v.Expect.Estimated {
					if got.Estimated[key] != want {
						t.Errorf("estimated %s: %v, want %v", key, got.Estimated[key], want)
					}
				}
				for key, want := range v.Expect.Actual {
					if got.Actual[key] != want {
						t.Errorf("actual %s: %v, want %v", key, got.Actual[key], want)
					}
				}
			})
		}
	}
}
