// Tables for the kernels of kernels/pool.h: what each position of a result reads along an axis.
#pragma once

#include "kernels/pool.h"
#include "ops/tasks.h"
#include "ops/windows.h"

namespace fastnn {

// The windows of a call of pooling: those of windows_over whose padding is less than a window, so
// that none sees padding only unless by dilation.
Windows pooling_windows(const Call& call, int rank, const int64_t* in, const int64_t* size,
                        const Placement& placement);

// Bytes of scratch memory that the tables below take.
int64_t pool_scratch(const Windows& windows);

// From inputs to windows. cells: as far as a window lies inside the input, with `include_pad` the
// padding.
Pool forward_pool(const Windows& windows, int64_t channels, bool include_pad, char* scratch);

// From windows to inputs; the weights are one over the cells of a window.
Pool backward_pool(const Windows& windows, int64_t channels, bool include_pad, char* scratch);

// Calls body(row, rows) for the rows of a result, each reading `reads` numbers for one it writes.
template <class Body>
void for_pool_rows(const Pool& pool, int64_t batch, int64_t reads, Body&& body) {
  constexpr int64_t kTaskReads = 1 << 16;
  const int64_t row = pool.axis[2].extent * pool.channels;
  if (row == 0) return;
  for_pieces(batch * pool.axis[0].extent * pool.axis[1].extent,
             units_per_task(row * reads, kTaskReads), body);
}

}  // namespace fastnn
