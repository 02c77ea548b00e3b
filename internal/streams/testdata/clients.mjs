// The published clients speak to a gateway. What each hears is printed, one line of JSON for each step: the client, the step,
// and what came. clients_test.go compares. Steps that need something from outside are printed as {"wait": name} and go on
// when a line comes in.
import { createInterface } from 'node:readline';
import { createClient as webSockets } from 'graphql-ws';
import { createClient as eventStreams } from 'graphql-sse';
import { SubscriptionClient } from 'subscriptions-transport-ws';
import WebSocket from 'ws';

const [http, key] = process.argv.slice(2);
const ws = http.replace('http', 'ws');
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const tell = (client, step, heard) => console.log(JSON.stringify({ client, step, heard }));
const wait = async (name) => {
  console.log(JSON.stringify({ wait: name }));
  await lines.next();
};
const stock = 'subscription { stock(sku: "A-1") { available } }';
const late = '{ product(id: 1) { name ... @defer { stock { available } } } }';

// all takes what an operation has to say, until it's over, or has said so much.
const all = (client, payload, most = Infinity) =>
  new Promise((resolve) => {
    const heard = [];
    let stop = () => {};
    stop = client.subscribe(payload, {
      next: (r) => {
        heard.push(r);
        if (heard.length === most) stop();
      },
      error: (e) => resolve([...heard, { error: e.code ?? e.message ?? e }]),
      complete: () => resolve([...heard, 'complete']),
    });
  });

async function talk(name, client) {
  tell(name, 'query', await all(client, { query: '{ product(id: 1) { name } }' }));
  tell(name, 'variables', await all(client, { query: 'query Q($id: ID!) { product(id: $id) { name } }', operationName: 'Q', variables: { id: 1 } }));
  tell(name, 'defer', await all(client, { query: late }));
  tell(name, 'subscription', await all(client, { query: stock }, 1));
  const refused = await all(client, { query: '{ nothing }' });
  tell(name, 'refused', refused.map((r) => (r === 'complete' ? r : JSON.stringify(r).includes('GRAPHQL_VALIDATION_FAILED') || 'error' in r)));
}

for (const [name, client] of [
  ['graphql-ws', webSockets({ url: ws, webSocketImpl: WebSocket, retryAttempts: 0, keepAlive: 50 })],
  ['graphql-sse distinct', eventStreams({ url: http, retryAttempts: 0 })],
  ['graphql-sse single', eventStreams({ url: http, singleConnection: true, retryAttempts: 0 })],
]) {
  await talk(name, client);
  await client.dispose();
}

const old = new SubscriptionClient(ws, { reconnect: false }, WebSocket);
const observed = (payload, most = Infinity) =>
  new Promise((resolve) => {
    const heard = [];
    let one;
    one = old.request(payload).subscribe({
      next: (r) => {
        heard.push(r);
        if (heard.length === most) {
          one.unsubscribe();
          resolve(heard);
        }
      },
      error: (e) => resolve([...heard, { error: e.message }]),
      complete: () => resolve([...heard, 'complete']),
    });
  });
tell('subscriptions-transport-ws', 'query', await observed({ query: '{ product(id: 1) { name } }' }));
tell('subscriptions-transport-ws', 'subscription', await observed({ query: stock }, 1));
old.close();

// What a client learns when the gateway stops.
const closed = new Promise((resolve) => {
  const last = webSockets({ url: ws, webSocketImpl: WebSocket, retryAttempts: 0, on: { closed: (e) => resolve(e.code) } });
  last.subscribe({ query: stock }, { next: () => wait('stop').catch(() => {}), error: () => {}, complete: () => {} });
});
tell('graphql-ws', 'stopped', await closed);
process.exit(0);
