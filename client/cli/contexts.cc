#include "client/cli/contexts.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/ids.h"
#include "common/strings.h"
#include "common/textproto.h"
#include "google/protobuf/text_format.h"

namespace coalition::cli {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

absl::Status UnknownContext(const config::v1::ClientConfig& config, const std::string& name,
                            const std::string& path) {
  std::vector<std::string> names;
  for (const auto& context : config.contexts()) names.push_back(context.name());
  const std::string near = Nearest(name, names);
  return absl::NotFoundError(
      absl::StrCat("there is no context ", Quoted(name), " in ", path,
                   near.empty() ? "" : absl::StrCat(" (did you mean ", Quoted(near), "?)")));
}

void Override(const std::string& flag, std::string& setting) {
  if (!flag.empty()) setting = flag;
}

absl::Status OverrideTimeout(const std::string& flag, client::ClientOptions& options) {
  if (flag.empty()) return absl::OkStatus();
  double seconds = 0;
  if (!absl::SimpleAtod(flag, &seconds) || !(seconds >= 0.001) || !(seconds <= 86'400)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the timeout ", Quoted(flag), " is not a number of seconds from 0.001 to 86400"));
  }
  options.timeout = std::chrono::milliseconds(std::llround(seconds * 1000));
  // A longer timeout must not be cut by the retries' budget.
  options.retry.budget = std::max(options.retry.budget, options.timeout);
  return absl::OkStatus();
}

}  // namespace

std::string ConfigPath(const Globals& globals) {
  if (!globals.config.empty()) return globals.config;
  if (const std::string xdg = Environment("XDG_CONFIG_HOME"); !xdg.empty()) {
    return xdg + "/coalition/config.textproto";
  }
  const std::string home = Environment("HOME");
  return home.empty() ? "" : home + "/.config/coalition/config.textproto";
}

absl::StatusOr<config::v1::ClientConfig> LoadConfig(const std::string& path) {
  config::v1::ClientConfig config;
  if (path.empty()) return config;
  absl::Status status = ReadTextproto(path, &config);
  if (absl::IsNotFound(status)) return config::v1::ClientConfig();
  if (!status.ok()) return status;
  return config;
}

absl::Status SaveConfig(const std::string& path, const config::v1::ClientConfig& config) {
  if (path.empty()) {
    return absl::FailedPreconditionError(
        "there is no home directory: name the configuration file with --config");
  }
  const size_t slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    if (absl::Status status = MakeDir(path.substr(0, slash), 0700); !status.ok()) return status;
  }
  std::string text;
  google::protobuf::TextFormat::PrintToString(config, &text);
  return WriteFileAtomic(path, "# proto-message: coalition.config.v1.ClientConfig\n" + text, 0600);
}

const config::v1::Context* FindContext(const config::v1::ClientConfig& config, const std::string& name) {
  const auto found = std::find_if(config.contexts().begin(), config.contexts().end(),
                                  [&](const config::v1::Context& context) { return context.name() == name; });
  return found == config.contexts().end() ? nullptr : &*found;
}

absl::Status CheckContextName(const std::string& name) { return CheckId(name, "context name"); }

client::ClientOptions ContextOptions(const config::v1::Context& context, const std::string& config_path) {
  const auto path = [&](const std::string& file) {
    return file.empty() ? file : ResolvePath(config_path, file);
  };
  client::ClientOptions options;
  options.server = context.server();
  options.tls.ca_file = path(context.ca_file());
  options.tls.certificate_file = path(context.certificate_file());
  options.tls.key_file = path(context.key_file());
  options.server_name = context.server_name();
  if (context.timeout_ms() > 0) options.timeout = std::chrono::milliseconds(context.timeout_ms());
  options.retry.budget = std::max(options.retry.budget, options.timeout);
  return options;
}

absl::StatusOr<std::optional<config::v1::Context>> ChosenContext(const Globals& globals) {
  const bool flags_suffice =
      !globals.server.empty() && !globals.ca.empty() && !globals.certificate.empty() && !globals.key.empty();
  if (flags_suffice && globals.context.empty()) return std::nullopt;
  const std::string path = ConfigPath(globals);
  const absl::StatusOr<config::v1::ClientConfig> config = LoadConfig(path);
  if (!config.ok()) return config.status();
  const std::string name = globals.context.empty() ? config->current_context() : globals.context;
  if (name.empty()) return std::nullopt;
  const config::v1::Context* context = FindContext(*config, name);
  if (context == nullptr) return UnknownContext(*config, name, path);
  return *context;
}

absl::StatusOr<client::ClientOptions> ResolveOptions(const Globals& globals) {
  const absl::StatusOr<std::optional<config::v1::Context>> context = ChosenContext(globals);
  if (!context.ok()) return context.status();
  client::ClientOptions options;
  if (context->has_value()) {
    options = ContextOptions(**context, ConfigPath(globals));
  } else if (globals.server.empty()) {
    return absl::FailedPreconditionError(
        "no context is in use: add one with `coalition context add NAME --server HOST:PORT --ca FILE "
        "--cert FILE --key FILE`, or give these flags");
  }
  Override(globals.server, options.server);
  Override(globals.ca, options.tls.ca_file);
  Override(globals.certificate, options.tls.certificate_file);
  Override(globals.key, options.tls.key_file);
  Override(globals.server_name, options.server_name);
  if (absl::Status status = OverrideTimeout(globals.timeout, options); !status.ok()) return status;
  options.user_agent = "coalition-cli";
  return options;
}

}  // namespace coalition::cli
