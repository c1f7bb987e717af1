// Promise 4, instant by instant: a call is stopped where it has been judged and not yet answered, the member
// is suspended meanwhile, and then the call goes on.
#include <dlfcn.h>
#include <grpc/grpc.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "common/errors.h"
#include "tests/integration/import_stream.h"
#include "tests/support/eventually.h"

namespace coalition::testing {
namespace {

using MembershipStub = v1::MembershipService::Stub;
using ExchangeStub = v1::ExchangeService::Stub;

// Clients are threads of this process too: what they do is nobody's business here.
thread_local bool is_client = false;

// Where a thread of the server waits, once.
class Stop {
 public:
  // From now on, whoever is the `nth` to come (1: the next) waits until it is let go.
  void Arm(int nth) {
    const std::lock_guard lock(mutex_);
    left_ = nth;
    waits_ = false;
  }
  void Pass() {
    std::unique_lock lock(mutex_);
    if (is_client || left_ == 0 || --left_ > 0) return;
    waits_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !waits_; });
  }
  bool reached() const {
    const std::lock_guard lock(mutex_);
    return waits_;
  }
  void LetGo() {
    const std::lock_guard lock(mutex_);
    left_ = 0;
    waits_ = false;
    changed_.notify_all();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int left_ = 0;
  bool waits_ = false;
};

// Before gRPC begins to send the answer of a call, or a message of a stream.
Stop before_sending;

bool SendsAnAnswer(const grpc_op* ops, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (ops[i].op == GRPC_OP_SEND_MESSAGE) return true;
  }
  return false;
}

}  // namespace
}  // namespace coalition::testing

// In place of gRPC's own, which does the work.
extern "C" grpc_call_error grpc_call_start_batch(grpc_call* call, const grpc_op* ops, size_t count, void* tag,
                                                 void* reserved) {
  using Function = grpc_call_error (*)(grpc_call*, const grpc_op*, size_t, void*, void*);
  static const auto original = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "grpc_call_start_batch"));
  if (coalition::testing::SendsAnAnswer(ops, count)) coalition::testing::before_sending.Pass();
  return original(call, ops, count, tag, reserved);
}

namespace coalition::testing {
namespace {

// The guard takes the newest state, asks what time it is, and judges by both.
class StoppingClock final : public Clock {
 public:
  int64_t NowNs() const override {
    stop.Pass();
    return clock_.NowNs();
  }
  mutable Stop stop;

 private:
  SystemClock clock_;
};

v1::SetStandingRequest StandingOf(v1::Standing standing) {
  v1::SetStandingRequest request;
  request.set_member("members/souk");
  request.set_standing(standing);
  request.set_reason(v1::STANDING_REASON_SECURITY_INCIDENT);
  return request;
}

// Asks once, on a connection that is open.
using Ask = std::function<absl::Status()>;

// How members are answered.
struct Way {
  const char* name;
  Ask (*connect)(const TestServer& server);
};

Ask InPlace(const TestServer& server) {
  const std::shared_ptr<MembershipStub> stub = server.Membership("souk");
  return [stub] {
    grpc::ClientContext context;
    v1::WhoAmIResponse response;
    return FromGrpc(stub->WhoAmI(&context, v1::WhoAmIRequest(), &response));
  };
}

Ask OnAWorker(const TestServer& server) {
  const std::shared_ptr<ExchangeStub> stub = server.Exchange("souk");
  return [stub] {
    grpc::ClientContext context;
    v1::CreateRecordRequest request;
    *request.mutable_record() = Report("shop-1");
    v1::CreateRecordResponse response;
    return FromGrpc(stub->CreateRecord(&context, request, &response));
  };
}

Ask OfTheAdministration(const TestServer& server) {
  const std::shared_ptr<MembershipStub> stub = v1::MembershipService::NewStub(
      server.ChannelAs(server.IdentityOf("souk", "admin"), 0, server.admin_port()));
  return [stub] {
    grpc::ClientContext context;
    v1::WhoAmIResponse response;
    return FromGrpc(stub->WhoAmI(&context, v1::WhoAmIRequest(), &response));
  };
}

Ask OnAStream(const TestServer& server) {
  const auto import = std::make_shared<ImportCall>(server.Exchange("souk"));
  return [import, next = 1]() mutable {
    v1::ImportRecordsResponse response;
    if (import->Write(ImportOf(next++, 1)) && import->Read(&response)) return absl::OkStatus();
    return import->Finish();
  };
}

constexpr Way kWays[] = {{"InPlace", InPlace},
                         {"OnAWorker", OnAWorker},
                         {"OfTheAdministration", OfTheAdministration},
                         {"OnAStream", OnAStream}};

// Something that a client does meanwhile.
template <class Answer>
class Meanwhile {
 public:
  explicit Meanwhile(std::function<Answer()> work)
      : answer_(std::async(std::launch::async, [work = std::move(work)] {
          is_client = true;
          return work();
        })) {}
  bool HasEndedWithin(std::chrono::milliseconds time) {
    return answer_.wait_for(time) == std::future_status::ready;
  }
  Answer Take() { return answer_.get(); }

 private:
  std::future<Answer> answer_;
};

// A server, and souk's connection to it.
class World {
 public:
  explicit World(const Way& way) : server_(OptionsOf(clock_)), ask(way.connect(server_)) {
    is_client = true;
    EXPECT_TRUE(ask().ok());
  }
  ~World() {
    clock_.stop.LetGo();
    before_sending.LetGo();
  }
  Meanwhile<absl::Status> Suspend(v1::Standing standing = v1::STANDING_SUSPENDED) {
    return Meanwhile<absl::Status>([this, standing] {
      return Call(server_.Membership("office", "admin"), &MembershipStub::SetStanding, StandingOf(standing))
          .status();
    });
  }
  Stop& at_the_clock() { return clock_.stop; }

 private:
  static TestServer::Options OptionsOf(const Clock& clock) {
    TestServer::Options options;
    options.clock = &clock;
    return options;
  }

  StoppingClock clock_;
  const TestServer server_;

 public:
  const Ask ask;
};

// Long enough for a suspension that nobody keeps waiting; where the machine is slower, less is tested.
constexpr std::chrono::milliseconds kPatience(500);

class CutOffOrderTest : public ::testing::TestWithParam<Way> {};

// What was judged by the state from before is not sent, at whichever look at the clock the call was stopped.
TEST_P(CutOffOrderTest, WhatWasJudgedBeforeIsJudgedAgain) {
  int stopped = 0;
  for (bool all = false; !all;) {
    World world(GetParam());
    world.at_the_clock().Arm(stopped + 1);
    Meanwhile<absl::Status> asked(world.ask);
    while (!world.at_the_clock().reached() && !all) all = asked.HasEndedWithin(std::chrono::milliseconds(1));
    if (all) break;
    ++stopped;
    Meanwhile<absl::Status> suspended = world.Suspend();
    EXPECT_TRUE(suspended.HasEndedWithin(std::chrono::seconds(30))) << "it waits for who does not send";
    world.at_the_clock().LetGo();
    EXPECT_TRUE(suspended.Take().ok());
    const absl::Status answer = asked.Take();
    EXPECT_EQ(GetErrorReason(answer), v1::ERROR_REASON_MEMBER_NOT_ACTIVE)
        << "at look " << stopped << ": " << answer;
  }
  EXPECT_GE(stopped, 1);
}

// Whose answer was begun has it; nobody is told that nothing begins any more until it was.
TEST_P(CutOffOrderTest, TheSuspensionReturnsWhenWhatWasBegunIsWithGrpc) {
  World world(GetParam());
  before_sending.Arm(1);
  Meanwhile<absl::Status> asked(world.ask);
  ASSERT_TRUE(Eventually([] { return before_sending.reached(); }));
  Meanwhile<absl::Status> suspended = world.Suspend();
  EXPECT_FALSE(suspended.HasEndedWithin(kPatience));
  before_sending.LetGo();
  EXPECT_TRUE(asked.Take().ok());
  EXPECT_TRUE(suspended.Take().ok());
  EXPECT_EQ(GetErrorReason(world.ask()), v1::ERROR_REASON_MEMBER_NOT_ACTIVE);
}

Ask Listing(const TestServer& server) {
  const std::shared_ptr<ExchangeStub> stub = server.Exchange("souk");
  return [stub] {
    grpc::ClientContext context;
    v1::ListRecordsResponse response;
    return FromGrpc(stub->ListRecords(&context, v1::ListRecordsRequest(), &response));
  };
}

// LIMITED reads its own: what was found for it before that is not sent.
TEST(CutOffOrder, WhatAWiderStandingFoundIsAskedForAgain) {
  v1::ErrorReason last = v1::ERROR_REASON_UNSPECIFIED;
  int stopped = 0;
  for (bool all = false; !all;) {
    World world({"Listing", Listing});
    world.at_the_clock().Arm(stopped + 1);
    Meanwhile<absl::Status> asked(world.ask);
    while (!world.at_the_clock().reached() && !all) all = asked.HasEndedWithin(std::chrono::milliseconds(1));
    if (all) break;
    ++stopped;
    EXPECT_TRUE(world.Suspend(v1::STANDING_LIMITED).Take().ok());
    world.at_the_clock().LetGo();
    const absl::Status answer = asked.Take();
    last = GetErrorReason(answer);
    EXPECT_TRUE(answer.ok() || last == v1::ERROR_REASON_RIGHTS_CHANGING) << answer;
  }
  EXPECT_EQ(last, v1::ERROR_REASON_RIGHTS_CHANGING) << "of " << stopped;
}

// Holds two at a time: each waits where it first looks at the clock on a worker.
class TwoStopsClock final : public Clock {
 public:
  int64_t NowNs() const override {
    first.Pass();
    second.Pass();
    return clock_.NowNs();
  }
  mutable Stop first, second;

 private:
  SystemClock clock_;
};

// Members that keep all workers of the administration busy, each as many as it may have.
TEST(CutOffOrder, ASuspensionWaitsForNoWorkOfOthers) {
  TwoStopsClock clock;
  TestServer::Options options;
  options.clock = &clock;
  options.edit_config = [](config::v1::ServerConfig* config) { config->set_admin_worker_threads(2); };
  const TestServer server(options);
  const auto list = [&server](const std::string& member) {
    return [&server, member] {
      v1::ListCredentialsRequest request;
      request.set_parent("members/" + member);
      const auto stub = v1::MembershipService::NewStub(
          server.ChannelAs(server.IdentityOf(member, "admin"), 0, server.admin_port()));
      return Call(stub, &MembershipStub::ListCredentials, request).status();
    };
  };
  is_client = true;
  ASSERT_TRUE(list("bazaar")().ok());
  // The first look is when it is let in, the second on a worker.
  clock.first.Arm(2);
  Meanwhile<absl::Status> bazaar(list("bazaar"));
  ASSERT_TRUE(Eventually([&] { return clock.first.reached(); }));
  clock.second.Arm(2);
  Meanwhile<absl::Status> corsa(list("corsa"));
  ASSERT_TRUE(Eventually([&] { return clock.second.reached(); }));
  Meanwhile<absl::Status> suspended([&server] {
    return Call(server.Membership("office", "admin"), &MembershipStub::SetStanding,
                StandingOf(v1::STANDING_SUSPENDED))
        .status();
  });
  EXPECT_TRUE(suspended.HasEndedWithin(std::chrono::seconds(20)));
  clock.first.LetGo();
  clock.second.LetGo();
  EXPECT_TRUE(suspended.Take().ok());
  EXPECT_TRUE(bazaar.Take().ok());
  EXPECT_TRUE(corsa.Take().ok());
}

// Whoever has another key of the office, and has as many calls under way as its member may have.
TEST(CutOffOrder, AnAdministratorIsNotKeptFromItByItsOwnMember) {
  TwoStopsClock clock;
  TestServer::Options options;
  options.clock = &clock;
  options.edit_config = [](config::v1::ServerConfig* config) {
    config->mutable_limits()->set_admin_calls_per_member_max(1);
  };
  const TestServer server(options);
  const auto list = [&server](const std::string& credential) {
    v1::ListCredentialsRequest request;
    request.set_parent("members/office");
    return Call(server.Membership("office", credential), &MembershipStub::ListCredentials, request).status();
  };
  is_client = true;
  clock.first.Arm(2);
  Meanwhile<absl::Status> thief([&] { return list("deputy"); });
  ASSERT_TRUE(Eventually([&] { return clock.first.reached(); }));
  EXPECT_EQ(GetErrorReason(list("admin")), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_TRUE(Call(server.Membership("office", "admin"), &MembershipStub::SetStanding,
                   StandingOf(v1::STANDING_SUSPENDED))
                  .ok());
  clock.first.LetGo();
  EXPECT_TRUE(thief.Take().ok());
}

INSTANTIATE_TEST_SUITE_P(Ways, CutOffOrderTest, ::testing::ValuesIn(kWays),
                         [](const auto& way) { return std::string(way.param.name); });

}  // namespace
}  // namespace coalition::testing
