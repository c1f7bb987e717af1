// Verifies an export of the ledger (`coalition ledger export`), independently of the exchange and of its tools: with Node's
// crypto and nothing else. docs/ledger.md says what is hashed, and what this proves.
//
//   node verify_ledger.mjs KEY ledger.jsonl
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

const SLOT_DEPTH = 20;
const ED25519 = 1;
const SPKI_OF_ED25519 = Buffer.from('302a300506032b6570032100', 'hex');

const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const byte = (value) => Buffer.from([value]);
const node = (left, right) => sha256(byte(1), left, right);

function demand(condition, fault) {
  if (!condition) throw new Error(fault);
}

function uint64(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

// Strict: each value has one spelling. Fields without a value are left out of the export.
function fromBase64(text = '', what = 'a field') {
  const bytes = Buffer.from(text, 'base64');
  demand(bytes.toString('base64') === text, `${what} is no base 64`);
  return bytes;
}
function digest(text, what) {
  const bytes = fromBase64(text, what);
  demand(bytes.length === 32, `${what} is not 32 bytes long`);
  return bytes;
}

// "name+id+base64(algorithm || public key)"
function parseKey(text) {
  const [, name, id, encoded] = /^([^+\s]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? [];
  demand(name, 'the key is not of the form NAME+ID+KEY');
  const data = fromBase64(encoded, 'the key');
  demand(data.length === 33 && data[0] === ED25519, 'the key is no Ed25519 key of a log');
  demand(sha256(Buffer.from(`${name}\n`), data).toString('hex', 0, 4) === id, "the key's id is another key's");
  const der = Buffer.concat([SPKI_OF_ED25519, data.subarray(1)]);
  return { name, id, publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }) };
}

// The checkpoint in a note that the key has signed.
function openCheckpoint(note = '', key) {
  const end = note.lastIndexOf('\n\n');
  demand(end >= 0 && note.endsWith('\n'), 'the checkpoint is no signed note');
  const text = note.slice(0, end + 1);
  let isSigned = false;
  for (const line of note.slice(end + 2, -1).split('\n')) {
    const [, name, encoded] = /^\u2014 (\S+) (\S+)$/.exec(line) ?? [];
    demand(name, 'a signature of the checkpoint is no signature line');
    const bytes = fromBase64(encoded, 'a signature');
    if (name !== key.name || bytes.toString('hex', 0, 4) !== key.id) continue;
    demand(verify(null, Buffer.from(text), key.publicKey, bytes.subarray(4)), 'the signature is not of this checkpoint');
    isSigned = true;
  }
  demand(isSigned, 'the checkpoint is not signed with the key');
  const [origin, size, root] = text.split('\n');
  demand(origin === key.name, "the checkpoint is another log's");
  demand(/^(0|[1-9]\d*)$/.test(size), "the checkpoint's size is no number");
  return { size: BigInt(size), root: digest(root, "the checkpoint's root") };
}

// SHA-256(4 || salt || content), or what is given in place of contents that may not be opened.
function commitment({ salt, content, commitment: given } = {}, what) {
  if (!salt) {
    demand(!content, `the ${what} part has contents and no salt`);
    return digest(given, `the commitment to the ${what} part`);
  }
  const bytes = fromBase64(salt, 'a salt');
  demand(bytes.length === 16, 'a salt is not 16 bytes long');
  const computed = sha256(byte(4), bytes, fromBase64(content, 'the contents'));
  demand(!given || digest(given, 'a commitment').equals(computed), `the commitment to the ${what} part is not to its contents`);
  return computed;
}

// From the leaf at the slot to the root of its tick's entries: all 20 levels.
function entriesRoot(leaf, slot, path) {
  demand(path.length === SLOT_DEPTH, `the slot path has ${path.length} hashes; it must have ${SLOT_DEPTH}`);
  return path.reduce((hash, sibling, level) => ((slot >> level) & 1 ? node(sibling, hash) : node(hash, sibling)), leaf);
}

// RFC 9162, 2.1.3.2
function logRoot(leaf, index, size, path) {
  demand(index < size, 'the log of the checkpoint has no such tick');
  let [fn, sn, hash] = [index, size - 1n, leaf];
  for (const sibling of path) {
    demand(sn > 0n, 'the log path is too long');
    if (fn % 2n === 1n || fn === sn) {
      hash = node(sibling, hash);
      while (fn % 2n === 0n && fn > 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      hash = node(hash, sibling);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  demand(sn === 0n, 'the log path is too short');
  return hash;
}

// The checkpoint that the entry was found to be below.
function verifyEntry(entry, key) {
  const [, tick, slot] = /^ledgerEntries\/(0|[1-9]\d{0,17})-(0|[1-9]\d{0,6})$/.exec(entry.name ?? '') ?? [];
  demand(tick && slot < 2 ** SLOT_DEPTH, 'the entry has no name');
  const { slotPath = [], tickTime = '', tickSalt, logPath = [], note } = entry.proof ?? {};
  const checkpoint = openCheckpoint(note, key);
  const leaf = sha256(byte(0), commitment(entry.open, 'open'), commitment(entry.reserved, 'reserved'));
  const hashes = (path) => path.map((hash) => digest(hash, 'a hash of the proof'));
  const root = entriesRoot(leaf, Number(slot), hashes(slotPath));
  demand(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/.test(tickTime), "the tick's time is none");
  const tickLeaf = sha256(
    byte(0),
    Buffer.from('coalition-tick/v1\n'),
    uint64(tick),
    uint64(Date.parse(tickTime)),
    digest(tickSalt, "the tick's salt"),
    root,
  );
  const reached = logRoot(tickLeaf, BigInt(tick), checkpoint.size, hashes(logPath));
  demand(reached.equals(checkpoint.root), "the proof does not lead to the log's root");
  return checkpoint;
}

const [keyText, file] = process.argv.slice(2);
if (!keyText || !file) {
  console.error('usage: node verify_ledger.mjs KEY ledger.jsonl');
  process.exit(2);
}
try {
  const key = parseKey(keyText);
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  demand(lines.length > 0, `${file} has no entries: nothing was verified`);
  const roots = new Map(); // one key, one log: of each size there is one root
  let bad = 0;
  lines.forEach((line, index) => {
    try {
      const { size, root } = verifyEntry(JSON.parse(line), key);
      demand((roots.get(size) ?? root).equals(root), `CONFLICT: an earlier line has another root of the log of ${size} ticks`);
      roots.set(size, root);
    } catch (fault) {
      bad += 1;
      console.log(`line ${index + 1} does NOT verify: ${fault.message}`);
    }
  });
  console.log(bad ? `${bad} of ${lines.length} do NOT verify` : `${lines.length} verified in the log ${key.name}`);
  process.exitCode = bad ? 1 : 0;
} catch (mistake) {
  console.error(mistake.message);
  process.exitCode = 2;
}
