// SPDX-License-Identifier: Apache-2.0
#include "tools/run/chosen_weights.h"

#include <limits>
#include <set>

#include "io/host/failure.h"

namespace dtacs {

namespace {

template <class Bands>
std::string names_of(const Bands& bands) {
  std::string list;
  for (const int b : bands) list += (list.empty() ? "" : ",") + std::string(kBandNames[b]);
  return list;
}

std::set<int> inputs_of(const LoadedWeights& w) {
  return {w.model.input_bands, w.model.input_bands + w.model.inputs};
}

// Networks for L2A input give nonsense on L1C.  A SAFE or AWS product without one of its 13 bands is incomplete;
// anything else simply has other bands than these weights need.
void check_bands(const ProductInfo& product, const LoadedWeights& w) {
  if (w.weights.meta("input") == "surface_reflectance")
    throw Failure(Exit::model_mismatch, w.name + " was trained on surface reflectance (L2A), not on L1C products");
  if (w.weights.meta("input") != "toa_reflectance")
    throw Failure(Exit::model_mismatch, w.name + " does not say that it reads L1C products (input = toa_reflectance)");
  const std::set<int> wanted = inputs_of(w);
  std::set<int> present, missing = wanted;
  for (const BandInfo& b : product.bands) {
    present.insert(b.band);
    missing.erase(b.band);
  }
  if (missing.empty()) return;
  const bool complete_by_definition = product.layout.starts_with("SAFE") || product.layout == "AWS";
  if (complete_by_definition)
    throw Failure(Exit::missing_input, product.path + ": band " + names_of(missing) + " is missing");
  throw Failure(Exit::model_mismatch, product.path + " has bands " + names_of(present) + "; " + w.name + " needs " +
                                          names_of(wanted) + ": " + names_of(missing) + " is missing");
}

}  // namespace

std::vector<const LoadedWeights*> ChosenWeights::all() const {
  std::vector<const LoadedWeights*> there;
  for (const auto* w : {&classification, &correction})
    if (*w) there.push_back(&**w);
  return there;
}

std::size_t ChosenWeights::memory() const {
  std::size_t bytes = 0;
  for (const LoadedWeights* w : all()) bytes += w->memory;
  return bytes;
}

ChosenWeights choose_weights(const RunOptions& options) {
  ChosenWeights chosen;
  constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();
  for (const std::string& path : options.weights) {
    LoadedWeights w = load_weights(path, options.max_memory == 0 ? kUnlimited : options.max_memory);
    if (!(w.model.classifies() ? options.mask : options.reflectance))
      throw Failure(Exit::usage, path + (w.model.classifies() ? " classifies, but only the reflectance is asked for"
                                                              : " corrects, but only the mask is asked for"));
    auto& task = w.model.classifies() ? chosen.classification : chosen.correction;
    if (task) throw Failure(Exit::usage, path + " and " + task->name + " do the same task; give one of them");
    if (w.model.classifies() && options.precision != Precision::automatic &&
        w.model.int8 != (options.precision == Precision::int8))
      throw Failure(Exit::usage, path + " holds " + (w.model.int8 ? "int8" : "f32") +
                                     " weights; leave --precision away, or make others with dtacs-convert");
    task = std::move(w);
  }
  if (options.mask && !chosen.classification) {
    const bool int8 = options.precision == Precision::int8 ||
                      (options.precision == Precision::automatic && int8_by_default(options.isa));
    chosen.classification = built_in_classification(int8);
    if (!chosen.classification)
      throw Failure(Exit::usage, "no weights for classification are built in; give --weights FILE");
  }
  if (options.reflectance && !chosen.correction) {
    chosen.correction = built_in_correction();
    if (!chosen.correction) throw Failure(Exit::usage, "no weights for correction are built in; give --weights FILE");
  }
  return chosen;
}

std::vector<int> bands_to_read(const ProductInfo& product, const ChosenWeights& weights) {
  std::set<int> bands;
  for (const LoadedWeights* w : weights.all()) {
    check_bands(product, *w);
    bands.merge(inputs_of(*w));
  }
  return {bands.begin(), bands.end()};
}

}  // namespace dtacs
