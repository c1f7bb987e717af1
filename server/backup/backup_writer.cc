#include "server/backup/backup_writer.h"

#include <limits>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/big_endian.h"

namespace coalition::backup {

absl::StatusOr<std::unique_ptr<BackupWriter>> BackupWriter::Open(const store::Store& store,
                                                                 const storage::v1::BackupMeta& meta,
                                                                 const X25519PublicKey& recipient,
                                                                 Random& random) {
  const absl::StatusOr<X25519Key> ephemeral = X25519Key::Generate(random);
  if (!ephemeral.ok()) return ephemeral.status();
  const FileHeader header{recipient, ephemeral->public_key()};
  auto cipher = ChunkCipher::Make(header, *ephemeral);
  if (!cipher.ok()) return cipher.status();
  return std::unique_ptr<BackupWriter>(new BackupWriter(store, meta, header, *std::move(cipher)));
}

BackupWriter::BackupWriter(const store::Store& store, const storage::v1::BackupMeta& meta,
                           const FileHeader& header, std::unique_ptr<ChunkCipher> cipher)
    : store_(store), meta_(meta), header_(header), cipher_(std::move(cipher)) {}

absl::StatusOr<std::string> BackupWriter::Next() {
  std::string out;
  if (failed_.ok() && !done_) failed_ = Step(&out);
  if (!failed_.ok()) return failed_;
  file_digest_.Update(out);
  totals_.bytes += out.size();
  return out;
}

absl::Status BackupWriter::Step(std::string* out) {
  if (!begun_) {
    begun_ = true;
    *out = EncodeHeader(header_);
    AddFrame(kMetaFrame, meta_.SerializeAsString());
  }
  if (!rows_done_ && plain_.size() < kStepBytes) {
    if (absl::Status read = ReadRows(); !read.ok()) return read;
    if (rows_done_) AddEnd();
  }
  return SealChunks(out);
}

absl::Status BackupWriter::ReadRows() {
  rows_done_ = true;
  absl::Status frames;
  const auto visit = [&](std::string_view key, std::string_view value, store::Revision revision) {
    if (plain_.size() >= kStepBytes) {
      from_ = key;
      rows_done_ = false;
      return false;
    }
    if (kRowHeadBytes + key.size() + value.size() > std::numeric_limits<uint32_t>::max()) {
      frames = absl::InternalError("a value of the store is too large for a backup");
      return false;
    }
    AddRow(key, value, revision);
    return true;
  };
  const size_t at = plain_.size();
  const absl::Status scanned = store_.ScanEach(from_, {}, meta_.revision(), visit);
  plain_digest_.Update(std::string_view(plain_).substr(at));
  if (absl::IsOutOfRange(scanned)) {
    return absl::AbortedError(
        absl::StrCat("The store has given up the history that the backup reads, since it took too long: ",
                     scanned.message()));
  }
  return scanned.ok() ? frames : scanned;
}

void BackupWriter::AddRow(std::string_view key, std::string_view value, store::Revision revision) {
  plain_.push_back(kRowFrame);
  AppendBigEndian<uint32_t>(static_cast<uint32_t>(kRowHeadBytes + key.size() + value.size()), &plain_);
  AppendBigEndian<uint32_t>(static_cast<uint32_t>(key.size()), &plain_);
  AppendBigEndian<uint64_t>(revision, &plain_);
  plain_ += key;
  plain_ += value;
  ++totals_.rows;
}

void BackupWriter::AddEnd() {
  storage::v1::BackupEnd end;
  end.set_rows(totals_.rows);
  end.set_sha256(std::string(Bytes(plain_digest_.Finish())));
  AddFrame(kEndFrame, end.SerializeAsString());
}

void BackupWriter::AddFrame(char type, std::string_view payload) {
  const size_t at = plain_.size();
  plain_.push_back(type);
  AppendBigEndian<uint32_t>(static_cast<uint32_t>(payload.size()), &plain_);
  plain_ += payload;
  plain_digest_.Update(std::string_view(plain_).substr(at));
}

absl::Status BackupWriter::SealChunks(std::string* out) {
  std::string_view left = plain_;
  for (size_t chunk = 0; chunk < kStepChunks && !done_; ++chunk) {
    // What is behind it says that a chunk is not the last; the end is, as long as it has not been added.
    const bool more = left.size() > kChunkBytes;
    if (!more && !rows_done_) break;
    const std::string_view plaintext = left.substr(0, kChunkBytes);
    if (absl::Status sealed = cipher_->Seal(plaintext, !more, out); !sealed.ok()) return sealed;
    left.remove_prefix(plaintext.size());
    done_ = !more;
  }
  plain_.erase(0, plain_.size() - left.size());
  return absl::OkStatus();
}

}  // namespace coalition::backup
