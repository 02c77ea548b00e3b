package upload

import (
	"errors"
	"fmt"
	"time"
)

// Config is the uploads section of gateway.yaml. A zero field means its default.
type Config struct {
	// Enabled takes files. Default: false.
	Enabled bool `yaml:"enabled" json:"enabled,omitempty"`
	// MaxFiles is how many files one request may have, and how many variables may stand for them. Default: 10.
	MaxFiles int `yaml:"max_files" json:"max_files,omitempty"`
	// MaxFileBytes bounds one file. Default: 10485760.
	MaxFileBytes int64 `yaml:"max_file_bytes" json:"max_file_bytes,omitempty"`
	// MaxBytes bounds all files of a request together. Default: 52428800.
	MaxBytes int64 `yaml:"max_bytes" json:"max_bytes,omitempty"`
	// MemoryBytes is how much of files that have to wait is kept in memory, for one request; more goes to a temporary file.
	// Default: 262144.
	MemoryBytes int64 `yaml:"memory_bytes" json:"memory_bytes,omitempty"`
	// Folder is where temporary files are. Default: the system's.
	Folder string `yaml:"folder" json:"folder,omitempty"`
	// Timeout is how long a request with files may take to come. Default: 2m.
	Timeout time.Duration `yaml:"timeout" json:"timeout,omitempty"`
}

// WithDefaults returns the configuration with every zero replaced by what it stands for.
func (c Config) WithDefaults() Config {
	if c.MaxFiles == 0 {
		c.MaxFiles = 10
	}
	if c.MaxFileBytes == 0 {
		c.MaxFileBytes = 10 << 20
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = max(50<<20, c.MaxFileBytes)
	}
	if c.MemoryBytes == 0 {
		c.MemoryBytes = 256 << 10
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Minute
	}
	return c
}

// Validate names everything wrong, by its keys, and both keys where two contradict.
func (c Config) Validate() error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if c.MaxFiles < 0 || c.MaxFiles > 1000 {
		wrong("max_files: is %d; give 1 to 1000", c.MaxFiles)
	}
	for _, f := range []struct {
		key   string
		value int64
	}{{"max_file_bytes", c.MaxFileBytes}, {"max_bytes", c.MaxBytes}, {"memory_bytes", c.MemoryBytes}} {
		if f.value < 0 || f.value > 1<<40 {
			wrong("%s: is %d; give 1 to %d", f.key, f.value, int64(1)<<40)
		}
	}
	if c.MaxBytes > 0 && c.MaxFileBytes > c.MaxBytes {
		wrong("max_file_bytes (%d) is over max_bytes (%d)", c.MaxFileBytes, c.MaxBytes)
	}
	if c.Timeout != 0 && (c.Timeout < time.Second || c.Timeout > 24*time.Hour) {
		wrong("timeout: is %v; give 1s to 24h", c.Timeout)
	}
	return errors.Join(problems...)
}

// MaxRequestBytes is the longest body of a request: its files, what is around them, and operations of so many bytes.
func (c Config) MaxRequestBytes(operations int64) int64 {
	c = c.WithDefaults()
	return c.MaxBytes + operations + maxMap + int64(c.MaxFiles+3)*maxHead
}
