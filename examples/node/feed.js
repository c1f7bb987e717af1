// The feed: what one may see, then every change of it. Survives breaks; across restarts the caller keeps the
// place.
'use strict';

const { setTimeout: sleep } = require('node:timers/promises');
const grpc = require('@grpc/grpc-js');
const { connect, errorDetails } = require('./coalition');

// What is not acknowledged counts against the server's window, which all watches of a member share.
const UNACKNOWLEDGED_MAX = 16;
const ACKNOWLEDGE_WITHIN_MS = 10;
const WAIT_MS_MIN = 200;
const WAIT_MS_MAX = 10_000;

// By their number, many with one message: at once when enough are due, else after 10 ms.
class Acknowledger {
  constructor(call) {
    this.call = call;
    this.dealtWith = 0;
    this.acknowledged = 0;
  }
  add() {
    this.dealtWith += 1;
    if (this.dealtWith - this.acknowledged >= UNACKNOWLEDGED_MAX) this.send();
    else this.timer ??= setTimeout(() => this.send(), ACKNOWLEDGE_WITHIN_MS);
  }
  send() {
    this.stop();
    this.acknowledged = this.dealtWith;
    this.call.write({ acknowledgement: { responses: this.dealtWith } });
  }
  stop() {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}

// One stream. Ends by throwing what ended it.
async function* stream(settings, start) {
  const connection = connect(settings);
  const call = connection.watch.watchRecords();
  const acknowledger = new Acknowledger(call);
  // The loop below throws it; this one is for what comes once nobody listens there any more.
  call.on('error', () => {});
  try {
    call.write({ start });
    for await (const response of call) {
      yield response;
      acknowledger.add(); // it was dealt with: the caller asks for the next one
    }
    throw new Error('the server ended the watch without a reason');
  } finally {
    acknowledger.stop();
    call.cancel();
    connection.close();
  }
}

// A later stream can do better: the connection broke or the server goes, there was too much at once, or we
// fell behind. Everything else is for the caller, CURSOR_TOO_OLD too: only the caller can let go of what it has.
function isPassing(error) {
  const { reason, retryMs } = errorDetails(error);
  if (error.code === grpc.status.UNAVAILABLE) return true;
  if (error.code === grpc.status.RESOURCE_EXHAUSTED) return retryMs !== undefined;
  return error.code === grpc.status.ABORTED && reason === 'WATCH_BEHIND';
}

// Longer each time, up to 10 s, and never quite the same: not all clients are to come back at once. At least
// as long as the server says.
function waitFor(error, tries) {
  const wait = Math.min(WAIT_MS_MIN * 2 ** tries, WAIT_MS_MAX) * (0.5 + Math.random() / 2);
  return Math.ceil(Math.max(wait, errorDetails(error).retryMs ?? 0));
}

// Response by response, without end; throws what waiting does not mend. Deal with a response, keep its cursor
// if it has one, and then ask for the next. `cursor`: from an earlier watch with the same filter, '' for the
// beginning. `onWait` is told why it takes longer, and for how many milliseconds.
async function* watchRecords(settings, { filter, cursor = '', onWait = () => {} }) {
  for (let tries = 0; ; tries += 1) {
    try {
      for await (const response of stream(settings, { filter, cursor })) {
        yield response;
        cursor = response.cursor || cursor; // none: no place to go on from
        tries = 0;
      }
    } catch (error) {
      if (!isPassing(error)) throw error;
      const wait = waitFor(error, tries);
      onWait(error, wait);
      await sleep(wait);
    }
  }
}

module.exports = { watchRecords };
