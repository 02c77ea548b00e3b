package demo

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// product as the catalog service sends it: its own id is text, those of others are numbers.
type product struct {
	ID          string          `json:"id"`
	SKU         string          `json:"sku"`
	Name        string          `json:"name"`
	Description *string         `json:"description"`
	Category    string          `json:"category"`
	Brand       *brand          `json:"brand"`
	Price       money           `json:"price"`
	OldPrice    *money          `json:"old_price,omitempty"`
	Dimensions  *dimensions     `json:"dimensions"`
	Tags        []string        `json:"tags"`
	Barcode     *int64          `json:"barcode"`
	Attributes  json.RawMessage `json:"attributes"`
	Images      []image         `json:"images"`
	AddedAt     time.Time       `json:"added_at"`
	SellerID    int             `json:"seller_id"`
	RelatedIDs  []int           `json:"related_ids"`

	number   int  // the id as other services know it
	delisted bool // once sold: others still talk about it, the catalogue doesn't
}

type brand struct {
	Name    string  `json:"name"`
	Country *string `json:"country"`
	Since   *int    `json:"since"`
}

type dimensions struct {
	Width  float64 `json:"width"`
	Height float64 `json:"height"`
	Depth  float64 `json:"depth"`
	Weight struct {
		Grams int `json:"grams"`
	} `json:"weight"`
}

type image struct {
	URL string `json:"url"`
	Alt string `json:"alt"`
}

// productHit and brandHit are what a search finds, told apart by kind.
type (
	productHit struct {
		Kind string `json:"kind"`
		product
	}
	brandHit struct {
		Kind string `json:"kind"`
		brand
	}
)

// catalog knows what is on sale. Nothing changes it.
type catalog struct{ listed []product }

// newCatalog answers, always as {"data": …, "meta": …}
//
//	GET /products/{id}                       one, or 404
//	GET /products?ids=101,102                those there are
//	GET /products?seller_ids=4,7&per_seller= at most so many of each seller
//	GET /products?category=COFFEE&limit=&offset=
//	GET /search?q=lamp&limit=                brands and products, told apart by kind
func newCatalog(shop *shop) http.Handler {
	c := &catalog{slices.DeleteFunc(slices.Clone(shop.products), func(p product) bool { return p.delisted })}
	mux := http.NewServeMux()
	mux.Handle("GET /products/{id}", handler(c.get))
	mux.Handle("GET /products", handler(c.list))
	mux.Handle("GET /search", handler(c.search))
	return mux
}

func (c *catalog) get(r *http.Request) (int, any) {
	i := slices.IndexFunc(c.listed, func(p product) bool { return p.ID == r.PathValue("id") })
	if i < 0 {
		return c.refuse(http.StatusNotFound, "there is no product "+r.PathValue("id"))
	}
	return http.StatusOK, object{"data": c.listed[i], "meta": object{}}
}

func (c *catalog) list(r *http.Request) (int, any) {
	query := r.URL.Query()
	limit, err := count(query, "limit", 100)
	offset, err2 := count(query, "offset", 0)
	perSeller, err3 := count(query, "per_seller", len(c.listed))
	for _, err := range []error{err, err2, err3} {
		if err != nil {
			return c.refuse(http.StatusBadRequest, err.Error())
		}
	}
	ids, byID := commas(query, "ids")
	sellers, bySeller := commas(query, "seller_ids")
	if len(ids) > 100 || len(sellers) > 100 {
		return c.refuse(http.StatusBadRequest, "at most 100 ids in one request")
	}
	category := query.Get("category")
	found, sold := []product{}, map[int]int{}
	for _, p := range c.listed {
		switch {
		case byID && !ids[p.ID], category != "" && category != p.Category:
		case bySeller && (!sellers[strconv.Itoa(p.SellerID)] || sold[p.SellerID] >= perSeller):
		default:
			sold[p.SellerID]++
			found = append(found, p)
		}
	}
	shown := found
	if !byID && !bySeller {
		shown = page(found, offset, limit)
	}
	return http.StatusOK, object{
		"data": shown,
		"meta": object{"total": len(found), "limit": limit, "offset": offset},
	}
}

func (c *catalog) search(r *http.Request) (int, any) {
	text := strings.ToLower(strings.TrimSpace(r.URL.Query().Get("q")))
	limit, err := count(r.URL.Query(), "limit", 10)
	switch {
	case err != nil:
		return c.refuse(http.StatusBadRequest, err.Error())
	case len(text) < 2:
		return c.refuse(http.StatusBadRequest, "q needs at least two letters")
	}
	makers, things := []any{}, []any{}
	seen := map[string]bool{}
	for _, p := range c.listed {
		if p.Brand != nil && !seen[p.Brand.Name] && strings.Contains(strings.ToLower(p.Brand.Name), text) {
			seen[p.Brand.Name] = true
			makers = append(makers, brandHit{"brand", *p.Brand})
		}
		if strings.Contains(strings.ToLower(p.Name), text) {
			things = append(things, productHit{"product", p})
		}
	}
	found := append(makers, things...)
	return http.StatusOK, object{"data": page(found, 0, limit), "meta": object{"total": len(found)}}
}

// refuse is how the catalog service says no.
func (c *catalog) refuse(status int, message string) (int, any) {
	return status, object{"data": nil, "errors": []object{{"message": message}}}
}
