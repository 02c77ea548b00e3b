package operation

import (
	"context"
	"errors"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/tributary-gateway/tributary/gateway/fail"
)

// Documents checks documents against one schema and keeps the good ones. It is safe for concurrent use.
type Documents struct {
	schema *ast.Schema
	config Config
	cache  *Cache
}

// NewDocuments makes it. The error names everything wrong with the configuration.
func NewDocuments(schema *ast.Schema, config Config) (*Documents, error) {
	if schema == nil {
		return nil, errors.New("documents need a schema")
	}
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.WithDefaults()
	cache, err := NewCache(config.CacheEntries, config.CacheBytes)
	if err != nil {
		return nil, err
	}
	return &Documents{schema: schema, config: config, cache: cache}, nil
}

// Load returns the document of a text, ready to execute, or what is wrong with it: errors of kind TooLarge, ParseFailed
// or ValidationFailed, with their places. Callers share the document and must not change it.
func (d *Documents) Load(ctx context.Context, query string) (*ast.QueryDocument, gqlerror.List) {
	if doc, ok := d.cache.Get(ctx, query); ok {
		return doc, nil
	}
	if err := Scan(query, d.config.Limits); err != nil {
		var refused *gqlerror.Error
		errors.As(err, &refused)
		return nil, gqlerror.List{refused}
	}
	doc, err := parse(query)
	if err != nil {
		return nil, gqlerror.List{err}
	}
	if errs := survey(doc, d.config.Limits); errs != nil {
		return nil, errs
	}
	if errs := literals(doc, d.config.Limits); errs != nil {
		return nil, errs
	}
	introspect := !d.config.DisableIntrospection
	if errs := check(d.schema, doc, introspect && len(query) <= suggestible, introspect); errs != nil {
		return nil, errs
	}
	d.cache.Add(ctx, query, doc)
	return doc, nil
}

func parse(query string) (*ast.QueryDocument, *gqlerror.Error) {
	source := &ast.Source{Input: query}
	doc, err := parser.ParseQuery(source)
	if err == nil {
		if len(doc.Operations) == 0 {
			return nil, refusal(fail.ParseFailed, "The document has no operation.")
		}
		for _, f := range doc.Fragments { // an experiment that the parser takes part in, and nobody else
			if len(f.VariableDefinition) > 0 {
				return nil, refusal(fail.ParseFailed, "Syntax error: A fragment has no variables of its own.", locate(f.Position)...)
			}
		}
		return doc, nil
	}
	var told *gqlerror.Error
	if !errors.As(err, &told) {
		return nil, refusal(fail.ParseFailed, "")
	}
	// Of a text that is no token the parser says "Unexpected <Invalid>"; the lexer knows what is wrong.
	if lexical := lexicalError(source); lexical != nil && slices.Equal(lexical.Locations, told.Locations) {
		told = lexical
	}
	return nil, refusal(fail.ParseFailed, "Syntax error: "+shorten(told.Message, longest), told.Locations...)
}

// lexicalError returns the first error of the lexer alone.
func lexicalError(source *ast.Source) *gqlerror.Error {
	for lex := lexer.New(source); ; {
		tok, err := lex.ReadToken()
		var told *gqlerror.Error
		if errors.As(err, &told) {
			return told
		}
		if tok.Kind == lexer.EOF || err != nil {
			return nil //nolint:nilerr // an error of another kind isn't the lexer's
		}
	}
}
