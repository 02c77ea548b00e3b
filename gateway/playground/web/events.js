// Subscriptions over server-sent events, as graphql-sse's distinct connections have it: a POST for each, with the headers
// of the headers tab, which EventSource couldn't send.
import { parse } from 'graphql';

// subscribes says whether the operation that would run is a subscription.
export function subscribes(params) {
  try {
    const operations = parse(params.query).definitions.filter((d) => d.kind === 'OperationDefinition');
    const chosen = params.operationName ? operations.find((o) => o.name?.value === params.operationName) : operations[0];
    return chosen?.operation === 'subscription';
  } catch {
    return false; // the gateway says what is wrong with it
  }
}

// subscribe gives the responses one after the other. return() ends the connection, also while it waits for the next.
export function subscribe(url, params, headers) {
  const stop = new AbortController();
  const responses = read(url, params, headers, stop.signal);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => responses.next(),
    return() {
      stop.abort();
      return responses.return();
    },
  };
}

async function* read(url, params, headers, signal) {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify(params),
      signal,
    });
    if (!answer.headers.get('content-type')?.startsWith('text/event-stream')) {
      yield await answer.json();
      return;
    }
    let rest = '';
    for (const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader(); ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      const events = (rest + value).split('\n\n');
      rest = events.pop();
      for (const event of events) {
        const field = (name) => event.split('\n').find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        if (field('event') === 'complete') return;
        if (field('event') === 'next') yield JSON.parse(field('data'));
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
