// Runs the audits of the package graphql-http against the address that it is given, and prints one JSON object a line:
// {"id", "name", "status", "reason"}.
import { serverAudits } from "graphql-http";

const url = process.argv[2];
for (const audit of serverAudits({ url, fetchFn: fetch })) {
  const { status, reason } = await audit.fn();
  console.log(JSON.stringify({ id: audit.id, name: audit.name, status, reason }));
}
