#include "server/membership/events.h"

#include <algorithm>
#include <optional>

#include "common/timestamp.h"
#include "server/membership/acts.h"
#include "server/membership/stored_state.h"

namespace coalition::membership {
namespace {

// An event stands in one list for whoever knows all, and in one more for those who are told of it, so that
// nobody's events are read for others.
constexpr std::string_view kAll = "a/";
constexpr std::string_view kEverybodys = "p/";

std::string ListOf(std::string_view list) { return std::string(kEventPrefix) + std::string(list); }
std::string ListOfMember(uint32_t member) { return ListOf("o/") + BigEndian(member) + "/"; }

// The newest first.
std::string PlaceOf(store::Revision revision, uint32_t number) {
  return BigEndian(~uint64_t{revision}) + BigEndian(number);
}

absl::Status Read(const store::Store& store, const std::string& list, store::Revision at,
                  std::string_view after, size_t count, PlacedEvents* events) {
  std::optional<std::string> from = list + std::string(after);
  if (!after.empty()) from->push_back('\0');
  const size_t enough = events->size() + count;
  while (from && events->size() < enough) {
    const auto page = store.Scan(*from, EndOf(list), at, {.items = enough - events->size()});
    if (!page.ok()) return page.status();
    for (const store::Entry& entry : page->items) {
      storage::v1::StoredMembershipEvent stored;
      if (!stored.ParseFromString(entry.version.value)) return Unparseable();
      auto& [place, event] = events->emplace_back();
      place = entry.key.substr(list.size());
      *event.mutable_time() = ToTimestamp(stored.time_ns());
      event.set_epoch(static_cast<int64_t>(stored.epoch()));
      event.set_by(stored.by());
      event.set_subject(stored.subject());
      event.set_text(stored.text());
    }
    from = page->next;
  }
  return absl::OkStatus();
}

}  // namespace

void AddEvents(const std::vector<Event>& events, const Actor& actor, store::Revision revision, uint64_t epoch,
               std::vector<store::Write>* writes) {
  uint32_t number = 0;
  for (const Event& event : events) {
    storage::v1::StoredMembershipEvent stored;
    stored.set_time_ns(actor.now_ns);
    stored.set_epoch(epoch);
    stored.set_by(NameOf(actor.caller));
    stored.set_subject(event.subject);
    stored.set_text(event.text);
    const std::string place = PlaceOf(revision, number++);
    const std::string told = event.member == 0 ? ListOf(kEverybodys) : ListOfMember(event.member);
    writes->push_back(Stored(ListOf(kAll) + place, stored));
    writes->push_back(Stored(told + place, stored));
    AddActs({{event.subject, event.text, event.member}}, actor, revision, epoch, writes);
  }
}

absl::StatusOr<PlacedEvents> EventsAfter(const store::Store& store, store::Revision at, const Actor& actor,
                                         std::string_view after, size_t count) {
  PlacedEvents events;
  if (IsCoalitionAdmin(actor.snapshot, actor)) {
    if (auto read = Read(store, ListOf(kAll), at, after, count, &events); !read.ok()) return read;
    return events;
  }
  const std::string own = ListOfMember(actor.caller.member_number);
  if (auto read = Read(store, ListOf(kEverybodys), at, after, count, &events); !read.ok()) return read;
  if (auto read = Read(store, own, at, after, count, &events); !read.ok()) return read;
  std::sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  if (events.size() > count) events.resize(count);
  return events;
}

}  // namespace coalition::membership
