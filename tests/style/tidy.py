#!/usr/bin/env python3
"""Runs clang-tidy on the sources that changed, or on all, two at a time.

Changed: since the merge base with the branch that this one follows (or origin/main), in the work tree too; where that
is this very commit, since the commit before. Of a first commit, or a checkout without history, only what is not committed
counts: all takes most of an hour on two cores, and is asked for by name. A changed header is read through one source
that includes it.
"""
import argparse
import concurrent.futures
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPILER = re.compile(r"(c\+\+|g\+\+|clang\+\+)(-[0-9.]+)?$")


def git(*arguments):
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else []


def base():
    head = git("rev-parse", "HEAD")
    for upstream in ("@{upstream}", "origin/HEAD", "origin/main"):
        found = git("merge-base", "HEAD", upstream)
        if found and found != head:
            return found[0]
    before = git("rev-parse", "--verify", "--quiet", "HEAD~1")
    return before[0] if before else None


def changed():
    since = base()
    if since is None:
        print("clang-tidy: no commit to compare with; --all reads everything", flush=True)
    names = git("diff", "--name-only", "--diff-filter=d", since or "HEAD")
    return set(names) | set(git("ls-files", "--others", "--exclude-standard"))


def plain(arguments):
    """The compile command without compiler launchers and without GCC's precompiled headers, which clang cannot read."""
    while not COMPILER.search(arguments[0]):
        arguments = arguments[1:]
    kept, skip = [], False
    for argument, following in zip(arguments, arguments[1:] + [""]):
        if skip:
            skip = False
        elif argument == "-include" and "cmake_pch" in following:
            skip = True
        elif argument != "-Winvalid-pch":
            kept.append(argument)
    return kept


def database(build):
    """Writes a database that clang-tidy can use, and returns its folder and the sources of ours that it has."""
    entries, sources = [], {}
    for entry in json.loads((build / "compile_commands.json").read_text("utf-8")):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if not path.is_relative_to(ROOT) or path.is_relative_to(build.resolve()) or path.suffix != ".cc":
            continue
        name = path.relative_to(ROOT).as_posix()
        if name not in sources and path.exists():
            sources[name] = path
            arguments = plain(entry.get("arguments") or shlex.split(entry["command"]))
            entries.append({"directory": entry["directory"], "file": str(path), "arguments": arguments})
    folder = build / "tidy"
    folder.mkdir(exist_ok=True)
    (folder / "compile_commands.json").write_text(json.dumps(entries), "utf-8")
    return folder, sources


def source_of(header, sources):
    twin = header[:-2] + ".cc"
    if twin in sources:
        return twin
    include = re.compile(rf'^#include "{re.escape(header)}"$', re.M)
    return next((name for name in sorted(sources) if include.search(sources[name].read_text("utf-8"))), None)


def chosen(sources, everything):
    if everything:
        return sorted(sources)
    names = changed()
    picked = {name for name in names if name in sources}
    picked |= {source_of(name, sources) for name in names if name.endswith(".h")} - {None}
    return sorted(picked)


def tidy(program, folder, source):
    start = time.monotonic()
    done = subprocess.run([program, "-p", str(folder), "--quiet", "--extra-arg=-Wno-unknown-warning-option", str(source)],
                          capture_output=True, text=True, check=False, cwd=ROOT)
    noise = re.compile(r"^\d+ warnings? (generated|treated)|^Suppressed |^Use -header-filter", re.M)
    errors = "\n".join(line for line in done.stderr.splitlines() if not noise.search(line))
    return done.returncode, (done.stdout + errors).strip(), time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    program = shutil.which("clang-tidy-14") or shutil.which("clang-tidy")
    if program is None:
        sys.exit("clang-tidy is not installed")
    folder, sources = database(options.build)
    names, failed = chosen(sources, options.all), 0
    print(f"clang-tidy: {len(names)} of {len(sources)} sources", flush=True)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = pool.map(lambda name: tidy(program, folder, sources[name]), names)
        for name, (code, output, seconds) in zip(names, results):
            print(f"  {name}: {'ok' if code == 0 else 'FAILED'} ({seconds:.1f} s)", flush=True)
            if code != 0:
                failed += 1
                print(output, flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
