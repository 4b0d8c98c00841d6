#include "core/caches.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "core/primitive.h"

namespace fastnn {
namespace {

void set_level(CacheSizes& sizes, int level, int64_t bytes) {
  if (level == 1) sizes.l1 = bytes;
  if (level == 2) sizes.l2 = bytes;
  if (level == 3) sizes.l3 = bytes;
}

CacheSizes from_text(const std::string& text) {
  CacheSizes sizes = {0, 0, 0, "FASTNN_CACHES"};
  long long l1, l2, l3;
  int used = 0;
  const int found = std::sscanf(text.c_str(), "%lld,%lld,%lld%n", &l1, &l2, &l3, &used);
  if (found != 3 || used != static_cast<int>(text.size()) || l1 < 1 || l2 < 1 || l3 < 0)
    throw Error(ErrorKind::value, "FASTNN_CACHES=" + text +
                                      ": expected three sizes in bytes, such as "
                                      "32768,1048576,33554432");
  sizes.l1 = l1;
  sizes.l2 = l2;
  sizes.l3 = l3;
  return sizes;
}

CacheSizes from_sysfs() {
  CacheSizes sizes = {0, 0, 0, "sysfs"};
  for (int index = 0; index < 8; ++index) {
    const std::string folder =
        "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    std::ifstream level_file(folder + "level"), type_file(folder + "type");
    std::ifstream size_file(folder + "size");
    int level = 0;
    int64_t size = 0;
    std::string type;
    char unit = 'B';
    if (!(level_file >> level) || !(type_file >> type) || !(size_file >> size)) break;
    size_file >> unit;
    if (type == "Instruction") continue;
    set_level(sizes, level, size * (unit == 'K' ? 1 << 10 : unit == 'M' ? 1 << 20 : 1));
  }
  return sizes;
}

// Deterministic cache parameters: leaf 4 (Intel SDM vol. 2), or 0x8000001D in the same layout (AMD
// APM vol. 3).
CacheSizes from_cpuid() {
  CacheSizes sizes = {0, 0, 0, "CPUID"};
#if defined(__x86_64__)
  for (const uint32_t leaf : {0x4u, 0x8000001du}) {
    for (uint32_t index = 0; index < 8; ++index) {
      uint32_t a, b, c, d;
      if (!__get_cpuid_count(leaf, index, &a, &b, &c, &d)) break;
      const uint32_t type = a & 31;  // 0: no more; 1: data; 2: instructions; 3: both
      if (type == 0) break;
      if (type == 2) continue;
      const int64_t ways = (b >> 22) + 1, partitions = ((b >> 12) & 1023) + 1;
      set_level(sizes, (a >> 5) & 7, ways * partitions * ((b & 4095) + 1) * (int64_t{c} + 1));
    }
    if (sizes.l1 > 0) break;
  }
#endif
  return sizes;
}

CacheSizes find() {
  const char* text = std::getenv("FASTNN_CACHES");
  if (text && *text) return from_text(text);
  CacheSizes sizes = from_sysfs();
  if (sizes.l1 < 1 || sizes.l2 < 1) sizes = from_cpuid();
  if (sizes.l1 < 1 || sizes.l2 < 1) sizes = {32 << 10, 512 << 10, 0, "assumed"};
  return sizes;
}

}  // namespace

const CacheSizes& caches() {
  static const CacheSizes sizes = find();
  return sizes;
}

}  // namespace fastnn
