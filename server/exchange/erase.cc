#include "server/exchange/erase.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "common/hash.h"
#include "common/ids.h"
#include "common/seller.h"
#include "common/strings.h"
#include "server/exchange/access.h"
#include "server/exchange/edit.h"
#include "server/exchange/erase_batch.h"
#include "server/exchange/erasure_request.h"
#include "server/exchange/erasures.h"
#include "server/exchange/field_checker.h"
#include "server/exchange/reader.h"
#include "server/membership/acts.h"
#include "server/store/commit_writes.h"

namespace coalition::exchange {
namespace {

// Of the commit that removes the notes.
constexpr size_t kNotesPerCommit = 1'000;

// What a request asks for, once it is checked.
struct Wanted {
  std::vector<RecordId> ids;
  std::optional<SellerKey> seller;  // instead of ids
};

void CheckNames(const v1::EraseRecordsRequest& request, FieldChecker* checker, Wanted* wanted) {
  absl::flat_hash_map<std::string_view, int> first_with;
  for (int i = 0; i < request.names_size(); ++i) {
    const auto id = ParseRecordName(request.names(i));
    if (!checker->violations().Check(FieldOfName(i), id.status())) continue;
    const auto [first, is_new] = first_with.try_emplace(request.names(i), i);
    if (is_new) {
      wanted->ids.push_back(*RecordIdToBytes(*id));
    } else {
      checker->violations().Add(FieldOfName(i),
                                "is named twice, by " + FieldOfName(first->second) + " first");
    }
  }
}

void CheckSeller(const v1::Seller& seller, FieldChecker* checker, Wanted* wanted) {
  auto normal = NormalizeSeller(seller.platform(), seller.seller_id());
  if (normal.ok()) {
    wanted->seller = *std::move(normal);
    return;
  }
  const bool id_at_fault = normal.status().message().substr(0, 9) == "seller_id";
  checker->violations().Check(id_at_fault ? "seller.seller_id" : "seller.platform", normal.status());
}

absl::StatusOr<Wanted> Check(const v1::EraseRecordsRequest& request) {
  FieldChecker checker(0);
  Wanted wanted;
  if (request.has_seller() == (request.names_size() > 0)) {
    checker.Add({request.has_seller() ? "seller" : "names"},
                request.has_seller() ? "is there beside names: take one of the two"
                                     : "are missing: name records, or the seller that they are about");
  }
  CheckNames(request, &checker, &wanted);
  if (request.has_seller()) CheckSeller(request.seller(), &checker, &wanted);
  CheckErasure(request.grounds(), request.reference(), &checker);
  if (absl::Status status = checker.ToStatus(); !status.ok()) return status;
  return wanted;
}

// One for everybody, without the names: that there is a record is not everybody's to know. And one for each
// contributor, with those of its own.
std::vector<membership::Act> ActsOf(const std::vector<const EraseBatch::Item*>& erased,
                                    const v1::EraseRecordsRequest& request) {
  const std::string why = "erased " + ErasedWhy(request.grounds(), request.reference());
  std::vector<membership::Act> acts = {{"records", absl::StrCat(erased.size(), " ", why)}};
  std::map<uint32_t, std::string> names;
  for (const EraseBatch::Item* item : erased) {
    if (item->contributor != 0) absl::StrAppend(&names[item->contributor], " ", NameOf(item->name.id));
  }
  for (const auto& [member, of_member] : names)
    acts.push_back({"records", absl::StrCat("of your own ", why, ":", of_member), member});
  return acts;
}

// Used by one thread at a time.
class EraseCall : public std::enable_shared_from_this<EraseCall> {
 public:
  EraseCall(const Room& room, const CallContext& context, const v1::EraseRecordsRequest& request,
            Exchange::Done<v1::EraseRecordsResponse> done)
      : room_(room), contributor_(context), request_(request), done_(std::move(done)) {}

  void Run(Wanted wanted) {
    absl::Status planned = wanted.seller ? FindRecordsOf(*wanted.seller) : FindAll(wanted.ids);
    if (planned.ok()) planned = CheckKeysAreTheirOwn();
    if (planned.ok()) planned = FindReferring();
    planned.ok() ? GoOn() : Fail(planned);
  }

 private:
  using Writes = std::vector<store::Write>;
  using Values = std::span<const std::optional<store::Version>>;

  void Add(const RecordId& id) {
    todo_.push_back({id, response_.records_size()});
    response_.add_records()->set_name(NameOf(id));
    ids_.insert(id);
  }

  // What is not there and never was ends the call before anything is done.
  absl::Status FindAll(const std::vector<RecordId>& ids) {
    std::vector<std::string> keys;
    keys.reserve(ids.size());
    for (const RecordId& id : ids) keys.push_back(IdKey(id));
    const auto places = room_.store.Read(keys, contributor_.at);
    if (!places.ok()) return FromStore(places.status());
    for (size_t i = 0; i < ids.size(); ++i) {
      if (!(*places)[i].has_value()) return NotFound();
      Add(ids[i]);
    }
    return absl::OkStatus();
  }

  // All that there ever were, opinions about its records too: these lie beside their subjects. What is gone
  // has no other row by which to find it, so this goes through all ids.
  absl::Status FindRecordsOf(const SellerKey& seller) {
    const std::string prefix =
        SellerPrefix(seller.platform, room_.keys.contents->SellerToken(seller.platform, seller.seller_id));
    const auto visit = [&](std::string_view, std::string_view record_key, store::Revision) {
      if (record_key.size() != prefix.size() + sizeof(RecordId) || !record_key.starts_with(prefix))
        return true;
      if (const auto id = IdOfRecordKey(record_key)) Add(*id);
      return true;
    };
    return FromStore(room_.store.ScanEach(kIdsPrefix, PrefixEnd(kIdsPrefix), contributor_.at, visit));
  }

  absl::Status CheckKeysAreTheirOwn() const {
    for (const NamedRecord& name : todo_) {
      const auto other = SharingKey(room_.store, name.id, ids_, contributor_.at);
      if (!other.ok()) return FromStore(other.status());
      if (!other->has_value()) continue;
      return Error(v1::ERROR_REASON_STATE_CONFLICT,
                   absl::StrCat(NameOf(name.id), " and ", NameOf(**other),
                                " have one key by chance, and can only be erased together: name both"),
                   {{"state", "SHARED_KEY"}, {"record", NameOf(**other)}});
    }
    return absl::OkStatus();
  }

  absl::Status FindReferring() {
    std::set<std::string> referring;
    for (const NamedRecord& name : todo_) {
      const std::string prefix = BackReferencesPrefix(name.id);
      const auto visit = [&](std::string_view, std::string_view record_key, store::Revision) {
        const auto id = IdOfRecordKey(record_key);
        if (id && !ids_.contains(*id)) referring.insert(NameOf(*id));
        return true;
      };
      const auto scanned = room_.store.ScanEach(prefix, PrefixEnd(prefix), contributor_.at, visit);
      if (!scanned.ok()) return FromStore(scanned);
    }
    *response_.mutable_referring() = {referring.begin(), referring.end()};
    return absl::OkStatus();
  }

  void GoOn() {
    while (HasMore()) {
      auto batch = EraseBatch::Read(room_, contributor_, std::span(todo_).subspan(next_));
      if (!batch.ok()) return Fail(batch.status());
      next_ += batch->items().size();
      for (const EraseBatch::Item& item : batch->items()) Tell(item);
      if (!request_.validate_only() && batch->HasWork()) return Submit(*std::move(batch));
    }
    if (attempts_ >= kAttemptsMax) return done_(CutShort("records", absl::AbortedError("changed each time")));
    begun_ ? DestroyKeys() : SayThatItLooked();
  }

  // Who administers learns whom members have reported, and that is to be seen: also of whom nothing is left
  // to erase.
  void SayThatItLooked() {
    store::Commit commit;
    commit.build = [self = shared_from_this()](store::Revision revision, Values) -> absl::StatusOr<Writes> {
      if (absl::Status may = self->CheckStillMay(); !may.ok()) return may;
      const v1::EraseRecordsRequest& request = self->request_;
      const std::string change = absl::StrCat(self->response_.records_size(), " looked at, to be erased ",
                                              ErasedWhy(request.grounds(), request.reference()));
      Writes writes;
      self->AddActs({{"records", change}}, revision, &writes);
      return writes;
    };
    const auto committed = [self = shared_from_this()](const absl::StatusOr<store::Revision>& revision) {
      if (!revision.ok()) return self->Fail(revision.status());
      self->Later([self] { self->request_.validate_only() ? self->Succeed() : self->DestroyKeys(); });
    };
    room_.lane.Submit(std::move(commit), committed, 0, contributor_.member);
  }

  // On another thread than the commit lane's, which must not read, destroy keys or hash their file.
  void Later(std::function<void()> work) { room_.run_later(contributor_.member, std::move(work)); }

  void AddActs(const std::vector<membership::Act>& acts, store::Revision revision, Writes* writes) const {
    const auto current = room_.directory.Current();
    membership::AddActs(acts, {contributor_.caller, *current, contributor_.now_ns}, revision,
                        current->policy_state().epoch(), writes);
  }

  bool HasMore() {
    if (next_ < todo_.size()) return true;
    todo_ = std::exchange(overtaken_, {});
    next_ = 0;
    return !todo_.empty() && ++attempts_ < kAttemptsMax;
  }

  void Tell(const EraseBatch::Item& item) {
    v1::ErasedRecord* record = response_.mutable_records(item.name.place);
    const policy::MemberState* member = contributor_.snapshot->policy_state().member(item.contributor);
    if (member != nullptr) record->set_contributor(FormatMemberName(member->id));
    record->set_was_live(item.was_live);
    record->set_erased_before(item.erased_before);
  }

  void Submit(EraseBatch batch) {
    batch_ = std::move(batch);
    store::Commit commit;
    batch_.AppendReads(&commit.reads);
    commit.build = [self = shared_from_this()](store::Revision revision, Values values) {
      return self->Build(revision, values);
    };
    const auto committed = [self = shared_from_this()](const absl::StatusOr<store::Revision>& revision) {
      self->Committed(revision.status());
    };
    room_.lane.Submit(std::move(commit), committed, batch_.bytes(), contributor_.member);
  }

  absl::StatusOr<Writes> Build(store::Revision revision, Values values) {
    changed_.clear();
    if (absl::Status may = CheckStillMay(); !may.ok()) return may;
    Writes writes;
    auto outcome = batch_.AppendWrites(revision, values, &writes);
    if (!outcome.ok()) return outcome.status();
    changed_ = std::move(outcome->changed);
    if (!outcome->done.empty()) AddActs(ActsOf(outcome->done, request_), revision, &writes);
    return writes;
  }

  // By the newest state, as Contributor::CheckStillMay does, and with the role.
  absl::Status CheckStillMay() const {
    for (;;) {
      const auto newest = room_.directory.Current();
      absl::Status may = membership::CheckMayChange(
          *newest, {contributor_.caller, *newest, contributor_.now_ns}, v1::ROLE_COALITION_ADMIN);
      if (room_.directory.IsCurrent(*newest)) return may;
    }
  }

  void Committed(const absl::Status& status) {
    if (!status.ok()) return Fail(status);
    begun_ = begun_ || changed_.size() < batch_.items().size();
    for (const EraseBatch::Item& item : batch_.items()) marked_.push_back(item.name.id);
    for (const NamedRecord& name : changed_) std::erase(marked_, name.id);
    overtaken_.insert(overtaken_.end(), changed_.begin(), changed_.end());
    Later([self = shared_from_this()] {
      self->contributor_.Renew(self->room_.directory);
      self->GoOn();
    });
  }

  // All of them, also what another call has marked and not destroyed yet.
  void DestroyKeys() {
    marked_.clear();
    if (ids_.empty()) return Succeed();
    // What was done before may have been told that not all of it was kept.
    const auto kept = store::CommitWrites(room_.store, {});
    if (!kept.ok()) return Fail(kept.status());
    const std::vector<RecordId> ids(ids_.begin(), ids_.end());
    if (absl::Status erased = room_.keys.contents->Erase(ids); !erased.ok())
      return Fail(CutShort("records", erased));
    begun_ = true;
    notes_ = ids;
    RemoveNotes();
  }

  void RemoveNotes() {
    if (notes_.empty()) return Later([self = shared_from_this()] { self->Succeed(); });
    const size_t count = std::min(notes_.size(), kNotesPerCommit);
    const auto first = notes_.end() - static_cast<std::ptrdiff_t>(count);
    store::Commit commit = EndOfErasures(std::vector<RecordId>(first, notes_.end()));
    notes_.erase(first, notes_.end());
    const auto committed = [self = shared_from_this()](const absl::StatusOr<store::Revision>& revision) {
      revision.ok() ? self->RemoveNotes() : self->Fail(revision.status());
    };
    room_.lane.Submit(std::move(commit), committed, 0, contributor_.member);
  }

  void Succeed() {
    response_.set_erasure_keys_sha256(std::string(Bytes(room_.keys.contents->Digest())));
    done_(std::move(response_));
  }
  void Fail(const absl::Status& status) {
    if (marked_.empty()) return done_(begun_ ? CutShort("records", status) : FromStore(status));
    // Of these the ledger says that they are erased, and they are to be, though the call can't go on.
    Later([self = shared_from_this(), status] {
      absl::Status erased = store::CommitWrites(self->room_.store, {}).status();
      if (erased.ok()) erased = self->room_.keys.contents->Erase(std::exchange(self->marked_, {}));
      self->done_(CutShort("records", erased.ok() ? status : erased));
    });
  }

  const Room& room_;
  Contributor contributor_;  // here: the administrator
  const v1::EraseRecordsRequest request_;
  const Exchange::Done<v1::EraseRecordsResponse> done_;
  v1::EraseRecordsResponse response_;
  absl::flat_hash_set<RecordId> ids_;  // all of them
  std::vector<NamedRecord> todo_;
  size_t next_ = 0;  // of those
  // Were changed between being read and the commit.
  std::vector<NamedRecord> overtaken_;
  int attempts_ = 0;
  EraseBatch batch_;  // that is being committed
  // Of the batch. Set anew by each run of Build.
  std::vector<NamedRecord> changed_;
  bool begun_ = false;            // something may be erased
  std::vector<RecordId> marked_;  // as erased, and their keys are still there
  std::vector<RecordId> notes_;   // whose `z` is still there, perhaps
};

}  // namespace

void EraseRecords(const Room& room, const CallContext& context, const v1::EraseRecordsRequest& request,
                  Exchange::Done<v1::EraseRecordsResponse> done) {
  const membership::Actor actor{context.caller, *context.snapshot, context.now_ns};
  if (absl::Status may = membership::CheckMayChange(*context.snapshot, actor, v1::ROLE_COALITION_ADMIN);
      !may.ok()) {
    return done(may);
  }
  const int max = room.options.records_per_batch_max;
  if (request.names_size() > max)
    return done(OverLimit("records_per_batch", max, "too many records in one call"));
  auto wanted = Check(request);
  if (!wanted.ok()) return done(wanted.status());
  std::make_shared<EraseCall>(room, context, request, std::move(done))->Run(*std::move(wanted));
}

}  // namespace coalition::exchange
