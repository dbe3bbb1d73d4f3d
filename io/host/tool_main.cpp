// SPDX-License-Identifier: Apache-2.0
#include "io/host/tool_main.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>

#ifdef __GLIBC__  // known behind the first header
#include <malloc.h>
#endif

#include "io/host/failure.h"
#include "io/host/output_file.h"

#ifdef __GLIBCXX__
// The handler that run_tool() replaces; the library's own prints the exception's type, for
// which every static program would carry the 50 KB of a demangler.
namespace __gnu_cxx {
void __verbose_terminate_handler() {
  std::abort();
}
}  // namespace __gnu_cxx
#endif

namespace dtacs {
namespace {

const char* tool_name = "";
constexpr const char* kNoMemory = "not enough memory";

int fail(Exit code, const char* line) {
  std::fprintf(stderr, "%s: %s\n", tool_name, line);
  return static_cast<int>(code);
}

}  // namespace

void out_of_memory() {
  remove_unfinished_files();
  std::_Exit(fail(Exit::memory_cap, kNoMemory));
}

int run_tool(const char* name, const std::function<int()>& work) {
  tool_name = name;
#ifdef __GLIBC__
  // Large blocks go back to the system when they are freed.  Left alone, glibc keeps up to 64 MB of
  // them once it has seen some come and go, and a cap on memory would have to allow for those.
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
  remove_unfinished_on_signals(name);
  std::set_terminate(out_of_memory);  // inside a worker's job nothing may be thrown
  try {
    const int code = work();
    // A command's answer may be what it prints, and that may have met a full disk.
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
      return fail(Exit::io_error, "standard output: writing failed");
    return code;
  } catch (const Failure& f) {
    return fail(f.exit(), f.what());
  } catch (const std::bad_alloc&) {
    return fail(Exit::memory_cap, kNoMemory);
  } catch (const std::exception& e) {
    return fail(Exit::io_error, e.what());
  }
}

}  // namespace dtacs
