#include "common/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

#include "common/merkle.h"

namespace coalition {
namespace {

using ::testing::HasSubstr;

// Of a public log, with the cosignatures of public witnesses; two of its six signatures are of algorithms or
// keys that are passed over.
constexpr char kPublicOrigin[] = "arche2025h1.staging.ct.transparency.dev";
constexpr char kPublicText[] =
    "arche2025h1.staging.ct.transparency.dev\n"
    "1432088532\n"
    "U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n";
constexpr char kPublicSignatures[] =
    "— arche2025h1.staging.ct.transparency.dev "
    "zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5"
    "zRNZ"
    "55lvGt0=\n"
    "— arche2025h1.staging.ct.transparency.dev "
    "ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n"
    "— transparency.dev/DEV:witness-little-garden "
    "2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/"
    "KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==\n"
    "— witness1.smartit.nu/witness1 "
    "pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/"
    "iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==\n"
    "— remora.n621.de "
    "2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/"
    "zZ0WBxtqB0DrAWfBw==\n"
    "— witness.stagemole.eu "
    "Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/"
    "TmN9DAg==\n";
constexpr char kPublicLogKey[] =
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f";
// In another order than they signed.
constexpr const char* kPublicWitnesses[] = {
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM"};
constexpr uint64_t kPublicTime = 1'779'573'024;

std::string PublicNote() { return std::string(kPublicText) + "\n" + kPublicSignatures; }

std::vector<VerifierKey> PublicWitnesses() {
  std::vector<VerifierKey> keys;
  for (const char* text : kPublicWitnesses) keys.push_back(VerifierKey::Parse(text).value());
  return keys;
}

// The same each time, and nobody's.
Ed25519Key SomeKey(std::string_view name) { return Ed25519Key::FromSeed(Sha256(name)).value(); }

VerifierKey Verifier(std::string_view name, NoteAlgorithm algorithm, const Ed25519Key& key) {
  return VerifierKey::Make(name, algorithm, key.public_key()).value();
}

// A log and a witness of its own.
class CheckpointTest : public ::testing::Test {
 protected:
  static constexpr char kOrigin[] = "ledger.example/coalition";
  static constexpr char kWitness[] = "aurore.example/witness";

  std::string Note() const { return SignCheckpoint(checkpoint_, log_key_).value(); }
  absl::StatusOr<OpenedCheckpoint> Open(std::string_view note) const {
    return OpenCheckpoint(note, log_keys_, kOrigin, witnesses_);
  }

  Checkpoint checkpoint_{kOrigin, 8, merkle::HashLeaf("root"), {}};
  Ed25519Key log_key_ = SomeKey("log");
  Ed25519Key witness_key_ = SomeKey("witness");
  std::vector<VerifierKey> log_keys_{Verifier(kOrigin, NoteAlgorithm::kEd25519, log_key_)};
  std::vector<VerifierKey> witnesses_{Verifier(kWitness, NoteAlgorithm::kCosignatureV1, witness_key_)};
};

TEST(PublicCheckpoint, IsVerifiedWithItsCosignatures) {
  const std::vector<VerifierKey> log_keys = {VerifierKey::Parse(kPublicLogKey).value()};
  const absl::StatusOr<OpenedCheckpoint> opened =
      OpenCheckpoint(PublicNote(), log_keys, kPublicOrigin, PublicWitnesses());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->checkpoint.origin, kPublicOrigin);
  EXPECT_EQ(opened->checkpoint.size, 1'432'088'532U);
  EXPECT_EQ(HexEncode(Bytes(opened->checkpoint.root)),
            HexEncode(DecodeBase64("U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=").value()));
  EXPECT_EQ(opened->text, kPublicText);
  EXPECT_EQ(opened->cosignatures,
            (std::vector<Cosignature>{{2, kPublicTime}, {1, kPublicTime}, {0, kPublicTime}}));
  EXPECT_EQ(FormatCheckpoint(opened->checkpoint).value(), kPublicText);
}

// Witnesses alone make no checkpoint, and a time is as much signed as the text.
TEST(PublicCheckpoint, IsRefusedWithoutItsLogOrWithAnotherTime) {
  EXPECT_TRUE(absl::IsFailedPrecondition(
      OpenCheckpoint(PublicNote(), {}, kPublicOrigin, PublicWitnesses()).status()));
  const std::vector<VerifierKey> log_keys = {VerifierKey::Parse(kPublicLogKey).value()};
  std::string later = PublicNote();
  const size_t time = later.find("2net5wAAAABqEiEg");
  later.replace(time, 16, "2net5wAAAABqEiEh");
  EXPECT_TRUE(absl::IsDataLoss(OpenCheckpoint(later, log_keys, kPublicOrigin, PublicWitnesses()).status()));
  EXPECT_TRUE(OpenCheckpoint(later, log_keys, kPublicOrigin).ok());
}

TEST_F(CheckpointTest, IsOpenedAsItWasSigned) {
  for (const size_t count : {0, 1, 2}) {
    checkpoint_.extensions.assign(count, "extension \xc3\xa9");
    const absl::StatusOr<OpenedCheckpoint> opened = Open(Note());
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->checkpoint, checkpoint_);
    EXPECT_TRUE(opened->cosignatures.empty());
  }
  checkpoint_ = {kOrigin, 0, merkle::EmptyRoot(), {}};
  EXPECT_EQ(Open(Note())->checkpoint, checkpoint_);
  checkpoint_ = {kOrigin, ~uint64_t{0}, merkle::HashLeaf("root"), {}};
  EXPECT_EQ(Open(Note())->checkpoint, checkpoint_);
}

TEST_F(CheckpointTest, IsCosigned) {
  const std::string first = CosignCheckpoint(Note(), kWitness, witness_key_, 1'700'000'000).value();
  EXPECT_EQ(Open(first)->cosignatures, (std::vector<Cosignature>{{0, 1'700'000'000}}));
  const std::string second = CosignCheckpoint(first, kWitness, witness_key_, kCosignatureTimeMax).value();
  EXPECT_EQ(Open(second)->cosignatures, (std::vector<Cosignature>{{0, kCosignatureTimeMax}}));
  EXPECT_EQ(Open(second)->checkpoint, checkpoint_);
  EXPECT_EQ(ParseNote(second)->signatures.size(), 2U);
  EXPECT_TRUE(absl::IsInvalidArgument(
      CosignCheckpoint(first, kWitness, witness_key_, kCosignatureTimeMax + 1).status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(CosignCheckpoint("a\n\n— b AAAAAAA=\n", kWitness, witness_key_, 1).status()));
}

// Made with another implementation, from the private key that the documentation of Go's sumdb/note publishes.
TEST(Checkpoint, IsSignedAndCosignedByteForByte) {
  const std::string seed_bytes =
      HexDecode("810a1402d5146c8d84f2443330f54080ebf98ee17d9c74f6252fc5d5c7283173").value();
  std::array<uint8_t, kEd25519KeyBytes> seed{};
  std::copy(seed_bytes.begin(), seed_bytes.end(), seed.begin());
  const Ed25519Key key = Ed25519Key::FromSeed(seed).value();
  const std::string text = "example.com/log\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n";
  const std::string signed_note = SignCheckpoint(ParseCheckpoint(text).value(), key).value();
  EXPECT_EQ(signed_note,
            text +
                "\n— example.com/log "
                "uqBrD8md6KH/K8nsTyCpMroEpsokvZnLjgKBwfmwqiP5VtzG9OOz0MvF+3swZXnW5cfj5dOF4rToWcwTH6a7b5"
                "82ZAQ=\n");
  EXPECT_EQ(CosignCheckpoint(signed_note, "witness.example/w1", key, 1'700'000'000).value(),
            signed_note +
                "— witness.example/w1 "
                "zJpwRAAAAABlU/EALNO8BQxPTTF8V+RfAnJRQXsdaTcki/"
                "hj4cWR2vuyTfJffBGCi6vU+EaZRcU0um4mGCVkG6Iqwd7mFWB7N7N1"
                "Ag==\n");
}

TEST_F(CheckpointTest, IsOfOneLogAndItsKeys) {
  const std::string note = Note();
  const auto open = [&](const std::vector<VerifierKey>& keys, const char* origin) {
    return OpenCheckpoint(note, keys, origin, witnesses_).status();
  };
  const VerifierKey other = Verifier(kOrigin, NoteAlgorithm::kEd25519, SomeKey("next"));
  EXPECT_TRUE(absl::IsFailedPrecondition(open({other}, kOrigin)));
  EXPECT_TRUE(open({other, log_keys_[0]}, kOrigin).ok());
  const absl::Status another_log = open(log_keys_, "ledger.example/another");
  EXPECT_TRUE(absl::IsFailedPrecondition(another_log));
  EXPECT_THAT(std::string(another_log.message()), HasSubstr("\"ledger.example/coalition\""));
  // A cosigner's key where a log's is wanted, and the other way round.
  EXPECT_TRUE(absl::IsInvalidArgument(OpenCheckpoint(note, witnesses_, kOrigin).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(OpenCheckpoint(note, log_keys_, kOrigin, log_keys_).status()));
}

TEST_F(CheckpointTest, IsNotOpenedWithAWrongCosignature) {
  Checkpoint next = checkpoint_;
  next.size = 9;
  // Of another checkpoint.
  const std::string of_next =
      CosignCheckpoint(SignCheckpoint(next, log_key_).value(), kWitness, witness_key_, 5).value();
  const std::string moved = AddSignature(Note(), ParseNote(of_next)->signatures.back()).value();
  EXPECT_TRUE(absl::IsDataLoss(Open(moved).status()));
  EXPECT_TRUE(OpenCheckpoint(moved, log_keys_, kOrigin).ok());
}

TEST_F(CheckpointTest, RefusesEveryFlippedBit) {
  std::string note = CosignCheckpoint(Note(), kWitness, witness_key_, 1'700'000'000).value();
  for (size_t bit = 0; bit < 8 * note.size(); ++bit) {
    const char before = note[bit / 8];
    note[bit / 8] = static_cast<char>(before ^ (1 << (bit % 8)));
    const absl::StatusOr<OpenedCheckpoint> opened = Open(note);
    // What makes the witness a stranger takes its cosignature away, and nothing else.
    ASSERT_TRUE(!opened.ok() || (opened->checkpoint == checkpoint_ && opened->cosignatures.empty())) << bit;
    note[bit / 8] = before;
  }
  ASSERT_EQ(Open(note)->cosignatures.size(), 1U);
}

constexpr char kRoot[] = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

TEST(Checkpoint, ParsesTheExampleOfTheFormat) {
  const std::string text = std::string("example.com/behind-the-sofa\n20852163\n") + kRoot + "\n";
  EXPECT_EQ(ParseCheckpoint(text)->size, 20'852'163U);
  EXPECT_EQ(FormatCheckpoint(ParseCheckpoint(text).value()).value(), text);
  // Origins are what they are, as long as nobody signs with such a name.
  const std::string spaced = std::string("an origin + spaces\n1\n") + kRoot + "\nextension\n";
  EXPECT_EQ(ParseCheckpoint(spaced)->extensions, std::vector<std::string>{"extension"});
  EXPECT_TRUE(
      absl::IsInvalidArgument(SignCheckpoint(ParseCheckpoint(spaced).value(), SomeKey("log")).status()));
}

TEST(Checkpoint, RefusesWhatIsNone) {
  const std::string root = std::string(kRoot) + "\n";
  const std::vector<std::string> refused = {
      "", "a\n", "a\n1\n", std::string("a\n1\n") + kRoot,
      // Empty lines.
      "\n1\n" + root, "a\n\n" + root, "a\n1\n\n" + root, "a\n1\n" + root + "\n", "a\n1\n" + root + "\nx\n",
      // No sizes.
      "a\n01\n" + root, "a\n00\n" + root, "a\n+1\n" + root, "a\n-1\n" + root, "a\n 1\n" + root,
      "a\n1 \n" + root, "a\n0x1\n" + root, "a\n18446744073709551616\n" + root,
      // No roots: too short, too long, another spelling, no base 64, not the empty tree's.
      "a\n1\n" + root.substr(4), "a\n1\nAAAA" + root, "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
      "a\n1\n=" + root.substr(1), "a\n0\n" + root,
      // No text of a note.
      "a\r\n1\n" + root, "a\x80\n1\n" + root};
  for (const std::string& text : refused) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseCheckpoint(text).status())) << text;
  }
  EXPECT_TRUE(ParseCheckpoint("a\n1\n" + root).ok());
}

TEST(Checkpoint, FormatsNothingThatItWouldRefuse) {
  const Sha256Digest root = merkle::HashLeaf("root");
  for (const Checkpoint& checkpoint :
       {Checkpoint{"", 1, root, {}}, Checkpoint{"a\nb", 1, root, {}}, Checkpoint{"a", 1, root, {""}},
        Checkpoint{"a", 1, root, {"x\ny"}}, Checkpoint{"a", 1, root, {"x\n"}}, Checkpoint{"a", 0, root, {}},
        Checkpoint{std::string("a\n5\n") + kRoot, 1, root, {}}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(FormatCheckpoint(checkpoint).status())) << checkpoint.origin;
  }
}

}  // namespace
}  // namespace coalition
