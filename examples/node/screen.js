// Screens sellers: one line for each, and exit code 1 if any of them is listed, as `coalition screen` has it.
'use strict';

const { connect, fail, screen, seller, settings } = require('./coalition');

async function main(names) {
  if (names.length === 0) throw new Error('usage: node screen.js PLATFORM/SELLER…');
  const connection = connect(settings());
  try {
    const results = await screen(connection, names.map(seller));
    results.forEach(({ verdict, matches }, i) => {
      const words = [verdict.replace('VERDICT_', ''), names[i], ...matches.map((match) => match.record)];
      console.log(words.join('  '));
    });
    if (results.some(({ verdict }) => verdict === 'VERDICT_LISTED')) process.exitCode = 1;
  } finally {
    connection.close();
  }
}

main(process.argv.slice(2)).catch(fail);
