package discovery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// node is a place in a document of either format, with its line.
type node struct {
	kind  nodeKind
	line  int
	text  string // of a text, or of a number
	list  []*node
	pairs []pair
}

type pair struct {
	key   string
	line  int
	value *node
}

type nodeKind int

const (
	otherNode nodeKind = iota // true, null and the like
	textNode
	listNode
	mappingNode
)

func (n *node) String() string {
	switch n.kind {
	case textNode:
		return quote(n.text)
	case listNode:
		return "a list"
	case mappingNode:
		return "keys and values"
	default:
		return "something else"
	}
}

// maxNesting is how deep a document may go; a list of groups has four levels.
const maxNesting = 32

// parseTree reads a document. Errors begin with the line.
func parseTree(kind string, text []byte) (*node, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("1: the file is not UTF-8")
	}
	if line := tooDeep(text); line > 0 {
		return nil, fmt.Errorf("%d: nested too deep", line)
	}
	if kind == "json" {
		return parseJSON(text)
	}
	return parseYAML(text)
}

// tooDeep is the first line with too many open brackets or list items within one another, or 0. The YAML parser calls
// itself for each.
func tooDeep(text []byte) int {
	open, number := 0, 0
	for line := range bytes.Lines(text) {
		number++
		entries := 0
		for _, c := range line {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(open-1, 0)
			case '-', '?':
				entries++
			}
		}
		indent := len(line) - len(bytes.TrimLeft(line, " "))
		if open > maxNesting || entries > 10*maxNesting || indent > 10*maxNesting {
			return number
		}
	}
	return 0
}

// parseJSON walks the tokens of a document that is known to be JSON.
func parseJSON(text []byte) (*node, error) {
	var starts []int // where the lines after the first begin
	for i, c := range text {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	lineAt := func(offset int64) int { return sort.SearchInts(starts, int(offset)+1) + 1 }
	if err := json.Unmarshal(text, new(any)); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("%d: not JSON: %w", lineAt(max(syntax.Offset-1, 0)), err)
		}
		return nil, fmt.Errorf("1: not JSON: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var read func() (*node, error)
	read = func() (*node, error) {
		tok, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("%d: not JSON: %w", lineAt(d.InputOffset()), err)
		}
		n := &node{line: lineAt(d.InputOffset() - 1)}
		switch value := tok.(type) {
		case string:
			n.kind, n.text = textNode, value
		case json.Number:
			n.kind, n.text = textNode, value.String()
		case json.Delim:
			n.kind = listNode
			if value == '{' {
				n.kind = mappingNode
			}
			for d.More() {
				item, err := read()
				if err != nil {
					return nil, err
				}
				if n.kind == listNode {
					n.list = append(n.list, item)
					continue
				}
				content, err := read()
				if err != nil {
					return nil, err
				}
				if err := n.put(item.text, item.line, content); err != nil {
					return nil, err
				}
			}
			if _, err := d.Token(); err != nil {
				return nil, fmt.Errorf("%d: not JSON: %w", lineAt(d.InputOffset()), err)
			}
		}
		return n, nil
	}
	return read()
}

// maxKeys bounds a mapping: the search for keys that are there twice takes its square.
const maxKeys = 1000

func (n *node) put(key string, line int, value *node) error {
	if len(n.pairs) == maxKeys {
		return fmt.Errorf("%d: more than %d keys", line, maxKeys)
	}
	for _, p := range n.pairs {
		if p.key == key {
			return fmt.Errorf("%d: the key %s is here twice, first in line %d", line, quote(key), p.line)
		}
	}
	n.pairs = append(n.pairs, pair{key, line, value})
	return nil
}

func parseYAML(text []byte) (root *node, err error) {
	// The parser is written for files that are read once at start; one that makes it stumble must not end the gateway.
	defer func() {
		if cause := recover(); cause != nil {
			root, err = nil, fmt.Errorf("1: not YAML: the parser stumbled: %v", cause)
		}
	}()
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) && syntax.Token != nil && syntax.Token.Position != nil {
			return nil, fmt.Errorf("%d: not YAML: %s", syntax.Token.Position.Line, syntax.Message)
		}
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("1: not YAML: %s", first)
	}
	var body ast.Node
	for _, document := range file.Docs {
		switch {
		case document.Body == nil:
		case body != nil:
			return nil, fmt.Errorf("%d: a second document", lineOf(document.Body))
		default:
			body = document.Body
		}
	}
	if body == nil {
		return nil, errors.New("1: the file is empty; a list of none is written []")
	}
	return fromYAML(body)
}

func lineOf(n ast.Node) int {
	if tok := n.GetToken(); tok != nil && tok.Position != nil {
		return tok.Position.Line
	}
	return 1
}

func fromYAML(n ast.Node) (*node, error) {
	out := &node{line: lineOf(n)}
	switch value := n.(type) {
	case *ast.SequenceNode:
		out.kind = listNode
		for _, item := range value.Values {
			child, err := fromYAML(item)
			if err != nil {
				return nil, err
			}
			out.list = append(out.list, child)
		}
	case ast.MapNode:
		out.kind = mappingNode
		for iter := value.MapRange(); iter.Next(); {
			key := iter.Key()
			out.line = min(out.line, lineOf(key))
			child, err := fromYAML(iter.Value())
			if err != nil {
				return nil, err
			}
			if err := out.put(key.GetToken().Value, lineOf(key), child); err != nil {
				return nil, err
			}
		}
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode:
		out.kind, out.text = textNode, n.GetToken().Value
	case *ast.LiteralNode:
		out.kind, out.text = textNode, value.Value.Value
	case *ast.NullNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
	default:
		return nil, fmt.Errorf("%d: anchors, aliases and tags mean nothing here", out.line)
	}
	return out, nil
}
