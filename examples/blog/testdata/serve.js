// Serves JSONPlaceholder's data with json-server on loopback, changes in memory only, and prints its address.
//
//   node serve.js [port]
//
// Without a port it takes a free one, and ends when whoever started it closes its standard input.
const jsonServer = require('json-server');
const data = require('jsonplaceholder/data.json');

const app = jsonServer.create();
app.use(jsonServer.defaults({ logger: false }));
app.use(jsonServer.router(data));
const [port] = process.argv.slice(2);
const server = app.listen(port ?? 0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
if (port === undefined) process.stdin.resume().on('end', () => process.exit());
