// coalition doctor: why a connection does not work.
#include <algorithm>
#include <chrono>
#include <ctime>
#include <memory>
#include <thread>

#include "client/cli/app.h"
#include "client/cli/doctor.h"
#include "client/cli/ledger_check.h"
#include "client/cli/ledger_pin.h"
#include "client/cli/text.h"
#include "nlohmann/json.hpp"

namespace coalition::cli {
namespace {

const char* StateText(CheckState state) {
  switch (state) {
    case CheckState::kOk:
      return "ok";
    case CheckState::kFailed:
      return "FAILED";
    default:
      return "skipped";
  }
}

void PrintForPeople(const std::vector<Check>& checks, std::ostream& out) {
  for (const Check& check : checks) {
    std::string state = StateText(check.state);
    state.resize(9, ' ');
    std::string name = check.name;
    name.resize(13, ' ');
    out << state << name << Printable(check.detail) << '\n';
    if (!check.remedy.empty()) out << std::string(22, ' ') << "-> " << Printable(check.remedy) << '\n';
  }
}

// One more check where a key is pinned.
void AddLedgerCheck(const Globals& globals, const client::ClientOptions& options,
                    std::vector<Check>& checks) {
  const absl::StatusOr<std::optional<VerifierKey>> key = PinnedLedgerKey(globals);
  if (!key.ok()) {
    checks.push_back(
        {"ledger", CheckState::kFailed, std::string(key.status().message()),
         "Get the key from the coalition's office; `coalition ledger pin KEY --replace` keeps it."});
    return;
  }
  if (!key->has_value()) return;
  const bool all_ok = std::all_of(checks.begin(), checks.end(),
                                  [](const Check& check) { return check.state == CheckState::kOk; });
  const absl::StatusOr<std::unique_ptr<client::Client>> client = client::Client::Make(options);
  if (!all_ok || !client.ok()) {
    checks.push_back({"ledger", CheckState::kSkipped, "an earlier check failed", ""});
    return;
  }
  checks.push_back(CheckLedger(**client, **key,
                               [](std::chrono::milliseconds wait) { std::this_thread::sleep_for(wait); }));
}

int Doctor(Session& session) {
  const absl::StatusOr<client::ClientOptions> options = ResolveOptions(session.globals());
  const auto timeout = options.ok() ? std::min(options->timeout, std::chrono::milliseconds(5'000))
                                    : std::chrono::milliseconds(5'000);
  std::vector<Check> checks = Examine(options, std::time(nullptr), timeout);
  if (options.ok()) AddLedgerCheck(session.globals(), *options, checks);
  if (session.format() == Format::kTable) {
    PrintForPeople(checks, session.io().out);
  } else {
    ListPrinter printer = session.List({"check", "result", "detail", "remedy"});
    for (const Check& check : checks) {
      const nlohmann::ordered_json json = {{"check", check.name},
                                           {"result", StateText(check.state)},
                                           {"detail", check.detail},
                                           {"remedy", check.remedy}};
      printer.Row({check.name, StateText(check.state), check.detail, check.remedy}, ToJson(json));
    }
    printer.Finish();
  }
  const bool failed = std::any_of(checks.begin(), checks.end(),
                                  [](const Check& check) { return check.state == CheckState::kFailed; });
  return failed ? kExitNo : kExitOk;
}

}  // namespace

void AddDoctorVerb(App& app) {
  app.AddVerb(
      app.root(), "doctor",
      "Why a connection does not work: settings, files, certificate, name, port, TLS, identity, role; and, "
      "where\n"
      "its key is pinned, whether the ledger is signed with it and grows. Exit code 1: a check failed",
      {{"doctor", "For the context in use."},
       {"doctor --server exchange.example:7443 --ca ca.pem --cert me.pem --key me.key",
        "For these settings."},
       {"doctor --context work -o json", "For a program."}},
      Doctor);
}

}  // namespace coalition::cli
