//go:build !race

// The race detector's own memory would be counted.

package subscription_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/subscription"
)

const clientOf = "SUBSCRIPTION_TEST_CLIENT_OF"

func TestMain(m *testing.M) {
	if address := os.Getenv(clientOf); address != "" {
		if err := manyClients(address); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const many = 10_000

// manyClients opens WebSockets with a subscription each, says so, and keeps them until its input ends.
func manyClients(address string) error {
	conns := make([]net.Conn, many)
	for i := range conns {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		conns[i] = conn
		text := append([]byte(rawHandshake(transportWS)), frame(`{"type":"connection_init"}`)...)
		text = append(text, frame(`{"id":"1","type":"subscribe","payload":{"query":"subscription { ticks }"}}`)...)
		text = append(text, frame(`{"type":"ping"}`)...) // its answer comes last
		if _, err := conn.Write(text); err != nil {
			return err
		}
		r := bufio.NewReaderSize(conn, 512)
		for line := ""; len(line) < 4 || line[len(line)-1] != '}'; {
			b, err := r.ReadByte()
			if err != nil {
				return fmt.Errorf("connection %d: %w", i, err)
			}
			line += string(rune(b))
			if len(line) > 6 && line[len(line)-6:] == `pong"}` {
				break
			}
			if b == '}' {
				line += " "
			}
		}
	}
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// Ten thousand WebSockets, each with a subscription that waits for events, cost the gateway less than 25 KB each. The
// clients are another process.
func TestTenThousandIdleSubscriptions(t *testing.T) {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur < many+500 {
		t.Skip("too few open files are allowed:", files.Cur)
	}
	s := newSchema()
	p := newPlace(t, subscription.Config{MaxClientConnections: many, MaxClientOperations: many}, func(o *subscription.Options) {
		r, err := subscription.NewRunner(subscription.Execution{Executor: newExecutor(t, s)})
		if err != nil {
			t.Fatal(err)
		}
		o.Runner = r
	})
	before := used()
	client := exec.CommandContext(t.Context(), os.Args[0])
	client.Env = append(os.Environ(), clientOf+"="+p.server.Listener.Addr().String())
	input, err := client.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := client.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		input.Close()
		if err := client.Wait(); err != nil {
			t.Error(err)
		}
	}()
	if line, err := bufio.NewReader(output).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the clients: %q %v", line, err)
	}
	eventually(t, "all subscriptions have begun", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.started == many
	})
	each := (used() - before) / many
	t.Logf("%d bytes for each of %d, %d goroutines", each, many, runtime.NumGoroutine())
	if each > 25_000 {
		t.Errorf("%d bytes", each)
	}
}

// used is the memory in use, on the heap and on stacks, when what can be given back was.
func used() uint64 {
	for range 3 {
		debug.FreeOSMemory()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
