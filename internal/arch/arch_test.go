// Package arch checks which package may import which: docs/architecture.md has the reasons.
package arch

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tributary-gateway/tributary/"

// rules say what a folder's packages never import. An arrow that is allowed all the same is named with its reason.
var rules = []struct {
	folder string
	never  []string
	except map[string]string
}{
	{folder: "gateway", never: []string{"graph", "resolvers", "schema", "cmd", "internal", "examples"}, except: map[string]string{
		"gateway/engine/internal/nasty": "the engine's own test project",
	}},
	{folder: "gateway/fail", never: []string{"gateway", "upstreams"}},
	{folder: "gateway/secret", never: []string{"gateway", "upstreams"}},
	{folder: "gateway/mistake", never: []string{"gateway", "upstreams"}},
	{folder: "gateway/files", never: []string{"gateway", "upstreams"}},
	{folder: "gateway/ratelimit", never: []string{"gateway", "upstreams"}, except: map[string]string{
		"gateway/fail":      "everybody may use it",
		"gateway/secret":    "everybody may use it",
		"gateway/redisconn": "what its store speaks through",
	}},
	{folder: "gateway/cost", never: []string{"gateway", "upstreams"}, except: map[string]string{
		"gateway/fail":    "everybody may use it",
		"gateway/mistake": "everybody may use it",
	}},
	{folder: "gateway/authorize", never: []string{"gateway", "upstreams"}, except: map[string]string{
		"gateway/fail":    "everybody may use it",
		"gateway/mistake": "everybody may use it",
	}},
	{folder: "gateway/identity", never: []string{"gateway", "upstreams"}, except: map[string]string{
		"gateway/fail":    "everybody may use it",
		"gateway/secret":  "everybody may use it",
		"gateway/address": "whom a request is from",
		"gateway/files":   "everybody may use it",
	}},
	{folder: "gateway/address", never: []string{"gateway", "upstreams"}},
	{folder: "gateway/edge", never: []string{"gateway", "upstreams"}, except: map[string]string{
		"gateway/fail":    "everybody may use it",
		"gateway/address": "whom a request is from",
	}},
	{folder: "gateway/upload", never: []string{"gateway", "upstreams"}, except: map[string]string{"gateway/fail": "everybody may use it"}},
	{folder: "gateway/cache/store", never: []string{"gateway", "upstreams"}},
	{folder: "gateway/scalar", never: []string{"gateway", "upstreams"}, except: map[string]string{
		"gateway/fail": "everybody may use it",
	}},
	{folder: "gateway/server", never: []string{"upstreams"}},
	{folder: "gateway/operation", never: []string{"upstreams", "gateway/server"}},
	{folder: "upstreams", never: []string{"graph", "resolvers", "cmd", "internal", "examples", "gateway/server", "gateway/config", "gateway/operation", "gateway/engine"}},
	{folder: "upstreams/view", never: []string{"upstreams"}},
	{folder: "upstreams/http1", never: []string{"gateway", "upstreams"}},
	{folder: "upstreams/health", never: []string{"gateway", "upstreams"}},
	{folder: "upstreams/balance", never: []string{"gateway", "upstreams"}, except: map[string]string{
		"upstreams/discovery": "what an instance is",
		"upstreams/health":    "which of them are well",
	}},
	{folder: "upstreams/template", never: []string{"upstreams"}, except: map[string]string{
		"upstreams/view": "placeholders are looked up in JSON",
	}},
	{folder: "resolvers", never: []string{"gateway", "cmd", "internal"}, except: map[string]string{
		"gateway/fail":      "everybody may use it",
		"gateway/scalar":    "the Go types of scalars",
		"gateway/admission": "Query.rateLimit tells the client's points",
	}},
	{folder: "graph", never: []string{"resolvers", "cmd", "internal"}},
}

func TestArrows(t *testing.T) {
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		for _, rule := range rules {
			if !inside(from, rule.folder) {
				continue
			}
			for _, imported := range p.Imports {
				to, ours := strings.CutPrefix(imported, module)
				if !ours || to == from || rule.except[to] != "" {
					continue
				}
				for _, never := range rule.never {
					if inside(to, never) {
						t.Errorf("%s imports %s; %s never imports %s", from, to, rule.folder, never)
					}
				}
			}
		}
	}
}

// onlyCmd are the packages that only a command may put to work.
var onlyCmd = []string{"gateway/config", "gateway/telemetry"}

// likeCmd are the folders to which that doesn't apply, with the reason.
var likeCmd = map[string]string{
	"cmd":               "commands",
	"examples":          "a team's own command",
	"bench":             "a command that measures",
	"internal/caching":  "a team's own command, as tests run it",
	"gateway/config":    "itself",
	"gateway/telemetry": "itself",
	"gateway/assemble":  "gives the sections to the packages they belong to, for cmd and for every team's own command",
}

func TestOnlyCommandsGatherTheConfiguration(t *testing.T) {
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, module)
		if slices.ContainsFunc(slices.Collect(maps.Keys(likeCmd)), func(folder string) bool { return inside(from, folder) }) {
			continue
		}
		for _, imported := range p.Imports {
			for _, only := range onlyCmd {
				if inside(strings.TrimPrefix(imported, module), only) && imported != p.ImportPath {
					t.Errorf("%s imports %s; only cmd does", from, only)
				}
			}
		}
	}
}

func TestNobodyImportsACommand(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			if to, ours := strings.CutPrefix(imported, module); ours && inside(to, "cmd") {
				t.Errorf("%s imports %s", p.ImportPath, to)
			}
		}
	}
}

func TestPackageNamesSayWhatTheyKnow(t *testing.T) {
	for _, p := range packages(t) {
		switch path.Base(p.ImportPath) {
		case "util", "utils", "common", "helpers", "types", "http", "errors":
			t.Errorf("%s: %q says nothing about what the package knows", p.ImportPath, path.Base(p.ImportPath))
		}
	}
}

func inside(name, folder string) bool { return name == folder || strings.HasPrefix(name, folder+"/") }

type listed struct {
	ImportPath string
	Imports    []string
}

// packages are the packages of the module, without their tests.
func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 20 {
		t.Fatalf("only %d packages listed", len(all))
	}
	return all
}
