// Bytes that are no request, or too many of them: each its own clear error, and the server goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/errors.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "tests/integration/records.h"
#include "tests/support/test_server.h"

namespace coalition::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kCreate[] = "/coalition.v1.ExchangeService/CreateRecord";
constexpr char kScreen[] = "/coalition.v1.ExchangeService/ScreenSellers";

class BadInputTest : public ::testing::Test {
 protected:
  // Sends the bytes as they are.
  absl::Status Send(const std::string& method, const std::string& bytes) {
    grpc::GenericStub stub(server_.ChannelAs("aurore"));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::CompletionQueue queue;
    const auto call = stub.PrepareUnaryCall(&context, method, request, &queue);
    grpc::Status status;
    call->StartCall();
    call->Finish(&response, &status, this);
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    queue.Shutdown();
    while (queue.Next(&tag, &ok)) {
    }
    return FromGrpc(status);
  }
  void ExpectMalformed(const std::string& method, const std::string& bytes, const std::string& type) {
    const absl::Status status = Send(method, bytes);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(GetErrorReason(status), v1::ERROR_REASON_MALFORMED_REQUEST) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(type));
    ExpectGoesOn();
  }
  void ExpectGoesOn() {
    const auto who = server_.WhoAmI(server_.IdentityOf("aurore"));
    EXPECT_TRUE(who.ok()) << who.status();
  }

  TestServer server_;
};

TEST_F(BadInputTest, GarbageIsCalledSo) {
  ExpectMalformed(kCreate, std::string(100, '\xff'), "coalition.v1.CreateRecordRequest");
  ExpectMalformed(kScreen, std::string(100, '\xff'), "coalition.v1.ScreenSellersRequest");
  // Cut off in the middle of a field.
  const std::string whole = CreateOf(Report("shop-1")).SerializeAsString();
  ExpectMalformed(kCreate, whole.substr(0, whole.size() / 2), "coalition.v1.CreateRecordRequest");
  ExpectMalformed("/coalition.v1.MembershipService/GetMember", "\x0a\x7f", "coalition.v1.GetMemberRequest");
}

TEST_F(BadInputTest, TextThatIsNotUtf8IsCalledSo) {
  v1::CreateRecordRequest request = CreateOf(Report("shop-1"));
  request.set_request_id("PLACE");
  std::string bytes = request.SerializeAsString();
  bytes.replace(bytes.find("PLACE"), 2, "\xc3\x28");
  ExpectMalformed(kCreate, bytes, "coalition.v1.CreateRecordRequest");
}

TEST_F(BadInputTest, NestingTooDeepIsCalledSo) {
  // Groups of an unknown field, one in the other.
  ExpectMalformed(kCreate, std::string(100'000, '\x2b'), "coalition.v1.CreateRecordRequest");
  std::string groups(200, '\x7b');
  groups.append(200, '\x7c');
  ExpectMalformed(kScreen, groups, "coalition.v1.ScreenSellersRequest");
}

TEST_F(BadInputTest, AMessageOverTheLimitIsRefused) {
  const absl::Status status = Send(kCreate, std::string((4 << 20) + 1, 'x'));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  ExpectGoesOn();
}

TEST_F(BadInputTest, MetadataOverTheLimitIsRefused) {
  struct Case {
    int values;
    size_t bytes_each;
  };
  // Ten megabytes in many values; and one value of a megabyte, since gRPC 1.51 takes the square of its size
  // in time (CVE-2023-33953).
  for (const Case& c : {Case{640, 16 << 10}, Case{1, 1 << 20}}) {
    const auto stub = server_.Membership("aurore");
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(150));
    for (int i = 0; i < c.values; ++i)
      context.AddMetadata("x-" + std::to_string(i), std::string(c.bytes_each, 'm'));
    v1::WhoAmIResponse who;
    const grpc::Status status = stub->WhoAmI(&context, v1::WhoAmIRequest(), &who);
    // The server may close the connection before the client has written all of many values.
    const bool cut_off = c.values > 1 && status.error_code() == grpc::StatusCode::UNAVAILABLE;
    EXPECT_TRUE(cut_off || status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED)
        << c.values << ": " << status.error_code() << " " << status.error_message();
    ExpectGoesOn();
  }
}

TEST_F(BadInputTest, AMethodThatIsNotThereIsUnimplemented) {
  EXPECT_EQ(Send("/coalition.v1.ExchangeService/Destroy", "").code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(Send("/coalition.v1.NoService/Create", "").code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(Send("nonsense", "").code(), absl::StatusCode::kUnimplemented);
  ExpectGoesOn();
}

TEST_F(BadInputTest, CompressionIsNotSpoken) {
  const auto stub = server_.Exchange("aurore");
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  v1::ScreenSellersRequest request = ScreenOf(std::string(200, 'a'));
  v1::ScreenSellersResponse response;
  EXPECT_EQ(stub->ScreenSellers(&context, request, &response).error_code(), grpc::StatusCode::UNIMPLEMENTED);
  ExpectGoesOn();
}

TEST_F(BadInputTest, AMalformedMessageEndsAnImportAfterWhatCameBeforeIt) {
  grpc::GenericStub stub(server_.ChannelAs("aurore"));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  grpc::CompletionQueue queue;
  const auto stream = stub.PrepareCall(&context, "/coalition.v1.ExchangeService/ImportRecords", &queue);
  void* tag = nullptr;
  bool ok = false;
  const auto wait = [&] { return queue.Next(&tag, &ok) && ok; };
  stream->StartCall(this);
  ASSERT_TRUE(wait());
  v1::ImportRecordsRequest good;
  good.add_items()->set_item_id(17);
  *good.mutable_items(0)->mutable_record() = Report("shop-1");
  for (const std::string& bytes : {good.SerializeAsString(), std::string(50, '\xff')}) {
    const grpc::Slice slice(bytes);
    stream->Write(grpc::ByteBuffer(&slice, 1), this);
    ASSERT_TRUE(wait());
  }
  grpc::ByteBuffer answer;
  stream->Read(&answer, this);
  ASSERT_TRUE(wait());
  grpc::Slice slice;
  ASSERT_TRUE(answer.DumpToSingleSlice(&slice).ok());
  v1::ImportRecordsResponse response;
  ASSERT_TRUE(response.ParseFromArray(slice.begin(), static_cast<int>(slice.size())));
  EXPECT_EQ(response.results(0).item_id(), 17);
  EXPECT_EQ(response.results(0).status(), v1::IMPORT_STATUS_CREATED);
  grpc::Status status;
  stream->Finish(&status, this);
  ASSERT_TRUE(wait());
  EXPECT_EQ(GetErrorReason(FromGrpc(status)), v1::ERROR_REASON_MALFORMED_REQUEST) << FromGrpc(status);
  queue.Shutdown();
  ExpectGoesOn();
}

}  // namespace
}  // namespace coalition::testing
