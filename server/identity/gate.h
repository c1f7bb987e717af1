// Through which everything passes that is sent to one credential: once it is shut, nothing more begins.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace coalition::identity {

// Thread-safe. Whoever sends enters, makes sure that it still may, begins to send, and leaves. Whoever takes
// a right away shuts the gate and waits until all who are inside have left; then what is durable is changed
// and published, and the gate opened again, for the new state refuses by itself.
class Gate {
 public:
  // Why it is shut; it may be for several reasons at once. By the first two nobody goes on; by the others
  // whom the new state allows, so that who comes meanwhile is asked to come again.
  enum class Shut : uint32_t { kNot = 0, kMember = 1, kCredential = 2, kLimited = 4, kNotBefore = 8 };

  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // Being inside; left when destroyed. Must not outlive the gate. Nothing that waits is done meanwhile.
  class Pass {
   public:
    Pass() = default;
    // Another one beside it, inside as it is.
    Pass(const Pass& other) noexcept : gate_(other.gate_) {
      if (gate_ != nullptr) gate_->word_.fetch_add(kOne, std::memory_order_relaxed);
    }
    Pass& operator=(const Pass& other) noexcept { return *this = Pass(other); }
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Pass& operator=(Pass&& other) noexcept {
      Leave();
      gate_ = std::exchange(other.gate_, nullptr);
      return *this;
    }
    ~Pass() { Leave(); }
    void Leave() {
      if (gate_ != nullptr) gate_->word_.fetch_sub(kOne, std::memory_order_release);
      gate_ = nullptr;
    }
    bool inside() const { return gate_ != nullptr; }

   private:
    friend class Gate;
    Gate* gate_ = nullptr;
  };

  // kNot: the pass is inside. Otherwise why not, the first reason that holds, and it is not.
  Shut Enter(Pass* pass);

  // From now on nobody enters.
  void Close(Shut why);
  Shut shut() const { return FirstOf(word_.load(std::memory_order_acquire)); }
  bool empty() const { return word_.load(std::memory_order_acquire) < kOne; }
  // Returns when nobody is inside: at once, unless somebody is just sending. Only while it is shut.
  void WaitEmpty() const;
  // No more for that reason; whoever was cut off with its member was no less so than by being LIMITED.
  void Open(Shut why);

 private:
  static constexpr uint32_t kShutBits = 15;
  static constexpr uint32_t kOne = 16;
  static Shut FirstOf(uint32_t word) { return static_cast<Shut>(word & kShutBits & (~word + 1)); }
  // Who is inside, in units of kOne, and why it is shut.
  std::atomic<uint32_t> word_{0};
};

}  // namespace coalition::identity
