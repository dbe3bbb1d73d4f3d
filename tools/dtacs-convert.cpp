// SPDX-License-Identifier: Apache-2.0
// dtacs-convert: from the formats networks are trained in to the weights format.
#include <cstdio>
#include <new>

#include "io/host/failure.h"
#include "tools/convert/convert_command.h"

int main(int argc, char** argv) {
  try {
    dtacs::run_convert(dtacs::parse_convert_options(argc, argv));
    return 0;
  } catch (const dtacs::Failure& f) {
    std::fprintf(stderr, "dtacs-convert: %s\n", f.what());
    return static_cast<int>(f.exit());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "dtacs-convert: not enough memory\n");
    return static_cast<int>(dtacs::Exit::memory_cap);
  }
}
