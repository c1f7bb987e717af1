// coalition import over real mutual TLS: dumps of both headers, refused rows, second runs, pipes,
// interruptions, memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <thread>

#include "nlohmann/json.hpp"
#include "tests/support/cli_world.h"
#include "tests/support/eventually.h"
#include "tests/support/reserved_port.h"
#include "tests/support/server_metric.h"

namespace coalition::testing {
namespace {

using ::testing::HasSubstr;

const std::string kData = COALITION_SOURCE_DIR "/tests/data/";

nlohmann::json Summary(const ToolResult& result) {
  return nlohmann::json::parse(result.out, nullptr, /*allow_exceptions=*/false);
}

TEST(CliImportTest, BothHeadersOfTheDsaDumpAndASecondRun) {
  CliWorld world;
  const Tool bazaar = world.As("bazaar");
  struct Case {
    const char* file;
    int rows, created, rejected, skipped, code;
  };
  for (const Case& c : {Case{"dsa_sor_2025.csv", 13, 6, 6, 1, 1}, Case{"dsa_sor_2024.csv", 5, 4, 0, 1, 0}}) {
    const std::vector<std::string> command = {"import",  "--format",        "dsa-sor", kData + c.file,
                                              "--grant", "kind:brand=full", "-o",      "json"};
    const ToolResult first = bazaar.Run(command);
    EXPECT_EQ(first.code, c.code) << first.err;
    nlohmann::json summary = Summary(first);
    EXPECT_EQ(summary["rows"], c.rows) << first.out << first.err;
    EXPECT_EQ(summary["created"], c.created);
    EXPECT_EQ(summary["rejected"], c.rejected);
    EXPECT_EQ(summary["skipped"], c.skipped);
    const ToolResult second = bazaar.Run(command);
    EXPECT_EQ(second.code, c.code);
    summary = Summary(second);
    EXPECT_EQ(summary["created"], 0);
    EXPECT_EQ(summary["unchanged"], c.created);
    EXPECT_EQ(summary["rejected"], c.rejected);
  }
  const ToolResult listed = world.As("aurore").Run({"record", "list", "--class", "outcome", "-o", "jsonl"});
  EXPECT_EQ(std::count(listed.out.begin(), listed.out.end(), '\n'), 10);
  EXPECT_EQ(world.As("souk").Run({"record", "list", "-o", "jsonl"}).out, "");
}

// Four statements each: our own, and beside the repository, where they are, rows of the real database.
std::vector<std::string> DumpsOfFour() {
  std::vector<std::string> files = {kData + "dsa_sor_2024.csv"};
  const std::string real = COALITION_SOURCE_DIR "/../shared/data/dsa-sor-sample.csv";
  if (std::filesystem::exists(real)) {
    files.push_back(real);
  } else {
    std::cerr << "No real rows at " << real << ": the test of them is not there.\n";
  }
  return files;
}

class CliImportDumpTest : public ::testing::TestWithParam<std::string> {};

TEST_P(CliImportDumpTest, PlatformsByOtherNames) {
  CliWorld world;
  std::vector<std::string> command = {"import", "--format", "dsa-sor", GetParam(), "-o", "json"};
  for (const char* name : {"Wallapop", "Kleinanzeigen", "Idealo", "Discord Netherlands B.V.", "Bazaar"}) {
    command.insert(command.end(), {"--platform", std::string(name) + "=bazaar.example"});
  }
  const ToolResult result = world.As("bazaar").Run(command);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(Summary(result)["created"], 4) << result.out;
  EXPECT_THAT(result.err, HasSubstr("nobody but your member"));
}

INSTANTIATE_TEST_SUITE_P(Dumps, CliImportDumpTest, ::testing::ValuesIn(DumpsOfFour()), [](const auto& dump) {
  return std::string(dump.param.rfind(kData, 0) == 0 ? "Own" : "Real");
});

TEST(CliImportTest, RefusedRowsAreKeptByteForByteWithTheHeader) {
  CliWorld world;
  const std::string text = CliWorld::Read(kData + "dsa_sor_2025.csv");
  const std::string rejects = world.directory() + "/rejects.csv";
  const ToolResult result = world.As("bazaar").Run(
      {"import", "--format", "dsa-sor", "-", "--rejects", rejects, "--max-errors", "2"}, text);
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("line 8, field 30 (application_date): "));
  EXPECT_THAT(result.err, HasSubstr("and 4 more rejected rows"));
  std::string expected = text.substr(0, text.find('\n') + 1);
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (number == 8 || number == 9 || number == 10 || number == 11 || number == 13 || number == 15)
      expected += line + "\n";
  }
  EXPECT_EQ(CliWorld::Read(rejects), expected);
  // Corrected, they go in; what is there stays.
  const ToolResult again = world.As("bazaar").Run({"import", "--format", "dsa-sor", rejects, "-o", "json"});
  EXPECT_EQ(Summary(again)["rejected"], 6);
}

TEST(CliImportTest, SellersMakeOutcomesThatAreFoundByProfile) {
  CliWorld world;
  const std::string sellers = world.Write("sellers.csv", "platform_uid,seller_id\nlisting-1,shop-4711\n");
  const ToolResult result =
      world.As("bazaar").Run({"import", "--format", "dsa-sor", kData + "dsa_sor_2025.csv", "--sellers",
                              sellers, "--grant", "everyone=full", "--label", "green"});
  EXPECT_EQ(result.code, 1) << result.err;
  const ToolResult shown = world.As("paylink").Run({"seller", "show", "bazaar.example/shop-4711"});
  EXPECT_THAT(shown.out, HasSubstr("takedown-outcome 1"));
}

TEST(CliImportTest, OnlyTheMarketplaceOfAPlatformImportsItsStatements) {
  CliWorld world;
  const ToolResult brand =
      world.As("aurore").Run({"import", "--format", "dsa-sor", kData + "dsa_sor_2025.csv"});
  EXPECT_EQ(brand.code, 64 + 9);
  EXPECT_THAT(brand.err, HasSubstr("holds no platform"));
  const ToolResult other = world.As("souk").Run(
      {"import", "--format", "dsa-sor", kData + "dsa_sor_2025.csv", "--platform", "Bazaar=bazaar.example"});
  EXPECT_EQ(other.code, 2);
  EXPECT_THAT(other.err, HasSubstr("does not hold bazaar.example"));
}

TEST(CliImportTest, CsvAndJsonlWithTheServersRefusalsAtTheirColumn) {
  CliWorld world;
  const std::string csv = world.Write(
      "reports.csv",
      "platform,seller_id,infringement_types,rights,external_id,grants,label\n"
      "bazaar.example,shop-1,trademark,EUIPO:1,case-1,kind:brand=full,\n"
      "bazaar.example,shop-2,trademark,EUIPO:1,case-2,kind:brand=full,red\n"  // RED allows no kinds
      "bazaar.example,shop-3,trademark,,,,\n");
  const std::string rejects = world.directory() + "/rejects.csv";
  const ToolResult first =
      world.As("aurore").Run({"import", "--format", "csv", csv, "--rejects", rejects, "-o", "json"});
  EXPECT_EQ(first.code, 1) << first.err;
  EXPECT_EQ(Summary(first)["created"], 2) << first.out << first.err;
  EXPECT_THAT(first.err, HasSubstr("line 3"));
  EXPECT_THAT(CliWorld::Read(rejects), HasSubstr("shop-2"));
  EXPECT_EQ(Summary(world.As("aurore").Run({"import", "--format", "csv", csv, "-o", "json"}))["unchanged"],
            2);

  const ToolResult listed = world.As("aurore").Run({"record", "list", "-o", "jsonl"});
  EXPECT_EQ(std::count(listed.out.begin(), listed.out.end(), '\n'), 2);
  const ToolResult dry = world.As("belmont").Run({"import", "--dry-run", "-", "-o", "json"},
                                                 "{\"seller\":{\"platform\":\"bazaar.example\",\"sellerId\":"
                                                 "\"s\"},\"offenderReport\":{\"infringementTypes\":"
                                                 "[\"KEYWORD_TRADEMARK_INFRINGEMENT\"]}}\n");
  EXPECT_EQ(dry.code, 0) << dry.err;
  EXPECT_EQ(Summary(dry)["valid"], 1);
  EXPECT_EQ(world.As("belmont").Run({"record", "list", "--contributor", "belmont", "-o", "jsonl"}).out, "");
}

TEST(CliImportTest, MistakesAreSaidBeforeAnythingIsSent) {
  CliWorld world;
  struct Case {
    std::vector<std::string> args;
    int code;
    const char* says;
  };
  const std::string empty = world.Write("empty.csv", "");
  const std::string no_dump = world.Write("no_dump.csv", "a,b\n1,2\n");
  for (const Case& c :
       {Case{{"/nowhere.csv", "--format", "csv"}, 2, "/nowhere.csv"},
        Case{{empty, "--format", "csv"}, 2, "empty"}, Case{{no_dump, "--format", "dsa-sor"}, 2, "lacks uuid"},
        Case{{no_dump, "--format", "csv"}, 2, "not known"},
        Case{{no_dump, "--sellers", "x"}, 2, "go with --format dsa-sor"},
        Case{{no_dump, "--rejects", no_dump}, 2, "overwrite"},
        Case{{no_dump, "--grant", "brand"}, 2, "member:ID"},
        Case{{empty, "--format", "dsa-sor", "--sellers", no_dump}, 2, "platform_uid"}}) {
    std::vector<std::string> args = {"import"};
    args.insert(args.end(), c.args.begin(), c.args.end());
    const ToolResult result = world.As("bazaar").Run(args);
    EXPECT_EQ(result.code, c.code) << c.says << "\n" << result.err;
    EXPECT_THAT(result.err, HasSubstr(c.says));
    EXPECT_EQ(result.out, "");
  }
}

std::string JsonRows(int from, int to) {
  std::string rows;
  for (int i = from; i < to; ++i) {
    const std::string number = std::to_string(i);
    rows += "{\"externalId\":\"i-" + number +
            "\",\"seller\":{\"platform\":\"bazaar.example\",\"sellerId\":\"s" + number +
            "\"},\"offenderReport\":{\"infringementTypes\":[\"KEYWORD_TRADEMARK_INFRINGEMENT\"]}}\n";
  }
  return rows;
}

void MustWrite(int fd, const std::string& rows) {
  ASSERT_EQ(::write(fd, rows.data(), rows.size()), static_cast<ssize_t>(rows.size()));
}

// Nothing is left in the pipe: whoever reads it waits, or is about to wait, for more.
bool IsRead(int fd) {
  int left = -1;
  return ::ioctl(fd, FIONREAD, &left) == 0 && left == 0;
}

bool HasEnded(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid;
}

TEST(CliImportTest, CtrlCFinishesWhatIsUnderWay) {
  CliWorld world;
  const ToolResult result = world.As("aurore").RunFed({"import", "-", "-o", "json"}, [&](int fd, pid_t pid) {
    MustWrite(fd, JsonRows(0, 600));
    EXPECT_TRUE(Eventually([&] { return ImportMessages(world.server(), "sent") == 2 && IsRead(fd); }));
    // Time to put the last hundred rows into a batch that is not yet full. Whatever it has come to by then is
    // to be finished.
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    ::kill(pid, SIGINT);
    EXPECT_TRUE(Eventually([&] { return HasEnded(pid); })) << "standard input is still open";
  });
  EXPECT_EQ(result.code, 130) << result.err;
  const nlohmann::json summary = Summary(result);
  EXPECT_GE(summary["created"], 500) << result.out;
  EXPECT_EQ(summary["created"], summary["rows"]) << result.out;
  EXPECT_THAT(result.err, HasSubstr("Interrupted"));
  const ToolResult listed = world.As("aurore").Run({"record", "list", "--limit", "0", "-o", "jsonl"});
  EXPECT_EQ(std::count(listed.out.begin(), listed.out.end(), '\n'), summary["created"]) << listed.err;
}

TEST(CliImportTest, AnImportSurvivesARestartOfTheServer) {
  const ReservedPort reserved;
  TestServer::Options options;
  options.edit_config = [&](config::v1::ServerConfig* config) {
    config->set_listen(reserved.address());
    config->set_drain_timeout_ms(1000);  // a tool that waits for rows does not see that the server goes
  };
  CliWorld world(options);
  const ToolResult result =
      world.As("aurore").RunFed({"import", "-", "--batch", "50", "-o", "json"}, [&](int fd, pid_t) {
        MustWrite(fd, JsonRows(0, 500));
        // In the middle of the stream, and waiting for rows: how long the restart takes makes no difference.
        EXPECT_TRUE(Eventually([&] { return ImportMessages(world.server(), "sent") == 10 && IsRead(fd); }));
        world.server().Restart();
        MustWrite(fd, JsonRows(500, 1'000));
      });
  EXPECT_EQ(result.code, 0) << result.err;
  const nlohmann::json summary = Summary(result);
  EXPECT_EQ(summary["rows"], 1'000) << result.out << result.err;
  EXPECT_EQ(summary["created"].get<int>() + summary["unchanged"].get<int>(), 1'000);
}

// A sanitizer keeps what was freed.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// 40 MB of rows that are skipped, rejected and created: memory does not follow the input.
TEST(CliImportTest, MemoryDoesNotGrowWithTheInput) {
  CliWorld world;
  const std::string text = CliWorld::Read(kData + "dsa_sor_2025.csv");
  const size_t header = text.find('\n') + 1;
  const auto feed = [&](int copies) {
    return world.As("bazaar").RunFed({"import", "--format", "dsa-sor", "-", "--max-errors", "0", "--rejects",
                                      world.directory() + "/rejects.csv", "-o", "json"},
                                     [&](int fd, pid_t) {
                                       const auto write = [&](std::string_view bytes) {
                                         while (!bytes.empty()) {
                                           const ssize_t n = ::write(fd, bytes.data(), bytes.size());
                                           if (n <= 0) return;
                                           bytes.remove_prefix(static_cast<size_t>(n));
                                         }
                                       };
                                       write(std::string_view(text).substr(0, header));
                                       for (int i = 0; i < copies; ++i)
                                         write(std::string_view(text).substr(header));
                                     });
  };
  const ToolResult small = feed(100);
  const ToolResult large = feed(4'000);
  ASSERT_EQ(Summary(large)["rows"], 13 * 4'000) << large.err;
  EXPECT_LT(large.resident_kib, small.resident_kib + 16 * 1'024);
}
#endif

}  // namespace
}  // namespace coalition::testing
