#include "server/exchange/visibility.h"

#include <array>

#include "common/policy/fields.h"

namespace coalition::exchange {
namespace {

uint64_t Bit(v1::RecordClass record_class, std::string_view path) {
  const auto index = policy::FieldIndex(record_class, path);
  return index ? uint64_t{1} << *index : 0;
}

uint64_t SellerBits(v1::RecordClass record_class) {
  static const auto bits = [] {
    std::array<uint64_t, v1::RecordClass_ARRAYSIZE> made{};
    for (int i = 1; i < v1::RecordClass_ARRAYSIZE; ++i) {
      const auto of = static_cast<v1::RecordClass>(i);
      made[i] = Bit(of, "seller.platform") | Bit(of, "seller.seller_id");
    }
    return made;
  }();
  return v1::RecordClass_IsValid(record_class) ? bits[record_class] : 0;
}

}  // namespace

policy::Decision Judge(const Asker& asker, const policy::HeaderView& header) {
  if (asker.met_expired != nullptr && !header.LiveAt(asker.now_s)) *asker.met_expired = true;
  return policy::Decide(asker.state, asker.member, header, asker.now_s);
}

policy::Decision JudgeOpinion(const Asker& asker, const policy::HeaderView& opinion,
                              const policy::HeaderView* subject) {
  const policy::Decision own = Judge(asker, opinion);
  if (!own.visible()) return own;
  return policy::MeetWithSubject(own, subject == nullptr ? policy::Decision{} : Judge(asker, *subject));
}

bool ShowsSeller(v1::RecordClass record_class, const policy::View& view) {
  const uint64_t seller = SellerBits(record_class);
  return seller != 0 && (view.full & seller) == seller;
}

bool ShowsPlatform(v1::RecordClass record_class, const policy::View& view) {
  const uint64_t platform = Bit(record_class, "seller.platform");
  return platform != 0 && (view.full & platform) != 0;
}

bool ShowsAnyOfSeller(v1::RecordClass record_class, const policy::View& view) {
  return ((view.shown | view.full) & SellerBits(record_class)) != 0;
}

bool ShowsVerdict(const policy::View& opinion_view) {
  static const uint64_t verdict = Bit(v1::RECORD_CLASS_OPINION, "verdict");
  return (opinion_view.full & verdict) != 0;
}

void Tally::Add(v1::OpinionVerdict verdict) {
  switch (verdict) {
    case v1::OPINION_VERDICT_CONFIRMED:
    case v1::OPINION_VERDICT_SEEN_HERE:
      confirmed = true;
      break;
    case v1::OPINION_VERDICT_DISPUTED:
    case v1::OPINION_VERDICT_FALSE_POSITIVE:
      denied = true;
      break;
    default:  // OUTDATED is neither
      break;
  }
}

}  // namespace coalition::exchange
