//go:build unix

package http1_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/upstreams/http1"
)

// serve is set in the process that a benchmark starts: CPU is counted per process, and the service's isn't ours.
const serve = "HTTP1_BENCH_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serve) != "" {
		benchService()
		return
	}
	os.Exit(m.Run())
}

// benchService answers GETs without parsing them, until its standard input ends.
func benchService() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString(listener.Addr().String() + "\n")
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	answers := map[string][]byte{}
	for path, size := range map[string]int{"/small": 200, "/big": 25_000} {
		answers[path] = []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Sat, 21 Nov 2026 08:00:00 GMT\r\n" +
			"Server: bench\r\nX-Request-Id: 0af7651916cd43dd8448eb211c80319c\r\nContent-Length: " + itoa(size) + "\r\n\r\n" +
			strings.Repeat("x", size))
	}
	for {
		socket, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			in := bufio.NewReader(socket)
			for {
				first := ""
				for {
					line, err := in.ReadSlice('\n')
					if err != nil {
						return
					}
					if len(line) == 2 {
						break
					}
					if first == "" {
						first = strings.Fields(string(line))[1]
					}
				}
				_, _ = socket.Write(answers[first])
			}
		}()
	}
}

func startBenchService(b *testing.B) string {
	b.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), serve+"=1")
	in, err := command.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		_ = command.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return "http://" + strings.TrimSpace(line)
}

func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkGet compares with net/http, with the service in another process. The context has a deadline, as rest's has.
func BenchmarkGet(b *testing.B) {
	origin := startBenchService(b)
	for _, path := range []string{"/small", "/big"} {
		for _, carrier := range []struct {
			name string
			make func() http.RoundTripper
		}{
			{"net-http", func() http.RoundTripper { return &http.Transport{MaxIdleConnsPerHost: 8} }},
			{"http1", func() http.RoundTripper { return newClient(b, http1.Config{}) }},
		} {
			b.Run(carrier.name+path, func(b *testing.B) {
				rt := carrier.make()
				ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
				defer cancel()
				buffer := make([]byte, 32<<10)
				b.ReportAllocs()
				before := cpu()
				for b.Loop() {
					req, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+path, nil)
					if err != nil {
						b.Fatal(err)
					}
					req.Header["User-Agent"] = agents
					res, err := rt.RoundTrip(req)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := io.ReadFull(res.Body, buffer[:res.ContentLength]); err != nil {
						b.Fatal(err)
					}
					res.Body.Close()
				}
				b.ReportMetric(float64((cpu()-before).Nanoseconds())/float64(b.N)/1000, "cpu-µs/op")
			})
		}
	}
}

var agents = []string{"bench"}
