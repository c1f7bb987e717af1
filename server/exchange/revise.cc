#include <algorithm>
#include <iterator>
#include <utility>

#include "common/errors.h"
#include "server/exchange/access.h"
#include "server/exchange/contest.h"
#include "server/exchange/draft.h"
#include "server/exchange/edit.h"
#include "server/exchange/field_mask.h"
#include "server/exchange/named_audience.h"
#include "server/exchange/validate.h"

namespace coalition::exchange {
namespace {

using Prefixes = std::vector<std::string>;

Prefixes Without(Prefixes all, Prefixes others) {
  std::sort(all.begin(), all.end());
  std::sort(others.begin(), others.end());
  Prefixes left;
  std::set_difference(all.begin(), all.end(), others.begin(), others.end(), std::back_inserter(left));
  return left;
}

int64_t Ns(const google::protobuf::Timestamp& time) { return time.seconds() * 1'000'000'000 + time.nanos(); }

// Takes out what the server has set on the record, and no revision changes. What the contributor may not know
// of is then no part of what is checked, nor of its size.
v1::Record TakeKept(v1::Record* record) {
  v1::Record kept;
  if (record->has_contest()) kept.mutable_contest()->Swap(record->mutable_contest());
  kept.mutable_cleared_before()->Swap(record->mutable_cleared_before());
  record->clear_contest();
  return kept;
}

// The next form of a record. Copyable: it lives in a function.
struct NextForm {
  std::string record_key;
  int64_t old_expire_time_s;
  policy::Header header;
  uint32_t ordinal;
  v1::OpinionVerdict verdict;
  std::string message;  // sealed in the end
  Prefixes entered;
  Prefixes left;

  std::vector<store::Write> Writes(store::Revision revision) const {
    std::vector<store::Write> writes;
    AppendForm(record_key, EncodeStoredRecord(AttachedAt(header, revision), ordinal, verdict, message),
               old_expire_time_s, header.expire_time_s, &writes);
    // In the place that the record has had since its creation.
    const std::string position = EncodePosition({header.made, ordinal});
    for (const std::string& prefix : entered) writes.push_back({prefix + position, record_key});
    for (const std::string& prefix : left) writes.push_back({prefix + position, std::nullopt});
    return writes;
  }
};

class ReviseCall final : public Edit {
 public:
  ReviseCall(const Room& room, const CallContext& context, const v1::ReviseRecordRequest& request,
             EditRequest edit, Exchange::DoneShowing<v1::ReviseRecordResponse> done)
      : Edit(room, context, std::move(edit)), request_(request), done_(std::move(done)) {}

 protected:
  absl::StatusOr<Change> Prepare(const Reader& reader, const SeenRecord& seen) override {
    auto opened = OpenMessage(reader.contents(), seen.id, seen.stored);
    if (!opened.ok()) return opened.status();
    if (!opened->has_value()) return NotFound();
    v1::Record before = **std::move(opened);
    const v1::Record kept = TakeKept(&before);
    v1::Record after = before;
    if (absl::Status status = ApplyMask(request_.update_mask(), request_.record(), &after); !status.ok()) {
      return status;
    }
    const bool opinion = after.has_opinion();
    if (opinion) after.clear_seller();  // its subject's, put back below

    const policy::Header header = seen.stored.header.ToHeader();
    CheckedRecord checked;
    if (absl::Status status = Check(before, after, header, &checked); !status.ok()) return status;
    // An opinion's answer shows its subject's seller, and a reference is a question.
    const bool reads = seen.subject.has_value() || !checked.references.empty();
    if (reads && !contributor().may_read.ok()) return contributor().may_read;
    std::optional<SeenRecord> no_subject;
    const std::vector<RecordId> known = ReferencesOf(before);
    if (absl::Status status = ResolveReferences(reader, checked, known, &no_subject); !status.ok())
      return status;

    Contests contests(contributor(), reader.contents());
    if (SaysUpheldAnew(before, checked.contents)) {
      const absl::Status taken = contests.Take(reader, checked.contents, header.platform);
      if (!taken.ok()) return taken;
    }
    const NextForm next = MakeNext(before, kept, seen, header, std::move(checked));
    const std::string value = EncodeStoredRecord(next.header, next.ordinal, next.verdict, next.message);
    const absl::Status shown = ShowChanged(reader, seen, value, response_.mutable_record(), &shown_);
    if (!shown.ok()) return shown;
    return ToChange(next, contests);
  }

  void Succeed() override { done_(std::move(response_), contributor().Showing(std::move(shown_.records))); }

  void SucceedAgain(const RecordId& id) override {
    const absl::Status shown = ShowAgain(room(), contributor(), id, response_.mutable_record(), &shown_);
    shown.ok() ? Succeed() : Fail(shown);
  }

  void Fail(const absl::Status& status) override { done_(status, {}); }

 private:
  static Change ToChange(const NextForm& next, const Contests& contests) {
    Change change{[next, contests](store::Revision revision, Values values) {
      Writes writes = next.Writes(revision);
      contests.AppendWrites(values, MadeAlways, &writes);
      return writes;
    }};
    contests.AppendReads(&change.reads);
    change.bytes = contests.bytes();
    return change;
  }

  absl::Status Check(const v1::Record& before, const v1::Record& after, const policy::Header& header,
                     CheckedRecord* checked) const {
    // The end that its contributor chose, not that of a contest.
    policy::Header chosen = header;
    if (before.has_expire_time()) chosen.expire_time_s = before.expire_time().seconds();
    const NamedAudiences audiences(room().store, contributor().asker());
    const CheckRules rules{room().options,
                           audiences,
                           contributor().asker().state,
                           contributor().member,
                           contributor().now_s(),
                           before.create_time().seconds(),
                           &chosen,
                           before.ByteSizeLong(),
                           HasNewEvidence(before, after)};
    return CheckRecord(after, rules, checked);
  }

  NextForm MakeNext(const v1::Record& before, const v1::Record& kept, const SeenRecord& seen,
                    const policy::Header& old_header, CheckedRecord checked) const {
    NextForm next;
    next.record_key = seen.key;
    next.old_expire_time_s = old_header.expire_time_s;
    next.header = old_header;
    next.header.label = checked.contents.label();
    next.header.permitted_action = checked.contents.permitted_action();
    next.header.expire_time_s = checked.expire_time_s;
    if (old_header.state == policy::Lifecycle::kContested) {
      const int64_t lapse_time_s =
          kept.has_contest() ? kept.contest().lapse_time().seconds() : old_header.expire_time_s;
      next.header.expire_time_s = std::min(checked.expire_time_s, lapse_time_s);
    }
    next.header.grants = std::move(checked.audience.grants);
    next.header.exclusions = std::move(checked.audience.exclusions);
    next.ordinal = seen.stored.ordinal;
    next.verdict = checked.contents.opinion().verdict();
    const int64_t create_ns = Ns(before.create_time());
    const int64_t update_ns = NextUpdateNs(before.update_time(), contributor().now_ns);
    const bool opinion = checked.record_class == v1::RECORD_CLASS_OPINION;
    next.message = StoredMessage(checked.contents, contributor(), checked.record_class, create_ns, update_ns,
                                 checked.expire_time_s, opinion ? &before.seller() : nullptr);
    kept.AppendToString(&next.message);
    next.message = room().keys.contents->Seal(seen.id, next.message);
    const Prefixes old_prefixes = IndexPrefixes(old_header, ReferencesOf(before));
    const Prefixes new_prefixes = IndexPrefixes(next.header, ReferencesOf(checked.contents));
    next.entered = Without(new_prefixes, old_prefixes);
    next.left = Without(old_prefixes, new_prefixes);
    return next;
  }

  const v1::ReviseRecordRequest request_;
  const Exchange::DoneShowing<v1::ReviseRecordResponse> done_;
  v1::ReviseRecordResponse response_;
  ledger::Disclosure shown_;  // its records alone
};

std::string PayloadOf(v1::ReviseRecordRequest request) {
  request.clear_request_id();
  return request.SerializeAsString();
}

}  // namespace

void ReviseRecord(const Room& room, const CallContext& context, const v1::ReviseRecordRequest& request,
                  Exchange::DoneShowing<v1::ReviseRecordResponse> done) {
  if (absl::Status status = CheckMayWrite(context); !status.ok()) return done(status, {});
  EditRequest edit;
  edit.name = request.record().name();
  edit.name_field = "record.name";
  edit.etag = request.record().etag();
  edit.request_id = request.request_id();
  edit.payload = PayloadOf(request);
  edit.method = Method::kRevise;
  edit.validate_only = request.validate_only();
  std::make_shared<ReviseCall>(room, context, request, std::move(edit), std::move(done))->Run();
}

}  // namespace coalition::exchange
