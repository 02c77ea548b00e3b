package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/tributary-gateway/tributary/gateway/cache"
	"github.com/tributary-gateway/tributary/gateway/config"
)

func cacheCommand() *cli.Command {
	return &cli.Command{
		Name:  "cache",
		Usage: "what gateways keep of answers",
		Description: `Answers are kept as @cacheControl in the schema and the cache sections of gateway.yaml say.

Examples:
  gateway cache purge --type Product`,
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return cli.ShowSubcommandHelp(cmd)
		},
		Commands: []*cli.Command{{
			Name:  "purge",
			Usage: "drop answers in every gateway that shares the store",
			Description: `Asks the admin listener that gateway.yaml names, with its token. Give one or more of the flags.

Examples:
  gateway cache purge --type Product
  gateway cache purge --entity Product:134 --list Review
  gateway cache purge --service catalog
  gateway cache purge --all --admin http://10.0.0.5:9090`,
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "admin", Usage: "`URL` of the admin listener; default: admin.listen of the configuration"},
				&cli.StringSliceFlag{Name: "type", Usage: "answers in which a `TYPE` was asked for"},
				&cli.StringSliceFlag{Name: "entity", Usage: "answers with the object `TYPE:ID`"},
				&cli.StringSliceFlag{Name: "list", Usage: "answers with a list of a `TYPE`"},
				&cli.StringSliceFlag{Name: "service", Usage: "answers for which a `SERVICE` was asked"},
				&cli.StringSliceFlag{Name: "tag", Usage: "answers with a `TAG`"},
				&cli.BoolFlag{Name: "all", Usage: "everything"},
			},
			Action: purgeAction,
		}},
	}
}

func purgeAction(ctx context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	var order struct {
		Purge []cache.Target `json:"purge"`
	}
	for _, kind := range []string{"type", "entity", "list", "service", "tag"} {
		for _, name := range cmd.StringSlice(kind) {
			order.Purge = append(order.Purge, cache.Target{Kind: kind, Name: name})
		}
	}
	if cmd.Bool("all") {
		order.Purge = append(order.Purge, cache.Target{Kind: "all"})
	}
	if len(order.Purge) == 0 {
		return errors.New("nothing to purge: give --type, --entity, --list, --service, --tag or --all")
	}
	cfg, err := loadConfig(cmd)
	if err != nil {
		return err
	}
	address, err := adminAddress(cmd.String("admin"), cfg)
	if err != nil {
		return err
	}
	count, err := purge(ctx, address, cfg.Admin.Token.Reveal(), order)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.Root().Writer, "%d answers dropped\n", count)
	return err
}

// adminAddress is where the admin listener is, as a URL.
func adminAddress(given string, cfg *config.Config) (string, error) {
	if given != "" {
		return given, nil
	}
	if cfg.Admin.Listen == "" {
		return "", errors.New("the configuration has no admin.listen; name the listener: --admin http://127.0.0.1:9090")
	}
	host, port, err := net.SplitHostPort(cfg.Admin.Listen)
	if err != nil {
		return "", fmt.Errorf("admin.listen: %w", err)
	}
	return "http://" + net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port), nil
}

// purge sends an order to the admin listener.
func purge(ctx context.Context, address, token string, order any) (count int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	body, err := json.Marshal(order)
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/cache/purge", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, fmt.Errorf("the admin listener doesn't answer: %w", err)
	}
	defer res.Body.Close()
	var answer struct {
		Purged int
		Errors []struct{ Message string }
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return 0, err
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return 0, fmt.Errorf("%s is no admin listener: it answered %d", address, res.StatusCode)
	}
	if len(answer.Errors) > 0 {
		return 0, errors.New(answer.Errors[0].Message)
	}
	return answer.Purged, nil
}
