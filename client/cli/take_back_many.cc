#include "client/cli/take_back_many.h"

#include <span>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/cli/line_reader.h"
#include "client/cli/progress_line.h"
#include "client/cli/status.h"
#include "client/cli/text.h"
#include "client/cli/values.h"

namespace coalition::cli {
namespace {

constexpr size_t kLineBytesMax = 4'096;
constexpr size_t kBadLinesToldMax = 20;

// The text between the ends of the line; empty: it is to be passed over.
std::string Contents(const Line& line) {
  std::string text(absl::StripAsciiWhitespace(line.text));
  if (!text.empty() && text[0] == '#') text.clear();
  return text;
}

// What became of the records, as it is answered. Not thread-safe.
class Results {
 public:
  Results(Session& session, size_t names)
      : names_(names),
        table_(session.format() == Format::kTable),
        progress_(&session.io().err, session.io().err_shows_progress),
        printer_(session.List({"record", "reason", "message"})) {}

  void Add(std::span<const v1::TakeBackResult> results) {
    progress_.Clear();  // before a row that goes to the same terminal
    for (const v1::TakeBackResult& result : results) Add(result);
    progress_.Show(absl::StrCat(WithThousands(answered()), " of ", WithThousands(names_), " records, ",
                                WithThousands(rejected_), " rejected"));
  }
  void Finish() {
    progress_.Clear();
    if (!table_ || rejected_ > 0) printer_.Finish();
  }

  std::string Summary(const std::string& done) const {
    return absl::StrCat(done, " ", WithThousands(done_), ", before ", WithThousands(before_), ", rejected ",
                        WithThousands(rejected_), ".");
  }
  size_t answered() const { return done_ + before_ + rejected_; }
  size_t rejected() const { return rejected_; }

 private:
  void Add(const v1::TakeBackResult& result) {
    switch (result.status()) {
      case v1::TAKE_BACK_STATUS_DONE:
      case v1::TAKE_BACK_STATUS_VALID:
        ++done_;
        return;
      case v1::TAKE_BACK_STATUS_DONE_BEFORE:
        ++before_;
        return;
      default:
        ++rejected_;
        printer_.Row({result.name(), result.error().reason(), result.error().message()}, result);
    }
  }

  const size_t names_;
  const bool table_;
  const ProgressLine progress_;
  ListPrinter printer_;
  size_t done_ = 0, before_ = 0, rejected_ = 0;
};

}  // namespace

void RecordNames::Add(std::string name) {
  if (!known_.insert(name).second) {
    ++repeated_;
    return;
  }
  names_.push_back(std::move(name));
}

std::vector<std::string> RecordNames::Take() {
  known_.clear();
  return std::exchange(names_, {});
}

absl::Status ReadRecordNames(Session& session, const std::string& file, RecordNames* names) {
  absl::StatusOr<ByteSource> source = OpenSource(file, session.io().read_in);
  if (!source.ok()) return Local(source.status());
  LineReader reader(*std::move(source), kLineBytesMax);
  size_t bad = 0;
  for (Line line; reader.Next(&line);) {
    if (line.continued) continue;  // told with its beginning
    const std::string text = Contents(line);
    if (text.empty() && !line.partial) continue;
    absl::StatusOr<std::string> name =
        line.partial ? absl::InvalidArgumentError("the line is too long") : ParseRecord(text);
    if (name.ok()) {
      names->Add(*std::move(name));
    } else if (++bad <= kBadLinesToldMax) {
      session.Note(absl::StrCat("line ", line.number, ": ", name.status().message()));
    }
  }
  const std::string source_name = file == "-" ? "standard input" : file;
  if (!reader.status().ok()) {
    return Local(
        absl::Status(reader.status().code(), absl::StrCat(source_name, ": ", reader.status().message())));
  }
  // A part of the names is not what was meant.
  if (reader.interrupted()) return Local(absl::AbortedError(source_name + ": reading was interrupted"));
  if (bad == 0) return absl::OkStatus();
  return Local(absl::InvalidArgumentError(absl::StrCat(source_name, ": ", WithThousands(bad),
                                                       bad == 1 ? " line names" : " lines name",
                                                       " no record; nothing was sent")));
}

int TakeBackMany(Session& session, client::Client& client, const TakingBack& what,
                 const std::vector<std::string>& names, bool dry_run) {
  session.io().catch_interrupt();
  Results results(session, names.size());
  bool interrupted = false;
  const client::TakenBack taken =
      what.many(client, names, {.validate_only = dry_run, .on_results = [&](const auto& answered) {
                                  results.Add(answered);
                                  interrupted = session.io().interrupted();
                                  return !interrupted;
                                }});
  results.Finish();
  session.Note(results.Summary(dry_run ? "Valid" : what.done));
  const std::string left = absl::StrCat(WithThousands(names.size() - results.answered()), " of ",
                                        WithThousands(names.size()), " records");
  if (!taken.status.ok() && interrupted) {
    session.Note(absl::StrCat("Interrupted: everything that was sent has been answered; ", left,
                              " were not sent. Run it again to go on."));
    return kExitInterrupted;
  }
  if (!taken.status.ok()) {
    const int code = session.Fail(taken.status);
    session.Note(absl::StrCat("It stopped early: ", left, " were not answered. Run it again: what is ",
                              absl::AsciiStrToLower(what.done), " already stays so."));
    return code;
  }
  if (dry_run) session.Note(absl::StrCat("Checked; nothing was ", absl::AsciiStrToLower(what.done), "."));
  return results.rejected() > 0 ? kExitNo : kExitOk;
}

}  // namespace coalition::cli
