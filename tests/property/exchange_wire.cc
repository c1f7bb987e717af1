#include "tests/property/exchange_wire.h"

#include <chrono>
#include <future>
#include <vector>

#include "grpcpp/generic/generic_stub.h"
#include "tests/property/exchange_policies.h"

namespace coalition::testing {
namespace {

using google::protobuf::Message;

void EditBootstrap(config::v1::Bootstrap* bootstrap) {
  const config::v1::Bootstrap world = WorldBootstrap();
  *bootstrap->mutable_groups() = world.groups();
  for (auto& member : *bootstrap->mutable_members()) {
    member.clear_groups();
    for (const auto& same : world.members()) {
      if (same.id() == member.id()) *member.mutable_groups() = same.groups();
    }
  }
  *bootstrap->mutable_policy() = PolicyOf(0);
}

void EditConfig(config::v1::ServerConfig* config) {
  config->mutable_limits()->set_own_policy_changes_per_day_max(10'000);
}

std::string CredentialFor(const Message& request, const std::string& member) {
  const std::string& call = request.GetDescriptor()->name();
  if (call == "ApplyPolicyRequest" || call == "SetMemberPolicyRequest") return "admin";
  return call == "ExplainAccessRequest" && member == "office" ? "audit" : "backend";
}

// "/coalition.v1.ExchangeService/GetRecord": each file has one service.
std::string MethodOf(const Message& request) {
  const auto* service = request.GetDescriptor()->file()->service(0);
  for (int i = 0; i < service->method_count(); ++i) {
    if (service->method(i)->input_type() == request.GetDescriptor()) {
      return "/" + service->full_name() + "/" + service->method(i)->name();
    }
  }
  return "";
}

std::string MetadataOf(const grpc::ClientContext& context) {
  std::string text;
  for (const auto* part : {&context.GetServerInitialMetadata(), &context.GetServerTrailingMetadata()}) {
    for (const auto& [key, value] : *part) {
      text += std::string(key.data(), key.size()) + "=" + std::string(value.data(), value.size()) + "\n";
    }
    text += "--\n";
  }
  return text;
}

Answer ToAnswer(const grpc::Status& status, const grpc::ClientContext& context, std::string bytes) {
  Answer answer{FromGrpc(status), std::move(bytes), MetadataOf(context)};
  if (!status.ok()) {
    answer.bytes =
        std::to_string(status.error_code()) + " " + status.error_message() + " " + status.error_details();
  }
  return answer;
}

void SetDeadline(grpc::ClientContext* context) {
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
}

grpc::ByteBuffer ToBuffer(const Message& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return {&slice, 1};
}

std::string ToText(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

}  // namespace

WireStage::WireStage(int64_t now_ns) {
  clock_.now_ns = now_ns;
  TestServer::Options options;
  options.edit_bootstrap = EditBootstrap;
  options.edit_config = EditConfig;
  options.disclosures = log_;
  options.clock = &clock_;
  options.random = &random_;
  server_ = std::make_unique<TestServer>(std::move(options));
}

std::shared_ptr<grpc::Channel> WireStage::ChannelOf(const std::string& member,
                                                    const std::string& credential) {
  std::shared_ptr<grpc::Channel>& channel = channels_[member + "/" + credential];
  if (channel == nullptr) channel = server_->ChannelAs(member, credential);
  return channel;
}

Answer WireStage::Ask(const std::string& member, const Message& request, uint64_t seed) {
  const std::shared_ptr<grpc::Channel> channel = ChannelOf(member, CredentialFor(request, member));
  log_->newest = 0;
  random_.Reseed(seed);
  const auto* import = dynamic_cast<const v1::ImportRecordsRequest*>(&request);
  return import == nullptr ? AskUnary(channel, request) : AskImport(channel, *import);
}

Answer WireStage::AskUnary(const std::shared_ptr<grpc::Channel>& channel, const Message& request) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  SetDeadline(&context);
  const grpc::ByteBuffer asked = ToBuffer(request);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> done;
  stub.UnaryCall(&context, MethodOf(request), grpc::StubOptions(), &asked, &response,
                 [&done](grpc::Status status) { done.set_value(std::move(status)); });
  const grpc::Status status = done.get_future().get();
  return ToAnswer(status, context, status.ok() ? ToText(response) : "");
}

Answer WireStage::AskImport(const std::shared_ptr<grpc::Channel>& channel,
                            const v1::ImportRecordsRequest& request) {
  const auto stub = v1::ExchangeService::NewStub(channel);
  grpc::ClientContext context;
  SetDeadline(&context);
  const auto stream = stub->ImportRecords(&context);
  v1::ImportRecordsResponse response;
  stream->Write(request);
  stream->WritesDone();
  std::string bytes;
  while (stream->Read(&response)) bytes += response.SerializeAsString();
  return ToAnswer(stream->Finish(), context, bytes);
}

}  // namespace coalition::testing
