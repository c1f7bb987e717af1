#include "common/policy/diff.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/hash.h"
#include "common/ids.h"
#include "common/policy/diff_cells.h"
#include "common/policy/diff_terms.h"
#include "common/policy/subject.h"

namespace coalition::policy {
namespace {

// Which records a reader is denied, on one side.
using Scopes = std::set<DenyScope>;

bool Covered(const Scopes& scopes, const Cell& cell) {
  return std::any_of(scopes.begin(), scopes.end(), [&](const DenyScope& scope) {
    return scope.Covers(cell.contributor, cell.record_class, cell.label);
  });
}

struct DeniedReader {
  ReaderClass reader;
  Scopes before, after;
};

// Readers put together by kind and by what they are denied on each side.
class Readers {
 public:
  Readers(const State& state, const CompiledPolicy& before, const CompiledPolicy& after)
      : state_(state), before_(before), after_(after) {
    for (int kind = 1; kind < static_cast<int>(kKinds); ++kind) AddKind(static_cast<v1::MemberKind>(kind));
    for (const MemberState& member : state.members()) AddMember(member);
  }

  const std::vector<DeniedReader>& all() const { return readers_; }
  bool any_denied() const { return !before_.denies().empty() || !after_.denies().empty(); }

 private:
  HeaderExclusion NamedBy(const CompiledPolicy& policy, size_t i) const {
    return ResolveSubject(state_, policy.source().denies(static_cast<int>(i)).subject())
        .subject.value_or(HeaderExclusion{SubjectKind::kEveryone, 0});
  }

  // Those of a kind whom no denial names otherwise.
  void AddKind(v1::MemberKind kind) {
    const auto scopes = [&](const CompiledPolicy& policy) {
      Scopes of;
      for (size_t i = 0; i < policy.denies().size(); ++i) {
        const HeaderExclusion named = NamedBy(policy, i);
        const bool all = named.kind == SubjectKind::kEveryone;
        const bool its_kind = named.kind == SubjectKind::kKind && named.id == static_cast<uint32_t>(kind);
        if (all || its_kind) of.insert(policy.denies()[i]);
      }
      return of;
    };
    readers_.push_back({{kind, {}}, scopes(before_), scopes(after_)});
  }

  // What the member is denied by the policy: of records that are made from now on, or of any.
  Scopes DeniedBy(const CompiledPolicy& policy, const MemberState& member, bool new_records) const {
    Scopes scopes;
    for (size_t i = 0; i < policy.denies().size(); ++i) {
      const uint64_t until = ControlledNamedUntil(state_, member.number, NamedBy(policy, i));
      if (new_records ? until == kStill : until != 0) scopes.insert(policy.denies()[i]);
    }
    return scopes;
  }

  void AddMember(const MemberState& member) {
    if (member.kind == v1::MEMBER_KIND_UNSPECIFIED || !v1::MemberKind_IsValid(member.kind)) return;
    AddDenied(member, DeniedBy(before_, member, true), DeniedBy(after_, member, true));
    // Of what was made when it still was what a denial names it stays denied, whatever becomes of the denial.
    const Scopes before = DeniedBy(before_, member, false);
    Scopes after = before;
    after.merge(DeniedBy(after_, member, false));
    AddDenied(member, before, after);
  }

  void AddDenied(const MemberState& member, const Scopes& before, const Scopes& after) {
    const DeniedReader& of_kind = readers_[static_cast<size_t>(member.kind) - 1];
    if (before == of_kind.before && after == of_kind.after) return;
    const std::string name = FormatMemberName(member.id);
    for (DeniedReader& other : readers_) {
      if (other.reader.members.empty() || other.reader.kind != member.kind || other.before != before ||
          other.after != after) {
        continue;
      }
      if (other.reader.members.back() != name) other.reader.members.push_back(name);
      return;
    }
    readers_.push_back({{member.kind, {name}}, before, after});
  }

  const State& state_;
  const CompiledPolicy& before_;
  const CompiledPolicy& after_;
  std::vector<DeniedReader> readers_;
};

View Shown(const CompiledPolicy& policy, v1::MemberKind reader, const Cell& cell) {
  return Meet(policy.ceilings().At(reader, cell.relation, cell.record_class, cell.label),
              policy.views().At(cell.record_class, cell.view));
}

std::vector<v1::AccessChange> AccessChanges(const State& state, const CompiledPolicy& before,
                                            const CompiledPolicy& after, const ViewNames& names) {
  const Readers readers(state, before, after);
  CellSpace space;
  space.views = names.names();
  // Nothing but a denial tells contributors apart.
  const int contributors = readers.any_denied() ? static_cast<int>(kKinds) : 2;
  for (int kind = 1; kind < contributors; ++kind)
    space.contributors.push_back(static_cast<v1::MemberKind>(kind));
  for (const DeniedReader& one : readers.all()) space.readers.push_back(one.reader);
  const auto side = [&](const CompiledPolicy& policy, Scopes DeniedReader::*scopes) {
    return [&policy, &readers, scopes](const Cell& cell) {
      const DeniedReader& reader = readers.all()[cell.reader];
      return Covered(reader.*scopes, cell) ? View{} : Shown(policy, reader.reader.kind, cell);
    };
  };
  return DifferentCells(space, side(before, &DeniedReader::before), side(after, &DeniedReader::after));
}

// So that the order in which new views are defined is not the order in which they are told.
void AddInOrder(const v1::CoalitionPolicy& before, const v1::CoalitionPolicy& after, ViewNames* names) {
  std::set<std::string> defined;
  for (const v1::ViewDefinition& view : before.views()) defined.insert(view.name());
  for (const v1::ViewDefinition& view : after.views()) defined.insert(view.name());
  for (const std::string& name : defined) names->Add(name);
}

// Every entry of the policy, in no order but their own: what nobody sees a difference of today, such as a
// view that no ceiling shows, is a part of what was reviewed all the same.
std::string ContentsOf(v1::CoalitionPolicy policy) {
  std::multiset<std::string> entries;
  const auto sort = [](auto* values) { std::sort(values->begin(), values->end()); };
  for (v1::ViewDefinition& view : *policy.mutable_views()) {
    sort(view.mutable_full());
    sort(view.mutable_token());
    sort(view.mutable_coarse());
    entries.insert("view " + view.SerializeAsString());
  }
  for (v1::Ceiling& ceiling : *policy.mutable_ceilings()) {
    sort(ceiling.mutable_kinds());
    sort(ceiling.mutable_relations());
    sort(ceiling.mutable_record_classes());
    sort(ceiling.mutable_labels());
    entries.insert("ceiling " + ceiling.SerializeAsString());
  }
  for (v1::Deny& deny : *policy.mutable_denies()) {
    sort(deny.mutable_contributor_kinds());
    sort(deny.mutable_record_classes());
    sort(deny.mutable_labels());
    entries.insert("deny " + deny.SerializeAsString());
  }
  std::string bytes;
  for (const std::string& entry : entries) bytes += std::to_string(entry.size()) + ":" + entry;
  return bytes;
}

// Of what was reviewed, not of how it was put into words.
std::string DigestOf(int64_t before_version, const v1::CoalitionPolicy& after, const PolicyDiff& diff) {
  std::string bytes = "coalition policy difference 2\n" + std::to_string(before_version) + "\n";
  const auto add = [&bytes](auto change) {
    change.clear_sentence();
    const std::string one = change.SerializeAsString();
    bytes += std::to_string(one.size()) + ":" + one;
  };
  for (const v1::AccessChange& change : diff.access_changes) add(change);
  bytes += "\n";
  for (const v1::OtherChange& change : diff.other_changes) add(change);
  bytes += "\n" + ContentsOf(after);
  return HexEncode(Bytes(Sha256(bytes)));
}

// What one of a member's own policies shows of its records.
class OwnSide {
 public:
  // `from`: when it was set; the coalition's views of then bound.
  OwnSide(const State& state, const v1::MemberPolicy* policy, uint64_t from)
      : state_(state), policy_(policy) {
    if (policy != nullptr && !policy->unbounded()) {
      bounded_ = true;
      ceilings_ = state.MemberCeilings({0, from, *policy});
    }
  }

  // From records that are made from now on, or from any.
  bool Excludes(const MemberState& reader, bool new_records) const {
    if (policy_ == nullptr) return false;
    return std::any_of(
        policy_->exclusions().begin(), policy_->exclusions().end(), [&](const v1::Subject& subject) {
          const HeaderExclusion named =
              ResolveSubject(state_, subject).subject.value_or(HeaderExclusion{SubjectKind::kEveryone, 0});
          const uint64_t until = ControlledNamedUntil(state_, reader.number, named);
          return new_records ? until == kStill : until != 0;
        });
  }
  bool ExcludesKind(v1::MemberKind kind) const {
    return policy_ != nullptr && std::any_of(policy_->exclusions().begin(), policy_->exclusions().end(),
                                             [&](const v1::Subject& subject) {
                                               return subject.subject_case() == v1::Subject::kKind &&
                                                      subject.kind() == kind;
                                             });
  }
  View Bound(v1::MemberKind reader, const Cell& cell) const {
    if (!bounded_) return {~uint64_t{0}, ~uint64_t{0}};
    return ceilings_.At(reader, cell.relation, cell.record_class, cell.label);
  }

 private:
  const State& state_;
  const v1::MemberPolicy* policy_;
  bool bounded_ = false;
  CeilingTable ceilings_;
};

}  // namespace

namespace {

// As they were when they last were there.
FormerAudiences FormerAudiencesOf(const State& state) {
  FormerAudiences former;
  for (const PolicyInForce& version : state.rules().policies) {
    for (const v1::NamedAudience& named : version.policy->source().audiences()) {
      former[named.id()] = named.audience();
    }
  }
  return former;
}

}  // namespace

PolicyDiff DiffPolicies(const State& state, const v1::CoalitionPolicy& before, int64_t before_version,
                        const v1::CoalitionPolicy& after) {
  ViewNames names = state.view_names();
  AddInOrder(before, after, &names);
  const CompiledPolicy compiled_before(before, &names), compiled_after(after, &names);
  PolicyDiff diff;
  diff.access_changes = AccessChanges(state, compiled_before, compiled_after, names);
  TermsDiff terms = DiffTerms(before, after, FormerAudiencesOf(state));
  diff.other_changes = std::move(terms.changes);
  diff.reached = std::move(terms.reached);
  const auto note = [&diff](v1::Direction direction) {
    diff.widens = diff.widens || direction == v1::DIRECTION_WIDENS;
    diff.narrows = diff.narrows || direction == v1::DIRECTION_NARROWS;
  };
  for (const v1::AccessChange& change : diff.access_changes) note(change.direction());
  for (const v1::OtherChange& change : diff.other_changes) note(change.direction());
  diff.digest = DigestOf(before_version, after, diff);
  return diff;
}

std::vector<v1::AccessChange> DiffMemberPolicies(const State& state, uint32_t member,
                                                 const v1::MemberPolicy* before,
                                                 const v1::MemberPolicy& after) {
  const MemberState* contributor = state.member(member);
  if (contributor == nullptr) return {};
  uint64_t set = 0;
  for (const MemberPolicyInForce& version : state.rules().member_policies) {
    if (version.member == member) set = version.from;
  }
  const OwnSide side_before(state, before, set), side_after(state, &after, kStill);
  CellSpace space;
  space.views = state.view_names().names();
  space.contributors = {contributor->kind};
  std::vector<std::pair<bool, bool>> excluded;  // by reader
  for (int kind = 1; kind < static_cast<int>(kKinds); ++kind) {
    const auto of = static_cast<v1::MemberKind>(kind);
    space.readers.push_back({of, {}});
    excluded.emplace_back(side_before.ExcludesKind(of), side_after.ExcludesKind(of));
  }
  for (const MemberState& reader : state.members()) {
    if (reader.number == member || !v1::MemberKind_IsValid(reader.kind) || reader.kind == 0) continue;
    const auto add = [&](bool was, bool is) {
      const std::pair<bool, bool> of_reader(was, is);
      if (of_reader == excluded[static_cast<size_t>(reader.kind) - 1]) return;
      space.readers.push_back({reader.kind, {FormatMemberName(reader.id)}});
      excluded.push_back(of_reader);
    };
    add(side_before.Excludes(reader, true), side_after.Excludes(reader, true));
    // What was made when it still was what an exclusion names stays hidden from it.
    const bool was = side_before.Excludes(reader, false);
    add(was, was || side_after.Excludes(reader, false));
  }
  const CompiledPolicy& coalition = *state.newest_policy().policy;
  const auto side = [&](const OwnSide& own, bool of_before) {
    return [&, of_before](const Cell& cell) {
      const auto& [was, is] = excluded[cell.reader];
      if (of_before ? was : is) return View{};
      const v1::MemberKind reader = space.readers[cell.reader].kind;
      return Meet(Shown(coalition, reader, cell), own.Bound(reader, cell));
    };
  };
  return DifferentCells(space, side(side_before, true), side(side_after, false));
}

bool Gains(const State& state, const PolicyDiff& diff, uint32_t member) {
  for (const uint32_t controlled : state.ControlGroup(member)) {
    const MemberState& one = *state.member(controlled);
    // One administrator makes an applicant, under whomever's control it names.
    if (one.standing == v1::STANDING_APPLICANT) continue;
    const std::string name = FormatMemberName(one.id);
    for (const v1::AccessChange& change : diff.access_changes) {
      if (change.direction() != v1::DIRECTION_WIDENS) continue;
      const bool of_kind =
          std::find(change.kinds().begin(), change.kinds().end(), one.kind) != change.kinds().end();
      const bool named =
          std::find(change.members().begin(), change.members().end(), name) != change.members().end();
      if (change.members().empty() ? of_kind : named) return true;
    }
    for (const v1::Subject& subject : diff.reached) {
      const auto resolved = ResolveSubject(state, subject).subject;
      if (resolved && NamedUntil(state, one, *resolved) == kStill) return true;
    }
  }
  return false;
}

State WithPolicy(const State& state, const v1::CoalitionPolicy& after, uint64_t revision) {
  Rules rules = state.rules();
  auto compiled = std::make_shared<const CompiledPolicy>(after, &rules.view_names);
  rules.policies.push_back({state.policy_version() + 1, state.epoch() + 1, revision, std::move(compiled)});
  return {state.epoch() + 1, state.members(), state.groups(), state.platforms(), std::move(rules)};
}

State WithMemberPolicy(const State& state, uint32_t member, const v1::MemberPolicy& after,
                       uint64_t revision) {
  Rules rules = state.rules();
  rules.member_policies.push_back({member, revision, after});
  return {state.epoch(), state.members(), state.groups(), state.platforms(), std::move(rules)};
}

}  // namespace coalition::policy
