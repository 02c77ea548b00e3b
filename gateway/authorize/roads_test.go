package authorize_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

const shop = `
scalar Email @requiresScopes(scopes: [["read:pii"]])
scalar _Any
enum Risk @authenticated { LOW HIGH }
interface Node { id: ID! }
interface Actor { id: ID! name: String! @requiresScopes(scopes: [["read:names"]]) owner: Node }
interface Audited implements Node @requiresScopes(scopes: [["audit"]]) { id: ID! trail: String }
type User implements Node & Actor @authenticated { id: ID! name: String! owner: User email: Email friends: [User!]! }
type Bot implements Node & Actor { id: ID! name: String! owner: Node maker: Email }
type Product implements Node { id: ID! title: String price: Int @requiresScopes(scopes: [["read:prices"]]) risk: Risk seller: User }
type Invoice implements Node & Audited { id: ID! trail: String total: Int }
type Secret @requiresScopes(scopes: [["s1", "s2"], ["admin"]]) { text: String }
union Hit = User | Product
union Hidden = User | Secret
union _Entity = User | Product
type Query {
  me: User
  users: [User!]!
  product: Product
  products: [Product!]!
  node(id: ID): Node
  actor: Actor
  actors: [Actor!]!
  audited: Audited
  invoice: Invoice
  hits: [[Hit!]]!
  hidden: Hidden
  secret: Secret
  _entities(representations: [_Any!]!): [_Entity]!
}
type Mutation {
  touch: Product
  node: Node
  admin: Product @requiresScopes(scopes: [["admin"]])
}
`

// TestRoads goes to protected fields and types on every road that a document knows.
func TestRoads(t *testing.T) {
	for _, c := range []struct{ name, as, query, denied string }{
		{"an object", "nobody", `{ me { id } }`, "me Query.me"},
		{"a list", "nobody", `{ users { id } }`, "users Query.users"},
		{"an alias", "nobody", `{ product: me { id } }`, "product Query.me"},
		{"two aliases", "nobody", `{ a: me { id } b: product { title } }`, "a Query.me"},
		{"an authenticated caller", "somebody", `{ me { id } users { friends { id } } }`, ""},
		{"a field", "somebody", `{ product { title price } }`, "product.price Product.price"},
		{"a field with an alias of another", "somebody", `{ product { title: price } }`, "product.title Product.price"},
		{"a field with its scope", "read:prices", `{ product { price } }`, ""},
		{"a scalar", "somebody", `{ me { email } }`, "me.email User.email"},
		{"a scalar elsewhere", "somebody", `{ actor { ... on Bot { maker } } }`, "actor.maker Bot.maker"},
		{"an enum", "nobody", `{ product { risk } }`, "product.risk Product.risk"},
		{"nested", "nobody", `{ product { seller { friends { id } } } }`, "product.seller Product.seller"},
		{"nested, by an interface", "nobody", `{ node { ... on Bot { owner { ... on User { id } } } } }`, "node.owner.id User.id"},
		{"an interface's field", "nobody", `{ node { id } }`, "node.id User.id|node.id Invoice.id"},
		{"an interface's field, typed", "nobody", `{ node { ... on Product { id } } }`, ""},
		{"an inline fragment", "nobody", `{ node { ... on User { id friends { id } } } }`, "node.friends User.friends|node.id User.id"},
		{"an inline fragment without a type", "nobody", `{ node { ... { ... on User { id } } } }`, "node.id User.id"},
		{"a fragment", "nobody", `{ node { ...u } } fragment u on User { x: id }`, "node.x User.id"},
		{"a fragment in a fragment", "nobody", `{ node { ...a } } fragment a on Node { ...b } fragment b on User { id }`, "node.id User.id"},
		{"a fragment on another interface", "nobody", `{ node { ... on Actor { owner { id } } } }`, "node.owner User.owner|node.owner.id User.id|node.owner.id Invoice.id"},
		{"the type's name alone", "nobody", `{ node { __typename ... on User { __typename } } }`, ""},
		{"the type's name behind a denied field", "nobody", `{ me { __typename } }`, "me Query.me"},
		{"a union", "somebody", `{ hits { ... on User { id email } ... on Product { price } } }`, "hits.email User.email|hits.price Product.price"},
		{"a union in lists", "nobody", `{ hits { ... on User { id } ... on Node { i: id } } }`, "hits.i User.id|hits.id User.id"},
		{"a union of what is all denied", "nobody", `{ hidden { __typename } }`, "hidden Query.hidden"},
		{"a union of which one is allowed", "somebody", `{ hidden { ... on Secret { text } ... on User { id } } }`, "hidden.text Secret.text"},
		{"entities", "nobody", `{ _entities(representations: []) { ... on User { id } ... on Product { id } } }`, "_entities.id User.id"},
		{"a field of an interface", "somebody", `{ actor { name } }`, "actor.name Bot.name|actor.name User.name"},
		{"a field of an interface, by the object", "somebody", `{ me { name } }`, "me.name User.name"},
		{"a field of an interface, with its scope", "read:names", `{ me { name } actors { name } }`, ""},
		{"a protected interface", "somebody", `{ audited { trail } }`, "audited Query.audited"},
		{"a protected interface, by an object", "somebody", `{ invoice { id trail total } }`, "invoice.id Invoice.id|invoice.trail Invoice.trail"},
		{"a protected interface, by another", "somebody", `{ node { id ... on Audited { trail } } }`, "node.id Invoice.id|node.trail Invoice.trail"},
		{"a protected interface, with its scope", "audit", `{ audited { trail } invoice { id } }`, ""},
		{"one list of scopes", "s1 s2", `{ secret { text } }`, ""},
		{"half a list of scopes", "s1", `{ secret { text } }`, "secret Query.secret"},
		{"the other list of scopes", "admin", `{ secret { text } }`, ""},
		{"introspection", "nobody", `{ __schema { types { name } } __type(name: "User") { name } __typename }`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			schema, r := load(t, shop)
			doc, op := parse(t, schema, c.query)
			who := caller(c.as)
			want := strings.Split(c.denied, "|")
			if c.denied == "" {
				want = nil
			}
			slices.Sort(want)
			v := r.Plan(doc, op).Check(who)
			x := run(schema, doc, op, v)
			if !slices.Equal(x.denied, want) {
				t.Errorf("denied %q, want %q", x.denied, want)
			}
			if (v == nil) != (c.denied == "") {
				t.Errorf("the verdict is %v", v)
			}
		})
	}
}

// TestDepth: a protected field is found however deep the fragments are nested, and in time.
func TestDepth(t *testing.T) {
	_, r := load(t, shop)
	var b strings.Builder
	b.WriteString("{ node { ...f0 } }\n")
	for i := range 30 { // 2³⁰ spreads, for who counts each
		fmt.Fprintf(&b, "fragment f%d on Node { ... on Bot { a: owner { ...f%d } b: owner { ...f%[2]d } } }\n", i, i+1)
	}
	b.WriteString("fragment f30 on Node { ... on Product { price } }")
	doc, op := unchecked(t, b.String())
	v := r.Plan(doc, op).Check(caller("somebody"))
	if !v.DeniedField("Product", "price") || v.DeniedField("Product", "title") {
		t.Error("the price was not found")
	}
}

func TestMutationIsRefusedWhole(t *testing.T) {
	for _, c := range []struct{ name, as, query, want string }{
		{"its root field", "somebody", `mutation { admin { title } }`, "admin"},
		{"next to an allowed one", "somebody", `mutation { touch { title } x: admin { title } }`, "x"},
		{"something below", "somebody", `mutation { touch { title p: price } }`, "touch.p"},
		{"several", "somebody", `mutation { touch { price seller { email } } admin { title } }`, "touch.price touch.seller.email admin"},
		{"what may be of a denied type", "nobody", `mutation { node { id } }`, "node.id"},
		{"what is of another type", "nobody", `mutation { node { ... on Product { id } } }`, ""},
		{"nothing below what is denied", "nobody", `mutation { touch { seller { friends { email } } } }`, "touch.seller"},
		{"left out", "somebody", `mutation { touch { title price @skip(if: true) } admin @include(if: false) { title } }`, ""},
		{"left out by a variable", "somebody", `mutation($no: Boolean!) { touch { title ...p @include(if: $no) } } fragment p on Product { price }`, ""},
		{"let in by a variable", "somebody", `mutation($yes: Boolean!) { touch { title ... @include(if: $yes) { price } } }`, "touch.price"},
		{"allowed", "admin read:prices", `mutation { touch { price } admin { title } }`, ""},
		{"a query", "somebody", `{ product { price } }`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			schema, r := load(t, shop)
			doc, op := parse(t, schema, c.query)
			var got []string
			for _, e := range r.Of(doc, op).Check(caller(c.as)).Refusals(doc, op, map[string]any{"no": false, "yes": true}) {
				got = append(got, e.Path.String())
				if len(e.Locations) != 1 || e.Locations[0].Line != 1 || e.Locations[0].Column == 0 {
					t.Errorf("locations %v", e.Locations)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestManyRefusals: a mutation with thousands of denied fields doesn't get thousands of errors.
func TestManyRefusals(t *testing.T) {
	schema, r := load(t, shop)
	var b strings.Builder
	for i := range 1000 {
		b.WriteString(" a" + strconv.Itoa(i) + ": admin { title }")
	}
	doc, op := parse(t, schema, "mutation {"+b.String()+"}")
	if n := len(r.Plan(doc, op).Check(caller("somebody")).Refusals(doc, op, nil)); n != 10 {
		t.Errorf("%d errors", n)
	}
}

// unchecked parses without the rules, some of which visit each spread.
func unchecked(t *testing.T, query string) (*ast.QueryDocument, *ast.OperationDefinition) {
	t.Helper()
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		t.Fatal(err)
	}
	return doc, doc.Operations[0]
}
