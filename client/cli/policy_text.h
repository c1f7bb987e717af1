// Versions of policies and differences between them, for people and as cells.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "client/cli/output.h"
#include "coalition/v1/policy_service.pb.h"

namespace coalition::cli {

// version, epoch, applied, by, approved_by, title: a row of the history.
const std::vector<std::string>& PolicyVersionColumns();
std::vector<std::string> PolicyVersionCells(const v1::PolicyVersion& version);
// The same and the digest, of one version.
Facts PolicyVersionFacts(const v1::PolicyVersion& version);

// "2 of 3: members/aurore, members/belmont"; empty if none are needed.
std::string ApprovalsText(int needed, const google::protobuf::RepeatedPtrField<std::string>& approved_by);

// "12 would be seen by fewer or less of, 3 by more or more of if you opt in; of 40"; empty where none were
// looked at.
std::string OwnRecordsText(const v1::OwnRecordCounts& counts, bool own_policy);

// The sentences of the changes, those that widen, those that narrow and the others apart.
void WriteChanges(const google::protobuf::RepeatedPtrField<v1::AccessChange>& access,
                  const google::protobuf::RepeatedPtrField<v1::OtherChange>& other, std::ostream& out);

// The changes, and what is to be named when they are approved or applied. `compared`: against another version
// than the one in force, so that nothing can be applied by it.
void WriteDiff(const v1::PolicyDiff& diff, bool compared, std::ostream& out);

// One row for each change: direction, kinds, members, relations, class, labels, contributor_kinds, view,
// fields
// ("evidence.hash: omit -> full"; of other changes path and values), sentence. Lists are separated by "; ".
const std::vector<std::string>& ChangeColumns();
std::vector<std::string> ChangeCells(const v1::AccessChange& change);
std::vector<std::string> ChangeCells(const v1::OtherChange& change);

}  // namespace coalition::cli
