#include <algorithm>
#include <iterator>
#include <utility>

#include "common/errors.h"
#include "server/exchange/access.h"
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

// The next form of a record. Copyable: it lives in a function.
struct NextForm {
  std::string record_key;
  RecordId id;
  int64_t old_expire_time_s;
  policy::Header header;
  uint32_t ordinal;
  v1::OpinionVerdict verdict;
  std::string message;
  Prefixes entered;
  Prefixes left;

  std::vector<store::Write> Writes(store::Revision revision) const {
    std::vector<store::Write> writes;
    writes.push_back(
        {record_key, EncodeStoredRecord(AttachedAt(header, revision), ordinal, verdict, message)});
    // In the place that the record has had since its creation.
    const std::string position = EncodePosition({header.made, ordinal});
    for (const std::string& prefix : entered) writes.push_back({prefix + position, record_key});
    for (const std::string& prefix : left) writes.push_back({prefix + position, std::nullopt});
    if (header.expire_time_s != old_expire_time_s) {
      writes.push_back({ExpiryKey(old_expire_time_s, id), std::nullopt});
      writes.push_back({ExpiryKey(header.expire_time_s, id), record_key});
    }
    return writes;
  }
};

class ReviseCall final : public Edit {
 public:
  ReviseCall(const Room& room, const CallContext& context, const v1::ReviseRecordRequest& request,
             EditRequest edit, Exchange::DoneShowing<v1::ReviseRecordResponse> done)
      : Edit(room, context, std::move(edit)), request_(request), done_(std::move(done)) {}

 protected:
  absl::StatusOr<std::function<Writes(store::Revision)>> Prepare(const Reader& reader,
                                                                 const SeenRecord& seen) override {
    v1::Record before;
    const std::string_view message = seen.stored.message;
    if (!before.ParseFromArray(message.data(), static_cast<int>(message.size()))) return Corrupt();
    v1::Record after = before;
    if (absl::Status status = ApplyMask(request_.update_mask(), request_.record(), &after); !status.ok()) {
      return status;
    }
    const bool opinion = after.has_opinion();
    if (opinion) after.clear_seller();  // its subject's, put back below

    const policy::Header header = seen.stored.header.ToHeader();
    const NamedAudiences audiences(room().store, contributor().asker());
    const CheckRules rules{room().options,
                           audiences,
                           contributor().asker().state,
                           contributor().member,
                           contributor().now_s(),
                           before.create_time().seconds(),
                           &header,
                           message.size()};
    CheckedRecord checked;
    if (absl::Status status = CheckRecord(after, rules, &checked); !status.ok()) return status;
    // An opinion's answer shows its subject's seller, and a reference is a question.
    const bool reads = seen.subject.has_value() || !checked.references.empty();
    if (reads && !contributor().may_read.ok()) return contributor().may_read;
    std::optional<SeenRecord> no_subject;
    const std::vector<RecordId> known = ReferencesOf(before);
    if (absl::Status status = ResolveReferences(reader, checked, known, &no_subject); !status.ok())
      return status;

    const NextForm next = MakeNext(before, seen, header, std::move(checked));
    if (absl::Status status = Answer(reader, seen, next); !status.ok()) return status;
    return [next](store::Revision revision) { return next.Writes(revision); };
  }

  void Succeed() override { done_(std::move(response_), contributor().Showing(std::move(shown_.records))); }

  void SucceedAgain(const RecordId& id) override {
    const Reader reader(room().store, room().keys, contributor().asker());
    const auto seen = reader.FindById(id);
    if (!seen.ok()) return Fail(seen.status());
    if (!seen->has_value()) return Fail(NotFound());
    if ((*seen)->subject && !contributor().may_read.ok()) return Fail(contributor().may_read);
    response_.Clear();
    shown_.records.clear();
    const absl::Status shown = reader.Show(**seen, response_.mutable_record(), &shown_);
    shown.ok() ? Succeed() : Fail(shown);
  }

  void Fail(const absl::Status& status) override { done_(status, {}); }

 private:
  NextForm MakeNext(const v1::Record& before, const SeenRecord& seen, const policy::Header& old_header,
                    CheckedRecord checked) const {
    NextForm next;
    next.record_key = seen.key;
    next.id = seen.id;
    next.old_expire_time_s = old_header.expire_time_s;
    next.header = old_header;
    next.header.label = checked.contents.label();
    next.header.permitted_action = checked.contents.permitted_action();
    next.header.expire_time_s = checked.expire_time_s;
    next.header.grants = std::move(checked.audience.grants);
    next.header.exclusions = std::move(checked.audience.exclusions);
    next.ordinal = seen.stored.ordinal;
    next.verdict = checked.contents.opinion().verdict();
    const int64_t create_ns = Ns(before.create_time());
    // So that every revision has another etag, whatever the clock does.
    const int64_t update_ns = std::max(contributor().now_ns, Ns(before.update_time()) + 1);
    const auto seller = SellerOfRecordKey(seen.key);
    const bool opinion = checked.record_class == v1::RECORD_CLASS_OPINION;
    next.message = StoredMessage(checked.contents, contributor(), checked.record_class, create_ns, update_ns,
                                 checked.expire_time_s, opinion ? &*seller : nullptr);
    const Prefixes old_prefixes = IndexPrefixes(old_header, ReferencesOf(before));
    const Prefixes new_prefixes = IndexPrefixes(next.header, ReferencesOf(checked.contents));
    next.entered = Without(new_prefixes, old_prefixes);
    next.left = Without(old_prefixes, new_prefixes);
    return next;
  }

  absl::Status Answer(const Reader& reader, const SeenRecord& seen, const NextForm& next) {
    shown_.records.clear();
    const auto disputed = reader.Disputed(seen.id, seen.decision, &shown_);
    if (!disputed.ok()) return disputed.status();
    if (seen.subject) shown_.records.push_back(*seen.subject);
    const std::string value = EncodeStoredRecord(next.header, next.ordinal, next.verdict, next.message);
    const auto stored = ParseStoredRecord(value);
    if (!stored) return Error(v1::ERROR_REASON_INTERNAL, "the record has no stored form");
    response_.Clear();
    return reader.Project(seen.id, *stored, seen.decision, *disputed, response_.mutable_record());
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
