// SPDX-License-Identifier: Apache-2.0
// The state of an unfinished run, beside its outputs: what lets the same command go on
// after a signal, a time budget, a crash or a power cut.
//
//   resume.state     header, then the bytes of a StateArchive
//   *.part           outputs so far; the state knows their sizes and checksums
//
// Header, little-endian: 8 bytes "DTACSRUN", u32 version, u32 CRC-32C of all behind it,
// u64 number of bytes behind it.  The file appears whole or not at all.  A state that is damaged, of
// another version, of another job or does not match its files is refused, and the run
// starts afresh: whatever happens to these files, outputs are what they would have been.
#pragma once

#include <optional>
#include <string>

#include "io/host/state_archive.h"

namespace dtacs {

inline constexpr std::uint32_t kRunStateVersion = 1;

void write_run_state(const std::string& folder, const std::string& job, const StateArchive& state);

// Nothing when there is none.  Throws StateRefused.
std::optional<StateArchive> read_run_state(const std::string& folder, const std::string& job);

bool has_run_state(const std::string& folder);

// The state, unfinished outputs and what a killed process left under temporary names.
void remove_run_state(const std::string& folder);

}  // namespace dtacs
