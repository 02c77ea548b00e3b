package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// order as the orders service sends it: all ids are whole numbers, names are camelCase.
type order struct {
	ID         number      `json:"id"`
	CustomerID number      `json:"customerId"`
	Status     string      `json:"status"`
	PlacedAt   time.Time   `json:"placedAt"`
	Note       *string     `json:"note"`
	Lines      []orderLine `json:"lines"`
	Total      money       `json:"total"`
	Shipment   *shipment   `json:"shipment,omitempty"`
}

type orderLine struct {
	ProductID number `json:"productId"`
	Quantity  int    `json:"quantity"`
	UnitPrice money  `json:"unitPrice"`
}

type shipment struct {
	Carrier      string `json:"carrier"`
	TrackingCode string `json:"trackingCode"`
}

// number is an id that is always sent as 7 and understood as 7 or "7".
type number int

// UnmarshalJSON takes a whole number, bare or in quotes.
func (n *number) UnmarshalJSON(text []byte) error {
	i, err := strconv.Atoi(string(bytes.Trim(text, `"`)))
	if err != nil {
		return fmt.Errorf("not an id: %s", text)
	}
	*n = number(i)
	return nil
}

// statuses in the order an order goes through them; the last is where it leaves the road.
var statuses = []string{"PENDING", "PAID", "SHIPPED", "DELIVERED", "CANCELLED"}

type orders struct {
	prices    map[number]cents // what the service knows of the catalogue
	customers map[number]bool  // what it knows of the users
	now       func() time.Time

	mu  sync.Mutex // guards the field below
	all []order    // oldest first, so that ids ascend
}

// newOrders answers, with many as {"orders": […], "count": n} and with a refusal as {"error": {"title", "code"}}
//
//	GET /orders/{id}                        one, or 404
//	GET /orders?customerId=7&customerId=8   newest first; also status=, limit=, perCustomer=
//	POST /orders/search {"ids":[1001,1002]} those there are
//	POST /orders                            201; 422 for what can't be ordered
//	PATCH /orders/{id}                      204, or 200 with the order under "Prefer: return=representation"
//	DELETE /orders/{id}                     204; 409 for what is on its way
func newOrders(shop *shop, now func() time.Time) http.Handler {
	o := &orders{prices: make(map[number]cents), customers: make(map[number]bool), now: now, all: shop.orders}
	for _, p := range shop.products {
		if !p.delisted {
			o.prices[number(p.number)] = p.Price.Amount
		}
	}
	for _, u := range shop.users {
		id, _ := strconv.Atoi(u.ID)
		o.customers[number(id)] = true
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders/{id}", handler(o.get))
	mux.Handle("GET /orders", handler(o.list))
	mux.Handle("POST /orders/search", handler(o.search))
	mux.Handle("POST /orders", handler(o.create))
	mux.Handle("PATCH /orders/{id}", handler(o.patch))
	mux.Handle("DELETE /orders/{id}", handler(o.cancel))
	return mux
}

func (o *orders) get(r *http.Request) (int, any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := o.find(r)
	if found == nil {
		return o.missing(r)
	}
	return http.StatusOK, *found // a copy
}

func (o *orders) list(r *http.Request) (int, any) {
	query := r.URL.Query()
	limit, err := count(query, "limit", 1000)
	perCustomer, err2 := count(query, "perCustomer", 1000)
	if err != nil || err2 != nil {
		return o.refuse(http.StatusBadRequest, "BAD_REQUEST", "limit and perCustomer are whole numbers from 0 to 1000")
	}
	customers, status := set(query["customerId"]), query.Get("status")
	found, bought := []order{}, map[number]int{}
	o.mu.Lock()
	for _, one := range slices.Backward(o.all) {
		id := one.CustomerID
		if (len(customers) > 0 && !customers[strconv.Itoa(int(id))]) || (status != "" && status != one.Status) {
			continue
		}
		if bought[id]++; bought[id] <= perCustomer {
			found = append(found, one)
		}
	}
	o.mu.Unlock()
	found = page(found, 0, limit)
	return http.StatusOK, object{"orders": found, "count": len(found)}
}

func (o *orders) search(r *http.Request) (int, any) {
	var wanted struct{ IDs []int } // no quotes here
	if err := read(r, &wanted); err != nil || len(wanted.IDs) == 0 || len(wanted.IDs) > 50 {
		return o.refuse(http.StatusBadRequest, "BAD_REQUEST", "1 to 50 ids as numbers, please")
	}
	found := []order{}
	o.mu.Lock()
	for _, one := range o.all {
		if slices.Contains(wanted.IDs, int(one.ID)) {
			found = append(found, one)
		}
	}
	o.mu.Unlock()
	return http.StatusOK, object{"orders": found, "count": len(found)}
}

func (o *orders) create(r *http.Request) (int, any) {
	var wanted struct {
		CustomerID number
		Lines      []struct {
			ProductID number
			Quantity  int
		}
		Note *string
	}
	if err := read(r, &wanted); err != nil {
		return o.refuse(http.StatusBadRequest, "BAD_REQUEST", "an order needs customerId and lines of productId and quantity")
	}
	made := order{
		CustomerID: wanted.CustomerID, Status: statuses[0], PlacedAt: o.now().UTC().Truncate(time.Second), Note: wanted.Note,
	}
	var total cents
	for _, line := range wanted.Lines {
		price, known := o.prices[line.ProductID]
		switch {
		case !known:
			return o.refuse(http.StatusUnprocessableEntity, "UNKNOWN_PRODUCT", fmt.Sprintf("Product %d is not on sale", line.ProductID))
		case line.Quantity < 1 || line.Quantity > 100:
			return o.refuse(http.StatusUnprocessableEntity, "BAD_QUANTITY", "The quantity must be 1 to 100")
		}
		total += price * cents(line.Quantity)
		made.Lines = append(made.Lines, orderLine{line.ProductID, line.Quantity, euros(price)})
	}
	switch {
	case len(made.Lines) == 0:
		return o.refuse(http.StatusUnprocessableEntity, "EMPTY_ORDER", "An order needs at least one line")
	case !o.customers[made.CustomerID]:
		return o.refuse(http.StatusUnprocessableEntity, "UNKNOWN_CUSTOMER", fmt.Sprintf("There is no customer %d", made.CustomerID))
	}
	made.Total = euros(total)
	o.mu.Lock()
	made.ID = o.all[len(o.all)-1].ID + 1
	o.all = append(o.all, made)
	o.mu.Unlock()
	return http.StatusCreated, made
}

// patch keeps apart what is absent and what is null: {"note": null} wipes the note out, {} leaves it.
func (o *orders) patch(r *http.Request) (int, any) {
	var change map[string]json.RawMessage
	if err := read(r, &change); err != nil {
		return o.refuse(http.StatusBadRequest, "BAD_REQUEST", "the changes must be a JSON object")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	found := o.find(r)
	if found == nil {
		return o.missing(r)
	}
	changed := *found
	if raw, ok := change["note"]; ok {
		changed.Note = nil
		if err := json.Unmarshal(raw, &changed.Note); err != nil {
			return o.refuse(http.StatusUnprocessableEntity, "BAD_NOTE", "A note is text or null")
		}
	}
	if raw, ok := change["status"]; ok {
		_ = json.Unmarshal(raw, &changed.Status) // what isn't text changes nothing and is refused below
		from, to := slices.Index(statuses, found.Status), slices.Index(statuses, changed.Status)
		if to < 0 || string(raw) == "null" {
			return o.refuse(http.StatusUnprocessableEntity, "BAD_STATUS", "There is no such status")
		}
		if to <= from || changed.Status == "CANCELLED" && sent(*found) {
			return o.refuse(http.StatusConflict, "BACKWARDS", "An order that is "+found.Status+" can't become "+changed.Status)
		}
	}
	*found = changed
	if r.Header.Get("Prefer") != "return=representation" {
		return http.StatusNoContent, nil
	}
	return http.StatusOK, *found // a copy
}

func (o *orders) cancel(r *http.Request) (int, any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := o.find(r)
	if found == nil {
		return o.missing(r)
	}
	if sent(*found) {
		return o.refuse(http.StatusConflict, "ALREADY_SENT", "An order that is on its way can't be cancelled")
	}
	found.Status = "CANCELLED"
	return http.StatusNoContent, nil
}

// find is the order that the path names, or nil. The caller holds mu.
func (o *orders) find(r *http.Request) *order {
	i := slices.IndexFunc(o.all, func(one order) bool { return strconv.Itoa(int(one.ID)) == r.PathValue("id") })
	if i < 0 {
		return nil
	}
	return &o.all[i]
}

func sent(o order) bool { return o.Status == "SHIPPED" || o.Status == "DELIVERED" }

func (o *orders) missing(r *http.Request) (int, any) {
	return o.refuse(http.StatusNotFound, "NO_SUCH_ORDER", "There is no order "+r.PathValue("id"))
}

// refuse is how the orders service says no.
func (o *orders) refuse(status int, code, title string) (int, any) {
	return status, object{"error": object{"title": title, "code": code}}
}
