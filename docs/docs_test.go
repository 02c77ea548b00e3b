// Package docs_test holds the pages of this folder, and the other Markdown files of the project, against the code.
//
// A page that lists what the code has, such as the codes of errors, must list all of it; an example must be valid; a link to
// a file must lead to one. What a page says in prose nobody checks but its readers.
package docs_test

import (
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/call"
)

const root = ".."

func TestErrorsListsEveryKind(t *testing.T) {
	page := read(t, "errors.md")
	for _, kind := range fail.Kinds() {
		if !strings.Contains(page, "| `"+kind.Code()+"` |") {
			t.Errorf("errors.md has no row for %s", kind.Code())
		}
		if !strings.Contains(page, "| "+kind.Text()+" |") {
			t.Errorf("errors.md doesn't have the text of %s: %s", kind.Code(), kind.Text())
		}
	}
	known := map[string]bool{}
	for _, kind := range fail.Kinds() {
		known[kind.Code()] = true
	}
	table := section(t, page, "## Codes")
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllStringSubmatch(table, -1) {
		if !known[row[1]] {
			t.Errorf("errors.md has a row for %s, which is no kind", row[1])
		}
	}
}

// ownDirectives are those that the page explains; the others are gqlgen's.
var ownDirectives = []string{"rest", "ref", "from", "typename"}

func TestDirectivesMentionsEveryArgument(t *testing.T) {
	page := read(t, "directives.md")
	schema := load(t)
	for _, name := range ownDirectives {
		part := section(t, page, "## @"+name)
		for _, argument := range schema.Directives[name].Arguments {
			mentions(t, "directives.md, @"+name, part, argument.Name)
		}
	}
	for _, typ := range []string{"RestBatch", "RestAnswer", "RestStyle", "RestKeyAs", "RestNotFound"} {
		part := section(t, page, "## @rest")
		for _, field := range schema.Types[typ].Fields {
			mentions(t, "directives.md, @rest, "+typ, part, field.Name)
		}
		for _, value := range schema.Types[typ].EnumValues {
			mentions(t, "directives.md, @rest, "+typ, part, value.Name)
		}
	}
}

func TestDirectivesExamplesAreOneSchema(t *testing.T) {
	schema := load(t, blocks(read(t, "directives.md"), "graphql")...)
	if _, err := call.Compile(schema, []string{"blog", "users", "stats"}); err != nil {
		t.Error(err)
	}
}

func TestConfigurationMentionsEveryKey(t *testing.T) {
	page := read(t, "configuration-reference.md")
	var schema property
	if err := json.Unmarshal(config.JSONSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	keys := 0
	schema.leaves("", func(key string) {
		keys++
		mentions(t, "configuration-reference.md", page, key)
	})
	if keys < 30 {
		t.Errorf("the JSON Schema has only %d keys", keys)
	}
	page = read(t, "configuration.md")
	for _, variable := range config.Variables() {
		mentions(t, "configuration.md", page, variable.Name)
	}
}

// property is what this test reads of a JSON Schema.
type property struct {
	Properties           map[string]property `json:"properties"`
	AdditionalProperties json.RawMessage     `json:"additionalProperties"`
}

// leaves calls visit for every key that isn't a section: services.<name>.url.
func (p property) leaves(path string, visit func(string)) {
	for name, child := range p.Properties {
		key := strings.TrimPrefix(path+"."+name, ".")
		var each property
		if json.Unmarshal(child.AdditionalProperties, &each) == nil && each.Properties != nil {
			each.leaves(key+".<name>", visit)
			continue
		}
		if child.Properties != nil {
			child.leaves(key, visit)
			continue
		}
		visit(key)
	}
}

func TestExampleConfigurationsLoad(t *testing.T) {
	for _, page := range []string{"README.md", "docs/configuration.md", "docs/edge.md"} {
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, example := range blocks(string(text), "yaml") {
			if _, err := config.Parse(page, []byte(example), config.Inputs{Environ: []string{"USERS_API_KEY=x"}}); err != nil {
				t.Errorf("%s:\n%s\n%v", page, example, err)
			}
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	for _, file := range markdown(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range link.FindAllStringSubmatch(withoutCode(string(text)), -1) {
			target, err := url.Parse(match[1])
			if err != nil {
				t.Errorf("%s: %s: %v", file, match[1], err)
				continue
			}
			if target.Scheme != "" {
				continue // the world's
			}
			to := file
			if target.Path != "" {
				to = filepath.Join(filepath.Dir(file), filepath.FromSlash(target.Path))
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s links to %s, which isn't there", file, match[1])
				continue
			}
			if target.Fragment != "" && !anchors(t, to)[target.Fragment] {
				t.Errorf("%s links to %s, which has no such heading", file, match[1])
			}
		}
	}
}

var heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)

// anchors are the fragments that GitHub gives to a page's headings.
func anchors(t *testing.T, file string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, match := range heading.FindAllStringSubmatch(withoutCode(string(text)), -1) {
		name := regexp.MustCompile(`[^\pL\pN _-]`).ReplaceAllString(strings.ToLower(match[1]), "")
		all[strings.ReplaceAll(name, " ", "-")] = true
	}
	return all
}

// markdown lists the project's own Markdown files.
func markdown(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".."):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".md"):
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("only %d pages found", len(files))
	}
	return files
}

// load is the schema that every gateway has: directives, scalars and empty roots, and what extends it.
func load(t *testing.T, more ...string) *ast.Schema {
	t.Helper()
	var sources []*ast.Source
	for _, name := range []string{"directives", "gqlgen", "scalars", "root"} {
		text, err := os.ReadFile(filepath.Join(root, "schema", name+".graphql"))
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, &ast.Source{Name: name + ".graphql", Input: string(text)})
	}
	for _, text := range more {
		sources = append(sources, &ast.Source{Name: "example", Input: text})
	}
	if len(more) == 0 { // a root needs a field
		sources = append(sources, &ast.Source{Input: "extend type Query { a: Int } extend type Mutation { a: Int }"})
	}
	schema, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// blocks are the code blocks of a page in one language.
func blocks(page, language string) []string {
	var found []string
	for _, match := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(page, -1) {
		found = append(found, match[1])
	}
	return found
}

func withoutCode(page string) string {
	page = regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(page, "")
	return regexp.MustCompile("`[^`\n]*`").ReplaceAllStringFunc(page, func(code string) string {
		return strings.NewReplacer("`", "", "[", "", "]", "", "(", "", ")", "").Replace(code)
	})
}

// section is a heading's part of a page, up to the next heading of its level.
func section(t *testing.T, page, title string) string {
	t.Helper()
	_, part, found := strings.Cut("\n"+page, "\n"+title+"\n")
	if !found {
		t.Fatalf("there is no heading %q", title)
	}
	level := title[:strings.IndexByte(title, ' ')+1]
	part, _, _ = strings.Cut(part, "\n"+level)
	return part
}

// mentions wants a name as code: `name`, or among others as in `a`, `b`.
func mentions(t *testing.T, where, text, name string) {
	t.Helper()
	if !strings.Contains(text, "`"+name+"`") {
		t.Errorf("%s doesn't mention `%s`", where, name)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
