// One pass of a reduction: tasks cut by shape, and the same bits however they are cut.
//
// A long run is cut into groups of 2^k blocks: folding a group in pairs gives exactly the partial
// result that the unsplit fold would hold at that level.
#include <cstring>

#include "core/kernel_table.h"
#include "core/summation_order.h"
#include "ops/reduce.h"
#include "ops/tasks.h"

namespace fastnn {
namespace {

constexpr int64_t kTaskElements = 1 << 15;   // worth handing to another thread
constexpr int64_t kSplitElements = 1 << 17;  // worth splitting a single run
constexpr int64_t kFewTasks = 8;
constexpr int64_t kMaxRowGroups = 64, kMaxColumnGroups = 16;
constexpr int64_t kChunk = 2048;  // columns of one task

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
  const int64_t bytes = n * item_size(folder.result);
  for_pieces(rows, group, [&](int64_t first, int64_t count) {
    run(first, count, partial + first / group * bytes);
  });
  fold_in_pairs(folder, partial, ceil_div(rows, group), n);
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
  for_pieces(pass.outer, units_per_task(n, kTaskElements), [&](int64_t first, int64_t count) {
    folder.rows(folder.op, x + first * n * item, count, n, y + first * result_item);
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
  for_columns(pass.outer, pass.reduced, width, kChunk, kTaskElements,
              [&](int64_t i, int64_t j, int64_t count) {
                folder.columns(folder.op, x + (i * pass.reduced * width + j) * item, pass.reduced,
                               width, count, y + (i * width + j) * result_item);
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
