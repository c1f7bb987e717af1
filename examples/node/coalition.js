// The exchange from Node: a connection, screening, and what an error says. feed.js has the feed.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const tls = require('node:tls');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const CALL_MS = 10_000;
// Finds a connection that is dead. The server cuts off who asks more often than every 10 s.
const KEEPALIVE_MS = 60_000;

// Read when the program starts: no generated code. Fields without a value stay undefined, lists are [].
const definitions = loader.loadSync(
  [
    'coalition/v1/exchange_service.proto',
    'coalition/v1/watch_service.proto',
    'google/rpc/status.proto',
    'google/rpc/error_details.proto',
  ],
  {
    includeDirs: [path.join(__dirname, '../../proto')],
    arrays: true,
    enums: String,
    longs: String,
  },
);
const { ExchangeService, WatchService } = grpc.loadPackageDefinition(definitions).coalition.v1;

// The settings of the command line, from the same variables.
function settings(env = process.env) {
  const names = ['COALITION_SERVER', 'COALITION_CA', 'COALITION_CERT', 'COALITION_KEY'];
  const missing = names.filter((name) => !env[name]);
  if (missing.length > 0) throw new Error(`not set: ${missing.join(', ')}`);
  return {
    server: env.COALITION_SERVER,
    ca: env.COALITION_CA,
    certificate: env.COALITION_CERT,
    key: env.COALITION_KEY,
    serverName: env.COALITION_SERVER_NAME,
  };
}

// Reads the files anew each time: a connection keeps the certificate that it was made with, and ends with
// that.
function connect({ server, ca, certificate, key, serverName }) {
  const context = tls.createSecureContext({
    ca: fs.readFileSync(ca),
    cert: fs.readFileSync(certificate),
    key: fs.readFileSync(key),
    minVersion: 'TLSv1.3', // the server speaks nothing older
  });
  const credentials = grpc.credentials.createFromSecureContext(context);
  const options = { 'grpc.keepalive_time_ms': KEEPALIVE_MS };
  // The name in the server's certificate is checked. Where it is not the one that is dialled, say which it is.
  if (serverName) options['grpc.ssl_target_name_override'] = serverName;
  const exchange = new ExchangeService(server, credentials, options);
  // Both services over one connection.
  const watch = new WatchService(server, credentials, { ...options, channelOverride: exchange.getChannel() });
  return { exchange, watch, close: () => exchange.close() };
}

// At most 1,000 sellers, { platform, sellerId }; a result for each of them, in their order.
function screen(connection, sellers) {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + CALL_MS; // without one, a call may wait for ever
    connection.exchange.screenSellers({ sellers }, { deadline }, (error, response) => {
      if (error) reject(error);
      else resolve(response.results);
    });
  });
}

// "bazaar.example/shop-9"; ids may have slashes themselves. Without one it is the platform.
function seller(text) {
  const slash = text.indexOf('/');
  if (slash < 0) return { platform: text };
  return { platform: text.slice(0, slash), sellerId: text.slice(slash + 1) };
}

// What the exchange says of a refused call besides gRPC's code: the reason, a name of ErrorReason, which
// programs should read, and for how long to wait, where it says so. Errors of the connection have neither.
function errorDetails(error) {
  const found = { reason: undefined, retryMs: undefined };
  const [bytes] = error.metadata?.get('grpc-status-details-bin') ?? [];
  if (!bytes) return found;
  for (const detail of definitions['google.rpc.Status'].deserialize(bytes).details) {
    const type = detail.type_url.split('/').pop();
    if (type === 'google.rpc.ErrorInfo') found.reason = definitions[type].deserialize(detail.value).reason;
    if (type === 'google.rpc.RetryInfo') {
      const { seconds = 0, nanos = 0 } = definitions[type].deserialize(detail.value).retryDelay ?? {};
      found.retryMs = Number(seconds) * 1000 + nanos / 1e6;
    }
  }
  return found;
}

// "UNAUTHENTICATED CREDENTIAL_UNREGISTERED: …", for people.
function errorText(error) {
  if (error.code === undefined || error.metadata === undefined) return error.message;
  const names = [grpc.status[error.code], errorDetails(error).reason];
  return `${names.filter(Boolean).join(' ')}: ${error.details}`;
}

// Ends as the command line does: 2, a mistake on this side; 64 + gRPC's code, what was refused.
function fail(error) {
  console.error(errorText(error));
  // A certificate that the server refuses is no more than a connection that does not come about.
  if (error.code === grpc.status.UNAVAILABLE && !errorDetails(error).reason)
    console.error('No connection: `coalition doctor` with the same settings finds the cause.');
  process.exit(error.metadata === undefined ? 2 : 64 + error.code);
}

module.exports = { connect, errorDetails, errorText, fail, screen, seller, settings };
