// SPDX-License-Identifier: Apache-2.0
// What main() of every program does around its work.
#pragma once

#include <functional>

namespace dtacs {

// Runs the work and returns its exit code.  Whatever goes wrong in it - a Failure, an
// allocation, anywhere and also in a worker thread - ends with one line "name: ..." on
// stderr and an exit code of io/host/failure.h, and with no unfinished file left behind.
int run_tool(const char* name, const std::function<int()>& work);

// How it ends where an allocation fails and nothing may be thrown.
[[noreturn]] void out_of_memory();

}  // namespace dtacs
