package demo

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

func (s *shop) fillOrders(d dice) {
	for range orderCount {
		o := order{CustomerID: number(d.person()), PlacedAt: d.before(today, 400), Lines: []orderLine{}}
		var total cents
		for range 1 + d.IntN(4) {
			p := pick(d, s.products)
			if slices.ContainsFunc(o.Lines, func(l orderLine) bool { return int(l.ProductID) == p.number }) {
				continue
			}
			line := orderLine{number(p.number), 1 + d.IntN(3), p.Price}
			total += line.UnitPrice.Amount * cents(line.Quantity)
			o.Lines = append(o.Lines, line)
		}
		o.Total = euros(total)
		if d.chance(15) {
			o.Note = ptr(pick(d, orderNotes))
		}
		switch age := today.Sub(o.PlacedAt) / (24 * time.Hour); {
		case d.chance(6):
			o.Status = "CANCELLED"
		case age < 3:
			o.Status = pick(d, []string{"PENDING", "PAID"})
		case age < 12:
			o.Status = pick(d, []string{"PAID", "SHIPPED"})
		default:
			o.Status = "DELIVERED"
		}
		if sent(o) {
			o.Shipment = &shipment{pick(d, []string{"DHL", "DPD", "GLS"}), fmt.Sprintf("00%018d", d.Int64N(1e17))}
		}
		s.orders = append(s.orders, o)
	}
	slices.SortStableFunc(s.orders, func(a, b order) int { return a.PlacedAt.Compare(b.PlacedAt) })
	for i := range s.orders {
		s.orders[i].ID = number(firstOrder + i)
	}
}

func (s *shop) fillReviews(d dice) {
	said := map[string]bool{} // nobody reviews a product twice, no product has the same text twice
	for len(s.reviews) < reviewCount {
		p := pick(d, s.products)
		r := review{ProductID: p.ID, AuthorID: d.person(), CreatedAt: d.before(today, 540)}
		words := opinions.good
		switch luck := d.IntN(100); {
		case luck < 48:
			r.Rating = 5
		case luck < 74:
			r.Rating = 4
		case luck < 87:
			r.Rating, words = 3, opinions.fair
		default:
			r.Rating, words = 1+d.IntN(2), opinions.poor
		}
		if r.Rating > 3 && d.chance(45) {
			words = praise[p.Category]
		}
		says := pick(d, words)
		if d.chance(12) {
			says = opinion{}
		}
		text, author := p.ID+says.title+says.body, p.ID+" "+strconv.Itoa(r.AuthorID)
		if said[author] || (says != opinion{} && said[text]) {
			continue
		}
		said[text], said[author] = true, true
		if says.title != "" {
			r.Title = &says.title
		}
		if says.body != "" {
			r.Body = &says.body
		}
		if d.chance(55) {
			r.Votes.Helpful = d.IntN(24)
		}
		s.reviews = append(s.reviews, r)
	}
	slices.SortStableFunc(s.reviews, func(a, b review) int { return b.CreatedAt.Compare(a.CreatedAt) })
	for i := range s.reviews {
		s.reviews[i].ID = reviewID(len(s.reviews) - i)
	}
}

func (s *shop) fillFeed(d dice) {
	for _, r := range s.reviews {
		s.feed = append(s.feed, feedReview(r))
	}
	for n := range 120 {
		item := feedItem{At: d.before(today, 540), AuthorID: d.person(), ProductID: pick(d, s.products).ID}
		if n%3 == 0 {
			item.ID, item.Kind = fmt.Sprintf("f-ph-%03d", n+1), "photo"
			item.URL = fmt.Sprintf("https://img.example.com/u/%d/%06x.jpg", item.AuthorID, d.IntN(1<<24))
			if caption := pick(d, captions); caption != "" {
				item.Caption = &caption
			}
		} else {
			asked := pick(d, questions)
			item.ID, item.Kind, item.Text = fmt.Sprintf("f-qu-%03d", n+1), "question", asked.text
			item.Answers = []answer{}
			for _, text := range asked.answers {
				item.Answers = append(item.Answers, answer{text, d.person()})
			}
		}
		s.feed = append(s.feed, item)
	}
	slices.SortStableFunc(s.feed, func(a, b feedItem) int { return b.At.Compare(a.At) })
}
