package cost_test

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tributary-gateway/tributary/gateway/cost"
)

func TestActual(t *testing.T) {
	for _, tt := range []struct {
		name, query, data string
		field, typ        float64
	}{
		{"a null costs its call", `{ item { id } dear }`, `{"item": null, "dear": null}`, 3.5, 1},
		{"nulls in a list", `{ one(n: 3) { items(n: 2) { id } } }`, `{"one": [null, {"items": [{"id": 1}]}, null]}`, 2, 7},
		{"an empty list", `{ one(n: 3) { items(n: 2) { id } } }`, `{"one":[]}`, 1, 1},
		{"leaves with a weight", `{ names(n: 4) }`, `{"names": ["a", null, "b"]}`, 0, 2},
		{"nothing at all", `{ item { items(n: 2) { id } } dear }`, ` null `, 3.5, 0},
		{"the object's own weight", `{ any { __typename ... on Light { kids { id } } } }`, `{"any": {"__typename": "Light", "kids": []}}`, 6, 1},
		{"by another name for it", `{ any { t: __typename ... on Light { kids { id } } } }`, `{"any": {"t": "Light", "kids": []}}`, 6, 1},
		{"the dearest when it isn't known", `{ any { ... on Light { kids { id } } } }`, `{"any": {}}`, 6, 4},
		{"a name of no type", `{ any { ... on Light { kids { id } } } }`, `{"any": {"__typename": "Nobody", "kids": [{"id": 1}]}}`, 6, 7},
		{"in any order, with strangers", `{ item { id } b: item { id } }`, `{"x": {"item": [{}]}, "b": {"id": "\\\"}"}, "item": {"id": 2}}`, 2, 7},
		{"lists of lists", `{ grid { id } }`, `{"grid": [[{"id": 1}, null], null, [{"id": 2}]]}`, 1, 7},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, overruns, err := formulaOf(t, shop, cost.Config{}, tt.query).Actual(nil, []byte(tt.data))
			if err != nil || overruns != nil || got.Field != tt.field || got.Type != tt.typ {
				t.Errorf("got %+v, %v, %v", got, overruns, err)
			}
		})
	}
}

func TestOverruns(t *testing.T) {
	formula := formulaOf(t, shop, cost.Config{}, `{ one(n: 2) { items(n: 1) { id } } }`)
	data := `{"one": [{"items": [{"id":1},{"id":2}]}, {"items": [{"id":1},{"id":2},{"id":3}]}, {"items":[]}]}`
	got, overruns, err := formula.Actual(nil, []byte(data))
	want := []cost.Overrun{{Path: []string{"one", "items"}, Estimated: 1, Actual: 3}, {Path: []string{"one"}, Estimated: 2, Actual: 3}}
	if diff := cmp.Diff(want, overruns); diff != "" || err != nil {
		t.Errorf("(-want +got)\n%s%v", diff, err)
	}
	if got.Field != 4 || got.Type != 25 {
		t.Errorf("what is there is charged: %+v", got)
	}
}

func TestActualOfWhatIsNoAnswer(t *testing.T) {
	formula := formulaOf(t, shop, cost.Config{}, `{ item { id } one(n: 1) { id } any { ... on Light { id } } }`)
	for _, data := range []string{
		``, `[]`, `7`, `{`, `{"item"`, `{"item":`, `{"item": 7}`, `{"item": {"id": 1}`, `{"item": {} "one": []}`,
		`{"one": [{}`, `{"one": [{} {}]}`, `{"any": {"x": 1 "y"}}`, `{"any": {"x`, `{"any": {x`, `{} {}`, `{"item": "\"}`,
	} {
		_, _, err := formula.Actual(nil, []byte(data))
		var syntax *cost.SyntaxError
		if !errors.As(err, &syntax) || syntax.Offset > len(data) {
			t.Errorf("%s: %v", data, err)
		}
	}
}

func TestTable(t *testing.T) {
	formula := formulaOf(t, shop, cost.Config{}, `query($n: Int) { node { id ... on Heavy { x: kids(n: $n) { id } } } gone: item @include(if: false) { id } dear }`)
	rows, err := formula.Table(map[string]any{"n": 2})
	want := []cost.Row{
		{Path: "", Coordinate: "Query", Size: 1, Type: 1},
		{Path: "node", Coordinate: "Query.node", Size: 1, Field: 1, Type: 1},
		{Path: "node.id", Coordinate: "Heavy.id", Size: 1, Field: 1},
		{Path: "node.x", Coordinate: "Heavy.kids", Size: 2, Field: 1, Type: 6},
		{Path: "node.x.id", Coordinate: "Item.id", Size: 1},
		{Path: "dear", Coordinate: "Query.dear", Size: 1, Field: 2.5},
	}
	share := 0.0
	for i := range rows {
		share += rows[i].Share
		rows[i].Share = 0
	}
	if diff := cmp.Diff(want, rows); diff != "" || err != nil {
		t.Errorf("(-want +got)\n%s%v", diff, err)
	}
	if math.Abs(share-1) > 1e-9 {
		t.Errorf("the shares add up to %v", share)
	}
}
