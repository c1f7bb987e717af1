// coalition screen, seller …: what is known of sellers.
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/cli/app.h"
#include "client/cli/flatten.h"
#include "client/cli/line_reader.h"
#include "client/cli/text.h"
#include "client/cli/values.h"
#include "nlohmann/json.hpp"

namespace coalition::cli {
namespace {

constexpr size_t kSellersPerCall = 1'000;
constexpr size_t kLineBytesMax = 4'096;

struct ScreenFlags {
  std::vector<std::string> sellers;
  std::string file;
};

// Asks in batches and prints as the answers come.
class Screening {
 public:
  Screening(Session& session, client::Client& client)
      : session_(session),
        client_(client),
        printer_(session.List({"seller", "verdict", "matches", "strongest_action", "records"})) {}

  absl::Status Ask(v1::Seller seller) {
    batch_.push_back(std::move(seller));
    return batch_.size() < kSellersPerCall ? absl::OkStatus() : Flush();
  }

  absl::Status Flush() {
    if (batch_.empty()) return absl::OkStatus();
    absl::StatusOr<v1::ScreenSellersResponse> response = client_.ScreenSellers(batch_);
    if (!response.ok()) return response.status();
    for (int i = 0; i < response->results_size(); ++i) {
      Print(batch_[static_cast<size_t>(i)], response->results(i));
    }
    if (handling_.empty()) handling_ = response->handling();
    batch_.clear();
    return absl::OkStatus();
  }

  void Finish() {
    printer_.Finish();
    if (hits_ > 0 && !handling_.empty()) session_.Note(handling_);
  }

  bool any_listed() const { return listed_ > 0; }

 private:
  void Print(const v1::Seller& seller, const v1::ScreenResult& result) {
    if (result.verdict() == v1::VERDICT_LISTED) ++listed_;
    if (result.matches_size() > 0) ++hits_;
    std::string records;
    v1::PermittedAction strongest = v1::PERMITTED_ACTION_UNSPECIFIED;
    for (const v1::ScreenMatch& match : result.matches()) {
      absl::StrAppend(&records, records.empty() ? "" : "; ", match.record(), " (",
                      ClassText(match.record_class()), ", ", LabelText(match.label()), ")");
      strongest = std::max(strongest, match.permitted_action());
    }
    std::string json = ToJson(result);
    json = absl::StrCat("{\"seller\":", ToJson(seller), json == "{}" ? "}" : "," + json.substr(1));
    printer_.Row({SellerText(seller), VerdictText(result.verdict()), std::to_string(result.matches_size()),
                  strongest == v1::PERMITTED_ACTION_UNSPECIFIED
                      ? ""
                      : EnumText(v1::PermittedAction_Name(strongest), "PERMITTED_ACTION_"),
                  records},
                 json);
  }

  Session& session_;
  client::Client& client_;
  ListPrinter printer_;
  std::vector<v1::Seller> batch_;
  std::string handling_;
  size_t listed_ = 0;
  size_t hits_ = 0;
};

// PLATFORM/SELLER a line; empty lines and those that begin with # are passed over. False: some were bad.
absl::StatusOr<bool> AskFile(Session& session, const std::string& file, Screening& screening) {
  absl::StatusOr<ByteSource> source = OpenSource(file, session.io().read_in);
  if (!source.ok()) return Local(source.status());
  LineReader reader(*std::move(source), kLineBytesMax);
  bool all_good = true;
  Line line;
  while (reader.Next(&line)) {
    std::string text = line.text;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    if (!line.continued && (text.empty() || text[0] == '#')) continue;
    absl::StatusOr<v1::Seller> seller = line.partial || line.continued
                                            ? absl::InvalidArgumentError("the line is too long")
                                            : ParseSeller(text);
    if (!seller.ok()) {
      if (!line.continued) session.Note(absl::StrCat("line ", line.number, ": ", seller.status().message()));
      all_good = false;
      continue;
    }
    if (absl::Status status = screening.Ask(*std::move(seller)); !status.ok()) return status;
  }
  if (!reader.status().ok()) return Local(reader.status());
  return all_good;
}

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
    absl::StatusOr<bool> asked = AskFile(session, flags.file, screening);
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
