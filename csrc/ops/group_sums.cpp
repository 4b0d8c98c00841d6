#include "ops/group_sums.h"

#include <algorithm>

#include "ops/tasks.h"

namespace fastnn {
namespace {

constexpr int64_t kTaskElements = 1 << 16;

template <class T>
void add_row(const GroupSums& g, int64_t row) {
  const int64_t n = g.columns, step = g.step / static_cast<int64_t>(sizeof(T));
  const T* from = reinterpret_cast<const T*>(g.sums) + row * n;
  T* to = reinterpret_cast<T*>(g.to) + row * g.to_row;
  std::copy(from, from + n, to);
  for (int64_t group = 1; group < g.groups; ++group)
    for (int64_t j = 0; j < n; ++j) to[j] += from[group * step + j];
}

}  // namespace

void add_groups(const GroupSums& g) {
  const auto add = g.dtype == DType::float32 ? add_row<float> : add_row<double>;
  for_pieces(g.rows, units_per_task(g.groups * g.columns, kTaskElements),
             [&](int64_t first, int64_t count) {
               for (int64_t row = first; row < first + count; ++row) add(g, row);
             });
}

}  // namespace fastnn
