// Streams of records in listing order, newest first, from the indexes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/exchange/keys.h"
#include "server/store/store.h"

namespace coalition::exchange {

struct Row {
  Position position;
  std::string record_key;
};

// Not thread-safe.
class RowSource {
 public:
  virtual ~RowSource() = default;
  // nullopt: there are no more. Positions only fall.
  virtual absl::StatusOr<std::optional<Row>> Next() = 0;
  // Leaves out the rows above `to`, without reading them where they are many: then it reads a page of each
  // index.
  virtual absl::Status SkipTo(Position to) = 0;
};

// The rows of one index, those below `after` if it is set. `store` must outlive the source.
std::unique_ptr<RowSource> IndexRows(const store::Store& store, store::Revision at, std::string prefix,
                                     std::optional<Position> after);
// These rows, in any order, likewise.
std::unique_ptr<RowSource> TheseRows(std::vector<Row> rows, std::optional<Position> after);
// All rows of the sources, each position once.
std::unique_ptr<RowSource> MergedRows(std::vector<std::unique_ptr<RowSource>> sources);

}  // namespace coalition::exchange
