// Prints the feed, one JSON object a line, and keeps its place in a file: run again, it goes on where it was.
'use strict';

const fs = require('node:fs');
const { errorDetails, errorText, fail, seller, settings } = require('./coalition');
const { watchRecords } = require('./feed');

// Throws where nobody reads any more, so that the place is not kept; console.log would pass over it.
const print = (event) => fs.writeFileSync(1, `${JSON.stringify(event)}\n`);

function readCursor(file) {
  try {
    return fs.readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (error.code === 'ENOENT') return '';
    throw error;
  }
}

// The whole of the old one or the whole of the new one, whenever the process or the machine is stopped.
function keepCursor(file, cursor) {
  const fd = fs.openSync(`${file}.new`, 'w', 0o600);
  fs.writeSync(fd, `${cursor}\n`);
  fs.fsyncSync(fd);
  fs.closeSync(fd);
  fs.renameSync(`${file}.new`, file);
}

// In place of this, a member's backend changes its own tables, in one transaction with the cursor.
function dealWith(response) {
  for (const event of response.events) {
    if (event.upsert) print({ event: 'UPSERT', record: event.upsert });
    if (event.retract) {
      const kind = event.retract.kind.replace('RETRACTION_KIND_', '');
      print({ event: 'RETRACT', name: event.retract.name, kind });
    }
  }
  const { completeUntil, snapshotComplete = false } = response;
  if (!completeUntil && !snapshotComplete) return;
  const until = completeUntil && new Date(Number(completeUntil.seconds) * 1000).toISOString();
  print({ event: 'CHECKPOINT', completeUntil: until, snapshotComplete });
}

async function follow(file, filter) {
  const cursor = readCursor(file);
  // To whoever reads this: let go of every record that does not come before `snapshotComplete`.
  if (!cursor) print({ event: 'BEGIN' });
  const onWait = (error, ms) => console.error(`${errorText(error)} (going on in ${ms} ms)`);
  for await (const response of watchRecords(settings(), { filter, cursor, onWait })) {
    dealWith(response);
    if (response.cursor) keepCursor(file, response.cursor); // after, so that nothing is left out
  }
}

async function main([file, about]) {
  if (!file) throw new Error('usage: node watch.js CURSOR_FILE [PLATFORM[/SELLER]]');
  const filter = about ? { seller: seller(about) } : {};
  for (;;) {
    try {
      await follow(file, filter);
    } catch (error) {
      if (errorDetails(error).reason !== 'CURSOR_TOO_OLD') throw error;
      console.error(errorText(error));
      fs.rmSync(file); // begin again
    }
  }
}

main(process.argv.slice(2)).catch(fail);
