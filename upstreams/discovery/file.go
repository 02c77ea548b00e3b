package discovery

import (
	"bytes"
	"context"

	"github.com/tributary-gateway/tributary/gateway/files"
)

// maxFile bounds the file: about ten thousand instances.
const maxFile = 1 << 20

// fileSource reads a file when something happens to it.
type fileSource struct {
	config  File
	options Options
}

func (f *fileSource) Watch(ctx context.Context, update func([]Instance)) error {
	w := &fileWatch{path: f.config.Path, reporter: newReporter(f.options, "file "+f.config.Path, update)}
	watcher := files.Start([]string{w.path}, f.config.Refresh, w.reporter.logger)
	_ = w.read(ctx) // what is wrong was told, and the file is read again when it changes
	watcher.Run(ctx, w.read)
	return nil
}

// fileWatch is one Watch of a file.
type fileWatch struct {
	path     string
	reporter *reporter
	text     []byte // as it was read last, good or bad
	problem  string // with it, told once
}

// read reads the file, and reports it if it's another one. A mistake in it is told once, and so is the next one.
func (w *fileWatch) read(ctx context.Context) error {
	text, err := files.Read(w.path, maxFile)
	if err == nil && w.text != nil && bytes.Equal(text, w.text) && w.problem == "" {
		return nil
	}
	var list []Instance
	if err == nil {
		w.text = text
		list, err = parseTargets(w.path, text)
	}
	if err == nil {
		err = w.reporter.list(ctx, list)
	}
	if err == nil {
		w.problem = ""
		return nil
	}
	if err.Error() != w.problem {
		w.problem, w.reporter.failing = err.Error(), false
	}
	w.reporter.trouble(ctx, err)
	return err
}
