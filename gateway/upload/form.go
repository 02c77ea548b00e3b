// Package upload reads requests that bring files.
//
// It speaks the GraphQL multipart request specification: a part "operations" with the request, a part "map" that says which
// variables the files are, and then the files. The first two are read at once, the files as they are asked for: a file
// that is read while it comes is never kept, and who reads slowly slows its client down. A file that has to wait, because
// a later one is asked for first or because several variables stand for it, is kept in memory and, from a size on, in a
// temporary file without a name. How many, how long and how slow is bounded. What is wrong is told by whoever notices,
// which for a file may be in the middle of the operation.
package upload

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

const (
	// maxMap bounds the part "map".
	maxMap = 32 << 10
	// maxHead bounds the head of a part, with what is read ahead.
	maxHead = 16 << 10
	// maxSteps is how deep in the variables a file may be.
	maxSteps = 16
	// maxPath is the longest path to a variable.
	maxPath = 512
)

// Is says whether a request brings files, by its headers.
func Is(r *http.Request) bool {
	if r.Method != http.MethodPost {
		return false
	}
	values := r.Header["Content-Type"]
	if len(values) != 1 {
		return false
	}
	kind, _, err := mime.ParseMediaType(values[0])
	return err == nil && kind == "multipart/form-data"
}

// Form is one request with files. It is used by as many goroutines as like, until it is closed.
type Form struct {
	config     Config
	operations []byte
	paths      [][]string // by source
	sources    []*source
	byKey      map[string]*source

	mu     sync.Mutex // guards what follows, and is held while the network is read
	reader *multipart.Reader
	body   budget
	total  int64   // of files, so far
	memory int64   // left
	now    *source // whose part is being read; nil between parts
	part   *multipart.Part
	err    error // at the end of all parts io.EOF
}

// Open reads the operations, at most so many bytes, and the map. The error is a *fail.Error of kind BadRequest or TooLarge,
// for the client to read. The form must be closed when nobody reads files any more.
func Open(w http.ResponseWriter, r *http.Request, c Config, maxOperations int64) (*Form, error) {
	c = c.WithDefaults()
	kind, params, err := "", map[string]string(nil), error(nil)
	if values := r.Header["Content-Type"]; len(values) == 1 {
		kind, params, err = mime.ParseMediaType(values[0])
	}
	boundary := params["boundary"]
	if err != nil || kind != "multipart/form-data" || boundary == "" || len(boundary) > 70 {
		return nil, bad("The body must be multipart/form-data with a boundary.")
	}
	// A file takes longer than what the server's timeouts are made for.
	control, end := http.NewResponseController(w), time.Now().Add(c.Timeout)
	_ = control.SetReadDeadline(end)                        // in tests there is no connection
	_ = control.SetWriteDeadline(end.Add(30 * time.Second)) // likewise
	f := &Form{config: c, memory: c.MemoryBytes, byKey: map[string]*source{}, body: budget{from: r.Body}}
	f.reader = multipart.NewReader(&f.body, boundary)
	if f.operations, err = f.text("operations", maxOperations); err != nil {
		return nil, err
	}
	text, err := f.text("map", maxMap)
	if err != nil {
		return nil, err
	}
	return f, f.readMap(text)
}

// Operations is the request as JSON.
func (f *Form) Operations() []byte { return f.operations }

// text reads the next part, which must have this name.
func (f *Form) text(name string, limit int64) ([]byte, error) {
	f.body.left = maxHead
	part, err := f.reader.NextRawPart()
	if err != nil {
		return nil, f.cause(err, `The parts must be "operations", "map" and then the files; "`+name+`" is missing.`)
	}
	if part.FormName() != name {
		return nil, bad(`The parts must be "operations", "map" and then the files; "` + name + `" isn't where it should be.`)
	}
	f.body.left = limit + maxHead
	text, err := io.ReadAll(io.LimitReader(part, limit+1))
	switch {
	case err != nil:
		return nil, f.cause(err, `The part "`+name+`" ended early.`)
	case int64(len(text)) > limit:
		return nil, large(`The part "` + name + `" is over the limit of ` + strconv.FormatInt(limit, 10) + " bytes.")
	}
	return text, nil
}

// cause makes of an error of the network what a client may read.
func (f *Form) cause(err error, public string) error {
	switch {
	case errors.Is(err, errSpent):
		return large("The request is over a limit: a part, or what stands around it.")
	case errors.As(err, new(*http.MaxBytesError)):
		return large("The body is over the limit.")
	}
	return &fail.Error{Kind: fail.BadRequest, Public: public, Op: "upload", Err: err}
}

// readMap reads which variables the files are: {"0": ["variables.file"]}.
func (f *Form) readMap(text []byte) error {
	broken := bad(`The part "map" must be a JSON object of lists of paths: {"0": ["variables.file"]}.`)
	decoder := json.NewDecoder(bytes.NewReader(text))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return broken
	}
	uses := 0
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		key, ok := token.(string)
		var paths []string
		if err != nil || !ok || decoder.Decode(&paths) != nil || len(paths) == 0 {
			return broken
		}
		if f.byKey[key] != nil {
			return bad(`The part "map" has a file twice.`)
		}
		s := &source{form: f, uses: len(paths)}
		f.byKey[key] = s
		if uses += len(paths); uses > f.config.MaxFiles {
			return large("The request has more than " + strconv.Itoa(f.config.MaxFiles) + " files.")
		}
		for _, path := range paths {
			if seen[path] {
				return bad(`The part "map" has a variable twice.`)
			}
			seen[path] = true
			f.sources, f.paths = append(f.sources, s), append(f.paths, nil)
			steps := strings.Split(path, ".")
			if len(path) > maxPath || len(steps) > maxSteps || len(steps) < 2 || steps[0] != "variables" {
				return bad(`The paths in the part "map" must lead to variables, at most ` + strconv.Itoa(maxSteps) + ` steps deep: "variables.file".`)
			}
			f.paths[len(f.paths)-1] = steps[1:]
		}
	}
	if _, err := decoder.Token(); err != nil {
		return broken
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return broken
	}
	return nil
}

// Place puts files where the map wants them in the variables, as graphql.Upload: each must be null there. The error is a
// *fail.Error of kind BadRequest. Size is -1: the file hasn't come yet. Filename and ContentType are known of the first
// file; those of others are File's to tell, which waits for them.
func (f *Form) Place(params *graphql.RawParams) error {
	f.mu.Lock()
	if f.now == nil && f.err == nil && len(f.sources) > 0 {
		_ = f.next() // errors are those of whoever reads
	}
	f.mu.Unlock()
	for i, steps := range f.paths {
		s := f.sources[i]
		u := graphql.Upload{File: &File{source: s}, Size: -1}
		f.mu.Lock()
		u.Filename, u.ContentType = s.name, s.kind
		f.mu.Unlock()
		if !place(params.Variables, steps, u) {
			return bad(`A path in the part "map" leads to no variable that is null.`)
		}
	}
	return nil
}

// place replaces a null in the variables, and says whether there was one.
func place(in any, steps []string, u graphql.Upload) bool {
	for i, step := range steps {
		last := i == len(steps)-1
		switch at := in.(type) {
		case map[string]any:
			value, there := at[step]
			switch {
			case !there || last && value != nil:
				return false
			case last:
				at[step] = u
				return true
			}
			in = value
		case []any:
			n, err := strconv.ParseUint(step, 10, 31)
			if err != nil || strconv.FormatUint(n, 10) != step || n >= uint64(len(at)) {
				return false
			}
			switch {
			case last && at[n] != nil:
				return false
			case last:
				at[n] = u
				return true
			}
			in = at[n]
		default:
			return false
		}
	}
	return false
}

// Close forgets the files, those in temporary files too. Who reads one after that gets an error.
func (f *Form) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = errClosed
	f.now, f.part = nil, nil
	for _, s := range f.byKey {
		if s.kept != nil {
			s.kept.close()
		}
	}
}

var (
	errSpent  = errors.New("a part is too long")
	errClosed = errors.New("upload: the request is over")
)

// budget ends a body when what it may have for now is spent. A part's head can't be bounded otherwise.
type budget struct {
	from io.Reader
	left int64
}

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errSpent
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.from.Read(p)
	b.left -= int64(n)
	return n, err
}

func bad(public string) error   { return fail.New(fail.BadRequest, public) }
func large(public string) error { return fail.New(fail.TooLarge, public) }
