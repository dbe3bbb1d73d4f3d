// SPDX-License-Identifier: Apache-2.0
// dtacs-convert: from the formats networks are trained in to the weights format.
#include "io/host/tool_main.h"
#include "tools/convert/convert_command.h"

int main(int argc, char** argv) {
  return dtacs::run_tool("dtacs-convert", [&] {
    dtacs::run_convert(dtacs::parse_convert_options(argc, argv));
    return 0;
  });
}
