package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// instanceCommand is the word that makes this program an instance of a service.
const instanceCommand = "instance"

// counts are what an instance tells of itself.
type counts struct {
	// Gets is the number of requests that ask for something.
	Gets int `json:"gets"`
	// Orders is how often each order came, by its note.
	Orders map[string]int `json:"orders"`
}

// instance serves users, products and orders, and does what it is told to do wrong.
type instance struct {
	fault atomic.Pointer[fault]

	mu   sync.Mutex // guards seen
	seen counts
}

// serveInstance serves requests on one address, and orders to misbehave on another, until the process ends.
func serveInstance(args []string) error {
	flags := flag.NewFlagSet(instanceCommand, flag.ContinueOnError)
	listen := flags.String("listen", "", "address of the service")
	control := flags.String("control", "", "address that takes orders")
	if err := flags.Parse(args); err != nil {
		return err
	}
	i := &instance{seen: counts{Orders: map[string]int{}}}
	i.fault.Store(&faults[0])
	failed := make(chan error, 2)
	for address, h := range map[string]http.HandlerFunc{*listen: i.serve, *control: i.control} {
		server := &http.Server{Addr: address, Handler: h, ReadHeaderTimeout: 5 * time.Second}
		go func() { failed <- server.ListenAndServe() }()
	}
	return <-failed
}

// serve answers as the shop's services do.
func (i *instance) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		i.order(w, r)
		return
	}
	i.mu.Lock()
	i.seen.Gets++
	i.mu.Unlock()
	id := path.Base(r.URL.Path)
	right := fmt.Sprintf(`{"id": %q, "name": "name of %s"}`, id, id)
	if strings.HasPrefix(r.URL.Path, "/products/") {
		right = `{"data": ` + right + `}`
	}
	i.fault.Load().does(w, r, right)
}

// order counts an order before it does anything else with it: what arrived twice was sent twice.
func (i *instance) order(w http.ResponseWriter, r *http.Request) {
	var order struct{ Note string }
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err == nil {
		err = json.Unmarshal(body, &order)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	i.mu.Lock()
	i.seen.Orders[order.Note]++
	i.mu.Unlock()
	i.fault.Load().does(w, r, fmt.Sprintf(`{"id": "1", "note": %q}`, order.Note))
}

// control sets the fault by POST /?fault=name and tells the counts by GET.
func (i *instance) control(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		at := slices.IndexFunc(faults, func(f fault) bool { return f.name == r.URL.Query().Get("fault") })
		if at < 0 {
			http.Error(w, "no such fault", http.StatusNotFound)
			return
		}
		i.fault.Store(&faults[at])
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	_ = json.NewEncoder(w).Encode(i.seen)
}
