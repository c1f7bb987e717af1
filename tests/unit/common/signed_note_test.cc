#include "common/signed_note.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

#include "common/hash.h"

namespace coalition {
namespace {

using ::testing::HasSubstr;

// Of the documentation of Go's package sumdb/note.
constexpr char kPeterKey[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
constexpr char kEnochKey[] = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
// The private key that is published with it, so nobody's.
constexpr char kPeterSeed[] = "810a1402d5146c8d84f2443330f54080ebf98ee17d9c74f6252fc5d5c7283173";
constexpr char kText[] =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n";
constexpr char kPeterLine[] =
    "— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
constexpr char kEnochLine[] =
    "— EnochRoot "
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

// The example of c2sp.org/signed-note.
constexpr char kExampleKey[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
constexpr char kExampleNote[] =
    "This is an example message.\n"
    "\n"
    "— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72Ineya"
    "QM=\n";

std::string Signed() { return std::string(kText) + "\n" + kPeterLine; }

VerifierKey Key(std::string_view text) { return VerifierKey::Parse(text).value(); }

Ed25519Key PeterPrivateKey() {
  const std::string bytes = HexDecode(kPeterSeed).value();
  std::array<uint8_t, kEd25519KeyBytes> seed{};
  std::copy(bytes.begin(), bytes.end(), seed.begin());
  return Ed25519Key::FromSeed(seed).value();
}

absl::Status Open(std::string_view note, const std::vector<VerifierKey>& keys) {
  return OpenNote(note, keys).status();
}

TEST(SignedNote, OpensThePublishedNotes) {
  const absl::StatusOr<OpenedNote> example = OpenNote(kExampleNote, std::vector{Key(kExampleKey)});
  ASSERT_TRUE(example.ok()) << example.status();
  EXPECT_EQ(example->text, "This is an example message.\n");
  const std::vector<VerifierKey> keys = {Key(kEnochKey), Key(kPeterKey)};
  const absl::StatusOr<OpenedNote> both = OpenNote(Signed() + kEnochLine, keys);
  ASSERT_TRUE(both.ok()) << both.status();
  EXPECT_EQ(both->text, kText);
  EXPECT_EQ(both->endorsements, (std::vector<NoteEndorsement>{{1, std::nullopt}, {0, std::nullopt}}));
}

TEST(SignedNote, SignsAsThePublishedNoteIsSigned) {
  const NoteSignature signature = SignText(kText, "PeterNeumann", PeterPrivateKey()).value();
  EXPECT_EQ(FormatNote({kText, {signature}}).value(), Signed());
  EXPECT_EQ(
      VerifierKey::Make("PeterNeumann", NoteAlgorithm::kEd25519, PeterPrivateKey().public_key())->ToText(),
      kPeterKey);
}

TEST(SignedNote, PassesOverSignaturesOfOthers) {
  const std::vector<VerifierKey> peter = {Key(kPeterKey)};
  const std::string note = Signed() + kEnochLine + "— EnochRoot AAAAAAA=\n— PeterNeumann rwz+eAA=\n";
  const absl::StatusOr<OpenedNote> opened = OpenNote(note, peter);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->endorsements.size(), 1U);
  EXPECT_TRUE(absl::IsFailedPrecondition(Open(std::string(kText) + "\n" + kEnochLine, peter)));
  EXPECT_TRUE(absl::IsFailedPrecondition(Open(Signed(), {})));
}

TEST(SignedNote, RefusesAWrongSignatureOfAKnownKey) {
  const std::vector<VerifierKey> keys = {Key(kPeterKey), Key(kEnochKey)};
  std::string other_text = Signed() + kEnochLine;
  other_text[0] = 'i';
  EXPECT_TRUE(absl::IsDataLoss(Open(other_text, keys)));
  // Also where another signature is right, and where an earlier one of the same key is.
  const std::string wrong = "— EnochRoot rwz+eAA=\n";
  EXPECT_TRUE(absl::IsDataLoss(Open(Signed() + wrong, keys)));
  EXPECT_TRUE(absl::IsDataLoss(Open(Signed() + kEnochLine + wrong, keys)));
  EXPECT_TRUE(Open(Signed() + wrong, {Key(kPeterKey)}).ok());
}

TEST(SignedNote, RefusesEveryFlippedBit) {
  const std::vector<VerifierKey> keys = {Key(kPeterKey)};
  std::string note = Signed();
  for (size_t bit = 0; bit < 8 * note.size(); ++bit) {
    const char before = note[bit / 8];
    note[bit / 8] = static_cast<char>(before ^ (1 << (bit % 8)));
    ASSERT_FALSE(Open(note, keys).ok()) << bit;
    note[bit / 8] = before;
  }
  ASSERT_TRUE(Open(note, keys).ok());
}

TEST(SignedNote, CountsEachKeyOnce) {
  const std::vector<VerifierKey> keys = {Key(kPeterKey), Key(kPeterKey)};
  const absl::StatusOr<OpenedNote> opened = OpenNote(Signed() + kPeterLine, keys);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->endorsements.size(), 1U);
}

TEST(SignedNote, FormatsWhatItParsed) {
  for (const std::string& note :
       {Signed(), Signed() + kEnochLine, std::string(kExampleNote), std::string("\n\n— a AAAAAAA=\n"),
        std::string("a\n\n\n\n— b AAAAAAA=\n"), std::string("— a AAAAAAA=\n\n— \xc3\xa9 AAAAAAA=\n")}) {
    const absl::StatusOr<SignedNote> parsed = ParseNote(note);
    ASSERT_TRUE(parsed.ok()) << parsed.status() << note;
    EXPECT_EQ(FormatNote(*parsed).value(), note);
  }
  EXPECT_EQ(ParseNote("a\n\n\n\n— b AAAAAAA=\n")->text, "a\n\n\n");
  EXPECT_EQ(ParseNote(Signed())->signatures[0].key_id, 0xc74f20a3U);
}

TEST(SignedNote, RefusesWhatIsNone) {
  for (const std::string note : {"",
                                 "\n",
                                 "\n\n",
                                 "a\n",
                                 "a\n\n",
                                 "a\n\n— b AAAAAAA=",
                                 "a\n— b AAAAAAA=\n",
                                 "a\n\nb AAAAAAA=\n",
                                 "a\n\n- b AAAAAAA=\n",
                                 "a\n\n—  AAAAAAA=\n",
                                 "a\n\n— AAAAAAA=\n",
                                 "a\n\n— b c AAAAAAA=\n",
                                 "a\n\n— b+ AAAAAAA=\n",
                                 "a\n\n— b \n",
                                 "a\n\n— b AAAAAA==\n",
                                 "a\n\n— b AAAAAAA\n",
                                 "a\n\n— b AAAAAAB=\n",
                                 "a\n\n— b AAAA-AA=\n",
                                 "a\n\n— b AAAAAAA= \n",
                                 "a\n\n— b  AAAAAAA=\n",
                                 "a\n\n— b AAAAAAA=\nc\n",
                                 "a\r\n\n— b AAAAAAA=\n",
                                 "a\t\n\n— b AAAAAAA=\n",
                                 "a\x80\n\n— b AAAAAAA=\n",
                                 "a\xed\xa0\x80\n\n— b AAAAAAA=\n",
                                 "a\n\n— b\xc2\xa0 AAAAAAA=\n",
                                 "a\n\n— b\xe3\x80\x80 AAAAAAA=\n"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseNote(note).status())) << note;
  }
  EXPECT_FALSE(ParseNote(std::string("a\0\n\n— b AAAAAAA=\n", 19)).ok());
}

TEST(SignedNote, FormatsNothingThatItWouldRefuse) {
  const NoteSignature good = {"b", 1, "x"};
  EXPECT_TRUE(FormatNote({"a\n", {good}}).ok());
  for (const SignedNote& note :
       {SignedNote{"a", {good}}, SignedNote{"", {good}}, SignedNote{"a\x01\n", {good}}, SignedNote{"a\n", {}},
        SignedNote{"a\n", {{"b c", 1, "x"}}}, SignedNote{"a\n", {{"", 1, "x"}}},
        SignedNote{"a\n", {{"b\n", 1, "x"}}}, SignedNote{"a\n", {{"b", 1, ""}}}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(FormatNote(note).status())) << note.text;
  }
}

TEST(SignedNote, HasItsLimits) {
  SignedNote note = {"a\n", std::vector<NoteSignature>(kNoteSignaturesMax, {"b", 1, std::string(72, 'x')})};
  const std::string full = FormatNote(note).value();
  EXPECT_EQ(ParseNote(full)->signatures.size(), kNoteSignaturesMax);
  EXPECT_THAT(std::string(ParseNote(full + "— b AAAAAAA=\n").status().message()),
              HasSubstr("256 signatures"));
  note.signatures.resize(kNoteSignaturesMax + 1, {"b", 1, "x"});
  EXPECT_TRUE(absl::IsInvalidArgument(FormatNote(note).status()));
  // Sixteen of the largest that the format knows.
  EXPECT_TRUE(FormatNote({"a\n", std::vector<NoteSignature>(16, {"b", 1, std::string(5000, 'x')})}).ok());
  const std::string large(kNoteBytesMax, 'a');
  EXPECT_TRUE(absl::IsInvalidArgument(FormatNote({large + "\n", {{"b", 1, "x"}}}).status()));
  EXPECT_THAT(std::string(ParseNote(large + "\n\n— b AAAAAAA=\n").status().message()), HasSubstr("256 KiB"));
}

TEST(SignedNote, AddsASignatureInPlaceOfAnEarlierOne) {
  const Ed25519Key key = PeterPrivateKey();
  const NoteSignature first = CosignText(kText, "w", key, 7).value(),
                      second = CosignText(kText, "w", key, 8).value();
  const std::string once = AddSignature(Signed(), first).value();
  EXPECT_EQ(ParseNote(once)->signatures.size(), 2U);
  const std::string twice = AddSignature(once, second).value();
  EXPECT_EQ(twice, AddSignature(Signed(), second).value());
  EXPECT_NE(once, twice);
  EXPECT_TRUE(absl::IsInvalidArgument(AddSignature("a\n", first).status()));
}

TEST(VerifierKey, HasOneSpelling) {
  for (const char* text : {kPeterKey, kEnochKey, kExampleKey,
                           // Of witnesses that are run in public.
                           "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
                           "rgdd.se/poc-witness+db03732e+BCjJKlo6BU0xfIb8LutqerIFTWIXEA0L5n3tW3QyPFgG"}) {
    EXPECT_EQ(Key(text).ToText(), text);
  }
  EXPECT_EQ(Key(kExampleKey).id(), 0x530d903aU);
  EXPECT_EQ(Key(kExampleKey).name(), "example.com/foo");
  EXPECT_EQ(HexEncode(Bytes(Key(kExampleKey).public_key())),
            "e932791ae6e7a840a46164c904786426d5e7821dd8b29a00d61cae72afdd4da4");
  for (const char* text :
       {"", "+", "++", "a", "a+00000000", "a+00000000+", "PeterNeumann+c74f20a3",
        // The id of another key, in upper case, too short, too long.
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a30+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        // Another name, no name, no base 64, another algorithm, a cut and a longer key.
        "PeterNewmann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T!",
        "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy", "PeterNeumann+c74f20a3+AQ==",
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(VerifierKey::Parse(text).status())) << text;
  }
  EXPECT_FALSE(VerifierKey::Parse(std::string(2000, 'a') + kPeterKey).ok());
  EXPECT_FALSE(VerifierKey::Make(std::string(2000, 'a'), NoteAlgorithm::kEd25519, {}).ok());
  EXPECT_FALSE(VerifierKey::Make("a b", NoteAlgorithm::kEd25519, {}).ok());
}

// Of the same public key there are two: its two algorithms.
TEST(VerifierKey, IsOfOneAlgorithm) {
  const Ed25519Key key = PeterPrivateKey();
  const VerifierKey cosigner =
      VerifierKey::Make("PeterNeumann", NoteAlgorithm::kCosignatureV1, key.public_key()).value();
  EXPECT_NE(cosigner.id(), Key(kPeterKey).id());
  const std::string cosigned =
      FormatNote({kText, {CosignText(kText, "PeterNeumann", key, 7).value()}}).value();
  EXPECT_TRUE(Open(cosigned, {cosigner}).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Open(cosigned, {Key(kPeterKey)})));
  EXPECT_TRUE(absl::IsFailedPrecondition(Open(Signed(), {cosigner})));
}

TEST(DecodeBase64, TakesOneSpelling) {
  EXPECT_EQ(DecodeBase64("").value(), "");
  EXPECT_EQ(DecodeBase64("Zg==").value(), "f");
  EXPECT_EQ(DecodeBase64("Zm9vYmE=").value(), "fooba");
  for (const char* text :
       {"Zg", "Zg=", "Zh==", "Zg== ", " Zg==", "Zg==\n", "Z-==", "Zg..", "=", "Zg==Zg=="}) {
    EXPECT_FALSE(DecodeBase64(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace coalition
