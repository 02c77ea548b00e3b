package discovery

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/tributary-gateway/tributary/gateway/files"
	"github.com/tributary-gateway/tributary/upstreams/backoff"
	"github.com/tributary-gateway/tributary/upstreams/credential"
)

// accountFolder is where Kubernetes puts a pod's credentials.
const accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount/"

const (
	// watchTime is how long the API server is asked to keep a watch; up to half as much is added, so that not all end
	// at once.
	watchTime = 5 * time.Minute
	// watchRate is the least time from the beginning of one watch to the next.
	watchRate = 100 * time.Millisecond
	// listTime is how long it may take for a list.
	listTime = 30 * time.Second
	// maxLine bounds one event: a slice has 1000 endpoints at most, of about 1 KiB.
	maxLine = 4 << 20
)

// errGone means that the API server has forgotten where the watch was, so that it takes a new list.
var errGone = errors.New("the API server has forgotten the state to go on from")

// kubernetesSource lists a service's EndpointSlices and then watches them change.
type kubernetesSource struct {
	config  Kubernetes
	options Options
	connect func() (http.RoundTripper, func())
}

func newKubernetes(c Kubernetes, o Options) (Source, error) {
	if c.API == "" {
		host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
		if host == "" || port == "" {
			return nil, errors.New("kubernetes.api: is missing, and KUBERNETES_SERVICE_HOST and _PORT are not set, as they are in a pod")
		}
		c.API = "https://" + net.JoinHostPort(host, port)
		orDefault(&c.TokenFile, accountFolder+"token")
		orDefault(&c.CAFile, accountFolder+"ca.crt")
	}
	if c.Namespace == "" {
		text, err := files.Read(accountFolder+"namespace", maxFile)
		if err != nil {
			return nil, fmt.Errorf("kubernetes.namespace: is missing, and the pod's own can't be read: %w", err)
		}
		c.Namespace = strings.TrimSpace(string(text))
	}
	connect, err := connector("kubernetes", c.CAFile, credential.Config{Bearer: bearer("", c.TokenFile)}, o)
	if err != nil {
		return nil, fmt.Errorf("kubernetes: %w", err)
	}
	return &kubernetesSource{config: c, options: o, connect: connect}, nil
}

func (k *kubernetesSource) Watch(ctx context.Context, update func([]Instance)) error {
	w := &kubernetesWatch{config: k.config, reporter: newReporter(k.options, "kubernetes "+k.config.Namespace+"/"+k.config.Service, update)}
	carrier, end := k.connect()
	defer end()
	w.carrier = carrier
	for {
		err := w.list(ctx)
		if err == nil {
			err = w.follow(ctx)
		}
		pause := k.options.Pause
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errUnusable):
			w.reporter.trouble(ctx, err)
			pause *= 10 // the list is good, so that failures in a row aren't counted
		case !errors.Is(err, errGone): // which is usual after a while without events
			pause = w.reporter.trouble(ctx, err)
		}
		if !backoff.Wait(ctx, pause) {
			return nil
		}
	}
}

// kubernetesWatch is one Watch.
type kubernetesWatch struct {
	config   Kubernetes
	reporter *reporter
	carrier  http.RoundTripper
	slices   map[string]slice // by name
	version  string           // of what slices has
}

// list asks for all slices.
func (w *kubernetesWatch) list(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	res, err := w.get(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	var all struct {
		Metadata metadata
		Items    []slice
	}
	if err := readJSON(res, &all); err != nil {
		return fmt.Errorf("listing EndpointSlices: %w", err)
	}
	w.slices, w.version = make(map[string]slice, len(all.Items)), all.Metadata.ResourceVersion
	for _, s := range all.Items {
		w.slices[s.Metadata.Name] = s
	}
	return w.report(ctx)
}

func (w *kubernetesWatch) report(ctx context.Context) error {
	list, err := instances(w.slices, w.config)
	if err != nil {
		return err
	}
	return w.reporter.list(ctx, list)
}

// follow watches, again and again from where the last watch ended, until a new list is needed.
func (w *kubernetesWatch) follow(ctx context.Context) error {
	short := 0 // watches in a row that ended at once; a server that stops ends some
	for {
		began := time.Now()
		events, err := w.watch(ctx)
		pause := watchRate - time.Since(began)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errGone), errors.Is(err, errUnusable):
			return err
		case err == nil && (events > 0 || time.Since(began) > time.Second):
			short = 0 // its time was over
		case err == nil && short < 3:
			short++
		case err == nil:
			err = errors.New("the API server ended the watch at once")
			fallthrough
		default:
			pause = w.reporter.trouble(ctx, err)
		}
		if !backoff.Wait(ctx, max(pause, 0)) {
			return ctx.Err()
		}
	}
}

// errUnusable wraps what an event says that can't be.
var errUnusable = errors.New("an event that can't be used")

// event is a line of a watch.
type event struct {
	Type   string
	Object json.RawMessage
}

// watch reads events until the API server ends them. That a connection broke is an end like another; the next watch
// goes on from the last event.
func (w *kubernetesWatch) watch(ctx context.Context) (events int, err error) {
	limit := watchTime + time.Duration(rand.Int64N(int64(watchTime/2))) //nolint:gosec // spreads requests, keeps nothing secret
	// The server ends the watch; this is for one that doesn't.
	ctx, cancel := context.WithTimeout(ctx, limit+listTime)
	defer cancel()
	res, err := w.get(ctx, url.Values{
		"watch": {"1"}, "allowWatchBookmarks": {"true"}, "resourceVersion": {w.version}, "timeoutSeconds": {strconv.Itoa(int(limit.Seconds()))},
	})
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusGone {
		return 0, errGone
	}
	if res.StatusCode != http.StatusOK {
		_, _ = io.CopyN(io.Discard, res.Body, 4<<10)
		return 0, fmt.Errorf("watching EndpointSlices: %w", statusError(res.StatusCode))
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(make([]byte, 0, 16<<10), maxLine)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		if err := w.take(ctx, lines.Bytes()); err != nil {
			return events, err
		}
		events++
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return events, fmt.Errorf("%w: more than %d bytes", errUnusable, maxLine)
	}
	return events, nil
}

// take applies one event.
func (w *kubernetesWatch) take(ctx context.Context, line []byte) error {
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		return fmt.Errorf("%w: %w", errUnusable, err)
	}
	if e.Type == "ERROR" {
		var status struct {
			Code   int
			Reason string
		}
		_ = json.Unmarshal(e.Object, &status)
		if status.Code == http.StatusGone || status.Reason == "Expired" {
			return errGone
		}
		return fmt.Errorf("%w: the API server says %d", errUnusable, status.Code)
	}
	var s slice
	if err := json.Unmarshal(e.Object, &s); err != nil {
		return fmt.Errorf("%w: %w", errUnusable, err)
	}
	switch e.Type {
	case "ADDED", "MODIFIED":
		w.slices[s.Metadata.Name] = s
	case "DELETED":
		delete(w.slices, s.Metadata.Name)
	case "BOOKMARK":
	default:
		return nil // of a later API
	}
	if s.Metadata.ResourceVersion != "" {
		w.version = s.Metadata.ResourceVersion
	}
	if e.Type == "BOOKMARK" {
		w.reporter.well(ctx)
		return nil
	}
	if err := w.report(ctx); err != nil {
		// The slices are as they should be, only there's nothing to make of them: what comes next may put it right.
		w.reporter.trouble(ctx, err)
	}
	return nil
}

func (w *kubernetesWatch) get(ctx context.Context, query url.Values) (*http.Response, error) {
	if query == nil {
		query = url.Values{}
	}
	query.Set("labelSelector", "kubernetes.io/service-name="+w.config.Service)
	address := strings.TrimSuffix(w.config.API, "/") + "/apis/discovery.k8s.io/v1/namespaces/" + w.config.Namespace + "/endpointslices?" + query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, bare(err)
	}
	request.Header.Set("Accept", "application/json")
	res, err := w.carrier.RoundTrip(request)
	return res, bare(err)
}
