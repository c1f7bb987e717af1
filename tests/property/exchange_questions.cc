#include "tests/property/exchange_questions.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/escaping.h"
#include "coalition/v1/policy_service.pb.h"
#include "common/ids.h"
#include "tests/property/exchange_policies.h"
#include "tests/support/exchange_world.h"

namespace coalition::testing {
namespace {

class Asked {
 public:
  Asked(const Player& player, const std::vector<Step>& steps) : player_(player), steps_(steps) {}

  Questions All() {
    for (size_t i = 0; i <= steps_.size(); ++i) AboutRecord(player_.NameOf(i));  // the last was never made
    TakingBack();
    Lists();
    Sellers();
    Drafts();
    Policies();
    return std::move(questions_);
  }

 private:
  template <class Request>
  void Add(Request request) {
    questions_.push_back(std::make_shared<const Request>(std::move(request)));
  }

  void AboutRecord(const std::string& name) {
    v1::GetRecordRequest get;
    get.set_name(name);
    Add(get);
    v1::ExplainAccessRequest explain;
    explain.set_name(name);
    Add(explain);
    explain.set_epoch(1);
    Add(explain);
    explain.set_member("members/souk");
    Add(explain);
    // Drafts that refer to it.
    v1::CreateRecordRequest create;
    create.set_validate_only(true);
    *create.mutable_record() = Opinion(name, v1::OPINION_VERDICT_DISPUTED);
    Add(create);
    *create.mutable_record() = Notice("bazaar.example", "shop-1");
    create.mutable_record()->mutable_takedown_notice()->set_report(name);
    Add(create);
    v1::PreviewAudienceRequest preview;
    *preview.mutable_record() = Opinion(name, v1::OPINION_VERDICT_CONFIRMED);
    GrantGroup(*preview.mutable_record(), "club");
    Add(preview);
    // It is perhaps the observer's own.
    v1::ReviseRecordRequest revise;
    revise.set_validate_only(true);
    revise.mutable_record()->set_name(name);
    revise.mutable_record()->set_label(v1::LABEL_AMBER);
    revise.mutable_update_mask()->add_paths("label");
    Add(revise);
    v1::WithdrawRecordRequest withdraw;
    withdraw.set_validate_only(true);
    withdraw.set_name(name);
    Add(withdraw);
  }

  // All at once: what is not the observer's own is not there.
  void TakingBack() {
    v1::BatchWithdrawRecordsRequest withdraw;
    v1::BatchClearRecordsRequest clear;
    withdraw.set_validate_only(true);
    clear.set_validate_only(true);
    clear.set_grounds(v1::CLEARANCE_GROUNDS_GENUINE_GOODS);
    for (size_t i = 0; i <= steps_.size(); ++i) {
      withdraw.add_names(player_.NameOf(i));
      clear.add_names(player_.NameOf(i));
    }
    Add(withdraw);
    Add(clear);
  }

  void Lists() {
    for (const int page_size : {1, 3, 50}) {
      v1::ListRecordsRequest list;
      list.set_page_size(page_size);
      Add(list);
    }
    for (const v1::RecordFilter& filter : FiltersOf(player_, steps_)) {
      v1::ListRecordsRequest list;
      list.set_page_size(2);
      *list.mutable_filter() = filter;
      Add(list);
    }
  }

  void Sellers() {
    v1::ScreenSellersRequest screen;
    for (const char* platform : {"bazaar.example", "souk.example"}) {
      for (const char* seller : kSellers) {
        v1::Seller& asked = *screen.add_sellers();
        asked.set_platform(platform);
        asked.set_seller_id(seller);
        v1::GetSellerProfileRequest profile;
        *profile.mutable_seller() = asked;
        Add(profile);
      }
    }
    Add(screen);
  }

  void Drafts() {
    for (int i = 0; i < 3; ++i) {
      v1::ImportRecordsRequest import;
      import.set_validate_only(true);
      import.add_items()->set_item_id(i);
      *import.mutable_items(0)->mutable_record() = Report("bazaar.example", kSellers[i]);
      import.mutable_items(0)->mutable_record()->set_external_id("x" + std::to_string(i));
      Add(import);
    }
    v1::PreviewAudienceRequest preview;
    *preview.mutable_record() = Report("bazaar.example", "shop-1");
    GrantEveryone(*preview.mutable_record(), "notice");
    Add(preview);
    Add(v1::ListAudiencesRequest());
  }

  void Policies() {
    Add(v1::GetPolicyRequest());
    Add(v1::GetMemberPolicyRequest());
    // Takes as long as all the others together.
    if (steps_.size() % 8 != 0) return;
    v1::DiffPolicyRequest diff;
    *diff.mutable_policy() = PolicyOf(0x7fff);
    Add(diff);
  }

  const Player& player_;
  const std::vector<Step>& steps_;
  Questions questions_;
};

}  // namespace

std::vector<v1::RecordFilter> FiltersOf(const Player& player, const std::vector<Step>& steps) {
  std::vector<v1::RecordFilter> filters;
  for (int of = 1; of <= 4; ++of) filters.emplace_back().add_record_classes(static_cast<v1::RecordClass>(of));
  for (const char* seller : kSellers) {
    v1::Seller* wanted = filters.emplace_back().mutable_seller();
    wanted->set_platform("bazaar.example");
    wanted->set_seller_id(seller);
  }
  filters.emplace_back().mutable_seller()->set_platform("souk.example");
  for (const char* member : kOthers) filters.emplace_back().set_contributor(FormatMemberName(member));
  for (int i = 0; i < 3; ++i) filters.emplace_back().set_external_id("x" + std::to_string(i));
  for (size_t i = 0; i <= steps.size(); ++i) filters.emplace_back().set_refers_to(player.NameOf(i));
  // A few steps after a World's clock began.
  filters.emplace_back().mutable_created_from()->set_seconds(1'790'000'005);
  filters.emplace_back().mutable_created_before()->set_seconds(1'790'000'005);
  return filters;
}

Questions QuestionsOf(const Player& player, const std::vector<Step>& steps) {
  return Asked(player, steps).All();
}

std::vector<std::string> Answers(Stage& stage, const Questions& questions, uint64_t seed) {
  std::vector<std::string> answers;
  const auto add = [&](const Answer& answer) {
    answers.push_back(answer.Whole() + "|disclosed " + std::to_string(stage.disclosed()));
  };
  for (const auto& question : questions) {
    const auto* list = dynamic_cast<const v1::ListRecordsRequest*>(question.get());
    if (list == nullptr) {
      add(stage.Ask(kObserver, *question, seed));
      continue;
    }
    v1::ListRecordsRequest page = *list;
    do {
      Answer answer = stage.Ask(kObserver, page, seed);
      v1::ListRecordsResponse shown;
      if (answer.status.ok()) shown.ParseFromString(answer.bytes);
      page.set_page_token(shown.next_page_token());
      // It is sealed under a random nonce, which here is always the same: all that others can tell is its
      // length.
      shown.set_next_page_token(std::to_string(page.page_token().size()));
      if (answer.status.ok()) answer.bytes = shown.SerializeAsString();
      add(answer);
    } while (!page.page_token().empty());
  }
  return answers;
}

std::string FirstDifference(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const std::string in_a = i < a.size() ? a[i] : "nothing", in_b = i < b.size() ? b[i] : "nothing";
    if (in_a == in_b) continue;
    return "answer " + std::to_string(i) + "\n" + absl::CEscape(in_a) + "\n" + absl::CEscape(in_b);
  }
  return "";
}

std::vector<std::string> ListedNames(Stage& stage, const std::string& member, int page_size, uint64_t seed,
                                     const v1::RecordFilter& filter) {
  std::vector<std::string> names;
  v1::ListRecordsRequest request;
  request.set_page_size(page_size);
  *request.mutable_filter() = filter;
  do {
    const auto page = AskFor<v1::ListRecordsResponse>(stage, member, request, seed);
    if (!page.ok()) {
      std::fprintf(stderr, "list: %s\n", page.status().ToString().c_str());
      std::abort();
    }
    for (const v1::Record& record : page->records()) names.push_back(record.name());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return names;
}

}  // namespace coalition::testing
