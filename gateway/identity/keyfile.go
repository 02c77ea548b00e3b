package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/tributary-gateway/tributary/gateway/files"
)

// ErrNoKey is what Revoke answers when there is no key with the id.
var ErrNoKey = errors.New("there is no key with this id")

// Keyring is where keys are kept, for who manages them.
type Keyring interface {
	// Create adds a key.
	Create(ctx context.Context, k Key) error
	// List has all keys, the expired and the revoked ones as well, in the order in which they were made.
	List(ctx context.Context) ([]Key, error)
	// Revoke ends the use of a key. The error is ErrNoKey when there is none with the id; a key that was revoked before
	// stays so.
	Revoke(ctx context.Context, id string, now time.Time) error
}

// KeyFile is a Keyring in a file, JSON when its name ends so and YAML otherwise:
//
//	keys:
//	  - id: 4k2x7hq3bd
//	    client: mobile
//	    hash: sha256:9f86…
//	    plan: gold
//	    scopes: [read:users]
//	    expires: 2027-01-31T00:00:00Z
//
// Changes are made under a lock beside the file and take the place of the file as a whole. Comments don't survive them.
type KeyFile struct{ path string }

var _ Keyring = (*KeyFile)(nil)

// NewKeyFile is the file at path. It's made by the first Create.
func NewKeyFile(path string) *KeyFile { return &KeyFile{path} }

// maxKeyFile is how big a keys file may be, some 15,000 keys. More belong into Redis.
const maxKeyFile = 4 << 20

// Create adds a key to the file.
func (f *KeyFile) Create(_ context.Context, k Key) error {
	if err := k.check(); err != nil {
		return err
	}
	return f.change(func(keys []Key) ([]Key, error) {
		for _, other := range keys {
			if other.ID == k.ID || other.Hash == k.Hash {
				return nil, fmt.Errorf("the key %s exists", other.ID)
			}
		}
		return append(keys, k), nil
	})
}

// List reads the file. A file that doesn't exist has no keys.
func (f *KeyFile) List(context.Context) ([]Key, error) {
	keys, err := readKeyFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return keys, err
}

// Revoke writes into the file when the key was revoked.
func (f *KeyFile) Revoke(_ context.Context, id string, now time.Time) error {
	return f.change(func(keys []Key) ([]Key, error) {
		i := slices.IndexFunc(keys, func(k Key) bool { return k.ID == id })
		if i < 0 {
			return nil, ErrNoKey
		}
		if keys[i].Revoked.IsZero() {
			keys[i].Revoked = now.UTC().Truncate(time.Second)
		}
		return keys, nil
	})
}

func (f *KeyFile) change(change func([]Key) ([]Key, error)) (err error) {
	path := f.path
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // the link stays
	}
	unlock, err := lock(path + ".lock")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	keys, err := readKeyFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if keys, err = change(keys); err != nil {
		return err
	}
	text, err := formatKeys(path, keys)
	if err != nil {
		return err
	}
	if len(text) > maxKeyFile {
		return fmt.Errorf("%s would be over %d bytes; keep keys in Redis", f.path, maxKeyFile)
	}
	return replace(path, text)
}

// replace puts a file in the place of another. Readers see the old one or the new one. A new file is for its owner
// alone, 0600; one that was there keeps its mode and, where the system lets us, its owner: the gateway may be somebody
// else than who manages its keys.
func replace(path string, text []byte) (err error) {
	t, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // of mode 0600
	if err != nil {
		return err
	}
	if before, err := os.Stat(path); err == nil {
		keepOwner(t, before)
		_ = t.Chmod(before.Mode().Perm())
	}
	defer func() {
		if err != nil {
			_ = os.Remove(t.Name())
		}
	}()
	_, err = t.Write(text)
	if err = errors.Join(err, t.Sync(), t.Close()); err != nil {
		return err
	}
	return os.Rename(t.Name(), path)
}

type keyList struct {
	Keys []Key `yaml:"keys" json:"keys"`
}

func formatKeys(path string, keys []Key) ([]byte, error) {
	if keys == nil {
		keys = []Key{}
	}
	if strings.HasSuffix(path, ".json") {
		text, err := json.MarshalIndent(keyList{keys}, "", "  ")
		return append(text, '\n'), err
	}
	text, err := yaml.MarshalWithOptions(keyList{keys}, yaml.Indent(2), yaml.IndentSequence(true))
	return append([]byte("# API keys: written by \"gateway keys\", read by the gateway. Only hashes of keys are kept.\n"), text...), err
}

func readKeyFile(path string) ([]Key, error) {
	text, err := files.Read(path, maxKeyFile)
	if err != nil {
		return nil, err
	}
	return parseKeys(path, text)
}

// parseKeys reads a keys file of either form; JSON is YAML too. Errors tell the line.
func parseKeys(name string, text []byte) ([]Key, error) {
	fault := func(line int, format string, args ...any) error {
		return fmt.Errorf("%s:%d: %s", name, line, fmt.Sprintf(format, args...))
	}
	if len(text) > maxKeyFile {
		return nil, fault(1, "the file is over %d bytes", maxKeyFile)
	}
	if deepest(text) > 16 {
		return nil, fault(1, "brackets are nested too deep for a keys file")
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, yamlFault(name, err)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil || len(bytes.TrimSpace(text)) == 0 {
		return nil, fault(1, `the file is empty; "keys: []" is no keys`)
	}
	var items *ast.SequenceNode
	for _, member := range members(file.Docs[0].Body) {
		if name := member.Key.String(); strings.Trim(name, `"'`) != "keys" || items != nil {
			return nil, fault(member.Key.GetToken().Position.Line, "unknown or repeated %s; a keys file has keys", name)
		}
		list, ok := member.Value.(*ast.SequenceNode)
		if !ok {
			return nil, fault(member.Key.GetToken().Position.Line, "keys is no list")
		}
		items = list
	}
	if items == nil {
		return nil, fault(1, `there are no keys; "keys: []" is none`)
	}
	keys := make([]Key, 0, len(items.Values))
	ids, hashes := map[string]bool{}, map[Hash]bool{}
	for _, item := range items.Values {
		line := item.GetToken().Position.Line
		var r keyRecord
		if err := yaml.NodeToValue(item, &r, yaml.Strict()); err != nil {
			return nil, yamlFault(name, err)
		}
		k, wrong, err := r.key()
		if err != nil {
			for _, member := range members(item) {
				if strings.Trim(member.Key.String(), `"'`) == wrong {
					line = member.Key.GetToken().Position.Line
				}
			}
			return nil, fault(line, "%s", err)
		}
		if ids[k.ID] || hashes[k.Hash] {
			return nil, fault(line, "key %s is there twice", k.ID)
		}
		ids[k.ID], hashes[k.Hash] = true, true
		keys = append(keys, k)
	}
	return keys, nil
}

// keyRecord is a Key as it's written. The YAML library would take a time that it can't read for none at all, and a key
// that ends some day for one that never does.
type keyRecord struct {
	ID      string   `yaml:"id"`
	Client  string   `yaml:"client"`
	Hash    string   `yaml:"hash"`
	Plan    string   `yaml:"plan"`
	Scopes  []string `yaml:"scopes"`
	Created string   `yaml:"created"`
	Expires string   `yaml:"expires"`
	Revoked string   `yaml:"revoked"`
}

// key reads the record. With an error comes the member that is wrong, if it's one.
func (r keyRecord) key() (k Key, wrong string, err error) {
	k = Key{ID: r.ID, Client: r.Client, Plan: r.Plan, Scopes: r.Scopes}
	if r.Hash != "" {
		if err := k.Hash.UnmarshalText([]byte(r.Hash)); err != nil {
			return k, "hash", err
		}
	}
	for _, t := range []struct {
		name, text string
		at         *time.Time
	}{{"created", r.Created, &k.Created}, {"expires", r.Expires, &k.Expires}, {"revoked", r.Revoked, &k.Revoked}} {
		if t.text == "" {
			continue
		}
		if *t.at, err = time.Parse(time.RFC3339, t.text); err != nil {
			return k, t.name, fmt.Errorf("%s is no time like 2027-01-31T00:00:00Z", t.name)
		}
	}
	return k, "", k.check()
}

func members(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	default:
		return nil
	}
}

// yamlFault is the library's error without the excerpt of the file that it brings.
func yamlFault(name string, err error) error {
	var known yaml.Error
	if !errors.As(err, &known) {
		return fmt.Errorf("%s: %w", name, err)
	}
	line := 1
	if t := known.GetToken(); t != nil {
		line = t.Position.Line
	}
	return fmt.Errorf("%s:%d: %s", name, line, known.GetMessage())
}

// deepest is how deep brackets are nested, those in texts and comments included: the parser recurses with them.
func deepest(text []byte) int {
	depth, most := 0, 0
	for _, c := range text {
		switch c {
		case '[', '{':
			depth++
			most = max(most, depth)
		case ']', '}':
			depth--
		}
	}
	return most
}
