package demo

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// reservationTime is how long stock is set aside.
const reservationTime = 15 * time.Minute

// stockRecord as the inventory service sends it. A record doesn't name its key: the map that it stands in does.
type stockRecord struct {
	Available  int             `json:"available"`
	Reserved   int             `json:"reserved"`
	Restock    *restock        `json:"restock,omitempty"`
	Warehouses []warehouseLine `json:"warehouses"`

	product string // the product's id
}

type restock struct {
	Expected time.Time `json:"expected"`
	Quantity int       `json:"quantity"`
}

type warehouseLine struct {
	Code     string `json:"code"`
	Quantity int    `json:"quantity"`
}

type warehouse struct {
	Code    string `json:"code"`
	City    string `json:"city"`
	Country string `json:"country"`
}

type reservation struct {
	ID        string            `json:"id"`
	ExpiresAt time.Time         `json:"expires_at"`
	Lines     []reservationLine `json:"lines"`
}

type reservationLine struct {
	SKU       string `json:"sku"`
	Quantity  int    `json:"quantity"`
	ProductID string `json:"product_id"`
	Warehouse string `json:"warehouse"`
}

type inventory struct {
	warehouses []warehouse
	now        func() time.Time

	mu           sync.Mutex             // guards the fields below
	stock        map[string]stockRecord // by sku, without what reservations set aside
	reservations map[string]reservation // by id
	last         int                    // the number of the last reservation
}

// newInventory answers
//
//	GET /stock?sku=a&sku=b         {"a": {…}, "b": {…}}; unknown ones are left out
//	GET /stock/{sku}               one of them; 404 for an unknown one
//	GET /warehouses?code=HAM,LYO   {"HAM": {…}, …}; all of them without code
//	POST /reservations {"lines":[{"sku","quantity"}]}   201; 409 when there isn't enough, 400 for what makes no sense
//	GET, DELETE /reservations/{id} the reservation, 204; 404 when it is over
func newInventory(shop *shop, now func() time.Time) http.Handler {
	in := &inventory{
		warehouses: shop.warehouses, now: now, stock: shop.stock, reservations: make(map[string]reservation),
	}
	mux := http.NewServeMux()
	mux.Handle("GET /stock", handler(in.getStock))
	mux.Handle("GET /stock/{sku}", handler(in.getStockOf))
	mux.Handle("GET /warehouses", handler(in.getWarehouses))
	mux.Handle("POST /reservations", handler(in.reserve))
	mux.Handle("GET /reservations/{id}", handler(in.getReservation))
	mux.Handle("DELETE /reservations/{id}", handler(in.release))
	return mux
}

func (in *inventory) getStock(r *http.Request) (int, any) {
	skus := r.URL.Query()["sku"]
	if len(skus) == 0 || len(skus) > 100 {
		return in.refuse(http.StatusBadRequest, "BAD_REQUEST", "1 to 100 skus, please")
	}
	in.mu.Lock()
	found := make(map[string]stockRecord, len(skus))
	for _, sku := range skus {
		if record, ok := in.current(sku); ok {
			found[sku] = record
		}
	}
	in.mu.Unlock()
	return http.StatusOK, found
}

func (in *inventory) getStockOf(r *http.Request) (int, any) {
	in.mu.Lock()
	record, ok := in.current(r.PathValue("sku"))
	in.mu.Unlock()
	if !ok {
		return in.refuse(http.StatusNotFound, "NOT_FOUND", "no such sku")
	}
	return http.StatusOK, record
}

func (in *inventory) getWarehouses(r *http.Request) (int, any) {
	codes, some := commas(r.URL.Query(), "code")
	found := make(map[string]warehouse)
	for _, house := range in.warehouses {
		if !some || codes[house.Code] {
			found[house.Code] = house
		}
	}
	return http.StatusOK, found
}

func (in *inventory) reserve(r *http.Request) (int, any) {
	var wanted struct{ Lines []reservationLine }
	if err := read(r, &wanted); err != nil || len(wanted.Lines) == 0 {
		return in.refuse(http.StatusBadRequest, "BAD_REQUEST", "a reservation needs lines of sku and quantity")
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	total := make(map[string]int)
	made := reservation{ExpiresAt: in.now().UTC().Truncate(time.Second).Add(reservationTime)}
	for _, line := range wanted.Lines {
		record, known := in.current(line.SKU)
		if !known || line.Quantity < 1 || line.Quantity > 1000 {
			return in.refuse(http.StatusBadRequest, "BAD_LINE", fmt.Sprintf("%d of %q is nothing we can reserve", line.Quantity, line.SKU))
		}
		total[line.SKU] += line.Quantity
		if total[line.SKU] > record.Available {
			return in.refuse(http.StatusConflict, "OUT_OF_STOCK", fmt.Sprintf("only %d of %s left", record.Available, line.SKU))
		}
		made.Lines = append(made.Lines, reservationLine{line.SKU, line.Quantity, record.product, record.Warehouses[0].Code})
	}
	in.last++
	made.ID = "res-" + strconv.Itoa(in.last)
	in.reservations[made.ID] = made
	return http.StatusCreated, made
}

func (in *inventory) getReservation(r *http.Request) (int, any) {
	in.mu.Lock()
	in.expire()
	found, ok := in.reservations[r.PathValue("id")]
	in.mu.Unlock()
	if !ok {
		return in.refuse(http.StatusNotFound, "NOT_FOUND", "no such reservation")
	}
	return http.StatusOK, found
}

func (in *inventory) release(r *http.Request) (int, any) {
	in.mu.Lock()
	in.expire()
	_, ok := in.reservations[r.PathValue("id")]
	delete(in.reservations, r.PathValue("id"))
	in.mu.Unlock()
	if !ok {
		return in.refuse(http.StatusNotFound, "NOT_FOUND", "no such reservation")
	}
	return http.StatusNoContent, nil
}

// current is the stock of a product less what is set aside now. The caller holds mu.
func (in *inventory) current(sku string) (stockRecord, bool) {
	in.expire()
	record, ok := in.stock[sku]
	for _, held := range in.reservations {
		for _, line := range held.Lines {
			if line.SKU == sku {
				record.Available -= line.Quantity
				record.Reserved += line.Quantity
			}
		}
	}
	return record, ok
}

// expire forgets reservations whose time is over. The caller holds mu.
func (in *inventory) expire() {
	for id, held := range in.reservations {
		if in.now().After(held.ExpiresAt) {
			delete(in.reservations, id)
		}
	}
}

// refuse is how the inventory service says no.
func (in *inventory) refuse(status int, reason, message string) (int, any) {
	return status, object{"reason": reason, "message": message}
}
