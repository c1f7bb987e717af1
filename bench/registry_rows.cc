// Ten thousand members with fifty thousand credentials: how long the server takes to have them, and to find
// one.
#include <malloc.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/ledger_log.h"
#include "bench/rows.h"
#include "bench/statistics.h"
#include "common/hash.h"
#include "server/identity/identity.h"
#include "server/membership/actor.h"
#include "server/membership/directory.h"
#include "server/store/leveldb_store.h"

namespace coalition::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMembers = 10'000;
constexpr int kCredentials = 5;  // of each
constexpr int kCallers = 64;     // that call again and again
constexpr int kLookUps = 200'000;
constexpr int kChanges = 20;

std::string MemberId(int number) { return "member-" + std::to_string(number); }

config::v1::Bootstrap LargeRegistry(testing::CertificateFactory& certificates,
                                    std::vector<testing::Identity>* callers) {
  config::v1::Bootstrap bootstrap;
  bootstrap.set_trust_domain(certificates.trust_domain());
  for (int i = 0; i < kMembers; ++i) {
    config::v1::BootstrapMember& member = *bootstrap.add_members();
    member.set_id(MemberId(i));
    member.set_kind(static_cast<v1::MemberKind>(1 + i % 7));
    for (int c = 0; c < kCredentials; ++c) {
      config::v1::BootstrapCredential& credential = *member.add_credentials();
      credential.set_id("credential-" + std::to_string(c));
      credential.add_roles(v1::ROLE_CONTRIBUTOR);
      credential.set_public_key_sha256(HexEncode(Bytes(Sha256(member.id() + "/" + credential.id()))));
      if (c != 0 || i % (kMembers / kCallers) != 0) continue;
      callers->push_back(certificates.Member(member.id(), credential.id()));
      credential.set_public_key_sha256(callers->back().spki_sha256_hex);
    }
  }
  return bootstrap;
}

double Seconds(Clock::time_point from) { return std::chrono::duration<double>(Clock::now() - from).count(); }

absl::StatusOr<std::unique_ptr<store::LevelDbStore>> OpenStore(const std::filesystem::path& dir) {
  store::LevelDbOptions options;
  options.dir = dir.string();
  return store::LevelDbStore::Open(options);
}

// Another display name for one member, durable and in force.
absl::Status ChangeOne(membership::Directory& directory, int i) {
  const auto judge = [i](const std::shared_ptr<const membership::Snapshot>& current)
      -> absl::StatusOr<std::optional<membership::Change>> {
    membership::Change change;
    change.writes = [current, i](store::Revision, uint64_t, storage::v1::StoredCoalition*) {
      storage::v1::StoredMember member = current->stored().members[static_cast<size_t>(i) * 100];
      member.set_display_name("changed at " + std::to_string(i));
      return std::vector<store::Write>{membership::MemberWrite(member)};
    };
    return change;
  };
  return directory.Make(judge).status();
}

}  // namespace

Rows Registry(Workspace& workspace, const Settings& settings) {
  const auto home = workspace.MakeHome("registry");
  if (!home.ok()) return home.status();
  testing::CertificateFactory certificates;
  std::vector<testing::Identity> callers;
  const config::v1::Bootstrap bootstrap = LargeRegistry(certificates, &callers);
  const int64_t now_s =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  std::vector<double> starts, lookups, changes;
  double memory = 0;
  for (int round = 0; round <= settings.rounds; ++round) {
    auto store = OpenStore(*home / "store");
    if (!store.ok()) return store.status();
    malloc_trim(0);
    const auto before = mallinfo2();
    const auto start = Clock::now();
    const auto directory =
        membership::Directory::Open(**store, bootstrap, now_s * 1'000'000'000, LedgerKeys());
    if (!directory.ok()) return directory.status();
    if (round == 0) continue;  // which applies the bootstrap
    starts.push_back(Seconds(start));
    const auto after = mallinfo2();
    memory = static_cast<double>(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd);
    const identity::Identifier identifier(certificates.trust_domain());
    const auto look_up = [&](int i) {
      const auto snapshot = (*directory)->Current();
      const auto caller = identifier.Identify(
          callers[static_cast<size_t>(i) % callers.size()].certificate_pem, *snapshot, now_s);
      return caller.ok() &&
             snapshot->policy_state().member(caller->member_number)->standing == v1::STANDING_ACTIVE;
    };
    for (size_t i = 0; i < callers.size(); ++i) {
      if (!look_up(static_cast<int>(i))) return absl::InternalError("a caller is not known");
    }
    const auto begin = Clock::now();
    int found = 0;
    for (int i = 0; i < kLookUps; ++i) found += look_up(i) ? 1 : 0;
    if (found != kLookUps) return absl::InternalError("a caller was not known");
    lookups.push_back(Seconds(begin) / kLookUps * 1e6);
    for (int i = 0; i < kChanges; ++i) {
      const auto asked = Clock::now();
      if (absl::Status changed = ChangeOne(**directory, i); !changed.ok()) return changed;
      changes.push_back(Seconds(asked) * 1e3);
    }
  }
  const double lookup = Median(lookups), opened = Median(starts), change = Median(changes),
               mib = memory / (1 << 20);
  return std::vector<Row>{
      {.name = "registry_lookup",
       .measured = FormatNumber(lookup) + " µs",
       .baseline = "",
       .ratio = std::nullopt,
       .target = "<= 1 µs",
       .ok = lookup <= 1,
       .note = "certificate to member, roles and standing, of a certificate that was seen before; 10,000 "
               "members, "
               "50,000 credentials, 64 callers in turn",
       .measured_value = lookup},
      {.name = "registry_start",
       .measured = FormatNumber(opened) + " s",
       .baseline = "",
       .ratio = std::nullopt,
       .target = "<= 1 s, <= 100 MiB",
       .ok = opened <= 1 && mib <= 100,
       .note = "the same read from the store into the first state: " + FormatNumber(mib) + " MiB of memory",
       .measured_value = opened},
      {.name = "registry_change",
       .measured = FormatNumber(change) + " ms",
       .baseline = "",
       .ratio = std::nullopt,
       .target = "report",
       .ok = true,
       .note = "one change of one of them, until it is durable and in force",
       .measured_value = change},
  };
}

}  // namespace coalition::bench
