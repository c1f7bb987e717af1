// Warnings of certificates that end, by a clock that a test sets.
#include "server/tls_reloader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "common/file.h"
#include "common/log.h"
#include "tests/support/certificates.h"
#include "tests/support/store/scratch_dir.h"

namespace coalition::server {
namespace {

using testing::CertificateFactory;
using testing::CertificateSpec;
using ::testing::HasSubstr;
using testing::Identity;
using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

constexpr int64_t kDayS = 86'400;

class SetClock final : public Clock {
 public:
  int64_t NowNs() const override { return now_s_.load() * 1'000'000'000; }
  void Set(int64_t now_s) { now_s_.store(now_s); }

 private:
  std::atomic<int64_t> now_s_{0};
};

class TlsReloaderTest : public ::testing::Test {
 protected:
  TlsReloaderTest() {
    Log::Configure(LogLevel::kInfo, LogFormat::kText);
    clock_.Set(make_.now_s());
    tls_.set_certificate_file(scratch_.Sub("server.pem"));
    tls_.set_key_file(scratch_.Sub("server.key"));
    tls_.set_client_ca_file(make_.WriteCa(scratch_.path()));
    tls_.set_reload_ms(10);
    tls_.set_expiry_warning_percent(30);
    Write(100);
  }

  // A certificate that began now and lasts so long.
  void Write(int64_t days) {
    CertificateSpec spec;
    spec.common_name = "exchange";
    spec.dns_names = {"localhost"};
    spec.server_auth = true;
    spec.begins_in_s = clock_.NowS() - make_.now_s();
    spec.ends_in_s = spec.begins_in_s + days * kDayS;
    CertificateFactory::Write(make_.Make(spec), scratch_.path(), "server");
  }
  std::unique_ptr<TlsReloader> Started() {
    auto reloader = TlsReloader::Start(tls_, clock_);
    EXPECT_TRUE(reloader.ok()) << reloader.status();
    return reloader.ok() ? *std::move(reloader) : nullptr;
  }
  // What is logged while the clock stands there; long enough for many looks.
  std::string LogAt(int64_t day) {
    CaptureStderr();
    clock_.Set(make_.now_s() + day * kDayS);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return GetCapturedStderr();
  }
  static size_t Lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

  const testing::ScratchDir scratch_;
  CertificateFactory make_;
  SetClock clock_;
  config::v1::Tls tls_;
};

TEST_F(TlsReloaderTest, WarnsOnceADayOfACertificateWithLittleOfItsLifeLeft) {
  CaptureStderr();
  const auto reloader = Started();
  EXPECT_EQ(GetCapturedStderr(), "");
  EXPECT_EQ(LogAt(69), "");
  const std::string warning = LogAt(71);
  EXPECT_EQ(Lines(warning), 1U) << warning;
  EXPECT_THAT(warning, HasSubstr(" warn certificate_expires file=" + tls_.certificate_file() +
                                 " certificate=\"CN=exchange\""));
  EXPECT_THAT(warning, HasSubstr("hours_left=696"));
  EXPECT_EQ(LogAt(71), "");  // not again on the same day
  EXPECT_EQ(Lines(LogAt(72)), 1U);
  EXPECT_THAT(LogAt(101), HasSubstr(" warn certificate_expired "));
}

TEST_F(TlsReloaderTest, WarnsAtStartAndAtAReload) {
  clock_.Set(make_.now_s() + 80 * kDayS);
  CaptureStderr();
  const auto reloader = Started();
  EXPECT_THAT(GetCapturedStderr(), HasSubstr("warn certificate_expires"));
  // Ends soon, as seen from when it began: a day of thirty is left.
  Write(30);
  clock_.Set(make_.now_s() + 81 * kDayS);
  EXPECT_TRUE(reloader->Reload().ok());
  EXPECT_EQ(LogAt(81), "");
  CaptureStderr();
  clock_.Set(make_.now_s() + 81 * kDayS + 3600);
  CertificateSpec spec;
  spec.common_name = "late";
  spec.dns_names = {"localhost"};
  spec.server_auth = true;
  spec.ends_in_s = 82 * kDayS;
  CertificateFactory::Write(make_.Make(spec), scratch_.path(), "server");
  // Whoever looks first, the thread or this: it is said.
  EXPECT_TRUE(reloader->Reload().ok());
  const std::string log = GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("tls_reloaded certificate=\"CN=late\""));
  EXPECT_THAT(log,
              HasSubstr("certificate_expires file=" + tls_.certificate_file() + " certificate=\"CN=late\""));
}

TEST_F(TlsReloaderTest, WarnsOfEachCaOfTheBundle) {
  CertificateFactory::Options options;
  options.root_name = "the old root CA";
  options.now_s = make_.now_s() - 390 * kDayS;  // ten days left of 440
  const CertificateFactory old(options);
  ASSERT_TRUE(WriteFileAtomic(tls_.client_ca_file(), make_.ca_pem() + old.ca_pem(), 0644).ok());
  CaptureStderr();
  const auto reloader = Started();
  const std::string log = GetCapturedStderr();
  EXPECT_EQ(Lines(log), 1U) << log;
  EXPECT_THAT(log, HasSubstr("warn certificate_expires file=" + tls_.client_ca_file() +
                             " certificate=\"CN=the old root CA\""));
  // One that has expired is no reason to refuse the others.
  EXPECT_THAT(LogAt(11), HasSubstr("certificate_expired file=" + tls_.client_ca_file()));
  EXPECT_TRUE(reloader->Reload().ok());
}

TEST_F(TlsReloaderTest, ACertificateThatWasNotYetValidIsTakenWhenItIs) {
  const auto reloader = Started();
  const auto before = reloader->current();
  CertificateSpec spec;
  spec.dns_names = {"localhost"};
  spec.server_auth = true;
  spec.begins_in_s = 2 * kDayS;
  spec.ends_in_s = 90 * kDayS;
  CertificateFactory::Write(make_.Make(spec), scratch_.path(), "server");
  EXPECT_THAT(std::string(reloader->Reload().message()), HasSubstr("is not valid before"));
  EXPECT_EQ(reloader->current(), before);
  clock_.Set(make_.now_s() + 3 * kDayS);
  EXPECT_TRUE(reloader->Reload().ok());
  EXPECT_NE(reloader->current(), before);
  EXPECT_EQ(reloader->state().refusal, "");
}

}  // namespace
}  // namespace coalition::server
