#include "bench/replay.h"

#include <leveldb/db.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "server/store/engine.h"
#include "server/store/leveldb_store.h"

namespace coalition::bench {
namespace {

// LevelDB's log format (leveldb/doc/log_format.md): blocks of 32 KiB with fragments of a 7-byte header,
// checksum, length and type, and in them batches: sequence number, count, records.
constexpr size_t kBlockBytes = 32768;
constexpr size_t kHeaderBytes = 7;
constexpr size_t kBatchHeaderBytes = 12;

class CapturedFile final : public leveldb::WritableFile {
 public:
  CapturedFile(leveldb::WritableFile* file, std::shared_ptr<std::string> copy)
      : file_(file), copy_(std::move(copy)) {}
  leveldb::Status Append(const leveldb::Slice& data) override {
    copy_->append(data.data(), data.size());
    return file_->Append(data);
  }
  leveldb::Status Close() override { return file_->Close(); }
  leveldb::Status Flush() override { return file_->Flush(); }
  leveldb::Status Sync() override { return file_->Sync(); }

 private:
  const std::unique_ptr<leveldb::WritableFile> file_;
  const std::shared_ptr<std::string> copy_;
};

absl::Status Broken() {
  return absl::DataLossError("the captured write-ahead log is not as LevelDB writes it");
}

bool TakeVarint(std::string_view* data, size_t* value) {
  *value = 0;
  for (int shift = 0; shift < 35 && !data->empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(data->front());
    data->remove_prefix(1);
    *value |= static_cast<size_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool TakeString(std::string_view* data, leveldb::Slice* text) {
  size_t size = 0;
  if (!TakeVarint(data, &size) || size > data->size()) return false;
  *text = leveldb::Slice(data->data(), size);
  data->remove_prefix(size);
  return true;
}

bool ParseBatch(std::string_view data, leveldb::WriteBatch* batch) {
  if (data.size() < kBatchHeaderBytes) return false;
  data.remove_prefix(kBatchHeaderBytes);
  while (!data.empty()) {
    const bool put = data.front() == 1;
    data.remove_prefix(1);
    leveldb::Slice key, value;
    if (!TakeString(&data, &key) || (put && !TakeString(&data, &value))) return false;
    if (put) {
      batch->Put(key, value);
    } else {
      batch->Delete(key);
    }
  }
  return true;
}

bool ParseLog(std::string_view log, std::vector<leveldb::WriteBatch>* batches) {
  constexpr uint8_t kFull = 1, kFirst = 2, kLast = 4;
  std::string whole;
  size_t at = 0;
  while (at < log.size()) {
    const size_t left_in_block = kBlockBytes - at % kBlockBytes;
    if (left_in_block < kHeaderBytes) {
      at += left_in_block;
      continue;
    }
    if (log.size() - at < kHeaderBytes) return false;
    const size_t size = static_cast<uint8_t>(log[at + 4]) | (size_t{static_cast<uint8_t>(log[at + 5])} << 8);
    const auto type = static_cast<uint8_t>(log[at + 6]);
    at += kHeaderBytes;
    if (log.size() - at < size) return false;
    if (type == kFull || type == kFirst) whole.clear();
    whole.append(log.substr(at, size));
    at += size;
    if (type != kFull && type != kLast) continue;
    if (!ParseBatch(whole, &batches->emplace_back())) return false;
  }
  return true;
}

}  // namespace

leveldb::Status CapturingEnv::NewWritableFile(const std::string& name, leveldb::WritableFile** result) {
  const leveldb::Status status = target()->NewWritableFile(name, result);
  if (!status.ok() || !std::string_view(name).ends_with(".log")) return status;
  auto copy = std::make_shared<std::string>();
  *result = new CapturedFile(*result, copy);
  const std::lock_guard lock(mutex_);
  logs_.push_back(std::move(copy));
  return status;
}

absl::StatusOr<std::vector<leveldb::WriteBatch>> CapturingEnv::Batches() const {
  std::vector<leveldb::WriteBatch> batches;
  for (const auto& log : logs_) {
    if (!ParseLog(*log, &batches)) return Broken();
  }
  return batches;
}

absl::StatusOr<double> Replay(std::vector<leveldb::WriteBatch>& batches, const std::string& dir) {
  store::LevelDbOptions options;
  options.dir = dir;
  const auto engine = store::OpenEngine(options);
  if (!engine.ok()) return engine.status();
  leveldb::WriteOptions sync;
  sync.sync = true;
  const auto start = std::chrono::steady_clock::now();
  for (leveldb::WriteBatch& batch : batches) {
    if (const leveldb::Status status = (*engine)->db->Write(sync, &batch); !status.ok()) {
      return absl::UnavailableError(status.ToString());
    }
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace coalition::bench
