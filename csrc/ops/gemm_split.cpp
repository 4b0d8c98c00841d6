// A long k over few results: groups of blocks of k are tasks with sums of their own, which are
// added in order (core/summation_order.h), so that there is work for every thread.
#include <algorithm>

#include "core/summation_order.h"
#include "ops/deal.h"
#include "ops/gemm_cut.h"
#include "ops/gemm_paths.h"
#include "ops/group_sums.h"

namespace fastnn {
namespace {

int64_t sum_bytes(const GemmProblem& g) { return aligned(g.m * g.n * item_size(g.dtype)); }

// Of the blocks of k, each group sums up so many; and how many groups that makes.
int64_t group_depth(const GemmProblem& g) {
  return ceil_div(ceil_div(g.k, kSumBlock), kSumGroups) * kSumBlock;
}
int64_t group_count(const GemmProblem& g) { return ceil_div(g.k, group_depth(g)); }

// The product over one group of k, alone, into memory whose rows have no gaps.
GemmProblem group_of(const GemmProblem& g, int64_t group, char* to) {
  GemmProblem part;
  part.dtype = g.dtype;
  part.m = g.m;
  part.n = g.n;
  const int64_t p = group * group_depth(g), element = item_size(g.dtype);
  part.k = std::min(g.k - p, group_depth(g));
  part.a = g.a + p * g.a_k * element;
  part.a_row = g.a_row;
  part.a_k = g.a_k;
  part.b = g.b + p * g.b_k * element;
  part.b_k = g.b_k;
  part.b_column = g.b_column;
  part.c = to;
  part.c_row = g.n;
  part.in_order = true;
  part.k_after = g.k - p - part.k;
  return part;
}

// Scratch memory for a group on one thread; the last one is shorter, and may go another way.
int64_t group_bytes(const GemmProblem& g) {
  const int64_t last = group_count(g) - 1;
  return aligned(std::max(gemm_scratch_bytes(group_of(g, 0, nullptr), 1),
                          gemm_scratch_bytes(group_of(g, last, nullptr), 1)));
}

}  // namespace

int64_t gemm_split_bytes(const GemmProblem& g, int64_t threads) {
  return group_count(g) * sum_bytes(g) + std::min(threads, group_count(g)) * group_bytes(g);
}

void run_gemm_split(const GemmProblem& g, int64_t threads, char* scratch, int64_t bytes) {
  const int64_t groups = group_count(g), sums = groups * sum_bytes(g), each = group_bytes(g);
  int64_t slots = std::min(threads, groups);
  if (each) slots = std::min(slots, (bytes - sums) / each);
  deal(slots, groups, 1, 1, [&](int64_t group, int64_t, int64_t slot, int64_t) {
    gemm(group_of(g, group, scratch + group * sum_bytes(g)), 1, scratch + sums + slot * each, each);
  });
  add_groups({g.dtype, g.c, g.m, g.n, g.c_row, scratch, sum_bytes(g), groups});
  GemmCut(g).finish();
}

}  // namespace fastnn
