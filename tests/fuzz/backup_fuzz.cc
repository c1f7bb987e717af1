// Any bytes as what a backup holds, sealed as a file is, and as a file: refused, or read to the end; and rows
// ascend.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "common/big_endian.h"
#include "common/hash.h"
#include "google/protobuf/stubs/logging.h"
#include "server/backup/backup_file.h"
#include "server/backup/backup_reader.h"

namespace {

using coalition::X25519Key;
namespace backup = coalition::backup;

void Require(bool holds) {
  if (!holds) std::abort();
}

// The same in every run.
class Hashed final : public coalition::Random {
 public:
  explicit Hashed(std::string_view word) : bytes_(coalition::Sha256(word)) {}
  void Fill(std::span<uint8_t> out) override { std::copy_n(bytes_.begin(), out.size(), out.begin()); }

 private:
  const coalition::Sha256Digest bytes_;
};

const X25519Key& MakeKey(std::string_view word) {
  Hashed random(word);
  return *new X25519Key(X25519Key::Generate(random).value());
}

const X25519Key& Recipient() {
  static const X25519Key& key = MakeKey("recipient");
  return key;
}

// The file's own.
const X25519Key& Own() {
  static const X25519Key& key = MakeKey("file");
  return key;
}

backup::ByteSource SourceOf(std::string file) {
  return [file = std::move(file), at = size_t{0}](size_t bytes_max, std::string* to) mutable {
    const size_t count = std::min(bytes_max, file.size() - at);
    to->append(file, at, count);
    at += count;
    return absl::OkStatus();
  };
}

void TryFile(const std::string& file) {
  const auto reader = backup::BackupReader::Open(SourceOf(file), Recipient());
  if (!reader.ok()) return;
  std::optional<std::string> last;
  uint64_t rows = 0;
  const auto end = (*reader)->ReadRows([&](const backup::Row& row) {
    Require(!last || *last < row.key);
    Require(row.revision <= (*reader)->meta().revision());
    last = std::string(row.key);
    ++rows;
    return absl::OkStatus();
  });
  Require(end.ok() ? end->rows() == rows : absl::IsDataLoss(end.status()));
}

// What is in it, sealed: else nothing would come past the first chunk's tag.
std::string Sealed(std::string_view plaintext) {
  const backup::FileHeader header{Recipient().public_key(), Own().public_key()};
  const auto cipher = backup::ChunkCipher::Make(header, Own());
  std::string file = backup::EncodeHeader(header);
  while (!plaintext.empty()) {
    const std::string_view chunk = plaintext.substr(0, backup::kChunkBytes);
    plaintext.remove_prefix(chunk.size());
    Require((*cipher)->Seal(chunk, plaintext.empty(), &file).ok());
  }
  return file;
}

// With an end that fits, so that what comes before it is what decides.
std::string Ended(std::string plaintext, uint64_t rows) {
  coalition::storage::v1::BackupEnd end;
  end.set_rows(rows);
  end.set_sha256(std::string(coalition::Bytes(coalition::Sha256(plaintext))));
  const std::string payload = end.SerializeAsString();
  plaintext.push_back(backup::kEndFrame);
  coalition::AppendBigEndian<uint32_t>(static_cast<uint32_t>(payload.size()), &plaintext);
  return plaintext + payload;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // It would write a line for each string that is no UTF-8.
  static const google::protobuf::LogSilencer& quiet = *new google::protobuf::LogSilencer;
  (void)quiet;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  TryFile(bytes);
  TryFile(Sealed(bytes));
  for (uint64_t rows = 0; rows < 3; ++rows) TryFile(Sealed(Ended(bytes, rows)));
  return 0;
}
