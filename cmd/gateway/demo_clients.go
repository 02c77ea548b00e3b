package main

import (
	"fmt"
	"io"
	"time"

	"github.com/tributary-gateway/tributary/gateway/admission"
	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/gateway/identity"
	"github.com/tributary-gateway/tributary/gateway/ratelimit"
)

// demoPlans are what the demo's clients may spend. The first client runs out of points within seconds when the page's
// query is sent again and again.
var demoPlans = []struct {
	client, plan string
	capacity     int
	restore      float64
	scopes       []string
	told         string
}{
	{"kiosk", "small", 1_000, 10, nil, "1,000 points, 10 back per second"},
	{"web", "medium", 5_000, 250, nil, "5,000 points, 250 back per second"},
	{"backoffice", "large", 100_000, 5_000, []string{"users:read"}, "100,000 points, 5,000 back per second; sees addresses (users:read)"},
}

// demoKeys are the API keys of the demo's clients, which are made anew at each start.
type demoKeys struct {
	keys  []identity.Key
	texts []string
}

// demoClients gives the demo clients and plans, unless its gateway.yaml has some.
func demoClients(cfg *config.Config) (demoKeys, error) {
	var made demoKeys
	if len(cfg.Limits.Plans) > 0 {
		return made, nil
	}
	bucket := func(capacity int, restore float64) admission.Plan {
		return admission.Plan{PlanConfig: ratelimit.PlanConfig{
			Buckets: []ratelimit.Bucket{{Name: "burst", Capacity: capacity, Restore: restore}},
		}}
	}
	cfg.Limits.Plans = map[string]admission.Plan{"anonymous": bucket(10_000, 1_000)}
	cfg.Limits.Tell = admission.Always
	for _, p := range demoPlans {
		text, key, err := identity.NewKey(p.client, time.Now())
		if err != nil {
			return made, err
		}
		key.Plan, key.Scopes = p.plan, p.scopes
		made.keys, made.texts = append(made.keys, key), append(made.texts, text)
		cfg.Limits.Plans[p.plan] = bucket(p.capacity, p.restore)
	}
	if len(cfg.Playground.Headers) == 0 {
		cfg.Playground.Headers = map[string]string{"X-Api-Key": made.texts[0]}
	}
	return made, nil
}

// tell prints the keys.
func (k demoKeys) tell(out io.Writer) {
	if len(k.texts) == 0 {
		return
	}
	_, _ = fmt.Fprintln(out, "\nClients, by the header X-Api-Key (GraphiQL sends the first one's):")
	for i, text := range k.texts {
		_, _ = fmt.Fprintf(out, "  %-10s %s\n             %s\n", demoPlans[i].client, text, demoPlans[i].told)
	}
}
