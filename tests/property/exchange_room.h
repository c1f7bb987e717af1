// The handlers behind the call guard, in this process, with an identity that is given.
#pragma once

#include <string>

#include "tests/property/exchange_stage.h"
#include "tests/support/exchange_world.h"

namespace coalition::testing {

// A World as a stage. Calls that the service room answers by itself (who am I, listings of members) are not
// made here.
class RoomStage final : public Stage {
 public:
  explicit RoomStage(WorldOptions options);

  Answer Ask(const std::string& member, const google::protobuf::Message& request, uint64_t seed) override;
  void Tick() override { world_.clock.now_ns += 1'000'000'000; }
  size_t disclosed() const override { return world_.disclosure.records.size(); }

  World& world() { return world_; }
  // Judges a call in another context than that of its moment: for showing that this would be noticed.
  std::function<void(exchange::CallContext*)> spoil_context;

 private:
  World world_;
};

// In memory, with the policy PolicyOf(0) and administrators.
WorldOptions PolicyWorld();
// In memory, with the built-in policy.
WorldOptions InMemory();

}  // namespace coalition::testing
