#include "tests/property/ledger_room.h"

#include <array>
#include <chrono>
#include <cstdlib>
#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/ids.h"
#include "server/membership/actor.h"
#include "tests/support/test_names.h"
#include "tests/unit/exchange/clearance_support.h"

namespace coalition::testing {
namespace {

constexpr char kMember[] = "belmont";
constexpr identity::Roles kAuditor = {v1::ROLE_AUDITOR};
constexpr std::array<uint8_t, kSealKeyBytes> kSealKey = {7};
constexpr char kRecords[] = "records/";

WorldOptions OptionsOf(bool in_memory) {
  WorldOptions options = WithLimits("");
  options.in_memory = in_memory;
  return options;
}

ledger::Names NamesIn(const World& world) {
  return {[&world](uint32_t number) {
            return FormatMemberName(world.directory().Current()->policy_state().member(number)->id);
          },
          [&world](policy::ViewSet set) {
            const auto current = world.directory().Current();
            const auto names = current->policy_state().view_names().NamesOf(set);
            return std::vector<std::string>(names.begin(), names.end());
          },
          world.entry_keys()};
}

// Names of records are chance, and of one length.
std::string WithoutRecordIds(std::string text) {
  const size_t prefix = sizeof(kRecords) - 1;
  for (size_t at = text.find(kRecords); at != std::string::npos; at = text.find(kRecords, at + prefix)) {
    const size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567", at + prefix);
    text.replace(at + prefix, end - at - prefix, std::to_string(end - at - prefix));
  }
  return text;
}

// Origin and size; a root and signatures are chance, of one length.
std::string ShapeOf(const std::string& note) {
  const size_t end = note.find('\n', note.find('\n') + 1);
  return absl::StrCat(note.substr(0, end), " in ", note.size(), " bytes");
}

template <class Message>
std::string ShapeOf(const v1::LedgerPart& part) {
  Message content;
  if (!content.ParseFromString(part.content())) std::abort();
  return absl::StrCat("[salt ", part.salt().size(), ", commitment ", part.commitment().size(), ", ",
                      part.content().size(), " bytes: ", WithoutRecordIds(content.ShortDebugString()), "]");
}

template <class Hashes>
std::string ShapeOf(const Hashes& hashes) {
  std::string shape;
  for (const std::string& hash : hashes) absl::StrAppend(&shape, " ", hash.size());
  return shape;
}

std::string ShapeOf(const v1::LedgerProof& proof) {
  return absl::StrCat(" slot path", ShapeOf(proof.slot_path()), ", time ",
                      proof.tick_time().ShortDebugString(), ", salt ", proof.tick_salt().size(), ", log path",
                      ShapeOf(proof.log_path()), ", note ", ShapeOf(proof.note()));
}

// The slot is chance, and so how many digits it has.
std::string ShapeOf(const v1::LedgerEntry& entry) {
  const ledger::EntryPlace place = Given(ledger::ParseEntryName(entry.name()));
  return absl::StrCat("tick ", place.tick, ", ", entry.ByteSizeLong() - entry.name().size(), " bytes ",
                      ShapeOf<v1::LedgerContent>(entry.open()), ShapeOf<v1::LedgerReserved>(entry.reserved()),
                      entry.has_proof() ? ShapeOf(entry.proof()) : "");
}

// As on the wire.
std::string TextOf(const absl::Status& status) {
  return WithoutRecordIds(ToRpcStatus(status).ShortDebugString());
}

template <class Answer>
std::string Shape(const absl::Status& status, const Answer& answer) {
  return status.ok() ? ShapeOf(answer) : TextOf(status);
}

}  // namespace

absl::StatusOr<std::vector<std::optional<store::Version>>> CountingStore::Read(
    std::span<const std::string> keys, store::Revision at) const {
  ++counts_.reads;
  for (const std::string& key : keys) ++(key.starts_with("lb") ? counts_.nodes : counts_.keys);
  return ForwardingStore::Read(keys, at);
}

absl::StatusOr<store::Page<store::Entry>> CountingStore::Scan(std::string_view from, std::string_view to,
                                                              store::Revision at, store::Limit limit) const {
  ++counts_.scans;
  auto page = ForwardingStore::Scan(from, to, at, limit);
  if (page.ok()) counts_.rows += static_cast<int>(page->items.size());
  return page;
}

absl::Status CountingStore::ScanEach(std::string_view from, std::string_view to, store::Revision at,
                                     const Visitor& visit) const {
  ++counts_.scans;
  return ForwardingStore::ScanEach(
      from, to, at, [&](std::string_view key, std::string_view value, store::Revision revision) {
        ++counts_.rows;
        return visit(key, value, revision);
      });
}

absl::StatusOr<std::vector<store::Change>> CountingStore::ReadLog(store::Revision after,
                                                                  store::Limit limit) const {
  ++counts_.scans;
  return ForwardingStore::ReadLog(after, limit);
}

void CountingStore::TakeInto(Told* told) const {
  const Counts counts = std::exchange(counts_, {});
  told->cost = absl::StrCat(counts.reads, " reads of ", counts.keys, " keys, ", counts.scans, " scans of ",
                            counts.rows, " rows");
  told->nodes = counts.nodes;
}

LedgerRoom::LedgerRoom(bool in_memory)
    : world_(OptionsOf(in_memory)),
      log_(world_),
      maker_(world_),
      counting_(world_.store()),
      lane_(world_.store()),
      entry_log_(lane_, NamesIn(world_), RunNow),
      shown_(counting_, lane_, entry_log_, sent_, RunNow),
      refusals_(lane_, NamesIn(world_), world_.clock),
      keys_(world_.keys()),
      disclosures_(counting_, keys_, shown_),
      sealer_(kSealKey, world_.random),
      entries_(
          counting_, [this] { return log_.Newest(); }, world_.entry_keys()),
      service_(entries_, disclosures_, [](const std::string&) { return absl::OkStatus(); }, sealer_, {}) {
  Create("aurore", "shop-1", {kMember, "bazaar"});
  Create("aurore", "shop-2", {kMember});
  Create("aurore", "shop-3", {kMember, "corsa"});
  own_record_ = Create(kMember, "shop-own", {"corsa"});
}

LedgerRoom::~LedgerRoom() { lane_.Drain(); }

std::string LedgerRoom::Create(const std::string& owner, const std::string& seller,
                               const std::vector<std::string>& readers) {
  v1::Record record = Report("bazaar.example", seller);
  for (const std::string& reader : readers) GrantMember(record, reader);
  return world_.Created(owner, record).name();
}

void LedgerRoom::Do(Own own) {
  switch (own) {
    case Own::kNothing:
      break;
    case Own::kScreens:
      world_.ScreenOne(kMember, "bazaar.example", "shop-1");
      Show(kMember, "ScreenSellers");
      break;
    case Own::kLists:
      world_.ListAll(world_.As(kMember), {});
      Show(kMember, "ListRecords");
      break;
    case Own::kIsRefused:
      Refuse(kMember);
      break;
    case Own::kEverybodys:
      log_.Write({maker_.Act("office")});
      break;
    case Own::kIsScreened:
      world_.ScreenOne("corsa", "bazaar.example", "shop-own");
      Show("corsa", "ScreenSellers");
      break;
    case Own::kADayPasses:
      world_.clock.now_ns += std::chrono::nanoseconds(std::chrono::hours(24)).count();
      log_.Tick();  // and then the entries of the day are made
      break;
  }
  log_.Tick();
}

void LedgerRoom::OthersDo(size_t entries) {
  if (entries == 0) return;
  Create("aurore", absl::StrCat("shop-of-others-", ++marks_), {"bazaar"});
  world_.ListAll(world_.As("bazaar"), {});
  Show("bazaar", "ListRecords");
  Refuse("corsa");
  std::vector<storage::v1::StoredLedgerEntry> others;
  while (others.size() < entries) {
    const std::string mark = std::to_string(++marks_);
    others.push_back(maker_.Disclosure("corsa", mark));
    others.push_back(maker_.FirstShowings("aurore", "corsa", v1::MEMBER_KIND_BRAND,
                                          world_.clock.now_ns / 1'000'000'000 / kTestDayS * kTestDayS));
    others.push_back(maker_.Refusals(ledger::kAuditors, mark));
  }
  log_.Write(others);
}

// What the last call has shown, as the guard of all calls notes it.
void LedgerRoom::Show(const std::string& member, const std::string& method) {
  ledger::Disclosure disclosure = world_.disclosure;
  if (disclosure.records.empty()) std::abort();
  disclosure.member = maker_.NumberOf(member);
  disclosure.credential = "backend";
  disclosure.method = method;
  disclosure.epoch = world_.directory().Current()->policy_state().epoch();
  disclosure.time_ns = world_.clock.now_ns;
  std::promise<absl::Status> recorded;
  shown_.Record(std::move(disclosure), [&](absl::Status status) { recorded.set_value(std::move(status)); });
  const absl::Status status = recorded.get_future().get();
  ASSERT_TRUE(status.ok()) << status;
}

void LedgerRoom::Refuse(const std::string& member) {
  const store::Revision before = world_.store().Head();
  refusals_.Note(maker_.NumberOf(member), "CreateRecord",
                 membership::RoleMissing("CONTRIBUTOR", "it is not"));
  refusals_.Flush();
  ASSERT_GT(world_.store().WaitPast(before, std::chrono::minutes(1)), before);
}

v1::ListLedgerEntriesResponse LedgerRoom::List(const exchange::CallContext& context,
                                               const v1::ListLedgerEntriesRequest& request) const {
  v1::ListLedgerEntriesResponse response;
  const absl::Status listed = service_.ListLedgerEntries(context, request, &response);
  if (!listed.ok()) {
    ADD_FAILURE() << listed;
    std::abort();
  }
  return response;
}

std::vector<std::string> LedgerRoom::NamesOf(const std::string& member,
                                             v1::ListLedgerEntriesRequest request) const {
  std::vector<std::string> names;
  request.set_member(FormatMemberName(member));
  do {
    const auto page = List(world_.As(member), request);
    for (const v1::LedgerEntry& entry : page.entries()) names.push_back(entry.name());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return names;
}

std::vector<std::string> LedgerRoom::SomeEntriesOfOthers() const {
  std::vector<std::string> names = NamesOf("corsa", {}), some;
  constexpr size_t kBetween = 17;
  for (size_t i = 0; i < names.size(); i += kBetween) some.push_back(std::move(names[i]));
  return some;
}

size_t LedgerRoom::OwnEntries(v1::LedgerEntryKind kind) const {
  v1::ListLedgerEntriesRequest request;
  request.add_kinds(kind);
  if (kind != v1::LEDGER_ENTRY_KIND_ACT) return NamesOf(kMember, request).size();
  return static_cast<size_t>(List(world_.As(kMember), request).entries_size());
}

size_t LedgerRoom::EntriesInAll() const {
  const ledger::LogReader log(counting_);
  size_t entries = 0;
  for (uint64_t tick = 0; tick < log_.Newest().size; ++tick) entries += Given(log.FindTick(tick))->entries();
  return entries;
}

std::vector<Told> LedgerRoom::Ask(const std::vector<std::string>& others) const {
  const exchange::CallContext context = world_.As(kMember);
  std::vector<Told> told;
  for (const bool with_proofs : {false, true}) {
    for (const int page_size : {1, 3, 1000}) {
      v1::ListLedgerEntriesRequest request;
      request.set_with_proofs(with_proofs);
      request.set_page_size(page_size);
      AskForPages(context, request, &told);
      request.add_kinds(v1::LEDGER_ENTRY_KIND_DISCLOSURE);
      AskForPages(context, request, &told);
      request.mutable_from()->set_seconds(world_.clock.now_ns / 1'000'000'000 - 4);
      AskForPages(context, request, &told);
    }
  }
  v1::ListLedgerEntriesRequest all;
  all.set_page_size(1000);
  const v1::ListLedgerEntriesResponse own = List(context, all);
  for (const v1::LedgerEntry& entry : own.entries())
    AskForEntry(context, entry.name(), "an entry that it may open", &told);
  for (const std::string& name : others) AskForEntry(context, name, "an entry of others", &told);
  for (uint64_t tick = 0; tick <= log_.Newest().size; ++tick)
    AskForEntry(context, absl::StrCat("ledgerEntries/", tick, "-0"), "no entry", &told);
  AskForProofs(context, &told);
  AskWhoSaw(context, &told);
  return told;
}

std::vector<Told> LedgerRoom::AskAsAuditor() const {
  std::vector<Told> told;
  AskForPages(world_.As("office", kAuditor), {}, &told);
  return told;
}

void LedgerRoom::AskForPages(const exchange::CallContext& context, v1::ListLedgerEntriesRequest request,
                             std::vector<Told>* told) const {
  do {
    Told one{absl::StrCat("a page of ", request.ShortDebugString()), "", ""};
    counting_.TakeInto(&one);
    const auto page = List(context, request);
    counting_.TakeInto(&one);
    for (const v1::LedgerEntry& entry : page.entries()) {
      absl::StrAppend(&one.answer, ShapeOf(entry), "; ");
      one.proofs += entry.has_proof() ? 1 : 0;
    }
    absl::StrAppend(&one.answer, "token ", page.next_page_token().size());
    told->push_back(std::move(one));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
}

void LedgerRoom::AskForEntry(const exchange::CallContext& context, const std::string& name,
                             const std::string& as, std::vector<Told>* told) const {
  Told one{as + ", " + name, "", ""};
  v1::GetLedgerEntryRequest request;
  request.set_name(name);
  v1::GetLedgerEntryResponse response;
  counting_.TakeInto(&one);
  const absl::Status status = service_.GetLedgerEntry(context, request, &response);
  counting_.TakeInto(&one);
  one.answer = Shape(status, response.entry());
  one.proofs = status.ok() ? 1 : 0;
  told->push_back(std::move(one));
}

void LedgerRoom::AskForProofs(const exchange::CallContext& context, std::vector<Told>* told) const {
  v1::GetCheckpointResponse checkpoint;
  const absl::Status shown = service_.GetCheckpoint(context, {}, &checkpoint);
  told->push_back({"the newest checkpoint", Shape(shown, checkpoint.note()), ""});
  const auto size = static_cast<int64_t>(log_.Newest().size);
  for (const int64_t old_size : {int64_t{1}, int64_t{2}, size / 3, size - 1, size, size + 1}) {
    v1::GetConsistencyProofRequest request;
    request.set_old_size(old_size);
    v1::GetConsistencyProofResponse response;
    Told one{absl::StrCat("that it has grown from ", old_size), "", ""};
    counting_.TakeInto(&one);
    const absl::Status status = service_.GetConsistencyProof(context, request, &response);
    counting_.TakeInto(&one);
    one.answer = Shape(status, response.hashes());
    if (status.ok()) absl::StrAppend(&one.answer, " to ", ShapeOf(response.note()));
    told->push_back(std::move(one));
  }
}

void LedgerRoom::AskWhoSaw(const exchange::CallContext& context, std::vector<Told>* told) const {
  Told one{"who saw its own record", "", ""};
  v1::ListDisclosuresRequest request;
  request.set_record(own_record_);
  v1::ListDisclosuresResponse response;
  counting_.TakeInto(&one);
  const absl::Status status = disclosures_.List(context, request, &response);
  counting_.TakeInto(&one);
  one.answer = TextOf(status) + response.ShortDebugString();
  told->push_back(std::move(one));
}

}  // namespace coalition::testing
