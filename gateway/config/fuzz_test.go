package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/config"
)

// FuzzParse: no text and no environment makes loading panic; what is refused is refused with a place or a reason; what
// loads is valid, prints, and the print loads.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "testdata/full.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, "v")
	}
	f.Add([]byte("log: &a {level: *a}\nservices: {s: &s {<<: *s}}"), "v")
	f.Add([]byte("services: {s: {url: 'http://${V}'}}"), "x\nlog: {level: debug}")
	f.Fuzz(func(t *testing.T, text []byte, variable string) {
		in := config.Inputs{Environ: []string{"V=" + variable, "USERS_API_KEY=" + variable}}
		c, err := config.Parse("f.yaml", text, in)
		if err != nil {
			if !config.IsProblem(err) || err.Error() == "" {
				t.Fatalf("no Problems: %v", err)
			}
			return
		}
		if err := c.Validate(); err != nil {
			t.Fatalf("loaded, and not valid: %v", err)
		}
		var out strings.Builder
		if err := c.Print(&out); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Parse("printed.yaml", []byte(out.String()), config.Inputs{}); err != nil {
			t.Fatalf("%v\nprinted:\n%s", err, out.String())
		}
	})
}
