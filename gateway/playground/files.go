package playground

import (
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed assets
var embedded embed.FS

// manifest names the files that the page starts with; it is written by the build.
type manifest struct {
	Script string `json:"script"`
	Style  string `json:"style"`
	Icon   string `json:"icon"`
}

// files serves the embedded files. They are stored as NAME.gz and known as NAME.
type files struct {
	manifest manifest
	sizes    map[string]int64 // by NAME: bytes, gzipped
}

// types has every kind of file that the build makes.
var types = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".svg":   "image/svg+xml",
	".ttf":   "font/ttf",
	".woff":  "font/woff",
	".woff2": "font/woff2",
}

// load reads the manifest and the list of files. Its errors are mistakes of the build.
func load() (*files, error) {
	f := &files{sizes: map[string]int64{}}
	text, err := embedded.ReadFile("assets/manifest.json")
	if err != nil {
		return nil, fmt.Errorf("playground: %w", err)
	}
	if err := json.Unmarshal(text, &f.manifest); err != nil {
		return nil, fmt.Errorf("playground: manifest.json: %w", err)
	}
	entries, err := embedded.ReadDir("assets")
	if err != nil {
		return nil, fmt.Errorf("playground: %w", err)
	}
	for _, entry := range entries {
		name, packed := strings.CutSuffix(entry.Name(), ".gz")
		if !packed {
			continue
		}
		if types[path.Ext(name)] == "" {
			return nil, fmt.Errorf("playground: %s is of no known type", name)
		}
		info, err := entry.Info()
		if err != nil {
			return nil, fmt.Errorf("playground: %w", err)
		}
		f.sizes[name] = info.Size()
	}
	for _, name := range []string{f.manifest.Script, f.manifest.Style, f.manifest.Icon} {
		if _, there := f.sizes[name]; !there {
			return nil, fmt.Errorf("playground: manifest.json names %q, which is not there", name)
		}
	}
	return f, nil
}

// serve answers with the file as it is stored, or unpacked for a client that does not take gzip.
func (f *files) serve(w http.ResponseWriter, r *http.Request, name string) {
	size, there := f.sizes[name]
	if !there {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	file, err := embedded.Open("assets/" + name + ".gz")
	if err != nil {
		http.Error(w, "cannot read the file", http.StatusInternalServerError)
		return
	}
	defer func() { _ = file.Close() }()

	head := w.Header()
	head.Set("Content-Type", types[path.Ext(name)])
	head.Set("Cache-Control", "public, max-age=31536000, immutable") // the name changes with the content
	head.Set("Vary", "Accept-Encoding")
	content := io.Reader(file)
	if takesGzip(r.Header.Values("Accept-Encoding")) {
		head.Set("Content-Encoding", "gzip")
		head.Set("Content-Length", strconv.FormatInt(size, 10))
	} else if content, err = gzip.NewReader(file); err != nil {
		http.Error(w, "cannot read the file", http.StatusInternalServerError)
		return
	}
	if r.Method == http.MethodGet {
		_, _ = io.Copy(w, content) // the visitor hung up
	}
}

// takesGzip reads Accept-Encoding: a mention of gzip, or of *, whose weight is not zero. Gzip's own word counts more.
func takesGzip(values []string) bool {
	wildcard := false
	for offer := range strings.SplitSeq(strings.Join(values, ","), ",") {
		coding, weight, _ := strings.Cut(offer, ";")
		takes := true
		if q, ok := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(weight), " ", ""), "q="); ok {
			number, err := strconv.ParseFloat(q, 64)
			takes = err == nil && number > 0
		}
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return takes
		case "*":
			wildcard = takes
		}
	}
	return wildcard
}
