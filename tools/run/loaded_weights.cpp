// SPDX-License-Identifier: Apache-2.0
#include "tools/run/loaded_weights.h"

#include "io/host/failure.h"
#include "io/host/file.h"
#include "tools/run/unpack.h"

#ifdef DTACS_EMBED_WEIGHTS
extern "C" {
// embedded_weights.S
extern const std::byte dtacs_classification_begin[], dtacs_classification_end[];
extern const std::byte dtacs_classification_int8_begin[], dtacs_classification_int8_end[];
extern const std::byte dtacs_correction_begin[], dtacs_correction_end[];
}
#endif

namespace dtacs {

LoadedWeights open_weights(const std::string& name, std::span<const std::byte> bytes) {
  LoadedWeights loaded;
  loaded.name = name;
  if (const Status s = WeightsFile::open(bytes, loaded.weights); s != Status::ok)
    throw Failure(Exit::bad_weights, name + ": " + describe(s));
  if (const Status s = read_model(loaded.weights, loaded.model); s != Status::ok) {
    const std::string net(loaded.weights.meta("net"));
    throw Failure(Exit::bad_weights,
                  name + (s == Status::unsupported ? ": its network \"" + net + "\" is not one this program runs"
                                                   : ": its metadata name no known bands or outputs"));
  }
  return loaded;
}

LoadedWeights load_weights(const std::string& path, std::uint64_t most) {
  auto file = std::make_shared<MappedFile>(path);
  if (is_packed(file->bytes())) {
    UnpackedFile unpacked = unpack(path, file->bytes(), {}, most);
    LoadedWeights loaded = open_weights(path, unpacked.bytes());
    loaded.bytes = std::move(unpacked.memory);
    loaded.memory = unpacked.size;
    return loaded;
  }
  LoadedWeights loaded = open_weights(path, file->bytes());
  loaded.bytes = std::move(file);
  return loaded;
}

bool int8_by_default(IsaSet isa) {
  return runs_on(isa::dotprod, isa) || (runs_on(isa::sse41, isa) && !runs_on(isa::avx2, isa));
}

#ifdef DTACS_EMBED_WEIGHTS

std::optional<LoadedWeights> built_in_classification(bool int8) {
  if (int8)
    return open_weights("built-in int8 classification",
                        {dtacs_classification_int8_begin, dtacs_classification_int8_end});
  return open_weights("built-in classification", {dtacs_classification_begin, dtacs_classification_end});
}

std::optional<LoadedWeights> built_in_correction() {
  return open_weights("built-in correction", {dtacs_correction_begin, dtacs_correction_end});
}

#else

std::optional<LoadedWeights> built_in_classification(bool) {
  return std::nullopt;
}

std::optional<LoadedWeights> built_in_correction() {
  return std::nullopt;
}

#endif

}  // namespace dtacs
