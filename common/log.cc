#include "common/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <memory>
#include <vector>

#include "common/strings.h"
#include "google/protobuf/stubs/logging.h"

namespace coalition {
namespace {

constexpr size_t kValueBytesMax = 256;
constexpr size_t kLineBytesMax = 4096;

std::atomic<LogFormat> g_format{LogFormat::kText};

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return spdlog::level::trace;
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      break;
  }
  return spdlog::level::off;
}

// Never destroyed: threads may log while the process ends.
spdlog::logger& Logger() {
  static spdlog::logger* const logger = [] {
    auto* made = new spdlog::logger("coalition", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::info);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

std::string_view LevelName(LogLevel level) {
  constexpr std::string_view kNames[] = {"trace", "debug", "info", "warn", "error", "off"};
  return kNames[static_cast<size_t>(level)];
}

std::string FormatMilliseconds(int64_t now_ns) {
  const time_t seconds = now_ns / 1'000'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char date[32];
  std::strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
  char text[48];
  std::snprintf(text, sizeof(text), "%s.%03dZ", date, static_cast<int>(now_ns / 1'000'000 % 1000));
  return text;
}

// JSON's escapes, which serve for text as well: no quote, control character or line separator is left as it
// is.
void AppendQuoted(std::string& line, std::string_view value) {
  const std::string clean = CleanUtf8(value, kValueBytesMax);
  line.push_back('"');
  for (size_t at = 0; at < clean.size();) {
    char32_t c = 0;
    const size_t length = Utf8Character(std::string_view(clean).substr(at), &c);
    if (c == '"' || c == '\\') {
      line.push_back('\\');
      line.push_back(static_cast<char>(c));
    } else if (c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0x2028 && c <= 0x202e) ||
               (c >= 0x2066 && c <= 0x2069)) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(c));
      line.append(escape);
    } else {
      line.append(clean, at, length);
    }
    at += length;
  }
  if (clean.size() < value.size()) line.append("...");
  line.push_back('"');
}

bool IsPlainWord(std::string_view text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:~@";
  return !text.empty() && text.size() <= kValueBytesMax &&
         text.find_first_not_of(kPlain) == std::string_view::npos;
}

struct AppendValue {
  std::string& line;
  LogFormat format;

  void operator()(std::string_view value) const {
    if (format == LogFormat::kText && IsPlainWord(value)) {
      line.append(value);
    } else {
      AppendQuoted(line, value);
    }
  }
  void operator()(bool value) const { line.append(value ? "true" : "false"); }
  void operator()(int64_t value) const { line.append(std::to_string(value)); }
  void operator()(uint64_t value) const { line.append(std::to_string(value)); }
  void operator()(double value) const {
    if (!std::isfinite(value)) return AppendQuoted(line, "not a number");
    char text[32];
    std::snprintf(text, sizeof(text), "%.6g", value);
    line.append(text);
  }
};

void AppendField(std::string& line, LogFormat format, const LogField& field) {
  // A line too long for its reader loses whole fields, never half of one.
  if (line.size() > kLineBytesMax - 2 * kValueBytesMax) return;
  if (format == LogFormat::kJson) {
    line.push_back(',');
    AppendQuoted(line, field.key);
    line.push_back(':');
  } else {
    line.push_back(' ');
    line.append(field.key);
    line.push_back('=');
  }
  std::visit(AppendValue{line, format}, field.value);
}

template <class Fields>
std::string FormatLine(LogFormat format, int64_t now_ns, LogLevel level, std::string_view event,
                       const Fields& fields) {
  std::string line;
  if (format == LogFormat::kJson) {
    line.append("{\"time\":\"").append(FormatMilliseconds(now_ns)).append("\",\"level\":\"");
    line.append(LevelName(level)).append("\",\"event\":");
    AppendQuoted(line, event);
  } else {
    line.append(FormatMilliseconds(now_ns)).append(" ").append(LevelName(level)).append(" ").append(event);
  }
  for (const LogField& field : fields) AppendField(line, format, field);
  if (format == LogFormat::kJson) line.push_back('}');
  return line;
}

template <class Fields>
void WriteLine(LogLevel level, std::string_view event, const Fields& fields) {
  const int64_t now_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                             std::chrono::system_clock::now().time_since_epoch())
                             .count();
  const std::string line = FormatLine(g_format.load(std::memory_order_relaxed), now_ns, level, event, fields);
  Logger().log(SpdlogLevel(level), spdlog::string_view_t(line.data(), line.size()));
}

void HandleProtobufLog(google::protobuf::LogLevel level, const char* file, int line, const std::string&) {
  static LogLimit limit(1000);
  const LogFields place = {{"file", file}, {"line", line}};
  // The last line before protobuf ends the process.
  if (level == google::protobuf::LOGLEVEL_FATAL) return Log::Error("protobuf", place);
  Log::Limited(limit, LogLevel::kDebug, "protobuf", place);
}

}  // namespace

bool LogLimit::Admit(int64_t now_ns, uint64_t* suppressed) {
  int64_t next = next_ns_.load(std::memory_order_relaxed);
  if (now_ns < next ||
      !next_ns_.compare_exchange_strong(next, now_ns + interval_ns_, std::memory_order_relaxed)) {
    suppressed_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  *suppressed = suppressed_.exchange(0, std::memory_order_relaxed);
  return true;
}

void Log::Configure(LogLevel level, LogFormat format) {
  g_format.store(format, std::memory_order_relaxed);
  Logger().set_level(SpdlogLevel(level));
  google::protobuf::SetLogHandler(&HandleProtobufLog);
}

bool Log::ParseLevel(std::string_view name, LogLevel* level) {
  for (int i = 0; i <= static_cast<int>(LogLevel::kOff); ++i) {
    if (name != LevelName(static_cast<LogLevel>(i))) continue;
    *level = static_cast<LogLevel>(i);
    return true;
  }
  return false;
}

bool Log::Enabled(LogLevel level) { return Logger().should_log(SpdlogLevel(level)); }

void Log::Write(LogLevel level, std::string_view event, LogFields fields) {
  if (Enabled(level)) WriteLine(level, event, fields);
}

void Log::Limited(LogLimit& limit, LogLevel level, std::string_view event, LogFields fields) {
  if (!Enabled(level)) return;
  const int64_t now_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                             std::chrono::steady_clock::now().time_since_epoch())
                             .count();
  uint64_t suppressed = 0;
  if (!limit.Admit(now_ns, &suppressed)) return;
  if (suppressed == 0) return WriteLine(level, event, fields);
  std::vector<LogField> all(fields);
  all.emplace_back("suppressed", suppressed);
  WriteLine(level, event, all);
}

std::string Log::Format(LogFormat format, int64_t now_ns, LogLevel level, std::string_view event,
                        LogFields fields) {
  return FormatLine(format, now_ns, level, event, fields);
}

}  // namespace coalition
