// Promises 7 and 8: whoever watches misses nothing and is told nothing twice, however often the server is
// killed meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/mirror.h"
#include "client/mirror_runner.h"
#include "coalition/config/v1/bootstrap.pb.h"
#include "coalition/config/v1/server_config.pb.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/textproto.h"
#include "tests/fault/feed_watches.h"
#include "tests/support/server_process_fixture.h"

namespace coalition {
namespace {

using std::chrono::milliseconds;
using testing::Await;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Records;
using testing::Told;

constexpr size_t kWatches = 1000;
constexpr size_t kConnections = 20;
constexpr int kKills = 2;
constexpr int kWritesBefore = 16;
constexpr int kWrites = 50;  // around each kill, and after the last
constexpr milliseconds kBetweenWrites{20};
constexpr milliseconds kAway{50};  // of the server: so long at least that a write meets nobody
constexpr int kSellers = 12;       // few: what is reported again shows what was cleared before
constexpr const char* kPlatform = "bazaar.example";

v1::Audience AudienceOf(uint64_t way) {
  v1::Audience audience;
  const auto grant = [&audience](const char* view) {
    v1::Grant* added = audience.add_grants();
    added->set_view(view);
    return added->mutable_subject();
  };
  switch (way % 6) {
    case 0:
      grant("full")->set_everyone(true);
      break;
    case 1:
      grant("full")->set_kind(v1::MEMBER_KIND_BRAND);
      break;
    case 2:
      grant("full")->set_member("members/paylink");
      grant("notice")->set_member("members/bazaar");
      break;
    case 3:
      grant("full")->set_kind(v1::MEMBER_KIND_MARKETPLACE);
      grant("notice")->set_kind(v1::MEMBER_KIND_PAYMENT);
      break;
    case 4:
      grant("full")->set_everyone(true);
      audience.add_exclusions()->set_member("members/corsa");
      break;
    default:  // its contributor alone
      break;
  }
  return audience;
}

v1::Record ReportFor(const v1::Audience& audience, const std::string& seller) {
  v1::Record record;
  record.set_label(v1::LABEL_GREEN);
  record.mutable_seller()->set_platform(kPlatform);
  record.mutable_seller()->set_seller_id(seller);
  *record.mutable_audience() = audience;
  record.mutable_offender_report()->add_infringement_types("KEYWORD_TRADEMARK_INFRINGEMENT");
  return record;
}

// Writes as aurore and belmont, whatever happens to the server. For one thread at a time, but for done.
class Writer {
 public:
  explicit Writer(const testing::ServerProcess& server) {
    for (const char* member : {"aurore", "belmont"}) {
      auto client = server.Connect(member);
      EXPECT_TRUE(client.ok()) << client.status();
      clients_.push_back(*std::move(client));
    }
  }

  // Until so many more are acknowledged. What fails may have happened or not.
  void Write(int count) {
    const int until = done_ + count;
    absl::Status last;
    const auto write = [&] {
      absl::Status written = WriteOne();
      if (written.ok()) ++done_;
      if (!written.ok()) last = std::move(written);
      return done_ >= until;
    };
    EXPECT_TRUE(Await(write, kBetweenWrites)) << "the writer gets nowhere: " << last;
  }
  int done() const { return done_; }
  // How many of each are acknowledged.
  std::map<std::string, int> kinds() const { return kinds_; }

 private:
  struct Own {
    v1::Record record;  // as it was created
    size_t client = 0;
  };

  absl::Status WriteOne() {
    const uint64_t chance = random_() % 10;
    if (own_.size() < kWritesBefore || chance < 4) return Create();
    const size_t at = random_() % own_.size();
    if (chance < 7) return Revise(own_[at]);
    const Own one = std::exchange(own_[at], own_.back());
    own_.pop_back();
    client::Client& client = *clients_[one.client];
    const std::string& name = one.record.name();
    if (chance < 9) return Count("withdrawn", client.WithdrawRecord(name));
    return Count("cleared", client.ClearRecord(name, {v1::CLEARANCE_GROUNDS_GENUINE_GOODS}));
  }

  absl::Status Create() {
    const size_t client = random_() % clients_.size();
    v1::Record record = ReportFor(AudienceOf(random_()), "shop-" + std::to_string(random_() % kSellers));
    // A notice that rests on a report looks different to those who see the report, as long as it is there.
    const Own* basis = own_.empty() ? nullptr : &own_[random_() % own_.size()];
    if (basis != nullptr && basis->client == client && basis->record.has_offender_report()) {
      *record.mutable_seller() = basis->record.seller();
      record.mutable_takedown_notice()->set_whole_account(true);
      record.mutable_takedown_notice()->set_requested_action("SUSPEND_ACCOUNT");
      record.mutable_takedown_notice()->set_report(basis->record.name());
    }
    const auto created = clients_[client]->CreateRecord(record);
    if (created.ok()) own_.push_back({created->record(), client});
    return Count("created", created.status());
  }

  // Its audience, or what is in it.
  absl::Status Revise(const Own& one) {
    v1::Record record;
    record.set_name(one.record.name());
    std::vector<std::string> paths = {"audience"};
    if (random_() % 2 == 0) {
      *record.mutable_audience() = AudienceOf(random_());
    } else if (one.record.has_offender_report()) {
      paths = {"offender_report.product_category"};
      record.mutable_offender_report()->set_product_category("category " + std::to_string(random_()));
    } else {
      paths = {"takedown_notice.requested_action"};
      record.mutable_takedown_notice()->set_requested_action("ACTION_" + std::to_string(random_()));
    }
    return Count("revised", clients_[one.client]->ReviseRecord(record, paths).status());
  }

  absl::Status Count(const std::string& kind, const absl::Status& status) {
    kinds_[kind] += status.ok() ? 1 : 0;
    return status;
  }

  std::vector<std::unique_ptr<client::Client>> clients_;
  std::vector<Own> own_;  // that are there, as far as is known
  std::mt19937_64 random_{20161123};
  std::map<std::string, int> kinds_;
  std::atomic<int> done_{0};
};

template <class Message>
void EditFile(const std::string& path, const std::function<void(Message*)>& edit) {
  Message message;
  ASSERT_TRUE(ReadTextproto(path, &message).ok()) << path;
  edit(&message);
  ASSERT_TRUE(WriteFileAtomic(path, message.DebugString(), 0600).ok()) << path;
}

class FeedKill9 : public testing::ServerProcessTest {
 protected:
  FeedKill9() {
    EditFile<config::v1::Bootstrap>(directory_ + "/bootstrap.textproto", [this](auto* bootstrap) {
      AddReader(bootstrap, "corsa", v1::MEMBER_KIND_BRAND);
      AddReader(bootstrap, "paylink", v1::MEMBER_KIND_PAYMENT);
    });
    EditFile<config::v1::ServerConfig>(directory_ + "/server.textproto", [](auto* config) {
      config->mutable_limits()->set_watches_per_member_max(2 * static_cast<int>(kWatches));
    });
  }

  void AddReader(config::v1::Bootstrap* bootstrap, const std::string& id, v1::MemberKind kind) {
    const testing::Identity identity = server_->certificates().Member(id, "backend");
    testing::CertificateFactory::Write(identity, directory_, id + "-backend");
    config::v1::BootstrapMember* member = bootstrap->add_members();
    member->set_id(id);
    member->set_display_name(id);
    member->set_kind(kind);
    config::v1::BootstrapCredential* credential = member->add_credentials();
    credential->set_id("backend");
    credential->add_roles(v1::ROLE_READER);
    credential->set_purpose("tests");
    credential->set_public_key_sha256(identity.spki_sha256_hex);
  }

  // In the middle of the writes, which go on.
  void KillAndStart(Writer& writer) {
    const int middle = writer.done() + kWrites / 2;
    const std::jthread writing([&writer] { writer.Write(kWrites); });
    ASSERT_TRUE(Await([&] { return writer.done() >= middle; }, milliseconds(1)));
    server_->Kill();
    std::this_thread::sleep_for(kAway);
    Start();
  }

  static int64_t NowNs() { return SystemClock().NowNs(); }

  const std::vector<std::string> members_ = {"aurore", "belmont", "corsa", "bazaar", "paylink"};
};

TEST_F(FeedKill9, AThousandWatchesMissNothingAndAreToldNothingTwice) {
  Start();
  Writer writer(*server_);
  writer.Write(kWritesBefore);
  std::map<std::string, Records> listed;
  testing::Watches watches(*server_, members_, kConnections, kWatches);
  ASSERT_EQ(watches.AwaitEach([](const Told::Counts& one) { return one.received > 0; }), "");
  for (int kill = 1; kill <= kKills; ++kill) {
    ASSERT_NO_FATAL_FAILURE(KillAndStart(writer));
    const auto goes_on = [kill](const Told::Counts& one) { return one.cuts >= kill && one.received > 0; };
    ASSERT_EQ(watches.AwaitEach(goes_on), "");
  }
  writer.Write(kWrites);
  const int64_t end_ns = NowNs();
  for (const std::string& member : members_) listed[member] = testing::Listed(*server_, member);
  watches.Expect(end_ns, listed);
  EXPECT_EQ(watches.AwaitEach([](const Told::Counts& one) { return one.compared; }), "");

  // Of all that could have gone wrong something was tried.
  const Told::Counts sum = watches.Sum();
  EXPECT_GT(sum.undone, 0);
  EXPECT_GT(sum.upserts, 0);
  EXPECT_GT(sum.gone, 0);
  EXPECT_GT(sum.cleared, 0);
  for (const char* kind : {"created", "revised", "withdrawn", "cleared"}) {
    EXPECT_GT(writer.kinds()[kind], 0) << kind;
  }
}

// The positive control: of two watches with the same cursor one forgets what came behind it, and one does
// not.
TEST_F(FeedKill9, WhoKeepsWhatCameBehindItsCursorIsFoundOut) {
  Start();
  const auto stub = testing::ConnectToWatch(*server_, "corsa");
  constexpr int64_t kFirstAlone = 1'000'000;
  Records listed;
  Told careful("the careful one", kFirstAlone), careless("the careless one", kFirstAlone, /*forgets=*/false);
  std::vector<std::unique_ptr<testing::WatchStream>> streams;
  const auto watch = [&] {
    for (Told* told : {&careful, &careless})
      streams.push_back(std::make_unique<testing::WatchStream>(*stub, *told));
  };
  const auto both = [&](const std::function<bool(const Told::Counts&)>& condition) {
    return Await([&] { return condition(careful.counts()) && condition(careless.counts()); });
  };
  watch();
  ASSERT_TRUE(both([](const Told::Counts& one) { return one.received > 0; }));
  const auto stays = Client("aurore", "backend")->CreateRecord(ReportFor(AudienceOf(0), "stays"));
  const auto goes = Client("aurore", "backend")->CreateRecord(ReportFor(AudienceOf(0), "goes"));
  ASSERT_TRUE(stays.ok() && goes.ok());
  ASSERT_TRUE(both([](const Told::Counts& one) { return one.upserts == 2; }));

  server_->Kill();
  streams.clear();
  careful.Cut();
  careless.Cut();
  Start();
  ASSERT_TRUE(Client("aurore", "backend")->WithdrawRecord(goes->record().name()).ok());
  listed = testing::Listed(*server_, "corsa");
  careful.Expect(NowNs(), &listed);
  careless.Expect(NowNs(), &listed);
  watch();
  ASSERT_TRUE(both([](const Told::Counts& one) { return one.compared; }));
  EXPECT_EQ(careful.wrong(), "");
  EXPECT_THAT(careless.wrong(), HasSubstr("is told what it has: " + stays->record().name()));
  EXPECT_THAT(careless.wrong(), HasSubstr("has what is not listed: " + goes->record().name()));

  v1::WatchRecordsResponse planted;
  planted.add_events()->mutable_retract()->set_name(goes->record().name());
  careful.Take(planted);
  EXPECT_THAT(careful.wrong(), HasSubstr("what it does not have is gone: " + goes->record().name()));
}

TEST_F(FeedKill9, AMirrorGoesOnByItself) {
  Start();
  Writer writer(*server_);
  writer.Write(kWritesBefore);
  client::MirrorOptions options;
  options.directory = directory_ + "/mirror";
  const auto mirror = client::Mirror::Open(options);
  ASSERT_TRUE(mirror.ok()) << mirror.status();
  const auto belmont = Client("belmont", "backend");
  std::atomic<int> breaks{0};
  client::MirrorRunnerOptions run;
  run.on_break = [&breaks](const absl::Status&) { ++breaks; };
  client::MirrorRunner runner(
      **mirror, [&](const client::WatchOptions& watch) { return belmont->WatchRecords({}, watch); }, run);
  absl::Status end;
  std::jthread running([&](const std::stop_token& stop) {
    const std::stop_callback stopping(stop, [&runner] { runner.Stop(); });
    end = runner.Run();
  });
  const auto complete_until = [&](int64_t ns) {
    return Await([&] { return (*mirror)->status().complete_until_ns > ns; });
  };
  ASSERT_TRUE(complete_until(0));
  for (int kill = 1; kill <= kKills; ++kill) {
    ASSERT_NO_FATAL_FAILURE(KillAndStart(writer));
    ASSERT_TRUE(complete_until(NowNs()));
    EXPECT_GE(breaks, kill);
  }
  writer.Write(kWrites);
  ASSERT_TRUE(complete_until(NowNs()));
  Records has;
  const absl::Status seen = (*mirror)->ForEachRecord([&has](const v1::Record& record) {
    has[record.name()] = record.SerializeAsString();
    return absl::OkStatus();
  });
  EXPECT_TRUE(seen.ok()) << seen;
  EXPECT_FALSE(has.empty());
  EXPECT_THAT(testing::Differences(has, testing::Listed(*server_, "belmont")), IsEmpty());
  running.request_stop();
  running.join();
  EXPECT_TRUE(absl::IsCancelled(end)) << end;
}

}  // namespace
}  // namespace coalition
