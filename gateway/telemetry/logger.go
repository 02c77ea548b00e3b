// Package telemetry makes what the gateway says about itself.
//
// It knows how a log line is written and nothing of what is in it: a logger is made once, by the command, and handed
// to constructors, so that no package has a logger of its own and none is global. Lines go to the writer given and
// nowhere else. A writer that fails loses its line and never fails a request.
package telemetry

import (
	"io"
	"log/slog"
)

// NewLogger returns a logger that writes to w as c says. Lines below c.Level cost a comparison. A level or format that
// Validate refuses counts as the default.
func NewLogger(w io.Writer, c Config) *slog.Logger {
	level, ok := levels[c.Level]
	if !ok {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewTextHandler(w, options)
	if c.Format == "json" {
		handler = slog.NewJSONHandler(w, options)
	}
	if lines, ok := w.(*Lines); ok {
		handler = urgent{handler, lines}
	}
	return slog.New(handler)
}
