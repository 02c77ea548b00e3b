// The page's only script: reads the configuration that the server wrote into the page, tells Monaco where its
// workers are, and renders GraphiQL. Everything is imported statically so that one stylesheet covers it all.
import './styles.js';
import 'graphiql/style.css';
import './page.css';
import 'monaco-graphql/esm/monaco-editor.js';
import 'monaco-graphql/esm/lite.js';

import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { GraphiQL } from 'graphiql';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { subscribe, subscribes } from './events.js';

const config = JSON.parse(document.getElementById('config').textContent);

// WORKERS is put in by build.mjs: label → file name beside this one.
globalThis.MonacoEnvironment = {
  getWorker: (_, label) => new Worker(new URL(WORKERS[label] ?? WORKERS.editor, import.meta.url)),
};

// Queries and mutations come whole or in parts (multipart, for @defer), subscriptions as server-sent events.
const ask = createGraphiQLFetcher({ url: config.endpoint });
const fetcher = (params, options) =>
  subscribes(params) ? subscribe(config.endpoint, params, options?.headers) : ask(params, options);

// Tabs are remembered per origin; the gateway's own query and headers are only what a first visit starts with.
createRoot(document.getElementById('graphiql')).render(
  createElement(
    GraphiQL,
    {
      fetcher,
      defaultQuery: config.query,
      defaultHeaders: config.headers || undefined,
      inputValueDeprecation: true,
      schemaDescription: true,
    },
    createElement(GraphiQL.Logo, null, config.title),
  ),
);
