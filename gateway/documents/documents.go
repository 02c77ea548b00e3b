// Package documents finds the documents that clients name instead of sending them.
//
// There are two kinds. Trusted documents stand in manifests, files that a client's build writes; they are watched, and a
// plan may be held to them: nothing else runs. Automatic persisted queries are texts that clients send once, with their
// hash, and name by it from then on; only what passed every check is kept, in memory bounded by bytes and, if there is
// one, in Redis with an end. A Redis that doesn't answer costs a client sending its text again. A manifest that can't be
// read again leaves the documents as they were. What comes out is always the document's text, which goes the way of
// every other text.
package documents

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"iter"
	"log/slog"
	"math"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/redis/go-redis/v9"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// Options are what documents need beside their Config. The zero value is silence, and memory alone.
type Options struct {
	// Redis keeps automatic persisted queries for all gateways. Nil means that each keeps its own.
	Redis redis.UniversalClient
	// Prefix begins every key in Redis. Default: tributary:
	Prefix string
	// Logger is told of manifests that are read or can't be, and in the mode log of documents that no manifest has.
	Logger *slog.Logger
}

// Documents is safe for concurrent use.
type Documents struct {
	config  Config
	store   *store // nil without automatic persisted queries
	trusted *manifests
	logger  *slog.Logger
}

// New reads the manifests and begins to watch them. The error names everything wrong. Close ends the watching.
func New(c Config, o Options) (*Documents, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.WithDefaults()
	d := &Documents{config: c, logger: o.Logger}
	if d.logger == nil {
		d.logger = slog.New(slog.DiscardHandler)
	}
	if !c.Automatic.Disabled {
		d.store = newStore(c.Automatic, o, d.logger)
	}
	var err error
	d.trusted, err = watchManifests(c.Trusted.Manifests, c.Trusted.MaxBytes, d.logger)
	return d, err
}

// Close ends the watching of manifests.
func (d *Documents) Close() { d.trusted.close() }

// Trusted gives the documents of all manifests, as id and text.
func (d *Documents) Trusted() iter.Seq2[string, string] {
	return func(yield func(id, text string) bool) {
		for _, e := range d.trusted.load().listed {
			if !yield(e.id, e.text) {
				return
			}
		}
	}
}

// Version is what Resolve goes by for the clients of a plan: as long as it's the same, a request that was let through is let
// through again, and names the same text. ok is false where Resolve has each told to the log.
func (d *Documents) Version(plan string) (version any, ok bool) {
	return d.trusted.load(), d.modeOf(plan) != Log
}

// Lesson is a text that a client wants to be known by its hash. Remember it when it has passed every check and was
// admitted. The zero Lesson is none.
type Lesson struct {
	hash [sha256.Size]byte
	text string
}

// Resolve puts into params the text of the document that the client names, and says whether a text that it sent may run.
// id is the document's id beside extensions.persistedQuery (see ID), "" for none; plan is the name of the client's plan.
//
// The error is a *fail.Error of kind BadRequest for what is no request, or a *gqlerror.Error with the code of one of
// the kinds of fail that are about documents; both are for the client to read.
func (d *Documents) Resolve(ctx context.Context, params *graphql.RawParams, id, plan string) (Lesson, error) {
	hash, hashed, err := persistedQuery(params.Extensions)
	if err != nil {
		return Lesson{}, err
	}
	if len(id) > maxID {
		return Lesson{}, bad("The document's id is too long.")
	}
	enforced := d.modeOf(plan) == Enforce
	known := d.trusted.load()
	switch {
	case id != "":
		return Lesson{}, d.byID(ctx, params, id, known, enforced)
	case hashed:
		return d.byHash(ctx, params, hash, known, enforced, plan)
	case params.Query == "":
		return Lesson{}, nil // whoever reads the request says what is missing
	default:
		return Lesson{}, d.check(ctx, params, known, plan)
	}
}

// byID is for ids that aren't hashes by definition: what a manifest says, or sha256: as the appendix of the draft has it.
func (d *Documents) byID(ctx context.Context, params *graphql.RawParams, id string, known *trusted, enforced bool) error {
	text, ok := known.byID(id)
	if !ok && !enforced && d.store != nil {
		if digits, prefixed := strings.CutPrefix(id, "sha256:"); prefixed {
			if hash, valid := parseHash(digits); valid {
				text, ok = d.store.get(ctx, hash)
			}
		}
	}
	if !ok {
		return told(fail.UnknownDocument)
	}
	if params.Query != "" && params.Query != text && fingerprint(params.Query) != fingerprint(text) {
		return bad("The document of this id is another than the one that was sent with it.")
	}
	params.Query = text
	return nil
}

// byHash is for Apollo's extension: a manifest's id, or the hash of a text.
func (d *Documents) byHash(
	ctx context.Context, params *graphql.RawParams, hash string, known *trusted, enforced bool, plan string,
) (Lesson, error) {
	if text, ok := known.byID(hash); ok && (params.Query == "" || params.Query == text || fingerprint(params.Query) == fingerprint(text)) {
		params.Query = text
		return Lesson{}, nil
	}
	sum, valid := parseHash(hash)
	if params.Query == "" {
		switch {
		case d.store == nil:
			return Lesson{}, told(fail.PersistedQueryNotSupported)
		case valid && !enforced:
			if text, ok := d.store.get(ctx, sum); ok {
				params.Query = text
				return Lesson{}, d.check(ctx, params, known, plan)
			}
		}
		return Lesson{}, told(fail.PersistedQueryNotFound)
	}
	// What was learnt under a wrong hash would answer others' requests.
	if !valid || sha256.Sum256([]byte(params.Query)) != sum {
		return Lesson{}, bad("provided sha does not match query")
	}
	lesson := Lesson{sum, params.Query}
	if err := d.check(ctx, params, known, plan); err != nil || d.store == nil || enforced {
		return Lesson{}, err
	}
	return lesson, nil
}

// check holds a text to the plan's mode. A text that is a trusted one but for white space, commas and comments is
// replaced by that one.
func (d *Documents) check(ctx context.Context, params *graphql.RawParams, known *trusted, plan string) error {
	mode := d.modeOf(plan)
	if mode == Allow {
		return nil
	}
	if text, ok := known.same(params.Query); ok {
		params.Query = text
		return nil
	}
	if mode == Enforce {
		return told(fail.UntrustedDocument)
	}
	d.logger.InfoContext(ctx, "a document is in no manifest", "plan", plan, "operation", cut(params.OperationName), "sha256", hexOf(params.Query))
	return nil
}

// Remember keeps a text that was resolved, checked and admitted.
func (d *Documents) Remember(ctx context.Context, l Lesson) {
	if d.store != nil && l.text != "" {
		d.store.put(ctx, l.hash, l.text)
	}
}

func (d *Documents) modeOf(plan string) Mode {
	if mode, ok := d.config.Trusted.Plans[plan]; ok {
		return mode
	}
	return d.config.Trusted.Mode
}

// maxID is the longest id of a document.
const maxID = 512

// Members are the names under which a request may carry a document's id, beside query: that of the draft's appendix, and
// Relay's two. Clients of others write what they like under those two; they count where there is no query.
var Members = [...]string{"documentId", "doc_id", "id"}

// ID takes the document's id from the members of a request, "" when there is none. One that is null counts as absent.
func ID(member func(name string) (value any, given bool)) (string, error) {
	id := ""
	text, _ := member("query")
	for i, name := range Members {
		value, given := member(name)
		if !given || value == nil || i > 0 && text != nil {
			continue
		}
		text, ok := value.(string)
		switch {
		case !ok:
			return "", bad(`"` + name + `" must be a string or null.`)
		case text == "":
			return "", bad(`"` + name + `" is empty.`)
		case id != "" && id != text:
			return "", bad("Two ids name different documents.")
		}
		id = text
	}
	return id, nil
}

// persistedQuery reads Apollo's extension.
func persistedQuery(extensions map[string]any) (hash string, given bool, err error) {
	value := extensions["persistedQuery"]
	if value == nil {
		return "", false, nil
	}
	object, ok := value.(map[string]any)
	if !ok {
		return "", false, bad(`"extensions.persistedQuery" must be an object.`)
	}
	if !isOne(object["version"]) {
		return "", false, bad("Unsupported persisted query version")
	}
	hash, ok = object["sha256Hash"].(string)
	if !ok || hash == "" || len(hash) > maxID {
		return "", false, bad(`"extensions.persistedQuery.sha256Hash" must be a hash.`)
	}
	return hash, true, nil
}

func isOne(value any) bool {
	switch n := value.(type) {
	case json.Number:
		return n == "1"
	case float64:
		return math.Abs(n-1) == 0
	case int:
		return n == 1
	case int64:
		return n == 1
	}
	return false
}

// parseHash reads a SHA-256 in hex. Clients write it in lower case, and so does everybody who makes keys of it.
func parseHash(text string) (hash [sha256.Size]byte, ok bool) {
	if len(text) != hex.EncodedLen(sha256.Size) || strings.ToLower(text) != text {
		return hash, false
	}
	_, err := hex.Decode(hash[:], []byte(text))
	return hash, err == nil
}

func hexOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func bad(public string) error { return fail.New(fail.BadRequest, public) }

// told is an error whose text is for clients: they look for it.
func told(kind fail.Kind) error {
	return &gqlerror.Error{Message: kind.Text(), Extensions: map[string]any{"code": kind.Code()}}
}

func cut(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
