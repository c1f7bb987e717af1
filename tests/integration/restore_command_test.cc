// Promise 9, with the programs alone, as docs/operations.md tells it: a coalition is backed up, its store is
// lost, coalitiond --restore makes it anew, and what was denied since the backup stands. What can't be
// restored is refused with words, and a restore that was cut short is repeated.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/file.h"
#include "nlohmann/json.hpp"
#include "server/config.h"
#include "tests/support/eventually.h"
#include "tests/support/server_process.h"
#include "tests/support/store/scratch_dir.h"
#include "tests/support/tool_run.h"

namespace coalition::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kOrigin[] = "coalition.example/ledger";
constexpr char kNewOrigin[] = "coalition.example/ledger-2";
// Of the command line: 64 and gRPC's code.
constexpr int kNotFound = 69, kDenied = 71;

class RestoreCommandTest : public ::testing::Test {
 protected:
  struct Ran {
    int code = -1;
    std::string said;
  };

  RestoreCommandTest() : plain_config_(Read(Config())) {
    const ToolResult made =
        Tool(dir_.path())
            .Run({"admin", "backup-key", "--out-private", Key(), "--out-public", Path("public.pem")});
    EXPECT_EQ(made.code, 0) << made.err;
    Configure(kOrigin);
    EXPECT_TRUE(server_.Start().ok());
    kept_ = Report("shop-1");
    withdrawn_ = Report("shop-2");
    EXPECT_EQ(As("belmont", {"record", "get", withdrawn_}).code, 0);
    // That it was shown it is kept behind the answer.
    EXPECT_TRUE(Eventually([&] {
      const ToolResult status = As("aurore", {"record", "recall-status", withdrawn_, "-o", "csv"});
      return status.out.find("members/belmont,") != std::string::npos;
    }));
    // The log's first checkpoint, which says whose a backup is.
    EXPECT_TRUE(Eventually([&] { return fs::exists(Head("head")); }));
    const ToolResult backup = As("office", {"admin", "backup", "--out", Backup()});
    EXPECT_EQ(backup.code, 0) << backup.err;
    lost_ = Report("shop-3");
    EXPECT_EQ(As("aurore", {"record", "withdraw", withdrawn_, "--yes"}).code, 0);
    const ToolResult suspended =
        As("office", {"admin", "member", "suspend", "bazaar", "--reason", "security-incident", "--yes"});
    EXPECT_EQ(suspended.code, 0) << suspended.err;
    ExpectDenialsStand();
    EXPECT_EQ(As("belmont", {"record", "get", lost_}).code, 0);
    EXPECT_TRUE(server_.Stop().ok());
  }

  std::string Path(const std::string& name) const { return server_.directory() + "/" + name; }
  std::string Head(const std::string& name) const { return Path("store-head/" + name); }
  std::string Config() const { return Path("server.textproto"); }
  std::string Store() const { return Path("store"); }
  std::string Key() const { return Path("private.pem"); }
  std::string Backup() const { return Path("it.backup"); }
  static std::string Read(const std::string& path) { return ReadFile(path, size_t{64} << 20).value_or(""); }
  void Write(const std::string& path, const std::string& bytes) const {
    ASSERT_TRUE(WriteFileAtomic(path, bytes, 0600).ok()) << path;
  }
  void Configure(const std::string& origin) const {
    Write(Config(), plain_config_ + "backup { recipient_key_file: \"public.pem\" }\nledger { origin: \"" +
                        origin + "\" tick_ms: 100 }\n");
  }

  ToolResult As(const std::string& member, const std::vector<std::string>& command) const {
    const auto config = server::LoadConfig(Config());
    EXPECT_TRUE(config.ok()) << config.status();
    const bool office = member == "office";
    const std::string identity = Path(member + (office ? "-admin" : "-backend"));
    return Tool(dir_.path())
        .With({"--server", office ? config->admin_listen() : config->listen(), "--ca", Path("ca.pem"),
               "--cert", identity + ".pem", "--key", identity + ".key"})
        .Run(command);
  }
  std::string Report(const std::string& seller) const {
    const ToolResult made = As("aurore", {"report", "bazaar.example/" + seller, "--infringement", "trademark",
                                          "--grant", "member:belmont=full", "-o", "json"});
    EXPECT_EQ(made.code, 0) << made.err;
    return nlohmann::json::parse(made.out, nullptr, false).value("name", "");
  }
  // Of coalitiond.
  Ran Run(const std::string& arguments) const {
    const std::string out = Path("out");
    std::string command = COALITIOND_BINARY;
    command += " --config " + Config() + " " + arguments + " >" + out + " 2>&1";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, Read(out)};
  }
  Ran Restore() const { return RestoreFrom(Backup(), Key()); }
  Ran RestoreFrom(const std::string& backup, const std::string& key) const {
    return Run("--restore " + backup + " --backup-key " + key);
  }

  // Everything but what the programs said.
  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    for (const auto& file : fs::recursive_directory_iterator(server_.directory())) {
      const std::string name = file.path().filename();
      if (name != "out" && name != "log")
        files[file.path()] = file.is_regular_file() ? Read(file.path()) : "";
    }
    return files;
  }
  uintmax_t StoreBytes() const {
    uintmax_t bytes = 0;
    std::error_code gone;
    for (const auto& file : fs::directory_iterator(Store(), gone)) {
      const uintmax_t size = file.file_size(gone);
      if (!gone) bytes += size;
    }
    return bytes;
  }
  void ExpectRefused(const std::string& words) const { ExpectRefused(Backup(), Key(), words); }
  void ExpectRefused(const std::string& backup, const std::string& key, const std::string& words) const {
    const auto files = Files();
    const Ran ran = RestoreFrom(backup, key);
    EXPECT_EQ(ran.code, 1) << ran.said;
    EXPECT_THAT(ran.said, AllOf(HasSubstr("coalitiond: "), HasSubstr(words)));
    EXPECT_TRUE(Files() == files) << "something was changed: " << words;
  }

  void ExpectDenialsStand() const {
    EXPECT_EQ(As("belmont", {"record", "get", withdrawn_}).code, kNotFound);
    EXPECT_EQ(As("aurore", {"record", "get", withdrawn_}).code, kNotFound);
    const ToolResult suspended = As("bazaar", {"record", "list"});
    EXPECT_EQ(suspended.code, kDenied) << suspended.err;
    EXPECT_THAT(suspended.err, HasSubstr("your member's standing does not allow this call"));
    EXPECT_THAT(As("belmont", {"recall", "list"}).out, HasSubstr(withdrawn_)) << "it was shown it";
  }
  void ExpectSound() const {
    const Ran verified = Run("--verify");
    EXPECT_EQ(verified.code, 0) << verified.said;
    EXPECT_THAT(verified.said, HasSubstr(Store() + " is sound: "));
  }
  // Of the server, which starts, and is stopped.
  void ExpectRestored() {
    ExpectSound();
    const absl::Status started = server_.Start();
    ASSERT_TRUE(started.ok()) << started;
    ExpectDenialsStand();
    EXPECT_EQ(As("belmont", {"record", "get", kept_}).code, 0);
    EXPECT_EQ(As("aurore", {"record", "get", kept_}).code, 0);
    EXPECT_EQ(As("aurore", {"record", "get", lost_}).code, kNotFound) << "it came after the backup";
    EXPECT_NE(Report("shop-4"), "") << "and it goes on";
    ASSERT_TRUE(server_.Stop().ok());
    ExpectSound();
  }

  const ScratchDir dir_;
  ServerProcess server_{dir_.path(), COALITIOND_BINARY};
  const std::string plain_config_;
  std::string kept_, withdrawn_, lost_;
};

TEST_F(RestoreCommandTest, AStoreThatWasLostIsRestoredWithWhatWasDenied) {
  ExpectSound();
  fs::remove_all(Store());
  // Whoever looks after the server tries it again, and again.
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(server_.Start().ok());
    EXPECT_THAT(server_.Log(), HasSubstr("holds no store"));
  }
  ExpectRefused("a log may not have two histories. Set ledger.origin to another name");

  Configure(kNewOrigin);
  const Ran restored = Restore();
  EXPECT_EQ(restored.code, 0) << restored.said;
  for (const char* line :
       {"Rows: ", "\nLedger: the ticks lead to the backup's checkpoint, ",
        "which a ledger key in key_dir has signed", "\nDenials: of those after the backup ",
        " 1 records are taken back, and 0 narrowed.\n", "\nLog: coalition.example/ledger-2 begins; ",
        "\nThe store is restored: start the server.\n"}) {
    EXPECT_THAT(restored.said, HasSubstr(line));
  }
  EXPECT_THAT(Read(Head("head-before-restore")), HasSubstr(std::string(kOrigin) + "\n"));
  ExpectRefused("is not empty: move what is there away. A restore overwrites nothing.\n");
  ExpectRestored();
}

// As a member sees it who followed the old log.
TEST_F(RestoreCommandTest, TheNewLogNamesTheOldOne) {
  fs::remove_all(Store());
  Configure(kNewOrigin);
  ASSERT_EQ(Restore().code, 0);
  ASSERT_TRUE(server_.Start().ok());
  const std::string acts =
      As("belmont", {"ledger", "list", "--kind", "act", "--limit", "0", "-o", "jsonl"}).out;
  EXPECT_THAT(acts, HasSubstr(R"(was begun after the log \"coalition.example/ledger\" of )"));
  EXPECT_THAT(acts, HasSubstr("is lost, but for denials"));
  const ToolResult key =
      Tool(dir_.path())
          .Run({"ledger", "log-key", "--key", Path("keys/ledger_key.pem"), "--name", kNewOrigin});
  ASSERT_EQ(key.code, 0) << key.err;
  const std::string line = key.out.substr(0, key.out.find('\n'));
  const ToolResult audited =
      As("belmont", {"--ledger-key", line, "ledger", "audit", "--state", Path("belmont.checkpoint")});
  EXPECT_EQ(audited.code, 0) << audited.err << audited.out;
}

TEST_F(RestoreCommandTest, WhatCanNotBeRestoredIsRefusedAndChangesNothing) {
  ExpectRefused("is not empty");
  fs::remove_all(Store());
  Configure(kNewOrigin);
  const std::string other = Path("other.pem");
  ASSERT_EQ(
      Tool(dir_.path())
          .Run({"admin", "backup-key", "--out-private", other, "--out-public", Path("other-public.pem")})
          .code,
      0);
  const std::string whole = Read(Backup());
  ASSERT_GT(whole.size(), 1'000U);
  const std::string middle = whole.substr(0, whole.size() / 2) +
                             static_cast<char>(whole[whole.size() / 2] ^ 1) +
                             whole.substr(whole.size() / 2 + 1);
  struct Wrong {
    std::string bytes;
    const char* words;
  };
  for (const auto& [bytes, words] :
       {Wrong{"", "wrong.backup: this is no backup"},
        {"no backup at all\n", "is no backup"},
        {std::string(10'000, 'x'), "is no backup"},
        {whole.substr(0, 100), "wrong.backup: the backup is cut off at byte 100"},
        {whole.substr(0, whole.size() / 2), "the backup is damaged: "},
        {whole.substr(0, whole.size() - 1), "the backup is damaged: "},
        {whole + "x", "the backup is damaged: "},
        {middle, "the backup is damaged: "}}) {
    Write(Path("wrong.backup"), bytes);
    ExpectRefused(Path("wrong.backup"), Key(), words);
  }
  const auto files = Files();
  ExpectRefused(Backup(), other, "the backup was made for the key ");
  ExpectRefused(Backup(), Path("public.pem"), "public.pem");
  ExpectRefused(Backup(), Path("none.pem"), "none.pem");
  ExpectRefused(Path("none.backup"), Key(), "none.backup");
  for (const std::string& arguments : {"--restore " + Backup(), "--backup-key " + Key()})
    EXPECT_EQ(Run(arguments).code, 2) << arguments;
  EXPECT_TRUE(Files() == files);
  EXPECT_EQ(Restore().code, 0) << "positive control";
  ExpectRestored();
}

// A restore that gets no further than it is let, since nobody reads what it says.
class HeldRestore {
 public:
  // Its standard output is a pipe with room for `room` bytes: it stops at the first line that does not fit.
  HeldRestore(const std::string& dir, const std::string& arguments, size_t room) : fifo_(dir + "/said") {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    EXPECT_EQ(mkfifo(fifo_.c_str(), 0600), 0);
    fd_ = open(fifo_.c_str(), O_RDWR | O_CLOEXEC);
    EXPECT_EQ(fcntl(fd_, F_SETPIPE_SZ, page), static_cast<int>(page));
    const std::string filling(page - room, '.');
    EXPECT_EQ(write(fd_, filling.data(), filling.size()), static_cast<ssize_t>(filling.size()));
    auto process = Process::Start({"/bin/sh", "-c", "exec " + arguments + " >" + fifo_}, dir + "/out");
    EXPECT_TRUE(process.ok()) << process.status();
    process_ = *std::move(process);
  }
  ~HeldRestore() {
    close(fd_);
    unlink(fifo_.c_str());
  }
  HeldRestore(const HeldRestore&) = delete;
  HeldRestore& operator=(const HeldRestore&) = delete;

  void End(int signal) {
    EXPECT_TRUE(process_->Check().ok()) << process_->Check();
    kill(process_->pid(), signal);
    EXPECT_TRUE(Eventually([&] { return !process_->Check().ok(); }));
    EXPECT_THAT(process_->Check().message(), HasSubstr("by signal " + std::to_string(signal)));
  }

 private:
  const std::string fifo_;
  int fd_ = -1;
  std::unique_ptr<Process> process_;
};

TEST_F(RestoreCommandTest, OneThatIsCutShortIsRefusedToStartAndRepeated) {
  Configure(kNewOrigin);
  fs::remove_all(Store());
  fs::copy(Path("store-head"), Path("head-then"));
  const Ran whole = Restore();
  ASSERT_EQ(whole.code, 0) << whole.said;
  struct Cut {
    const char* when;
    int signal;
    size_t room;
    std::function<bool()> is_there;
  };
  const std::vector<Cut> cuts = {
      {"it has begun", SIGKILL, 0, [&] { return fs::exists(Head("restoring")); }},
      {"the rows are there", SIGINT, 0, [&] { return StoreBytes() > fs::file_size(Backup()) / 2; }},
      {"there is a new log", SIGKILL, whole.said.find("Log: "), [&] {
         return fs::exists(Head("head-before-restore")) &&
                Read(Head("head")).find(kNewOrigin) != std::string::npos;
       }}};
  for (const Cut& cut : cuts) {
    SCOPED_TRACE(cut.when);
    fs::remove_all(Store());
    fs::remove_all(Path("store-head"));
    fs::copy(Path("head-then"), Path("store-head"));
    HeldRestore held(server_.directory(),
                     std::string(COALITIOND_BINARY) + " --config " + Config() + " --restore " + Backup() +
                         " --backup-key " + Key(),
                     cut.room);
    ASSERT_TRUE(Eventually(cut.is_there));
    held.End(cut.signal);

    const absl::Status started = server_.Start();
    EXPECT_FALSE(started.ok());
    EXPECT_THAT(server_.Log(), HasSubstr("was begun and has not ended"));
    const Ran verified = Run("--verify");
    EXPECT_NE(verified.code, 0) << verified.said;
    if (&cut != &cuts.front()) {
      EXPECT_THAT(verified.said, HasSubstr("head: a restore into "));
      ExpectRefused("If it is what a restore that was cut short has left, remove it.");
    }
    fs::remove_all(Store());
    const Ran again = Restore();
    EXPECT_EQ(again.code, 0) << again.said;
    EXPECT_FALSE(fs::exists(Head("restoring")));
    EXPECT_THAT(Read(Head("head-before-restore")), HasSubstr(std::string(kOrigin) + "\n"));
    ExpectRestored();
  }
}

}  // namespace
}  // namespace coalition::testing
