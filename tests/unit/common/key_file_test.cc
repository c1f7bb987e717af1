#include "common/key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "common/file.h"
#include "common/hash.h"
#include "common/x509_request.h"

namespace coalition {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::array<uint8_t, kEd25519KeyBytes> Bytes32(std::string_view hex) {
  const std::string bytes = HexDecode(hex).value();
  std::array<uint8_t, kEd25519KeyBytes> array{};
  std::copy(bytes.begin(), bytes.end(), array.begin());
  return array;
}

// RFC 8032 §7.1, tests 1 and 2.
TEST(Ed25519, MatchesTheStandard) {
  const struct {
    const char *seed, *public_key, *message, *signature;
  } vectors[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
       "d25bf5f0595bbe24655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
       "387b2eaeb4302aeeb00d291612bb0c00"}};
  for (const auto& vector : vectors) {
    const Ed25519Key key = Ed25519Key::FromSeed(Bytes32(vector.seed)).value();
    EXPECT_EQ(key.public_key(), Bytes32(vector.public_key));
    const std::string message = HexDecode(vector.message).value();
    EXPECT_EQ(HexEncode(key.Sign(message).value()), vector.signature);
    EXPECT_TRUE(VerifyEd25519(key.public_key(), message, HexDecode(vector.signature).value()));
  }
}

TEST(Ed25519, RefusesWhatIsNotSigned) {
  SystemRandom random;
  const Ed25519Key key = Ed25519Key::Generate(random).value(), other = Ed25519Key::Generate(random).value();
  EXPECT_NE(key.public_key(), other.public_key());
  std::string signature = key.Sign("text").value();
  EXPECT_TRUE(VerifyEd25519(key.public_key(), "text", signature));
  EXPECT_FALSE(VerifyEd25519(key.public_key(), "texts", signature));
  EXPECT_FALSE(VerifyEd25519(other.public_key(), "text", signature));
  EXPECT_FALSE(VerifyEd25519(key.public_key(), "text", ""));
  EXPECT_FALSE(VerifyEd25519(key.public_key(), "text", signature + '\0'));
  EXPECT_FALSE(VerifyEd25519(key.public_key(), "text", signature.substr(1)));
  Ed25519PublicKey no_point;
  no_point.fill(0xff);
  EXPECT_FALSE(VerifyEd25519(no_point, "text", signature));
  for (size_t bit = 0; bit < 8 * signature.size(); ++bit) {
    const char before = signature[bit / 8];
    signature[bit / 8] = static_cast<char>(before ^ (1 << (bit % 8)));
    ASSERT_FALSE(VerifyEd25519(key.public_key(), "text", signature)) << bit;
    signature[bit / 8] = before;
  }
}

class KeyFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "coalition-key-file-XXXXXX";
    dir_ = mkdtemp(pattern.data());
    path_ = dir_ + "/ledger_key.pem";
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  static unsigned ModeOf(const std::string& path) {
    struct stat facts {};
    EXPECT_EQ(stat(path.c_str(), &facts), 0);
    return facts.st_mode & 07777;
  }

  std::string dir_;
  std::string path_;
  SystemRandom random_;
  Ed25519Key key_ = Ed25519Key::Generate(random_).value();
};

TEST_F(KeyFileTest, IsReadAsItWasWritten) {
  ASSERT_TRUE(WriteKeyFile(path_, key_).ok());
  EXPECT_EQ(ModeOf(path_), 0600U);
  EXPECT_THAT(ReadFile(path_, 4096).value(), StartsWith("-----BEGIN PRIVATE KEY-----\n"));
  const absl::StatusOr<Ed25519Key> read = ReadKeyFile(path_);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->public_key(), key_.public_key());
  EXPECT_EQ(read->Sign("text").value(), key_.Sign("text").value());
}

TEST_F(KeyFileTest, ReplacesNoKey) {
  ASSERT_TRUE(WriteKeyFile(path_, key_).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(WriteKeyFile(path_, Ed25519Key::Generate(random_).value())));
  EXPECT_EQ(ReadKeyFile(path_)->public_key(), key_.public_key());
}

TEST_F(KeyFileTest, IsRefusedWhereOthersMayReadOrWriteIt) {
  ASSERT_TRUE(WriteKeyFile(path_, key_).ok());
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0644, 0666}) {
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
    const absl::Status refused = ReadKeyFile(path_).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr("chmod 600 " + path_));
  }
  ASSERT_EQ(chmod(path_.c_str(), 0400), 0);
  EXPECT_TRUE(ReadKeyFile(path_).ok());
}

TEST_F(KeyFileTest, IsRefusedWithoutAnEd25519Key) {
  EXPECT_TRUE(absl::IsNotFound(ReadKeyFile(path_).status()));
  for (const std::string& contents :
       {std::string(), std::string("key"), NewPrivateKeyPem(Curve::kP256).value()}) {
    ASSERT_TRUE(WriteFileAtomic(path_, contents, 0600).ok());
    const absl::Status refused = ReadKeyFile(path_).status();
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()), StartsWith(path_));
  }
  EXPECT_THAT(std::string(ReadKeyFile(path_).status().message()), HasSubstr("of type EC, not ED25519"));
}

TEST_F(KeyFileTest, GivesTheVerifierKeyToEveryone) {
  const VerifierKey key =
      VerifierKey::Make("ledger.example/coalition", NoteAlgorithm::kEd25519, key_.public_key()).value();
  ASSERT_TRUE(WriteVerifierKeyFile(path_, key).ok());
  EXPECT_EQ(ModeOf(path_), 0644U);
  EXPECT_EQ(ReadFile(path_, 4096).value(), key.ToText() + "\n");
  EXPECT_EQ(ReadVerifierKeyFile(path_).value(), key);
  ASSERT_TRUE(WriteFileAtomic(path_, key.ToText(), 0644).ok());
  EXPECT_EQ(ReadVerifierKeyFile(path_).value(), key);
  for (const std::string& contents :
       {std::string(), key.ToText() + "\n\n", key.ToText() + "\n" + key.ToText()}) {
    ASSERT_TRUE(WriteFileAtomic(path_, contents, 0644).ok());
    const absl::Status refused = ReadVerifierKeyFile(path_).status();
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()), StartsWith(path_));
  }
}

}  // namespace
}  // namespace coalition
