// coalition admin backup, backup-key: the exchange's store, encrypted to a key that is kept elsewhere.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/app.h"
#include "client/cli/ledger_text.h"
#include "client/cli/partial_file.h"
#include "client/cli/progress_line.h"
#include "common/hash.h"
#include "common/random.h"
#include "common/x25519.h"
#include "nlohmann/json.hpp"

namespace coalition::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr double kMib = 1 << 20;
constexpr std::chrono::milliseconds kShowInterval{200};

// How much has come, and how fast.
class BackupProgress {
 public:
  explicit BackupProgress(const Io& io) : line_(&io.err, io.err_shows_progress) {}

  void Add(size_t bytes) {
    bytes_ += bytes;
    const SteadyClock::time_point now = SteadyClock::now();
    if (now - shown_at_ < kShowInterval) return;
    shown_at_ = now;
    const std::chrono::duration<double> seconds = now - start_;
    const double mib = static_cast<double>(bytes_) / kMib;
    line_.Show(absl::StrFormat("%.1f MiB, %.1f MiB/s", mib, mib / std::max(seconds.count(), 0.001)));
  }
  void Clear() const { line_.Clear(); }

 private:
  const ProgressLine line_;
  const SteadyClock::time_point start_ = SteadyClock::now();
  SteadyClock::time_point shown_at_ = start_;
  uint64_t bytes_ = 0;
};

void PrintSummary(Session& session, const std::string& file, const v1::BackupSummary& summary) {
  const std::string time = SecondsText(summary.time().seconds());
  const std::string sha256 = HexEncode(summary.sha256());
  const nlohmann::ordered_json json = {
      {"file", file},           {"bytes", summary.bytes()},
      {"rows", summary.rows()}, {"revision", summary.revision()},
      {"time", time},           {"recipientKeyId", summary.recipient_key_id()},
      {"sha256", sha256}};
  session.One({{"file", file},
               {"bytes", std::to_string(summary.bytes())},
               {"rows", std::to_string(summary.rows())},
               {"revision", std::to_string(summary.revision())},
               {"time", time},
               {"recipient_key_id", summary.recipient_key_id()},
               {"sha256", sha256}},
              ToJson(json));
}

int Backup(Session& session, const std::string& path) {
  const absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  absl::StatusOr<PartialFile> file = PartialFile::Create(path);
  if (!file.ok()) return session.Fail(Local(file.status()));
  session.io().catch_interrupt();
  BackupProgress progress(session.io());
  const absl::StatusOr<v1::BackupSummary> summary = (*client)->CreateBackup([&](std::string_view bytes) {
    if (session.io().interrupted()) return Local(absl::CancelledError("interrupted"));
    progress.Add(bytes.size());
    return Local(file->Append(bytes));
  });
  progress.Clear();
  if (session.io().interrupted()) {
    session.Note("Interrupted: there is no backup.");
    return kExitInterrupted;
  }
  if (!summary.ok()) return session.Fail(summary.status());
  if (absl::Status finished = file->Finish(); !finished.ok()) return session.Fail(Local(finished));
  PrintSummary(session, path, *summary);
  return kExitOk;
}

struct KeyFlags {
  std::string private_file, public_file;
};

int MakeKey(Session& session, const KeyFlags& flags) {
  std::error_code ignored;
  if (std::filesystem::exists(flags.public_file, ignored))
    return session.Misused(flags.public_file + " is there already, and is not replaced: name another file");
  SystemRandom random;
  const absl::StatusOr<X25519Key> key = X25519Key::Generate(random);
  if (!key.ok()) return session.Fail(Local(key.status()));
  absl::Status written = WriteX25519KeyFile(flags.private_file, *key);
  if (written.ok()) written = WriteX25519PublicKeyFile(flags.public_file, key->public_key());
  if (!written.ok()) return session.Fail(Local(written));
  const std::string id = X25519KeyId(key->public_key());
  session.One({{"key_id", id}}, nlohmann::ordered_json{{"keyId", id}}.dump());
  session.Note(absl::StrCat(
      flags.public_file, " goes to the server's machine (backup.recipient_key_file). ", flags.private_file,
      " opens every backup, and without it none can be opened: keep it, and a copy, where "
      "neither the server nor its backups are."));
  return kExitOk;
}

}  // namespace

void AddBackupVerbs(App& app, Verb admin) {
  auto path = std::make_shared<std::string>();
  app.AddVerb(admin, "backup",
              "A backup of the exchange's store, while it is in use, encrypted to the key that the server's "
              "configuration\nnames. Every member sees in the ledger that it was taken",
              {{"admin backup --out coalition-2026-11-27.backup",
                "Written beside it until it is whole; a file that is there is not replaced."},
               {"admin backup --out nightly.backup -o json", "By a timer."}},
              [path](Session& session) { return Backup(session, *path); })
      .AddOption("--out", *path, "File for the backup, which must not be there yet")
      .Required();

  auto flags = std::make_shared<KeyFlags>();
  Verb verb =
      app.AddVerb(admin, "backup-key", "Makes the key that backups are encrypted to, without the exchange",
                  {{"admin backup-key --out-private backup-private.pem --out-public backup-public.pem",
                    "On a machine that is not the server's; only the public part goes there."}},
                  [flags](Session& session) { return MakeKey(session, *flags); });
  verb.AddOption("--out-private", flags->private_file, "File for the private key, mode 0600").Required();
  verb.AddOption("--out-public", flags->public_file, "File for the public key").Required();
}

}  // namespace coalition::cli
