package demo_test

import (
	"net/http"
	"reflect"
	"testing"
)

func TestUsersHabits(t *testing.T) {
	h := service("users")
	_, list := ask(t, h, "GET /users?id=3&id=1&id=19&id=abc", "")
	if got, want := column(list, "id"), []any{"1", "3"}; !reflect.DeepEqual(got, want) {
		t.Errorf("ids %v, want %v: a plain list in the service's order, without those who left", got, want)
	}
	status, one := ask(t, h, "GET /users/1", "")
	if status != http.StatusOK || at(one, "address", "postal_code") == nil || at(one, "loyalty", "points") == nil {
		t.Errorf("status %d, %v", status, one)
	}
	if status, _ = ask(t, h, "GET /users/19", ""); status != http.StatusNotFound {
		t.Errorf("user who left: status %d", status)
	}
	_, staff := ask(t, h, "GET /users?role=STAFF&limit=2", "")
	if got, want := column(staff, "role"), []any{"STAFF", "STAFF"}; !reflect.DeepEqual(got, want) {
		t.Errorf("roles %v, want %v", got, want)
	}
}

func TestCatalogHabits(t *testing.T) {
	h := service("catalog")
	_, some := ask(t, h, "GET /products?ids=103,101,123,9999", "")
	if got, want := column(at(some, "data"), "id"), []any{"101", "103"}; !reflect.DeepEqual(got, want) {
		t.Errorf("ids %v, want %v: wrapped, without delisted and unknown ones", got, want)
	}
	_, second := ask(t, h, "GET /products?category=HOME&limit=1&offset=1", "")
	_, first := ask(t, h, "GET /products?category=HOME&limit=2", "")
	if got, want := at(second, "data", 0), at(first, "data", 1); !reflect.DeepEqual(got, want) || got == nil {
		t.Errorf("second page starts with %v, want %v", got, want)
	}
	if total, _ := at(second, "meta", "total").(float64); total < 10 {
		t.Errorf("meta.total is %v", total)
	}
	status, one := ask(t, h, "GET /products/101", "")
	if _, text := at(one, "data", "id").(string); status != http.StatusOK || !text {
		t.Errorf("status %d, %v", status, one)
	}
	if _, number := at(one, "data", "seller_id").(float64); !number {
		t.Errorf("seller_id is %v, want a number", at(one, "data", "seller_id"))
	}
	if status, _ = ask(t, h, "GET /products/123", ""); status != http.StatusNotFound {
		t.Errorf("delisted product: status %d", status)
	}
	_, sold := ask(t, h, "GET /products?seller_ids=2,3&per_seller=2", "")
	if got, want := tally(column(at(sold, "data"), "seller_id")), map[any]int{2.0: 2, 3.0: 2}; !reflect.DeepEqual(got, want) {
		t.Errorf("by seller %v, want %v", got, want)
	}
	_, hits := ask(t, h, "GET /search?q=LUM&limit=3", "")
	if got := at(hits, "data", 0, "kind"); got != "brand" {
		t.Errorf("first hit is a %v, want a brand", got)
	}
	_, hits = ask(t, h, "GET /search?q=lamp", "")
	if at(hits, "data", 0, "kind") != "product" || at(hits, "data", 0, "brand", "name") == nil {
		t.Errorf("first hit is %v, want a whole product", at(hits, "data", 0))
	}
	for _, bad := range []string{"/products?limit=-1", "/products?limit=x", "/products?offset=1001", "/search?q=a"} {
		if status, _ := ask(t, h, "GET "+bad, ""); status != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", bad, status)
		}
	}
}

func TestInventoryHabits(t *testing.T) {
	h := service("inventory")
	_, stock := ask(t, h, "GET /stock?sku=COF-05-B&sku=NO-SUCH", "")
	if members, _ := stock.(map[string]any); len(members) != 1 || at(stock, "COF-05-B", "available") == nil {
		t.Errorf("got %v, want a map with the one it knows", stock)
	}
	_, houses := ask(t, h, "GET /warehouses?code=HAM,OPO", "")
	if members, _ := houses.(map[string]any); len(members) != 2 || at(houses, "OPO", "city") != "Porto" {
		t.Errorf("got %v, want Hamburg and Porto by code", houses)
	}
	if status, _ := ask(t, h, "GET /stock", ""); status != http.StatusBadRequest {
		t.Errorf("stock of nothing: status %d, want 400", status)
	}
}

func TestOrdersHabits(t *testing.T) {
	h := service("orders")
	_, one := ask(t, h, "GET /orders/1001", "")
	for _, path := range [][]any{{"id"}, {"customerId"}, {"lines", 0, "productId"}} {
		if _, number := at(one, path...).(float64); !number {
			t.Errorf("%v is %v, want a number", path, at(one, path...))
		}
	}
	_, found := ask(t, h, "POST /orders/search", `{"ids":[1002,1001,5]}`)
	if got, want := column(at(found, "orders"), "id"), []any{1001.0, 1002.0}; !reflect.DeepEqual(got, want) {
		t.Errorf("ids %v, want %v", got, want)
	}
	if status, _ := ask(t, h, "POST /orders/search", `{"ids":["1001"]}`); status != http.StatusBadRequest {
		t.Errorf("ids in quotes: status %d, want 400", status)
	}
	_, bought := ask(t, h, "GET /orders?customerId=7&customerId=8&perCustomer=2", "")
	if got, want := tally(column(at(bought, "orders"), "customerId")), map[any]int{7.0: 2, 8.0: 2}; !reflect.DeepEqual(got, want) {
		t.Errorf("by customer %v, want %v", got, want)
	}
	_, newest := ask(t, h, "GET /orders?status=DELIVERED&limit=2", "")
	if got, want := column(at(newest, "orders"), "status"), []any{"DELIVERED", "DELIVERED"}; !reflect.DeepEqual(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
	if a, b := at(newest, "orders", 0, "placedAt").(string), at(newest, "orders", 1, "placedAt").(string); a < b {
		t.Errorf("%s before %s, want the newest first", a, b)
	}
	status, missing := ask(t, h, "GET /orders/7", "")
	if status != http.StatusNotFound || at(missing, "error", "code") != "NO_SUCH_ORDER" {
		t.Errorf("status %d, %v", status, missing)
	}
}

func TestReviewsHabits(t *testing.T) {
	h := service("reviews")
	_, list := ask(t, h, "GET /reviews?product[]=101&product[]=102&per_key=1", "")
	if got, want := tally(column(list, "product_id")), map[any]int{"101": 1, "102": 1}; !reflect.DeepEqual(got, want) {
		t.Errorf("by product %v, want %v", got, want)
	}
	_, list = ask(t, h, "GET /reviews?author[]=5", "")
	if got := tally(column(list, "author_id")); len(got) != 1 || got[5.0] == 0 {
		t.Errorf("by author %v, want only number 5", got)
	}
	_, list = ask(t, h, "GET /reviews?id[]=rv-0002&id[]=rv-0001&id[]=rv-9999", "")
	if got, want := column(list, "id"), []any{"rv-0002", "rv-0001"}; !reflect.DeepEqual(got, want) {
		t.Errorf("ids %v, want %v", got, want)
	}
	_, ratings := ask(t, h, "GET /ratings?product[]=102&product[]=9999&product[]=101", "")
	if got, _ := ratings.([]any); len(got) != 3 || got[0] == nil || got[1] != nil || got[2] == nil {
		t.Errorf("got %v, want one answer per product, in order, null for the unknown", ratings)
	}
	_, feed := ask(t, h, "GET /feed?limit=300", "")
	if got := tally(column(feed, "kind")); len(got) != 3 {
		t.Errorf("kinds %v, want three", got)
	}
	product := at(feed, 0, "product_id")
	_, feed = ask(t, h, "GET /feed?product="+product.(string), "")
	if got := tally(column(feed, "product_id")); len(got) != 1 || got[product] == 0 {
		t.Errorf("by product %v, want only %v", got, product)
	}
	for request, want := range map[string]int{
		"GET /reviews/rv-0001": http.StatusOK, "GET /reviews/rv-9999": http.StatusNotFound, "GET /reviews": http.StatusBadRequest,
	} {
		if status, _ := ask(t, h, request, ""); status != want {
			t.Errorf("%s: status %d, want %d", request, status, want)
		}
	}
}

// The gateway has to cope with what real data has: nulls, missing properties, references into nowhere.
func TestRowsHaveGaps(t *testing.T) {
	_, users := ask(t, service("users"), "GET /users?limit=1000", "")
	_, products := ask(t, service("catalog"), "GET /products?limit=1000", "")
	_, orders := ask(t, service("orders"), "GET /orders?limit=1000", "")
	known := tally(column(users, "id"))
	sellers, buyers := tally(column(at(products, "data"), "seller_id")), tally(column(at(orders, "orders"), "customerId"))
	for what, n := range map[string]int{
		"users without e-mail address":      tally(column(users, "email"))[nil],
		"users without address":             tally(column(users, "address", "city"))[nil],
		"products without brand":            tally(column(at(products, "data"), "brand", "name"))[nil],
		"products without picture":          tally(column(at(products, "data"), "images", 0, "url"))[nil],
		"products without dimensions":       tally(column(at(products, "data"), "dimensions", "width"))[nil],
		"products of a seller who has left": sellers[19.0] * (1 - known["19"]),
		"orders of customers who have left": buyers[34.0] * (1 - known["34"]),
	} {
		if n == 0 {
			t.Errorf("there are no %s", what)
		}
	}
	if n := len(known); n < 50 || n > 70 {
		t.Errorf("%d users", n)
	}
	if n := len(column(at(products, "data"))); n < 150 || n > 250 {
		t.Errorf("%d products", n)
	}
}

func tally(values []any) map[any]int {
	counts := make(map[any]int)
	for _, v := range values {
		counts[v]++
	}
	return counts
}
