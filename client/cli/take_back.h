// record withdraw, record clear: records of one's own are taken back, one or many.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/cli/session.h"
#include "client/cli/verb.h"
#include "client/client.h"

namespace coalition::cli {

struct TakeBackFlags {
  std::vector<std::string> records;
  std::string from, etag, request_id;
  bool yes = false, dry_run = false;
};

// One way of taking back: its words and its calls.
struct TakingBack {
  std::string ask;    // "Withdraw"
  std::string doing;  // "Withdrawing"
  std::string done;   // "Withdrawn"
  // What comes after `doing` and the record's name, or the number of them; ends with ':'.
  std::string means_of_one;
  std::string means_of_many;
  std::function<absl::Status(client::Client&, const std::string& name, const std::string& etag,
                             const client::WriteOptions&)>
      one;
  std::function<client::TakenBack(client::Client&, const std::vector<std::string>& names,
                                  const client::TakeBackOptions&)>
      many;
};

// `verb`: "withdraw", for the help.
void AddTakeBackFlags(Verb to, const std::string& verb, TakeBackFlags* flags);

// Reads the names, asks, takes back and says what became of it. Returns the exit code.
int TakeBack(Session& session, const TakeBackFlags& flags, const TakingBack& what);

}  // namespace coalition::cli
