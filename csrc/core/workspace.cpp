#include "core/workspace.h"

#include <algorithm>
#include <numeric>

namespace fastnn {
namespace {

constexpr size_t kAlignment = 64;

size_t rounded(size_t bytes) {
  return std::max(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
}

bool meet(const Lifetime& a, const Lifetime& b) { return a.first <= b.last && b.first <= a.last; }

}  // namespace

// Greedy by size (Pisarchyk and Lee, "Efficient memory management for deep neural net inference",
// 2020): the largest block first, each at the lowest gap among the placed ones that it meets.
size_t place_lifetimes(std::vector<Lifetime>& lifetimes) {
  std::vector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });
  std::vector<const Lifetime*> placed;  // by offset
  size_t total = 0;
  for (const size_t index : order) {
    Lifetime& block = lifetimes[index];
    size_t offset = 0;
    for (const Lifetime* other : placed) {
      if (!meet(*other, block)) continue;
      if (other->offset >= offset + rounded(block.bytes)) break;
      offset = std::max(offset, other->offset + rounded(other->bytes));
    }
    block.offset = offset;
    total = std::max(total, offset + rounded(block.bytes));
    placed.insert(std::upper_bound(
                      placed.begin(), placed.end(), &block,
                      [](const Lifetime* a, const Lifetime* b) { return a->offset < b->offset; }),
                  &block);
  }
  return total;
}

}  // namespace fastnn
