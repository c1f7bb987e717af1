#include "client/cli/seller_map.h"

#include <cstring>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "client/cli/csv_reader.h"
#include "client/cli/import_source.h"
#include "common/seller.h"

namespace coalition::cli {
namespace {

uint32_t LengthAt(const std::string& text, uint64_t offset) {
  uint32_t length = 0;
  std::memcpy(&length, text.data() + offset, sizeof(length));
  return length;
}

std::string_view UidAt(const std::string& text, uint64_t offset) {
  return std::string_view(text).substr(offset + 8, LengthAt(text, offset));
}

std::string_view SellerAt(const std::string& text, uint64_t offset) {
  return std::string_view(text).substr(offset + 8 + LengthAt(text, offset), LengthAt(text, offset + 4));
}

void AppendLength(size_t length, std::string* text) {
  const auto length32 = static_cast<uint32_t>(length);
  text->append(reinterpret_cast<const char*>(&length32), sizeof(length32));
}

// Offsets of entries, hashed and compared by the uid that stands there.
struct HashUid {
  using is_transparent = void;
  const std::string* text;
  size_t operator()(std::string_view uid) const { return absl::Hash<std::string_view>()(uid); }
  size_t operator()(uint64_t offset) const { return (*this)(UidAt(*text, offset)); }
};
struct EqualUid {
  using is_transparent = void;
  const std::string* text;
  bool operator()(uint64_t a, uint64_t b) const { return UidAt(*text, a) == UidAt(*text, b); }
  bool operator()(uint64_t a, std::string_view b) const { return UidAt(*text, a) == b; }
  bool operator()(std::string_view a, uint64_t b) const { return a == UidAt(*text, b); }
};

}  // namespace

struct SellerMap::Index {
  explicit Index(const std::string* text) : offsets(0, HashUid{text}, EqualUid{text}) {}
  absl::flat_hash_set<uint64_t, HashUid, EqualUid> offsets;
};

SellerMap::SellerMap() : index_(std::make_unique<Index>(&text_)) {}
SellerMap::~SellerMap() = default;

size_t SellerMap::size() const { return index_->offsets.size(); }

bool SellerMap::Add(std::string_view platform_uid, std::string_view seller_id) {
  const auto found = index_->offsets.find(platform_uid);
  if (found != index_->offsets.end()) return SellerAt(text_, *found) == seller_id;
  const uint64_t offset = text_.size();
  AppendLength(platform_uid.size(), &text_);
  AppendLength(seller_id.size(), &text_);
  text_ += platform_uid;
  text_ += seller_id;
  index_->offsets.insert(offset);
  return true;
}

std::string_view SellerMap::Find(std::string_view platform_uid) const {
  const auto found = index_->offsets.find(platform_uid);
  return found == index_->offsets.end() ? std::string_view() : SellerAt(text_, *found);
}

absl::Status SellerMap::Load(ByteSource source, size_t row_bytes_max) {
  CsvReader reader(std::move(source), row_bytes_max);
  CsvRow row;
  Columns columns;
  if (!reader.Next(&row)) {
    return reader.status().ok() ? absl::InvalidArgumentError("the file is empty") : reader.status();
  }
  if (absl::Status status = columns.Set(row.fields); !status.ok()) return status;
  const int uid = columns.Find("platform_uid");
  const int seller = columns.Find("seller_id");
  if (uid < 0 || seller < 0) {
    return absl::InvalidArgumentError("the header must have the columns platform_uid and seller_id");
  }
  const auto bad = [&](const std::string& reason) {
    return absl::InvalidArgumentError(absl::StrCat("line ", row.line, ": ", reason));
  };
  while (reader.Next(&row)) {
    if (!row.error.empty()) return bad(row.error);
    const std::string& key = row.fields[static_cast<size_t>(uid)];
    SellerKeyView normal;
    std::string scratch;
    absl::Status status = NormalizeSeller("any", row.fields[static_cast<size_t>(seller)], &normal, &scratch);
    if (!status.ok()) return bad(std::string(status.message()));
    if (key.empty()) return bad("platform_uid is empty");
    if (!Add(key, normal.seller_id)) return bad("this platform_uid had another seller on an earlier line");
  }
  return reader.status();
}

}  // namespace coalition::cli
