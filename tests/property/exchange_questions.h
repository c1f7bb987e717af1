// Everything that one member can ask of an exchange after a history.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "coalition/v1/exchange_service.pb.h"
#include "tests/property/exchange_history.h"
#include "tests/property/exchange_stage.h"

namespace coalition::testing {

// Requests of kObserver's. What they ask follows from the history alone, never from an answer.
using Questions = std::vector<std::shared_ptr<const google::protobuf::Message>>;

// Each record by name and why it is seen; listings by page size and by filter; screenings and profiles;
// drafts that refer to each record or take each external id; changes of each record; policies, audiences and
// the difference that a policy would make. Nothing is changed.
Questions QuestionsOf(const Player& player, const std::vector<Step>& steps);

// What listings are filtered by.
std::vector<v1::RecordFilter> FiltersOf(const Player& player, const std::vector<Step>& steps);

// Complete answers, one for each question, as texts; of a listing all pages, and page tokens by their length.
// How much the log notes is part of them.
std::vector<std::string> Answers(Stage& stage, const Questions& questions, uint64_t seed);

// Where two lists of answers differ first, with both answers as text that can be read; "" where they don't.
std::string FirstDifference(const std::vector<std::string>& a, const std::vector<std::string>& b);

// The names of all records that the member is listed, by pages of that size.
std::vector<std::string> ListedNames(Stage& stage, const std::string& member, int page_size, uint64_t seed,
                                     const v1::RecordFilter& filter = {});

}  // namespace coalition::testing
