package resolvers

import (
	"context"
	"errors"

	"github.com/tributary-gateway/tributary/gateway/fail"
	"github.com/tributary-gateway/tributary/graph/model"
	"github.com/tributary-gateway/tributary/upstreams/loader"
	"github.com/tributary-gateway/tributary/upstreams/view"
)

// checkout sets stock aside, then orders what was set aside. When the order is refused the stock is given back, and
// the refusal is the answer.
func checkout(ctx context.Context, input model.CheckoutInput) (*model.CheckoutPayload, error) {
	lines := make([]any, len(input.Lines))
	for i, line := range input.Lines {
		lines[i] = map[string]any{"sku": line.Sku, "quantity": line.Quantity}
	}
	reservation, err := loader.Call(ctx, "Mutation.reserveStock",
		map[string]any{"input": map[string]any{"lines": lines}}, loader.Object[model.Reservation])
	if err != nil {
		return nil, err
	}
	if reservation == nil {
		return nil, fail.New(fail.UpstreamInvalidResponse, "The inventory didn't say what it set aside.")
	}
	order, err := loader.Call(ctx, "Mutation.createOrder",
		map[string]any{"input": orderOf(input, reservation)}, loader.Object[model.Order])
	if err == nil && order != nil {
		return &model.CheckoutPayload{Order: order, Reservation: reservation}, nil
	}
	if err == nil {
		err = fail.New(fail.UpstreamInvalidResponse, "The order service didn't say what it ordered.")
	}
	return nil, errors.Join(err, giveBack(ctx, reservation))
}

// orderOf is the order of everything that was set aside. The inventory knows which product a SKU is: its JSON has a
// product_id, which the graph shows as ReservationLine.product.
func orderOf(input model.CheckoutInput, reservation *model.Reservation) map[string]any {
	var lines []any
	for _, line := range view.Unpack(reservation).Get("lines").Elems() {
		lines = append(lines, map[string]any{
			"productId": line.Get("product_id").Any(),
			"quantity":  line.Get("quantity").Any(),
		})
	}
	order := map[string]any{"customerId": input.CustomerID, "lines": lines}
	if note, given := input.Note.ValueOK(); given {
		order["note"] = note
	}
	return order
}

// giveBack releases a reservation. A client that hung up doesn't keep the stock.
func giveBack(ctx context.Context, reservation *model.Reservation) error {
	id, err := reservation.ID()
	if err != nil {
		return err
	}
	_, err = loader.Call(context.WithoutCancel(ctx), "Mutation.releaseStock", map[string]any{"id": id}, loader.NullableSucceeded)
	return err
}
