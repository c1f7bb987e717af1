// Sealed contents and pseudonyms: what they say, to whom, and in which form they are kept.
#include "server/contents/contents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/file.h"
#include "common/hash.h"
#include "common/key_tree_file.h"
#include "common/random.h"
#include "tests/support/content_keys.h"
#include "tests/support/store/scratch_dir.h"

namespace coalition::contents {
namespace {

using testing::TestContentKeys;

RecordId Id(uint8_t first) {
  RecordId id = {};
  id[0] = first;
  id[15] = 1;
  return id;
}

std::shared_ptr<ContentKeys> NewKeys(const std::string& pseudonym) {
  SystemRandom random;
  return ContentKeys::Make("", PuncturedTree::Make(ContentKeys::kTreeBits, random), pseudonym);
}

TEST(Contents, WhatIsSealedOpensForItsRecord) {
  const auto keys = TestContentKeys();
  for (const std::string& contents : {std::string(), std::string("x"), std::string(100'000, '\xff')}) {
    const std::string sealed = keys->Seal(Id(1), contents);
    EXPECT_EQ(sealed.size(), contents.size() + ContentKeys::kSealBytes);
    EXPECT_EQ(keys->Open(Id(1), sealed), contents);
    EXPECT_EQ(TestContentKeys()->Open(Id(1), sealed), contents);
    EXPECT_NE(keys->Seal(Id(1), contents), sealed) << "under another nonce each time";
    EXPECT_EQ(keys->Open(Id(2), sealed), std::nullopt);
    EXPECT_EQ(NewKeys(std::string(32, 'p'))->Open(Id(1), sealed), std::nullopt);
  }
  EXPECT_EQ(keys->Seal(Id(1), "a marker in clear").find("marker"), std::string::npos);
}

// Ids that share their first 48 bits share a key: the rest of the id is bound all the same.
TEST(Contents, WhatIsSealedIsBoundToTheWholeId) {
  const auto keys = TestContentKeys();
  RecordId other = Id(1);
  other[15] = 2;
  const std::string sealed = keys->Seal(Id(1), "contents");
  EXPECT_EQ(keys->Open(other, sealed), std::nullopt);
  EXPECT_EQ(keys->Open(Id(1), sealed), "contents");
}

TEST(Contents, WhatWasChangedDoesNotOpen) {
  const auto keys = TestContentKeys();
  const std::string sealed = keys->Seal(Id(1), "contents");
  for (size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_EQ(keys->Open(Id(1), sealed.substr(0, size)), std::nullopt) << size;
  }
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string flipped = sealed;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(keys->Open(Id(1), flipped), std::nullopt) << bit;
    // Nor is what comes next lost by it.
    ASSERT_EQ(keys->Open(Id(1), sealed), "contents") << bit;
  }
  EXPECT_EQ(keys->Open(Id(1), sealed + '\0'), std::nullopt);
}

TEST(Contents, WhatIsErasedOpensForNobody) {
  const auto keys = TestContentKeys();
  const std::string sealed = keys->Seal(Id(1), "contents");
  const std::string others = keys->Seal(Id(2), "others");
  EXPECT_FALSE(keys->IsErased(Id(1)));
  const std::vector<RecordId> ids = {Id(1), Id(3)};
  ASSERT_TRUE(keys->Erase(ids).ok());
  EXPECT_TRUE(keys->IsErased(Id(1)));
  EXPECT_TRUE(keys->IsErased(Id(3)));
  EXPECT_EQ(keys->Open(Id(1), sealed), std::nullopt);
  EXPECT_FALSE(keys->IsErased(Id(2)));
  EXPECT_EQ(keys->Open(Id(2), others), "others");
  // Whoever writes at the same time: of the right size, and sealed under no key that anybody has.
  const std::string late = keys->Seal(Id(1), "contents");
  EXPECT_EQ(late.size(), sealed.size());
  EXPECT_EQ(keys->Open(Id(1), late), std::nullopt);
  EXPECT_EQ(TestContentKeys()->Open(Id(1), late), std::nullopt);
  EXPECT_TRUE(keys->Erase(ids).ok());
  EXPECT_TRUE(keys->Erase({}).ok());
}

// What becomes of the file when a disk refuses: tests/unit/common/key_tree_file_test.cc.
TEST(Contents, WhatIsErasedIsErasedInTheFile) {
  const testing::ScratchDir scratch;
  const std::string file = scratch.Sub(kErasureKeysFile);
  const auto load = [&file](bool may_create) {
    SystemRandom random;
    auto tree = LoadKeyTree(file, ContentKeys::kTreeBits, may_create, "", random);
    EXPECT_TRUE(tree.ok()) << tree.status();
    return ContentKeys::Make(file, *std::move(tree), std::string(32, 'p'));
  };
  const auto keys = load(true);
  const std::string sealed = keys->Seal(Id(1), "contents"), others = keys->Seal(Id(2), "others");
  EXPECT_EQ(load(false)->Open(Id(1), sealed), "contents");
  const RecordId id = Id(1);
  ASSERT_TRUE(keys->Erase(std::span(&id, 1)).ok());
  for (const auto& each : {keys, load(false)}) {
    EXPECT_TRUE(each->IsErased(Id(1)));
    EXPECT_EQ(each->Open(Id(1), sealed), std::nullopt);
    EXPECT_EQ(each->Open(Id(2), others), "others");
    EXPECT_EQ(each->Digest(), Sha256(ReadFile(file, 1 << 20).value_or("none")));
  }
}

TEST(Contents, ReadersGoOnWhileOthersErase) {
  const auto keys = TestContentKeys();
  const std::string stays = keys->Seal(Id(200), "stays"), goes = keys->Seal(Id(100), "goes");
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0}, opened{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      bool gone = false;
      while (!done) {
        if (keys->Open(Id(200), stays) != "stays") ++wrong;
        const auto contents = keys->Open(Id(100), goes);
        if (contents && (gone || *contents != "goes")) ++wrong;
        gone = !contents.has_value();
        ++opened;
      }
    });
  }
  for (uint8_t first = 90; first < 110; ++first) {
    const int before = opened;
    const RecordId id = Id(first);
    EXPECT_TRUE(keys->Erase(std::span(&id, 1)).ok());
    while (opened == before) std::this_thread::yield();
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(keys->Open(Id(100), goes), std::nullopt);
}

TEST(Contents, TokensTellApartWhatIsDifferent) {
  const auto keys = TestContentKeys();
  const std::vector<std::string> tokens = {
      keys->SellerToken("souk", "shop-1"),
      keys->SellerToken("souk", "shop-2"),
      keys->SellerToken("souks", "hop-1"),
      keys->SellerToken("souk", std::string("\0shop-1", 7)),
      keys->SellerToken("bazaar", "shop-1"),
      keys->ExternalIdToken(1, "shop-1"),
      keys->ExternalIdToken(2, "shop-1"),
      keys->ExternalIdToken(256, "shop-1"),
      keys->ExternalIdToken(1, ""),
      // The bytes of another kind: "souk" 0 "shop-1" with "souk" as a member's number.
      keys->ExternalIdToken(0x736f756b, std::string("\0shop-1", 7)),
      NewKeys(std::string(32, 'q'))->SellerToken("souk", "shop-1"),
      NewKeys(std::string(32, 'q'))->ExternalIdToken(1, "shop-1"),
  };
  EXPECT_EQ(std::set<std::string>(tokens.begin(), tokens.end()).size(), tokens.size());
  for (const std::string& token : tokens) {
    EXPECT_EQ(token.size(), 26u);
    EXPECT_TRUE(Base32Decode(token).has_value()) << token;
  }
  EXPECT_EQ(keys->SellerToken("souk", ""), "");
  EXPECT_EQ(keys->SellerToken("", ""), "");
}

TEST(Contents, PseudonymsStayWhenContentsGo) {
  const auto keys = TestContentKeys();
  const std::string seller = keys->SellerToken("souk", "shop-1"), external = keys->ExternalIdToken(1, "case");
  const RecordId id = Id(1);
  ASSERT_TRUE(keys->Erase(std::span(&id, 1)).ok());
  EXPECT_EQ(keys->SellerToken("souk", "shop-1"), seller);
  EXPECT_EQ(keys->ExternalIdToken(1, "case"), external);
  // They are the pseudonym key's alone.
  const auto others = NewKeys(std::string(32, 'p'));
  EXPECT_EQ(others->SellerToken("souk", "shop-1"), seller);
}

TEST(Contents, AFingerprintIsNoHashThatOthersCanMakeAndEndsWithItsRecord) {
  const auto keys = TestContentKeys();
  const Sha256Digest of = Sha256("contents");
  const RecordId id = Id(1);
  const Sha256Digest fingerprint = keys->Fingerprint(id, of);
  EXPECT_EQ(keys->Fingerprint(id, of), fingerprint);
  EXPECT_NE(fingerprint, of);
  EXPECT_NE(keys->Fingerprint(id, Sha256("content")), fingerprint);
  EXPECT_NE(keys->Fingerprint(Id(2), of), fingerprint);
  EXPECT_NE(NewKeys(std::string(32, 'q'))->Fingerprint(id, of), fingerprint);
  ASSERT_TRUE(keys->Erase(std::span(&id, 1)).ok());
  EXPECT_NE(keys->Fingerprint(id, of), fingerprint);
  EXPECT_NE(keys->Fingerprint(id, of), keys->Fingerprint(id, of));
}

TEST(Contents, AMarkIsOfBothFiles) {
  SystemRandom random;
  const auto tree = PuncturedTree::Make(ContentKeys::kTreeBits, random);
  const std::string pseudonym(32, 'p');
  const auto keys = ContentKeys::Make("", tree, pseudonym);
  const std::string mark = keys->Mark();
  const RecordId id = Id(1);
  ASSERT_TRUE(keys->Erase(std::span(&id, 1)).ok());
  EXPECT_TRUE(keys->CheckMark(mark).ok()) << "also after an erasure";
  EXPECT_THAT(ContentKeys::Make("", tree, std::string(32, 'q'))->CheckMark(mark).message(),
              ::testing::HasSubstr("key_dir/pseudonym"));
  const auto other = ContentKeys::Make("", PuncturedTree::Make(ContentKeys::kTreeBits, random), pseudonym);
  EXPECT_THAT(other->CheckMark(mark).message(), ::testing::HasSubstr("key_dir/erasure_keys"));
  EXPECT_FALSE(keys->CheckMark("").ok());
}

// They lie in stores and backups: made by another implementation of what the headers say.
TEST(Contents, TheFormsAreDurable) {
  const auto keys = TestContentKeys();
  EXPECT_EQ(keys->SellerToken("souk", "shop-1"), "6oneoaeh6s564ar3ogkxs4gba4");
  EXPECT_EQ(keys->ExternalIdToken(7, "case-1"), "fjwhotri7xt7ozlcduk64yieoi");
  RecordId id;
  for (size_t i = 0; i < id.size(); ++i) id[i] = static_cast<uint8_t>(i + 1);
  const auto sealed =
      HexDecode("6e6e6e6e6e6e6e6e6e6e6e6ee9de42294387759689f8c1568b0aa1918e1ad2a60f4fc4093e8d9b04");
  ASSERT_TRUE(sealed.has_value());
  EXPECT_EQ(keys->Open(id, *sealed), "what it says");
  EXPECT_EQ(HexEncode(Bytes(keys->Digest())),
            "74e5f770d14a41516ad8ef92459cc44ad0f4893602353ecf6ded116da9f6df14");
}

}  // namespace
}  // namespace coalition::contents
