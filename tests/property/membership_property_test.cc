// Promises 1 and 4: who is let in, cut off, let in again, and put into groups or out of them, in random order
// with records that are written: a member sees what it was granted while it belonged, and nothing that was
// written while it did not. And the state that is made from the one before it is the one that the store has.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "server/membership/stored_state.h"
#include "tests/support/administration_world.h"

namespace coalition::testing {
namespace {

constexpr const char* kWriters[] = {"aurore", "corsa"};
constexpr const char* kReaders[] = {"belmont", "paylink", "souk"};
constexpr const char* kGroups[] = {"ring", "club"};

// What a record is granted to.
struct Grant {
  std::string member, group;
  v1::MemberKind kind = v1::MEMBER_KIND_UNSPECIFIED;
  bool everyone = false;
};

struct Written {
  std::string name;
  Grant grant;
  int at = 0;
};

// What is known of a reader without any of the code: since which step it is what it is.
struct Belongs {
  v1::MemberKind kind = v1::MEMBER_KIND_UNSPECIFIED;
  std::optional<int> active_since = -1;  // nullopt: SUSPENDED
  std::map<std::string, int> groups;     // since when
  int removed = 0;                       // how often something was taken from it
};

bool Sees(const std::string& id, const Belongs& reader, const Written& record) {
  if (!reader.active_since) return false;
  const Grant& grant = record.grant;
  if (!grant.member.empty()) return grant.member == id;
  if (!grant.group.empty()) {
    const auto in = reader.groups.find(grant.group);
    return in != reader.groups.end() && in->second <= record.at;
  }
  return (grant.everyone || grant.kind == reader.kind) && *reader.active_since <= record.at;
}

class History {
 public:
  History() : world_(AdministrationOptions()), office_(world_) {
    readers_["belmont"].kind = v1::MEMBER_KIND_BRAND;
    readers_["belmont"].groups = {{"ring", -1}, {"club", -1}};
    readers_["paylink"].kind = v1::MEMBER_KIND_PAYMENT;
    readers_["paylink"].groups = {{"club", -1}};
    readers_["souk"].kind = v1::MEMBER_KIND_MARKETPLACE;
  }

  void Play(uint32_t number) {
    const auto take = [&number](uint32_t count) {
      const uint32_t taken = number % count;
      number /= count;
      return taken;
    };
    const uint32_t act = take(8);
    const std::string reader = kReaders[take(3)];
    const std::string group = kGroups[take(2)];
    if (act < 4) {
      Write(kWriters[take(2)], reader, group, take(5));
    } else if (act == 4) {
      Remove(reader, group);
    } else if (act == 5) {
      Suspend(reader);
    } else if (act == 6) {
      Reinstate(reader, group, take(2) == 0);
    } else {
      Add(reader, group);
    }
    ++step_;
    CheckKept();
  }

  void CheckSeen() {
    for (const auto& [id, reader] : readers_) {
      std::set<std::string> expected, seen;
      for (const Written& record : written_) {
        if (Sees(id, reader, record)) expected.insert(record.name);
        withheld_ += reader.removed > 0 && !expected.contains(record.name) ? 1 : 0;
        const bool read = world_.Get(world_.As(id), record.name).ok();
        RC_ASSERT(read == expected.contains(record.name));
      }
      // Whoever is not ACTIVE is not let in at all.
      if (reader.active_since) {
        for (const std::string& name : world_.ListAll(world_.As(id), {})) seen.insert(name);
      }
      RC_ASSERT(seen == expected);
    }
  }
  int withheld() const { return withheld_; }

 private:
  static void Require(const absl::Status& status) {
    if (!status.ok()) RC_FAIL(std::string(status.ToString()));
  }

  void Write(const std::string& writer, const std::string& reader, const std::string& group, uint32_t to) {
    Written written;
    written.at = step_;
    v1::Record record = Report("bazaar.example", "shop-" + std::to_string(step_));
    if (to == 0) {
      GrantMember(record, written.grant.member = reader);
    } else if (to < 3) {
      GrantGroup(record, written.grant.group = group);
    } else if (to == 3) {
      GrantKind(record, written.grant.kind = readers_[reader].kind);
    } else {
      GrantEveryone(record);
      written.grant.everyone = true;
    }
    written.name = world_.Created(writer, record).name();
    written_.push_back(written);
  }
  void Remove(const std::string& reader, const std::string& group) {
    Require(office_.RemoveFromGroup(group, reader));
    readers_[reader].removed += readers_[reader].groups.erase(group) > 0 ? 1 : 0;
  }
  void Suspend(const std::string& reader) {
    Require(office_.SetStanding(reader, v1::STANDING_SUSPENDED));
    Belongs& belongs = readers_[reader];
    belongs.removed += belongs.active_since ? 1 : 0;
    belongs.active_since.reset();
    belongs.groups.clear();
  }
  void Reinstate(const std::string& reader, const std::string& group, bool into_group) {
    Belongs& belongs = readers_[reader];
    if (belongs.active_since) return;
    v1::ProposedChange change;
    change.mutable_reinstatement()->set_member("members/" + reader);
    if (into_group) change.mutable_reinstatement()->add_groups("groups/" + group);
    Require(office_.Make(change));
    belongs.active_since = step_;
    if (into_group) belongs.groups[group] = step_;
  }
  void Add(const std::string& reader, const std::string& group) {
    Belongs& belongs = readers_[reader];
    if (!belongs.active_since || belongs.groups.contains(group)) return;
    v1::ProposedChange change;
    change.mutable_group_addition()->set_group("groups/" + group);
    change.mutable_group_addition()->add_members("members/" + reader);
    Require(office_.Make(change));
    belongs.groups[group] = step_;
  }

  // What the directory has made of the changes is what the store has of them.
  void CheckKept() {
    const auto current = world_.directory().Current();
    const membership::StoredState& made = current->stored();
    const auto kept = membership::LoadState(world_.store(), made.revision);
    if (!kept.ok()) RC_FAIL(std::string(kept.status().ToString()));
    const auto same = [](const auto& a, const auto& b) {
      return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
        return x.SerializeAsString() == y.SerializeAsString();
      });
    };
    RC_ASSERT(made.coalition.SerializeAsString() == kept->coalition.SerializeAsString());
    RC_ASSERT(same(made.members, kept->members));
    RC_ASSERT(same(made.groups, kept->groups));
    RC_ASSERT(same(made.platforms, kept->platforms));
    RC_ASSERT(same(made.policies, kept->policies));
    RC_ASSERT(same(made.own_policies, kept->own_policies));
    RC_ASSERT(same(made.proposals, kept->proposals));
  }

  World world_;
  Administration office_;
  std::map<std::string, Belongs> readers_;
  std::vector<Written> written_;
  int step_ = 0;
  int withheld_ = 0;
};

void Check() {
  const auto numbers = *rc::gen::container<std::vector<uint32_t>>(rc::gen::arbitrary<uint32_t>());
  History history;
  for (const uint32_t number : numbers) history.Play(number);
  history.CheckSeen();
  RC_CLASSIFY(history.withheld() > 0, "withheld after a removal");
}

RC_GTEST_PROP(MembershipPropertyTest, WhoWasRemovedNeverSeesWhatIsWrittenAfterwards, ()) { Check(); }

}  // namespace
}  // namespace coalition::testing
