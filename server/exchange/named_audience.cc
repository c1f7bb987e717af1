#include "server/exchange/named_audience.h"

#include <charconv>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "coalition/storage/v1/storage.pb.h"
#include "common/errors.h"
#include "common/ids.h"
#include "common/policy/subject.h"
#include "common/strings.h"
#include "common/timestamp.h"
#include "server/exchange/access.h"
#include "server/membership/stored_state.h"

namespace coalition::exchange {
namespace {

constexpr std::string_view kAudiences = "audiences/";

absl::Status NoSuchAudience(const std::string& name) {
  return absl::InvalidArgumentError(
      "no audience " + Quoted(name) +
      "; say audiences/{audience}, or members/{member}/audiences/{audience} of your own");
}

// "brands@3" into id and version; 0: the newest. nullopt: it is no such thing.
std::optional<int64_t> SplitVersion(std::string_view* id) {
  const size_t at = id->find('@');
  if (at == std::string_view::npos) return 0;
  const std::string_view digits = id->substr(at + 1);
  int64_t version = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), version);
  if (error != std::errc() || end != digits.data() + digits.size() || version < 1) return std::nullopt;
  *id = id->substr(0, at);
  return version;
}

const v1::Audience* FindIn(const v1::CoalitionPolicy& policy, std::string_view id) {
  for (const v1::NamedAudience& named : policy.audiences()) {
    if (named.id() == id) return &named.audience();
  }
  return nullptr;
}

// All versions, oldest first within an id; ids in order.
absl::StatusOr<std::vector<storage::v1::StoredAudience>> OwnAudiences(const store::Store& store,
                                                                      store::Revision at, uint32_t member,
                                                                      std::string_view id) {
  std::vector<storage::v1::StoredAudience> stored;
  std::string prefix = membership::AudiencePrefix(member);
  if (!id.empty()) prefix += std::string(id) + "/";
  const absl::Status loaded = membership::LoadAll(store, prefix, at, &stored);
  if (!loaded.ok()) return FromStore(loaded);
  return stored;
}

std::string OwnName(const CallContext& context, const std::string& id) {
  return FormatMemberName(context.caller.member) + "/" + std::string(kAudiences) + id;
}

v1::SavedAudience ToPublic(const CallContext& context, const storage::v1::StoredAudience& stored) {
  v1::SavedAudience shown;
  shown.set_name(OwnName(context, stored.id()));
  shown.set_version(stored.version());
  *shown.mutable_audience() = stored.audience();
  shown.set_description(stored.description());
  *shown.mutable_save_time() = ToTimestamp(stored.save_time_ns());
  return shown;
}

absl::Status CheckSaved(const CallContext& context, const v1::SaveAudienceRequest& request) {
  constexpr size_t kDescriptionBytesMax = 1000;
  constexpr int kEntriesMax = 255;  // what a record's header holds
  FieldViolations violations;
  violations.Check("audience_id", CheckId(request.audience_id(), "id of an audience"));
  if (request.description().size() > kDescriptionBytesMax)
    violations.Add("description", "is over 1,000 bytes");
  const v1::Audience& audience = request.audience();
  if (audience.grants().empty())
    violations.Add("audience.grants", "there is none: nobody could see a record");
  if (!audience.include().empty())
    violations.Add("audience.include", "a named audience can't include others");
  v1::Audience known = audience;
  known.DiscardUnknownFields();
  if (known.ByteSizeLong() != audience.ByteSizeLong())
    violations.Add("audience", "has fields that this server does not know");
  if (audience.grants_size() > kEntriesMax || audience.exclusions_size() > kEntriesMax) {
    return OverLimit("audience_entries", kEntriesMax, "the audience has too many grants or exclusions");
  }
  const policy::State& state = context.snapshot->policy_state();
  const auto check = [&](const std::string& path, const v1::Subject& subject) {
    const policy::ResolvedSubject resolved = policy::ResolveSubject(state, subject);
    if (!resolved.subject) violations.Add(path + resolved.path, resolved.problem);
  };
  for (int i = 0; i < audience.grants_size(); ++i) {
    const std::string path = "audience.grants[" + std::to_string(i) + "]";
    check(path + ".subject", audience.grants(i).subject());
    if (state.view_names().Find(audience.grants(i).view()) == policy::kNoView) {
      violations.Add(path + ".view", "no view " + Quoted(audience.grants(i).view()));
    }
  }
  for (int i = 0; i < audience.exclusions_size(); ++i) {
    check("audience.exclusions[" + std::to_string(i) + "]", audience.exclusions(i));
  }
  return violations.ToStatus();
}

}  // namespace

absl::Status NamedAudiences::Find(const std::string& name, v1::Audience* audience,
                                  std::string* pinned) const {
  std::string_view id = name;
  const std::string own =
      FormatMemberName(asker_.state.member(asker_.member)->id) + "/" + std::string(kAudiences);
  const bool is_own = id.starts_with(own);
  if (!is_own && !id.starts_with(kAudiences)) return NoSuchAudience(name);
  id.remove_prefix(is_own ? own.size() : kAudiences.size());
  const std::optional<int64_t> version = SplitVersion(&id);
  if (!version || !IsId(id)) return NoSuchAudience(name);
  const auto found = [&](const v1::Audience& is, int64_t of) {
    *audience = is;
    *pinned = (is_own ? own : std::string(kAudiences)) + std::string(id) + "@" + std::to_string(of);
    return absl::OkStatus();
  };
  if (!is_own) {
    const auto& policies = asker_.state.rules().policies;
    for (auto policy = policies.rbegin(); policy != policies.rend(); ++policy) {
      if (*version != 0 && policy->version != *version) continue;
      const v1::Audience* named = FindIn(policy->policy->source(), id);
      return named == nullptr ? NoSuchAudience(name) : found(*named, policy->version);
    }
    return NoSuchAudience(name);
  }
  const auto stored = OwnAudiences(store_, asker_.at, asker_.member, id);
  if (!stored.ok()) return stored.status();
  for (auto one = stored->rbegin(); one != stored->rend(); ++one) {
    if (*version == 0 || one->version() == *version) return found(one->audience(), one->version());
  }
  return NoSuchAudience(name);
}

absl::StatusOr<v1::SaveAudienceResponse> SaveAudience(const CallContext& context, store::Store& store,
                                                      int versions_max,
                                                      const v1::SaveAudienceRequest& request) {
  if (absl::Status status = CheckMayWrite(context); !status.ok()) return status;
  if (absl::Status status = CheckSaved(context, request); !status.ok()) return status;
  const uint32_t member = context.caller.member_number;
  v1::SaveAudienceResponse response;
  // Of two at once the second one tries again with the next number.
  for (;;) {
    const auto all = OwnAudiences(store, store.Head(), member, "");
    if (!all.ok()) return all.status();
    if (static_cast<int>(all->size()) >= versions_max) {
      return OverLimit("audience_versions", versions_max, "your member keeps too many versions of audiences");
    }
    storage::v1::StoredAudience next;
    next.set_version(1);
    for (const auto& one : *all) {
      if (one.id() == request.audience_id()) next.set_version(one.version() + 1);
    }
    next.set_member(member);
    next.set_id(request.audience_id());
    *next.mutable_audience() = request.audience();
    next.set_description(request.description());
    next.set_save_time_ns(context.now_ns);
    const std::string key = membership::AudienceKey(member, next.id(), next.version());
    bool taken = false;
    store::Commit commit;
    commit.reads = {key};
    commit.build = [&](store::Revision, std::span<const std::optional<store::Version>> values)
        -> absl::StatusOr<std::vector<store::Write>> {
      taken = values[0].has_value();
      if (taken) return std::vector<store::Write>();
      return std::vector<store::Write>{membership::Stored(key, next)};
    };
    const auto made = store.CommitAll(std::span(&commit, 1));
    if (!made[0].ok()) return FromStore(made[0].status());
    if (taken) continue;
    *response.mutable_audience() = ToPublic(context, next);
    return response;
  }
}

absl::StatusOr<std::vector<v1::SavedAudience>> AllAudiences(const CallContext& context,
                                                            const store::Store& store) {
  std::vector<v1::SavedAudience> all;
  const policy::State& state = context.snapshot->policy_state();
  for (const v1::NamedAudience& named : state.policy().audiences()) {
    v1::SavedAudience& shown = all.emplace_back();
    shown.set_name(std::string(kAudiences) + named.id());
    shown.set_version(state.policy_version());
    *shown.mutable_audience() = named.audience();
    shown.set_description(named.description());
  }
  const auto own = OwnAudiences(store, context.at, context.caller.member_number, "");
  if (!own.ok()) return own.status();
  for (size_t i = 0; i < own->size(); ++i) {
    const bool newest = i + 1 == own->size() || (*own)[i + 1].id() != (*own)[i].id();
    if (newest) all.push_back(ToPublic(context, (*own)[i]));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name() < b.name(); });
  return all;
}

}  // namespace coalition::exchange
