package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/tributary-gateway/tributary/gateway/config"
)

// TestSecretNeverPrints writes a secret in every way there is, alone and inside other values.
func TestSecretNeverPrints(t *testing.T) {
	const value = "hunter2"
	secret := config.Secret(value)
	type nest struct {
		S config.Secret
		P *config.Secret
		M map[string]config.Secret
	}
	shapes := []any{
		secret, &secret, []config.Secret{secret}, map[string]config.Secret{"a": secret},
		nest{secret, &secret, map[string]config.Secret{"a": secret}},
		config.Service{Headers: map[string]config.Secret{"a": secret}},
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
		"%v": fmt.Sprintf("%v", secret), "%#v": fmt.Sprintf("%#v", secret), "%q": fmt.Sprintf("%q", secret), "String": secret.String(),
	} {
		if text != "[secret]" {
			t.Errorf("%s: %s", how, text)
		}
	}
	if secret.Reveal() != value {
		t.Error("Reveal changes the value")
	}
}
