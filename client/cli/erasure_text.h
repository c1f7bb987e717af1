// Erasures as cells and sentences.
#pragma once

#include <string>
#include <vector>

#include "coalition/v1/erasure_service.pb.h"

namespace coalition::cli {

// record, contributor, was_live, erased_before.
const std::vector<std::string>& ErasedColumns();
std::vector<std::string> ErasedCells(const v1::ErasedRecord& erased);

// One line: the response in proto-JSON, but the SHA-256 in hex.
std::string ErasureJson(const v1::EraseRecordsResponse& erased);

// "3 records", "1 record".
std::string RecordsText(int count);

// "3 entries", "1 entry".
std::string EntriesText(int count);

// What an erasure that was only checked would end for good: how many records, of which members, and what
// quotes them.
std::vector<std::string> LostByErasure(const v1::EraseRecordsResponse& checked);
// "Erased 3 records, before 1.", or "Valid …" of what was only checked.
std::string ErasureSummary(const v1::EraseRecordsResponse& erased, bool checked);
// Of what refers to them, by name, of very many the first few. None: it is quoted nowhere.
std::vector<std::string> ReferringLines(const v1::EraseRecordsResponse& erased);

// The same of entries of the ledger. entry, erased_before.
const std::vector<std::string>& ErasedEntryColumns();
std::vector<std::string> ErasedEntryCells(const v1::ErasedLedgerEntry& erased);
std::string ErasureJson(const v1::EraseLedgerEntriesResponse& erased);
// Names them, of very many the first few. None: all of them were erased before.
std::vector<std::string> LostByErasure(const v1::EraseLedgerEntriesResponse& checked);
std::string ErasureSummary(const v1::EraseLedgerEntriesResponse& erased, bool checked);

}  // namespace coalition::cli
