package telemetry

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// Config is the log section of gateway.yaml. The zero value logs text at level info.
type Config struct {
	// Level is the least important level that is written: debug, info, warn or error. Default: info.
	Level Level `yaml:"level" json:"level"`
	// Format is how lines look: text for people, json for log collectors. Default: text.
	Format Format `yaml:"format" json:"format"`
}

// Level names how important a line has to be.
type Level string

// Format names how a line is written.
type Format string

var (
	levels = map[Level]slog.Level{
		"debug": slog.LevelDebug,
		"info":  slog.LevelInfo,
		"warn":  slog.LevelWarn,
		"error": slog.LevelError,
	}
	formats = []string{"text", "json"}
)

// DefaultConfig is what the zero value means, spelled out.
func DefaultConfig() Config { return Config{Level: "info", Format: "text"} }

// Values lists what a level may be, least important first.
func (Level) Values() []string { return []string{"debug", "info", "warn", "error"} }

// Values lists what a format may be, the default first.
func (Format) Values() []string { return slices.Clone(formats) }

// Validate names every value that is none of its kind.
func (c Config) Validate() error {
	return errors.Join(oneOf("level", c.Level), oneOf("format", c.Format))
}

func oneOf[T interface {
	~string
	Values() []string
}](field string, v T) error {
	if v == "" || slices.Contains(v.Values(), string(v)) {
		return nil
	}
	return fmt.Errorf("%s: %q is none of %s", field, string(v), strings.Join(v.Values(), ", "))
}
