// Writes the answer to GraphiQL's introspection query for the schema of the browser test.
import { readFileSync, writeFileSync } from 'node:fs';
import { buildSchema, introspectionFromSchema } from 'graphql';

const testdata = new URL('../testdata/', import.meta.url);
const schema = buildSchema(readFileSync(new URL('shop.graphql', testdata), 'utf8'));
const data = introspectionFromSchema(schema, { descriptions: true, schemaDescription: true, inputValueDeprecation: true });
writeFileSync(new URL('introspection.json', testdata), `${JSON.stringify({ data }, null, 1)}\n`);
