package assemble

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/tributary-gateway/tributary/gateway/config"
	"github.com/tributary-gateway/tributary/gateway/playground"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/transport"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// newService makes the client of one service, with its own pool of connections.
func newService(name string, section config.Service) (*rest.Client, error) {
	carrier, err := transport.New(section.Connections)
	if err != nil {
		return nil, fmt.Errorf("service %s: %w", name, err)
	}
	s := rest.Service{
		Name:      name,
		Base:      section.URL,
		Transport: carrier,
		Timeout:   section.Timeout,
		MaxBody:   int64(section.MaxBody),
		UserAgent: section.UserAgent,
		Headers:   map[string]string{},
		Forward:   section.Forward,
	}
	for header, value := range section.Headers {
		s.Headers[header] = value.Reveal()
	}
	for _, rule := range []struct {
		text string
		to   **view.Pointer
	}{
		{section.Errors.When, &s.Errors.When},
		{section.Errors.Message, &s.Errors.Message},
		{section.Errors.Code, &s.Errors.Code},
	} {
		if rule.text == "" {
			continue
		}
		pointer, err := view.ParsePointer(rule.text)
		if err != nil {
			return nil, fmt.Errorf("service %s: %w", name, err)
		}
		*rule.to = &pointer
	}
	return rest.NewClient(s)
}

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
