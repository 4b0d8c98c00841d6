// Visiting strided or broadcast operands in the row-major order of a result, tile by tile.
//
// A tile is a rectangle of the last two axes that lies contiguously in the result. An operand that
// lies contiguously there too is used in place; another is packed into a buffer, once for tiles
// that repeat it. So kernels see contiguous operands only.
#pragma once

#include "core/array.h"
#include "core/kernel_table.h"
#include "ops/tasks.h"

namespace fastnn {

// Elements a task should have, by shape alone: work that is not worth waking a thread.
constexpr int64_t kCheapGrain = 65536;   // additions and copies
constexpr int64_t kCostlyGrain = 32768;  // elementary functions

// Calls body(begin, end) over [0, n) in equal chunks of about `grain`, multiples of `unit`, in
// parallel.
template <class Body>
void for_each_chunk(int64_t n, int64_t grain, int64_t unit, Body&& body) {
  if (n <= grain) {
    if (n > 0) body(int64_t{0}, n);
    return;
  }
  const int64_t chunk = ceil_div(ceil_div(n, ceil_div(n, grain)), unit) * unit;
  for_pieces(n, chunk, [&](int64_t first, int64_t count) { body(first, first + count); });
}

struct StridedLoop {
  static constexpr int kMaxOperands = 3;
  static constexpr int64_t kTile = 1024;  // elements: three buffers of doubles stay in 32 KB

  int operands = 0, rank = 0;
  int64_t shape[kMaxRank];
  int64_t strides[kMaxOperands][kMaxRank];  // in elements
  const char* data[kMaxOperands];
  DType dtypes[kMaxOperands];
  int64_t tile_rows, tile_columns, row_tiles, column_tiles, tiles;

  // The result has `rank` axes; operands are broadcast to it.
  StridedLoop(int rank, const int64_t* shape, int operands, const Array* const* arrays,
              int64_t tile = kTile);
  // Into tiles of at most so many elements: several rows, if these are shorter.
  void cut(int64_t tile);

  struct Tile {
    int64_t begin, rows, columns;  // first element in the result
    const char* data[kMaxOperands];
  };
  Tile tile(int64_t index) const;
  int64_t columns() const { return rank < 1 ? 1 : shape[rank - 1]; }
  int64_t row_stride(int operand) const { return rank < 2 ? 0 : strides[operand][rank - 2]; }
  int64_t column_stride(int operand) const { return rank < 1 ? 0 : strides[operand][rank - 1]; }

  // Calls body(tile) for every tile, in parallel.
  template <class Body>
  void each(int64_t grain, Body&& body) const {
    for_each_chunk(tiles, tiles_per_task(grain), 1, [&](int64_t first, int64_t last) {
      for (int64_t index = first; index < last; ++index) body(tile(index));
    });
  }

  // Calls body(begin, n, pointers) for every tile, with contiguous operands, in parallel.
  template <class Body>
  void run(int64_t grain, Body&& body) const {
    for_each_chunk(tiles, tiles_per_task(grain), 1, [&](int64_t first, int64_t last) {
      Buffers buffers;
      for (int j = 0; j < operands; ++j) buffers.source[j] = nullptr;
      for (int64_t index = first; index < last; ++index) {
        const Tile at = tile(index);
        const char* pointers[kMaxOperands];
        for (int j = 0; j < operands; ++j) pointers[j] = contiguous(at, j, buffers);
        body(at.begin, at.rows * at.columns, pointers);
      }
    });
  }

 private:
  struct Buffers {
    alignas(64) char bytes[kMaxOperands][kTile * 8];
    const char* source[kMaxOperands];  // what the buffer holds, if it may be used again
    int64_t size[kMaxOperands];
  };
  const char* contiguous(const Tile& at, int operand, Buffers& buffers) const;
  int64_t tiles_per_task(int64_t grain) const;
};

}  // namespace fastnn
