// SPDX-License-Identifier: Apache-2.0
#include "io/host/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "io/crc32c.h"
#include "io/host/failure.h"
#include "io/host/file.h"

namespace dtacs {
namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;

// Names of unfinished files where a signal handler may read them; empty: a free slot.
constexpr int kSlots = 64;
constexpr std::size_t kLongestName = 4096;
char unfinished_names[kSlots][kLongestName];

// Held while a file and its name in `unfinished_names` come or go, so that a handler never
// sees one without the other.  Signals wait meanwhile, as a handler that interrupts the
// holder would wait for it forever.
std::atomic_flag names_held;
std::atomic_flag ending;  // a handler has begun to end the process

class HoldNames {
 public:
  HoldNames() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask_);
    while (names_held.test_and_set()) {
    }
  }
  ~HoldNames() {
    names_held.clear();
    pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  }
  HoldNames(const HoldNames&) = delete;
  HoldNames& operator=(const HoldNames&) = delete;

 private:
  sigset_t mask_;
};

void remember(const std::string& name) {
  if (name.size() >= kLongestName) return;  // such a name cannot be opened either
  for (auto& slot : unfinished_names) {
    if (slot[0] != '\0') continue;
    std::memcpy(slot, name.c_str(), name.size() + 1);
    return;
  }
}

void forget(const std::string& name) {
  for (auto& slot : unfinished_names)
    if (name == slot) slot[0] = '\0';
}

// Keeps the names held: no other thread makes a file any more.
void remove_names() {
  while (names_held.test_and_set()) {
  }
  for (const auto& slot : unfinished_names)
    if (slot[0] != '\0') unlink(slot);
}

const char* program_name = "";
std::atomic<bool> note_first{false};
std::atomic<int> noted{0};

void remove_unfinished(int signal) {
  if (ending.test_and_set()) return;
  remove_names();
  std::signal(signal, SIG_DFL);
  raise(signal);
}

void note_or_remove_unfinished(int signal) {
  int none = 0;
  if (!note_first.load() || !noted.compare_exchange_strong(none, signal)) remove_unfinished(signal);
}

// A mapped file ends before the byte that was touched, or its disk does not give it.
// Other kinds of SIGBUS are mistakes of the program.
void end_on_lost_input(int signal, siginfo_t* about, void*) {
  if (about->si_code != BUS_ADRERR) return remove_unfinished(signal);
  if (!ending.test_and_set()) remove_names();
  const auto say = [](const char* s) { static_cast<void>(!write(STDERR_FILENO, s, std::strlen(s))); };
  const char* const path = mapped_path_at(about->si_addr);
  say(program_name);
  say(": ");
  say(path[0] != '\0' ? path : "an input file");
  say(": became shorter or unreadable while it was read\n");
  _exit(static_cast<int>(Exit::io_error));
}

// A signal that whoever started the program has it ignore, as nohup does, stays ignored.
void handle(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) return;
  action = {};
  action.sa_handler = handler;
  sigaction(signal, &action, nullptr);
}

}  // namespace

void remove_unfinished_on_signals(const char* program) {
  program_name = program;
  for (const int s : {SIGQUIT, SIGPIPE}) handle(s, remove_unfinished);
  for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGXCPU}) handle(s, note_or_remove_unfinished);
  std::signal(SIGXFSZ, SIG_IGN);  // writing fails instead, which has a line of its own
  struct sigaction lost = {};
  lost.sa_sigaction = end_on_lost_input;
  lost.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &lost, nullptr);
}

void remove_unfinished_files() noexcept {
  if (!ending.test_and_set()) remove_names();
}

void note_signals() {
  note_first.store(true);
}

int noted_signal() {
  return noted.load();
}

OutputFile::OutputFile(std::string path, Unfinished unfinished) : path_(std::move(path)), unfinished_(unfinished) {
  struct stat there;
  if (stat(path_.c_str(), &there) == 0 && !S_ISREG(there.st_mode))
    throw Failure(Exit::cannot_create, "cannot create " + path_ + ": it is there and is not a regular file");
  pending_.reserve(kBufferBytes);  // before there is a file that nobody would remove
  if (unfinished_ == Unfinished::kept) {
    temporary_ = path_ + ".part";
    fd_ = open(temporary_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  }
  // The process id keeps two runs into one folder apart; the counter steps over what
  // a killed run with the same id left behind.
  for (int attempt = 0; attempt < 100 && fd_ < 0 && unfinished_ == Unfinished::removed; ++attempt) {
    temporary_ = path_ + "." + std::to_string(getpid());
    if (attempt > 0) temporary_.append("-").append(std::to_string(attempt));
    temporary_ += ".tmp";
    const HoldNames held;
    fd_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd_ < 0 && errno != EEXIST) break;
    if (fd_ >= 0) remember(temporary_);
  }
  if (fd_ < 0)
    throw Failure(errno == ENOSPC || errno == EDQUOT ? Exit::io_error : Exit::cannot_create,
                  "cannot create " + path_ + ": " + std::strerror(errno));
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) close(fd_);
  if (temporary_.empty() || unfinished_ == Unfinished::kept) return;
  const HoldNames held;
  unlink(temporary_.c_str());
  forget(temporary_);
}

void OutputFile::fail(const char* doing) {
  throw Failure(Exit::io_error, path_ + ": " + doing + " failed: " + std::strerror(errno));
}

void OutputFile::put(const void* data, std::size_t bytes, std::uint64_t offset) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n = pwrite(fd_, at, bytes, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail("writing");
    at += n;
    offset += static_cast<std::uint64_t>(n);
    bytes -= static_cast<std::size_t>(n);
  }
}

void OutputFile::flush() {
  put(pending_.data(), pending_.size(), size_ - pending_.size());
  pending_.clear();
}

void OutputFile::append(const void* data, std::size_t bytes) {
  assert(fd_ >= 0);
  if (unfinished_ == Unfinished::kept) crc_ = crc32c({static_cast<const std::byte*>(data), bytes}, crc_);
  if (pending_.size() + bytes > kBufferBytes) flush();
  if (bytes >= kBufferBytes) {
    put(data, bytes, size_);
  } else {
    const char* from = static_cast<const char*>(data);
    pending_.insert(pending_.end(), from, from + bytes);
  }
  size_ += bytes;
}

void OutputFile::patch(std::uint64_t offset, const void* data, std::size_t bytes) {
  assert(fd_ >= 0 && offset + bytes <= size_);
  flush();
  put(data, bytes, offset);
}

void OutputFile::exchange(StateArchive& state) {
  assert(fd_ >= 0 && unfinished_ == Unfinished::kept);
  if (!state.loading()) {
    flush();
    if (fdatasync(fd_) != 0 && errno != EINVAL && errno != EROFS) fail("writing");
  }
  state.value(size_);
  state.value(crc_);
  if (!state.loading()) return;
  pending_.clear();
  std::vector<std::byte> block(kBufferBytes);
  std::uint32_t found = 0;
  for (std::uint64_t at = 0; at < size_;) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), size_ - at));
    const ssize_t n = pread(fd_, block.data(), want, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw StateRefused(temporary_ + (at == 0 ? " is missing" : " is shorter than it was"));
    found = crc32c({block.data(), static_cast<std::size_t>(n)}, found);
    at += static_cast<std::uint64_t>(n);
  }
  if (found != crc_) throw StateRefused(temporary_ + " is not what it was");
}

void OutputFile::finish() {
  assert(fd_ >= 0);
  flush();
  // What a stopped job had written beyond its last state.
  if (unfinished_ == Unfinished::kept && ftruncate(fd_, static_cast<off_t>(size_)) != 0) fail("writing");
  // Without fsync a power cut could leave the final name on an empty file.  File
  // systems that cannot do it say EINVAL.
  if (fsync(fd_) != 0 && errno != EINVAL && errno != EROFS) fail("writing");
  const int fd = std::exchange(fd_, -1);
  if (close(fd) != 0) fail("closing");
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail("renaming");
  {
    const HoldNames held;
    forget(temporary_);
  }
  temporary_.clear();
}

void write_file(const std::string& path, std::string_view content) {
  OutputFile file(path);
  file.append(content);
  file.finish();
}

void make_folder(const std::string& path) {
  std::error_code error, none;
  std::filesystem::create_directories(path, error);
  if (!std::filesystem::is_directory(path, none))
    throw Failure(Exit::cannot_create,
                  "cannot create folder " + path + ": " + (error ? error.message() : "it is there and is a file"));
}

}  // namespace dtacs
