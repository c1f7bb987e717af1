#include "common/policy/diff_limits.h"

#include <string>

#include "common/policy/compiled_policy.h"
#include "common/policy/has.h"
#include "common/policy/limits.h"
#include "common/policy/other_change.h"
#include "common/policy/words.h"

namespace coalition::policy {
namespace {

class Limits {
 public:
  Limits(const v1::PolicyLimits& before, const v1::PolicyLimits& after, std::vector<v1::OtherChange>* changes,
         std::vector<v1::Subject>* reached)
      : before_(before), after_(after), changes_(*changes), reached_(*reached) {}

  void Run() {
    Lifetimes();
    DefaultLifetimes();
    Labels();
    Quorum();
    Proposals();
    Suspended();
    Contested();
    ShownTo();
    Audited();
    AuthorityReads();
  }

 private:
  void Add(v1::Direction direction, const std::string& path, const std::string& before,
           const std::string& after, const std::string& sentence) {
    changes_.push_back(MakeChange(direction, path, before, after, sentence));
  }

  void Lifetimes() {
    for (int of = 1; of < static_cast<int>(kClasses); ++of) {
      for (int label = 1; label < static_cast<int>(kLabels); ++label) {
        const auto record_class = static_cast<v1::RecordClass>(of);
        const auto of_label = static_cast<v1::Label>(label);
        const int was = LifetimeDays(before_, record_class, of_label);
        const int is = LifetimeDays(after_, record_class, of_label);
        if (was == is) continue;
        const bool longer = is == 0 || (was != 0 && is > was);
        const auto text = [](int days) {
          return days == 0 ? std::string("as long as the server lets them") : std::to_string(days) + " days";
        };
        Add(longer ? v1::DIRECTION_WIDENS : v1::DIRECTION_NARROWS,
            "limits.lifetimes " + Word(record_class) + " " + Word(of_label), std::to_string(was),
            std::to_string(is),
            "new records of class " + Word(record_class) + " labelled " + Word(of_label) + " could live " +
                text(is) + ", not " + text(was));
      }
    }
  }

  // What the server's setting is, is not known here: where it comes in, somebody could see records longer.
  void DefaultLifetimes() {
    for (int of = 1; of < static_cast<int>(kClasses); ++of) {
      for (int label = 1; label < static_cast<int>(kLabels); ++label) {
        const auto record_class = static_cast<v1::RecordClass>(of);
        const auto of_label = static_cast<v1::Label>(label);
        const int was = DefaultLifetimeDays(before_, record_class, of_label);
        const int is = DefaultLifetimeDays(after_, record_class, of_label);
        if (was == is) continue;
        const auto text = [](int days) {
          return days == 0 ? std::string("as long as the server says") : std::to_string(days) + " days";
        };
        Add(was != 0 && is != 0 && is < was ? v1::DIRECTION_NARROWS : v1::DIRECTION_WIDENS,
            "limits.lifetimes " + Word(record_class) + " " + Word(of_label) + " default", std::to_string(was),
            std::to_string(is),
            "new records of class " + Word(record_class) + " labelled " + Word(of_label) +
                " that do not say how long would live " + text(is) + ", not " + text(was));
      }
    }
  }

  void Labels() {
    for (int label = 1; label < static_cast<int>(kLabels); ++label) {
      const auto of = static_cast<v1::Label>(label);
      const bool was = AllowsLabel(before_, of), is = AllowsLabel(after_, of);
      if (was == is) continue;
      Add(is ? v1::DIRECTION_WIDENS : v1::DIRECTION_NARROWS, "limits.labels " + Word(of),
          was ? "allowed" : "", is ? "allowed" : "",
          "new records could " + std::string(is ? "" : "no more ") + "carry the label " + Word(of));
    }
  }

  void Quorum() {
    const v1::Quorum& was = before_.widening();
    const v1::Quorum& is = after_.widening();
    if (was.approvals() != is.approvals()) {
      // More of them too: what needs more than there are can never be changed again.
      Add(v1::DIRECTION_WIDENS, "limits.widening.approvals", std::to_string(was.approvals()),
          std::to_string(is.approvals()),
          "what widens would need the approval of " + std::to_string(is.approvals()) + " members, not of " +
              std::to_string(was.approvals()));
    }
    for (int kind = 1; kind < static_cast<int>(kKinds); ++kind) {
      const bool before = Has(was.electorate(), kind), after = Has(is.electorate(), kind);
      if (before == after) continue;
      const std::string word = Word(static_cast<v1::MemberKind>(kind));
      // Who may agree is who decides what others see: also one approver less is for the others to agree to.
      Add(v1::DIRECTION_WIDENS, "limits.widening.electorate " + word, before ? "may approve" : "",
          after ? "may approve" : "",
          "members of kind " + word + (after ? " could" : " could no more") + " approve what widens");
    }
  }

  // Time to object, and time to agree. Other terms void the proposals that are open, so also a change without
  // effect is told.
  void Proposals() {
    const v1::Quorum& was = before_.widening();
    const v1::Quorum& is = after_.widening();
    const auto add = [this](v1::Direction direction, const char* field, int before, int after,
                            const std::string& sentence) {
      std::string path("limits.widening.");  // not a sum: GCC 12 sees an overflow there
      path += field;
      Add(direction, path, std::to_string(before), std::to_string(after), sentence);
    };
    const auto days = [](int count) {
      return count == 0 ? std::string("at once") : "after " + std::to_string(count) + " days";
    };
    if (was.notice_days() != is.notice_days()) {
      const bool sooner = is.notice_days() < was.notice_days();
      add(sooner ? v1::DIRECTION_WIDENS : v1::DIRECTION_NARROWS, "notice_days", was.notice_days(),
          is.notice_days(),
          "a change of the coalition's members could be applied " + days(is.notice_days()) + ", not " +
              days(was.notice_days()));
    }
    if (was.open_days() == is.open_days()) return;
    const int before = OpenDays(was), after = OpenDays(is);
    add(before == after  ? v1::DIRECTION_NEITHER
        : after > before ? v1::DIRECTION_WIDENS
                         : v1::DIRECTION_NARROWS,
        "open_days", was.open_days(), is.open_days(),
        "a proposal to change the coalition's members would expire " + days(after) +
            (before == after ? " as before" : ", not " + days(before)));
  }

  // Unlike all else it counts for what was made before, both ways, as a suspension does. Everybody gains
  // alike, so that nobody's approval counts less.
  void Suspended() {
    const bool was = before_.hides_records_of_suspended();
    const bool is = after_.hides_records_of_suspended();
    if (was == is) return;
    Add(is ? v1::DIRECTION_NARROWS : v1::DIRECTION_WIDENS, "limits.hides_records_of_suspended",
        was ? "hidden" : "shown", is ? "hidden" : "shown",
        is ? "while a member is suspended, others would not see its records, whenever they were made"
           : "while a member is suspended, others would go on seeing its records, also those that are hidden "
             "today");
  }

  // Whoever sees a report sees it until it lapses.
  void Contested() {
    if (before_.contest_days() == after_.contest_days()) return;
    const int was = ContestDays(before_), is = ContestDays(after_);
    Add(was == is  ? v1::DIRECTION_NEITHER
        : is > was ? v1::DIRECTION_WIDENS
                   : v1::DIRECTION_NARROWS,
        "limits.contest_days", std::to_string(before_.contest_days()), std::to_string(after_.contest_days()),
        "a contested report that nobody confirms would lapse after " + std::to_string(is) + " days" +
            (was == is ? " as before" : ", not after " + std::to_string(was) + " days"));
  }

  // A contributor who asks is told by the policy in force, also of what was shown before.
  void ShownTo() {
    for (int kind = 1; kind < static_cast<int>(kKinds); ++kind) {
      const bool was = Has(before_.shown_to_by_kind(), kind), is = Has(after_.shown_to_by_kind(), kind);
      if (was == is) continue;
      const std::string word = Word(static_cast<v1::MemberKind>(kind));
      Add(is ? v1::DIRECTION_NARROWS : v1::DIRECTION_WIDENS, "limits.shown_to_by_kind " + word,
          was ? "by kind" : "by name", is ? "by kind" : "by name",
          "who asks whom its record was shown to would be told of members of kind " + word + " by their " +
              (is ? "kind alone" : "names") + ", whenever it was shown to them");
    }
  }

  // Also of what was disclosed before. Whose auditors could open more does not count among those who agree.
  void Audited() {
    const bool was = before_.auditors_open_disclosures(), is = after_.auditors_open_disclosures();
    if (was == is) return;
    Add(is ? v1::DIRECTION_WIDENS : v1::DIRECTION_NARROWS, "limits.auditors_open_disclosures",
        was ? "open" : "closed", is ? "open" : "closed",
        std::string("auditors could ") + (is ? "" : "no more ") +
            "open what the ledger has of disclosures: who was shown what, by which call, whenever that was");
    if (!is) return;
    for (const v1::MemberKind kind : {v1::MEMBER_KIND_SECRETARIAT, v1::MEMBER_KIND_OBSERVER}) {
      reached_.emplace_back().set_kind(kind);
    }
  }

  // All contributors gain alike.
  void AuthorityReads() {
    const int was = before_.authority_reads_sealed_days(), is = after_.authority_reads_sealed_days();
    if (was == is) return;
    const auto text = [](int days) {
      return days == 0 ? std::string("at once") : "after " + std::to_string(days) + " days";
    };
    Add(is < was ? v1::DIRECTION_WIDENS : v1::DIRECTION_NARROWS, "limits.authority_reads_sealed_days",
        std::to_string(was), std::to_string(is),
        "contributors would be told that a member of kind AUTHORITY was shown a record of theirs " +
            text(is) + ", not " + text(was) + ", whenever it was shown to it");
  }

  const v1::PolicyLimits& before_;
  const v1::PolicyLimits& after_;
  std::vector<v1::OtherChange>& changes_;
  std::vector<v1::Subject>& reached_;
};

}  // namespace

void DiffLimits(const v1::PolicyLimits& before, const v1::PolicyLimits& after,
                std::vector<v1::OtherChange>* changes, std::vector<v1::Subject>* reached) {
  Limits(before, after, changes, reached).Run();
}

}  // namespace coalition::policy
