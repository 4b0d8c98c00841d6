#include "core/targets.h"

#include <cstdlib>
#include <cstring>

#include "core/cpu_features.h"
#include "core/kernel_table.h"
#include "core/primitive.h"
#include "kernels/fill.h"

// A new instruction set: one block here, one row in `targets`, its flags in CMakeLists.txt, its
// csrc/simd/vec_*.h. FASTNN_FILL_NAME spells the fillers of whatever FASTNN_TARGET is just then.
#define FASTNN_DECLARE(family, Struct) extern "C" void FASTNN_FILL_NAME(family)(struct Struct*);
#define FASTNN_CALL(family, Struct) FASTNN_FILL_NAME(family)(&table.family);

#define FASTNN_TARGET scalar
FASTNN_KERNEL_FAMILIES(FASTNN_DECLARE)
static void fill_scalar(KernelTable& table){FASTNN_KERNEL_FAMILIES(FASTNN_CALL)}
#undef FASTNN_TARGET

#if defined(FASTNN_HAS_avx2)
#define FASTNN_TARGET avx2
FASTNN_KERNEL_FAMILIES(FASTNN_DECLARE) static void fill_avx2(KernelTable& table){
    FASTNN_KERNEL_FAMILIES(FASTNN_CALL)}
#undef FASTNN_TARGET
#endif

#if defined(FASTNN_HAS_avx512)
#define FASTNN_TARGET avx512
FASTNN_KERNEL_FAMILIES(FASTNN_DECLARE) static void fill_avx512(KernelTable& table){
    FASTNN_KERNEL_FAMILIES(FASTNN_CALL)}
#undef FASTNN_TARGET
#endif

#if defined(FASTNN_HAS_neon)
#define FASTNN_TARGET neon
FASTNN_KERNEL_FAMILIES(FASTNN_DECLARE) static void fill_neon(KernelTable& table) {
  FASTNN_KERNEL_FAMILIES(FASTNN_CALL)
}
#undef FASTNN_TARGET
#endif

namespace fastnn {
namespace {

struct Target {
  const char* name;
  void (*fill)(KernelTable& table);
  bool (*available)(const CpuFeatures& cpu);
};

[[maybe_unused]] bool has_avx2(const CpuFeatures& cpu) { return cpu.avx2 && cpu.fma && cpu.f16c; }

const Target targets[] = {
    {"scalar", fill_scalar, [](const CpuFeatures&) { return true; }},
#if defined(FASTNN_HAS_avx2)
    {"avx2", fill_avx2, has_avx2},
#endif
#if defined(FASTNN_HAS_avx512) && defined(FASTNN_EMULATE_AVX512)
    {"avx512", fill_avx512, has_avx2},  // a test build: 16 lanes in two avx2 registers
#elif defined(FASTNN_HAS_avx512)
      {"avx512", fill_avx512,
       [](const CpuFeatures& cpu) {
         return has_avx2(cpu) && cpu.avx512f && cpu.avx512bw && cpu.avx512dq && cpu.avx512vl;
       }},
#endif
#if defined(FASTNN_HAS_neon)
    {"neon", fill_neon, [](const CpuFeatures& cpu) { return cpu.neon; }},
#endif
};

KernelTable table;
std::string reason;

std::string names(bool only_available) {
  std::string list;
  for (const Target& target : targets) {
    if (only_available && !target.available(cpu_features())) continue;
    list += list.empty() ? "" : ", ";
    list += target.name;
  }
  return list;
}

const Target& named_target(const char* name) {
  for (const Target& target : targets) {
    if (std::strcmp(target.name, name) != 0) continue;
    if (target.available(cpu_features())) return target;
    throw Error(ErrorKind::runtime,
                "FASTNN_ISA=" + std::string(name) +
                    ": this processor cannot run it; it can run: " + names(true));
  }
  throw Error(ErrorKind::runtime,
              "FASTNN_ISA=" + std::string(name) + ": unknown target; built here: " + names(false));
}

const Target& best_target() {
  const Target* best = &targets[0];
  for (const Target& target : targets)
    if (target.available(cpu_features())) best = &target;
  return *best;
}

}  // namespace

const KernelTable& kernels() { return table; }

std::vector<TargetInfo> built_targets() {
  std::vector<TargetInfo> list;
  for (const Target& target : targets)
    list.push_back({target.name, target.available(cpu_features())});
  return list;
}

void choose_target() {
  const char* name = std::getenv("FASTNN_ISA");
  const bool forced = name && *name;
  const Target& target = forced ? named_target(name) : best_target();
  reason = forced ? "FASTNN_ISA" : "the best that this processor runs";
  fill_scalar(table);
  target.fill(table);
  table.target = target.name;
}

const char* chosen_target() { return table.target; }
const std::string& target_reason() { return reason; }

}  // namespace fastnn
