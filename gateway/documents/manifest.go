package documents

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// entry is one document of a manifest.
type entry struct{ id, text string }

// parseManifest reads a manifest: Apollo's is an object with format and operations, Relay's and graphql-codegen's an object
// from id to text.
func parseManifest(text []byte) ([]entry, error) {
	members, err := object(text)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if m.name == "format" || m.name == "operations" && len(m.value) > 0 && m.value[0] == '[' {
			return parseApollo(members)
		}
	}
	entries := make([]entry, 0, len(members))
	for _, m := range members {
		var body string
		if m.value[0] != '"' || json.Unmarshal(m.value, &body) != nil {
			return nil, fmt.Errorf("the document %.80q is no text", m.name)
		}
		entries = append(entries, entry{m.name, body})
	}
	return checked(entries)
}

const apolloFormat = "apollo-persisted-query-manifest"

func parseApollo(members []member) ([]entry, error) {
	var format string
	var version json.Number
	var operations []struct{ ID, Name, Type, Body string }
	for _, m := range members {
		var err error
		switch m.name {
		case "format":
			err = json.Unmarshal(m.value, &format)
		case "version":
			err = json.Unmarshal(m.value, &version)
		case "operations":
			err = json.Unmarshal(m.value, &operations)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: isn't what %s has there", m.name, apolloFormat)
		}
	}
	if format != apolloFormat || version != "1" {
		return nil, fmt.Errorf("format %.80q in version %.20s isn't known; it can be %s in version 1", format, version.String(), apolloFormat)
	}
	entries := make([]entry, len(operations))
	for i, o := range operations {
		entries[i] = entry{o.ID, o.Body}
	}
	return checked(entries)
}

// checked looks at what all forms have in common. That a text is GraphQL and fits the schema shows when it is used: a
// manifest may be there before the schema is.
func checked(entries []entry) ([]entry, error) {
	seen := make(map[string]string, len(entries))
	var problems []error
	for i, e := range entries {
		other, twice := seen[e.id]
		switch {
		case e.id == "" || len(e.id) > maxID:
			problems = append(problems, fmt.Errorf("document %d: its id has %d bytes; it can have 1 to %d", i, len(e.id), maxID))
		case strings.TrimSpace(e.text) == "":
			problems = append(problems, fmt.Errorf("document %.80q has no text", e.id))
		case fingerprint(e.text) == print{}:
			problems = append(problems, fmt.Errorf("document %.80q isn't GraphQL", e.id))
		case twice && other != e.text:
			problems = append(problems, fmt.Errorf("the id %.80q names two documents", e.id))
		}
		if len(problems) == maxProblems {
			break
		}
		seen[e.id] = e.text
	}
	return entries, errors.Join(problems...)
}

// maxProblems is how many of a manifest's problems are told.
const maxProblems = 10

type member struct {
	name  string
	value json.RawMessage
}

// object reads the members of a JSON object that is all there is, in their order. encoding/json alone would take the last
// of two with one name.
func object(text []byte) ([]member, error) {
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("is no JSON object")
	}
	var members []member
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, errors.New("is no valid JSON")
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, errors.New("is no valid JSON")
		}
		text, _ := name.(string)
		members = append(members, member{text, value})
	}
	if _, err := decoder.Token(); err != nil {
		return nil, errors.New("is no valid JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON object")
	}
	return members, nil
}

// trusted are the documents of all manifests. It isn't changed after it is made.
type trusted struct {
	ids    map[string]string // text by id
	prints map[print]string  // text by what it says
	exact  map[[sha256.Size]byte]string
	listed []entry // as the manifests have them
	tokens int     // of the longest
	bytes  int     // of the longest, with room for other white space
}

func newTrusted(manifests [][]entry) (*trusted, error) {
	t := &trusted{ids: map[string]string{}, prints: map[print]string{}, exact: map[[sha256.Size]byte]string{}}
	for _, entries := range manifests {
		for _, e := range entries {
			if other, twice := t.ids[e.id]; twice && other != e.text {
				return nil, fmt.Errorf("the id %.80q names different documents in two manifests", e.id)
			}
			t.ids[e.id] = e.text
			t.listed = append(t.listed, e)
			sum := sha256.Sum256([]byte(e.text))
			t.exact[sum] = e.text
			p, tokens := fingerprintOf(e.text, 0)
			t.prints[p] = e.text
			t.tokens = max(t.tokens, tokens)
			t.bytes = max(t.bytes, 4*len(e.text)+4096)
			// Clients that hash by themselves find the document, too.
			if digest := hex.EncodeToString(sum[:]); t.ids[digest] == "" {
				t.ids[digest] = e.text
			}
		}
	}
	return t, nil
}

// byID finds a document by the id of a manifest, or by sha256: and its hash.
func (t *trusted) byID(id string) (text string, ok bool) {
	if text, ok = t.ids[id]; ok {
		return text, ok
	}
	if digits, prefixed := strings.CutPrefix(id, "sha256:"); prefixed {
		text, ok = t.ids[digits]
	}
	return text, ok
}

// same finds the document that says what a text says. A text that is far longer than any of them isn't read to its end.
func (t *trusted) same(text string) (string, bool) {
	if len(text) > t.bytes {
		return "", false
	}
	if known, ok := t.exact[sha256.Sum256([]byte(text))]; ok {
		return known, true
	}
	p, _ := fingerprintOf(text, t.tokens)
	known, ok := t.prints[p]
	return known, ok
}
