// A mirror in a directory of the test's own, and what it is fed with.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/mirror.h"
#include "common/ids.h"
#include "common/timestamp.h"

namespace coalition::client {

class SetClock final : public Clock {
 public:
  int64_t NowNs() const override { return now_ns; }
  std::atomic<int64_t> now_ns{1'790'000'000'000'000'000};
  void Pass(std::chrono::nanoseconds time) { now_ns += time.count(); }
};

inline std::string RecordName(int number) {
  std::string bytes(kRecordIdBytes, '\0');
  for (size_t i = 0; i < 4; ++i) bytes[i] = static_cast<char>(number >> (8 * i));
  return FormatRecordName(RecordIdFromBytes(bytes));
}

// A report that stands, created `number` seconds after the others.
inline v1::Record MakeReport(int number, const std::string& seller_id) {
  v1::Record record;
  record.set_name(RecordName(number));
  record.set_record_class(v1::RECORD_CLASS_OFFENDER_REPORT);
  record.set_state(v1::RECORD_STATE_ACTIVE);
  record.set_label(v1::LABEL_AMBER);
  record.set_permitted_action(v1::PERMITTED_ACTION_CONTACT_FOR_INSTRUCTION);
  record.mutable_seller()->set_platform("bazaar.example");
  record.mutable_seller()->set_seller_id(seller_id);
  record.mutable_create_time()->set_seconds(1'780'000'000 + number);
  return record;
}

// Builds one response.
class Say {
 public:
  explicit Say(const std::string& cursor) { response_.set_cursor(cursor); }
  Say& Upsert(const v1::Record& record) {
    *response_.add_events()->mutable_upsert() = record;
    return *this;
  }
  Say& Retract(int number, v1::RetractionKind kind = v1::RETRACTION_KIND_GONE) {
    v1::Retraction& retraction = *response_.add_events()->mutable_retract();
    retraction.set_name(RecordName(number));
    retraction.set_kind(kind);
    return *this;
  }
  Say& SnapshotComplete() {
    response_.set_snapshot_complete(true);
    return *this;
  }
  Say& CompleteAt(int64_t ns) {
    *response_.mutable_complete_until() = ToTimestamp(ns);
    return *this;
  }
  operator v1::WatchRecordsResponse() const { return response_; }  // NOLINT(google-explicit-constructor)

 private:
  v1::WatchRecordsResponse response_;
};

class MirrorFixture : public ::testing::Test {
 protected:
  MirrorFixture() {
    std::string pattern = ::testing::TempDir() + "/mirror-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    root_ = pattern;
    options_.directory = root_ + "/mirror";
    options_.clock = &clock_;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  int64_t now() const { return clock_.NowNs(); }
  absl::StatusOr<std::unique_ptr<Mirror>> TryOpen(bool read_only = false) const {
    MirrorOptions options = options_;
    options.read_only = read_only;
    return Mirror::Open(options);
  }
  std::unique_ptr<Mirror> Open(bool read_only = false) const {
    absl::StatusOr<std::unique_ptr<Mirror>> mirror = TryOpen(read_only);
    EXPECT_TRUE(mirror.ok()) << mirror.status();
    if (!mirror.ok()) std::abort();
    return *std::move(mirror);
  }
  static void Apply(Mirror& mirror, const v1::WatchRecordsResponse& response) {
    const absl::Status status = mirror.Apply(response);
    EXPECT_TRUE(status.ok()) << status;
  }
  // Report `number` about seller `seller_id`, which is all that there is.
  void Fill(Mirror& mirror, int number, const std::string& seller_id, const std::string& cursor) {
    Apply(mirror, Say(cursor).Upsert(MakeReport(number, seller_id)).SnapshotComplete().CompleteAt(now()));
  }
  // "LISTED", or the error's code.
  static std::string Verdict(const Mirror& mirror, const std::string& seller_id) {
    const absl::StatusOr<MirrorAnswer> answer = mirror.Check("bazaar.example", seller_id);
    if (!answer.ok()) return absl::StatusCodeToString(answer.status().code());
    return v1::Verdict_Name(answer->verdict).substr(8);
  }
  std::string Path(const std::string& file) const { return options_.directory + "/" + file; }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory))
      names.push_back(entry.path().filename());
    return names;
  }
  static std::string Read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  static void Write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }

  SetClock clock_;
  std::string root_;
  MirrorOptions options_;
};

}  // namespace coalition::client
