// SPDX-License-Identifier: Apache-2.0
// PyTorch's zip files, state dictionaries and TorchScript alike: NAME/data.pkl holds
// the structure, NAME/data/KEY the numbers, and tensors in the pickle are calls of
// torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...).
#include <algorithm>
#include <map>
#include <optional>
#include <unordered_set>

#include "io/host/failure.h"
#include "tools/convert/checkpoint.h"
#include "tools/convert/elements.h"
#include "tools/convert/pickle.h"
#include "tools/convert/zip_archive.h"

namespace dtacs {

namespace {

constexpr int kMaxDepth = 100;
constexpr int kMaxVisits = 1 << 20;
constexpr std::size_t kMaxTensors = 1u << 16;
constexpr std::size_t kMaxNameLength = 1000;

[[noreturn]] void refuse(const std::string& why) {
  throw Failure(Exit::bad_weights, why);
}

std::optional<Element> storage_element(std::string_view cls) {
  static constexpr struct {
    std::string_view name;
    Element element;
  } kStorages[] = {{"DoubleStorage", Element::f64},  {"FloatStorage", Element::f32},     {"HalfStorage", Element::f16},
                   {"LongStorage", Element::i64},    {"BFloat16Storage", Element::bf16}, {"IntStorage", Element::i32},
                   {"ShortStorage", Element::i16},   {"CharStorage", Element::i8},       {"ByteStorage", Element::u8},
                   {"BoolStorage", Element::boolean}};
  const std::size_t dot = cls.rfind('.');
  if (dot == cls.npos || (cls.substr(0, dot) != "torch" && cls.substr(0, dot) != "torch.cuda")) return {};
  for (const auto& s : kStorages)
    if (cls.substr(dot + 1) == s.name) return s.element;
  return {};
}

// Walks the values of one pickle and turns the tensors it meets into Checkpoint::tensors.
class Collector {
 public:
  // folder: where the storages of this pickle lie ("archive/data/").
  Collector(const ZipArchive& zip, const Pickle& pickle, std::string folder, const ReadOptions& options,
            ValueBudget& budget, Checkpoint& out)
      : zip_(zip), pickle_(pickle), folder_(std::move(folder)), options_(options), budget_(budget), out_(out) {}

  // All tensors at or below id, named by their path.
  void collect(PickleId id, const std::string& path, int depth = 0);

 private:
  const PickleValue& at(PickleId id) const { return pickle_[id]; }
  void pairs(const std::vector<PickleId>& items, const std::string& path, int depth);
  void tensor(PickleId args, const std::string& name);
  std::span<const std::byte> storage(PickleId persistent, Element& element);
  std::vector<std::uint64_t> sizes(PickleId id, const std::string& name) const;

  const ZipArchive& zip_;
  const Pickle& pickle_;
  std::string folder_;
  const ReadOptions& options_;
  ValueBudget& budget_;
  Checkpoint& out_;
  std::map<std::string, std::span<const std::byte>> storages_;
  std::unordered_set<PickleId> open_;  // on the path from the root: a value may contain itself
  int visits_ = 0;
};

// The root's value of a key, kNoPickle when there is none.
PickleId member(const Pickle& pickle, std::string_view key) {
  const PickleValue& v = pickle[pickle.root];
  const bool keyed = v.kind == PickleKind::dict || (v.kind == PickleKind::object && v.pairs);
  for (std::size_t i = 0; keyed && i + 1 < v.items.size(); i += 2)
    if (pickle[v.items[i]].kind == PickleKind::text && pickle[v.items[i]].text == key) return v.items[i + 1];
  return kNoPickle;
}

bool has_known_network(const Checkpoint& c) {
  return std::any_of(c.tensors.begin(), c.tensors.end(), [](const NamedTensor& t) {
    return t.name.ends_with(kUnetAnchor) || t.name.ends_with(kPixelAnchor);
  });
}

void Collector::pairs(const std::vector<PickleId>& items, const std::string& path, int depth) {
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (++visits_ > kMaxVisits) refuse("holds more than a million pairs of key and value");
    const PickleValue& key = at(items[i]);
    std::string name;
    if (key.kind == PickleKind::text) {
      name = key.text;
    } else if (key.kind == PickleKind::integer) {
      name = std::to_string(key.integer);
    } else {
      continue;
    }
    // A pickled torch.nn.Module keeps its parts in these three dictionaries.
    const bool inner = name == "_modules" || name == "_parameters" || name == "_buffers";
    if (depth == 0 && name.rfind("optimizer", 0) == 0) continue;
    if (name == "eps" && at(items[i + 1]).kind == PickleKind::real) {
      if (out_.epsilons.size() >= kMaxTensors) refuse("the checkpoint has more than 65536 batch norms");
      out_.epsilons[ascii(path, kLongestName)] = at(items[i + 1]).real;
    }
    if (path.size() + name.size() > kMaxNameLength) refuse("a tensor has a name of more than 1000 characters");
    collect(items[i + 1], inner ? path : path.empty() ? name : path + "." + name, depth + 1);
  }
}

void Collector::collect(PickleId id, const std::string& path, int depth) {
  if (++visits_ > kMaxVisits || depth > kMaxDepth) refuse("the values of the pickle are nested too deep");
  const PickleValue& v = at(id);
  if (v.items.empty() && v.kind != PickleKind::object) return;
  if (!open_.insert(id).second) return;
  if (v.kind == PickleKind::dict) {
    pairs(v.items, path, depth);
  } else if (v.kind == PickleKind::list || v.kind == PickleKind::tuple) {
    for (std::size_t i = 0; i < v.items.size(); ++i)
      collect(v.items[i], (path.empty() ? "" : path + ".") + std::to_string(i), depth + 1);
  } else if (v.kind == PickleKind::object) {
    const std::string_view cls = pickle_.class_of(id);
    const PickleValue& args = at(v.args);
    if (cls == "torch._utils._rebuild_tensor_v2" || cls == "torch._utils._rebuild_tensor") {
      tensor(v.args, path);
    } else if ((cls == "torch._utils._rebuild_parameter" || cls == "torch._utils._rebuild_parameter_with_state") &&
               !args.items.empty()) {
      collect(args.items[0], path, depth + 1);
    } else if (cls == "torch._tensor._rebuild_from_type_v2" && args.items.size() >= 3 &&
               at(args.items[0]).text == "torch._utils._rebuild_tensor_v2") {
      tensor(args.items[2], path);
    } else {
      if (v.pairs) pairs(v.items, path, depth);
      if (v.state != kNoPickle && at(v.state).kind == PickleKind::dict && cls != "collections.OrderedDict")
        pairs(at(v.state).items, path, depth);
    }
  }
  open_.erase(id);
}

std::vector<std::uint64_t> Collector::sizes(PickleId id, const std::string& name) const {
  const PickleValue* v = &at(id);
  if (pickle_.class_of(id) == "torch.Size" && v->kind == PickleKind::object && !at(v->args).items.empty())
    v = &at(at(v->args).items[0]);
  std::vector<std::uint64_t> out;
  for (const PickleId item : v->items) {
    if (v->kind != PickleKind::tuple || v->items.size() > 16 || at(item).kind != PickleKind::integer ||
        at(item).integer < 0)
      refuse("tensor " + ascii(name) + " has a shape that is none");
    out.push_back(static_cast<std::uint64_t>(at(item).integer));
  }
  return out;
}

// ('storage', torch.FloatStorage, '0', 'cpu', 676): the entry data/0.
std::span<const std::byte> Collector::storage(PickleId persistent, Element& element) {
  const PickleValue& p = at(persistent);
  if (p.kind != PickleKind::persistent || at(p.args).kind != PickleKind::tuple || at(p.args).items.size() < 5)
    refuse("refers to no storage");
  const std::vector<PickleId>& id = at(p.args).items;
  const std::string_view cls = pickle_.class_of(id[1]);
  const auto type = storage_element(cls);
  if (!type) refuse("kept as " + (cls.empty() ? "something unknown" : ascii(cls)) + ", which is not read");
  element = *type;
  const std::string key = at(id[2]).text;
  auto known = storages_.find(key);
  if (known == storages_.end()) {
    const ZipEntry* entry = zip_.find(folder_ + key);
    if (entry == nullptr) refuse("the archive has no entry " + ascii(folder_ + key));
    known = storages_.emplace(key, zip_.bytes(*entry, options_.check_crc)).first;
  }
  const PickleValue& numel = at(id[4]);
  const std::uint64_t held = known->second.size() / element_size(element);
  if (numel.kind != PickleKind::integer || numel.integer < 0 || static_cast<std::uint64_t>(numel.integer) > held)
    refuse("storage " + ascii(folder_ + key) + " is shorter than the pickle says");
  return known->second.first(static_cast<std::size_t>(numel.integer) * element_size(element));
}

void Collector::tensor(PickleId args_id, const std::string& name) {
  const PickleValue& args = at(args_id);
  if (args.kind != PickleKind::tuple || args.items.size() < 4 || at(args.items[1]).kind != PickleKind::integer ||
      at(args.items[1]).integer < 0)
    refuse("tensor " + ascii(name) + " is malformed");
  if (out_.tensors.size() >= kMaxTensors) refuse("the checkpoint has more than 65536 tensors");
  NamedTensor t;
  t.name = ascii(name, kLongestName);
  t.dims = sizes(args.items[2], name);
  const auto offset = static_cast<std::uint64_t>(at(args.items[1]).integer);
  try {
    Element element{};
    const auto stored = storage(args.items[0], element);
    t.dtype = element_name(element);
    t.values = gather(stored, element, t.dims, offset, sizes(args.items[3], name), budget_);
  } catch (const Failure& f) {
    refuse(t.name + ": " + f.what());
  }
  out_.tensors.push_back(std::move(t));
}

// A frozen TorchScript module has no attributes: its constants are the weights and
// biases of its convolutions in the order they run.  Equal constants are stored once, and
// there may be others: the code that uses them is not read, so nothing may be left over.
void pair_constants(Checkpoint& c) {
  for (std::size_t i = 0; i + 1 < c.tensors.size(); ++i)
    if (c.tensors[i].dims.size() == 4 && c.tensors[i + 1].dims.size() == 1)
      c.convs.push_back({.weight = static_cast<int>(i), .bias = static_cast<int>(i + 1)});
  if (2 * c.convs.size() != c.tensors.size())
    c.foreign.push_back("a frozen TorchScript module has other constants than weight, bias, weight, bias, ... " +
                        std::string("(convert the module before torch.jit.freeze)"));
}

}  // namespace

Checkpoint read_torch(std::span<const std::byte> bytes, const ReadOptions& options) {
  const ZipArchive zip(bytes);
  // The archive's root is named after the file it was first saved to.
  std::string root;
  bool found = false;
  for (const ZipEntry& e : zip.entries()) {
    const std::size_t slash = e.name.rfind('/');
    if (slash == e.name.npos || e.name.substr(slash + 1) != "data.pkl") continue;
    if (found && root.size() <= slash) continue;  // the outermost one
    root = e.name.substr(0, slash + 1);
    found = true;
  }
  if (!found) refuse("a zip archive without data.pkl is no PyTorch checkpoint");
  if (const ZipEntry* order = zip.find(root + "byteorder"))
    if (const auto b = zip.bytes(*order, false); b.size() >= 3 && b[0] == std::byte{'b'})
      refuse("the checkpoint was written on a big-endian machine, save it again on a little-endian one");

  const ZipEntry* constants = zip.find(root + "constants.pkl");
  const Pickle pickle = read_pickle(zip.bytes(*zip.find(root + "data.pkl"), options.check_crc));
  ValueBudget budget(bytes.size());
  // The tensors below one value, or below all of them: kNoPickle.
  const auto below = [&](PickleId id) {
    Checkpoint out;
    out.format = constants != nullptr ? "TorchScript" : "PyTorch";
    Collector collector(zip, pickle, root + "data/", options, budget, out);
    id == kNoPickle ? collector.collect(pickle.root, "") : collector.collect(id, "", 1);
    return out;
  };
  // The state dictionary under one of its usual names; something else may go by that name too.
  Checkpoint nested;
  for (const char* key : {"state_dict", "model_state_dict", "model_state", "model", "net", "network", "params"}) {
    const PickleId inner = member(pickle, key);
    if (inner == kNoPickle) continue;
    Checkpoint out = below(inner);
    if (has_known_network(out)) return out;
    if (nested.tensors.empty()) nested = std::move(out);
  }
  Checkpoint out = below(kNoPickle);
  if (!nested.tensors.empty() && !has_known_network(out)) return nested;
  if (out.tensors.empty() && constants != nullptr) {
    const Pickle frozen = read_pickle(zip.bytes(*constants, options.check_crc));
    Collector(zip, frozen, root + "constants/", options, budget, out).collect(frozen.root, "");
    for (NamedTensor& t : out.tensors) t.name = "constant " + t.name;
    pair_constants(out);
  }
  return out;
}

}  // namespace dtacs
