package assemble

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/gateway/playground"
)

// newPlayground makes the page at /.
func newPlayground(section config.Playground) (http.Handler, error) {
	headers := ""
	if len(section.Headers) > 0 {
		text, err := json.MarshalIndent(section.Headers, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("playground headers: %w", err)
		}
		headers = string(text)
	}
	return playground.New(playground.Config{
		Title:    section.Title,
		Endpoint: "/graphql",
		Query:    section.Query,
		Headers:  headers,
	})
}
