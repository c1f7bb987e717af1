// Many records withdrawn or cleared by one command: where the names come from, what is asked and said, and
// how it ends.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <deque>
#include <fstream>
#include <map>

#include "common/errors.h"
#include "nlohmann/json.hpp"
#include "tests/unit/cli/verbs_fixture.h"

namespace coalition::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// Each number's own. The last letters of an id are not free.
std::string Record(size_t number) {
  std::string id(26, 'a');
  for (size_t at = 0; number > 0; number /= 26) id[at++] = static_cast<char>('a' + number % 26);
  return "records/" + id;
}

std::vector<std::string> Records(size_t count) {
  std::vector<std::string> records;
  for (size_t i = 0; i < count; ++i) records.push_back(Record(i));
  return records;
}

std::string Lines(const std::vector<std::string>& records) {
  std::string lines;
  for (const std::string& record : records) lines += record + "\n";
  return lines;
}

template <class Request>
std::vector<std::string> NamesOf(const Request& request) {
  return {request.names().begin(), request.names().end()};
}

class TakeBackConnection final : public client::Connection {
 public:
  absl::StatusOr<v1::GetRecordResponse> GetRecord(const client::CallOptions&,
                                                  const v1::GetRecordRequest& request) override {
    read.push_back(request.name());
    if (!read_error.ok()) return read_error;
    if (statuses.count(request.name()) > 0) return Error(v1::ERROR_REASON_NOT_FOUND, "not found");
    v1::GetRecordResponse response;
    v1::Record& record = *response.mutable_record();
    record.set_name(request.name());
    record.set_record_class(v1::RECORD_CLASS_OFFENDER_REPORT);
    record.mutable_seller()->set_platform("bazaar.example");
    record.mutable_seller()->set_seller_id("shop-" + request.name().substr(8, 1));
    record.set_external_id("case-1");
    record.mutable_audience()->add_grants()->mutable_subject()->set_kind(v1::MEMBER_KIND_BRAND);
    record.mutable_audience()->mutable_grants(0)->set_view("full");
    return response;
  }
  absl::StatusOr<v1::WithdrawRecordResponse> WithdrawRecord(
      const client::CallOptions&, const v1::WithdrawRecordRequest& request) override {
    withdrawn_alone.push_back(request);
    return v1::WithdrawRecordResponse();
  }
  absl::StatusOr<v1::ClearRecordResponse> ClearRecord(const client::CallOptions&,
                                                      const v1::ClearRecordRequest& request) override {
    cleared_alone.push_back(request);
    return v1::ClearRecordResponse();
  }
  absl::StatusOr<v1::BatchWithdrawRecordsResponse> BatchWithdrawRecords(
      const client::CallOptions&, const v1::BatchWithdrawRecordsRequest& request) override {
    withdrawn.push_back(request);
    return Answer<v1::BatchWithdrawRecordsResponse>(request);
  }
  absl::StatusOr<v1::BatchClearRecordsResponse> BatchClearRecords(
      const client::CallOptions&, const v1::BatchClearRecordsRequest& request) override {
    cleared.push_back(request);
    return Answer<v1::BatchClearRecordsResponse>(request);
  }
  bool untouched() const {
    return withdrawn_alone.empty() && cleared_alone.empty() && withdrawn.empty() && cleared.empty();
  }

  // Of records that are not simply taken back.
  std::map<std::string, v1::TakeBackStatus> statuses;
  // Of the next calls for many; then OK.
  std::deque<absl::Status> answers;
  absl::Status read_error;
  std::function<void()> at_call = [] {};
  std::vector<std::string> read;
  std::vector<v1::WithdrawRecordRequest> withdrawn_alone;
  std::vector<v1::ClearRecordRequest> cleared_alone;
  std::vector<v1::BatchWithdrawRecordsRequest> withdrawn;
  std::vector<v1::BatchClearRecordsRequest> cleared;

 private:
  template <class Response, class Request>
  absl::StatusOr<Response> Answer(const Request& request) {
    at_call();
    absl::Status status;
    if (!answers.empty()) {
      status = answers.front();
      answers.pop_front();
    }
    if (!status.ok()) return status;
    Response response;
    for (const std::string& name : request.names()) {
      const auto found = statuses.find(name);
      v1::TakeBackResult& result = *response.add_results();
      result.set_name(name);
      result.set_status(found != statuses.end()   ? found->second
                        : request.validate_only() ? v1::TAKE_BACK_STATUS_VALID
                                                  : v1::TAKE_BACK_STATUS_DONE);
      if (result.status() != v1::TAKE_BACK_STATUS_REJECTED) continue;
      result.mutable_error()->set_code(5);
      result.mutable_error()->set_reason("NOT_FOUND");
      result.mutable_error()->set_message("there is no such record");
    }
    return response;
  }
};

class TakeBackVerbsTest : public VerbsFixture<TakeBackConnection> {
 protected:
  int Withdraw(std::vector<std::string> flags, const std::string& typed = "") {
    flags.insert(flags.begin(), {"record", "withdraw"});
    return Run(flags, typed);
  }
  int Clear(std::vector<std::string> flags, const std::string& typed = "") {
    flags.insert(flags.begin(), {"record", "clear", "--grounds", "other"});
    return Run(flags, typed);
  }
};

TEST_F(TakeBackVerbsTest, NamesComeFromTheCommandLineAndFromAFile) {
  const std::string file = ::testing::TempDir() + "/names-" + std::to_string(::getpid());
  std::ofstream(file) << "# of 28 November\n\n  " << Record(1) << " \r\n"
                      << Record(2).substr(8) << "\n\t\n"
                      << Record(3);  // and no end of the line
  EXPECT_EQ(Withdraw({Record(5), Record(4), "--yes"}), kExitOk) << err_.str();
  EXPECT_EQ(Withdraw({"--from", file, "--yes"}), kExitOk) << err_.str();
  EXPECT_EQ(Withdraw({Record(7), "--from", "-", "--yes"}, Lines({Record(6)})), kExitOk) << err_.str();
  ASSERT_THAT(connection_->withdrawn, SizeIs(3));
  EXPECT_THAT(NamesOf(connection_->withdrawn[0]), ElementsAre(Record(5), Record(4)));
  EXPECT_THAT(NamesOf(connection_->withdrawn[1]), ElementsAre(Record(1), Record(2), Record(3)));
  EXPECT_THAT(NamesOf(connection_->withdrawn[2]), ElementsAre(Record(7), Record(6)));
  EXPECT_EQ(Clear({"--from", file, "--comment", "box 9", "--yes"}), kExitOk) << err_.str();
  ASSERT_THAT(connection_->cleared, SizeIs(1));
  EXPECT_THAT(NamesOf(connection_->cleared[0]), ElementsAre(Record(1), Record(2), Record(3)));
  EXPECT_EQ(connection_->cleared[0].grounds(), v1::CLEARANCE_GROUNDS_OTHER);
  EXPECT_EQ(connection_->cleared[0].comment(), "box 9");
  EXPECT_EQ(err_.str(), "Cleared 3, before 0, rejected 0.\n");
  std::remove(file.c_str());
}

TEST_F(TakeBackVerbsTest, OneRecordIsTakenBackAlone) {
  EXPECT_EQ(Withdraw({Record(1), "--yes", "--etag", "e", "--request-id", "r"}), kExitOk);
  EXPECT_EQ(err_.str(), "Withdrawn: " + Record(1) + "\n");
  ASSERT_THAT(connection_->withdrawn_alone, SizeIs(1));
  EXPECT_EQ(connection_->withdrawn_alone[0].etag(), "e");
  EXPECT_EQ(connection_->withdrawn_alone[0].request_id(), "r");
  EXPECT_EQ(Clear({Record(1), "--yes"}), kExitOk);
  EXPECT_THAT(connection_->cleared_alone, SizeIs(1));
  EXPECT_EQ(catches_, 0);
  EXPECT_THAT(connection_->withdrawn, IsEmpty());
  // A list of one is a list.
  EXPECT_EQ(Withdraw({"--from", "-", "--yes"}, Lines({Record(1)})), kExitOk);
  EXPECT_EQ(err_.str(), "Withdrawn 1, before 0, rejected 0.\n");
  EXPECT_THAT(connection_->withdrawn, SizeIs(1));
  EXPECT_THAT(connection_->withdrawn_alone, SizeIs(1));
}

TEST_F(TakeBackVerbsTest, MistakesAreSaidBeforeAnythingIsSent) {
  EXPECT_EQ(Withdraw({"--yes"}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--from"));
  for (const std::vector<std::string>& of_one :
       {std::vector<std::string>{"--etag", "e"}, {"--request-id", "r"}}) {
    for (std::vector<std::string> flags :
         {std::vector<std::string>{Record(1), Record(2), "--yes"}, {"--from", "-", "--yes"}}) {
      flags.insert(flags.end(), of_one.begin(), of_one.end());
      EXPECT_EQ(Withdraw(flags, Lines({Record(1)})), kExitUsage);
      EXPECT_THAT(err_.str(), HasSubstr("go with one RECORD"));
      EXPECT_EQ(Clear(flags, Lines({Record(1)})), kExitUsage);
    }
  }
  EXPECT_EQ(Withdraw({Record(1), "reports/x", "--yes"}), kExitUsage);
  EXPECT_EQ(Withdraw({"--from", "/no/such", "--yes"}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("/no/such"));
  EXPECT_TRUE(connection_->untouched());
}

TEST_F(TakeBackVerbsTest, BadLinesAreNamedByTheirNumber) {
  const std::string good = Record(1) + "\n";
  EXPECT_EQ(Withdraw({"--from", "-", "--yes"},
                     good + "# fine\nrecords/short\n\n" + good + "\"x\"\n" + std::string(5'000, 'a') + "\n"),
            kExitUsage);
  EXPECT_THAT(err_.str(),
              AllOf(HasSubstr("line 3: \"records/short\""), HasSubstr("line 6: "),
                    HasSubstr("line 7: the line is too long"),
                    EndsWith("error: standard input: 3 lines name no record; nothing was sent\n")));
  EXPECT_THAT(err_.str(), AllOf(Not(HasSubstr("line 1:")), Not(HasSubstr("line 5:"))));
  std::string many = good;
  for (int i = 0; i < 100; ++i) many += "bad\n";
  EXPECT_EQ(Withdraw({"--from", "-", "--yes"}, many), kExitUsage);
  EXPECT_THAT(err_.str(),
              AllOf(HasSubstr("line 21: "), Not(HasSubstr("line 22: ")), HasSubstr("100 lines name no")));
  EXPECT_TRUE(connection_->untouched());
}

// Half of the names is not what was meant.
TEST_F(TakeBackVerbsTest, NamesThatAreCutOffAreNotActedUpon) {
  for (const int error : {EINTR, EIO}) {
    std::string rest = Lines({Record(1)});
    io_.read_in = [rest, error](char* buffer, size_t) mutable -> ssize_t {
      if (rest.empty()) {
        errno = error;
        return -1;
      }
      const size_t size = rest.copy(buffer, rest.size());
      rest.clear();
      return static_cast<ssize_t>(size);
    };
    App app;
    ASSERT_EQ(app.Parse({"record", "withdraw", "--from", "-", "--yes"}, out_, err_), kExitOk);
    Session session(app.globals(), io_);
    session.SetClient(std::make_unique<client::Client>(connection_, client::ClientOptions(), random_));
    EXPECT_EQ(app.action()(session), kExitUsage) << error;
  }
  EXPECT_TRUE(connection_->untouched());
}

TEST_F(TakeBackVerbsTest, ANameThatComesTwiceCountsOnce) {
  EXPECT_EQ(Withdraw({Record(1), "--from", "-", "--yes"}, Lines({Record(2), Record(1), Record(2)})), kExitOk);
  ASSERT_THAT(connection_->withdrawn, SizeIs(1));
  EXPECT_THAT(NamesOf(connection_->withdrawn[0]), ElementsAre(Record(1), Record(2)));
  EXPECT_THAT(err_.str(), HasSubstr("counted once: 2\n"));
}

TEST_F(TakeBackVerbsTest, NoNamesAreNothingToDo) {
  for (const char* typed : {"", "\n# none\n"}) {
    EXPECT_EQ(Withdraw({"--from", "-", "-o", "json"}, typed), kExitOk) << err_.str();
    EXPECT_EQ(out_.str(), "[]\n");
    EXPECT_EQ(err_.str(), "Withdrawn 0, before 0, rejected 0.\n");
  }
  EXPECT_TRUE(connection_->untouched());
}

TEST_F(TakeBackVerbsTest, FewAreNamedAndAskedFor) {
  connection_->statuses[Record(2)] = v1::TAKE_BACK_STATUS_REJECTED;
  EXPECT_EQ(Withdraw({Record(1), Record(2)}, "no\n"), kExitNo);
  EXPECT_THAT(err_.str(),
              AllOf(HasSubstr("Withdrawing 2 records takes them back from everybody, for good:\n"),
                    HasSubstr("  " + Record(1) + ": offender-report about bazaar.example/shop-b, created "),
                    HasSubstr("shared with kind:brand=full, external id case-1\n"),
                    HasSubstr("  " + Record(2) + ": is not there, or not yours to see\n"),
                    HasSubstr("loses its reference\n"),
                    EndsWith("Withdraw 2 records? Type yes: Nothing was changed.\n")));
  EXPECT_EQ(Clear({Record(1), Record(3)}, "\n"), kExitNo);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("Clearing 2 records: everyone who was shown one is told that it "
                                          "was wrong; it can't be undone:\n"),
                                HasSubstr("Clear 2 records? Type yes: ")));
  EXPECT_TRUE(connection_->untouched());
  EXPECT_EQ(Withdraw({Record(1), Record(3)}, "yes\n"), kExitOk);
  EXPECT_THAT(connection_->withdrawn, SizeIs(1));
  // What can't be read is not asked about.
  connection_->read_error = absl::UnavailableError("no connection");
  EXPECT_EQ(Withdraw({Record(1), Record(3)}, "yes\n"), 64 + 14);
  EXPECT_THAT(connection_->withdrawn, SizeIs(1));
}

TEST_F(TakeBackVerbsTest, OfMoreOnlyTheFirstAreRead) {
  for (const auto& [count, read] : {std::pair<size_t, size_t>{20, 20}, {21, 3}, {1'200, 3}}) {
    connection_->read.clear();
    EXPECT_EQ(Withdraw(Records(count), "no\n"), kExitNo);
    EXPECT_THAT(connection_->read, SizeIs(read));
    EXPECT_THAT(err_.str(), HasSubstr(count == 1'200 ? "Withdraw 1,200 records?" : "records?"));
  }
  EXPECT_THAT(err_.str(), HasSubstr("\n  and 1,197 more\n"));
  EXPECT_TRUE(connection_->untouched());
}

TEST_F(TakeBackVerbsTest, NobodyIsAskedWhoCanNotReadTheQuestion) {
  io_.in_is_terminal = false;  // a pipe, as of --from -
  EXPECT_EQ(Withdraw({"--from", "-"}, Lines(Records(2))), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--yes"));
  EXPECT_EQ(Clear({Record(1), Record(2)}, "yes\n"), kExitUsage);
  EXPECT_THAT(connection_->read, IsEmpty());
  EXPECT_TRUE(connection_->untouched());
  EXPECT_EQ(Withdraw({"--from", "-", "--dry-run"}, Lines(Records(2))), kExitOk);
  EXPECT_EQ(err_.str(), "Valid 2, before 0, rejected 0.\nChecked; nothing was withdrawn.\n");
  ASSERT_THAT(connection_->withdrawn, SizeIs(1));
  EXPECT_TRUE(connection_->withdrawn[0].validate_only());
}

TEST_F(TakeBackVerbsTest, VeryManyGoInRequestsOf250) {
  EXPECT_EQ(Withdraw({"--from", "-", "--yes"}, Lines(Records(1'100))), kExitOk) << err_.str();
  std::vector<std::string> names;
  for (const v1::BatchWithdrawRecordsRequest& request : connection_->withdrawn) {
    EXPECT_LE(request.names_size(), 250);
    EXPECT_FALSE(request.validate_only());
    for (const std::string& name : request.names()) names.push_back(name);
  }
  EXPECT_THAT(connection_->withdrawn, SizeIs(5));
  EXPECT_EQ(names, Records(1'100));
  EXPECT_EQ(err_.str(), "Withdrawn 1,100, before 0, rejected 0.\n");
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(catches_, 1);
}

TEST_F(TakeBackVerbsTest, TheRejectedArePrintedAndCountedAndTheRestIsDone) {
  connection_->statuses = {{Record(0), v1::TAKE_BACK_STATUS_DONE_BEFORE},
                           {Record(1), v1::TAKE_BACK_STATUS_REJECTED},
                           {Record(299), v1::TAKE_BACK_STATUS_REJECTED}};
  const std::string names = Lines(Records(300));
  EXPECT_EQ(Withdraw({"--from", "-", "--yes", "-o", "csv"}, names), kExitNo);
  EXPECT_EQ(out_.str(), "record,reason,message\n" + Record(1) + ",NOT_FOUND,there is no such record\n" +
                            Record(299) + ",NOT_FOUND,there is no such record\n");
  EXPECT_EQ(err_.str(), "Withdrawn 297, before 1, rejected 2.\n");
  EXPECT_EQ(Withdraw({"--from", "-", "--yes"}, names), kExitNo);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("RECORD"), HasSubstr(Record(299) + "  NOT_FOUND  there is")));
  EXPECT_EQ(Clear({"--from", "-", "--yes", "-o", "jsonl"}, names), kExitNo);
  EXPECT_THAT(out_.str(), HasSubstr("\"status\":\"TAKE_BACK_STATUS_REJECTED\""));
  EXPECT_EQ(Clear({"--from", "-", "--dry-run", "-o", "json"}, names), kExitNo);
  const nlohmann::json json = nlohmann::json::parse(out_.str(), nullptr, /*allow_exceptions=*/false);
  ASSERT_EQ(json.size(), 2u) << out_.str();
  EXPECT_EQ(json[1]["name"], Record(299));
  EXPECT_EQ(json[1]["error"]["reason"], "NOT_FOUND");
  EXPECT_EQ(err_.str(), "Valid 297, before 1, rejected 2.\nChecked; nothing was cleared.\n");
}

TEST_F(TakeBackVerbsTest, WhatThisProgramDoesNotKnowIsNotTakenForDone) {
  connection_->statuses = {{Record(0), v1::TAKE_BACK_STATUS_UNSPECIFIED},
                           {Record(1), static_cast<v1::TakeBackStatus>(17)}};
  EXPECT_EQ(Withdraw({Record(0), Record(1), "--yes"}), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("Withdrawn 0, before 0, rejected 2."));
}

TEST_F(TakeBackVerbsTest, AFailureInTheMiddleSaysWhatWasDone) {
  connection_->statuses[Record(1)] = v1::TAKE_BACK_STATUS_REJECTED;
  connection_->answers = {absl::OkStatus(), absl::OkStatus(),
                          Error(v1::ERROR_REASON_MEMBER_NOT_ACTIVE, "your member is suspended")};
  const std::string names = Lines(Records(1'100));
  EXPECT_EQ(Withdraw({"--from", "-", "--yes", "-o", "csv"}, names), 64 + 7);
  EXPECT_THAT(connection_->withdrawn, SizeIs(3));
  EXPECT_THAT(out_.str(), HasSubstr(Record(1) + ",NOT_FOUND"));
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("Withdrawn 499, before 0, rejected 1.\n"),
                                HasSubstr("error: your member is suspended\n"),
                                HasSubstr("600 of 1,100 records were not answered. Run it again")));
}

TEST_F(TakeBackVerbsTest, CtrlCWaitsForWhatIsUnderWayAndNoLonger) {
  bool pressed = false;
  io_.interrupted = [&] { return pressed; };
  connection_->at_call = [&] { pressed = connection_->withdrawn.size() == 2; };
  const std::string names = Lines(Records(600));
  EXPECT_EQ(Withdraw({"--from", "-", "--yes"}, names), kExitInterrupted);
  EXPECT_THAT(connection_->withdrawn, SizeIs(2));
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("Withdrawn 500, before 0, rejected 0.\n"),
                                HasSubstr("Interrupted: everything that was sent has been answered; 100 of "
                                          "600 records were not sent.")));
  // With the last request: all is done.
  connection_->withdrawn.clear();
  EXPECT_EQ(Withdraw({"--from", "-", "--yes"}, Lines(Records(300))), kExitOk) << err_.str();
}

TEST_F(TakeBackVerbsTest, ProgressIsShownOnATerminalAndGoneAtTheEnd) {
  EXPECT_EQ(Withdraw({"--from", "-", "--yes"}, Lines(Records(600))), kExitOk);
  EXPECT_THAT(err_.str(), Not(HasSubstr(" of 600 records")));
  io_.err_shows_progress = true;
  EXPECT_EQ(Withdraw({"--from", "-", "--yes"}, Lines(Records(600))), kExitOk);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("250 of 600 records, 0 rejected"), HasSubstr("500 of 600 records"),
                                EndsWith("\r\x1b[KWithdrawn 600, before 0, rejected 0.\n")));
}

}  // namespace
}  // namespace coalition::cli
