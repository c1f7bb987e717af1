#include "server/config.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/file.h"
#include "common/log.h"
#include "common/strings.h"
#include "common/textproto.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "server/membership/bootstrap.h"
#include "server/tls_files.h"

namespace coalition::server {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

struct Number {
  std::string_view path;
  int default_value;
  int min;
  int max;
};

// server_config.proto says what each is for. The upper bounds are what the server is known to bear.
constexpr Number kNumbers[] = {
    {"worker_threads", 4, 1, 256},
    {"admin_worker_threads", 4, 2, 256},
    {"drain_timeout_ms", 5'000, 1, 600'000},
    {"tls.reload_ms", 10'000, 10, 3'600'000},
    {"tls.expiry_warning_percent", 30, 1, 99},
    {"ledger.tick_ms", 1'000, 20, 60'000},
    {"backup.streams_max", 1, 1, 16},
    {"backup.mib_per_second_max", 48, 1, 10'000},
    {"ledger.content_days", 0, 1, 36'500},
    {"limits.message_bytes_max", 4 << 20, 16 << 10, 64 << 20},
    {"limits.metadata_bytes_max", 16 << 10, 4 << 10, 256 << 10},
    {"limits.connections_max", 10'000, 1, 1'000'000},
    {"limits.connections_per_address_max", 1'000, 1, 1'000'000},
    {"limits.streams_per_connection_max", 256, 1, 10'000},
    {"limits.calls_per_member_max", 2'048, 1, 1'000'000},
    {"limits.calls_per_second", 100'000, 1, 10'000'000},
    {"limits.calls_burst", 200'000, 1, 100'000'000},
    {"limits.imports_per_member_max", 4, 1, 1'000},
    {"limits.sellers_per_screen_max", 1'000, 1, 10'000},
    {"limits.matches_per_seller_max", 20, 1, 1'000},
    {"limits.items_per_import_message_max", 250, 1, 1'000},
    {"limits.records_per_batch_max", 250, 1, 1'000},
    {"limits.page_size_default", 50, 1, 10'000},
    {"limits.page_size_max", 1'000, 1, 10'000},
    {"limits.profile_records_max", 200, 1, 10'000},
    {"limits.records_per_seller_max", 100, 1, 100'000},
    {"limits.outcomes_per_seller_max", 1'000, 1, 1'000'000},
    {"limits.call_duration_ms_max", 30'000, 10, 600'000},
    {"limits.stream_idle_ms_max", 60'000, 10, 3'600'000},
    {"limits.handshake_ms_max", 5'000, 100, 120'000},
    {"limits.connection_idle_ms_max", 300'000, 1'000, 86'400'000},
    {"limits.record_bytes_max", 64 << 10, 1 << 10, 1 << 20},
    {"limits.audience_entries_max", 64, 1, 1'000},
    {"limits.repeated_values_max", 100, 1, 10'000},
    {"limits.audience_versions_max", 1'000, 1, 1'000'000},
    {"limits.own_policy_changes_per_day_max", 50, 1, 10'000},
    {"limits.admin_connections_max", 256, 1, 100'000},
    {"limits.proposals_open_max", 100, 1, 10'000},
    {"limits.credentials_per_member_max", 1'000, 1, 100'000},
    {"limits.revoked_keys_per_credential_max", 100, 1, 10'000},
    {"limits.credential_changes_per_day_max", 500, 1, 100'000},
    {"limits.admin_calls_per_member_max", 16, 1, 1'000},
    {"limits.admin_connections_per_address_max", 32, 1, 100'000},
    {"limits.admin_calls_per_second", 1'000, 1, 1'000'000},
    {"limits.watches_per_member_max", 200, 1, 10'000},
    {"limits.watch_window_responses", 64, 1, 10'000},
    {"limits.watch_window_kib", 1'024, 64, 65'536},
    {"limits.watch_member_window_responses", 1'024, 1, 1'000'000},
    {"limits.watch_member_window_kib", 16'384, 64, 1'048'576},
    {"limits.watch_unacknowledged_ms_max", 30'000, 100, 3'600'000},
    {"storage.write_buffer_mib", 64, 1, 1'024},
    {"storage.block_cache_mib", 32, 1, 65'536},
    {"storage.open_files_max", 4'096, 64, 1'000'000},
    {"storage.throttle_level0_files", 7, 1, 11},
    {"storage.history_days", 7, 1, 3'650},
    {"records.lifetime_days_default", 1'825, 1, 36'500},
    {"records.lifetime_days_max", 3'650, 1, 36'500},
    {"records.request_id_hours", 24, 1, 720},
    {"records.expired_per_commit_max", 100, 1, 10'000},
};

// Collects what is wrong.
class Faults {
 public:
  template <class... Parts>
  void Add(std::string_view path, const Parts&... parts) {
    texts_.push_back(absl::StrCat(Absl(path), ": ", parts...));
  }
  absl::Status ToStatus(const std::string& base) const {
    if (texts_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(base, ": ", absl::StrJoin(texts_, absl::StrCat("\n", base, ": "))));
  }

 private:
  std::vector<std::string> texts_;
};

const Number* FindNumber(const std::string& path) {
  const auto* found = std::find_if(std::begin(kNumbers), std::end(kNumbers),
                                   [&path](const Number& number) { return number.path == path; });
  return found == std::end(kNumbers) ? nullptr : found;
}

void CompleteNumber(const std::string& path, const FieldDescriptor* field, Message* message, Faults* faults) {
  const Number* number = FindNumber(path);
  if (number == nullptr) return faults->Add(path, "has no default: a defect of this program");
  const google::protobuf::Reflection* reflection = message->GetReflection();
  const int value = reflection->GetInt32(*message, field);
  if (value == 0) {
    reflection->SetInt32(message, field, number->default_value);
  } else if (value < number->min || value > number->max) {
    faults->Add(path, value, " is not between ", number->min, " and ", number->max, " (default ",
                number->default_value, ")");
  }
}

// Every number there is, so that one that is added can't be forgotten.
void CompleteNumbers(const std::string& prefix, Message* message, Faults* faults) {
  const google::protobuf::Descriptor* descriptor = message->GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* field = descriptor->field(i);
    const std::string path = prefix + field->name();
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      CompleteNumbers(path + ".", message->GetReflection()->MutableMessage(message, field), faults);
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_INT32) {
      CompleteNumber(path, field, message, faults);
    }
  }
}

void CompletePath(std::string_view path, const std::string& base, std::string* value, Faults* faults) {
  if (value->empty()) return faults->Add(path, "is required");
  *value = std::filesystem::path(ResolvePath(base, *value)).lexically_normal().string();
  while (value->size() > 1 && value->back() == '/') value->pop_back();
}

bool IsInside(const std::string& path, const std::string& dir) {
  const std::filesystem::path relative =
      std::filesystem::weakly_canonical(path).lexically_relative(std::filesystem::weakly_canonical(dir));
  return !relative.empty() && *relative.begin() != "..";
}

void CheckAddresses(config::v1::ServerConfig* config, Faults* faults) {
  if (config->listen().empty()) config->set_listen("0.0.0.0:7443");
  if (config->admin_listen().empty()) config->set_admin_listen("127.0.0.1:7444");
  if (config->http_listen().empty()) config->set_http_listen("127.0.0.1:7480");
  if (const auto listen = ParseHostPort(config->listen()); !listen.ok()) {
    faults->Add("listen", listen.status().message());
  }
  if (const auto listen = ParseHostPort(config->admin_listen()); !listen.ok()) {
    faults->Add("admin_listen", listen.status().message());
  }
  if (config->http_listen() == "off") return;
  const auto http = ParseHostPort(config->http_listen());
  if (!http.ok()) return faults->Add("http_listen", http.status().message());
  // The one plaintext port: nobody but this machine may reach it.
  if (http->host != "127.0.0.1" && http->host != "::1" && http->host != "localhost") {
    faults->Add("http_listen", Quoted(http->host),
                " is not a loopback address: use 127.0.0.1, [::1], localhost, or \"off\"");
  }
}

void CheckLog(config::v1::Log* log, Faults* faults) {
  if (log->format() == config::v1::Log::FORMAT_UNSPECIFIED) log->set_format(config::v1::Log::FORMAT_TEXT);
  if (!config::v1::Log::Format_IsValid(log->format()))
    faults->Add("log.format", "is neither FORMAT_TEXT nor FORMAT_JSON");
  if (log->level().empty()) log->set_level("info");
  LogLevel level;
  if (!Log::ParseLevel(log->level(), &level)) {
    faults->Add("log.level", Quoted(log->level()), " is none of trace, debug, info, warn, error, off");
  }
}

// Whoever lowers the number of all connections need not know of the other.
void CompleteConnections(config::v1::Limits* limits) {
  const int all = limits->connections_max();
  if (limits->connections_per_address_max() != 0 || all <= 0) return;
  limits->set_connections_per_address_max(
      std::min(all, FindNumber("limits.connections_per_address_max")->default_value));
}

void CheckTogether(const config::v1::ServerConfig& config, Faults* faults) {
  const config::v1::Limits& limits = config.limits();
  if (limits.page_size_default() > limits.page_size_max()) {
    faults->Add("limits.page_size_default", "is over limits.page_size_max");
  }
  if (limits.connections_per_address_max() > limits.connections_max()) {
    faults->Add("limits.connections_per_address_max", "is over limits.connections_max");
  }
  if (limits.record_bytes_max() > limits.message_bytes_max()) {
    faults->Add("limits.record_bytes_max", "is over limits.message_bytes_max");
  }
  if (config.records().lifetime_days_default() > config.records().lifetime_days_max()) {
    faults->Add("records.lifetime_days_default", "is over records.lifetime_days_max");
  }
  if (!config.key_dir().empty() && !config.store_dir().empty() &&
      IsInside(config.key_dir(), config.store_dir())) {
    faults->Add("key_dir", "must lie outside store_dir, so that a copy of the store holds no secret");
  }
  if (!config.store_dir().empty() && IsInside(config.ledger().head_dir(), config.store_dir())) {
    faults->Add("ledger.head_dir", "must lie outside store_dir: a store is not held against its own copy");
  }
}

void CompleteLedger(const std::string& base, config::v1::ServerConfig* config, Faults* faults) {
  config::v1::Ledger* ledger = config->mutable_ledger();
  if (ledger->head_dir().empty() && !config->store_dir().empty()) {
    ledger->set_head_dir(config->store_dir() + "-head");
  }
  if (!ledger->head_dir().empty()) CompletePath("ledger.head_dir", base, ledger->mutable_head_dir(), faults);
}

void CompleteBackup(const std::string& base, config::v1::Backup* backup, Faults* faults) {
  if (backup->recipient_key_file().empty()) return;
  CompletePath("backup.recipient_key_file", base, backup->mutable_recipient_key_file(), faults);
}

}  // namespace

absl::Status CompleteConfig(const std::string& base, config::v1::ServerConfig* config) {
  Faults faults;
  CheckAddresses(config, &faults);
  CompletePath("store_dir", base, config->mutable_store_dir(), &faults);
  CompletePath("bootstrap_file", base, config->mutable_bootstrap_file(), &faults);
  CompletePath("key_dir", base, config->mutable_key_dir(), &faults);
  CompletePath("tls.certificate_file", base, config->mutable_tls()->mutable_certificate_file(), &faults);
  CompletePath("tls.key_file", base, config->mutable_tls()->mutable_key_file(), &faults);
  CompletePath("tls.client_ca_file", base, config->mutable_tls()->mutable_client_ca_file(), &faults);
  CompleteLedger(base, config, &faults);
  CompleteBackup(base, config->mutable_backup(), &faults);
  CheckLog(config->mutable_log(), &faults);
  CompleteConnections(config->mutable_limits());
  CompleteNumbers("", config, &faults);
  CheckTogether(*config, &faults);
  return faults.ToStatus(base);
}

absl::StatusOr<config::v1::ServerConfig> LoadConfig(const std::string& path) {
  config::v1::ServerConfig config;
  if (absl::Status read = ReadTextproto(path, &config); !read.ok()) return read;
  if (absl::Status complete = CompleteConfig(path, &config); !complete.ok()) return complete;
  return config;
}

absl::StatusOr<config::v1::Bootstrap> LoadBootstrap(const config::v1::ServerConfig& config) {
  config::v1::Bootstrap bootstrap;
  if (absl::Status read = ReadTextproto(config.bootstrap_file(), &bootstrap); !read.ok()) return read;
  absl::Status sound = membership::CheckBootstrap(bootstrap);
  if (sound.ok()) sound = membership::CheckDistinctKeys(bootstrap);
  if (!sound.ok()) {
    return absl::Status(sound.code(), absl::StrCat(config.bootstrap_file(), ": ", sound.message()));
  }
  return bootstrap;
}

absl::StatusOr<std::optional<X25519PublicKey>> LoadBackupKey(const config::v1::ServerConfig& config) {
  const std::string& path = config.backup().recipient_key_file();
  if (path.empty()) return std::nullopt;
  const absl::StatusOr<X25519PublicKey> key = ReadX25519PublicKeyFile(path);
  if (key.ok()) return *key;
  return absl::Status(key.status().code(),
                      absl::StrCat("backup.recipient_key_file: ", key.status().message()));
}

absl::StatusOr<config::v1::ServerConfig> CheckConfig(const std::string& path, int64_t now_s) {
  absl::StatusOr<config::v1::ServerConfig> config = LoadConfig(path);
  if (!config.ok()) return config;
  if (const auto tls = LoadTlsFiles(config->tls(), now_s); !tls.ok()) return tls.status();
  if (const auto bootstrap = LoadBootstrap(*config); !bootstrap.ok()) return bootstrap.status();
  if (const auto backup_key = LoadBackupKey(*config); !backup_key.ok()) return backup_key.status();
  return config;
}

}  // namespace coalition::server
