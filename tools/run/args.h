// SPDX-License-Identifier: Apache-2.0
// Command-line options: `--name value`, `--name=value`, flags, and operands.
//
//   Args args(argc - 2, argv + 2);
//   const std::string out = args.value("-o", "--output").value_or("out");
//   const bool quiet = args.flag("--quiet");
//   args.finish(1, "dtacs run PRODUCT -o DIR");   // one operand; everything else must have been asked for
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernels/isa.h"

namespace dtacs {

// A rectangle "X,Y,W,H" in pixels.
struct Rect {
  int x = 0, y = 0, width = 0, height = 0;
};

class Args {
 public:
  Args(int count, char* const* words);

  // The option's value, if it is there.  Throws Failure(usage) when it is there
  // twice or without a value.
  std::optional<std::string> value(const std::string& name, const std::string& alias = {});
  std::vector<std::string> values(const std::string& name);  // a repeatable option
  bool flag(const std::string& name);

  // Throws Failure(usage) unless the value is a whole number in [lo, hi].
  std::optional<int> number(const std::string& name, int lo, int hi);
  std::optional<Rect> rect(const std::string& name);  // width and height >= 1, x and y >= 0

  // Throws Failure(usage) unless the value names an instruction set that this machine has;
  // without a value, or with "auto", all it has.
  IsaSet isa(const std::string& name);

  // The first word, where it is none of an option: the kind of work of a command that has several; else "".
  std::string take_first();

  // The operands, once all options were asked for.  Throws Failure(usage) when an
  // unknown option is left or their number is not `count`.  The first two words of
  // `usage` are the command, whose help the message names.
  const std::vector<std::string>& finish(std::size_t count, const std::string& usage);

 private:
  std::vector<std::string> words_;
};

}  // namespace dtacs
