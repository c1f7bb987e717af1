// Text for terminals and for CSV. Every function is thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace coalition::cli {

// `text` fit to be written to a terminal: control characters (C0, DEL, C1), line separators, characters that
// change the direction of text and invalid UTF-8 are shown as \n, \t, \xNN or \u{NNNN}. What others
// contributed must not move the cursor, change colours or rewrite what was printed.
std::string Printable(std::string_view text);

// Columns of a terminal that printable UTF-8 takes: 2 for wide characters, 0 for combining ones. Needs a
// UTF-8 LC_CTYPE (see UseUtf8); without one every character counts 1.
size_t DisplayWidth(std::string_view text);

// Sets LC_CTYPE to C.UTF-8 for the process. For main.
void UseUtf8();

// RFC 4180: quoted where needed. Lines end with LF.
std::string CsvLine(const std::vector<std::string>& cells);

// One line of columns that are `widths` wide, or as wide as their cell, two spaces between them and none at
// the end. Cells are written as they are: make them Printable.
void WriteCells(const std::vector<std::string>& cells, const std::vector<size_t>& widths, std::ostream& out);

// Columns of equal width, two spaces between them, the header in upper case. Cells are made Printable; a cell
// wider than `cell_width_max` columns is cut and ends with an ellipsis, 0 means no limit. Lines have no
// spaces at their end.
void WriteTable(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows,
                size_t cell_width_max, std::ostream& out);

// One "NAME  value" line for each pair.
void WriteFacts(const std::vector<std::pair<std::string, std::string>>& facts, std::ostream& out);

// Rounded to what people say: "45 s", "12 min", "5 h", "3 days".
std::string DurationText(int64_t seconds);

// 1234567 -> "1,234,567".
std::string WithThousands(uint64_t number);

}  // namespace coalition::cli
