package demo

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// shop is all rows of all services, before anybody has changed anything.
type shop struct {
	users      []user
	products   []product // delisted ones too
	warehouses []warehouse
	stock      map[string]stockRecord // by sku
	orders     []order                // oldest first
	reviews    []review               // newest first
	feed       []feedItem             // newest first
}

const (
	seed        = 20260601
	peopleEver  = 63  // some of them have left since
	firstID     = 101 // of the products
	firstOrder  = 1001
	orderCount  = 300
	reviewCount = 600
)

// today is the day the rows were made on: nothing in them is younger.
var today = time.Date(2026, time.June, 1, 9, 0, 0, 0, time.UTC)

// left are users whose account is gone. Products, orders and reviews still name them.
var left = map[int]bool{19: true, 34: true, 47: true}

// newShop makes the rows. Each kind has a random sequence of its own, so that a change to one leaves the others alone.
func newShop() *shop {
	s := &shop{warehouses: []warehouse{
		{"HAM", "Hamburg", "DE"}, {"LYO", "Lyon", "FR"}, {"POZ", "Poznań", "PL"}, {"OPO", "Porto", "PT"},
	}}
	for i, fill := range []func(dice){s.fillUsers, s.fillProducts, s.fillStock, s.fillOrders, s.fillReviews, s.fillFeed} {
		fill(dice{rand.New(rand.NewPCG(seed, uint64(i)))})
	}
	return s
}

// dice is a random sequence with the few things we want of it.
type dice struct{ *rand.Rand }

// chance is true in so many of a hundred cases.
func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

// before is a moment within so many days before another, to the second.
func (d dice) before(t time.Time, days int) time.Time {
	return t.Add(-time.Duration(d.IntN(days*24*3600)) * time.Second)
}

func pick[T any](d dice, from []T) T { return from[d.IntN(len(from))] }

// person is the id of somebody who has or once had an account.
func (d dice) person() int { return 1 + d.IntN(peopleEver) }

// sellers are the first so many users.
const sellers = 12

func (s *shop) fillUsers(d dice) {
	taken := map[string]bool{}
	joined := today.AddDate(-6, 0, 0)
	for id := 1; id <= peopleEver; id++ {
		given, family := pick(d, givenNames), pick(d, familyNames)
		for taken[given+family] {
			family = pick(d, familyNames)
		}
		taken[given+family] = true
		joined = joined.Add(time.Duration(24+d.IntN(1400)) * time.Hour).Add(time.Duration(d.IntN(3600)) * time.Second)
		u := user{ID: strconv.Itoa(id), Name: given + " " + family, Role: "CUSTOMER", CreatedAt: joined}
		u.Loyalty.Points = d.IntN(60) * 25
		if id <= sellers {
			u.Role = "SELLER"
		} else if id%21 == 0 {
			u.Role = "STAFF"
		}
		if !d.chance(6) {
			u.Email = ptr(mailbox(given) + "." + mailbox(family) + "@example." + pick(d, []string{"com", "org", "net"}))
		}
		if d.chance(60) {
			nick := pick(d, nicknames)
			if taken[nick] {
				nick += strconv.Itoa(10 + d.IntN(90))
			}
			taken[nick] = true
			u.DisplayName = &nick
		}
		if u.Role == "SELLER" || d.chance(85) {
			at := pick(d, places)
			u.Address = &address{
				Street:     fmt.Sprintf(pick(d, at.streets), 1+d.IntN(140)),
				PostalCode: fmt.Sprintf(at.code, 1+d.IntN(9)),
				City:       at.city,
				Country:    at.country,
			}
		}
		if !left[id] {
			s.users = append(s.users, u)
		}
	}
}

// mailbox spells a name with what every mail server takes.
func mailbox(name string) string {
	return strings.NewReplacer(
		"ä", "ae", "ö", "oe", "ü", "ue", "é", "e", "ë", "e", "ã", "a", "á", "a", "ó", "o", "ř", "r", "ı", "i", "'", "",
	).Replace(strings.ToLower(name))
}

func (s *shop) fillProducts(d dice) {
	for _, shelf := range assortment {
		from := len(s.products)
		for i, g := range shelf.goods {
			maker, seller := pick(d, brands[shelf.category]), 1+d.IntN(sellers)
			if d.chance(6) {
				seller = 19 // has left
			}
			for j, variant := range g.variants {
				p := g.variant(d, j)
				p.number = firstID + len(s.products)
				p.ID = strconv.Itoa(p.number)
				p.SKU = fmt.Sprintf("%s-%02d-%c", shelf.prefix, i+1, 'A'+j)
				p.Name = g.name + ", " + variant
				p.Category, p.SellerID = shelf.category, seller
				p.Tags = tags(d, tagsOf[shelf.category])
				if i%5 != 3 {
					p.Brand = &maker
				}
				if i%9 != 8 {
					p.Images = append(p.Images, image{"https://img.example.com/" + strings.ToLower(p.SKU) + ".jpg", p.Name})
				}
				p.delisted = p.number%41 == 0
				s.products = append(s.products, p)
			}
		}
		relate(d, s.products[from:])
	}
}

// variant is what varies between the variants of a good. The price goes from the cheapest to the dearest.
func (g good) variant(d dice, j int) product {
	price := cents(100 * g.from)
	if last := len(g.variants) - 1; last > 0 {
		price += cents(100 * (g.to - g.from) * j / last)
	}
	price = price/100*100 - cents(pick(d, []int{0, 5, 10, 50}))
	p := product{
		Price:   euros(price),
		Barcode: barcode(d),
		Images:  []image{},
		AddedAt: d.before(today, 900),
	}
	if !d.chance(4) {
		p.Description = &g.text
	}
	if d.chance(12) {
		p.OldPrice = ptr(euros((price*5/4)/100*100 - 5))
	}
	if d.chance(5) {
		p.Barcode = nil
	}
	if g.attrs != "" {
		p.Attributes = json.RawMessage(g.attrs)
	}
	if g.grams > 0 && !d.chance(10) {
		grams := g.grams * int(price) / (100 * g.from) // what costs twice as much weighs twice as much
		side := 1                                      // of a cube for it, in centimetres
		for side*side*side < 4*grams {
			side++
		}
		size := func() float64 { return float64(side*(60+d.IntN(100))/10) / 10 }
		p.Dimensions = &dimensions{Width: size(), Height: size(), Depth: size()}
		p.Dimensions.Weight.Grams = max(grams, 1) / 5 * 5
	}
	return p
}

// barcode is an EAN-13 with its check digit.
func barcode(d dice) *int64 {
	digits := int64(400_000_000_000) + d.Int64N(40_000_000_000)
	sum, rest := int64(0), digits
	for i := range int64(12) {
		sum += rest % 10 * (3 - 2*(i%2))
		rest /= 10
	}
	return ptr(digits*10 + (10-sum%10)%10)
}

func tags(d dice, from []string) []string {
	picked := []string{}
	for _, tag := range from {
		if d.chance(35) {
			picked = append(picked, tag)
		}
	}
	return picked
}

// relate lets each product of a shelf name up to three others of it.
func relate(d dice, shelf []product) {
	for i := range shelf {
		shelf[i].RelatedIDs = []int{}
		for range d.IntN(4) {
			other := pick(d, shelf).number
			if other != shelf[i].number && !slices.Contains(shelf[i].RelatedIDs, other) {
				shelf[i].RelatedIDs = append(shelf[i].RelatedIDs, other)
			}
		}
	}
}

func (s *shop) fillStock(d dice) {
	s.stock = make(map[string]stockRecord)
	for _, p := range s.products {
		if d.chance(3) {
			continue // no warehouse has ever heard of it
		}
		record := stockRecord{Warehouses: []warehouseLine{}, product: p.ID}
		on := d.Perm(len(s.warehouses))[:1+d.IntN(3)]
		for _, i := range on {
			quantity := d.IntN(60)
			if d.chance(15) {
				quantity = 0
			}
			record.Available += quantity
			record.Warehouses = append(record.Warehouses, warehouseLine{s.warehouses[i].Code, quantity})
		}
		slices.SortStableFunc(record.Warehouses, func(a, b warehouseLine) int { return b.Quantity - a.Quantity })
		record.Reserved = d.IntN(1 + record.Available/8)
		record.Available -= record.Reserved
		if record.Available < 10 || d.chance(10) {
			record.Restock = &restock{today.AddDate(0, 0, 3+d.IntN(25)), 20 + 10*d.IntN(9)}
		}
		s.stock[p.SKU] = record
	}
}
