package browsertest

import (
	"fmt"

	"github.com/chromedp/chromedp"
)

// GraphiQL is a tab in which GraphiQL runs.
type GraphiQL struct{ *Page }

// Part is one of GraphiQL's editors, by the name of its document.
type Part string

// The editors of the tab that GraphiQL shows.
const (
	Operation Part = "operation.graphql"
	Variables Part = "variables.json"
	Headers   Part = "request-headers.json"
	Response  Part = "response.json"
)

// OpenGraphiQL opens url and returns when its editors are there and the schema has been read by introspection.
func (b *Browser) OpenGraphiQL(url string, scheme Scheme) GraphiQL {
	b.t.Helper()
	g := GraphiQL{b.Open(url, scheme)}
	for _, part := range []Part{Operation, Variables, Headers, Response} {
		g.WaitFor(model(part))
	}
	g.WaitFor(`document.querySelector(".graphiql-query-editor .view-line span span")`)
	g.WaitFor(`!document.querySelector(".graphiql-spin, .graphiql-spinner")`)
	return g
}

// Content is the whole text of an editor.
func (g GraphiQL) Content(part Part) string {
	g.t.Helper()
	return g.Text(model(part) + ".getValue()")
}

// Write replaces the whole text of an editor, as pasting would.
func (g GraphiQL) Write(part Part, text string) {
	g.t.Helper()
	g.do("write "+string(part), chromedp.Evaluate[chromedp.Void](fmt.Sprintf("%s.setValue(%q)", model(part), text)))
}

// Run clicks the run button. WaitAnswer tells when the answer is there.
func (g GraphiQL) Run() {
	g.t.Helper()
	g.Click(".graphiql-execute-button")
}

// RunByKeyboard runs the query the other way: Ctrl-Enter in the editor.
func (g GraphiQL) RunByKeyboard() {
	g.t.Helper()
	g.Click(".graphiql-query-editor .view-lines")
	g.Press("\r", chromedp.ModifierCtrl)
}

// WaitAnswer returns when the response contains the text, wherever the editor is scrolled.
func (g GraphiQL) WaitAnswer(text string) {
	g.t.Helper()
	g.WaitFor(fmt.Sprintf("%s.getValue().includes(%q)", model(Response), text))
}

// model is the JavaScript for Monaco's document of an editor; GraphiQL keeps Monaco in a global.
func model(part Part) string {
	return fmt.Sprintf("globalThis.__MONACO?.editor.getModels().find((m) => m.uri.path.endsWith(%q))", part)
}
