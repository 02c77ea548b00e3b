package discovery_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/discovery"
)

// folder is a file with targets.
type folder struct {
	path string
	text string
	bad  bool
}

func newFolder(t *testing.T, name string) *folder {
	return &folder{path: filepath.Join(t.TempDir(), name)}
}

func (f *folder) config() discovery.Config {
	// So long that only a notice can have told of a change.
	return discovery.Config{File: &discovery.File{Path: f.path, Refresh: time.Hour}}
}

func (f *folder) set(hosts ...string) {
	targets := []string{}
	for _, host := range hosts {
		targets = append(targets, net.JoinHostPort(host, "8080"))
	}
	text, err := json.Marshal([]map[string]any{{"targets": targets, "labels": map[string]string{"job": "users"}}})
	if err != nil {
		panic(err)
	}
	f.text = string(text) // which is YAML as well
	if !f.bad {
		replace(f.path, f.text)
	}
}

func (f *folder) down() { f.bad = true; replace(f.path, "[{") }
func (f *folder) up()   { f.bad = false; replace(f.path, f.text) }

// replace writes a file as it should be: under another name first.
func replace(path, text string) {
	if err := os.WriteFile(path+".tmp", []byte(text), 0o600); err != nil {
		panic(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		panic(err)
	}
}

// configMap is a file as Kubernetes mounts it: a link through ..data to a folder that is another one with each change.
type configMap struct {
	folder
	dir   string
	count int
}

func newConfigMap(t *testing.T) *configMap {
	dir := t.TempDir()
	return &configMap{folder: folder{path: filepath.Join(dir, "targets.yaml"), bad: true}, dir: dir}
}

func (c *configMap) set(hosts ...string) {
	c.bad = true // folder.set writes nothing itself
	c.folder.set(hosts...)
	c.mount(c.text)
}

func (c *configMap) down() { c.mount("{}") }
func (c *configMap) up()   { c.mount(c.text) }

func (c *configMap) mount(text string) {
	c.count++
	version := fmt.Sprintf("..version%d", c.count)
	must(os.Mkdir(filepath.Join(c.dir, version), 0o700))
	must(os.WriteFile(filepath.Join(c.dir, version, "targets.yaml"), []byte(text), 0o600))
	must(os.Symlink(version, filepath.Join(c.dir, "..data_tmp")))
	must(os.Rename(filepath.Join(c.dir, "..data_tmp"), filepath.Join(c.dir, "..data")))
	if c.count == 1 {
		must(os.Symlink(filepath.Join("..data", "targets.yaml"), c.path))
	} else {
		must(os.RemoveAll(filepath.Join(c.dir, fmt.Sprintf("..version%d", c.count-1))))
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// TestTargets: labels say scheme, weight and zone, in either format.
func TestTargets(t *testing.T) {
	want := []discovery.Instance{
		{URL: "http://10.0.0.1:8080", Weight: 1},
		{URL: "http://users.internal:8080", Weight: 1},
		{URL: "https://10.0.0.2:8443", Weight: 3, Zone: "z1"},
		{URL: "https://[2001:db8::7]:8443", Weight: 3, Zone: "z1"},
	}
	for name, text := range map[string]string{
		"t.yaml": `
# written by the deployment
- targets: [10.0.0.1:8080, "users.internal:8080"]
- labels:
    __scheme__: https
    weight: 3
    zone: "z1"
    __meta_datacenter: here
  targets:
    - 10.0.0.2:8443
    - "[2001:db8::7]:8443"
`,
		"t.json": `[{"targets": ["10.0.0.1:8080", "users.internal:8080"]},
	{"targets": ["10.0.0.2:8443", "[2001:db8::7]:8443"], "labels": {"__scheme__": "https", "weight": "3", "zone": "z1"}}]`,
	} {
		path := filepath.Join(t.TempDir(), name)
		replace(path, text)
		w := start(t, discovery.Config{File: &discovery.File{Path: path}}, discovery.Options{})
		w.expect(want...)
		w.stop()
	}
}

// TestBrokenFiles: the log says which file, which line and what, and the last list stays.
func TestBrokenFiles(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"t.yaml", "", ":1: the file is empty"},
		{"t.yaml", "targets: [a:1]\n", ":1: expected a list of groups, found keys and values"},
		{"t.yaml", "- targets: [a:1]\n- 7\n", `:2: expected a group with targets and labels, found \"7\"`},
		{"t.yaml", "- labels: {zone: a}\n", ":1: a group without targets"},
		{"t.yaml", "-\n  targets:\n    - 10.0.0.1:80\n    - 10.0.0.1\n", `:4: target \"10.0.0.1\": give host:port`},
		{"t.yaml", "- targets: [\"a:0\"]\n", "0 is no port"},
		{"t.yaml", "- targets: [\"a:http\"]\n", "is no port"},
		{"t.yaml", "- targets: [\"2001:db8::7:80\"]\n", "an IPv6 address in brackets"},
		{"t.yaml", "- targets: [\"0.0.0.0:80\"]\n", "is no address of one host"},
		{"t.yaml", "- targets: [\"10.0.0.256:80\"]\n", "is no host"},
		{"t.yaml", "- targets: [\"a/b:80\"]\n", "is no host"},
		{"t.yaml", "- targets: [a:1]\n  labels:\n    weight: none\n", ":3: label weight: is"},
		{"t.yaml", "- targets: [a:1]\n  labels:\n    __scheme__: ftp\n", ":3: label __scheme__:"},
		{"t.yaml", "- targets: [a:1]\n  lables: {}\n", `:2: unknown key \"lables\"`},
		{"t.yaml", "- targets: [a:1]\n  targets: [b:1]\n", ":2: the key"},
		{"t.yaml", "- targets: [a:1]\n  labels: [\n", "not YAML"},
		{"t.yaml", "- &a targets: [a:1]\n- *a\n", "mean nothing here"},
		{"t.yaml", "- targets: [a:1]\n---\n- targets: [a:1]\n", "a second document"},
		{"t.yaml", strings.Repeat("[", 100), ":1: nested too deep"},
		{"t.yaml", "\xff", "not UTF-8"},
		{"t.yaml", "# " + strings.Repeat("x", 1<<20), "is over 1048576 bytes"},
		{"t.json", "", ":1: not JSON"},
		{"t.json", "[\n{\"targets\": [\"a:1\"]},\n]", ":3: not JSON"},
		{"t.json", "[\n\n{\"targets\": [\"a\"]}]", `:3: target`},
		{"t.json", "[\n{\"targets\":\n [\"a:1\", null]}]", `:3: expected a target like 10.0.0.7:8080, found something else`},
		{"t.json", "[]\n[]", "not JSON"},
		{"t.json", "[{\"targets\": [],\n\"targets\": []}]", ":2: the key"},
	} {
		path := filepath.Join(t.TempDir(), test.name)
		replace(path, `[{"targets": ["10.0.0.1:8080"]}]`)
		w := start(t, discovery.Config{File: &discovery.File{Path: path}}, discovery.Options{})
		w.expect(at("http://10.0.0.1:8080")...)
		replace(path, test.text)
		w.log.wait(t, "discovery fails", 1)
		if log := w.log.String(); !strings.Contains(log, path) || !strings.Contains(strings.ReplaceAll(log, `\\`, `\`), test.want) {
			t.Errorf("%q: want %s\n%s", test.text[:min(len(test.text), 80)], test.want, log)
		}
		w.quiet()
		w.stop()
	}
}

// TestTheNextMistakeIsTold: whoever mends one mistake reads of the next.
func TestTheNextMistakeIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.yaml")
	replace(path, "- targets: [a]")
	w := start(t, discovery.Config{File: &discovery.File{Path: path}}, discovery.Options{})
	w.log.wait(t, "discovery fails", 1)
	replace(path, "- targets: [b]")
	w.log.wait(t, "discovery fails", 2)
	must(os.Remove(path))
	w.log.wait(t, "no such file", 1)
	replace(path, "- targets: ['b:1']")
	w.expect(at("http://b:1")...)
}

// TestWithoutNotice: a directory that is made after the watch began is found by reading now and then.
func TestWithoutNotice(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	path := filepath.Join(dir, "t.yaml")
	w := start(t, discovery.Config{File: &discovery.File{Path: path, Refresh: 10 * time.Millisecond}}, discovery.Options{})
	w.log.wait(t, "discovery fails", 1)
	must(os.Mkdir(dir, 0o700))
	replace(path, "- targets: ['b:1']")
	w.expect(at("http://b:1")...)
	must(os.RemoveAll(dir))
	w.log.wait(t, "discovery fails", 2)
	must(os.Mkdir(dir, 0o700))
	replace(path, "- targets: ['b:2']")
	w.expect(at("http://b:2")...)
}
