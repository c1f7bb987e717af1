// The program's log: one line for each event, ids and never contents. Text or JSON, to stderr, times in UTC.
// Its own target, coalition_log, so that the client library does without spdlog.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace coalition {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError, kOff };
enum class LogFormat { kText, kJson };

// One named value of an event. Values are escaped and cut to 256 bytes each, so that no value can begin a
// line or a field.
struct LogField {
  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, bool v) : key(k), value(v) {}
  LogField(std::string_view k, double v) : key(k), value(v) {}
  LogField(std::string_view k, std::signed_integral auto v) : key(k), value(int64_t{v}) {}
  LogField(std::string_view k, std::unsigned_integral auto v) : key(k), value(uint64_t{v}) {}

  std::string_view key;
  std::variant<std::string_view, bool, double, int64_t, uint64_t> value;
};
using LogFields = std::initializer_list<LogField>;

// Lets one event pass in each interval and counts the others. Thread-safe.
class LogLimit {
 public:
  explicit constexpr LogLimit(int64_t interval_ms = 1000) : interval_ns_(interval_ms * 1'000'000) {}

  // Whether an event at `now_ns` (any clock that never goes back) passes, and if so how many did not since
  // the last.
  bool Admit(int64_t now_ns, uint64_t* suppressed);

 private:
  const int64_t interval_ns_;
  std::atomic<int64_t> next_ns_{0};
  std::atomic<uint64_t> suppressed_{0};
};

// Every function is thread-safe. A line is written whole; a line that can't be written is lost.
class Log {
 public:
  // Before the first event, or at any time. Also sends protobuf's own complaints here as event "protobuf",
  // with the place in its source and without its text, which may quote what was parsed; as DEBUG, since any
  // client causes them with bytes that are no request. Before it: INFO, text.
  static void Configure(LogLevel level, LogFormat format);
  // trace, debug, info, warn, error or off. False: none of these, `level` is unchanged.
  static bool ParseLevel(std::string_view name, LogLevel* level);

  static bool Enabled(LogLevel level);
  static void Write(LogLevel level, std::string_view event, LogFields fields = {});

  static void Debug(std::string_view event, LogFields fields = {}) { Write(LogLevel::kDebug, event, fields); }
  static void Info(std::string_view event, LogFields fields = {}) { Write(LogLevel::kInfo, event, fields); }
  static void Warn(std::string_view event, LogFields fields = {}) { Write(LogLevel::kWarn, event, fields); }
  static void Error(std::string_view event, LogFields fields = {}) { Write(LogLevel::kError, event, fields); }

  // At most one line in each interval of `limit`; the next one says how many were left out, as "suppressed".
  static void Limited(LogLimit& limit, LogLevel level, std::string_view event, LogFields fields = {});

  // What Write would write, without the line's end: for tests of the format.
  static std::string Format(LogFormat format, int64_t now_ns, LogLevel level, std::string_view event,
                            LogFields fields);
};

}  // namespace coalition
