// SPDX-License-Identifier: Apache-2.0
// What the inputs and outputs of a network mean.  Shapes decide where they can; the
// released networks come with these bands:
//
//   classification  13 L1C bands; 12 of L2A (no B10); B08,B04,B03,B02;
//                   B01,B02,B03,B04,B08,B10,B11,B12         to 4 classes
//   correction      13 L1C bands to 12 (no B10); phisat2 B02..B08 to the same;
//                   planetscope B02,B03,B04,B08 and probav B02,B04,B08,B11 to the same
#pragma once

#include <string>
#include <vector>

namespace dtacs {

struct NetworkHints;

struct Shape {
  bool unet = false;
  int layers = 0;
  int inputs = 0, outputs = 0;
};

struct Meaning {
  std::string net, task, input;
  std::vector<std::string> bands, outputs;
};

// Throws Failure: usage when the hints contradict the shape, or when only the user
// can know (the message says which option would tell); bad_weights never.
Meaning find_meaning(const Shape& shape, const std::string& path, const NetworkHints& hints);

}  // namespace dtacs
