#include "tests/property/exchange_model.h"

#include <algorithm>

#include "coalition/v1/exchange_service.pb.h"
#include "tests/support/exchange_world.h"

namespace coalition::testing {
namespace {

bool Made(const Step& step, const Answer& answer) {
  if (!answer.status.ok()) return false;
  if (step.act == Step::Act::kImport) {
    v1::ImportRecordsResponse response;
    return response.ParseFromString(answer.bytes) &&
           response.results(0).status() == v1::IMPORT_STATUS_CREATED;
  }
  v1::CreateRecordResponse response;
  return response.ParseFromString(answer.bytes) && !response.existed();
}

template <class Values, class Value>
bool Has(const Values& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

Model::Model(const Player& player, const std::vector<Step>& steps, const std::vector<Answer>& answers)
    : coalition_(WorldBootstrap()) {
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    if (step.makes_record()) {
      if (Made(step, answers[i]))
        kept_[i] = {player.NameOf(i), step.actor, player.RecordOf(steps, i, Variant::kWhole), true};
      continue;
    }
    const auto changed = kept_.find(*step.about);
    if (changed == kept_.end() || !changed->second.live) continue;
    if (step.act == Step::Act::kWithdraw) changed->second.live = false;
    if (step.act == Step::Act::kRevise) *changed->second.record.mutable_audience() = step.record.audience();
  }
}

bool Model::Sees(const config::v1::BootstrapMember& member, size_t step) const {
  const auto found = kept_.find(step);
  if (found == kept_.end() || !found->second.live) return false;
  const Kept& kept = found->second;
  if (kept.owner == member.id()) return true;
  if (member.kind() == v1::MEMBER_KIND_SECRETARIAT) return false;
  for (const v1::Subject& excluded : kept.record.audience().exclusions()) {
    if (excluded.member() == "members/" + member.id()) return false;
  }
  const auto granted = [&](const v1::Grant& grant) {
    const v1::Subject& subject = grant.subject();
    return subject.everyone() || subject.member() == "members/" + member.id() ||
           (subject.kind() != v1::MEMBER_KIND_UNSPECIFIED && subject.kind() == member.kind()) ||
           (subject.group().starts_with("groups/") && Has(member.groups(), subject.group().substr(7)));
  };
  const auto& grants = kept.record.audience().grants();
  if (std::none_of(grants.begin(), grants.end(), granted)) return false;
  if (!kept.record.has_opinion()) return true;
  return std::any_of(kept_.begin(), kept_.end(), [&](const auto& one) {
    return one.second.name == kept.record.opinion().subject() && Sees(member, one.first);
  });
}

std::vector<std::string> Model::Visible(const std::string& member) const {
  std::vector<std::string> names;
  for (const auto& one : coalition_.members()) {
    if (one.id() != member) continue;
    for (auto kept = kept_.rbegin(); kept != kept_.rend(); ++kept) {
      if (Sees(one, kept->first)) names.push_back(kept->second.name);
    }
  }
  return names;
}

}  // namespace coalition::testing
