// Recalls, and who has dealt with them, as cells and sentences.
#pragma once

#include <string>
#include <vector>

#include "coalition/v1/watch_service.pb.h"

namespace coalition::cli {

// record, kind: "gone" or "cleared".
const std::vector<std::string>& RecallColumns();
std::vector<std::string> RecallCells(const v1::Retraction& recall);

// member, kind, first_shown, views, state, told, acknowledged. `member` is empty where a member is named by
// its kind alone; times are days; `state` is "shown", "not told", "told" or "acknowledged".
const std::vector<std::string>& RecipientColumns();
std::vector<std::string> RecipientCells(const v1::RecallRecipient& recipient);

// It sees the record no more, and has not said that it has dealt with that.
bool IsOutstanding(const v1::RecallRecipient& recipient);
int CountOutstanding(const v1::GetRecallStatusResponse& status);

// Whether and when the record was taken back, and how many have to be waited for: one line.
std::string RecallSentence(const std::string& record, const v1::GetRecallStatusResponse& status);

}  // namespace coalition::cli
