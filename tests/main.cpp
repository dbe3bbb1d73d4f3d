// SPDX-License-Identifier: Apache-2.0
// Test entry point.  A kernel that faults (SIGSEGV on a guard page, SIGILL on a
// wrong ISA, SIGFPE) is named before the process dies; the last line counts test
// cases, a skipped one among neither the passed nor the failed.
#define DOCTEST_CONFIG_IMPLEMENT
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS
#include <doctest/doctest.h>

#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <set>

#include "tests/support/amx.h"
#include "tests/support/breadcrumb.h"
#include "tests/support/shared_data.h"

namespace dtacs::test {

Breadcrumb breadcrumb;

namespace {

std::set<std::string> skipped_cases;
std::string running;
unsigned ran = 0, failed = 0;

void die(int signal) {
  const auto say = [](const char* s, std::size_t n) { static_cast<void>(!write(STDERR_FILENO, s, n)); };
  say("\nCRASHED in ", 12);
  say(breadcrumb.text, breadcrumb.length);
  say("\n", 1);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void illegal(int signal, siginfo_t*, void* context) {
  if (!stand_in_for_amx(context)) die(signal);
}

// Knows which case runs, so that a skip can be booked on it; prints the totals.
struct Counter : doctest::IReporter {
  explicit Counter(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats& s) override {
    ran = s.numTestCasesPassingFilters;
    failed = s.numTestCasesFailed;
  }
  void test_case_start(const doctest::TestCaseData& c) override {
    running = c.m_name;
    breadcrumb.drop(running);
  }
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats& s) override {
    if (s.failure_flags != 0) skipped_cases.erase(running);  // failed, whatever it could not look at as well
  }
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};
REGISTER_LISTENER("counter", 1, Counter);

}  // namespace

void note_skipped(const std::string& what) {
  skipped_cases.insert(running);
  std::printf("SKIPPED %s: %s\n", running.c_str(), what.c_str());
}

}  // namespace dtacs::test

int main(int argc, char** argv) {
  for (const int s : {SIGSEGV, SIGBUS, SIGFPE}) std::signal(s, dtacs::test::die);
  struct sigaction on_illegal = {};
  on_illegal.sa_sigaction = dtacs::test::illegal;
  on_illegal.sa_flags = SA_SIGINFO;
  sigaction(SIGILL, &on_illegal, nullptr);
  const int result = doctest::Context(argc, argv).run();
  const auto skipped = static_cast<unsigned>(dtacs::test::skipped_cases.size());
  std::printf("%u passed, %u failed, %u skipped\n", dtacs::test::ran - dtacs::test::failed - skipped,
              dtacs::test::failed, skipped);
  return result;
}
