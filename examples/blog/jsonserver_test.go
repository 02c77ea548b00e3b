package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// startJSONServer runs npm's json-server with the data of npm's jsonplaceholder: a service that nobody here wrote. It
// keeps changes in memory, so every start begins with the same rows.
func startJSONServer(t *testing.T) (address string, r rows) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "node is not on the PATH")
	}
	file := filepath.Join("testdata", "node_modules", "jsonplaceholder", "data.json")
	text, err := os.ReadFile(file)
	if err != nil {
		missing(t, "json-server is not installed; run npm ci in examples/blog/testdata")
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("%s: %v", file, err)
	}

	cmd := exec.CommandContext(t.Context(), node, "serve.js")
	cmd.Dir = "testdata"
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if _, err := cmd.StdinPipe(); err != nil { // closed with this process, however that ends
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed, and says so
	})
	// It prints its address when it listens. One that never does is killed, which ends the reading.
	late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		_ = cmd.Wait()
		t.Fatalf("json-server didn't start: %v\n%s", err, &stderr)
	}
	return strings.TrimSpace(line), r
}

// missing skips the test where something isn't installed. On CI everything is, so there it is a failure.
func missing(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}
