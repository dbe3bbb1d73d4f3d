// SPDX-License-Identifier: Apache-2.0
// Pickles alone: of a whole checkpoint they are a small part of the bytes.
#include "tools/convert/pickle.h"

#include "io/host/failure.h"
#include "tests/fuzz/target.h"

namespace dtacs::fuzz {

DTACS_FUZZ_TARGET(pickle) {
  try {
    const Pickle p = read_pickle(as_bytes(in));
    require(p.root < p.values.size(), "a root that is there");
    for (PickleId id = 0; id < p.values.size(); ++id) {
      static_cast<void>(p.class_of(id));
      for (const PickleId item : p[id].items) require(item < p.values.size(), "items that are there");
    }
  } catch (const Failure& e) {
    require(e.exit() == Exit::bad_weights, "an exit code of checkpoints");
  }
}

}  // namespace dtacs::fuzz
