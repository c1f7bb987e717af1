#!/usr/bin/env python3
"""Holds the tree to the house's rules: which room may include which, what may not be in the tree at all, links, lengths.

    check_tree.py [ROOT]    prints one line for each finding and ends with 1 if there are any; warnings do not count

Each rule is a function that takes the Tree and yields findings; check_tree_test.py shows that each one fires.
"""
import dataclasses
import pathlib
import re
import subprocess
import sys

CPP = (".cc", ".h")
CODE = CPP + (".py", ".sh", ".cmake", ".proto")
BINARY = (".png", ".svg", ".gz", ".bin", ".seed")
SELF = ("tests/style/check_tree.py", "tests/style/check_tree_test.py")  # they spell out what they look for

# Longer than 500 lines, each with its reason.
LONG_FILES = {}

# What each room may include besides itself and the standard library. Rooms that are not here (tests, bench, examples)
# may include everything. A room of the server's middle row may use others of its row, in one direction only.
PROTO = {"proto"}
COMMON = {"common"} | PROTO
MIDDLE = {"server/identity", "server/membership", "server/ledger"}
BELOW_EXCHANGE = COMMON | MIDDLE | {"server/store", "common/policy"}
MAY_INCLUDE = {
    "proto": set(),
    "common": PROTO,
    "server/store": COMMON,
    "common/policy": COMMON,
    "server/identity": BELOW_EXCHANGE,
    "server/membership": BELOW_EXCHANGE,
    "server/ledger": BELOW_EXCHANGE,
    "server/backup": COMMON | {"server/store"},
    "server/contents": COMMON | {"common/policy"},
    "server/exchange": BELOW_EXCHANGE | {"server/contents"},
    "server/verify": BELOW_EXCHANGE | {"server/contents", "server/exchange"},
    "server/denials": BELOW_EXCHANGE | {"server/contents", "server/exchange"},
    "server/watch": BELOW_EXCHANGE | {"server/exchange"},
    "server/service": BELOW_EXCHANGE | {"server/backup", "server/exchange", "server/watch"},
    "server": BELOW_EXCHANGE | {"server/backup", "server/contents", "server/denials", "server/exchange", "server/watch", "server/service", "server/verify"},
    "client": COMMON,
    "client/cli": COMMON | {"common/policy", "client"},
}
OPEN_ROOMS = {"tests", "bench", "examples"}

# (what is included, the rooms that may, why)
ONLY_IN = [
    (re.compile(r"^(grpc(pp|\+\+)?/|grpc[a-z_]*\.h)|\.grpc\.pb\.h$"), {"server/service", "server", "client", "client/cli"},
     "gRPC stays at the edges"),
    (re.compile(r"^leveldb/"), {"server/store"}, "LevelDB's types stay behind the store's interface"),
    (re.compile(r"^absl/synchronization/mutex\.h$"), {"server"}, "use common/mutex.h: ThreadSanitizer and absl::Mutex disagree"),
]
# Outside of what a pure room does: time, disk, network, threads, chance, logs.
IMPURE = re.compile(
    r"^(chrono|ctime|time\.h|c?stdio(\.h)?|iostream|fstream|filesystem|thread|future|random|condition_variable|"
    r"unistd\.h|fcntl\.h|sys/.*|netinet/.*|leveldb/.*|spdlog/.*|prometheus/.*|openssl/rand\.h|absl/time/clock\.h|"
    r"absl/random/.*|common/(clock|random|log|file)\w*\.h)$")
# leveldb::DB is abstract: a decorator has all of it.
SNAPSHOT_PASSED_ON = {"server/store/read_only_db.h", "tests/support/store/forwarding_db.h"}
PURE_ROOMS = {"common/policy"}
IMPURE_ALL_THE_SAME = {("common/policy/check.h", "cstdio")}  # says which invariant broke, and aborts

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.M)
COMMENT = re.compile(r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])'""", re.S)
LINK = re.compile(r"!?\[[^\]\n]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
KEY_BLOCK = re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:\r?\n|\\n|\"\s*\")+[A-Za-z0-9+/=]{16}")


@dataclasses.dataclass(frozen=True)
class Finding:
    path: str
    line: int
    rule: str
    text: str
    warning: bool = False

    def __str__(self):
        return f"{self.path}:{self.line}: {'warning: ' if self.warning else ''}[{self.rule}] {self.text}"


class Tree:
    """The files that git has or would add; without git, all files."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        listed = subprocess.run(["git", "-C", str(self.root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                                capture_output=True, text=True, check=False)
        if listed.returncode == 0 and (self.root / ".git").exists():
            names = [name for name in listed.stdout.split("\0") if name]
        else:
            names = [p.relative_to(self.root).as_posix() for p in self.root.rglob("*")]
            names = [n for n in names if n.split("/")[0] not in (".git", ".cache", "build")]
        self.names = sorted(name for name in set(names) if (self.root / name).is_file())
        self._texts = {}

    def text(self, name):
        if name not in self._texts:
            self._texts[name] = (self.root / name).read_bytes().decode("utf-8", "replace")
        return self._texts[name]

    def files(self, *suffixes):
        return [n for n in self.names if n.endswith(suffixes)] if suffixes else self.names

    def texts(self):
        return [n for n in self.names if not n.endswith(BINARY) and b"\0" not in (self.root / n).read_bytes()[:4096]]

    def bash(self):
        return [n for n in self.texts() if n.endswith(".sh") or self.text(n).startswith(("#!/usr/bin/env bash", "#!/bin/bash"))]


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def without_comments(text):
    """The same text, of the same lines, without comments; strings stay."""
    return COMMENT.sub(lambda m: m[0] if m[0][0] in "\"'" else re.sub(r"[^\n]", " ", m[0]), text)


def room_of(path):
    """The room of a file or of an include's path; None if it is not one of ours."""
    if re.match(r"(coalition|google/rpc)/.*\.pb\.h$", path):
        return "proto"
    folder = path.rpartition("/")[0]
    while folder and folder not in MAY_INCLUDE and folder not in OPEN_ROOMS:
        folder = folder.rpartition("/")[0]
    return folder or None


def includes(tree):
    for name in tree.files(*CPP):
        text = without_comments(tree.text(name))
        for match in INCLUDE.finditer(text):
            yield name, line_of(text, match.start(1) if match[1] else match.start(2)), match[1] or match[2]


def rule_include_direction(tree):
    sideways = {}
    for name, line, included in includes(tree):
        room, target = room_of(name), room_of(included)
        if included.startswith("."):
            yield Finding(name, line, "include-direction", f'"{included}": include by the path from the top of the tree')
        if room not in MAY_INCLUDE or target is None or target == room:
            continue
        if target not in MAY_INCLUDE[room]:
            yield Finding(name, line, "include-direction", f"{room} must not include {included} ({target})")
        elif room in MIDDLE and target in MIDDLE:
            sideways.setdefault((room, target), (name, line, included))
    for (room, target), (name, line, included) in sideways.items():
        if (target, room) in sideways and room < target:
            yield Finding(name, line, "include-direction", f"{room} and {target} include each other ({included})")


def rule_include_only_in(tree):
    for name, line, included in includes(tree):
        room = room_of(name)
        if room not in MAY_INCLUDE:
            continue
        for pattern, rooms, why in ONLY_IN:
            if pattern.search(included) and room not in rooms:
                yield Finding(name, line, "include-only-in", f"{included} in {room}: {why}")


def rule_pure_room(tree):
    for name, line, included in includes(tree):
        if room_of(name) in PURE_ROOMS and IMPURE.match(included) and (name, included) not in IMPURE_ALL_THE_SAME:
            yield Finding(name, line, "pure-room", f"{included}: no I/O, clock, thread, log or chance in here")


def rule_room_known(tree):
    for name in tree.files(*CPP):
        if room_of(name) is None:
            yield Finding(name, 1, "room-known", "in no room of the house: name it in MAY_INCLUDE")


def rule_no_snapshot(tree):
    """LevelDB 1.23 brings deleted keys back to stores that take snapshots. One test shows that, nothing else may."""
    users = []
    for name in tree.files(*CPP):
        if name in SELF or name in SNAPSHOT_PASSED_ON:
            continue
        match = re.search(r"\bGetSnapshot\s*\(", without_comments(tree.text(name)))
        if match:
            users.append((name, line_of(tree.text(name), match.start())))
    shown = [u for u in users if re.match(r"tests/\w+/\w*resurrection\w*\.cc$", u[0])][:1]
    for name, line in users:
        if (name, line) not in shown:
            yield Finding(name, line, "no-snapshot", "GetSnapshot resurrects deleted keys; only the one test may call it")


FORBIDDEN = [
    ("no-unfinished", re.compile(r"\b(TODO|FIXME|XXX)\b"), "finish it or leave it out", None),
    ("no-disabled-test", re.compile(r"\b(DISABLED_\w+|GTEST_SKIP)\b"), "a test runs or is not there", None),
    ("no-machine-path", re.compile(r"(?<![\w.$}~/-])/(work|home/\w+|root|Users/\w+)(?=/|\b)"), "a path of one machine", None),
    ("no-registry-host", re.compile(r"\b(registry\.npmjs\.org|deb\.debian\.org|pypi\.org|proxy\.golang\.org)\b"),
     "the package client knows where its registry is", None),
    ("no-private-key", KEY_BLOCK, "keys are made where they are used, never kept here", None),
    ("no-absl-mutex", re.compile(r"\babsl::(Mutex|MutexLock|CondVar)\b"), "use common/mutex.h", CPP),
    ("no-plaintext-grpc", re.compile(r"\bInsecure(Server|Channel)?Credentials\b"), "there is no mode without TLS", CPP),
]


def rule_forbidden(tree):
    for name in tree.texts():
        if name in SELF:
            continue
        text = tree.text(name)
        for rule, pattern, why, suffixes in FORBIDDEN:
            if suffixes and not name.endswith(suffixes):
                continue
            searched = without_comments(text) if suffixes == CPP else text
            for match in pattern.finditer(searched):
                yield Finding(name, line_of(text, match.start()), rule, f"{match[0].splitlines()[0]!r}: {why}")


def rule_key_file(tree):
    for name in tree.names:
        if re.search(r"\.(key|p12|pfx|jks)$|(^|/)id_(rsa|ecdsa|ed25519)$", name):
            yield Finding(name, 1, "no-private-key", "looks like a key's file")


def rule_pragma_once(tree):
    for name in tree.files(".h"):
        if not re.search(r"^#pragma once$", tree.text(name), re.M):
            yield Finding(name, 1, "pragma-once", "a header says #pragma once")


def rule_text_form(tree):
    for name in tree.texts():
        text = tree.text(name)
        if not text or name == "LICENSE" or name.endswith(".csv") or "/corpus/" in name:
            continue
        if not text.endswith("\n"):
            yield Finding(name, line_of(text, len(text)), "text-form", "no newline at the end")
        match = re.search(r"[ \t]+$|\r", text, re.M)
        if match and not name.endswith(".md"):
            yield Finding(name, line_of(text, match.start()), "text-form", "white space at the end of a line")


def rule_length(tree):
    for name in tree.names:
        if not name.endswith(CODE) and name not in tree.bash():
            continue
        lines = tree.text(name).count("\n")
        if lines > 500 and name not in LONG_FILES:
            yield Finding(name, lines, "length", f"{lines} lines; at most 500, or a reason in LONG_FILES")
        elif lines > 400:
            yield Finding(name, lines, "length", f"{lines} lines; aim for 400", warning=True)
        if lines <= 500 and name in LONG_FILES:
            yield Finding(name, lines, "length", "no longer needs its place in LONG_FILES")


def anchors(text):
    """GitHub's anchors of a Markdown text's headings."""
    heads = re.findall(r"^#{1,6}\s+(.*?)\s*#*$", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"[`*]|\]\([^)]*\)", "", h).lower()).replace(" ", "-") for h in heads}


def rule_links(tree):
    for name in tree.files(".md"):
        text = re.sub(r"^```.*?^```", lambda m: re.sub(r"[^\n]", " ", m[0]), tree.text(name), flags=re.S | re.M)
        for match in LINK.finditer(text):
            target, _, anchor = match[1].partition("#")
            if re.match(r"[a-z][a-z0-9+.-]*:", match[1]):
                continue
            path = (tree.root / name).parent / target if target else tree.root / name
            line = line_of(text, match.start())
            if not path.exists():
                yield Finding(name, line, "links", f"{target} is not there")
            elif anchor and path.suffix == ".md" and anchor not in anchors(path.read_text("utf-8")):
                yield Finding(name, line, "links", f"{match[1]}: no such heading")


def rule_bash(tree):
    for name in tree.bash():
        parsed = subprocess.run(["bash", "-n", str(tree.root / name)], capture_output=True, text=True, check=False)
        if parsed.returncode != 0:
            yield Finding(name, 1, "bash", parsed.stderr.strip().splitlines()[0])
        if not re.search(r"^set -e?uo pipefail$", tree.text(name), re.M):
            yield Finding(name, 1, "bash", "set -euo pipefail, or set -uo pipefail where failures are looked at")


def rule_sample_config(tree):
    """The sample configuration names every field that there is, so that it documents all of them."""
    proto, sample = "proto/coalition/config/v1/server_config.proto", "examples/server/server.textproto"
    if proto not in tree.names:
        return
    if sample not in tree.names:
        yield Finding(sample, 1, "sample-config", "missing")
        return
    for field in re.findall(r"^\s+(?:repeated )?[\w.]+ (\w+) = \d+", without_comments(tree.text(proto)), re.M):
        if not re.search(rf"^[\s#]*{field}\s*[:{{]", tree.text(sample), re.M):
            yield Finding(sample, 1, "sample-config", f"{field} of {proto} is not in it")


RULES = [value for name, value in list(globals().items()) if name.startswith("rule_")]


def check(root):
    tree = Tree(root)
    return [finding for rule in RULES for finding in rule(tree)]


def main(argv):
    root = argv[1] if len(argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    findings = check(root)
    for finding in sorted(findings, key=lambda f: (not f.warning, f.path, f.line)):
        print(finding)
    errors = sum(not f.warning for f in findings)
    print(f"check_tree: {len(RULES)} rules, {errors} errors, {len(findings) - errors} warnings")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
