package security_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/graph"
	"github.com/tributary-gateway/tributary/graph/model"
	"github.com/tributary-gateway/tributary/resolvers"
)

// panics begins the configuration of a gateway whose Go resolvers misbehave.
const panics = "# panics\n"

// panicking has resolvers in Go that fail in ways that their authors didn't mean.
type panicking struct{ *resolvers.Resolver }

func (p panicking) Query() graph.QueryResolver { return panickingQuery{p.Resolver.Query()} }

type panickingQuery struct{ graph.QueryResolver }

func (panickingQuery) ProductCount(context.Context, *model.Category) (int32, error) {
	panic(fmt.Errorf("dial tcp 10.1.2.3:5432: %s", upstreamSecret))
}

func (panickingQuery) Users(context.Context, *int32, *model.Role) ([]*model.User, error) {
	return slices.Repeat([]*model.User{nil}, -len(upstreamSecret)), nil // panics
}

func (panickingQuery) User(context.Context, string) (*model.User, error) {
	return nil, errors.New("open /etc/tributary/" + upstreamSecret + ": permission denied")
}

func (panickingQuery) Product(context.Context, string) (*model.Product, error) {
	return nil, fmt.Errorf("query: %w", &fs.PathError{Op: "open", Path: "/srv/" + upstreamSecret, Err: os.ErrPermission})
}

// Whatever goes wrong, and by whichever road it was asked for: the client reads a code and a text of ours, and no address,
// path, type or text of a library, a service or a resolver's author.
func TestCausesAreMasked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		yaml, doc, codes string
		service          http.HandlerFunc
	}{
		"a panic":                    {panics + profiles["open"], "{productCount}", "INTERNAL", nil},
		"a panic of the runtime":     {panics + profiles["open"], "{users{id}}", "INTERNAL", nil},
		"an error":                   {panics + profiles["open"], `{user(id:"1"){id}}`, "INTERNAL", nil},
		"an error of the system":     {panics + profiles["open"], `{product(id:"1"){id}}`, "INTERNAL", nil},
		"nobody there":               {broken("http://127.0.0.1:1"), `{user(id:"1"){id}}`, "UPSTREAM_UNAVAILABLE", nil},
		"a host that isn't":          {broken("http://nothing.invalid:80"), `{user(id:"1"){id}}`, "UPSTREAM_UNAVAILABLE", nil},
		"a certificate that is none": {broken(untrusted(t)), `{user(id:"1"){id}}`, "UPSTREAM_UNAVAILABLE", nil},
		"TLS where there is none":    {broken(strings.Replace(plainService(t), "http://", "https://", 1)), `{user(id:"1"){id}}`, "UPSTREAM_UNAVAILABLE", nil},
		"no TLS where there is some": {broken(strings.Replace(untrusted(t), "https://", "http://", 1)), `{user(id:"1"){id}}`, "UPSTREAM_INVALID_RESPONSE UPSTREAM_UNAVAILABLE UPSTREAM_ERROR BAD_USER_INPUT", nil},
		"a page":                     {profiles["open"], `{user(id:"1"){id}}`, "UPSTREAM_INVALID_RESPONSE", answers200("text/html", "<html><body>nginx "+upstreamSecret+"</body></html>")},
		"a stack":                    {profiles["open"], `{user(id:"1"){id}}`, "UPSTREAM_ERROR", status(500, `{"error":"`+upstreamSecret+`","trace":["at /srv/app.rb:1"]}`)},
		"a redirect to the inside":   {profiles["open"], `{user(id:"1"){id}}`, "UPSTREAM_ERROR", redirects("http://169.254.169.254/" + upstreamSecret)},
		"a connection that is cut":   {profiles["open"], `{user(id:"1"){id}}`, "UPSTREAM_UNAVAILABLE UPSTREAM_INVALID_RESPONSE", bytesOnly("")},
		"a service that hangs":       {profiles["hasty"], `{user(id:"1"){id}}`, "UPSTREAM_TIMEOUT", hang},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := start(t, c.yaml)
			target.unable = true
			for _, road := range roads {
				if road.name == "greeting" {
					continue
				}
				a := road.make(&bomb{query: c.doc})
				a.service = c.service
				a.want = verdict{status: list("101 200 500 504"), codes: list(c.codes), cpu: 1e9, memory: 64 << 20, has: []string{`"code"`}}.without(upstreamSecret, "nginx", "169.254", "10.1.2.3", "nothing.invalid")
				t.Run(road.name, func(t *testing.T) { target.suffer(t, a) })
			}
		})
	}
}

// broken is a gateway whose users are at another address.
func broken(address string) string {
	return strings.ReplaceAll(profiles["open"], "ADDRESS-users", address)
}

func untrusted(t *testing.T) string {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

func plainService(t *testing.T) string {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	return server.URL
}

// otherWords look like codes of errors and are none: variables of the environment, and values of directives.
var otherWords = regexp.MustCompile(`^((TRIBUTARY|KUBERNETES|HTTPS?)_|AS_IS$)`)

// Every code that stands anywhere in the gateway is one of the list, which docs/errors.md tells.
func TestOneListOfCodes(t *testing.T) {
	t.Parallel()
	known := []string{"COST_SLICING_ARGUMENTS"} // of the command line
	for _, kind := range fail.Kinds() {
		known = append(known, kind.Code())
	}
	word := regexp.MustCompile(`^[A-Z]{2,}(_[A-Z]+)+$`)
	files := 0
	for _, root := range []string{"../gateway", "../upstreams", "../resolvers"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".gen.go") {
				return err
			}
			files++
			file, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				literal, ok := n.(*ast.BasicLit)
				if !ok || literal.Kind != gotoken.STRING {
					return true
				}
				if text, err := strconv.Unquote(literal.Value); err == nil && word.MatchString(text) && !otherWords.MatchString(text) && !slices.Contains(known, text) {
					t.Errorf("%s has %s, which is no code of gateway/fail", path, text)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 {
		t.Errorf("%d files were looked at", files)
	}
}
