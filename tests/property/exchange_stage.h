// Where a generated history is played: an exchange in this process's memory, or a server over mutual TLS.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"

namespace coalition::testing {

// A complete answer: all that reaches the caller.
struct Answer {
  absl::Status status;
  // The response, serialised; of an error the status with its details.
  std::string bytes;
  // What a wire adds: metadata and trailers. Empty where there is none.
  std::string metadata;

  // As one text, for comparing.
  std::string Whole() const { return (status.ok() ? "ok " : "error ") + bytes + "|" + metadata; }
};

// Not thread-safe.
class Stage {
 public:
  virtual ~Stage() = default;

  // The answer to the member's call. The type of the request says which call it is and with which of the
  // member's roles it is made: policies are changed by administrators, the secretariat explains as an
  // auditor. What the exchange draws at random begins at `seed`.
  virtual Answer Ask(const std::string& member, const google::protobuf::Message& request, uint64_t seed) = 0;
  // Time moves on by a second.
  virtual void Tick() = 0;
  // How many records of others the newest answer has the log note.
  virtual size_t disclosed() const = 0;
};

// The response, or the error.
template <class Response>
absl::StatusOr<Response> AskFor(Stage& stage, const std::string& member,
                                const google::protobuf::Message& request, uint64_t seed) {
  const Answer answer = stage.Ask(member, request, seed);
  if (!answer.status.ok()) return answer.status;
  Response response;
  if (!response.ParseFromString(answer.bytes)) return absl::DataLossError("the answer does not parse");
  return response;
}

}  // namespace coalition::testing
