// The configuration file of contexts, and what a command's settings are in the end.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/options.h"
#include "coalition/config/v1/client_config.pb.h"

namespace coalition::cli {

// What the command line said; empty: nothing. Flags are filled from the environment (COALITION_…) where they
// are absent.
struct Globals {
  std::string config;
  std::string context;
  std::string server;
  std::string ca;
  std::string certificate;
  std::string key;
  std::string server_name;
  std::string timeout;     // seconds, e.g. "2.5"
  std::string ledger_key;  // as a verifier key's text
  std::string output;
  bool verbose = false;
};

// $COALITION_CONFIG by way of `globals.config`, else $XDG_CONFIG_HOME/coalition/config.textproto, else
// ~/.config/coalition/config.textproto. Empty: there is no home.
std::string ConfigPath(const Globals& globals);

// The file's contents; an empty configuration if it is not there. INVALID_ARGUMENT: not a ClientConfig.
absl::StatusOr<config::v1::ClientConfig> LoadConfig(const std::string& path);

// Replaces the file whole, mode 0600, its directory made with 0700.
absl::Status SaveConfig(const std::string& path, const config::v1::ClientConfig& config);

const config::v1::Context* FindContext(const config::v1::ClientConfig& config, const std::string& name);

// The context that is named, else the one in use. nullopt: there is none, or flags say where the server is
// and who we are, and name none. NOT_FOUND: there is no such context.
absl::StatusOr<std::optional<config::v1::Context>> ChosenContext(const Globals& globals);

// [a-z][a-z0-9-]{0,62}
absl::Status CheckContextName(const std::string& name);

// Flags over environment over the context. NOT_FOUND: there is no such context. FAILED_PRECONDITION: neither
// a context nor flags say where the server is.
absl::StatusOr<client::ClientOptions> ResolveOptions(const Globals& globals);

// Of a context alone, its paths relative to the configuration file.
client::ClientOptions ContextOptions(const config::v1::Context& context, const std::string& config_path);

}  // namespace coalition::cli
