package discovery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/upstreams/discovery"
)

func TestValidate(t *testing.T) {
	one := []discovery.Instance{{URL: "http://a:1"}}
	for name, test := range map[string]struct {
		config discovery.Config
		want   []string
	}{
		"nothing": {discovery.Config{}, []string{"instances: is missing; give it, or dns, file, consul or kubernetes"}},
		"empty sections": {discovery.Config{Instances: one, DNS: &discovery.DNS{}, File: &discovery.File{}, Consul: &discovery.Consul{}, Kubernetes: &discovery.Kubernetes{}}, []string{
			"dns.name: is missing",
			`file.path: is ""; give a file that ends in .json, .yaml or .yml`,
			"consul.service: is missing",
			"kubernetes.service: is missing",
			"instances and dns and file and consul and kubernetes: are there together; keep one",
		}},
		"instances": {discovery.Config{Instances: []discovery.Instance{
			{}, {URL: "users:8080"}, {URL: "http://a/api"}, {URL: "http://me:hunter2@a"}, {URL: "ftp://a"}, {URL: "http://a", Weight: -1}, {URL: "http://a:99999"},
			{URL: "http://[fe80::1%25eth0]"}, {URL: "http://[::1]:80"}, {URL: "http://a?x"},
		}}, []string{
			"instances[0]: url: is missing",
			`instances[1]: url: "users:8080" is no address; give one like http://10.0.0.7:8080`,
			`instances[2]: url: "http://a/api" has more than scheme, host and port; the path is the service's`,
			"instances[3]: url: the address holds credentials, which would be logged",
			`instances[4]: url: "ftp" is neither http nor https`,
			"instances[5]: weight: is -1; give 1 to 65535",
			"instances[6]: url: 99999 is no port",
			`instances[7]: url: "fe80::1%eth0" is no address of one host`,
			`instances[9]: url: "http://a?x" has more than scheme, host and port; the path is the service's`,
		}},
		"dns": {discovery.Config{DNS: &discovery.DNS{Name: strings.Repeat("x", 64), Type: "mx", Scheme: "h2", Resolver: "10.0.0.1", MinTTL: time.Minute, MaxTTL: time.Second}}, []string{
			`dns.name: "` + strings.Repeat("x", 64) + `" is no name`,
			`dns.type: is "mx"; give a or srv`,
			`dns.scheme: is "h2"; give http or https`,
			`dns.resolver: is "10.0.0.1"; give host:port, like 10.0.0.2:53`,
			"dns.max_ttl: is 1s, under min_ttl (1m0s)",
		}},
		"srv with a port": {discovery.Config{DNS: &discovery.DNS{Name: "a", Type: "srv", Port: 80, MinTTL: -1}}, []string{
			"dns.port: is there with type srv, whose records have ports; remove one", "dns.min_ttl and dns.max_ttl: can't be negative"}},
		"port": {discovery.Config{DNS: &discovery.DNS{Name: "a", Port: 70000}}, []string{"dns.port: is 70000; give 1 to 65535"}},
		"file": {discovery.Config{File: &discovery.File{Path: "a.toml", Refresh: -1}}, []string{
			`file.path: is "a.toml"; give a file that ends in .json, .yaml or .yml`, "file.refresh: is negative"}},
		"consul": {discovery.Config{Consul: &discovery.Consul{Service: "a", Address: "localhost:8500", Token: "hunter2\n", TokenFile: "f", Scheme: "x"}}, []string{
			"consul.address: is no address; give one like https://consul.internal:8501, without credentials or query",
			"consul.token: is there together with token_file; keep one",
			"consul.token: has a character that a header can't carry",
			`consul.scheme: is "x"; give http or https`,
		}},
		"kubernetes": {discovery.Config{Kubernetes: &discovery.Kubernetes{Namespace: "../secrets", Service: "Users", Port: "0", API: "x", Scheme: "x"}}, []string{
			`kubernetes.namespace: "../secrets" is no name in Kubernetes, which has small letters, digits and hyphens`,
			`kubernetes.service: "Users" is no name in Kubernetes, which has small letters, digits and hyphens`,
			"kubernetes.port: is 0; give a name or 1 to 65535",
			`kubernetes.scheme: is "x"; give http or https`,
			"kubernetes.api: is no address; give one like https://consul.internal:8501, without credentials or query",
		}},
		"good": {discovery.Config{Instances: one}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			if err := test.config.Validate(); err != nil {
				got = strings.Split(err.Error(), "\n")
				if strings.Contains(err.Error(), "hunter2") {
					t.Error("a secret is told")
				}
				if _, err := discovery.New(test.config, discovery.Options{}); err == nil {
					t.Error("New took it")
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	for name, test := range map[string]struct{ given, want discovery.Config }{
		"a": {discovery.Config{DNS: &discovery.DNS{Name: "a"}},
			discovery.Config{DNS: &discovery.DNS{Name: "a", Type: "a", Port: 80, Scheme: "http", MinTTL: time.Second, MaxTTL: 5 * time.Minute}}},
		"https": {discovery.Config{DNS: &discovery.DNS{Name: "a", Scheme: "https", MinTTL: time.Hour}},
			discovery.Config{DNS: &discovery.DNS{Name: "a", Type: "a", Port: 443, Scheme: "https", MinTTL: time.Hour, MaxTTL: time.Hour}}},
		"srv": {discovery.Config{DNS: &discovery.DNS{Name: "a", Type: "srv"}},
			discovery.Config{DNS: &discovery.DNS{Name: "a", Type: "srv", Scheme: "http", MinTTL: time.Second, MaxTTL: 5 * time.Minute}}},
		"file": {discovery.Config{File: &discovery.File{Path: "a.json"}}, discovery.Config{File: &discovery.File{Path: "a.json", Refresh: 30 * time.Second}}},
		"consul": {discovery.Config{Consul: &discovery.Consul{Service: "a"}},
			discovery.Config{Consul: &discovery.Consul{Service: "a", Address: "http://127.0.0.1:8500", Scheme: "http"}}},
		"kubernetes": {discovery.Config{Kubernetes: &discovery.Kubernetes{Service: "a"}}, discovery.Config{Kubernetes: &discovery.Kubernetes{Service: "a", Scheme: "http"}}},
	} {
		if diff := cmp.Diff(test.want, test.given.WithDefaults()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if err := test.given.WithDefaults().Validate(); err != nil {
			t.Errorf("%s: the defaults don't pass: %v", name, err)
		}
	}
}

func TestShortForm(t *testing.T) {
	var i discovery.Instance
	if err := i.FromText("HTTP://Users.Internal"); err != nil || i != (discovery.Instance{URL: "http://users.internal:80"}) {
		t.Errorf("%+v %v", i, err)
	}
	if err := i.FromText("users"); err == nil {
		t.Error("took a host without a scheme")
	}
}
