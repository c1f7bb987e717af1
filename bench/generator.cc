#include "bench/generator.h"

#include <array>
#include <cstdio>
#include <string>

namespace coalition::bench {
namespace {

constexpr std::array<const char*, 8> kPlatforms = {
    "bazaar.example",     "comptoir.example", "marktplatz.example", "fleamarket.example",
    "shop.stall.example", "mercato.example",  "kiosk.example",      "souk.example"};
constexpr std::array<const char*, 8> kCategories = {"Apparel/Shoes",      "Apparel/Bags", "Cosmetics/Perfume",
                                                    "Electronics/Phones", "Toys",         "Watches",
                                                    "Spare parts/Cars",   "Jewellery"};
constexpr std::array<const char*, 4> kOffices = {"EUIPO", "USPTO", "WIPO", "INPI"};
constexpr std::array<const char*, 3> kInfringements = {
    "KEYWORD_TRADEMARK_INFRINGEMENT", "KEYWORD_DESIGN_INFRINGEMENT", "KEYWORD_COPYRIGHT_INFRINGEMENT"};
constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr uint64_t kListedSalt = 0x5e11e25a11edbadd;
constexpr uint64_t kUnlistedSalt = 0xc1ea2c1ea2c1ea2c;

// 14 characters of 5 bits: 64 bits of the hash and a check letter's place.
void SetSeller(uint64_t hash, v1::Seller* seller) {
  seller->set_platform(kPlatforms[hash % kPlatforms.size()]);
  std::string& id = *seller->mutable_seller_id();
  id.resize(14);
  id[0] = 'A';
  for (size_t i = 1; i < id.size(); ++i, hash >>= 5) id[i] = kDigits[hash & 31];
}

std::string Hex(uint64_t seed, size_t digits) {
  std::string text;
  char part[17];
  while (text.size() < digits) {
    std::snprintf(part, sizeof(part), "%016llx", static_cast<unsigned long long>(seed = Mix(seed)));
    text += part;
  }
  text.resize(digits);
  return text;
}

void SetAudience(uint64_t index, v1::Record* record) {
  v1::Grant* grant = record->mutable_audience()->add_grants();
  grant->set_view("notice");
  switch (index % 3) {
    case 0:
      record->set_label(v1::LABEL_AMBER);
      grant->mutable_subject()->set_kind(v1::MEMBER_KIND_MARKETPLACE);
      break;
    case 1:
      record->set_label(v1::LABEL_GREEN);
      grant->mutable_subject()->set_everyone(true);
      break;
    default:
      record->set_label(v1::LABEL_RED);
      grant->mutable_subject()->set_member("members/bazaar");
  }
}

}  // namespace

uint64_t Mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

void SetListedSeller(uint64_t index, v1::Seller* seller) { SetSeller(Mix(index ^ kListedSalt), seller); }

void SetUnlistedSeller(uint64_t number, v1::Seller* seller) {
  SetSeller(Mix(Mix(number) ^ kUnlistedSalt), seller);
}

void SetReport(uint64_t index, v1::Record* record) {
  const uint64_t hash = Mix(index);
  record->set_external_id("case-" + std::to_string(1'000'000'000 + index));
  SetListedSeller(index, record->mutable_seller());
  SetAudience(index, record);
  v1::OffenderReport& report = *record->mutable_offender_report();
  const std::string& seller_id = record->seller().seller_id();
  report.set_seller_display_name("Trader " + seller_id.substr(1, 6));
  report.set_seller_storefront_url("https://" + record->seller().platform() + "/stores/" + seller_id);
  v1::Right& right = *report.add_rights();
  right.set_type("TRADEMARK");
  right.set_office(kOffices[hash % kOffices.size()]);
  right.set_registration_number(std::to_string(10'000'000 + hash % 9'000'000));
  report.add_infringement_types(kInfringements[hash / 7 % kInfringements.size()]);
  report.set_product_category(kCategories[hash / 64 % kCategories.size()]);
  v1::Listing& listing = *report.add_listings();
  listing.set_listing_id(std::to_string(hash % 1'000'000'000'000));
  v1::Evidence& evidence = *report.add_evidence();
  evidence.set_type(index % 2 == 0 ? "TEST_PURCHASE" : "SCREENSHOT");
  evidence.set_hash("sha256:" + Hex(hash, 64));
  evidence.set_reference("EV-" + std::to_string(index));
  report.set_case_type("COUNTERFEIT_SALE");
  report.set_grounds_code("GC-07");
  report.mutable_first_observed_time()->set_seconds(1'780'000'000 + static_cast<int64_t>(hash % 8'000'000));
  report.mutable_last_observed_time()->set_seconds(1'790'000'000 + static_cast<int64_t>(hash % 2'000'000));
  report.set_human_reviewed(true);
  report.set_legal_basis("REGULATION_EU_2017_1001");
  report.set_correction_contact("ip-desk@aurore.example");
}

}  // namespace coalition::bench
