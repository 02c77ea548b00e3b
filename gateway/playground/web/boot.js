// The page's only script: reads the configuration that the server wrote into the page, tells Monaco where its
// workers are, and renders GraphiQL. Everything is imported statically so that one stylesheet covers it all.
import 'graphiql/style.css';
import './page.css';
import 'monaco-graphql/esm/monaco-editor.js';
import 'monaco-graphql/esm/lite.js';

import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { GraphiQL } from 'graphiql';
import { createGraphiQLFetcher } from '@graphiql/toolkit';

const config = JSON.parse(document.getElementById('config').textContent);

// WORKERS is put in by build.mjs: label → file name beside this one.
globalThis.MonacoEnvironment = {
  getWorker: (_, label) => new Worker(new URL(WORKERS[label] ?? WORKERS.editor, import.meta.url)),
};

// Tabs are remembered per origin; the gateway's own query and headers are only what a first visit starts with.
createRoot(document.getElementById('graphiql')).render(
  createElement(
    GraphiQL,
    {
      fetcher: createGraphiQLFetcher({ url: config.endpoint }),
      defaultQuery: config.query,
      defaultHeaders: config.headers || undefined,
      inputValueDeprecation: true,
      schemaDescription: true,
    },
    createElement(GraphiQL.Logo, null, config.title),
  ),
);
