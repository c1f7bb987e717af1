#include "server/exchange/import.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "common/hash.h"
#include "server/exchange/access.h"
#include "server/exchange/cleared_before.h"
#include "server/exchange/contest.h"
#include "server/exchange/draft.h"
#include "server/exchange/import_error.h"
#include "server/exchange/named_audience.h"
#include "server/exchange/seller_quota.h"
#include "server/store/commit_writes.h"

namespace coalition::exchange {
namespace {

void Reject(const absl::Status& status, v1::ImportResult* result) {
  result->set_status(v1::IMPORT_STATUS_REJECTED);
  result->clear_name();
  *result->mutable_error() = ImportErrorOf(status);
}

// A checked item.
struct Item {
  Draft draft;
  int result = 0;  // its place in the response
  int first = -1;  // the first item of the message with the same external_id, if it is another
  std::optional<RecordId> stored;  // by the latest judgement: the record that an earlier call made of it
  bool created = false;            // by the latest judgement
  bool presence_unsure = false;    // the filter may contain its seller: the presence key is looked up
};

class ImportCall : public std::enable_shared_from_this<ImportCall> {
 public:
  ImportCall(const Room& room, const CallContext& context, const v1::ImportRecordsRequest& request,
             Exchange::Done<v1::ImportRecordsResponse> done)
      : room_(room), contributor_(context), validate_only_(request.validate_only()), done_(std::move(done)) {}

  void Run(const v1::ImportRecordsRequest& request) {
    if (absl::Status status = Prepare(request); !status.ok()) return done_(status);
    if (items_.empty()) return AnswerRepeated();
    validate_only_ ? Validate() : Submit();
  }

 private:
  using Values = std::span<const std::optional<store::Version>>;

  // An error is the store's; what is wrong with an item stands in its result.
  absl::Status Prepare(const v1::ImportRecordsRequest& request) {
    const Asker asker = contributor_.asker();
    const Reader reader(room_.store, room_.keys, asker);
    const NamedAudiences audiences(room_.store, asker);
    const CheckRules rules{room_.options, audiences,   asker.state, asker.member,
                           asker.now_s,   asker.now_s, nullptr,     0};
    std::vector<RecordId> ids(request.items_size());
    room_.random.Fill({reinterpret_cast<uint8_t*>(ids.data()), ids.size() * sizeof(RecordId)});
    items_.reserve(request.items_size());
    response_.mutable_results()->Reserve(request.items_size());
    for (int i = 0; i < request.items_size(); ++i) {
      v1::ImportResult* result = response_.add_results();
      result->set_item_id(request.items(i).item_id());
      absl::Status status = PrepareItem(reader, rules, request.items(i).record(), ids[i], i);
      if (status.ok()) continue;
      if (absl::IsInternal(status) || absl::IsUnavailable(status) || absl::IsDataLoss(status)) return status;
      Reject(status, result);
    }
    return absl::OkStatus();
  }

  absl::Status PrepareItem(const Reader& reader, const CheckRules& rules, const v1::Record& record,
                           const RecordId& id, int result) {
    CheckedRecord checked;
    if (absl::Status status = CheckRecord(record, rules, &checked); !status.ok()) return status;
    std::optional<SeenRecord> subject;
    if (!checked.references.empty()) {
      if (!contributor_.may_read.ok()) return contributor_.may_read;
      const absl::Status status = ResolveReferences(reader, checked, {}, &subject);
      if (!status.ok()) {
        return PerhapsUnchanged(status, checked.contents.external_id(),
                                Sha256(checked.contents.SerializeAsString()), result);
      }
    }
    if (auto status = contests_.Take(reader, checked.contents, checked.platform, result); !status.ok())
      return status;
    auto draft = MakeDraft(room_, contributor_, id, std::move(checked), subject ? &*subject : nullptr);
    if (!draft.ok()) return draft.status();
    // A repetition within the message makes no record.
    const bool repeats = !draft->external_id.empty() && first_with_.contains(draft->external_id_key);
    if (absl::Status status = repeats ? absl::OkStatus() : quota_.Take(*draft); !status.ok()) {
      return PerhapsUnchanged(status, draft->external_id, draft->contents_sha256, result);
    }
    if (absl::Status status = NoteClearedBefore(room_, reader.at(), &*draft); !status.ok()) return status;
    SealDraft(room_, &*draft);
    Item& item = items_.emplace_back();
    item.draft = *std::move(draft);
    item.result = result;
    if (item.draft.external_id_key.empty()) return absl::OkStatus();
    const int index = static_cast<int>(items_.size()) - 1;
    // The view stays: items_ does not grow beyond what was reserved.
    const auto [first, is_new] = first_with_.try_emplace(item.draft.external_id_key, index);
    if (!is_new) item.first = first->second;
    return absl::OkStatus();
  }

  // A repetition finds its record also when what that refers to is gone, or when there are as many as there
  // may be.
  absl::Status PerhapsUnchanged(const absl::Status& refusal, const std::string& external_id,
                                const Sha256Digest& contents_sha256, int result) {
    if (external_id.empty()) return refusal;
    const std::string key = ExternalIdKey(*room_.keys.contents, contributor_.member, external_id);
    const auto read = room_.store.Read(std::span(&key, 1), room_.store.Head());
    if (!read.ok()) return FromStore(read.status());
    const auto found = JudgeExternalId(*room_.keys.contents, external_id, contents_sha256, (*read)[0]);
    if (!found.ok() || !found->has_value()) return refusal;
    response_.mutable_results(result)->set_status(v1::IMPORT_STATUS_UNCHANGED);
    response_.mutable_results(result)->set_name(NameOf(**found));
    repeated_.push_back({result, **found, external_id});
    return absl::OkStatus();
  }

  std::vector<std::string> ExternalIdReads() const {
    std::vector<std::string> reads;
    reads.reserve(items_.size());
    for (const Item& item : items_) {
      if (!item.draft.external_id_key.empty()) reads.push_back(item.draft.external_id_key);
    }
    return reads;
  }

  // What the commit would do, by the newest state.
  void Validate() {
    const auto values = room_.store.Read(ExternalIdReads(), room_.store.Head());
    if (!values.ok()) return done_(FromStore(values.status()));
    if (absl::Status status = JudgeAll(*values); !status.ok()) return done_(status);
    for (v1::ImportResult& result : *response_.mutable_results()) {
      if (result.status() != v1::IMPORT_STATUS_CREATED) continue;
      result.set_status(v1::IMPORT_STATUS_VALID);
      result.clear_name();
    }
    AnswerRepeated();
  }

  void Submit() {
    store::Commit commit;
    commit.reads = ExternalIdReads();
    external_ids_read_ = commit.reads.size();
    size_t bytes = contests_.bytes() + quota_.removal_bytes();
    for (Item& item : items_) {
      bytes += PlacedBytes(item.draft);
      if (!item.draft.seller_hash) continue;
      // A false positive must not leave a seller without its presence key: what the filter may contain is
      // looked up.
      item.presence_unsure = room_.filter->MayContain(*item.draft.seller_hash);
      if (item.presence_unsure) commit.reads.push_back(PresenceKey(*item.draft.seller_hash));
    }
    contests_from_ = commit.reads.size();
    contests_.AppendReads(&commit.reads);
    quota_.AppendReads(&commit.reads);  // the last
    commit.build = [self = shared_from_this()](store::Revision revision, Values values) {
      return self->Build(revision, values);
    };
    const auto committed = [self = shared_from_this()](const absl::StatusOr<store::Revision>& revision) {
      if (!revision.ok()) return self->done_(FromStore(revision.status()));
      const auto stored = [](const Item& item) { return item.stored.has_value(); };
      if (self->repeated_.empty() && std::none_of(self->items_.begin(), self->items_.end(), stored)) {
        return self->Succeed();
      }
      self->room_.run_later(self->contributor_.member, [self] { self->AnswerRepeated(); });
    };
    room_.lane.Submit(std::move(commit), committed, bytes, contributor_.member);
  }

  absl::StatusOr<std::vector<store::Write>> Build(store::Revision revision, Values values) {
    if (auto status = contributor_.CheckStillMay(room_.directory); !status.ok()) return status;
    if (absl::Status status = JudgeAll(values.first(external_ids_read_)); !status.ok()) return status;
    std::vector<store::Write> writes;
    writes.reserve(items_.size() * 6);
    absl::flat_hash_set<uint64_t> present;  // no key is written twice in a commit
    size_t next = external_ids_read_;
    for (const Item& item : items_) {
      bool write_presence = item.draft.seller_hash.has_value();
      if (item.presence_unsure) write_presence = !values[next++].has_value();
      if (!item.created) continue;
      // Before the commit is published: who can see a record finds its seller in the filter.
      if (item.draft.seller_hash) room_.filter->Add(*item.draft.seller_hash);
      write_presence = write_presence && present.insert(*item.draft.seller_hash).second;
      Place(item.draft, revision, static_cast<uint32_t>(item.result), write_presence, &writes);
    }
    if (writes.empty()) return writes;
    const auto made = [this](int result) {
      return response_.results(result).status() == v1::IMPORT_STATUS_CREATED;
    };
    contests_.AppendWrites(values.subspan(contests_from_, contests_.reads()), made, &writes);
    quota_.AppendRemovals(values, &writes);
    return writes;
  }

  // What an earlier call made may have expired since: then it is not unchanged, and its external_id stays
  // taken.
  void AnswerRepeated() {
    for (const Item& item : items_) {
      if (item.stored) repeated_.push_back({item.result, *item.stored, item.draft.external_id});
    }
    if (repeated_.empty()) return Succeed();
    // That call may have been told that not all of it was kept.
    const auto kept = store::CommitWrites(room_.store, {});
    if (!kept.ok()) return done_(FromStore(kept.status()));
    contributor_.Renew(room_.directory);
    const Reader reader(room_.store, room_.keys, contributor_.asker());
    for (const Repeated& repeated : repeated_) {
      const auto seen = reader.FindById(repeated.id);
      if (!seen.ok()) return done_(seen.status());
      if (seen->has_value()) continue;
      Reject(ExternalIdGone(repeated.external_id), response_.mutable_results(repeated.result));
    }
    Succeed();
  }

  void Succeed() { done_(std::move(response_)); }

  // Judges the items in order by the values of their external ids, and sets their results anew.
  absl::Status JudgeAll(Values values) {
    size_t next = 0;
    for (Item& item : items_) {
      v1::ImportResult* result = response_.mutable_results(item.result);
      result->clear_error();
      item.created = false;
      item.stored.reset();
      absl::StatusOr<std::optional<RecordId>> found = std::optional<RecordId>();
      if (!item.draft.external_id_key.empty()) found = JudgeOne(item, values[next++]);
      if (!found.ok()) {
        if (absl::IsDataLoss(found.status())) return found.status();
        Reject(found.status(), result);
        continue;
      }
      item.created = !found->has_value();
      if (!IsMadeHere(item)) item.stored = *found;
      result->set_status(item.created ? v1::IMPORT_STATUS_CREATED : v1::IMPORT_STATUS_UNCHANGED);
      result->set_name(NameOf(found->value_or(item.draft.id)));
    }
    return absl::OkStatus();
  }

  // Whether its external_id is that of an item before it, which this message makes.
  bool IsMadeHere(const Item& item) const { return item.first >= 0 && items_[item.first].created; }

  absl::StatusOr<std::optional<RecordId>> JudgeOne(const Item& item,
                                                   const std::optional<store::Version>& entry) const {
    if (!IsMadeHere(item)) {
      return JudgeExternalId(*room_.keys.contents, item.draft.external_id, item.draft.contents_sha256, entry);
    }
    const Draft& first = items_[item.first].draft;
    if (first.contents_sha256 != item.draft.contents_sha256)
      return ExternalIdHasOtherContents(item.draft.external_id, first.id);
    return std::optional<RecordId>(first.id);
  }

  const Room& room_;
  Contributor contributor_;
  const bool validate_only_;
  const Exchange::Done<v1::ImportRecordsResponse> done_;
  // Items without a draft that an earlier call made.
  struct Repeated {
    int result;
    RecordId id;
    std::string external_id;
  };
  std::vector<Repeated> repeated_;
  SellerQuota quota_{room_, contributor_};
  Contests contests_{contributor_, *room_.keys.contents};
  size_t contests_from_ = 0;  // where the commit's reads of them begin
  std::vector<Item> items_;
  absl::flat_hash_map<std::string_view, int> first_with_;
  size_t external_ids_read_ = 0;
  v1::ImportRecordsResponse response_;
};

}  // namespace

void ImportRecords(const Room& room, const CallContext& context, const v1::ImportRecordsRequest& request,
                   Exchange::Done<v1::ImportRecordsResponse> done) {
  if (absl::Status status = CheckMayWrite(context); !status.ok()) return done(status);
  if (request.items_size() > room.options.items_per_import_message_max) {
    return done(OverLimit("items_per_import_message", room.options.items_per_import_message_max,
                          "too many items in one message"));
  }
  std::make_shared<ImportCall>(room, context, request, std::move(done))->Run(request);
}

}  // namespace coalition::exchange
