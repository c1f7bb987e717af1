// What is proved about an entry and about two checkpoints, and that nothing else passes for it.
#include "common/ledger_verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/stubs/logging.h"
#include "tests/support/signed_log.h"

namespace coalition::ledger {
namespace {

using coalition::testing::Close;
using coalition::testing::Parts;
using coalition::testing::SignedLog;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using ::testing::HasSubstr;

constexpr uint64_t kTick = 6;
constexpr uint32_t kSlot = 0x9a3c5;
constexpr uint64_t kSize = 11;

v1::LedgerContent Disclosure() {
  v1::LedgerContent content;
  v1::LedgerDisclosure& disclosure = *content.mutable_disclosure();
  disclosure.set_member("members/paylink");
  disclosure.set_method("ScreenSellers");
  disclosure.set_epoch(17);
  disclosure.mutable_time()->set_seconds(1'790'000'000);
  disclosure.add_shown()->add_views("notice");
  disclosure.mutable_shown(0)->add_records("records/aaaaaaaaaaaaaaaaaaaaaaaaaa");
  return content;
}

v1::LedgerReserved Reserved() {
  v1::LedgerReserved reserved;
  reserved.set_member("members/paylink");
  return reserved;
}

class LedgerVerifyTest : public ::testing::Test {
 protected:
  LedgerVerifyTest() {
    for (uint64_t tick = 0; tick < 2 * kSize; ++tick) {
      const auto time_ms = static_cast<int64_t>(1'790'000'000'250 + tick * 1000);
      log_.Tick(time_ms, tick == kTick
                             ? std::map<uint32_t, v1::LedgerEntry>{{3, Parts({})},
                                                                   {kSlot, Parts(Disclosure(), Reserved())}}
                             : std::map<uint32_t, v1::LedgerEntry>{});
    }
  }

  v1::LedgerEntry Proved() const { return log_.Prove(kTick, kSlot, kSize); }
  // With the commitments that its contents have as well.
  v1::LedgerEntry ProvedTwice() const {
    v1::LedgerEntry entry = Proved();
    for (v1::LedgerPart* part : {entry.mutable_open(), entry.mutable_reserved()})
      part->set_commitment(std::string(Bytes(CommitmentOf(part->salt(), part->content()))));
    return entry;
  }
  absl::Status Verify(const v1::LedgerEntry& entry) const {
    return VerifyEntry(entry, log_.verifier()).status();
  }

  SignedLog log_;
};

TEST_F(LedgerVerifyTest, AnEntryOfTheLogIsOpenedAndSaysWhereItStands) {
  for (uint64_t size = kTick + 1; size <= log_.size(); ++size) {
    const auto verified = VerifyEntry(log_.Prove(kTick, kSlot, size), log_.verifier());
    ASSERT_TRUE(verified.ok()) << size << verified.status();
    EXPECT_EQ(verified->place, (EntryPlace{kTick, kSlot}));
    EXPECT_EQ(verified->tick_time_ms, 1'790'000'006'250);
    EXPECT_EQ(verified->checkpoint.checkpoint, log_.CheckpointOf(size));
    ASSERT_TRUE(verified->opened.content && verified->opened.reserved);
    EXPECT_EQ(verified->opened.content->SerializeAsString(), Disclosure().SerializeAsString());
    EXPECT_EQ(verified->opened.reserved->member(), "members/paylink");
  }
  EXPECT_TRUE(Verify(ProvedTwice()).ok());
  EXPECT_TRUE(Verify(log_.Prove(kTick, 3, kSize)).ok());
}

TEST_F(LedgerVerifyTest, APartThatIsNotOpenedIsCommittedTo) {
  v1::LedgerEntry entry = Proved();
  Close(entry.mutable_reserved());
  auto verified = VerifyEntry(entry, log_.verifier());
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_TRUE(verified->opened.content);
  EXPECT_FALSE(verified->opened.reserved);
  Close(entry.mutable_open());
  verified = VerifyEntry(entry, log_.verifier());
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_FALSE(verified->opened.content);
}

// An empty part is opened too: its salt is there.
TEST_F(LedgerVerifyTest, AnEmptyPartCanBeOpened) {
  SignedLog log;
  log.Tick(0, {{0, Parts(Disclosure())}, {kSlots - 1, Parts(Disclosure())}});
  for (const uint32_t slot : {uint32_t{0}, static_cast<uint32_t>(kSlots - 1)}) {
    const auto verified = VerifyEntry(log.Prove(0, slot, 1), log.verifier());
    ASSERT_TRUE(verified.ok()) << verified.status();
    EXPECT_TRUE(verified->opened.reserved);
  }
}

using Check = std::function<void(const std::string& path)>;

void FlipInts(Message* message, const FieldDescriptor* field, const Check& check) {
  const auto* reflection = message->GetReflection();
  const bool wide = field->cpp_type() == FieldDescriptor::CPPTYPE_INT64;
  for (int bit = 0; bit < (wide ? 64 : 32); ++bit) {
    const int64_t old = wide ? reflection->GetInt64(*message, field) : reflection->GetInt32(*message, field);
    const auto flipped = static_cast<int64_t>(static_cast<uint64_t>(old) ^ (uint64_t{1} << bit));
    const auto set = [&](int64_t value) {
      if (wide) return reflection->SetInt64(message, field, value);
      reflection->SetInt32(message, field, static_cast<int32_t>(value));
    };
    set(flipped);
    check(field->full_name());
    set(old);
  }
}

void FlipText(const std::string& old, const std::function<void(const std::string&)>& set, const Check& check,
              const std::string& path) {
  for (size_t bit = 0; bit < old.size() * 8; ++bit) {
    std::string flipped = old;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    set(flipped);
    check(path + " byte " + std::to_string(bit / 8));
  }
  set(old);
}

// Has every bit of every field of `message` flipped, one at a time, while `check` looks.
void FlipEach(Message* message, const Check& check) {
  const auto* reflection = message->GetReflection();
  for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message->GetDescriptor()->field(i);
    const std::string& name = field->full_name();
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (reflection->HasField(*message, field)) FlipEach(reflection->MutableMessage(message, field), check);
    } else if (field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
      FlipInts(message, field, check);
    } else if (field->is_repeated()) {
      for (int j = 0; j < reflection->FieldSize(*message, field); ++j) {
        FlipText(
            reflection->GetRepeatedString(*message, field, j),
            [&](const std::string& text) { reflection->SetRepeatedString(message, field, j, text); }, check,
            name + " " + std::to_string(j));
      }
    } else {
      FlipText(
          reflection->GetString(*message, field),
          [&](const std::string& text) { reflection->SetString(message, field, text); }, check, name);
    }
  }
}

TEST_F(LedgerVerifyTest, EverySingleBitOfAnEntryCounts) {
  v1::LedgerEntry half_closed = Proved();
  Close(half_closed.mutable_reserved());
  for (v1::LedgerEntry entry : {ProvedTwice(), half_closed}) {
    const std::string before = entry.SerializeAsString();
    int flips = 0;
    FlipEach(&entry, [&](const std::string& path) {
      ++flips;
      EXPECT_FALSE(Verify(entry).ok()) << path;
    });
    EXPECT_GT(flips, 9'000);
    EXPECT_EQ(entry.SerializeAsString(), before);
    EXPECT_TRUE(Verify(entry).ok());  // and it was for nothing else that they were refused
  }
}

// On the wire a flipped bit may leave a field out, or make it one that nobody knows; it opens nothing else.
TEST_F(LedgerVerifyTest, NoBitOnTheWireMakesAnotherEntryOfIt) {
  const google::protobuf::LogSilencer no_words_about_utf8;
  const std::string wire = ProvedTwice().SerializeAsString();
  int refused = 0;
  for (size_t bit = 0; bit < wire.size() * 8; ++bit) {
    std::string flipped = wire;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    v1::LedgerEntry entry;
    const auto verified = entry.ParseFromString(flipped) ? VerifyEntry(entry, log_.verifier())
                                                         : absl::DataLossError("no message");
    if (!verified.ok()) {
      ++refused;
      continue;
    }
    EXPECT_EQ(verified->place, (EntryPlace{kTick, kSlot})) << bit;
    EXPECT_EQ(verified->tick_time_ms, 1'790'000'006'250) << bit;
    for (const auto& [opened, is] : {std::pair{verified->opened.content.has_value(), "content"},
                                     {verified->opened.reserved.has_value(), "reserved"}})
      EXPECT_TRUE(opened) << is << bit;
    EXPECT_EQ(verified->opened.content->SerializeAsString(), Disclosure().SerializeAsString()) << bit;
    EXPECT_EQ(verified->opened.reserved->SerializeAsString(), Reserved().SerializeAsString()) << bit;
  }
  EXPECT_GT(refused, static_cast<int>(wire.size() * 7));
}

TEST_F(LedgerVerifyTest, EachFaultIsSaid) {
  struct Fault {
    const char* says;
    std::function<void(v1::LedgerEntry*)> edit;
  };
  const std::vector<Fault> faults = {
      {"the entry's name", [](auto* e) { e->set_name("ledgerEntries/06-1"); }},
      {"has no proof", [](auto* e) { e->clear_proof(); }},
      {"salt of the open part is not 16", [](auto* e) { e->mutable_open()->mutable_salt()->pop_back(); }},
      {"salt of the reserved part is not 16", [](auto* e) { *e->mutable_reserved()->mutable_salt() += 'x'; }},
      {"open part has contents and no salt", [](auto* e) { e->mutable_open()->clear_salt(); }},
      {"reserved part is missing", [](auto* e) { e->clear_reserved(); }},
      {"commitment to the open part is not 32", [](auto* e) { e->mutable_open()->set_commitment("x"); }},
      {"commitment to the reserved part is not to its contents",
       [](auto* e) { e->mutable_reserved()->set_commitment(std::string(32, 'x')); }},
      {"slot path has 19 hashes; it must have 20",
       [](auto* e) { e->mutable_proof()->mutable_slot_path()->RemoveLast(); }},
      {"hash 3 of the slot path is not 32", [](auto* e) { e->mutable_proof()->set_slot_path(2, "short"); }},
      {"tick's time is none", [](auto* e) { e->mutable_proof()->mutable_tick_time()->set_nanos(1); }},
      {"tick's time is none",
       [](auto* e) { e->mutable_proof()->mutable_tick_time()->set_seconds(1ll << 60); }},
      {"tick's salt is not 32", [](auto* e) { e->mutable_proof()->clear_tick_salt(); }},
      {"hash 1 of the log path is not 32", [](auto* e) { e->mutable_proof()->set_log_path(0, ""); }},
      {"the log path", [](auto* e) { e->mutable_proof()->add_log_path(std::string(32, 'x')); }},
      {"the log path", [](auto* e) { e->set_name("ledgerEntries/11-5"); }},  // the log has 11
      {"does not lead to the log's root", [](auto* e) { e->set_name("ledgerEntries/7-5"); }},
      {"note", [](auto* e) { e->mutable_proof()->set_note("nothing"); }},
  };
  for (const Fault& fault : faults) {
    v1::LedgerEntry entry = Proved();
    fault.edit(&entry);
    EXPECT_THAT(std::string(Verify(entry).message()), HasSubstr(fault.says));
  }
}

// What the server shows must be what was committed to; a lie that it signs itself is still one of this log.
TEST_F(LedgerVerifyTest, AnotherStoryUnderTheSameProofIsRefused) {
  v1::LedgerEntry entry = Proved();
  v1::LedgerContent other = Disclosure();
  other.mutable_disclosure()->set_member("members/corsa");
  entry.mutable_open()->set_content(other.SerializeAsString());
  EXPECT_TRUE(absl::IsDataLoss(Verify(entry)));
  entry = Proved();
  entry.mutable_open()->Swap(entry.mutable_reserved());
  EXPECT_TRUE(absl::IsDataLoss(Verify(entry)));
}

TEST_F(LedgerVerifyTest, ContentsThatAreNoMessageAreSaidToBeNone) {
  v1::LedgerEntry parts = Parts(Disclosure());
  parts.mutable_open()->set_content("\xff\xff");
  SignedLog log;
  log.Tick(0, {{1, parts}});
  const absl::Status status = VerifyEntry(log.Prove(0, 1, 1), log.verifier()).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("coalition.v1.LedgerContent"));
}

TEST_F(LedgerVerifyTest, OnlyThePinnedKeyCounts) {
  const SignedLog other_key("coalition.example/ledger", 2), other_log("elsewhere.example/ledger", 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(VerifyEntry(Proved(), other_key.verifier()).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(VerifyEntry(Proved(), other_log.verifier()).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(OpenLogCheckpoint(log_.Note(), other_key.verifier()).status()));
  EXPECT_TRUE(OpenLogCheckpoint(log_.Note(), log_.verifier()).ok());
}

TEST_F(LedgerVerifyTest, EveryLogBeginsWithItsOlderSelf) {
  for (uint64_t before = 1; before <= log_.size(); ++before) {
    for (uint64_t now = before; now <= log_.size(); ++now) {
      EXPECT_TRUE(
          VerifyGrowth(log_.CheckpointOf(before), log_.CheckpointOf(now), log_.Consistency(before, now)).ok())
          << before << " " << now;
    }
  }
}

// The same ticks but for one.
TEST_F(LedgerVerifyTest, NoProofJoinsTwoHistories) {
  for (uint64_t other_tick = 0; other_tick < kSize; ++other_tick) {
    SignedLog forked;
    for (uint64_t tick = 0; tick < log_.size(); ++tick) forked.Tick(0, {}, tick == other_tick ? 8 : 7);
    SignedLog honest;
    for (uint64_t tick = 0; tick < log_.size(); ++tick) honest.Tick(0);
    const coalition::Checkpoint before = honest.CheckpointOf(kSize);
    for (uint64_t now = kSize; now <= log_.size(); ++now) {
      for (const auto& proof : {forked.Consistency(kSize, now), honest.Consistency(kSize, now)}) {
        EXPECT_TRUE(absl::IsDataLoss(VerifyGrowth(before, forked.CheckpointOf(now), proof)))
            << other_tick << " " << now;
      }
    }
  }
}

TEST_F(LedgerVerifyTest, EverySingleBitOfAConsistencyProofCounts) {
  const coalition::Checkpoint before = log_.CheckpointOf(kSize), now = log_.CheckpointOf(20);
  ProofHashes hashes = log_.Consistency(kSize, 20);
  ASSERT_GT(hashes.size(), 2);
  for (std::string& hash : hashes) {
    for (size_t bit = 0; bit < hash.size() * 8; ++bit) {
      hash[bit / 8] = static_cast<char>(hash[bit / 8] ^ (1 << bit % 8));
      EXPECT_FALSE(VerifyGrowth(before, now, hashes).ok());
      hash[bit / 8] = static_cast<char>(hash[bit / 8] ^ (1 << bit % 8));
    }
  }
  EXPECT_TRUE(VerifyGrowth(before, now, hashes).ok());
}

TEST_F(LedgerVerifyTest, WhatIsWrongBetweenTwoCheckpointsIsSaid) {
  const coalition::Checkpoint small = log_.CheckpointOf(5), large = log_.CheckpointOf(9);
  const absl::Status shrunk = VerifyGrowth(large, small, {});
  EXPECT_TRUE(absl::IsOutOfRange(shrunk));
  EXPECT_EQ(shrunk.message(), "the log has shrunk from 9 ticks to 5");
  coalition::Checkpoint other = large;
  other.root[0] ^= 1;
  EXPECT_EQ(VerifyGrowth(large, other, {}).message(), "two logs of 9 ticks have different roots");
  other = large;
  other.origin = "elsewhere.example/ledger";
  EXPECT_TRUE(absl::IsFailedPrecondition(VerifyGrowth(small, other, log_.Consistency(5, 9))));
  ProofHashes hashes = log_.Consistency(5, 9);
  *hashes.Mutable(0) = "short";
  EXPECT_THAT(std::string(VerifyGrowth(small, large, hashes).message()), HasSubstr("hash 1 of the proof"));
  hashes.Clear();
  EXPECT_TRUE(absl::IsInvalidArgument(VerifyGrowth(small, large, hashes)));
}

}  // namespace
}  // namespace coalition::ledger
