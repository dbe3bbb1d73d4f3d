// SPDX-License-Identifier: Apache-2.0
// A file that either appears whole or not at all: written under a temporary name in
// the same folder and renamed by finish().  What was not finished is removed again.
// Every output of the program goes through this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/host/state_archive.h"

namespace dtacs {

// What becomes of a file that is not finished: it is removed; or it stays under the name
// PATH.part, so that exchange() can take it up again.
enum class Unfinished { removed, kept };

class OutputFile {
 public:
  // Throws Failure(cannot_create) when the folder is missing or not writable, or
  // when `path` is there already and is something else than a regular file.
  explicit OutputFile(std::string path, Unfinished unfinished = Unfinished::removed);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // All of these throw Failure(io_error), for example when the disk is full.
  void append(const void* data, std::size_t bytes);
  void append(std::string_view text) { append(text.data(), text.size()); }
  void patch(std::uint64_t offset, const void* data, std::size_t bytes);  // over bytes already appended
  void finish();  // to the disk, then to its name; nothing may be written afterwards

  // Of a kept file, before it is patched: brings what was appended so far to the disk and
  // says how much that is; or takes PATH.part up where that was, whatever was appended since
  // it was opened.  Throws StateRefused when it holds something else.
  void exchange(StateArchive& state);

  std::uint64_t size() const { return size_; }  // bytes appended so far
  const std::string& path() const { return path_; }

 private:
  void flush();
  void put(const void* data, std::size_t bytes, std::uint64_t offset);
  [[noreturn]] void fail(const char* doing);

  std::string path_, temporary_;
  Unfinished unfinished_;
  int fd_ = -1;
  std::uint32_t crc_ = 0;      // of a kept file: of what was appended so far
  std::uint64_t size_ = 0;     // including what is still buffered
  std::vector<char> pending_;  // the last bytes, not yet handed to the system
};

// Removes the files under temporary names of the whole process, which may create none any
// more.  For an end without destructors.
void remove_unfinished_files() noexcept;

// From now on SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE and SIGXCPU remove the files under temporary
// names before they end the process as they always do.  So does SIGBUS, which is how the system says
// that a mapped input (io/host/file.h) became shorter or unreadable: it ends with one
// line on stderr, which begins with `program`, and Exit::io_error.  A file above the limit of `ulimit -f` fails to be
// written.  What is ignored already stays so.  For main().
void remove_unfinished_on_signals(const char* program);

// From now on the first SIGINT, SIGTERM, SIGHUP or SIGXCPU is only noted, for a job that can be taken
// up again, and a second one ends the process as above.
void note_signals();
// The signal that was noted, or 0; it stays.
int noted_signal();

// A file in one call.
void write_file(const std::string& path, std::string_view content);

// Makes a folder and its parents; content with one that is there.  Throws Failure(cannot_create).
void make_folder(const std::string& path);

}  // namespace dtacs
