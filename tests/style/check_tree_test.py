#!/usr/bin/env python3
"""Shows that each rule of check_tree.py fires on a tree that breaks it, and is silent on one that does not."""
import pathlib
import tempfile
import unittest

import check_tree

ONCE = "#pragma once\n"
KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIOaGqz0vJz0nZ7l8\n-----END EC PRIVATE KEY-----\n"

# rule, the tree that breaks it
BREAKS = [
    ("include-direction", {"common/a.cc": '#include "server/store/store.h"\n'}),
    ("include-direction", {"server/store/a.cc": '#include "common/policy/view.h"\n'}),
    ("include-direction", {"common/policy/a.cc": '#include "server/store/store.h"\n'}),
    ("include-direction", {"server/ledger/a.cc": '#include "server/exchange/screen.h"\n'}),
    ("include-direction", {"server/contents/a.cc": '#include "server/store/store.h"\n'}),
    ("include-direction", {"server/ledger/a.cc": '#include "server/contents/contents.h"\n'}),
    ("include-direction", {"server/exchange/a.cc": '#include "server/service/guard.h"\n'}),
    ("include-direction", {"server/service/a.cc": '#include "server/config.h"\n'}),
    ("include-direction", {"server/main.cc": '#include "client/client.h"\n'}),
    ("include-direction", {"client/a.cc": '#include "server/store/store.h"\n'}),
    ("include-direction", {"client/a.cc": '#include "client/cli/table.h"\n'}),
    ("include-direction", {"server/exchange/a.cc": '#include "tests/support/clock.h"\n'}),
    ("include-direction", {"common/a.cc": '#include "../common/a.h"\n'}),
    ("include-direction", {"server/identity/a.cc": '#include "server/membership/m.h"\n',
                           "server/membership/b.cc": '#include "server/identity/i.h"\n'}),
    ("include-only-in", {"server/exchange/a.cc": "#include <grpcpp/grpcpp.h>\n"}),
    ("include-only-in", {"common/a.cc": '#include "grpc/grpc_security.h"\n'}),
    ("include-only-in", {"server/ledger/a.cc": '#include "coalition/v1/exchange_service.grpc.pb.h"\n'}),
    ("include-only-in", {"server/exchange/a.cc": "#include <leveldb/db.h>\n"}),
    ("include-only-in", {"server/service/a.cc": '#include "absl/synchronization/mutex.h"\n'}),
    ("pure-room", {"common/policy/a.cc": "#include <chrono>\n"}),
    ("pure-room", {"common/policy/a.cc": "#include <fstream>\n"}),
    ("pure-room", {"common/policy/a.cc": "#include <thread>\n"}),
    ("pure-room", {"common/policy/a.cc": '#include "common/clock.h"\n'}),
    ("room-known", {"attic/a.cc": "int x;\n"}),
    ("no-snapshot", {"server/store/a.cc": "void F() { db->GetSnapshot(); }\n"}),
    ("no-snapshot", {"tests/conformance/resurrection_test.cc": "auto s = db->GetSnapshot();\n",
                     "tests/fault/another_resurrection_test.cc": "auto s = db->GetSnapshot();\n"}),
    ("no-unfinished", {"common/a.cc": "// TODO: the rest\n"}),
    ("no-unfinished", {"docs/a.md": "FIXME\n"}),
    ("no-disabled-test", {"tests/unit/a.cc": "TEST(A, DISABLED_B) {}\n"}),
    ("no-disabled-test", {"tests/unit/a.cc": "TEST(A, B) { GTEST_SKIP(); }\n"}),
    ("no-machine-path", {"docs/a.md": "see /work/main/docs\n"}),
    ("no-machine-path", {"dev.sh": "cd /home/someone/x\n"}),
    ("no-registry-host", {"packaging/a.txt": "https://registry.npmjs.org/x\n"}),
    ("no-private-key", {"tests/data/a.txt": KEY}),
    ("no-private-key", {"tests/unit/a.cc": 'auto k = "' + KEY.replace("\n", "\\n") + '";\n'}),
    ("no-private-key", {"certs/server.key": "\n"}),
    ("no-absl-mutex", {"server/service/a.cc": "absl::Mutex mutex;\n"}),
    ("no-plaintext-grpc", {"tests/integration/a.cc": "grpc::InsecureServerCredentials();\n"}),
    ("pragma-once", {"common/a.h": "int x;\n"}),
    ("text-form", {"common/a.cc": "int x;"}),
    ("text-form", {"common/a.cc": "int x; \n"}),
    ("text-form", {"common/a.cc": "int x;\r\n"}),
    ("length", {"common/a.cc": "\n" * 501}),
    ("links", {"README.md": "[x](docs/gone.md)\n"}),
    ("links", {"README.md": "[x](#not-here)\n# Here\n"}),
    ("links", {"README.md": "[x](b.md#not-here)\n", "b.md": "# Here\n"}),
    ("bash", {"a.sh": "set -euo pipefail\nif true; then\n"}),
    ("bash", {"run": "#!/usr/bin/env bash\necho\n"}),
    ("sample-config", {"proto/coalition/config/v1/server_config.proto": "message S {\n  string listen = 1;\n}\n"}),
    ("sample-config", {"proto/coalition/config/v1/server_config.proto": "message S {\n  string listen = 1;\n}\n",
                       "examples/server/server.textproto": "other: 1\n"}),
]

# One tree that breaks nothing, though each of its files comes close.
HOLDS = {
    "common/a.h": ONCE + "// We never use absl::Mutex or db->GetSnapshot().\n",
    "common/a.cc": '#include <chrono>\n\n#include "common/a.h"\n#include "coalition/v1/record.pb.h"\n',
    "server/store/a.cc": "// #include <grpcpp/grpcpp.h>\n#include <leveldb/db.h>\n",
    "common/policy/a.cc": '#include <vector>\n\n#include "common/a.h"\n',
    "server/identity/a.cc": '#include "server/membership/m.h"\n',
    "server/exchange/a.cc": '#include "server/ledger/ledger.h"\n#include "common/policy/decide.h"\n',
    "server/denials/a.cc": '#include "server/contents/contents.h"\n',
    "server/service/a.cc": '#include <grpcpp/grpcpp.h>\n\n#include "coalition/v1/exchange_service.grpc.pb.h"\n',
    "server/main.cc": '#include "server/service/guard.h"\n',
    "client/cli/main.cc": '#include "client/client.h"\n',
    "tests/conformance/leveldb_resurrection_test.cc": "#include <leveldb/db.h>\nauto s = db->GetSnapshot();\n",
    "tests/unit/doctor_test.cc": 'auto bad = "-----BEGIN PRIVATE KEY-----\\nnot base64";\n',
    "run": '#!/usr/bin/env bash\nset -euo pipefail\nd=$PWD/work/x; cat "$d/work/y" docs/home/z\n',
    "docs/a.md": "# A heading: `x`\n\n[up](../README.md) [here](#a-heading-x) [out](https://example.org/gone)\n"
                 "```\n[in a block](gone.md)\n```\n",
    "README.md": "[a](docs/a.md#a-heading-x)\n",
    "proto/coalition/config/v1/server_config.proto": "message S {\n  // listen = 2;\n  string listen = 1;\n}\n",
    "examples/server/server.textproto": '# listen: "0.0.0.0:1"\n',
}


def findings(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        return check_tree.check(folder)


class CheckTree(unittest.TestCase):
    def test_each_rule_fires(self):
        for rule, files in BREAKS:
            with self.subTest(rule=rule, files=list(files)):
                self.assertIn(rule, [f.rule for f in findings(files) if not f.warning])

    def test_every_rule_is_tried(self):
        source = pathlib.Path(check_tree.__file__).read_text("utf-8")
        named = set(check_tree.re.findall(r'^\s+(?:yield Finding\([^"\n]*"|\(")([a-z-]+)", ', source, check_tree.re.M))
        self.assertEqual(named - {rule for rule, _ in BREAKS}, set())
        self.assertGreater(len(named), 12)

    def test_a_clean_tree_has_no_findings(self):
        self.assertEqual([str(f) for f in findings(HOLDS)], [])

    def test_a_long_file_is_a_warning_before_it_is_an_error(self):
        self.assertEqual([(f.rule, f.warning) for f in findings({"common/a.cc": "\n" * 450})], [("length", True)])

    def test_a_finding_names_the_line(self):
        found = findings({"common/a.cc": '\n\n#include "server/store/store.h"\n'})
        self.assertEqual([(f.path, f.line) for f in found], [("common/a.cc", 3)])


if __name__ == "__main__":
    unittest.main()
