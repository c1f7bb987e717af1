// A backend in a few lines: connects, creates a report that all brands may see, screens its seller, imports.
//
//   example_client localhost:7443 ca.pem me.pem me.key bazaar.example
//
// The credential needs the roles CONTRIBUTOR and READER; the last argument is a platform of the coalition.
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "client/client.h"

namespace {

using coalition::client::Client;

int Fail(const char* what, const absl::Status& status) {
  // The code and message are gRPC's; the reason is the server's own, stable, and what programs should read.
  std::fprintf(stderr, "%s: %s (%s)\n", what, status.ToString().c_str(),
               coalition::v1::ErrorReason_Name(coalition::GetErrorReason(status)).c_str());
  return 1;
}

coalition::v1::Record Report(const std::string& platform, const std::string& seller,
                             const std::string& external_id) {
  coalition::v1::Record record;
  // One's own id of the case: whoever creates or imports it again gets what is there.
  record.set_external_id(external_id);
  record.mutable_seller()->set_platform(platform);
  record.mutable_seller()->set_seller_id(seller);
  record.mutable_offender_report()->add_infringement_types("KEYWORD_TRADEMARK_INFRINGEMENT");
  // Without a grant nobody else sees it.
  coalition::v1::Grant* grant = record.mutable_audience()->add_grants();
  grant->mutable_subject()->set_kind(coalition::v1::MEMBER_KIND_BRAND);
  grant->set_view("full");
  return record;
}

absl::Status Import(Client& client, const std::string& platform) {
  const auto stream = client.ImportRecords({}, [](const coalition::v1::ImportResult& result) {
    std::printf("item %lld: %s %s\n", static_cast<long long>(result.item_id()),
                coalition::v1::ImportStatus_Name(result.status()).c_str(),
                result.has_error() ? result.error().ShortDebugString().c_str() : result.name().c_str());
  });
  for (int i = 1; i <= 3; ++i) {
    coalition::v1::ImportItem item;
    item.set_item_id(i);
    *item.mutable_record() =
        Report(platform, "example-" + std::to_string(i), "example-import-" + std::to_string(i));
    if (absl::Status added = stream->Add(std::move(item)); !added.ok()) return added;
  }
  return stream->Finish();  // OK: every item has had its result
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: %s SERVER CA CERTIFICATE KEY PLATFORM\n", argv[0]);
    return 2;
  }
  coalition::client::ClientOptions options;
  options.server = argv[1];
  options.tls.ca_file = argv[2];
  options.tls.certificate_file = argv[3];
  options.tls.key_file = argv[4];
  const std::string platform = argv[5];

  const auto client = Client::Connect(options);
  if (!client.ok()) return Fail("connect", client.status());

  const auto created = (*client)->CreateRecord(Report(platform, "example-0", "example-0"));
  if (!created.ok()) return Fail("create", created.status());
  std::printf("%s %s\n", created->record().name().c_str(),
              created->existed() ? "was there already" : "created");

  const auto screened = (*client)->ScreenSeller(platform, "example-0");
  if (!screened.ok()) return Fail("screen", screened.status());
  std::printf("%s, %d matches\n", coalition::v1::Verdict_Name(screened->verdict()).c_str(),
              screened->matches_size());

  if (const absl::Status imported = Import(**client, platform); !imported.ok())
    return Fail("import", imported);
  return 0;
}
