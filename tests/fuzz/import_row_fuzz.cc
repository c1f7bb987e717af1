// Any bytes as rows of CSV (first byte even) or JSON lines (odd), as a map of sellers and as values of flags.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "client/cli/csv_records.h"
#include "client/cli/import_run.h"
#include "client/cli/seller_map.h"
#include "client/cli/text.h"
#include "client/cli/values.h"

using namespace coalition::cli;

namespace {

ByteSource Bytes(std::string text) {
  auto rest = std::make_shared<std::string>(std::move(text));
  return [rest](char* buffer, size_t room) -> ssize_t {
    const size_t n = std::min({room, rest->size(), size_t{41}});
    std::memcpy(buffer, rest->data(), n);
    rest->erase(0, n);
    return static_cast<ssize_t>(n);
  };
}

void TryRows(ImportSource& source) {
  if (!source.Start([](const std::string&) {}).ok()) return;
  ImportRow row;
  while (source.Next(&row)) {
    if (row.kind == RowKind::kRecord && DeriveExternalId(row.record).size() != 71) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    const std::string header =
        "class,platform,seller_id,infringement_types,rights,evidence,label,grants,listings\n";
    TryRows(*MakeCsvSource(Bytes(header + text), 1'024, MakeCsvRecordMapper()));
  } else {
    TryRows(*MakeJsonlSource(Bytes(text), 1'024));
  }
  SellerMap sellers;
  (void)sellers.Load(Bytes("platform_uid,seller_id\n" + text), 1'024);
  (void)ParseSeller(text);
  (void)ParseGrant(text);
  (void)ParseRight(text, text);
  (void)ParseEvidence(text);
  (void)ParseTime(text);
  for (const char c : Printable(text)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
  }
  return 0;
}
