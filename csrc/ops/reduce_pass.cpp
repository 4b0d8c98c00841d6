// One pass of a reduction: tasks cut by shape, and the same bits however they are cut.
//
// A long run is cut into groups of 2^k blocks: folding a group in pairs gives exactly the partial
// result that the unsplit fold would hold at that level.
#include <cstring>

#include "core/kernel_table.h"
#include "core/summation_order.h"
#include "core/thread_pool.h"
#include "ops/reduce.h"

namespace fastnn {
namespace {

constexpr int64_t kTaskElements = 1 << 15;   // worth handing to another thread
constexpr int64_t kSplitElements = 1 << 17;  // worth splitting a single run
constexpr int64_t kFewTasks = 8;
constexpr int64_t kMaxRowGroups = 64, kMaxColumnGroups = 16;
constexpr int64_t kChunk = 2048;  // columns of one task

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Rows of a group when rows are shared out, 0 when they are not. `block` of them, each of `width`
// elements, are the unit of the order of summation.
int64_t group_size(int64_t rows, int64_t width, int64_t block, int64_t most_groups) {
  if (rows * width < kSplitElements || rows < 2 * block) return 0;
  int64_t group = block;
  while (group * width < kTaskElements || ceil_div(rows, group) > most_groups) group *= 2;
  return group < rows ? group : 0;
}

int64_t row_group(const Folder& folder, const ReducePass& pass) {
  if (folder.whole_rows || pass.inner != 1 || pass.outer >= kFewTasks) return 0;
  return group_size(pass.reduced, 1, kDotBlock, kMaxRowGroups);
}

int64_t column_group(const ReducePass& pass) {
  if (pass.inner == 1 || pass.outer * ceil_div(pass.inner, kChunk) >= kFewTasks) return 0;
  return group_size(pass.reduced, pass.inner, kRowBlock, kMaxColumnGroups);
}

template <class Run>
void fold_groups(const Folder& folder, int64_t rows, int64_t group, int64_t n, char* partial,
                 char* y, Run&& run) {
  const int64_t groups = ceil_div(rows, group), bytes = n * item_size(folder.result);
  parallel_for(groups, [&](int64_t g) {
    const int64_t first = g * group, left = rows - first;
    run(first, left < group ? left : group, partial + g * bytes);
  });
  fold_in_pairs(folder, partial, groups, n);
  std::memcpy(y, partial, static_cast<size_t>(bytes));
}

void run_rows(const Folder& folder, int64_t item, const ReducePass& pass, const char* x, char* y) {
  const int64_t result_item = item_size(folder.result), n = pass.reduced;
  if (const int64_t group = row_group(folder, pass)) {
    alignas(8) char partial[kMaxRowGroups * 8];
    for (int64_t i = 0; i < pass.outer; ++i) {
      const char* row = x + i * n * item;
      fold_groups(folder, n, group, 1, partial, y + i * result_item,
                  [&](int64_t first, int64_t count, char* result) {
                    folder.rows(folder.op, row + first * item, 1, count, result);
                  });
    }
    return;
  }
  const int64_t many = n < kTaskElements ? kTaskElements / (n ? n : 1) : 1;
  parallel_for(ceil_div(pass.outer, many), [&](int64_t task) {
    const int64_t first = task * many, left = pass.outer - first;
    folder.rows(folder.op, x + first * n * item, left < many ? left : many, n,
                y + first * result_item);
  });
}

void run_columns(const Folder& folder, int64_t item, const ReducePass& pass, const char* x, char* y,
                 char* scratch) {
  const int64_t result_item = item_size(folder.result), width = pass.inner;
  if (const int64_t group = column_group(pass)) {
    for (int64_t i = 0; i < pass.outer; ++i) {
      const char* slab = x + i * pass.reduced * width * item;
      fold_groups(folder, pass.reduced, group, width, scratch, y + i * width * result_item,
                  [&](int64_t first, int64_t count, char* result) {
                    folder.columns(folder.op, slab + first * width * item, count, width, width,
                                   result);
                  });
    }
    return;
  }
  const int64_t chunks = ceil_div(width, kChunk), units = pass.outer * chunks;
  const int64_t elements = pass.reduced * (width < kChunk ? width : kChunk);
  const int64_t many = elements < kTaskElements ? kTaskElements / (elements ? elements : 1) : 1;
  parallel_for(ceil_div(units, many), [&](int64_t task) {
    const int64_t end = task * many + many < units ? task * many + many : units;
    for (int64_t unit = task * many; unit < end; ++unit) {
      const int64_t i = unit / chunks, j = unit % chunks * kChunk;
      folder.columns(folder.op, x + (i * pass.reduced * width + j) * item, pass.reduced, width,
                     width - j < kChunk ? width - j : kChunk, y + (i * width + j) * result_item);
    }
  });
}

}  // namespace

int64_t pass_scratch(const Folder& folder, const ReducePass& pass) {
  const int64_t group = column_group(pass);
  return group ? ceil_div(pass.reduced, group) * pass.inner * item_size(folder.result) : 0;
}

void run_pass(const Folder& folder, DType dtype, const ReducePass& pass, const char* x, char* y,
              char* scratch) {
  if (pass.inner == 1)
    run_rows(folder, item_size(dtype), pass, x, y);
  else
    run_columns(folder, item_size(dtype), pass, x, y, scratch);
}

void fold_in_pairs(const Folder& folder, char* results, int64_t count, int64_t n) {
  const int64_t bytes = n * item_size(folder.result);
  for (int64_t step = 1; step < count; step *= 2)
    for (int64_t i = 0; i + step < count; i += 2 * step)
      folder.merge(folder.op, results + i * bytes, results + (i + step) * bytes, n);
}

}  // namespace fastnn
