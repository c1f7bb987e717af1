#include "tests/support/exchange_world.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <utility>

#include "common/errors.h"
#include "google/protobuf/text_format.h"
#include "server/store/leveldb_store.h"

namespace coalition::testing {
namespace {

constexpr char kBootstrap[] = R"(
  trust_domain: "coalition.example"
  groups { id: "ring" display_name: "Ring" closed: true }
  groups { id: "club" display_name: "Club" }
  members { id: "aurore" kind: MEMBER_KIND_BRAND groups: "ring" groups: "club" }
  members { id: "belmont" kind: MEMBER_KIND_BRAND groups: "ring" groups: "club" }
  members { id: "corsa" kind: MEMBER_KIND_BRAND }
  members { id: "bazaar" kind: MEMBER_KIND_MARKETPLACE }
  members { id: "souk" kind: MEMBER_KIND_MARKETPLACE }
  members { id: "paylink" kind: MEMBER_KIND_PAYMENT groups: "club" }
  members { id: "customs" kind: MEMBER_KIND_AUTHORITY }
  members { id: "watcher" kind: MEMBER_KIND_OBSERVER }
  members { id: "office" kind: MEMBER_KIND_SECRETARIAT }
  members { id: "limbo" kind: MEMBER_KIND_BRAND standing: STANDING_LIMITED }
  members { id: "banned" kind: MEMBER_KIND_BRAND standing: STANDING_SUSPENDED }
  members { id: "left" kind: MEMBER_KIND_BRAND standing: STANDING_EXITED }
  members { id: "newcomer" kind: MEMBER_KIND_BRAND standing: STANDING_APPLICANT }
  platforms { id: "bazaar.example" holder: "bazaar" }
  platforms { id: "souk.example" holder: "souk" }
  platforms { id: "free.example" }
)";

// A test can't go on without its world.
void Require(const absl::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, std::string(status.ToString()).c_str());
  std::abort();
}

// Calls `start` with a Done and waits for it.
template <class T, class Start>
absl::StatusOr<T> Wait(const Start& start) {
  auto promise = std::make_shared<std::promise<absl::StatusOr<T>>>();
  auto future = promise->get_future();
  start([promise](absl::StatusOr<T> answer) { promise->set_value(std::move(answer)); });
  return future.get();
}

// With a DoneShowing; sets what was shown.
template <class T, class Start>
absl::StatusOr<T> WaitShowing(ledger::Disclosure* disclosure, const Start& start) {
  disclosure->records.clear();
  return Wait<T>([&](auto done) {
    start([done, disclosure](absl::StatusOr<T> answer, ledger::Shown shown) {
      disclosure->epoch = shown.epoch;
      disclosure->state_revision = shown.state_revision;
      disclosure->records = std::move(shown.records);
      done(std::move(answer));
    });
  });
}

v1::Grant* AddGrant(v1::Record& record, const std::string& view) {
  v1::Grant* grant = record.mutable_audience()->add_grants();
  grant->set_view(view);
  return grant;
}

}  // namespace

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "coalition-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) std::abort();
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

config::v1::Bootstrap WorldBootstrap() {
  config::v1::Bootstrap bootstrap;
  if (!google::protobuf::TextFormat::ParseFromString(kBootstrap, &bootstrap)) std::abort();
  for (auto& member : *bootstrap.mutable_members()) {
    auto* credential = member.add_credentials();
    credential->set_id("backend");
    credential->add_roles(v1::ROLE_READER);
    credential->add_roles(v1::ROLE_CONTRIBUTOR);
    credential->set_purpose("tests");
    credential->set_public_key_sha256(std::string(64, 'a'));
  }
  return bootstrap;
}

World::World(WorldOptions options) : options_(std::move(options)) { Open(); }

World::~World() { Close(); }

exchange::ExchangeKeys World::keys() const {
  return {.token_master = std::string(32, 't'),
          .page_token = std::string(32, 'p'),
          .seller_hash = options_.seller_hash_key,
          .etag = std::string(32, 'e'),
          .contents = contents_};
}

void World::Open() {
  if (options_.in_memory) {
    if (memory_ == nullptr) memory_ = std::make_shared<MemoryDisk>();
    real_store_ = std::make_unique<MemoryStore>(memory_);
  } else {
    if (!dir_) dir_.emplace();
    store::LevelDbOptions store_options;
    store_options.dir = dir_->path() + "/store";
    store_options.write_buffer_bytes = size_t{1} << 20;
    auto real_store = store::LevelDbStore::Open(store_options);
    Require(real_store.status(), "store");
    real_store_ = *std::move(real_store);
  }
  store_ = options_.wrap_store ? options_.wrap_store(*real_store_)
                               : std::make_unique<ForwardingStore>(*real_store_);
  lane_ = std::make_unique<store::CommitLane>(*store_);
  auto directory = membership::Directory::Open(*store_, options_.bootstrap, clock.now_ns, entry_keys_);
  Require(directory.status(), "directory");
  directory_ = *std::move(directory);
  const exchange::ExchangeKeys keys = this->keys();
  auto opened = exchange::Exchange::Open(options_.exchange, keys, *store_, *directory_, *lane_, random,
                                         options_.run_later);
  Require(opened.status(), "exchange");
  exchange_ = *std::move(opened);
}

void World::Close() {
  exchange_->departures().Drain();
  exchange_->expiry().Drain();
  lane_.reset();
  exchange_.reset();
  directory_.reset();
  store_.reset();
  real_store_.reset();
}

void World::Restart() {
  Close();
  Open();
}

void World::RestartWith(std::string seller_hash_key) {
  options_.seller_hash_key = std::move(seller_hash_key);
  Restart();
}

exchange::CallContext World::As(std::string_view member) const {
  return As(member, {v1::ROLE_READER, v1::ROLE_CONTRIBUTOR});
}

exchange::CallContext World::As(std::string_view member, identity::Roles roles) const {
  exchange::CallContext context;
  const membership::Moment now = directory_->Now();
  context.snapshot = now.snapshot;
  context.at = now.revision;
  context.settled = now.settled;
  const policy::MemberState* state = context.snapshot->policy_state().FindMember(member);
  if (state == nullptr) std::abort();
  context.caller.member_number = state->number;
  context.caller.member = state->id;
  context.caller.credential = "backend";
  if (const auto* registered = context.snapshot->Find(member, "backend")) {
    context.caller.key_sha256 = registered->key_sha256;
  }
  context.caller.roles = roles;
  context.now_ns = clock.now_ns;
  return context;
}

absl::StatusOr<v1::CreateRecordResponse> World::Create(const exchange::CallContext& context,
                                                       const v1::CreateRecordRequest& request) {
  return WaitShowing<v1::CreateRecordResponse>(
      &disclosure, [&](auto done) { exchange_->Create(context, request, std::move(done)); });
}

v1::Record World::Created(std::string_view member, const v1::Record& record) {
  auto created = Create(As(member), CreateRequest(record));
  Require(created.status(), "create");
  return created->record();
}

absl::StatusOr<v1::ReviseRecordResponse> World::Revise(const exchange::CallContext& context,
                                                       const v1::ReviseRecordRequest& request) {
  return WaitShowing<v1::ReviseRecordResponse>(
      &disclosure, [&](auto done) { exchange_->Revise(context, request, std::move(done)); });
}

absl::StatusOr<v1::WithdrawRecordResponse> World::Withdraw(const exchange::CallContext& context,
                                                           const v1::WithdrawRecordRequest& request) {
  return Wait<v1::WithdrawRecordResponse>(
      [&](auto done) { exchange_->Withdraw(context, request, std::move(done)); });
}

absl::StatusOr<v1::ClearRecordResponse> World::Clear(const exchange::CallContext& context,
                                                     const v1::ClearRecordRequest& request) {
  return Wait<v1::ClearRecordResponse>(
      [&](auto done) { exchange_->Clear(context, request, std::move(done)); });
}

absl::StatusOr<v1::BatchWithdrawRecordsResponse> World::BatchWithdraw(
    const exchange::CallContext& context, const v1::BatchWithdrawRecordsRequest& request) {
  return Wait<v1::BatchWithdrawRecordsResponse>(
      [&](auto done) { exchange_->BatchWithdraw(context, request, std::move(done)); });
}

absl::StatusOr<v1::BatchClearRecordsResponse> World::BatchClear(const exchange::CallContext& context,
                                                                const v1::BatchClearRecordsRequest& request) {
  return Wait<v1::BatchClearRecordsResponse>(
      [&](auto done) { exchange_->BatchClear(context, request, std::move(done)); });
}

absl::StatusOr<v1::ConfirmRecordResponse> World::Confirm(const exchange::CallContext& context,
                                                         const v1::ConfirmRecordRequest& request) {
  return WaitShowing<v1::ConfirmRecordResponse>(
      &disclosure, [&](auto done) { exchange_->Confirm(context, request, std::move(done)); });
}

absl::StatusOr<v1::ImportRecordsResponse> World::Import(const exchange::CallContext& context,
                                                        const v1::ImportRecordsRequest& request) {
  return Wait<v1::ImportRecordsResponse>(
      [&](auto done) { exchange_->Import(context, request, std::move(done)); });
}

absl::StatusOr<v1::Record> World::Get(const exchange::CallContext& context, const std::string& name) {
  v1::GetRecordRequest request;
  request.set_name(name);
  v1::GetRecordResponse response;
  disclosure = {};
  const absl::Status status = exchange_->Get(context, request, &response, &disclosure);
  if (!status.ok()) return status;
  return response.record();
}

absl::StatusOr<v1::ListRecordsResponse> World::List(const exchange::CallContext& context,
                                                    const v1::ListRecordsRequest& request) {
  v1::ListRecordsResponse response;
  disclosure = {};
  const absl::Status status = exchange_->List(context, request, &response, &disclosure);
  if (!status.ok()) return status;
  return response;
}

std::vector<std::string> World::ListAll(const exchange::CallContext& context,
                                        v1::ListRecordsRequest request) {
  std::vector<std::string> names;
  do {
    const auto page = List(context, request);
    Require(page.status(), "list");
    for (const v1::Record& record : page->records()) names.push_back(record.name());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return names;
}

absl::StatusOr<v1::ScreenSellersResponse> World::Screen(const exchange::CallContext& context,
                                                        const v1::ScreenSellersRequest& request) {
  v1::ScreenSellersResponse response;
  disclosure = {};
  const absl::Status status = exchange_->Screen(context, request, &response, &disclosure);
  if (!status.ok()) return status;
  return response;
}

v1::ScreenResult World::ScreenOne(std::string_view member, const std::string& platform,
                                  const std::string& seller_id) {
  v1::ScreenSellersRequest request;
  v1::Seller* seller = request.add_sellers();
  seller->set_platform(platform);
  seller->set_seller_id(seller_id);
  const auto response = Screen(As(member), request);
  Require(response.status(), "screen");
  return response->results(0);
}

absl::StatusOr<v1::SellerProfile> World::Profile(const exchange::CallContext& context,
                                                 const std::string& platform, const std::string& seller_id) {
  v1::GetSellerProfileRequest request;
  request.mutable_seller()->set_platform(platform);
  request.mutable_seller()->set_seller_id(seller_id);
  v1::GetSellerProfileResponse response;
  disclosure = {};
  const absl::Status status = exchange_->Profile(context, request, &response, &disclosure);
  if (!status.ok()) return status;
  return response.profile();
}

v1::Record Report(const std::string& platform, const std::string& seller_id) {
  v1::Record record;
  record.mutable_seller()->set_platform(platform);
  record.mutable_seller()->set_seller_id(seller_id);
  record.mutable_offender_report()->add_infringement_types("KEYWORD_TRADEMARK_INFRINGEMENT");
  return record;
}

v1::Record Notice(const std::string& platform, const std::string& seller_id) {
  v1::Record record;
  record.mutable_seller()->set_platform(platform);
  record.mutable_seller()->set_seller_id(seller_id);
  record.mutable_takedown_notice()->set_whole_account(true);
  return record;
}

v1::Record Outcome(const std::string& platform, const std::string& seller_id) {
  v1::Record record;
  record.mutable_seller()->set_platform(platform);
  record.mutable_seller()->set_seller_id(seller_id);
  record.mutable_takedown_outcome()->set_action_taken(v1::ACTION_TAKEN_YES);
  return record;
}

v1::Record Opinion(const std::string& subject, v1::OpinionVerdict verdict) {
  v1::Record record;
  record.mutable_opinion()->set_subject(subject);
  record.mutable_opinion()->set_verdict(verdict);
  return record;
}

void GrantMember(v1::Record& record, const std::string& member, const std::string& view) {
  AddGrant(record, view)->mutable_subject()->set_member("members/" + member);
}

void GrantGroup(v1::Record& record, const std::string& group, const std::string& view) {
  AddGrant(record, view)->mutable_subject()->set_group("groups/" + group);
}

void GrantKind(v1::Record& record, v1::MemberKind kind, const std::string& view) {
  AddGrant(record, view)->mutable_subject()->set_kind(kind);
}

void GrantEveryone(v1::Record& record, const std::string& view) {
  record.set_label(v1::LABEL_GREEN);
  AddGrant(record, view)->mutable_subject()->set_everyone(true);
}

void ExcludeMember(v1::Record& record, const std::string& member) {
  record.mutable_audience()->add_exclusions()->set_member("members/" + member);
}

v1::CreateRecordRequest CreateRequest(const v1::Record& record, const std::string& request_id) {
  v1::CreateRecordRequest request;
  *request.mutable_record() = record;
  request.set_request_id(request_id);
  return request;
}

std::string FieldsAtFault(const absl::Status& status) {
  std::string fields;
  const auto bad_request = GetBadRequest(status);
  if (!bad_request) return fields;
  for (const auto& violation : bad_request->field_violations()) {
    if (!fields.empty()) fields += ", ";
    fields += violation.field();
  }
  return fields;
}

}  // namespace coalition::testing
