// The process's limit of open files.
#pragma once

#include "coalition/config/v1/server_config.pb.h"

namespace coalition::server {

// Raises it as far as the system lets it, and warns in the log where that is less than the configuration's
// connections and tables need.
void RaiseDescriptorLimit(const config::v1::ServerConfig& config);

}  // namespace coalition::server
