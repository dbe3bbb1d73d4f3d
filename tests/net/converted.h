// SPDX-License-Identifier: Apache-2.0
// A checkpoint as the converter makes it, ready to use.
#pragma once

#include <string>

#include "io/host/file.h"
#include "net/model.h"
#include "tests/support/aligned.h"
#include "tools/convert/checkpoint.h"
#include "tools/convert/convert_command.h"

namespace dtacs::test {

struct Converted {
  explicit Converted(const std::string& path) : bytes(convert(path)) {
    good = WeightsFile::open(bytes.bytes(), weights) == Status::ok && read_model(weights, model) == Status::ok;
  }
  static std::vector<std::byte> convert(const std::string& path) {
    const MappedFile file(path);
    ConvertOptions options;
    options.in = path;
    return pack_network(recognise_network(read_checkpoint(file.bytes(), path), path, options.hints), options,
                        file.bytes());
  }

  AlignedBytes bytes;
  WeightsFile weights;
  Model model;
  bool good = false;
};

}  // namespace dtacs::test
