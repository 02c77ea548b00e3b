package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/upstreams/call"
	"github.com/tributary-gateway/tributary/upstreams/rest"
	"github.com/tributary-gateway/tributary/upstreams/template"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Service is a service that is asked for events.
type Service struct {
	// Client makes the calls that are polled. Nil when there are none.
	Client *rest.Client
	// Base is the address that the paths of streams are appended to.
	Base string
	// Transport opens streams. It must set no time for an answer as a whole.
	Transport http.RoundTripper
	// Headers are sent to open a stream. Their values may be secrets.
	Headers map[string]string
	// Forward names the headers of the client's request that the service gets.
	Forward []string
}

// Options are what Sources work with, next to their Config.
type Options struct {
	// Schema is the graph's.
	Schema *ast.Schema
	// Fields are those of the subscription type that have a source, by coordinate.
	Fields map[string]*Field
	// Services are by name.
	Services map[string]Service
	// Hub carries events by topic.
	Hub *Hub
}

// Sources are the sources of a schema's subscription fields. They are made once and used by all subscriptions.
type Sources struct {
	config  Config
	options Options
	feeds   feeds
}

// New makes Sources. It is an error when a field needs a service, or the hub, and there is none.
func New(c Config, o Options) (*Sources, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	s := &Sources{config: c.WithDefaults(), options: o}
	var problems []error
	for _, coordinate := range slices.Sorted(maps.Keys(o.Fields)) {
		wrong := func(format string, args ...any) {
			problems = append(problems, fmt.Errorf("%s: "+format, append([]any{coordinate}, args...)...))
		}
		switch f := o.Fields[coordinate]; {
		case f.Poll != nil && o.Services[f.Poll.Call.Service].Client == nil:
			wrong("the service %s isn't configured", f.Poll.Call.Service)
		case f.Poll != nil && f.Poll.Every < s.config.MinPoll:
			wrong("it is polled every %v, and min_poll is %v", f.Poll.Every, s.config.MinPoll)
		case f.Stream != nil && o.Services[f.Stream.Service].Transport == nil:
			wrong("the service %s isn't configured", f.Stream.Service)
		case f.Topic != nil && o.Hub == nil:
			wrong("there is no hub for topics")
		case f.Poll == nil && f.Stream == nil && f.Topic == nil:
			wrong("it has no source")
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	return s, nil
}

// Feeds is how many sources run at the moment, topics not counted.
func (s *Sources) Feeds() int { return s.feeds.len() }

// Field is a subscription field with a source: one of Poll, Stream and Topic.
type Field struct {
	Poll   *Poll
	Stream *Stream
	// Topic is the template of a topic's name.
	Topic *template.Text
	// Select leads to the value in a topic's event.
	Select view.Pointer
}

// Poll asks again and again.
type Poll struct {
	Call  *call.Call
	Every time.Duration
}

// Stream is an event stream of a service.
type Stream struct {
	Service string
	Path    *template.Path
	Query   template.Query
	Headers template.Headers
	// Type is that of the events that count, "" for all.
	Type string
	// Select leads to the value in an event's data.
	Select view.Pointer
}

// mostItems is how many errors of single items of one event are kept. The response tells fewer.
const mostItems = 100

// Subscribe answers a subscription field from its source; generated resolvers call it. convert makes the Go value of an
// update's; it isn't called for errors.
func Subscribe[T any](ctx context.Context, coordinate string, convert func(context.Context, view.Value) (T, error)) (<-chan T, error) {
	m := mailOf(ctx)
	if m == nil {
		return nil, internal(coordinate, "no sources of events in the context; use event.Extension")
	}
	s := m.sources
	f := s.options.Fields[coordinate]
	if f == nil {
		return nil, internal(coordinate, "the schema has no source of events there; generate the code again")
	}
	m.settle(ctx)
	q := newQueue(s.config.Queue, func(u Update) (T, report) {
		if u.Err != nil {
			var none T
			return none, report{err: u.Err}
		}
		// What is wrong with single items is said in a context that is the event's alone: that of the subscription has had
		// its response.
		own := graphql.WithFreshResponseContext(ctx)
		value, err := convert(own, u.Value)
		items := graphql.GetErrors(own)
		return value, report{err, items[:min(len(items), mostItems)]}
	}, m)
	leave, err := s.join(ctx, coordinate, f, q)
	if err != nil {
		return nil, err
	}
	q.until(ctx, leave)
	return q.out, nil
}

// join adds a subscriber to a field's feed.
func (s *Sources) join(ctx context.Context, coordinate string, f *Field, l listener) (leave func(), err error) {
	a := asked{coordinate: coordinate}
	if fc := graphql.GetFieldContext(ctx); fc != nil && fc.Field.Field != nil && len(fc.Field.Definition.Arguments) > 0 {
		a.args = call.Args(s.options.Schema, fc.Field.Field, graphql.GetOperationContext(ctx).Variables)
	}
	if graphql.HasOperationContext(ctx) {
		a.header = graphql.GetOperationContext(ctx).Headers
	}
	a.scope = rest.Scope(ctx, a.args)
	switch {
	case f.Poll != nil:
		return s.poll(ctx, &a, f.Poll, l)
	case f.Stream != nil:
		return s.stream(ctx, &a, f.Stream, l)
	default:
		name, err := topicOf(f.Topic, &a.scope)
		if err != nil {
			return nil, err
		}
		return s.options.Hub.join(ctx, name, &selecting{l, f.Select})
	}
}

func (s *Sources) poll(ctx context.Context, a *asked, p *Poll, l listener) (leave func(), err error) {
	service := s.options.Services[p.Call.Service]
	key, err := a.key(service.Forward, holes(&p.Call.Request))
	if err != nil {
		return nil, err
	}
	scope := a.scope
	run := poller{every: p.Every, most: s.config.MaxBackoff, ask: func(ctx context.Context) (view.Value, error) {
		return service.Client.Do(ctx, &p.Call.Request, &scope, nil)
	}}
	return s.feeds.join(ctx, key, true, l, run.run), nil
}

func (s *Sources) stream(ctx context.Context, a *asked, d *Stream, l listener) (leave func(), err error) {
	service := s.options.Services[d.Service]
	all := slices.Concat(d.Path.Placeholders(), d.Query.Placeholders(), d.Headers.Placeholders())
	key, err := a.key(service.Forward, all)
	if err != nil {
		return nil, err
	}
	request, err := d.request(service, a)
	if err != nil {
		return nil, err
	}
	run := streamer{service: d.Service, request: request, transport: service.Transport, kind: d.Type, point: d.Select,
		most: int(s.config.MaxEventBytes), backoff: s.config.MaxBackoff}
	return s.feeds.join(ctx, key, false, l, run.run), nil
}

// holes are the placeholders of a request.
func holes(r *rest.Request) []template.Placeholder {
	var all []template.Placeholder
	if r.Path != nil {
		all = r.Path.Placeholders()
	}
	all = append(append(all, r.Query.Placeholders()...), r.Headers.Placeholders()...)
	if r.Body != nil {
		all = append(all, r.Body.Placeholders()...)
	}
	return all
}

// asked is what one subscription asks of its source.
type asked struct {
	coordinate string
	args       map[string]any
	header     http.Header
	scope      template.Scope
}

// key is the same for two subscriptions when the service would see the same of both: the field, its arguments, the headers
// that are passed on, and what of the caller the templates use.
func (a *asked) key(forward []string, used []template.Placeholder) (string, error) {
	parts := []any{a.coordinate, a.args}
	for _, name := range forward {
		parts = append(parts, a.header.Values(name))
	}
	for _, hole := range used {
		switch hole.Root {
		case template.Header:
			parts = append(parts, a.header.Get(hole.Path[0]))
		case template.Client:
			parts = append(parts, a.scope.ClientID)
		case template.Claim:
			claim := ""
			if a.scope.Claim != nil {
				claim = string(appendCanonical(nil, a.scope.Claim(hole.Path)))
			}
			parts = append(parts, claim)
		}
	}
	key, err := json.Marshal(parts)
	if err != nil {
		return "", fail.Wrap(fail.Internal, a.coordinate, err)
	}
	return string(key), nil
}

// request gives what makes the stream's request, again and again.
func (d *Stream) request(service Service, a *asked) (func(ctx context.Context) *http.Request, error) {
	scope := a.scope
	forward := map[string]bool{}
	for _, name := range service.Forward {
		forward[http.CanonicalHeaderKey(name)] = true
	}
	scope.Header = func(name string) string {
		if name = http.CanonicalHeaderKey(name); forward[name] {
			return a.header.Get(name)
		}
		return ""
	}
	path, err := d.Path.Append([]byte(strings.TrimRight(service.Base, "/")), &scope)
	if err != nil {
		return nil, err
	}
	query, err := d.Query.Append(nil, &scope, template.Repeat)
	if err != nil {
		return nil, err
	}
	address := string(path)
	if len(query) > 0 {
		address += "?" + string(query)
	}
	base, err := http.NewRequestWithContext(context.Background(), http.MethodGet, service.Base, nil)
	if err != nil {
		return nil, internal(a.coordinate, "the service's address is none")
	}
	made, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, nil)
	if err != nil || made.URL.Host != base.URL.Host || made.URL.Scheme != base.URL.Scheme || made.URL.User != nil {
		return nil, internal(a.coordinate, "the path makes no address of the service")
	}
	made.Header.Set("Accept", "text/event-stream")
	made.Header.Set("Cache-Control", "no-store")
	made.Header.Set("User-Agent", rest.DefaultUserAgent)
	for name, value := range service.Headers {
		made.Header.Set(name, value)
	}
	for name := range forward {
		if values := a.header.Values(name); len(values) > 0 && !template.Reserved(name) {
			made.Header[name] = values
		}
	}
	if err := d.Headers.Expand(&scope, made.Header.Set); err != nil {
		return nil, err
	}
	return made.Clone, nil
}

// selecting gives a subscriber a part of each event.
type selecting struct {
	listener

	point view.Pointer
}

func (s *selecting) offer(u Update) bool {
	u.Value = u.Value.At(s.point)
	return s.listener.offer(u)
}
