// SPDX-License-Identifier: Apache-2.0
#include "tools/convert/band_sets.h"

#include <algorithm>
#include <cctype>

#include "io/host/failure.h"
#include "io/host/product.h"
#include "tools/convert/network.h"

namespace dtacs {

namespace {

using Names = std::vector<std::string>;

// Made when they are first asked for: before main() there is nobody to say that memory ran out.
struct Sets {
  Names all{kBandNames, kBandNames + kBandCount};
  Names without_b10 = {"B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12"};
  Names phisat2 = {"B02", "B03", "B04", "B05", "B06", "B07", "B08"};
  Names planetscope = {"B02", "B03", "B04", "B08"};
  Names probav = {"B02", "B04", "B08", "B11"};
  Names classes_4_bands = {"B08", "B04", "B03", "B02"};
  Names classes_8_bands = {"B01", "B02", "B03", "B04", "B08", "B10", "B11", "B12"};
  Names class_names = {"clear", "thick cloud", "thin cloud", "cloud shadow"};
};
const Sets& sets() {
  static const Sets made;
  return made;
}

std::string counted(int n, const char* what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

struct Finder {
  const Shape& shape;
  const std::string& path;
  const NetworkHints& hints;
  std::string file;  // lower-case file name without its folder

  [[noreturn]] void usage(const std::string& why) const { throw Failure(Exit::usage, path + ": " + why); }
  bool named(const char* part) const { return file.find(part) != file.npos; }

  Names given_bands() const {
    Names bands;
    for (const std::string& b : hints.bands) {
      bands.push_back(band_name(b));
      if (bands.back().empty()) usage("--bands: \"" + b + "\" is no band of Sentinel-2 (B01..B12, B8A)");
      if (std::count(bands.begin(), bands.end(), bands.back()) > 1) usage("--bands lists " + bands.back() + " twice");
    }
    if (!bands.empty() && static_cast<int>(bands.size()) != shape.inputs)
      usage("--bands lists " + counted(static_cast<int>(bands.size()), "band") + ", the network takes " +
            std::to_string(shape.inputs));
    return bands;
  }

  // The outputs as bands; empty when one of them is none.
  Names given_output_bands() const {
    Names bands;
    for (const std::string& o : hints.outputs) {
      bands.push_back(band_name(o));
      if (bands.back().empty()) return {};
    }
    return bands;
  }

  std::string unet_task() const {
    if (!hints.net.empty()) return hints.net == "unet_corrector" ? "correction" : "classification";
    if (!hints.outputs.empty()) {
      // "1,2,3,4" may be B01 to B04 or numbered classes.
      const Names bands = given_output_bands();
      if (!bands.empty() && bands != hints.outputs &&
          std::all_of(hints.outputs.begin(), hints.outputs.end(),
                      [](const std::string& o) { return std::isdigit(static_cast<unsigned char>(o.front())) != 0; }))
        usage("--outputs may list bands or classes: say --net unet_mobilenet_v2 or --net unet_corrector");
      return bands.empty() ? "classification" : "correction";
    }
    if ((shape.inputs == 13 && shape.outputs == 12) || (shape.inputs == 7 && shape.outputs == 7)) return "correction";
    if (shape.outputs != 4)
      usage("a U-Net of " + counted(shape.inputs, "band") + " and " + counted(shape.outputs, "output") +
            ": say what they are with --outputs (class names or bands)");
    if (shape.inputs != 4) return "classification";
    const Names bands = given_bands();
    const bool corrects = named("corrector") || named("planetscope") || named("probav") ||
                          bands == sets().planetscope || bands == sets().probav;
    const bool classifies = named("cloud") || named("4bands") || bands == sets().classes_4_bands;
    if (corrects != classifies) return corrects ? "correction" : "classification";
    usage(
        "a U-Net of 4 bands and 4 outputs may classify or correct: say --net unet_mobilenet_v2 or --net "
        "unet_corrector");
  }

  Names classification_bands() const {
    if (Names given = given_bands(); !given.empty()) return given;
    switch (shape.inputs) {
      case 13: return sets().all;
      case 12: return sets().without_b10;
      case 8: return sets().classes_8_bands;
      case 4: return sets().classes_4_bands;
      default: usage("no known set has " + counted(shape.inputs, "band") + ": list them with --bands");
    }
  }

  Names correction_bands() const {
    if (Names given = given_bands(); !given.empty()) return given;
    switch (shape.inputs) {
      case 13: return sets().all;
      case 7: return sets().phisat2;
      case 4:
        if (named("planetscope") != named("probav")) return named("probav") ? sets().probav : sets().planetscope;
        usage("4 bands may be planetscope's or probav's: say --bands B02,B03,B04,B08 or --bands B02,B04,B08,B11");
      default: usage("no known set has " + counted(shape.inputs, "band") + ": list them with --bands");
    }
  }

  Names class_names() const {
    if (!hints.outputs.empty()) return hints.outputs;
    if (shape.outputs == static_cast<int>(sets().class_names.size())) return sets().class_names;
    usage("the network has " + std::to_string(shape.outputs) + " classes: name them with --outputs");
  }

  Names corrected_bands(const Names& bands) const {
    Names outputs;
    if (!hints.outputs.empty()) {
      outputs = given_output_bands();
      if (outputs.empty()) usage("--outputs: a correction's outputs are bands (B01..B12, B8A)");
    } else if (shape.outputs == shape.inputs) {
      outputs = bands;
    } else {
      std::copy_if(bands.begin(), bands.end(), std::back_inserter(outputs), [](const auto& b) { return b != "B10"; });
      if (static_cast<int>(outputs.size()) != shape.outputs)
        usage("which " + counted(shape.outputs, "band") + " does it put out? List them with --outputs");
    }
    for (const std::string& o : outputs) {
      if (std::count(outputs.begin(), outputs.end(), o) > 1) usage("--outputs lists " + o + " twice");
      if (std::count(bands.begin(), bands.end(), o) == 0)
        usage("output band " + o + " is none of the input bands, whose correction the network computes");
    }
    return outputs;
  }

  Meaning find() const {
    Meaning m;
    const bool linear = !shape.unet && shape.layers == 1;
    m.task = shape.unet ? unet_task() : "correction";
    m.net = shape.unet ? (m.task == "correction" ? "unet_corrector" : "unet_mobilenet_v2")
                       : (linear ? "linear" : "cnn_corrector");
    if (!hints.net.empty() && hints.net != m.net)
      usage("--net says " + hints.net + ", the checkpoint holds a " + (shape.unet ? "U-Net" : m.net));
    m.bands = m.task == "correction" ? correction_bands() : classification_bands();
    m.outputs = m.task == "correction" ? corrected_bands(m.bands) : class_names();
    if (static_cast<int>(m.outputs.size()) != shape.outputs)
      usage("--outputs lists " + counted(static_cast<int>(m.outputs.size()), "name") + ", the network has " +
            counted(shape.outputs, "output"));
    // Only level 2A has no B10, in whatever order.
    Names sorted[2] = {m.bands, sets().without_b10};
    for (Names& n : sorted) std::sort(n.begin(), n.end());
    m.input = m.task == "classification" && sorted[0] == sorted[1] ? "surface_reflectance" : "toa_reflectance";
    return m;
  }
};

}  // namespace

std::string band_name(const std::string& text) {
  const int band = band_index(text);
  return band < 0 ? "" : kBandNames[band];
}

Meaning find_meaning(const Shape& shape, const std::string& path, const NetworkHints& hints) {
  Finder f{shape, path, hints, path.substr(path.find_last_of("/\\") + 1)};
  for (char& c : f.file) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return f.find();
}

}  // namespace dtacs
