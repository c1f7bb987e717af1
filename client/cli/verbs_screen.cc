// coalition screen, seller …: what is known of sellers.
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/cli/app.h"
#include "client/cli/flatten.h"
#include "client/cli/screen_output.h"
#include "client/cli/text.h"
#include "client/cli/values.h"

namespace coalition::cli {
namespace {

constexpr size_t kSellersPerCall = 1'000;

struct ScreenFlags {
  std::vector<std::string> sellers;
  std::string file;
};

// Asks in batches and prints as the answers come.
class Screening {
 public:
  Screening(Session& session, client::Client& client) : client_(client), printer_(session) {}

  absl::Status Ask(v1::Seller seller) {
    batch_.push_back(std::move(seller));
    return batch_.size() < kSellersPerCall ? absl::OkStatus() : Flush();
  }

  absl::Status Flush() {
    if (batch_.empty()) return absl::OkStatus();
    absl::StatusOr<v1::ScreenSellersResponse> response = client_.ScreenSellers(batch_);
    if (!response.ok()) return response.status();
    for (int i = 0; i < response->results_size(); ++i)
      printer_.Print(batch_[static_cast<size_t>(i)], response->results(i));
    if (handling_.empty()) handling_ = response->handling();
    batch_.clear();
    return absl::OkStatus();
  }

  void Finish() { printer_.Finish(handling_); }
  bool any_listed() const { return printer_.any_listed(); }

 private:
  client::Client& client_;
  ScreenPrinter printer_;
  std::vector<v1::Seller> batch_;
  std::string handling_;
};

int Screen(Session& session, const ScreenFlags& flags) {
  if (flags.sellers.empty() == flags.file.empty()) {
    return session.Misused("name sellers as PLATFORM/SELLER, or a file of them with --file");
  }
  std::vector<v1::Seller> sellers;
  for (const std::string& text : flags.sellers) {
    absl::StatusOr<v1::Seller> seller = ParseSeller(text);
    if (!seller.ok()) return session.Misused(std::string(seller.status().message()));
    sellers.push_back(*std::move(seller));
  }
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  Screening screening(session, **client);
  for (v1::Seller& seller : sellers) {
    if (absl::Status status = screening.Ask(std::move(seller)); !status.ok()) return session.Fail(status);
  }
  bool all_good = true;
  if (!flags.file.empty()) {
    const auto ask = [&screening](v1::Seller seller) { return screening.Ask(std::move(seller)); };
    absl::StatusOr<bool> asked = ReadSellers(session, flags.file, ask);
    if (!asked.ok()) return session.Fail(asked.status());
    all_good = *asked;
  }
  if (absl::Status status = screening.Flush(); !status.ok()) return session.Fail(status);
  screening.Finish();
  if (screening.any_listed()) return kExitNo;
  return all_good ? kExitOk : kExitUsage;
}

// What came of a notice: "yes (1 outcome, after 3 days)".
std::string CourseText(const v1::TakedownCourse& course) {
  if (course.outcomes_size() == 0) return "no answer yet";
  return absl::StrCat(
      EnumText(v1::ActionTaken_Name(course.last_action_taken()), "ACTION_TAKEN_"), " (",
      course.outcomes_size(), course.outcomes_size() == 1 ? " outcome" : " outcomes",
      course.reinstated() ? ", reinstated" : "",
      course.has_turnaround() ? absl::StrCat(", after ", DurationText(course.turnaround().seconds())) : "",
      ")");
}

Facts ProfileFacts(const v1::SellerProfile& profile) {
  std::string counts;
  for (const v1::ClassCount& count : profile.counts()) {
    absl::StrAppend(&counts, counts.empty() ? "" : "; ", ClassText(count.record_class()), " ", count.count());
  }
  std::string courses;
  for (const v1::TakedownCourse& course : profile.takedowns()) {
    absl::StrAppend(&courses, courses.empty() ? "" : "; ", course.notice(), " -> ", CourseText(course));
  }
  return {{"seller", SellerText(profile.seller())},
          {"verdict", VerdictText(profile.verdict())},
          {"counts", counts},
          {"takedowns", courses}};
}

int SellerShow(Session& session, const std::string& text) {
  absl::StatusOr<v1::Seller> seller = ParseSeller(text);
  if (!seller.ok()) return session.Misused(std::string(seller.status().message()));
  absl::StatusOr<client::Client*> client = session.Client();
  if (!client.ok()) return session.Fail(client.status());
  absl::StatusOr<v1::SellerProfile> profile = (*client)->GetSellerProfile(*seller);
  if (!profile.ok()) return session.Fail(profile.status());
  session.One(ProfileFacts(*profile), ToJson(*profile));
  if (session.format() == Format::kTable && profile->records_size() > 0) {
    session.io().out << '\n';
    ListPrinter printer = session.List(RecordColumns());
    for (const v1::Record& record : profile->records()) printer.Row(RecordCells(record), record);
    printer.Finish();
    if (profile->truncated()) session.Note("There are more: `coalition record list --seller " + text + "`.");
  }
  return kExitOk;
}

}  // namespace

void AddScreenVerbs(App& app) {
  auto flags = std::make_shared<ScreenFlags>();
  Verb screen = app.AddVerb(
      app.root(), "screen",
      "Whether sellers are listed. Exit code 0: none, 1: at least one, 2: none, but --file has bad lines",
      {{"screen bazaar.example/shop-4711", "One seller."},
       {"screen bazaar.example/shop-4711 souk.example/s-9 -o json", "Several, for a program."},
       {"screen --file sellers.txt -o csv", "A file with one PLATFORM/SELLER a line; - is standard input."}},
      [flags](Session& session) { return Screen(session, *flags); });
  screen.AddOption("SELLER", flags->sellers, "PLATFORM/SELLER");
  screen.AddOption("--file", flags->file, "File of sellers, one a line; - is standard input");

  Verb seller = app.AddFamily("seller", "What is known of one seller");
  auto text = std::make_shared<std::string>();
  app.AddVerb(seller, "show",
              "All that you may see of a seller: verdict, records, takedowns and their course",
              {{"seller show bazaar.example/shop-4711", "The whole picture."}},
              [text](Session& session) { return SellerShow(session, *text); })
      .AddOption("SELLER", *text, "PLATFORM/SELLER")
      .Required();
}

}  // namespace coalition::cli
