// What the mirror's verbs print, and with what they end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>

#include "client/mirror.h"
#include "common/errors.h"
#include "common/timestamp.h"
#include "nlohmann/json.hpp"
#include "tests/support/fake_watch.h"
#include "tests/unit/cli/verbs_fixture.h"

namespace coalition::cli {
namespace {

using ::coalition::testing::FakeWatchServer;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kFirst[] = "records/aaaaaaaaaaaaaaaaaaaaaaaaaa";
constexpr char kSecond[] = "records/beaaaaaaaaaaaaaaaaaaaaaaaa";

class MirrorConnection final : public client::Connection {
 public:
  absl::StatusOr<std::unique_ptr<client::WatchCall>> WatchRecords() override { return server.Open(); }
  absl::StatusOr<v1::ScreenSellersResponse> ScreenSellers(const client::CallOptions&,
                                                          const v1::ScreenSellersRequest&) override {
    return screened;
  }
  FakeWatchServer server;
  v1::ScreenSellersResponse screened;
};

class MirrorVerbTest : public VerbsFixture<MirrorConnection> {
 protected:
  MirrorVerbTest() {
    std::string pattern = ::testing::TempDir() + "/mirror-verb-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    root_ = pattern;
    directory_ = root_ + "/mirror";
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  static v1::Record Report(const std::string& name, const std::string& seller_id, v1::Label label) {
    v1::Record record;
    record.set_name(name);
    record.set_record_class(v1::RECORD_CLASS_OFFENDER_REPORT);
    record.set_state(v1::RECORD_STATE_ACTIVE);
    record.set_label(label);
    record.set_permitted_action(v1::PERMITTED_ACTION_CONTACT_FOR_INSTRUCTION);
    record.mutable_seller()->set_platform("bazaar.example");
    record.mutable_seller()->set_seller_id(seller_id);
    return record;
  }
  // shop-1 is listed, AMBER; shop-2 too, CLEAR.
  static v1::WatchRecordsResponse All(const std::string& cursor) {
    v1::WatchRecordsResponse response;
    *response.add_events()->mutable_upsert() = Report(kFirst, "shop-1", v1::LABEL_AMBER);
    *response.add_events()->mutable_upsert() = Report(kSecond, "shop-2", v1::LABEL_CLEAR);
    response.set_cursor(cursor);
    response.set_snapshot_complete(true);
    *response.mutable_complete_until() = ToTimestamp(SystemClock().NowNs());
    return response;
  }
  int Mirror(const std::string& verb, std::vector<std::string> more, const std::string& typed = "") {
    more.insert(more.begin(), {"mirror", verb, "--dir", directory_});
    return Run(more, typed);
  }
  // A mirror as of `until_ns`, or now.
  void Make(int64_t until_ns = 0) {
    v1::WatchRecordsResponse all = All("1");
    if (until_ns != 0) *all.mutable_complete_until() = ToTimestamp(until_ns);
    connection_->server.Add({{all}, absl::DataLossError("the end")});
    EXPECT_EQ(Mirror("run", {}), 64 + static_cast<int>(absl::StatusCode::kDataLoss)) << err_.str();
  }
  nlohmann::json Json() const { return nlohmann::json::parse(out_.str(), nullptr, false); }

  std::string root_;
  std::string directory_;
};

TEST_F(MirrorVerbTest, CtrlCEndsARunThatGoesOnWhereItWas) {
  std::atomic<bool> pressed = false;
  io_.interrupted = [&] {
    if (connection_->server.waiting() > 0) pressed = true;  // everything said is applied
    return pressed.load();
  };
  connection_->server.Add({{All("1")}, std::nullopt});
  EXPECT_EQ(Mirror("run", {"--class", "report"}), kExitInterrupted);
  EXPECT_EQ(catches_, 1);
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(err_.str(), "Complete: 2 records about 2 sellers.\nInterrupted. Run it again to go on.\n");
  pressed = false;
  EXPECT_EQ(Mirror("run", {"--class", "report"}), kExitInterrupted);
  ASSERT_EQ(connection_->server.starts().size(), 2u);
  EXPECT_EQ(connection_->server.starts()[1].cursor(), "1");
  EXPECT_EQ(connection_->server.starts()[1].filter().record_classes(0), v1::RECORD_CLASS_OFFENDER_REPORT);
  EXPECT_EQ(Mirror("run", {}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("made with another filter"));
}

TEST_F(MirrorVerbTest, TheLineIsForTerminals) {
  Make();
  EXPECT_THAT(err_.str(), Not(HasSubstr("\x1b")));
  std::filesystem::remove_all(directory_);
  io_.err_shows_progress = true;
  Make();
  EXPECT_THAT(err_.str(), HasSubstr("2 records about 2 sellers, complete until 20"));
}

TEST_F(MirrorVerbTest, ChecksAsScreenPrints) {
  Make();
  for (const char* format : {"table", "json", "jsonl", "csv"}) {
    EXPECT_EQ(Mirror("check", {"bazaar.example/shop-1", "Bazaar.example/shop-9", "-o", format}), kExitNo);
    const std::string checked = out_.str();
    EXPECT_THAT(err_.str(), HasSubstr("a lead, not a finding"));
    v1::ScreenSellersResponse& screened = connection_->screened;
    screened.Clear();
    v1::ScreenMatch& match = *screened.add_results()->add_matches();
    match.set_record(kFirst);
    match.set_record_class(v1::RECORD_CLASS_OFFENDER_REPORT);
    match.set_label(v1::LABEL_AMBER);
    match.set_permitted_action(v1::PERMITTED_ACTION_CONTACT_FOR_INSTRUCTION);
    match.set_state(v1::RECORD_STATE_ACTIVE);
    screened.mutable_results(0)->set_verdict(v1::VERDICT_LISTED);
    screened.add_results()->set_verdict(v1::VERDICT_NOT_LISTED);
    EXPECT_EQ(Run({"screen", "bazaar.example/shop-1", "Bazaar.example/shop-9", "-o", format}), kExitNo);
    EXPECT_EQ(checked, out_.str());
  }
  EXPECT_EQ(Mirror("check", {"bazaar.example/shop-9"}), kExitOk);
  EXPECT_EQ(err_.str(), "");
}

TEST_F(MirrorVerbTest, ChecksLinesOfStandardInput) {
  Make();
  EXPECT_EQ(Mirror("check", {"-", "-o", "jsonl"}, "# ours\n\nbazaar.example/shop-8\r\nbazaar.example/shop-9"),
            kExitOk);
  EXPECT_EQ(out_.str(),
            "{\"seller\":{\"platform\":\"bazaar.example\",\"sellerId\":\"shop-8\"},\"verdict\":\"VERDICT_NOT_"
            "LISTED\"}\n"
            "{\"seller\":{\"platform\":\"bazaar.example\",\"sellerId\":\"shop-9\"},\"verdict\":\"VERDICT_NOT_"
            "LISTED\"}\n");
  EXPECT_EQ(Mirror("check", {"-"}, "nobody\nbazaar.example/shop-9\n"), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("line 1: "));
  EXPECT_EQ(Mirror("check", {"-"}, "nobody\nbazaar.example/shop-1\n"), kExitNo);
  EXPECT_EQ(Mirror("check", {"-", "bazaar.example/shop-1"}), kExitUsage);
  EXPECT_EQ(Mirror("check", {}), kExitUsage);
}

TEST_F(MirrorVerbTest, ARefusalIsNoAnswer) {
  EXPECT_EQ(Mirror("check", {"bazaar.example/shop-1"}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("there is no mirror in "));
  EXPECT_EQ(Mirror("status", {}), kExitUsage);
  Make(SystemClock().NowNs() - int64_t{7'200} * 1'000'000'000);
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{"bazaar.example/shop-1", "-o", "csv"}, {"-", "-o", "csv"}}) {
    EXPECT_EQ(Mirror("check", more, "bazaar.example/shop-1\n"), kExitUsage);
    EXPECT_EQ(out_.str(), "");
    EXPECT_THAT(err_.str(), HasSubstr("too old: 2h"));
    EXPECT_THAT(err_.str(), Not(HasSubstr("doctor")));
  }
  EXPECT_EQ(Mirror("export", {"-o", "csv"}), kExitUsage);
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(Mirror("check", {"bazaar.example/shop-1", "--max-age", "3h"}), kExitNo);
  EXPECT_EQ(Mirror("check", {"bazaar.example/shop-1", "--max-age", "soon"}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--max-age"));
  EXPECT_EQ(Mirror("check", {"bazaar.example/shop-1", "--max-age", "0"}), kExitUsage);
}

TEST_F(MirrorVerbTest, StatusSaysWhetherItWouldAnswer) {
  Make();
  EXPECT_EQ(Mirror("status", {"-o", "json"}), kExitOk);
  EXPECT_EQ(Json()["answers"], true);
  EXPECT_EQ(Json()["complete"], true);
  EXPECT_EQ(Json()["records"], 2);
  EXPECT_EQ(Json()["sellers"], 2);
  EXPECT_LT(Json()["age_seconds"], 60);
  EXPECT_THAT(std::string(Json()["complete_until"]), StartsWith("20"));
  EXPECT_FALSE(Json().contains("refusal"));
  EXPECT_EQ(Mirror("status", {}), kExitOk);
  EXPECT_THAT(out_.str(), StartsWith("ANSWERS"));
  std::filesystem::remove_all(directory_);
  Make(1'790'000'000'000'000'000);
  EXPECT_EQ(Mirror("status", {"-o", "json"}), kExitNo);
  EXPECT_EQ(Json()["answers"], false);
  EXPECT_THAT(std::string(Json()["refusal"]), HasSubstr("too old"));
  const std::string file = directory_ + "/generation-1";
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
  EXPECT_EQ(Mirror("status", {}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("damaged"));
}

TEST_F(MirrorVerbTest, ExportsWhatIsLabelledClearAndNothingElse) {
  Make();
  EXPECT_EQ(Mirror("export", {"-o", "jsonl"}), kExitOk);
  EXPECT_EQ(out_.str(), ToJson(Report(kSecond, "shop-2", v1::LABEL_CLEAR)) + "\n");
  EXPECT_EQ(err_.str(), "1 record was left out: only what is labelled CLEAR may leave the coalition.\n");
  EXPECT_EQ(Mirror("export", {"-o", "csv"}), kExitOk);
  EXPECT_THAT(out_.str(), StartsWith("record,class,seller,"));
  EXPECT_THAT(out_.str(), HasSubstr(kSecond));
  EXPECT_THAT(out_.str(), Not(HasSubstr(kFirst)));
  for (const char* format : {"table", "json"}) {
    EXPECT_EQ(Mirror("export", {"-o", format}), kExitUsage);
    EXPECT_THAT(err_.str(), HasSubstr("jsonl"));
  }
}

TEST_F(MirrorVerbTest, IsWipedWhereTheMemberIsSuspended) {
  Make();
  connection_->server.Add({{}, Error(v1::ERROR_REASON_MEMBER_NOT_ACTIVE, "not active")});
  EXPECT_EQ(Mirror("run", {}), 64 + static_cast<int>(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(err_.str(), HasSubstr("The mirror was wiped."));
  EXPECT_EQ(Mirror("check", {"bazaar.example/shop-1"}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("was wiped at "));
  EXPECT_EQ(Mirror("status", {"-o", "json"}), kExitNo);
  EXPECT_EQ(Json()["records"], 0);
  EXPECT_THAT(std::string(Json()["wiped_at"]), StartsWith("20"));
}

TEST_F(MirrorVerbTest, ABreakIsToldOnce) {
  connection_->server.Add({{All("1")}, absl::UnavailableError("connection reset")});
  connection_->server.Add({{}, absl::UnavailableError("connection refused")});
  connection_->server.Add({{}, Error(v1::ERROR_REASON_CURSOR_INVALID, "another's")});
  EXPECT_EQ(Mirror("run", {}), 64 + static_cast<int>(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(err_.str(), HasSubstr("The connection is lost, and tried again: connection reset\n"));
  EXPECT_THAT(err_.str(), Not(HasSubstr("connection refused")));
  EXPECT_THAT(err_.str(), HasSubstr("another directory for a mirror"));
}

}  // namespace
}  // namespace coalition::cli
