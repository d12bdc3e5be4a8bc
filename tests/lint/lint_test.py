#!/usr/bin/env python3
"""Shows that every rule of lint.py finds what it is for, and nothing else."""
import os
import tempfile
import unittest

import lint


class LintTest(unittest.TestCase):
    def faults(self, rule, files, ratchet=None):
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            return lint.run(lint.Tree(root), rule, ratchet or {})

    def one(self, rule, path, text, expected):
        faults = self.faults(rule, {path: text})
        self.assertEqual(len(faults), 1, faults)
        self.assertIn(expected, faults[0])

    def none(self, rule, path, text):
        self.assertEqual(self.faults(rule, {path: text}), [])

    def test_rooms(self):
        self.one("includes", "src/core/a.cc", '\n#include "io/kernel.h"\n', "src/core/a.cc:2: core may not")
        self.one("includes", "src/io/a.cc", '#include "core/gate.h"\n', "io may not include core/gate.h")
        self.one("includes", "src/front/a.cc", '#include "io/socket.h"\n', "front may not include")
        self.none("includes", "src/front/a.cc", '#include "io/kernel.h"\n#include "front/b.h"\n')
        self.one("includes", "src/admin/a.cc", '#include "front/gatekeeper.h"\n', "front/snapshot.h")
        self.none("includes", "src/admin/a.cc", '#include "front/snapshot.h"\n')

    def test_core_is_pure(self):
        for header in ("sys/socket.h", "unistd.h", "chrono", "thread", "openssl/ssl.h"):
            self.assertTrue(self.faults("includes", {"src/core/a.cc": f"#include <{header}>\n"}), header)
        self.none("includes", "src/core/a.cc", '#include <vector>\n#include "base/time.h"\n')

    def test_libraries_behind_their_seams(self):
        self.one("includes", "src/front/worker.cc", "#include <openssl/ssl.h>\n", "behind front/tls.h")
        self.none("includes", "src/front/openssl_tls.cc", "#include <openssl/ssl.h>\n")
        self.one("includes", "src/daemon/a.cc", "#include <liburing.h>\n", "behind io/kernel.h")
        self.one("includes", "src/admin/a.cc", '#include <liburing.h>\n', "liburing.h")
        self.assertTrue(self.faults("includes", {"src/front/a.cc": '#include "io/uring_kernel.h"\n'}))

    def test_headers(self):
        good = "// What it is.\n#ifndef FLOODGATE_BASE_A_H_\n#define FLOODGATE_BASE_A_H_\n#endif  // FLOODGATE_BASE_A_H_\n"
        self.none("headers", "src/base/a.h", good)
        self.one("headers", "src/base/a.h", good[len("// What it is.\n"):], "begins with a comment")
        self.assertEqual(len(self.faults("headers", {"src/core/a.h": good})), 2)

    def test_function_length(self):
        long = "int F(int a) {\n" + "  ++a;\n" * 69 + "  return a;\n}\n"
        self.one("function-length", "src/base/a.cc", "namespace n {\n" + long + "}\n", "a.cc:2: F has 72 lines")
        self.one("function-length", "src/base/a.h", "class C {\n " + long + "};\n", "F has 72 lines")
        self.one("function-length", "src/base/a.cc", "C::C() : a_{1}, b_(2) {\n" + "  f();\n" * 70 + "}\n", "C::C has 72")
        short = "int F(int a) {\n" + "  ++a;  // }\n" * 67 + '  G("}");\n}\n'
        self.none("function-length", "src/base/a.cc", short * 3)

    def test_file_length(self):
        self.none("file-length", "src/base/a.cc", "\n" * 400)
        self.one("file-length", "src/base/a.cc", "\n" * 401, "has 401 lines")

    def test_ratchet(self):
        files = {"src/base/a.cc": "\n" * 410}
        self.assertEqual(self.faults("file-length", files, {"src/base/a.cc": 410}), [])
        self.assertEqual(len(self.faults("file-length", files, {"src/base/a.cc": 409})), 1)
        self.assertIn("lower the entry", self.faults("file-length", files, {"src/base/a.cc": 411})[0])
        self.assertIn("remove it", self.faults("file-length", {}, {"src/base/gone.cc": 500})[0])

    def test_sleeps(self):
        self.one("sleeps", "tests/a.cc", "std::this_thread::sleep_" "for(x);\n", "wait for the event")
        self.one("sleeps", "src/base/a.cc", "absl::Sleep" "For(x);\n", "wait for the event")
        self.none("sleeps", "src/base/a.cc", "PrepareToSleep(true); // it may sleep (here)\n")

    def test_unfinished(self):
        self.one("unfinished", "docs/a.md", "\nTO" "DO: more\n", "docs/a.md:2")
        self.one("unfinished", "tests/a.cc", "TEST(A, DIS" "ABLED_B) {}\n", "a.cc:1")
        self.none("unfinished", "docs/a.md", "disabled_things and todos\n")

    def test_places(self):
        self.one("places", "docs/a.md", "see /ho" "me/somebody/x\n", "one machine")
        self.one("places", "tools/a", "fetch from crates." "io\n", "registry")
        self.none("places", "docs/a.md", "/run/floodgate/admin.sock, https://example.com/home/x\n")


if __name__ == "__main__":
    unittest.main()
