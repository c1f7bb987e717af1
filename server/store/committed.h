// That a commit was made, although its caller is told that something failed.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/store/store.h"

namespace coalition::store {

inline constexpr char kCommittedUrl[] = "coalition/committed_at";

// Of a commit that stands, and is durable, while what had to follow it failed: `why`, which is not OK.
inline absl::Status CommittedBut(Revision revision, absl::Status why) {
  why.SetPayload(kCommittedUrl, absl::Cord(absl::StrCat(revision)));
  return why;
}

// The revision of that commit. nullopt: nothing was committed, or it is not known.
inline std::optional<Revision> CommittedAt(const absl::Status& status) {
  const auto payload = status.GetPayload(kCommittedUrl);
  Revision revision = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &revision)) return std::nullopt;
  return revision;
}

}  // namespace coalition::store
