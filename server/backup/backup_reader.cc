#include "server/backup/backup_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/big_endian.h"
#include "common/fd.h"
#include "common/hash.h"
#include "server/backup/backup_file.h"

namespace coalition::backup {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;

absl::Status Damaged(std::string_view how, uint64_t at) {
  return absl::DataLossError(
      absl::StrCat("the backup is damaged: ", std::string(how), ", in the part at byte ", at));
}

// Until `bytes` has so many, or there are no more.
absl::Status Fill(const ByteSource& source, size_t wanted, std::string* bytes) {
  while (bytes->size() < wanted) {
    const size_t before = bytes->size();
    if (absl::Status read = source(kReadBytes, bytes); !read.ok()) return read;
    if (bytes->size() == before) break;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ByteSource> OpenFile(const std::string& path) {
  auto file = std::make_shared<Fd>(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file->get() < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  return [file, path](size_t bytes_max, std::string* to) {
    const size_t at = to->size();
    to->resize(at + bytes_max);
    ssize_t count = 0;
    do {
      count = read(file->get(), to->data() + at, bytes_max);
    } while (count < 0 && errno == EINTR);
    const int error = errno;
    to->resize(at + static_cast<size_t>(count < 0 ? 0 : count));
    return count < 0 ? absl::ErrnoToStatus(error, absl::StrCat("cannot read ", path)) : absl::OkStatus();
  };
}

// Bytes become chunks, those a series of frames.
class BackupReader::Impl {
 public:
  Impl(ByteSource source, std::string sealed, std::unique_ptr<ChunkCipher> cipher)
      : source_(std::move(source)), sealed_(std::move(sealed)), cipher_(std::move(cipher)) {}

  absl::Status ReadMeta();
  absl::StatusOr<storage::v1::BackupEnd> ReadRows(const RowVisitor& visit);
  const storage::v1::BackupMeta& meta() const { return meta_; }

 private:
  struct Frame {
    char type = 0;
    std::string_view payload;  // until the next is read
  };

  absl::StatusOr<Frame> ReadFrame();
  absl::Status NeedPlain(size_t size);
  absl::Status NextChunk();
  absl::Status TakeRow(std::string_view payload, const RowVisitor& visit);
  absl::StatusOr<storage::v1::BackupEnd> TakeEnd(std::string_view payload);

  const ByteSource source_;
  std::string sealed_;            // read, and not opened
  uint64_t at_ = 0;               // of the newest chunk in the file
  uint64_t next_ = kHeaderBytes;  // and of the one after it
  bool last_chunk_ = false;       // that was opened
  const std::unique_ptr<ChunkCipher> cipher_;
  std::string plain_;
  size_t taken_ = 0;  // of it
  Sha256Stream digest_;
  storage::v1::BackupMeta meta_;
  uint64_t rows_ = 0;
  std::string last_key_;
};

absl::Status BackupReader::Impl::NextChunk() {
  if (last_chunk_) return Damaged("it ends too early", at_);
  // One byte more says that it is not the last.
  if (absl::Status filled = Fill(source_, kSealedChunkBytes + 1, &sealed_); !filled.ok()) return filled;
  last_chunk_ = sealed_.size() <= kSealedChunkBytes;
  const size_t size = last_chunk_ ? sealed_.size() : kSealedChunkBytes;
  at_ = next_;
  next_ += size;
  plain_.erase(0, taken_);
  taken_ = 0;
  if (!cipher_->Open(std::string_view(sealed_).substr(0, size), last_chunk_, &plain_)) {
    return Damaged(last_chunk_ ? "it was changed, or cut off" : "it was changed, or joined", at_);
  }
  sealed_.erase(0, size);
  return absl::OkStatus();
}

absl::Status BackupReader::Impl::NeedPlain(size_t size) {
  while (plain_.size() - taken_ < size) {
    if (absl::Status next = NextChunk(); !next.ok()) return next;
  }
  return absl::OkStatus();
}

absl::StatusOr<BackupReader::Impl::Frame> BackupReader::Impl::ReadFrame() {
  if (absl::Status need = NeedPlain(kFrameHeadBytes); !need.ok()) return need;
  const size_t size = kFrameHeadBytes +
                      ReadBigEndian<uint32_t>(std::string_view(plain_).substr(taken_ + 1, sizeof(uint32_t)));
  if (absl::Status need = NeedPlain(size); !need.ok()) return need;
  const std::string_view bytes = std::string_view(plain_).substr(taken_, size);
  taken_ += size;
  // What the end says is of all before it.
  if (bytes[0] != kEndFrame) digest_.Update(bytes);
  return Frame{bytes[0], bytes.substr(kFrameHeadBytes)};
}

absl::Status BackupReader::Impl::ReadMeta() {
  const absl::StatusOr<Frame> frame = ReadFrame();
  if (!frame.ok()) return frame.status();
  if (frame->type != kMetaFrame || !meta_.ParseFromString(std::string(frame->payload))) {
    return Damaged("it does not begin with what it is a backup of", at_);
  }
  return absl::OkStatus();
}

absl::StatusOr<storage::v1::BackupEnd> BackupReader::Impl::ReadRows(const RowVisitor& visit) {
  for (;;) {
    const absl::StatusOr<Frame> frame = ReadFrame();
    if (!frame.ok()) return frame.status();
    if (frame->type == kEndFrame) return TakeEnd(frame->payload);
    if (frame->type != kRowFrame) return Damaged("neither a row nor its end", at_);
    if (absl::Status taken = TakeRow(frame->payload, visit); !taken.ok()) return taken;
  }
}

absl::Status BackupReader::Impl::TakeRow(std::string_view payload, const RowVisitor& visit) {
  if (payload.size() < kRowHeadBytes) return Damaged("a row is malformed", at_);
  const size_t key_bytes = ReadBigEndian<uint32_t>(payload);
  if (key_bytes > payload.size() - kRowHeadBytes) return Damaged("a row is malformed", at_);
  Row row;
  row.revision = ReadBigEndian<uint64_t>(payload.substr(sizeof(uint32_t)));
  row.key = payload.substr(kRowHeadBytes, key_bytes);
  row.value = payload.substr(kRowHeadBytes + key_bytes);
  if (rows_ > 0 && row.key <= last_key_) return Damaged("rows are out of their order", at_);
  if (row.revision > meta_.revision()) return Damaged("a row is newer than the backup", at_);
  last_key_ = row.key;
  ++rows_;
  return visit(row);
}

absl::StatusOr<storage::v1::BackupEnd> BackupReader::Impl::TakeEnd(std::string_view payload) {
  storage::v1::BackupEnd end;
  if (!end.ParseFromString(std::string(payload))) return Damaged("its end is malformed", at_);
  if (!last_chunk_ || taken_ != plain_.size()) return Damaged("there is more behind its end", at_);
  if (end.rows() != rows_ || end.sha256() != Bytes(digest_.Finish())) {
    return Damaged("its rows are not those that its end speaks of", at_);
  }
  return end;
}

absl::StatusOr<std::unique_ptr<BackupReader>> BackupReader::Open(ByteSource source, const X25519Key& key) {
  std::string bytes;
  if (absl::Status filled = Fill(source, kHeaderBytes, &bytes); !filled.ok()) return filled;
  const absl::StatusOr<FileHeader> header = DecodeHeader(std::string_view(bytes).substr(0, kHeaderBytes));
  if (!header.ok()) return header.status();
  if (header->recipient != key.public_key()) {
    return absl::FailedPreconditionError(absl::StrCat("the backup was made for the key ",
                                                      X25519KeyId(header->recipient), ", and this is ",
                                                      X25519KeyId(key.public_key())));
  }
  auto cipher = ChunkCipher::Make(*header, key);
  if (!cipher.ok()) return cipher.status();
  auto impl = std::make_unique<Impl>(std::move(source), bytes.substr(kHeaderBytes), *std::move(cipher));
  if (absl::Status read = impl->ReadMeta(); !read.ok()) return read;
  return std::unique_ptr<BackupReader>(new BackupReader(std::move(impl)));
}

BackupReader::BackupReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BackupReader::~BackupReader() = default;
const storage::v1::BackupMeta& BackupReader::meta() const { return impl_->meta(); }
absl::StatusOr<storage::v1::BackupEnd> BackupReader::ReadRows(const RowVisitor& visit) {
  return impl_->ReadRows(visit);
}

absl::StatusOr<X25519PublicKey> ReadRecipient(const ByteSource& source) {
  std::string bytes;
  if (absl::Status filled = Fill(source, kHeaderBytes, &bytes); !filled.ok()) return filled;
  const absl::StatusOr<FileHeader> header = DecodeHeader(std::string_view(bytes).substr(0, kHeaderBytes));
  if (!header.ok()) return header.status();
  return header->recipient;
}

}  // namespace coalition::backup
