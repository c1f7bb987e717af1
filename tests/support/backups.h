// Backups in memory.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "server/backup/backup_reader.h"
#include "server/backup/backup_writer.h"
#include "tests/support/store/memory_store.h"
#include "tests/support/store/store_testing.h"

namespace coalition::testing {

inline X25519Key NewKey() {
  SystemRandom random;
  return X25519Key::Generate(random).value();
}

inline storage::v1::BackupMeta MetaAt(store::Revision revision) {
  storage::v1::BackupMeta meta;
  meta.set_trust_domain("coalition.example");
  meta.set_revision(revision);
  meta.set_time_ns(17);
  meta.set_checkpoint("a note\n");
  return meta;
}

// All that is left of the writer's file.
inline absl::StatusOr<std::string> Drain(backup::BackupWriter& writer) {
  std::string file;
  for (;;) {
    const absl::StatusOr<std::string> bytes = writer.Next();
    if (!bytes.ok()) return bytes.status();
    if (bytes->empty()) return file;
    file += *bytes;
  }
}

inline std::string BackUp(const store::Store& store, const X25519Key& key) {
  SystemRandom random;
  auto writer = backup::BackupWriter::Open(store, MetaAt(store.Head()), key.public_key(), random);
  EXPECT_TRUE(writer.ok()) << writer.status();
  absl::StatusOr<std::string> file = Drain(**writer);
  EXPECT_TRUE(file.ok()) << file.status();
  return *std::move(file);
}

// Of a file in memory, in pieces of a size of their own.
inline backup::ByteSource SourceOf(std::string file, size_t piece = 1'000) {
  return [file = std::move(file), piece, at = size_t{0}](size_t bytes_max, std::string* to) mutable {
    const size_t count = std::min({piece, bytes_max, file.size() - at});
    to->append(file, at, count);
    at += count;
    return absl::OkStatus();
  };
}

using Rows = std::vector<std::tuple<std::string, std::string, store::Revision>>;

inline absl::StatusOr<Rows> ReadBackup(const std::string& file, const X25519Key& key) {
  auto reader = backup::BackupReader::Open(SourceOf(file), key);
  if (!reader.ok()) return reader.status();
  Rows rows;
  const auto end = (*reader)->ReadRows([&rows](const backup::Row& row) {
    rows.emplace_back(row.key, row.value, row.revision);
    return absl::OkStatus();
  });
  if (!end.ok()) return end.status();
  EXPECT_EQ(end->rows(), rows.size());
  return rows;
}

inline Rows RowsOf(const store::Store& store, store::Revision at) {
  Rows rows;
  EXPECT_TRUE(store
                  .ScanEach({}, {}, at,
                            [&rows](std::string_view key, std::string_view value, store::Revision revision) {
                              rows.emplace_back(key, value, revision);
                              return true;
                            })
                  .ok());
  return rows;
}

}  // namespace coalition::testing
