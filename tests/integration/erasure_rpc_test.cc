// Erasure over real mutual TLS: for the coalition's administrators alone, of what anybody contributed; and
// what is left of a record then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coalition/v1/erasure_service.grpc.pb.h"
#include "coalition/v1/ledger_service.grpc.pb.h"
#include "common/errors.h"
#include "tests/integration/records.h"
#include "tests/support/eventually.h"
#include "tests/support/server_metric.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using Erased = absl::StatusOr<v1::EraseRecordsResponse>;
using ExchangeStub = v1::ExchangeService::Stub;

constexpr char kReference[] = "12 O 345/26";
// Well formed, and nobody's.
constexpr char kUnknown[] = "records/aaaaaaaaaaaaaaaaaaaaaaaaaa";

v1::EraseRecordsRequest ErasureOf(const std::vector<std::string>& names) {
  v1::EraseRecordsRequest request;
  *request.mutable_names() = {names.begin(), names.end()};
  request.set_grounds(v1::ERASURE_GROUNDS_COURT_ORDER);
  request.set_reference(kReference);
  return request;
}

v1::EraseRecordsRequest ErasureAbout(const std::string& platform, const std::string& seller_id) {
  v1::EraseRecordsRequest request = ErasureOf({});
  request.mutable_seller()->set_platform(platform);
  request.mutable_seller()->set_seller_id(seller_id);
  return request;
}

v1::EraseRecordsRequest Checking(v1::EraseRecordsRequest request) {
  request.set_validate_only(true);
  return request;
}

std::vector<std::string> NamesOf(const Erased& erased) {
  EXPECT_TRUE(erased.ok()) << erased.status();
  std::vector<std::string> names;
  if (!erased.ok()) return names;
  for (const v1::ErasedRecord& record : erased->records()) names.push_back(record.name());
  return names;
}

// What one member's watch tells, from the beginning or from behind a cursor.
class Feed {
 public:
  Feed(const TestServer& server, const std::string& member, const std::string& cursor = "")
      : stub_(server.Watch(member)) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    stream_ = stub_->WatchRecords(&context_);
    v1::WatchRecordsRequest request;
    request.mutable_start()->set_cursor(cursor);
    stream_->Write(request);
  }
  ~Feed() { context_.TryCancel(); }

  // "UPSERT records/…", "GONE records/…"; empty: the watch has ended.
  std::string Next() {
    v1::WatchRecordsResponse response;
    while (waiting_.empty() && stream_->Read(&response)) Note(response);
    if (waiting_.empty()) return "";
    std::string next = waiting_.front();
    waiting_.erase(waiting_.begin());
    return next;
  }
  // Of when it has been told all that there was.
  std::string CursorOfAll() {
    v1::WatchRecordsResponse response;
    while (!complete_ && stream_->Read(&response)) Note(response);
    EXPECT_TRUE(complete_);
    return cursor_;
  }

 private:
  void Note(const v1::WatchRecordsResponse& response) {
    if (!response.cursor().empty()) cursor_ = response.cursor();
    complete_ = complete_ || response.snapshot_complete();
    for (const v1::WatchEvent& event : response.events()) {
      waiting_.push_back(event.has_upsert() ? "UPSERT " + event.upsert().name()
                                            : v1::RetractionKind_Name(event.retract().kind()).substr(16) +
                                                  " " + event.retract().name());
    }
  }

  grpc::ClientContext context_;
  const std::unique_ptr<v1::WatchService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::WatchRecordsRequest, v1::WatchRecordsResponse>> stream_;
  std::vector<std::string> waiting_;
  std::string cursor_;
  bool complete_ = false;
};

class ErasureRpcTest : public ::testing::Test {
 protected:
  static TestServer::Options Options() {
    TestServer::Options options;
    options.edit_config = [](config::v1::ServerConfig* config) {
      config->mutable_ledger()->set_tick_ms(50);
      config->mutable_limits()->set_records_per_batch_max(3);
    };
    return options;
  }

  Erased Erase(const v1::EraseRecordsRequest& request) const {
    return Call(v1::ErasureService::NewStub(server_.ChannelAs("office", "admin")),
                &v1::ErasureService::Stub::EraseRecords, request);
  }
  absl::Status EraseAs(const std::string& member, const std::string& credential, int port,
                       const v1::EraseRecordsRequest& request) const {
    const auto channel = server_.ChannelAs(server_.IdentityOf(member, credential), 0, port);
    return Call(v1::ErasureService::NewStub(channel), &v1::ErasureService::Stub::EraseRecords, request)
        .status();
  }
  std::string Create(const std::string& member, const v1::Record& record) const {
    const auto created = Call(server_.Exchange(member), &ExchangeStub::CreateRecord, CreateOf(record));
    EXPECT_TRUE(created.ok()) << created.status();
    return created.ok() ? created->record().name() : "";
  }
  // A report that these members see.
  std::string Created(const std::string& member, const std::string& seller,
                      const std::vector<std::string>& readers = {}) const {
    v1::Record record = Report(seller);
    for (const std::string& reader : readers) GrantMember(&record, reader);
    return Create(member, record);
  }
  void Withdraw(const std::string& member, const std::string& name) const {
    v1::WithdrawRecordRequest request;
    request.set_name(name);
    const auto withdrawn = Call(server_.Exchange(member), &ExchangeStub::WithdrawRecord, request);
    EXPECT_TRUE(withdrawn.ok()) << withdrawn.status();
  }
  absl::Status Get(const std::string& member, const std::string& name) const {
    return Call(server_.Exchange(member), &ExchangeStub::GetRecord, GetOf(name)).status();
  }
  // What everybody answers of a record that there never was.
  void ExpectAbsent(const std::string& name) const {
    for (const char* member : {"aurore", "belmont", "corsa", "customs"}) {
      const absl::Status got = Get(member, name);
      EXPECT_EQ(got, Get(member, kUnknown)) << member;
      EXPECT_TRUE(absl::IsNotFound(got)) << member << ": " << got;
      const auto listed =
          Call(server_.Exchange(member), &ExchangeStub::ListRecords, v1::ListRecordsRequest());
      ASSERT_TRUE(listed.ok()) << listed.status();
      for (const v1::Record& record : listed->records()) EXPECT_NE(record.name(), name) << member;
    }
  }
  v1::Verdict Screened(const std::string& member, const std::string& seller) const {
    const auto screened = Call(server_.Exchange(member), &ExchangeStub::ScreenSellers, ScreenOf(seller));
    EXPECT_TRUE(screened.ok()) << screened.status();
    return screened.ok() ? screened->results(0).verdict() : v1::VERDICT_UNSPECIFIED;
  }
  // "members/office: 1 erased …", of the acts about records that this member opens.
  std::vector<std::string> Acts(const std::string& member) const {
    v1::ListLedgerEntriesRequest request;
    request.add_kinds(v1::LEDGER_ENTRY_KIND_ACT);
    request.set_page_size(1'000);
    const auto listed = Call(v1::LedgerService::NewStub(server_.ChannelAs(member)),
                             &v1::LedgerService::Stub::ListLedgerEntries, request);
    EXPECT_TRUE(listed.ok()) << listed.status();
    std::vector<std::string> acts;
    if (!listed.ok()) return acts;
    for (const v1::LedgerEntry& entry : listed->entries()) {
      v1::LedgerContent content;
      if (content.ParseFromString(entry.open().content()) && content.act().target() == "records")
        acts.push_back(content.act().actor() + ": " + content.act().change());
    }
    return acts;
  }

  TestServer server_{Options()};
};

TEST_F(ErasureRpcTest, IsForTheCoalitionsAdministratorsAlone) {
  const std::string name = Created("aurore", "shop-1", {"belmont"});
  for (const v1::EraseRecordsRequest& request :
       {ErasureOf({name}), Checking(ErasureOf({name})), ErasureAbout("bazaar.example", "shop-1"),
        Checking(ErasureOf({kUnknown}))}) {
    // Its contributor's administrator is one of those whom the listener serves.
    for (const auto& [member, credential] : {std::pair("aurore", "admin"), std::pair("office", "audit")}) {
      const absl::Status refused = EraseAs(member, credential, server_.admin_port(), request);
      EXPECT_EQ(GetErrorReason(refused), v1::ERROR_REASON_ROLE_MISSING) << member << ": " << refused;
    }
    EXPECT_EQ(GetErrorReason(EraseAs("aurore", "backend", server_.admin_port(), request)),
              v1::ERROR_REASON_WRONG_LISTENER);
    for (const auto& [member, credential] : {std::pair("aurore", "backend"), std::pair("office", "admin")}) {
      const absl::Status refused = EraseAs(member, credential, server_.port(), request);
      EXPECT_TRUE(absl::IsUnimplemented(refused)) << "the members' listener has none: " << refused;
    }
  }
  EXPECT_TRUE(Get("belmont", name).ok());
  EXPECT_THAT(NamesOf(Erase(ErasureOf({name}))), ElementsAre(name)) << "positive control";
  EXPECT_TRUE(Eventually([&] {
    return Metric(server_,
                  "grpc_server_handled_total{grpc_service=\"coalition.v1.ErasureService\",grpc_method="
                  "\"EraseRecords\",grpc_type=\"unary\",grpc_code=\"OK\"}") == 1;
  }));
}

TEST_F(ErasureRpcTest, WhatIsWrongErasesNothing) {
  const std::string name = Created("aurore", "shop-1");
  const Erased unknown = Erase(ErasureOf({name, kUnknown}));
  EXPECT_EQ(GetErrorReason(unknown.status()), v1::ERROR_REASON_NOT_FOUND) << unknown.status();
  EXPECT_TRUE(absl::IsNotFound(Erase(Checking(ErasureOf({name, kUnknown}))).status()));
  v1::EraseRecordsRequest both = ErasureAbout("bazaar.example", "shop-1");
  both.add_names(name);
  v1::EraseRecordsRequest groundless = ErasureOf({name});
  groundless.clear_grounds();
  v1::EraseRecordsRequest garrulous = ErasureOf({name});
  garrulous.set_reference(std::string(101, 'x'));
  for (const auto& [request, field] :
       {std::pair(both, "seller"), std::pair(ErasureOf({}), "names"), std::pair(groundless, "grounds"),
        std::pair(garrulous, "reference"), std::pair(ErasureOf({name, "records/none"}), "names[1]"),
        std::pair(ErasureOf({name, name}), "names[1]"),
        std::pair(ErasureAbout("bazaar.example", ""), "seller.seller_id")}) {
    const absl::Status refused = Erase(request).status();
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
    const auto bad = GetBadRequest(refused);
    ASSERT_TRUE(bad.has_value()) << refused;
    EXPECT_EQ(bad->field_violations(0).field(), field);
  }
  const absl::Status many = Erase(ErasureOf({name, kUnknown, kUnknown, kUnknown})).status();
  EXPECT_EQ(GetErrorReason(many), v1::ERROR_REASON_LIMIT_EXCEEDED) << many;
  EXPECT_EQ(GetErrorInfo(many)->metadata().at("limit"), "records_per_batch");
  EXPECT_TRUE(Get("aurore", name).ok());
}

TEST_F(ErasureRpcTest, AnErasedRecordIsAbsentForEverybody) {
  v1::Record record = Report("shop-1");
  record.set_external_id("case-1");
  GrantMember(&record, "belmont");
  const std::string name = Create("aurore", record);
  EXPECT_EQ(Screened("belmont", "shop-1"), v1::VERDICT_LISTED);
  const Erased checked = Erase(Checking(ErasureOf({name})));
  ASSERT_THAT(NamesOf(checked), ElementsAre(name));
  EXPECT_TRUE(Get("belmont", name).ok()) << "it was only checked";

  const Erased erased = Erase(ErasureOf({name}));
  ASSERT_THAT(NamesOf(erased), ElementsAre(name));
  for (const Erased* answer : {&checked, &erased}) {
    EXPECT_EQ((*answer)->records(0).contributor(), "members/aurore");
    EXPECT_TRUE((*answer)->records(0).was_live());
    EXPECT_FALSE((*answer)->records(0).erased_before());
  }
  EXPECT_THAT(erased->erasure_keys_sha256(), SizeIs(32));
  for (const bool restarted : {false, true}) {
    if (restarted) server_.Restart();
    ExpectAbsent(name);
    EXPECT_EQ(Screened("belmont", "shop-1"), v1::VERDICT_NOT_LISTED);
    const auto again = Call(server_.Exchange("aurore"), &ExchangeStub::CreateRecord, CreateOf(record));
    EXPECT_EQ(GetErrorReason(again.status()), v1::ERROR_REASON_EXTERNAL_ID_TAKEN) << again.status();
    const Erased repeated = Erase(ErasureOf({name}));
    ASSERT_THAT(NamesOf(repeated), ElementsAre(name));
    EXPECT_EQ(repeated->records(0).contributor(), "members/aurore");
    EXPECT_FALSE(repeated->records(0).was_live());
    EXPECT_TRUE(repeated->records(0).erased_before());
    EXPECT_EQ(repeated->erasure_keys_sha256(), erased->erasure_keys_sha256());
  }
}

TEST_F(ErasureRpcTest, WhoeverWasShownItIsTold) {
  const std::string name = Created("aurore", "shop-1", {"belmont", "corsa"});
  const std::string other = Created("aurore", "shop-2", {"customs"});
  std::string cursor;
  {
    Feed corsa(server_, "corsa");
    EXPECT_EQ(corsa.Next(), "UPSERT " + name);
    cursor = corsa.CursorOfAll();
  }
  Feed belmont(server_, "belmont");
  EXPECT_EQ(belmont.Next(), "UPSERT " + name);
  Feed customs(server_, "customs");
  EXPECT_EQ(customs.Next(), "UPSERT " + other);
  ASSERT_THAT(NamesOf(Erase(ErasureOf({name}))), ElementsAre(name));
  EXPECT_EQ(belmont.Next(), "GONE " + name);
  const std::string last = Created("aurore", "shop-3", {"belmont", "corsa", "customs"});
  EXPECT_EQ(belmont.Next(), "UPSERT " + last);
  EXPECT_EQ(customs.Next(), "UPSERT " + last) << "nothing of what it was not shown";
  // Where the watch had ended it is told too, though nobody can read any more what it was shown.
  Feed corsa(server_, "corsa", cursor);
  std::vector<std::string> told = {corsa.Next(), corsa.Next()};
  EXPECT_THAT(told, UnorderedElementsAre("GONE " + name, "UPSERT " + last));
}

TEST_F(ErasureRpcTest, WhatRefersToItIsNamedAndStays) {
  const std::string report = Created("aurore", "shop-1", {"belmont"});
  v1::Record opinion;
  opinion.mutable_opinion()->set_subject(report);
  opinion.mutable_opinion()->set_verdict(v1::OPINION_VERDICT_CONFIRMED);
  const std::string quoting = Create("belmont", opinion);
  const Erased checked = Erase(Checking(ErasureOf({report})));
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_THAT(checked->referring(), ElementsAre(quoting));
  const Erased erased = Erase(ErasureOf({report}));
  EXPECT_THAT(NamesOf(erased), ElementsAre(report));
  EXPECT_THAT(erased->referring(), ElementsAre(quoting));
  const Erased rest = Erase(ErasureOf({quoting}));
  ASSERT_THAT(NamesOf(rest), ElementsAre(quoting));
  EXPECT_EQ(rest->records(0).contributor(), "members/belmont");
  EXPECT_FALSE(rest->records(0).erased_before());
}

TEST_F(ErasureRpcTest, OfASellerItIsAllOfAllMembersAndOfNobodyElse) {
  const std::string live = Created("aurore", "shop-1", {"belmont"});
  const std::string withdrawn = Created("belmont", "shop-1");
  Withdraw("belmont", withdrawn);
  v1::Record opinion;
  opinion.mutable_opinion()->set_subject(live);
  opinion.mutable_opinion()->set_verdict(v1::OPINION_VERDICT_CONFIRMED);
  const std::string about = Create("belmont", opinion);
  const std::string fourth = Created("corsa", "shop-1");
  const std::string other = Created("aurore", "shop-2");
  const std::string elsewhere = Create("aurore", Report("shop-1", "souk.example"));
  // More than may be named.
  const auto request = ErasureAbout(" Bazaar.Example ", "shop-1");
  EXPECT_THAT(NamesOf(Erase(Checking(request))), UnorderedElementsAre(live, withdrawn, about, fourth));
  const Erased erased = Erase(request);
  EXPECT_THAT(NamesOf(erased), UnorderedElementsAre(live, withdrawn, about, fourth));
  EXPECT_THAT(erased->referring(), IsEmpty());
  for (const v1::ErasedRecord& record : erased->records())
    EXPECT_EQ(record.was_live(), record.name() != withdrawn) << record.name();
  for (const std::string& name : {live, withdrawn, about, fourth}) ExpectAbsent(name);
  EXPECT_TRUE(Get("aurore", other).ok());
  EXPECT_TRUE(Get("aurore", elsewhere).ok());
  EXPECT_THAT(NamesOf(Erase(ErasureAbout("bazaar.example", "shop-3"))), IsEmpty());
}

TEST_F(ErasureRpcTest, EveryMemberSeesInTheLedgerThatItWasDoneAndItsContributorOfWhich) {
  const std::string name = Created("aurore", "shop-1", {"belmont"});
  ASSERT_THAT(NamesOf(Erase(Checking(ErasureOf({name})))), ElementsAre(name));
  ASSERT_THAT(NamesOf(Erase(ErasureOf({name}))), ElementsAre(name));
  const std::string all = absl::StrCat("members/office: 1 erased on a court's order, reference ", kReference);
  const std::string looked =
      absl::StrCat("members/office: 1 looked at, to be erased on a court's order, reference ", kReference);
  const auto names_it = Contains(HasSubstr(name));
  EXPECT_TRUE(Eventually([&] {
    return ::testing::Value(Acts("aurore"), names_it) && ::testing::Value(Acts("corsa"), Contains(all));
  }));
  EXPECT_THAT(Acts("aurore"), Contains(all));
  for (const char* member : {"belmont", "corsa"}) {
    EXPECT_THAT(Acts(member), UnorderedElementsAre(looked, all)) << member;
    EXPECT_THAT(Acts(member), Not(names_it)) << member;
  }
}

}  // namespace
}  // namespace coalition::testing
