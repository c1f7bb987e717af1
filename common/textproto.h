// Files that people write: protobuf messages in text format.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/message.h"

namespace coalition {

// Clears `message` and reads `text` into it. `file_name` is used in messages only. INVALID_ARGUMENT, one line
// for each of the first five mistakes, as "server.textproto:3:1: Message type "X" has no field named "lisen".
// (did you mean "listen"?)", with the line and column counted from 1. Thread-safe.
absl::Status ParseTextproto(std::string_view text, std::string_view file_name,
                            google::protobuf::Message* message);

// The same from a file of at most 4 MiB; or ReadFile's error.
absl::Status ReadTextproto(const std::string& path, google::protobuf::Message* message);

// Where in a text its fields are: for what is wrong with a message that parses. Not thread-safe while it is
// filled.
class TextLocations {
 public:
  // Counted from 1.
  struct Position {
    int line = 1;
    int column = 1;
    friend bool operator==(const Position&, const Position&) = default;
  };

  // Of a field by its path in the message: "limits.widening.approvals", "views[2].full[0]". A value or an
  // element of a list is where it begins, a message where its name does. Of a path that the text does not
  // have, the deepest part that it has: what is missing is missing there. Without any, as of "", the
  // beginning of the text.
  Position Find(std::string_view path) const;
  // The same as "policy.textproto:12:3".
  std::string Place(std::string_view path) const;

 private:
  friend class TextLocator;
  friend absl::Status ParseTextproto(std::string_view text, std::string_view file_name,
                                     google::protobuf::Message* message, TextLocations* locations);
  std::string file_name_;
  std::map<std::string, Position, std::less<>> positions_;
};

// Fills `locations` too, which holds nothing useful after an error.
absl::Status ParseTextproto(std::string_view text, std::string_view file_name,
                            google::protobuf::Message* message, TextLocations* locations);
absl::Status ReadTextproto(const std::string& path, google::protobuf::Message* message,
                           TextLocations* locations);

// The one of `candidates` that `word` was probably meant to be; empty: none is near. Also for command lines.
template <class Candidates>
std::string Nearest(std::string_view word, const Candidates& candidates);

// The number of insertions, deletions and replacements of bytes from one word to the other.
size_t EditDistance(std::string_view a, std::string_view b);

template <class Candidates>
std::string Nearest(std::string_view word, const Candidates& candidates) {
  std::string nearest;
  // A third of the word wrong is no spelling mistake any more.
  size_t distance_max = word.size() / 3 + 1;
  for (const auto& candidate : candidates) {
    const size_t distance = EditDistance(word, candidate);
    if (distance < distance_max || (distance == distance_max && nearest.empty())) {
      distance_max = distance;
      nearest = std::string(candidate);
    }
  }
  return nearest;
}

}  // namespace coalition
