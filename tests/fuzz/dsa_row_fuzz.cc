// Any bytes as the rows of a DSA dump: each byte that is not a line end belongs to exactly one row, what is
// taken can be sent.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "client/cli/dsa_sor.h"

using namespace coalition::cli;

namespace {

constexpr char kHeader[] =
    "uuid,decision_visibility,decision_visibility_other,end_date_visibility_restriction,decision_monetary,"
    "decision_provision,decision_account,category,category_specification,territorial_scope,application_date,"
    "decision_facts,platform_name,platform_uid,created_at\n";

size_t Significant(const std::string& text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return c != '\n' && c != '\r' && c != ' ' && c != '\t'; }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string rows(reinterpret_cast<const char*>(data), size);
  const std::string text = kHeader + rows;
  size_t position = 0;
  DsaOptions options;
  options.platforms["bazaar"] = "bazaar.example";
  auto source = MakeCsvSource(
      [&](char* buffer, size_t room) -> ssize_t {
        const size_t n = std::min({room, text.size() - position, size_t{37}});
        std::memcpy(buffer, text.data() + position, n);
        position += n;
        return static_cast<ssize_t>(n);
      },
      1'024, MakeDsaMapper(options));
  if (!source->Start([](const std::string&) {}).ok()) std::abort();
  size_t seen = 0;
  ImportRow row;
  while (source->Next(&row)) {
    seen += Significant(row.raw);
    if (row.kind == RowKind::kRejected && !row.continued && row.error.reason.empty()) std::abort();
    if (row.kind != RowKind::kRecord) continue;
    std::string bytes;
    coalition::v1::Record back;
    if (!row.record.SerializeToString(&bytes) || !back.ParseFromString(bytes)) std::abort();
    if (row.record.takedown_outcome().action_taken() == coalition::v1::ACTION_TAKEN_UNSPECIFIED) std::abort();
  }
  if (seen != Significant(rows)) std::abort();
  return 0;
}
