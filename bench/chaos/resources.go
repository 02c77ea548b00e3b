package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// resources are what the gateway's process holds.
type resources struct {
	goroutines int
	files      int
	memory     int64 // resident bytes
}

// resources asks the process and the system.
func (f *fleet) resources() (resources, error) {
	var r resources
	var process struct {
		Goroutines int `json:"goroutines"`
	}
	if err := f.ask("/process", &process); err != nil {
		return r, err
	}
	r.goroutines = process.Goroutines
	pid := strconv.Itoa(f.gateway.cmd.Process.Pid)
	files, err := os.ReadDir(filepath.Join("/proc", pid, "fd"))
	if err != nil {
		return r, err
	}
	r.files = len(files)
	r.memory, err = resident(pid)
	return r, err
}

// resident is the resident memory of a process, in bytes.
func resident(pid string) (int64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", pid, "statm"))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("statm of %s has no resident size", pid)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
