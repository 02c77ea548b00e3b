// Package security_test attacks the gateway as a client could, and says what must become of each attack.
//
// An attack is what is sent, byte by byte, and the verdict that must hold: which statuses and codes may come back, what
// services may have been asked, and what it may have cost. The gateway is the one of this repository with the demo shop's
// schema. It runs as a process of its own, started from this test's binary, so that a crash is a verdict and not the end of
// the test, and processor time and memory are the gateway's alone. Its services run here and note what reaches them. After
// every attack the gateway must answer an ordinary query.
package security_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// role is the variable of the environment that makes a gateway of the test's binary; its value is gateway.yaml.
const role = "SECURITY_TEST_GATEWAY"

func TestMain(m *testing.M) {
	if yaml, ok := os.LookupEnv(role); ok {
		os.Exit(beGateway(yaml))
	}
	os.Exit(m.Run())
}

// class is a group of attacks of one kind.
type class struct {
	name    string
	attacks []attack
}

// classes are all attacks that the gateway holds.
func classes() []class {
	return slices.Concat(documents(), inputs(), bodies(), wire(), browsers(), routes(), upstreams(), hostile(), disclosure(), callers(), edges())
}

func TestAttacks(t *testing.T) { run(t, classes()) }

// run holds the gateways against attacks: one after the other on one gateway, because what each costs is measured, and the
// gateways side by side.
func run(t *testing.T, all []class) {
	for name, yaml := range profiles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := start(t, yaml)
			for _, c := range all {
				mine := slices.DeleteFunc(slices.Clone(c.attacks), func(a attack) bool { return a.against() != name })
				if len(mine) == 0 {
					continue
				}
				t.Run(c.name, func(t *testing.T) {
					for _, a := range mine {
						t.Run(a.name, func(t *testing.T) { target.suffer(t, a) })
					}
				})
			}
		})
	}
}

// The list is worth something only while it is long and says each thing once.
func TestListIsComplete(t *testing.T) {
	seen, count := map[string]bool{}, 0
	for _, c := range classes() {
		for _, a := range c.attacks {
			count++
			key := c.name + "/" + a.name
			if seen[key] {
				t.Errorf("%s stands twice", key)
			}
			seen[key] = true
			if a.name == "" || a.send == nil || len(a.want.status) == 0 && !a.want.silence {
				t.Errorf("%s has no name, sends nothing, or has no verdict", key)
			}
			if profiles[a.against()] == "" {
				t.Errorf("%s is against %q, which is no gateway", key, a.on)
			}
		}
	}
	if count < 250 {
		t.Errorf("there are %d attacks, fewer than 250", count)
	}
	t.Logf("%d attacks in %d classes", count, len(classes()))
}

// profiles are the configurations of the gateways that are attacked.
var profiles = map[string]string{
	// open is what a file with nothing but services gives, with what services may be told by clients.
	"open": "server: {drain_grace: -1s, idle_timeout: 300ms, read_header_timeout: 1s}\nsubscriptions: {init_timeout: 1s}\n" + fmt.Sprintf(services, "5s"),
	// closed shows nothing of the schema.
	"closed": "server: {drain_grace: -1s, idle_timeout: 300ms, read_header_timeout: 1s, operation: {disable_introspection: true}}\nplayground: {enabled: false}\n" + fmt.Sprintf(services, "5s"),
	// guarded wants to know who is calling.
	"guarded": "server: {drain_grace: -1s, idle_timeout: 300ms, read_header_timeout: 1s}\nidentity: {required: true, jwt: [{issuer: \"https://issuer.test\", secret: \"" + signing + "\"}]}\n" + fmt.Sprintf(services, "5s"),
	// wide has everything on that is off by default.
	"wide": "server: {drain_grace: -1s, idle_timeout: 300ms, read_header_timeout: 1s}\nsubscriptions: {init_timeout: 1s}\nbatching: {enabled: true}\nuploads: {enabled: true}\n" +
		"edge: {cors: {origins: [\"https://app.test\", \"https://*.pages.test\"], credentials: true}}\n" + fmt.Sprintf(services, "5s"),
	// hasty has no patience, for attacks that take time.
	"hasty": "server: {drain_grace: -1s, idle_timeout: 300ms, read_header_timeout: 400ms, read_timeout: 800ms, operation_timeout: 600ms, write_timeout: 2s}\n" +
		fmt.Sprintf(services, "300ms"),
}

// services is the section of all profiles; ADDRESS-… is filled in by start. Sesame is what only services may know.
var services = `services:
  users: {url: "ADDRESS-users", timeout: %[1]s, forward: [X-Tenant, Authorization, Accept-Language], headers: {X-Api-Key: "` + sesame + `"}}
  catalog: {url: "ADDRESS-catalog/base", timeout: %[1]s, headers: {X-Api-Key: "` + sesame + `"}}
  inventory: {url: "ADDRESS-inventory", timeout: %[1]s, headers: {X-Api-Key: "` + sesame + `"}, errors: {message: /message, code: /reason}}
  orders: {url: "ADDRESS-orders", timeout: %[1]s, headers: {X-Api-Key: "` + sesame + `"}, errors: {message: /error/title, code: /error/code}}
  reviews: {url: "ADDRESS-reviews", timeout: %[1]s, headers: {X-Api-Key: "` + sesame + `"}, max_body: 1MiB}
`

const sesame = "sesame-9f31c2"

// signing is the key of the tokens that the guarded gateway takes.
const signing = "signing-7c1d-0123456789abcdef0123456789abcdef"

func list(text string) []string { return strings.Fields(text) }
