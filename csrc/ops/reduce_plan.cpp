#include "ops/reduce_plan.h"

#include <cstring>

namespace fastnn {
namespace {

struct Axis {
  int64_t extent, stride;
  bool reduced;
};

bool dense(const Axis* axes, int rank) {
  int64_t expected = 1;
  for (int i = rank - 1; i >= 0; --i) {
    if (axes[i].stride != expected) return false;
    expected *= axes[i].extent;
  }
  return true;
}

// The kept axes come in the order of the result.
bool keeps_order(const int* order, const Axis* axes, int rank) {
  int last = -1;
  for (int i = 0; i < rank; ++i) {
    if (axes[i].reduced) continue;
    if (order[i] < last) return false;
    last = order[i];
  }
  return true;
}

bool reduced_last(const Axis* axes, int rank) {
  for (int i = 1; i < rank; ++i)
    if (axes[i - 1].reduced && !axes[i].reduced) return false;
  return true;
}

template <class T>
void pack(const ReducePlan& plan, int axis, const T* from, T*& to) {
  const int64_t extent = plan.shape[axis], stride = plan.strides[axis];
  if (axis + 1 < plan.rank) {
    for (int64_t i = 0; i < extent; ++i) pack(plan, axis + 1, from + i * stride, to);
    return;
  }
  for (int64_t i = 0; i < extent; ++i) to[i] = from[i * stride];
  to += extent;
}

template <class T>
void pack_all(const ReducePlan& plan, const Array& x, char* packed) {
  T* to = reinterpret_cast<T*>(packed);
  if (plan.rank == 0)
    *to = *x.as<T>();
  else
    pack(plan, 0, x.as<T>(), to);
}

}  // namespace

ReducePlan plan_reduction(const Array& x, int64_t axes, bool one_pass) {
  ReducePlan plan{};
  Axis logical[kMaxRank];
  int rank = 0;
  for (int axis = 0; axis < x.rank; ++axis)
    if (x.shape[axis] != 1)
      logical[rank++] = {x.shape[axis], x.strides[axis], (axes >> axis & 1) != 0};

  Axis sorted[kMaxRank];
  int order[kMaxRank];
  for (int i = 0; i < rank; ++i) {
    int at = i;
    for (; at > 0 && sorted[at - 1].stride < logical[i].stride; --at) {
      sorted[at] = sorted[at - 1];
      order[at] = order[at - 1];
    }
    sorted[at] = logical[i];
    order[at] = i;
  }
  plan.copied = !dense(sorted, rank) || !keeps_order(order, sorted, rank) ||
                (one_pass && !reduced_last(sorted, rank));
  if (plan.copied) {
    int next = 0;
    for (int i = 0; i < rank; ++i)
      if (!one_pass || !logical[i].reduced) sorted[next++] = logical[i];
    for (int i = 0; i < rank; ++i)
      if (one_pass && logical[i].reduced) sorted[next++] = logical[i];
  }
  plan.rank = rank;
  for (int i = 0; i < rank; ++i) {
    plan.shape[i] = sorted[i].extent;
    plan.strides[i] = sorted[i].stride;
  }

  // From the innermost reduced axes outwards: what was inner to them stays inner.
  int64_t inner = 1;
  for (int i = rank - 1; i >= 0;) {
    if (!sorted[i].reduced) {
      inner *= sorted[i--].extent;
      continue;
    }
    ReducePass pass{1, 1, inner};
    for (; i >= 0 && sorted[i].reduced; --i) pass.reduced *= sorted[i].extent;
    for (int j = 0; j <= i; ++j) pass.outer *= sorted[j].extent;
    plan.passes[plan.count++] = pass;
  }
  if (plan.count == 0)
    plan.passes[plan.count++] = one_pass ? ReducePass{inner, 1, 1} : ReducePass{1, 1, inner};
  return plan;
}

void pack_for_reduction(const ReducePlan& plan, const Array& x, char* packed) {
  switch (item_size(x.dtype)) {
    case 1:
      return pack_all<uint8_t>(plan, x, packed);
    case 4:
      return pack_all<uint32_t>(plan, x, packed);
    default:
      return pack_all<uint64_t>(plan, x, packed);
  }
}

}  // namespace fastnn
