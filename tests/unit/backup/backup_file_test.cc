// The file of a backup: whatever was changed in it, cut off or joined is found.
#include "server/backup/backup_file.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "common/big_endian.h"
#include "common/hash.h"
#include "tests/support/backups.h"
#include "tests/support/store/scratch_dir.h"

namespace coalition::testing {
namespace {

using ::testing::HasSubstr;

// Gives the hash of a word: private keys that another implementation can have too.
class Hashed final : public Random {
 public:
  explicit Hashed(std::string_view word) : bytes_(Sha256(word)) {}
  void Fill(std::span<uint8_t> out) override { std::copy_n(bytes_.begin(), out.size(), out.begin()); }

 private:
  const Sha256Digest bytes_;
};

class BackupFileTest : public ::testing::Test {
 protected:
  // So many rows of so many bytes.
  void Put(int rows, size_t bytes) {
    std::vector<store::Write> writes;
    for (int i = 0; i < rows; ++i)
      writes.push_back({"key-" + std::to_string(1'000 + i), std::string(bytes, static_cast<char>('a' + i))});
    MustCommit(store_, Writing(std::move(writes)));
  }
  absl::Status StatusOf(const std::string& file) const { return ReadBackup(file, key_).status(); }

  const X25519Key key_ = NewKey();
  MemoryStore store_;
};

// What a file holds is laid down here, byte by byte, beside the code that writes it: an older backup is to be
// read by every later version.
TEST_F(BackupFileTest, TheFormatIsWhatTheHeaderSays) {
  const backup::FileHeader header{key_.public_key(), NewKey().public_key()};
  const std::string bytes = backup::EncodeHeader(header);
  ASSERT_EQ(bytes.size(), backup::kHeaderBytes);
  EXPECT_EQ(bytes.substr(0, 20), "coalition-backup/v1\n");
  EXPECT_EQ(bytes.substr(20, 32), Bytes(header.recipient));
  EXPECT_EQ(bytes.substr(52, 32), Bytes(header.ephemeral));
  EXPECT_EQ(bytes.substr(84), Bytes(Sha256(bytes.substr(0, 84))));
  // Two keys, and what they encrypt "a", the first chunk, and "b", the last one, to: calculated with another
  // implementation (Python's cryptography).
  Hashed recipients("recipient"), own_bytes("file");
  const X25519Key recipient = X25519Key::Generate(recipients).value();
  const X25519Key own = X25519Key::Generate(own_bytes).value();
  const backup::FileHeader known{recipient.public_key(), own.public_key()};
  const auto cipher = backup::ChunkCipher::Make(known, own);
  ASSERT_TRUE(cipher.ok()) << cipher.status();
  std::string first, last;
  ASSERT_TRUE((*cipher)->Seal("a", false, &first).ok());
  ASSERT_TRUE((*cipher)->Seal("b", true, &last).ok());
  EXPECT_EQ(HexEncode(first), "a95df8b439a8d7a1cd8c7c3cb84c24ac2b");
  EXPECT_EQ(HexEncode(last), "e2e374caf1b9d244ce6ee0e385a6151237");
}

TEST_F(BackupFileTest, EveryByteThatWasChangedIsFound) {
  Put(3, 20);
  const std::string file = BackUp(store_, key_);
  ASSERT_LT(file.size(), 1'000U);
  ASSERT_EQ(*ReadBackup(file, key_), RowsOf(store_, store_.Head()));
  for (size_t at = 0; at < file.size(); ++at) {
    std::string changed = file;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const absl::Status status = StatusOf(changed);
    EXPECT_FALSE(status.ok()) << at;
    if (at >= backup::kFileMagic.size()) {
      EXPECT_TRUE(absl::IsDataLoss(status)) << at << ": " << status;
      EXPECT_THAT(status.message(), HasSubstr(at < backup::kHeaderBytes ? "at byte 0" : "at byte 116"));
    }
  }
}

TEST_F(BackupFileTest, EveryLengthThatItIsCutToIsFound) {
  Put(3, 20);
  const std::string file = BackUp(store_, key_);
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(StatusOf(file.substr(0, size)).ok()) << size;
  }
  EXPECT_TRUE(absl::IsDataLoss(StatusOf(file + '\0')));
}

TEST_F(BackupFileTest, CuttingItBetweenChunksIsFound) {
  Put(10, 50'000);
  const std::string file = BackUp(store_, key_);
  size_t borders = 0;
  for (size_t size = backup::kHeaderBytes; size < file.size(); size += backup::kSealedChunkBytes, ++borders) {
    EXPECT_TRUE(absl::IsDataLoss(StatusOf(file.substr(0, size)))) << size;
  }
  EXPECT_EQ(borders, 8U);
}

TEST_F(BackupFileTest, ChunksThatWereMovedLeftOutOrJoinedAreFound) {
  Put(10, 50'000);
  const std::string file = BackUp(store_, key_), other = BackUp(store_, key_);
  ASSERT_EQ(file.size(), other.size());
  const size_t header = backup::kHeaderBytes, chunk = backup::kSealedChunkBytes;
  const auto piece = [&](const std::string& of, size_t number) {
    return of.substr(header + number * chunk, chunk);
  };
  const std::string begin = file.substr(0, header);
  const std::string rest = file.substr(header + 2 * chunk);
  ASSERT_TRUE(StatusOf(begin + piece(file, 0) + piece(file, 1) + rest).ok()) << "positive control";
  const std::string changed[] = {begin + piece(file, 1) + piece(file, 0) + rest,
                                 begin + piece(file, 1) + rest,
                                 begin + piece(file, 0) + piece(file, 0) + piece(file, 1) + rest,
                                 begin + piece(file, 0) + piece(other, 1) + rest,
                                 file + other,
                                 file + other.substr(header),
                                 other.substr(0, header) + file.substr(header)};
  for (const std::string& one : changed) EXPECT_TRUE(absl::IsDataLoss(StatusOf(one)));
  EXPECT_THAT(StatusOf(changed[3]).message(), HasSubstr("at byte 65668"));
}

TEST_F(BackupFileTest, AnotherKeyOpensNothing) {
  Put(1, 20);
  const std::string file = BackUp(store_, key_);
  const X25519Key other = NewKey();
  const absl::Status status = ReadBackup(file, other).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr(X25519KeyId(key_.public_key())));
  EXPECT_EQ(*backup::ReadRecipient(SourceOf(file)), key_.public_key());
  // A header that names the other key opens nothing with that one either.
  auto header = *backup::DecodeHeader(file.substr(0, backup::kHeaderBytes));
  header.recipient = other.public_key();
  EXPECT_TRUE(absl::IsDataLoss(
      ReadBackup(backup::EncodeHeader(header) + file.substr(backup::kHeaderBytes), other).status()));
  EXPECT_EQ(file.find("key-1000"), std::string::npos);
}

TEST_F(BackupFileTest, WhatIsNoBackupIsToldFromADamagedOne) {
  EXPECT_TRUE(absl::IsInvalidArgument(StatusOf("")));
  EXPECT_TRUE(absl::IsInvalidArgument(StatusOf(std::string(500, 'x'))));
  std::string later = BackUp(store_, key_);
  later[18] = '2';
  EXPECT_THAT(StatusOf(later).message(), HasSubstr("of a version"));
  EXPECT_TRUE(absl::IsDataLoss(StatusOf("coalition-backup/v1\n")));
}

TEST_F(BackupFileTest, AFileIsReadFromTheDisk) {
  Put(10, 50'000);
  const ScratchDir dir;
  const std::string path = dir.Sub("it.backup");
  std::ofstream(path, std::ios::binary) << BackUp(store_, key_);
  auto source = backup::OpenFile(path);
  ASSERT_TRUE(source.ok()) << source.status();
  const auto reader = backup::BackupReader::Open(*std::move(source), key_);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->meta().trust_domain(), "coalition.example");
  EXPECT_EQ((*reader)->meta().revision(), store_.Head());
  EXPECT_EQ((*reader)->meta().checkpoint(), "a note\n");
  EXPECT_EQ((*reader)->ReadRows([](const backup::Row&) { return absl::OkStatus(); })->rows(), 10U);
  EXPECT_TRUE(absl::IsNotFound(backup::OpenFile(dir.Sub("none")).status()));
}

// Frames that the writer would not make, sealed all the same.
class ForgedFramesTest : public BackupFileTest {
 protected:
  absl::Status ReadFrames(const std::string& plaintext) const {
    const X25519Key own = NewKey();
    const backup::FileHeader header{key_.public_key(), own.public_key()};
    std::string file = backup::EncodeHeader(header);
    EXPECT_TRUE((*backup::ChunkCipher::Make(header, own))->Seal(plaintext, true, &file).ok());
    return StatusOf(file);
  }
  static std::string Frame(char type, const std::string& payload) {
    std::string frame(1, type);
    AppendBigEndian<uint32_t>(static_cast<uint32_t>(payload.size()), &frame);
    return frame + payload;
  }
  static std::string RowFrame(const std::string& key, store::Revision revision) {
    std::string payload;
    AppendBigEndian<uint32_t>(static_cast<uint32_t>(key.size()), &payload);
    AppendBigEndian<uint64_t>(revision, &payload);
    return Frame('R', payload + key + "value");
  }
  static std::string EndFrame(uint64_t rows, const std::string& before) {
    storage::v1::BackupEnd end;
    end.set_rows(rows);
    end.set_sha256(std::string(Bytes(Sha256(before))));
    return Frame('E', end.SerializeAsString());
  }
  const std::string meta_ = Frame('M', MetaAt(7).SerializeAsString());
};

TEST_F(ForgedFramesTest, AreRefused) {
  const std::string a = RowFrame("a", 7), b = RowFrame("b", 3);
  EXPECT_TRUE(ReadFrames(meta_ + a + b + EndFrame(2, meta_ + a + b)).ok()) << "positive control";
  const std::string forged[] = {
      meta_ + b + a + EndFrame(2, meta_ + b + a),                              // out of order
      meta_ + a + a + EndFrame(2, meta_ + a + a),                              // twice
      meta_ + RowFrame("a", 8) + EndFrame(1, meta_ + RowFrame("a", 8)),        // newer than the backup
      meta_ + a + EndFrame(2, meta_ + a),                                      // one too few
      meta_ + a + EndFrame(1, meta_ + b),                                      // others
      meta_ + a,                                                               // no end
      meta_ + EndFrame(0, meta_) + EndFrame(0, meta_),                         // two
      meta_ + EndFrame(0, meta_) + "x",                                        // more behind it
      meta_ + meta_ + EndFrame(0, meta_ + meta_),                              // begins twice
      a + EndFrame(1, a),                                                      // does not begin
      meta_ + Frame('R', "short") + EndFrame(1, meta_ + Frame('R', "short")),  // no row
      meta_ + Frame('R', "\xff\xff\xff\xff" + std::string(8, '\0')) + EndFrame(1, meta_),
      meta_ + "R\xff\xff\xff\xff",  // longer than the file
      meta_ + Frame('E', "\xff") + EndFrame(0, meta_)};
  for (size_t i = 0; i < std::size(forged); ++i) {
    EXPECT_TRUE(absl::IsDataLoss(ReadFrames(forged[i]))) << i << ": " << ReadFrames(forged[i]);
  }
}

}  // namespace
}  // namespace coalition::testing
