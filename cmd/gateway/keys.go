package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/urfave/cli/v3"

	"github.com/tributary-gateway/tributary/gateway/identity"
)

func keysCommand() *cli.Command {
	return &cli.Command{
		Name:  "keys",
		Usage: "make, list and revoke API keys",
		Description: `API keys are kept in a file or in Redis, as hashes. A gateway that uses them sees changes without a restart.

Examples:
  gateway keys create --client mobile --plan gold --scopes read:users,read:orders --expires 90d --file keys.yaml
  gateway keys list --redis redis://localhost:6379/0
  gateway keys revoke 4k2x7hq3bd --file keys.yaml`,
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return cli.ShowSubcommandHelp(cmd)
		},
		Commands: []*cli.Command{
			{
				Name:  "create",
				Usage: "make a key for a client and print it, once",
				Description: `Prints the key on standard output and what it is on standard error. Only its hash is kept: nobody can print it
again. A client can have several keys, for instance an old and a new one while they are exchanged.

Examples:
  gateway keys create --client mobile --file keys.yaml
  gateway keys create --client partner --plan silver --scopes read:orders --expires 2027-12-31 --redis redis://localhost`,
				Flags: append(keyringFlags(),
					&cli.StringFlag{Name: "client", Usage: "the `NAME` of the client whose key it is"},
					&cli.StringFlag{Name: "plan", Usage: "the client's `PLAN` when it uses this key"},
					&cli.StringFlag{Name: "scopes", Usage: "what the key allows: `A,B`"},
					&cli.StringFlag{Name: "expires", Usage: "when it ends: after `TIME` like 12h or 90d, or on a day like 2027-12-31"},
				),
				Action: createKey,
			},
			{
				Name:  "list",
				Usage: "list keys, without the keys themselves",
				Description: `One line for each key, in the order in which they were made.

Examples:
  gateway keys list --file keys.yaml
  gateway keys list --client mobile --redis redis://localhost`,
				Flags:  append(keyringFlags(), &cli.StringFlag{Name: "client", Usage: "only those of the client `NAME`"}),
				Action: listKeys,
			},
			{
				Name:      "revoke",
				Usage:     "end the use of keys",
				ArgsUsage: "ID…",
				Description: `The id is in the list, and in the key after "trb_". Gateways refuse the key within 5 seconds.

Examples:
  gateway keys revoke 4k2x7hq3bd --file keys.yaml
  gateway keys revoke 4k2x7hq3bd r5ttp2mz6a --redis redis://localhost`,
				Flags:  keyringFlags(),
				Action: revokeKeys,
			},
		},
	}
}

func keyringFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "file", TakesFile: true, Usage: "keys are in `FILE`, YAML or JSON by its name", Sources: cli.EnvVars("TRIBUTARY_KEYS_FILE")},
		&cli.StringFlag{Name: "redis", Usage: "keys are in Redis at `URL`: redis://user:password@host:6379/0, rediss:// for TLS", Sources: cli.EnvVars("TRIBUTARY_KEYS_REDIS")},
		&cli.StringFlag{Name: "redis-prefix", Value: identity.DefaultRedisPrefix, Usage: "names in Redis begin with `TEXT`"},
	}
}

// withKeyring does something with the keys that the flags name.
func withKeyring(cmd *cli.Command, do func(identity.Keyring) error) (err error) {
	file, url := cmd.String("file"), cmd.String("redis")
	switch {
	case cmd.IsSet("file") && cmd.IsSet("redis") || file == "" && url == "":
		return usageError{errors.New("say where the keys are: --file FILE or --redis URL")}
	case file != "":
		return do(identity.NewKeyFile(file))
	}
	client, err := redisAt(url)
	if err != nil {
		return usageError{errors.New("--redis is no URL like redis://localhost:6379/0")} // the URL has a password
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	return do(identity.NewRedisKeys(client, cmd.String("redis-prefix")))
}

// redisAt connects to one server, or to a cluster when the URL names several nodes: redis://a:6379?addr=b:6379.
func redisAt(url string) (redis.UniversalClient, error) {
	if strings.Contains(url, "addr=") {
		options, err := redis.ParseClusterURL(url)
		if err != nil {
			return nil, err
		}
		return redis.NewClusterClient(options), nil
	}
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	return redis.NewClient(options), nil
}

func createKey(ctx context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	now := time.Now()
	if cmd.String("client") == "" {
		return usageError{errors.New("say whose key it is: --client NAME")}
	}
	expires, err := parseExpiry(cmd.String("expires"), now)
	if err != nil {
		return usageError{err}
	}
	text, key, err := identity.NewKey(cmd.String("client"), now)
	if err != nil {
		return usageError{err}
	}
	key.Plan, key.Expires = cmd.String("plan"), expires
	for scope := range strings.SplitSeq(cmd.String("scopes"), ",") {
		if scope = strings.TrimSpace(scope); scope != "" && !slices.Contains(key.Scopes, scope) {
			key.Scopes = append(key.Scopes, scope)
		}
	}
	if err := withKeyring(cmd, func(k identity.Keyring) error { return k.Create(ctx, key) }); err != nil {
		return err
	}
	ends := "has no end"
	if !expires.IsZero() {
		ends = "ends " + expires.Format(time.RFC3339)
	}
	_, _ = fmt.Fprintf(cmd.Root().ErrWriter, "key %s of client %s, %s; it is not kept and can't be printed again:\n", key.ID, key.Client, ends)
	_, err = fmt.Fprintln(cmd.Root().Writer, text)
	return err
}

func listKeys(ctx context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	var keys []identity.Key
	err := withKeyring(cmd, func(k identity.Keyring) (err error) {
		keys, err = k.List(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if file := cmd.String("file"); file != "" {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	now := time.Now()
	table := tabwriter.NewWriter(cmd.Root().Writer, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tCLIENT\tPLAN\tSCOPES\tCREATED\tEXPIRES\tSTATE")
	for _, k := range keys {
		if only := cmd.String("client"); only != "" && k.Client != only {
			continue
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Client, orDash(k.Plan), orDash(strings.Join(k.Scopes, ",")),
			day(k.Created), day(k.Expires), k.State(now))
	}
	return table.Flush()
}

func revokeKeys(ctx context.Context, cmd *cli.Command) error {
	ids := cmd.Args().Slice()
	if len(ids) == 0 {
		return usageError{errors.New("say which: gateway keys revoke ID")}
	}
	return withKeyring(cmd, func(k identity.Keyring) error {
		for _, id := range ids {
			if err := k.Revoke(ctx, id, time.Now()); err != nil {
				return fmt.Errorf("revoke %s: %w", id, err)
			}
			_, _ = fmt.Fprintf(cmd.Root().Writer, "%s is revoked\n", id)
		}
		return nil
	})
}

// parseExpiry reads when a key ends: a time from now, in days too, or a day or instant to come. Empty is never.
func parseExpiry(text string, now time.Time) (time.Time, error) {
	bad := fmt.Errorf("--expires %q: give a time like 12h or 90d, or a day to come like 2027-12-31", text)
	if text == "" {
		return time.Time{}, nil
	}
	var at time.Time
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n > 36500 {
			return time.Time{}, bad
		}
		at = now.Add(time.Duration(n) * 24 * time.Hour)
	} else if span, err := time.ParseDuration(text); err == nil {
		at = now.Add(span)
	} else if at, err = time.Parse(time.DateOnly, text); err != nil {
		if at, err = time.Parse(time.RFC3339, text); err != nil {
			return time.Time{}, bad
		}
	}
	if at = at.UTC().Truncate(time.Second); !at.After(now) {
		return time.Time{}, bad
	}
	return at, nil
}

func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
