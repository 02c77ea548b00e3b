package model

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/99designs/gqlgen/graphql"

	"github.com/tributary-gateway/tributary/gateway/scalar"
)

// The interfaces and unions of the schema.
type (
	Node  interface{ IsNode() }
	Named interface {
		Node
		IsNamed()
	}
	Left  interface{ IsLeft() }
	Right interface{ IsRight() }
	Pet   interface{ IsPet() }
	Stuff interface{ IsStuff() }
)

// Cat is mostly methods.
type Cat struct {
	Key  int
	Nick *string
	Age  *int32
}

// NewCat makes the cat of a key.
func NewCat(key int) *Cat {
	c := &Cat{Key: key}
	if key%3 > 0 {
		nick := "n\"" + strconv.Itoa(key)
		age := int32(key % 20)
		c.Nick, c.Age = &nick, &age
	}
	return c
}

func (*Cat) IsNode()  {}
func (*Cat) IsNamed() {}
func (*Cat) IsPet()   {}
func (*Cat) IsStuff() {}

func (c *Cat) ID() string            { return strconv.Itoa(c.Key) }
func (c *Cat) Kind() string          { return "cat" }
func (c *Cat) Name() (string, error) { return fmt.Sprint("cat ", c.Key), property(c.Key, "name") }
func (c *Cat) Color() Color          { return AllColor[c.Key%3] }

func (c *Cat) Likes() []Color {
	if c.Key%5 == 0 {
		return nil
	}
	return AllColor[:c.Key%4]
}

func (c *Cat) Weight(unit *string) (float64, error) {
	return float64(c.Key) / 8, property(c.Key, "weight"+*unit)
}

func (c *Cat) Slow(ctx context.Context) (*string, error) {
	path := graphql.GetPath(ctx).String()
	return &path, property(c.Key, "slow")
}

func (c *Cat) Inner() (*Cat, error) {
	if FateOf(c.Key, "inner") == Nil {
		return nil, nil
	}
	return NewCat(Hash(c.Key, "inner")), property(c.Key, "inner")
}

func (c *Cat) Pair() [][]*Cat {
	if c.Key%7 == 0 {
		return [][]*Cat{nil, {nil}}
	}
	return [][]*Cat{{NewCat(c.Key + 1), nil}, {}, {NewCat(c.Key + 2)}}
}

func (c *Cat) Ghost() Node {
	switch c.Key % 4 {
	case 0:
		return nil
	case 1:
		return (*Cat)(nil)
	case 2:
		return NewHuman(c.Key)
	default:
		return NewCat(c.Key + 1)
	}
}

func (c *Cat) Mood() *Mood {
	m := Mood(c.Key % 3)
	return &m
}

func (c *Cat) Moods() []Mood { return []Mood{Happy, Sad}[:c.Key%3] }

func (c *Cat) Lucky() (*int32, bool) {
	seven := int32(7)
	return &seven, c.Key%2 == 0
}

// Mood has a value that the schema doesn't.
type Mood int

// The moods of the schema.
const (
	Happy Mood = iota
	Sad
)

// Human holds homes by value.
type Human struct {
	Key  int
	Home Home
}

func NewHuman(key int) *Human { return &Human{Key: key, Home: Home{Key: key}} }

func (*Human) IsNode()  {}
func (*Human) IsNamed() {}
func (*Human) IsStuff() {}

func (h *Human) ID() string   { return strconv.Itoa(h.Key) }
func (h *Human) Kind() string { return "human" }
func (h *Human) Name() string { return fmt.Sprint("human ", h.Key) }
func (h *Human) Homes() []Home {
	return []Home{{Key: h.Key + 1}, {Key: h.Key + 2}}
}

func (h *Human) Tags() ([]string, error) {
	if h.Key%3 == 0 {
		return nil, nil
	}
	return []string{"a", "b"}, property(h.Key, "tags")
}

func (h *Human) Late(context.Context) (string, error) { return "late", property(h.Key, "late") }

// Home has no pointer.
type Home struct{ Key int }

func (h *Home) City() (string, error) { return fmt.Sprint("city ", h.Key), property(h.Key, "city") }
func (h *Home) Shout() *string        { s := fmt.Sprint("home ", h.Key); return &s }

// Robot is a value type in interfaces.
type Robot struct{ Key int }

func (Robot) IsNode()  {}
func (Robot) IsPet()   {}
func (Robot) IsStuff() {}
func (Robot) IsLeft()  {}
func (Robot) IsRight() {}

func (r Robot) ID() string    { return strconv.Itoa(r.Key) }
func (r Robot) Kind() string  { return "robot" }
func (r Robot) Serial() int64 { return int64(r.Key) << 24 }

func (r Robot) Made() *scalar.DateTime {
	if r.Key%2 == 0 {
		return nil
	}
	d := scalar.DateTime("2020-02-29T12:00:00Z")
	return &d
}

func (r Robot) Parts() []*Crate { return []*Crate{NewCrate(r.Key), nil, NewCrate(r.Key + 1)} }

func (r Robot) Note() scalar.JSON {
	if r.Key%3 == 0 {
		return nil
	}
	return scalar.JSON(`{"a":[1,null]}`)
}

func (r Robot) Void() *Void { v := Void("x"); return &v }

// Color is an enum with methods.
type Color string

// AllColor has all of them.
var AllColor = []Color{"RED", "GREEN", "BLUE"}

// MarshalGQL writes the name.
func (c Color) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(string(c))) }

// UnmarshalGQL takes what the schema allows.
func (c *Color) UnmarshalGQL(v any) error {
	s, _ := v.(string)
	*c = Color(s)
	return nil
}

// Void is null.
type Void string

// MarshalVoid is null for all but "loud", which panics.
func MarshalVoid(v Void) graphql.Marshaler {
	if v == "loud" {
		panic("loud")
	}
	return graphql.Null
}

// UnmarshalVoid refuses "bad".
func UnmarshalVoid(v any) (Void, error) {
	s, _ := v.(string)
	if s == "bad" {
		return "", fmt.Errorf("bad void")
	}
	if s == "panic" {
		panic("void")
	}
	return Void(s), nil
}
