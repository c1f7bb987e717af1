// Sellers that are asked about, and what is answered: for screen, and for the mirror's check.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cli/session.h"
#include "coalition/v1/exchange_service.pb.h"

namespace coalition::cli {

// PLATFORM/SELLER a line, of a file or "-", each to `see`, whose error ends it; empty lines and those that
// begin with # are passed over. False: some were bad, which a note has said. An error of the file is Local.
absl::StatusOr<bool> ReadSellers(Session& session, const std::string& file,
                                 const std::function<absl::Status(v1::Seller)>& see);

// Answers, one a row. Not thread-safe.
class ScreenPrinter {
 public:
  explicit ScreenPrinter(Session& session);
  void Print(const v1::Seller& seller, const v1::ScreenResult& result);
  // `handling`, how matches are to be handled, is told on stderr where there were any.
  void Finish(const std::string& handling);
  bool any_listed() const { return listed_ > 0; }

 private:
  Session& session_;
  ListPrinter printer_;
  size_t listed_ = 0;
  size_t hits_ = 0;
};

}  // namespace coalition::cli
