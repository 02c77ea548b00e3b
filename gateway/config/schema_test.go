package config_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/tributary-gateway/tributary/gateway/config"
)

// TestSchemaFileIsCurrent: editors read the committed copy.
func TestSchemaFileIsCurrent(t *testing.T) {
	golden(t, filepath.Join("..", "..", "docs", "gateway.schema.json"), string(config.JSONSchema()))
}

// TestDescriptionsAreCurrent collects the comments anew.
func TestDescriptionsAreCurrent(t *testing.T) {
	want, err := os.ReadFile("descriptions.gen.go")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "run", "./internal/describe", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(out) != string(want) {
		t.Error("a comment changed: go generate ./gateway/config")
	}
}

func TestEverySettingIsDescribed(t *testing.T) {
	var walk func(path string, s *jsonschema.Schema)
	walk = func(path string, s *jsonschema.Schema) {
		if len(s.Properties) > 0 && (s.AdditionalProperties == nil || s.AdditionalProperties.Not == nil) {
			t.Errorf("%s allows other keys", path)
		}
		if s.AdditionalProperties != nil {
			walk(path+".*", s.AdditionalProperties)
		}
		for name, p := range s.Properties {
			if p.Description == "" {
				t.Errorf("%s.%s has no description: go generate ./gateway/config", path, name)
			}
			walk(path+"."+name, p)
		}
	}
	walk("", schema(t))
}

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal(config.JSONSchema(), &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// TestSchemaAgreesWithLoad: what loads fits the schema, and where the schema can know, what doesn't load doesn't fit.
func TestSchemaAgreesWithLoad(t *testing.T) {
	resolved, err := schema(t).Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	fits := func(text string) error {
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		if value == nil {
			value = map[string]any{}
		}
		return resolved.Validate(value)
	}
	full, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		string(full), printed(t, load(t, string(full), "USERS_API_KEY=k")), "", "log:\nservices:\n",
		"server: {read_timeout: '${T}', operation: {cache_entries: '${N:-5}'}}\nlog: {level: '${L}'}\nplayground: {enabled: '${P}'}",
	} {
		if err := fits(text); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
	for _, name := range strings.Fields(`unknown_key unknown_key_far unknown_section key_in_wrong_section duration_without_unit
		duration_nonsense size_without_unit size_decimal_unit number_is_text number_fraction text_is_number unknown_value
		list_expected section_expected value_expected no_value url_missing level_unknown`) {
		text, err := os.ReadFile("testdata/bad/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if fits(string(text)) == nil {
			t.Errorf("%s fits the schema", name)
		}
	}
}

// TestFullHasEveryKey: the example leaves no setting out.
func TestFullHasEveryKey(t *testing.T) {
	text, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var full map[string]any
	if err := yaml.Unmarshal(text, &full); err != nil {
		t.Fatal(err)
	}
	// A key must be there once at least of all sections of its kind.
	var walk func(path string, s *jsonschema.Schema, values []any)
	walk = func(path string, s *jsonschema.Schema, values []any) {
		for _, other := range s.AnyOf {
			walk(path, other, values)
		}
		for name, p := range s.Properties {
			var found []any
			for _, value := range values {
				if section, ok := value.(map[string]any); ok && section[name] != nil {
					found = append(found, section[name])
				}
			}
			if len(found) == 0 && !slices.Contains(insteadOfOthers, name) {
				t.Errorf("%s%s is missing", path, name)
			}
			walk(path+name+".", p, found)
		}
		var entries []any
		for _, value := range values {
			switch value := value.(type) {
			case map[string]any:
				entries = slices.AppendSeq(entries, maps.Values(value))
			case []any:
				entries = append(entries, value...)
			}
		}
		if items := s.AdditionalProperties; items != nil && items.Not == nil {
			walk(path+"<name>.", items, entries)
		}
		if s.Items != nil {
			walk(path+"[].", s.Items, entries)
		}
	}
	walk("", schema(t), []any{full})
}

// insteadOfOthers are keys that contradict another one in every place where they make sense.
var insteadOfOthers = []string{"password_file", "client_secret_file", "token_file"}
