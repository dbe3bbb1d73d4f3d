// SPDX-License-Identifier: Apache-2.0
// Times ONNX Runtime on a model from "x" (1, bands, N, N) to "y" (1, outputs, N, N).
//   ort_runner --library SO --model ONNX --input FILE --output FILE --bands N --outputs N --size N --threads N --runs N
//              [--isa sse41|avx2|avxvnni|avx512|avx512vnni|amxint8]
// The library chooses its kernels by cpuid and has no switch.  With --isa it is the
// copy in which cpuid is ud2 (see fetch.sh), and the handler here answers for a
// machine of that class.
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <dlfcn.h>
#include <signal.h>
#include <ucontext.h>

#include <cstdint>

#include "onnxruntime_c_api.h"
#include "runner.h"

namespace {

using peers::fail;

#if defined(__x86_64__)
enum class Class { sse41, avx2, avxvnni, avx512, avx512vnni, amxint8 } machine;

constexpr std::uint32_t bits(std::initializer_list<int> list) {
  std::uint32_t set = 0;
  for (const int b : list) set |= 1u << b;
  return set;
}

void hide(std::uint32_t leaf, std::uint32_t sub, std::uint32_t (&r)[4]) {
  if (machine == Class::amxint8) return;                                  // whatever there is
  if (leaf == 1 && machine == Class::sse41) r[2] &= ~bits({12, 28, 29});  // FMA AVX F16C
  if (leaf == 7 && sub == 0) {
    if (machine == Class::sse41) r[1] &= ~bits({5});                   // AVX2
    if (machine < Class::avx512) r[1] &= ~bits({16, 17, 28, 30, 31});  // F DQ CD BW VL
    r[1] &= ~bits({21});                                               // IFMA
    r[2] &= ~bits({1, 6, 12, 14});                                     // VBMI VBMI2 BITALG VPOPCNTDQ
    if (machine < Class::avx512vnni) r[2] &= ~bits({11});              // VNNI
    r[3] &= ~bits({8, 22, 23, 24, 25});                                // VP2INTERSECT AMX FP16
  }
  if (leaf == 7 && sub == 1) {
    r[0] &= ~bits({5, 21, 23});                         // BF16 AMX-FP16 AVX-IFMA
    if (machine != Class::avxvnni) r[0] &= ~bits({4});  // AVX-VNNI
    r[3] &= ~bits({4, 5, 10, 19});                      // AVX-VNNI-INT8 AVX-NE-CONVERT AVX-VNNI-INT16 AVX10
  }
  if (leaf == 0x1d || leaf == 0x1e) r[0] = r[1] = r[2] = r[3] = 0;  // AMX
}

void answer_cpuid(int, siginfo_t*, void* context) {
  greg_t* regs = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const auto* code = reinterpret_cast<const unsigned char*>(regs[REG_RIP]);
  if (code[0] != 0x0f || code[1] != 0x0b) {
    signal(SIGILL, SIG_DFL);
    return;
  }
  const auto leaf = static_cast<std::uint32_t>(regs[REG_RAX]), sub = static_cast<std::uint32_t>(regs[REG_RCX]);
  std::uint32_t r[4] = {};
  __cpuid_count(leaf, sub, r[0], r[1], r[2], r[3]);
  hide(leaf, sub, r);
  regs[REG_RAX] = r[0];
  regs[REG_RBX] = r[1];
  regs[REG_RCX] = r[2];
  regs[REG_RDX] = r[3];
  regs[REG_RIP] += 2;
}

void pretend(const std::string& isa) {
  if (isa == "sse41") {
    machine = Class::sse41;
  } else if (isa == "avx2") {
    machine = Class::avx2;
  } else if (isa == "avxvnni") {
    machine = Class::avxvnni;
  } else if (isa == "avx512") {
    machine = Class::avx512;
  } else if (isa == "avx512vnni") {
    machine = Class::avx512vnni;
  } else if (isa == "amxint8") {
    machine = Class::amxint8;
  } else {
    fail("--isa " + isa + ": unknown");
  }
  struct sigaction action = {};
  action.sa_sigaction = answer_cpuid;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGILL, &action, nullptr);
}
#else
void pretend(const std::string& isa) {
  fail("--isa " + isa + ": only on x86-64");
}
#endif

const OrtApi* api;

void check(OrtStatus* status) {
  if (status != nullptr) fail(std::string("ONNX Runtime: ") + api->GetErrorMessage(status));
}

}  // namespace

int main(int argc, char** argv) {
  const peers::Options o(argc, argv);
  if (const std::string isa = o.text("--isa"); !isa.empty()) pretend(isa);
  void* library = dlopen(o.text("--library").c_str(), RTLD_NOW);
  if (library == nullptr) fail(dlerror());
  const auto base = reinterpret_cast<const OrtApiBase* (*)()>(dlsym(library, "OrtGetApiBase"))();
  api = base->GetApi(ORT_API_VERSION);

  OrtEnv* env = nullptr;
  OrtSessionOptions* options = nullptr;
  OrtSession* session = nullptr;
  check(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "dtacs", &env));
  check(api->CreateSessionOptions(&options));
  check(api->SetIntraOpNumThreads(options, o.number("--threads")));
  check(api->SetInterOpNumThreads(options, 1));
  check(api->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL));
  check(api->CreateSession(env, o.text("--model").c_str(), options, &session));

  const std::int64_t size = o.number("--size"), outputs = o.number("--outputs");
  std::vector<float> x = peers::read_floats(o.text("--input")), y(static_cast<std::size_t>(outputs * size * size));
  OrtMemoryInfo* memory = nullptr;
  check(api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
  const auto tensor = [&](std::vector<float>& values, std::int64_t channels) {
    const std::int64_t shape[4] = {1, channels, size, size};
    OrtValue* value = nullptr;
    check(api->CreateTensorWithDataAsOrtValue(memory, values.data(), values.size() * sizeof(float), shape, 4,
                                              ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &value));
    return value;
  };
  const OrtValue* in = tensor(x, o.number("--bands"));
  OrtValue* out = tensor(y, outputs);
  const char *const in_name = "x", *const out_name = "y";
  peers::time_runs(base->GetVersionString(), o.number("--runs"),
                   [&] { check(api->Run(session, nullptr, &in_name, &in, 1, &out_name, 1, &out)); });
  peers::write_floats(o.text("--output"), y);
}
