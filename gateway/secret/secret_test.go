package secret_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/tributary-gateway/tributary/gateway/secret"
)

// TestNeverPrints writes a secret in every way there is, alone and inside other values.
func TestNeverPrints(t *testing.T) {
	const value = "hunter2"
	hidden := secret.Text(value)
	type nest struct {
		S secret.Text
		P *secret.Text
		M map[string]secret.Text
	}
	shapes := []any{
		hidden, &hidden, []secret.Text{hidden}, map[string]secret.Text{"a": hidden},
		nest{hidden, &hidden, map[string]secret.Text{"a": hidden}},
	}
	for _, shape := range shapes {
		texts := map[string]string{}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s", "%T %[1]v"} {
			texts[verb] = fmt.Sprintf(verb, shape)
		}
		encoded, err := json.Marshal(shape)
		if err != nil {
			t.Fatal(err)
		}
		texts["json"] = string(encoded)
		if encoded, err = yaml.Marshal(shape); err != nil {
			t.Fatal(err)
		}
		texts["yaml"] = string(encoded)
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("line", "a", shape)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("line", "a", shape)
		texts["slog"] = log.String()
		for how, text := range texts {
			if strings.Contains(text, value) || strings.Contains(text, fmt.Sprintf("%x", value)) || strings.Contains(text, fmt.Sprintf("%X", value)) {
				t.Errorf("%T by %s: %s", shape, how, text)
			}
		}
	}
	for how, text := range map[string]string{
		"%v": fmt.Sprintf("%v", hidden), "%#v": fmt.Sprintf("%#v", hidden), "%q": fmt.Sprintf("%q", hidden), "String": hidden.String(),
	} {
		if text != "[secret]" {
			t.Errorf("%s: %s", how, text)
		}
	}
	if hidden.Reveal() != value {
		t.Error("Reveal changes the value")
	}
}
