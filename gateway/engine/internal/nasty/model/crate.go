package model

import (
	"context"
	"fmt"
	"strconv"

	"github.com/tributary-gateway/tributary/gateway/scalar"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// Crate is a view.
type Crate view.Value

// NewCrate makes the crate of a key; its JSON has something wrong now and then.
func NewCrate(key int) *Crate {
	d, err := view.Parse([]byte(crateJSON(key, 2)))
	if err != nil {
		panic(err)
	}
	return view.Pack[Crate](d.Root())
}

// CrateOf is the crate of a JSON.
func CrateOf(json string) *Crate {
	d, err := view.Parse([]byte(json))
	if err != nil {
		panic(err)
	}
	return view.Pack[Crate](d.Root())
}

func crateJSON(key, depth int) string {
	pick := func(field string, good string, bad ...string) string {
		h := Hash(key, field)
		if h%12 > 0 {
			return good
		}
		return bad[h/12%len(bad)]
	}
	inner := "null"
	if depth > 0 {
		inner = crateJSON(Hash(key, "in"), depth-1)
	}
	return fmt.Sprintf(`{"id":%s,"meta":%s,"title":%s,"count":%s,"price":%s,"ok":%s,"color":%s,"tags":%s,"firm":%s,`+
		`"nested":%s,"inside":%s,"items":%s,"content":%s,"any":%s,"made":%s,"big":%s,"key":%d}`,
		pick("id", strconv.Itoa(key), `"x"`, `1.5`, `null`),
		pick("meta", `{"kind":"crate"}`, `{}`, `7`, `{"kind":["a"]}`),
		pick("title", `"t\u0041\n\"`+strconv.Itoa(key)+`"`, `12`, `null`, `{}`),
		pick("count", strconv.Itoa(key%1000), `1e3`, `"4"`, `1.5`, `99999999999`),
		pick("price", strconv.Itoa(key%10)+".25", `1.50`, `"x"`, `null`),
		pick("ok", `true`, `0`, `"no"`, `null`),
		pick("color", `"RED"`, `"PINK"`, `3`, `null`),
		pick("tags", `["a",null,"b"]`, `["a",{},1]`, `null`, `"x"`),
		pick("firm", `["f","g"]`, `[]`, `null`, `5`),
		pick("nested", `[[1,2],null,[]]`, `[[1,"x"],3]`, `null`, `{}`),
		pick("inside", inner, `null`, `"no"`, `[1]`),
		pick("items", `[`+inner+`]`, `[]`, `null`, `{}`, `[null]`),
		pick("content", `{"type":"cat","key":`+strconv.Itoa(key)+`}`, `null`, `{"type":"crate","id":1}`, `{"type":"?"}`),
		pick("any", `{"a":[1,2.50]}`, `null`, `"s"`),
		pick("made", `"2021-01-02T03:04:05Z"`, `"yesterday"`, `null`),
		pick("big", `1234567890123456`, `"12"`, `1.5`, `null`),
		key)
}

func (*Crate) IsNode()  {}
func (*Crate) IsStuff() {}

func (c *Crate) at(name string) view.Value { return view.Unpack(c).Get(name) }

// Key is what the schema doesn't show.
func (c *Crate) Key() int { i, _ := view.Int(c.at("key")); return int(i) }

func (c *Crate) ID() (string, error)     { return view.ID(c.at("id")) }
func (c *Crate) Kind() (string, error)   { return view.String(c.at("meta").Get("kind")) }
func (c *Crate) Title() (string, error)  { return view.String(c.at("title")) }
func (c *Crate) Count() (*int32, error)  { return view.Opt(c.at("count"), view.Int) }
func (c *Crate) Price() (float64, error) { return view.Float(c.at("price")) }
func (c *Crate) Ok() (*bool, error)      { return view.Opt(c.at("ok"), view.Bool) }
func (c *Crate) Any() (scalar.JSON, error) {
	if c.at("any").IsNull() {
		return nil, nil
	}
	return view.JSON(c.at("any"))
}
func (c *Crate) Made() (*scalar.DateTime, error) { return view.Opt(c.at("made"), view.DateTime) }
func (c *Crate) Big() (int64, error)             { return view.Long(c.at("big")) }

func (c *Crate) Color() (*Color, error) {
	return view.Opt(c.at("color"), func(v view.Value) (Color, error) {
		name, err := view.Enum(v, func(s string) bool { return s == "RED" || s == "GREEN" || s == "BLUE" }, "Color")
		return Color(name), err
	})
}

func optString(v view.Value) (*string, error) { return view.Opt(v, view.String) }
func optInt(v view.Value) (*int32, error)     { return view.Opt(v, view.Int) }

func (c *Crate) Tags(ctx context.Context) ([]*string, error) {
	return view.OptList(ctx, c.at("tags"), optString)
}

func (c *Crate) Firm(ctx context.Context) ([]string, error) {
	return view.OptList(ctx, c.at("firm"), view.String)
}

func (c *Crate) Nested(ctx context.Context) ([][]*int32, error) {
	if c.at("nested").IsNull() {
		return nil, nil
	}
	return view.Nested(ctx, c.at("nested"), func(ctx context.Context, v view.Value) ([]*int32, error) {
		return view.OptList(ctx, v, optInt)
	})
}

func (c *Crate) Inside() (*Crate, error) {
	v := c.at("inside")
	return view.Pack[Crate](v), view.ObjectErr(v, "Crate")
}

func (c *Crate) Items() ([]*Crate, error) {
	v := c.at("items")
	if v.IsNull() {
		return nil, view.ErrNull
	}
	return view.PackList[Crate](v), view.ListErr(v)
}

func (c *Crate) Content() (Node, error) {
	v := c.at("content")
	switch kind, _ := view.String(v.Get("type")); {
	case v.IsNull():
		return nil, nil
	case kind == "cat":
		key, err := view.Int(v.Get("key"))
		return NewCat(int(key)), err
	case kind == "crate":
		return view.Pack[Crate](v), nil
	default:
		return nil, fmt.Errorf("no type of Node is called %q", kind)
	}
}
