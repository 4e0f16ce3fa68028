// The only adaptation that the official SDK needs: its requests go to another origin. Nothing else of them is changed.

const TO_WIX = new Set(['www.wixapis.com', 'edge.wixapis.com']);
const realFetch = globalThis.fetch;

export const url = required('KALENDS_TEST_URL');

/** A `fetch` for `createClient({ fetch })` that sends requests for the SDK's own hosts to `KALENDS_TEST_URL`. */
export function redirectedFetch(input, init) {
  const asked = new URL(input instanceof Request ? input.url : input);
  if (!TO_WIX.has(asked.host)) {
    throw new Error(`unexpected request to ${asked.host}`);
  }
  const target = new URL(asked.pathname + asked.search, url);
  return realFetch(input instanceof Request ? new Request(target, input) : target, init);
}

/** Some strategies fetch their tokens by the global `fetch`, whatever the client was given. */
export function redirectTokenCalls() {
  globalThis.fetch = redirectedFetch;
}

/** An auth strategy for an access token that one has already. */
export function accessToken(token) {
  return { getAuthHeaders: async () => ({ headers: { Authorization: token } }) };
}

export function required(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set; docs/sdk.md tells what the scripts need`);
    process.exit(2);
  }
  return value;
}

/** Print what came out, as one line of JSON. */
export function report(outcome) {
  console.log(JSON.stringify(outcome));
}
