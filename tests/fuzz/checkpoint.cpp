// SPDX-License-Identifier: Apache-2.0
// Checkpoints of other programs: zip with pickles, safetensors, ONNX, and the network in them.
#include "tools/convert/checkpoint.h"

#include "io/host/failure.h"
#include "tests/fuzz/target.h"
#include "tools/convert/network.h"

namespace dtacs::fuzz {

DTACS_FUZZ_TARGET(checkpoint) {
  try {
    const Checkpoint c = read_checkpoint(as_bytes(in), "probav", {.check_crc = false});
    for (const NamedTensor& t : c.tensors) {
      std::uint64_t count = 1;
      for (const std::uint64_t d : t.dims) count *= d;
      require(count == t.values.size(), "as many values as the shape says");
    }
    static_cast<void>(recognise_network(c, "probav", {}));
  } catch (const Failure& e) {
    require(e.exit() == Exit::bad_weights || e.exit() == Exit::usage, "an exit code of checkpoints");
  }
}

}  // namespace dtacs::fuzz
