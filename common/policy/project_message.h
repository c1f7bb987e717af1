// Projection of any message that has a schema; Project is this for today's Record. For use within this room.
#pragma once

#include <google/protobuf/message.h>

#include "common/policy/project.h"
#include "common/policy/schema.h"

namespace coalition::policy {

// As Project, without the fields that are always shown. `record` and `out` are of the type that `schema` was
// built from.
void ProjectMessage(const Schema& schema, const google::protobuf::Message& record, const View& view,
                    const ProjectionContext& context, google::protobuf::Message* out);

}  // namespace coalition::policy
