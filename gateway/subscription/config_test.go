package subscription_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/gateway/subscription"
)

func TestConfig(t *testing.T) {
	if err := (subscription.Config{}).WithDefaults().Validate(); err != nil {
		t.Error(err)
	}
	wrong := subscription.Config{
		Origins: []string{"https://ok.example.com", "example.com", "https://a.*.com", "https://x.com/path"}, InitTimeout: -1, PingInterval: 48 * time.Hour,
		PingTimeout: 1, WriteTimeout: -1, ReserveTimeout: -1, MaxMessageBytes: -1, MaxQueue: -1, MaxQueueBytes: -1, MaxOperations: -1, MaxConnections: -1,
		MaxClientConnections: -1, MaxClientOperations: 1 << 31,
	}
	err := wrong.Validate()
	for _, key := range []string{"origins[1]: ", "origins[2]: ", "origins[3]: ", "init_timeout: ", "ping_interval: ", "ping_timeout: ", "write_timeout: ",
		"reserve_timeout: ", "max_message_bytes: ", "max_queue: ", "max_queue_bytes: ", "max_operations: ", "max_connections: ", "max_client_connections: ", "max_client_operations: "} {
		if err == nil || !strings.Contains("\n"+err.Error(), "\n"+key) {
			t.Errorf("%s isn't in %v", key, err)
		}
	}
	if strings.Contains(err.Error(), "origins[0]") {
		t.Error("a good origin is refused")
	}
	if _, err := subscription.New(wrong, subscription.Options{Runner: newScript()}); err == nil {
		t.Error("a wrong configuration will do")
	}
	if _, err := subscription.New(subscription.Config{}, subscription.Options{}); err == nil {
		t.Error("no Runner will do")
	}
}
