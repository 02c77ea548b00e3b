package demo_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tributary-gateway/tributary/internal/demo"
)

func TestCreateOrder(t *testing.T) {
	h := service("orders")
	status, made := ask(t, h, "POST /orders", `{"customerId":"7","lines":[{"productId":101,"quantity":2},{"productId":"104","quantity":1}],"note":"Ring."}`)
	if status != http.StatusCreated {
		t.Fatalf("status %d, %v", status, made)
	}
	if at(made, "id") != 1301.0 || at(made, "customerId") != 7.0 || at(made, "status") != "PENDING" ||
		at(made, "placedAt") != "2026-06-02T12:00:00Z" || at(made, "note") != "Ring." {
		t.Errorf("got %v", made)
	}
	sum := 2*at(made, "lines", 0, "unitPrice", "amount").(float64) + at(made, "lines", 1, "unitPrice", "amount").(float64)
	if total := at(made, "total", "amount").(float64); total-sum > 0.001 || sum-total > 0.001 {
		t.Errorf("total %v, want %v", total, sum)
	}
	if status, _ := ask(t, h, "GET /orders/1301", ""); status != http.StatusOK {
		t.Errorf("the new order: status %d", status)
	}
}

func TestRefusedOrders(t *testing.T) {
	h := service("orders")
	for _, c := range []struct {
		body   string
		status int
		code   string
	}{
		{`{"customerId":7,"lines":[]}`, 422, "EMPTY_ORDER"},
		{`{"customerId":7,"lines":[{"productId":123,"quantity":1}]}`, 422, "UNKNOWN_PRODUCT"},
		{`{"customerId":7,"lines":[{"productId":101,"quantity":101}]}`, 422, "BAD_QUANTITY"},
		{`{"customerId":19,"lines":[{"productId":101,"quantity":1}]}`, 422, "UNKNOWN_CUSTOMER"},
		{`{"customerId":"seven"}`, 400, "BAD_REQUEST"},
		{`{`, 400, "BAD_REQUEST"},
		{`{"note":"` + strings.Repeat("x", 1<<20) + `"}`, 400, "BAD_REQUEST"},
	} {
		status, answer := ask(t, h, "POST /orders", c.body)
		title, _ := at(answer, "error", "title").(string)
		if status != c.status || at(answer, "error", "code") != c.code || title == "" {
			t.Errorf("%.60s: status %d, %v", c.body, status, answer)
		}
	}
}

func TestPatchOrder(t *testing.T) {
	h := service("orders")
	ask(t, h, "POST /orders", `{"customerId":7,"lines":[{"productId":101,"quantity":1}],"note":"Ring."}`)
	const whole = "return=representation"
	for _, c := range []struct {
		name, body   string
		status       int
		state, notes any
	}{
		{"absent leaves the note", `{"status":"PAID"}`, 200, "PAID", "Ring."},
		{"nothing at all", `{}`, 200, "PAID", "Ring."},
		{"text replaces it", `{"note":"Knock."}`, 200, "PAID", "Knock."},
		{"null wipes it out", `{"note":null}`, 200, "PAID", nil},
		{"no way back", `{"status":"PENDING"}`, 409, nil, nil},
		{"no such state", `{"status":"LOST"}`, 422, nil, nil},
		{"null is no state", `{"status":null}`, 422, nil, nil},
		{"a number is no note", `{"note":5}`, 422, nil, nil},
		{"forwards", `{"status":"SHIPPED"}`, 200, "SHIPPED", nil},
		{"too late to call off", `{"status":"CANCELLED"}`, 409, nil, nil},
	} {
		status, answer := ask(t, h, "PATCH /orders/1301", c.body, "Prefer", whole)
		if status != c.status || at(answer, "status") != c.state || at(answer, "note") != c.notes {
			t.Errorf("%s: status %d, %v", c.name, status, answer)
		}
	}
	if status, answer := ask(t, h, "PATCH /orders/1301", `{}`); status != http.StatusNoContent || answer != nil {
		t.Errorf("without Prefer: status %d, %v", status, answer)
	}
	if status, _ := ask(t, h, "PATCH /orders/7", `{}`); status != http.StatusNotFound {
		t.Errorf("no such order: status %d", status)
	}
}

func TestCancelOrder(t *testing.T) {
	h := service("orders")
	_, made := ask(t, h, "POST /orders", `{"customerId":7,"lines":[{"productId":101,"quantity":1}]}`)
	request := fmt.Sprintf("DELETE /orders/%v", at(made, "id"))
	for range 2 { // doing it twice does no harm
		if status, answer := ask(t, h, request, ""); status != http.StatusNoContent || answer != nil {
			t.Errorf("status %d, %v", status, answer)
		}
	}
	_, delivered := ask(t, h, "GET /orders?status=DELIVERED&limit=1", "")
	status, _ := ask(t, h, fmt.Sprintf("DELETE /orders/%v", at(delivered, "orders", 0, "id")), "")
	if status != http.StatusConflict {
		t.Errorf("delivered order: status %d, want 409", status)
	}
	if status, _ := ask(t, h, "DELETE /orders/7", ""); status != http.StatusNotFound {
		t.Errorf("no such order: status %d, want 404", status)
	}
}

func TestReservations(t *testing.T) {
	now := noon
	h := demo.Handler("inventory", demo.Clock(func() time.Time { return now }))
	available := func() float64 {
		_, stock := ask(t, h, "GET /stock?sku=COF-05-B", "")
		return at(stock, "COF-05-B", "available").(float64)
	}
	before := available()
	reserve := func(quantity float64) (int, any) {
		return ask(t, h, "POST /reservations", fmt.Sprintf(`{"lines":[{"sku":"COF-05-B","quantity":%v}]}`, quantity))
	}
	status, made := reserve(2)
	if status != http.StatusCreated || at(made, "expires_at") != "2026-06-02T12:15:00Z" || at(made, "lines", 0, "product_id") == nil {
		t.Fatalf("status %d, %v", status, made)
	}
	if got := available(); got != before-2 {
		t.Errorf("%v left of %v after 2 were reserved", got, before)
	}
	if status, answer := reserve(before); status != http.StatusConflict || at(answer, "reason") != "OUT_OF_STOCK" {
		t.Errorf("more than there is: status %d, %v", status, answer)
	}
	if status, _ := reserve(0); status != http.StatusBadRequest {
		t.Errorf("none: status %d, want 400", status)
	}
	one := fmt.Sprintf("/reservations/%v", at(made, "id"))
	if status, _ := ask(t, h, "GET "+one, ""); status != http.StatusOK {
		t.Errorf("the reservation: status %d", status)
	}
	for _, want := range []int{http.StatusNoContent, http.StatusNotFound} {
		if status, _ := ask(t, h, "DELETE "+one, ""); status != want {
			t.Errorf("release: status %d, want %d", status, want)
		}
	}
	reserve(1)
	now = now.Add(16 * time.Minute)
	if got := available(); got != before {
		t.Errorf("%v left of %v after the reservation has run out", got, before)
	}
}

func TestAddReview(t *testing.T) {
	h := service("reviews")
	status, made := ask(t, h, "POST /reviews", `{"product_id":"101","author_id":"7","rating":4,"title":"Fine"}`)
	if status != http.StatusCreated || at(made, "id") != "rv-0601" || at(made, "author_id") != 7.0 {
		t.Fatalf("status %d, %v", status, made)
	}
	_, list := ask(t, h, "GET /reviews?product[]=101&per_key=1", "")
	_, feed := ask(t, h, "GET /feed?limit=1", "")
	if at(list, 0, "id") != "rv-0601" || at(feed, 0, "review", "id") != "rv-0601" {
		t.Errorf("the newest are %v and %v", at(list, 0), at(feed, 0))
	}
	for body, want := range map[string]int{
		`{"product_id":"101","author_id":7,"rating":6}`:  422,
		`{"product_id":"9999","author_id":7,"rating":5}`: 422,
		`[]`: 400,
	} {
		if status, answer := ask(t, h, "POST /reviews", body); status != want || at(answer, "message") == nil {
			t.Errorf("%s: status %d, %v", body, status, answer)
		}
	}
}

// Clients write at the same time; every one of them gets an id of its own, and nobody gets stock that isn't there.
func TestWritingAtOnce(t *testing.T) {
	orders, inventory, reviews := service("orders"), service("inventory"), service("reviews")
	_, stock := ask(t, inventory, "GET /stock?sku=COF-05-B", "")
	left := at(stock, "COF-05-B", "available").(float64)
	const clients = 80
	ids, reserved := make(chan any, clients), make(chan int, clients)
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			_, made := ask(t, orders, "POST /orders", `{"customerId":7,"lines":[{"productId":101,"quantity":1}]}`)
			ids <- at(made, "id")
			ask(t, orders, "GET /orders?customerId=7", "")
			status, _ := ask(t, inventory, "POST /reservations", `{"lines":[{"sku":"COF-05-B","quantity":1}]}`)
			reserved <- status
			ask(t, reviews, "POST /reviews", `{"product_id":"101","author_id":7,"rating":4}`)
			ask(t, reviews, "GET /reviews?product[]=101", "")
		})
	}
	all.Wait()
	close(ids)
	close(reserved)
	seen, granted := map[any]bool{}, 0
	for id := range ids {
		seen[id] = true
	}
	for status := range reserved {
		if status == http.StatusCreated {
			granted++
		}
	}
	if len(seen) != clients || granted != min(clients, int(left)) {
		t.Errorf("%d ids for %d orders, %d reservations for %v pieces", len(seen), clients, granted, left)
	}
}
