// SPDX-License-Identifier: Apache-2.0
// What can go wrong, and how a function says so.
//
// Anything that touches bytes we did not write ourselves returns a Status, which is [[nodiscard]]; there are no
// exceptions in the core.  Kernels and StreamPlan::step() return nothing: what could fail was checked when the plan was
// made.
#pragma once

#include <cstdint>

namespace dtacs {

enum class [[nodiscard]] Status : std::uint8_t{
    ok,
    truncated,        // input ends before the structure it announces
    bad_magic,        // not the format this reader reads
    bad_version,      // this format, a version this reader does not read
    corrupt,          // contradicts itself or its checksum
    unsupported,      // valid, but uses a feature we do not implement
    wrong_shape,      // well-formed, but not the shapes this network needs
    arena_too_small,  // Arena::wanted() says how much would do
    wrong_base,       // not the file that a packed file is the difference to
};

// A sentence for people, without a trailing period.
const char* describe(Status s) noexcept;

}  // namespace dtacs
